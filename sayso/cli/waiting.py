"""`sayso wait`: until it is decided."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sayso.cli import client, codes

if TYPE_CHECKING:
    from sayso.client import Sayso


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("id", metavar="ID", help="the approval's id, as `sayso ask` printed it")
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="how long at most (default: however long it takes)"
    )
    parser.add_argument(
        "--answer", default=client.CANNOT_ANSWER, metavar="TEXT", help="what a reviewer who asks is told"
    )
    parser.add_argument("--json", action="store_true", help="print the whole approval")


def run(args: argparse.Namespace) -> int:
    """0 where it was granted, 126 where it was refused, 124 where nobody has decided in time."""

    def work(asking: Sayso) -> int:
        from sayso.errors import refusal

        decided = asking.wait(args.id, args.timeout, on_info_request=client.answered(args.answer))
        client.show(decided, as_json=args.json, line=decided.state)
        refused = refusal(decided)
        if refused is not None:
            client.tell(str(refused))
            return codes.REFUSED
        return codes.OK

    return client.with_client(work)
