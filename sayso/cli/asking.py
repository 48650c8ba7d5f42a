"""`sayso ask`: ask, print the id, and leave the waiting to somebody else."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sayso.cli import client, codes, params

if TYPE_CHECKING:
    from sayso.client import Sayso


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    params.add_request(parser)
    parser.add_argument("--json", action="store_true", help="print the whole approval")


def run(args: argparse.Namespace) -> int:
    """Ask once."""

    def work(asking: Sayso) -> int:
        asked = asking.ask(
            args.action, params.read_params(args.param), reason=args.reason, step=args.step, **params.details(args)
        )
        client.show(asked, as_json=args.json, line=asked.id)
        return codes.OK

    return client.with_client(work)
