"""`python -m bot audit verify | export | report SESSION`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from bot.cli import progress
from bot.server import audit_anchor
from bot.server.open_database import open_database
from bot.settings import load_settings
from policies.errors import NotFound
from store import audit, learning, verification
from store.unit import Unit


def add_parser(commands: Any) -> None:
    """Add the audit commands."""
    verbs = commands.add_parser("audit", help="the audit trail").add_subparsers(required=True, metavar="VERB")
    verify = verbs.add_parser("verify", help="walk the chain: exit 1 where a row was edited, deleted, moved or cut")
    verify.set_defaults(run=_verify)
    export = verbs.add_parser("export", help="the trail as JSON lines")
    export.add_argument(
        "--corrections", action="store_true", help="only edits and rejections, as examples for the agent"
    )
    export.set_defaults(run=_export)
    accept = verbs.add_parser("accept", help="keep the chain's present end after a restore; recorded in the trail")
    accept.add_argument("why", metavar="WHY", help="why the history is right as it is")
    accept.set_defaults(run=_accept)
    report = verbs.add_parser("report", help="what happened in one session, to read")
    report.add_argument("session")
    report.set_defaults(run=_report)


def _verify(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    database = open_database(settings)
    known, faults = audit_anchor.known(settings, database)
    if settings.audit_key is None:
        print(audit_anchor.UNSIGNED, file=sys.stderr)
    begun = time.monotonic()
    with progress.shown("verifying", database.read(verification.size)) as tell:
        found = database.snapshot(lambda unit: verification.verify(unit, known, tell))
    faults += found.told
    for fault in faults:
        print(fault)
    if not faults:
        marked = f", through the end marked at row {known[0].seq}" if known else ", no end was marked yet"
        size, took = f"{found.head.seq} rows of {found.approvals} approvals", time.monotonic() - begun
        print(f"intact: {size} in {took:.1f} s, head {found.head.hash}{marked}")
    return 1 if faults else 0


def _accept(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    end = audit_anchor.accept(settings, open_database(settings), arguments.why)
    print(f"accepted: the end of the chain is kept at row {end.seq}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    def write(unit: Unit) -> None:
        for line in learning.corrections(unit) if arguments.corrections else audit.lines(unit):
            sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")

    open_database(load_settings()).read(write)
    return 0


def _report(arguments: argparse.Namespace) -> int:
    database = open_database(load_settings())
    found = database.read(lambda unit: list(audit.lines(unit, session_id=arguments.session)))
    if not found:
        raise NotFound(f"nothing is recorded for session {arguments.session!r}", field="SESSION")
    print(f"Session {arguments.session}: {len(found)} events")
    for line in found:
        print(f"{line['at']}  {line['event']:<15} {line['action'] or '-'}  by {line['actor']}{_outcome(line)}")
    return 0


def _outcome(line: dict[str, Any]) -> str:
    decision = f" -> {line['decision']}" if line["decision"] else ""
    rationale = f" ({line['rationale']})" if line["rationale"] else ""
    took = f" after {line['latency_ms'] / 1000:.1f} s" if line["latency_ms"] else ""
    return ascii(f"{decision}{took}{rationale}")[1:-1]
