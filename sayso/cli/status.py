"""`sayso status`: how an approval stands, without waiting."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sayso.cli import client, codes

if TYPE_CHECKING:
    from sayso.client import Sayso


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("id", metavar="ID", help="the approval's id")
    parser.add_argument("--json", action="store_true", help="print the whole approval")


def run(args: argparse.Namespace) -> int:
    """Print the state, and what it means for whoever asked."""

    def work(asking: Sayso) -> int:
        found = asking.get(args.id)
        client.show(found, as_json=args.json, line=found.state)
        if found.feedback:
            client.tell(found.feedback)
        return codes.OK

    return client.with_client(work)
