"""`python -m bot audit verify | export | report SESSION`."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.cli import progress
from bot.render import corrections, session_report
from bot.server import audit_anchor
from bot.server.open_database import last_known, open_database
from bot.server.policybook import load_manifest_of
from bot.server.workspace import loaded
from bot.service import tested
from policies.errors import NotFound
from store import approvals, audit, planting, verification
from store.engine import Database
from store.unit import Unit


def add_parser(commands: Any) -> None:
    """Add the audit commands."""
    verbs = commands.add_parser("audit", help="the audit trail").add_subparsers(required=True, metavar="VERB")
    verify = verbs.add_parser("verify", help="walk the chain: exit 1 where a row was edited, deleted, moved or cut")
    verify.set_defaults(run=_verify)
    export = verbs.add_parser("export", help="the trail as JSON lines")
    export.add_argument(
        "--corrections", action="store_true", help="only edits, rejections and take-overs, as examples for the agent"
    )
    start = export.add_mutually_exclusive_group()
    start.add_argument(
        "--since", metavar="CURSOR", type=_cursor, help="only what is new: the cursor that the last export ended with"
    )
    start.add_argument("--after", metavar="SEQ", dest="since", type=_cursor, help="the same by a row's number alone")
    export.set_defaults(run=_export)
    tests = verbs.add_parser("tests", help="tests of reviewers: which wait, and how they ended")
    tests.set_defaults(run=_tests)
    accept = verbs.add_parser("accept", help="keep the chain's present end after a restore; recorded in the trail")
    accept.add_argument("why", metavar="WHY", help="why the history is right as it is")
    accept.set_defaults(run=_accept)
    report = verbs.add_parser("report", help="what happened in one session, to read")
    report.add_argument("session")
    report.add_argument(
        "--html", action="store_true", help="one page to hand to an auditor: who, what they saw, which policy"
    )
    report.set_defaults(run=_report)


def _verify(arguments: argparse.Namespace) -> int:
    settings = loaded()
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
        tests = f", {found.tests} of them tests of reviewers" if found.tests else ""
        size, took = f"{found.head.seq} rows of {found.approvals} approvals{tests}", time.monotonic() - begun
        print(f"intact: {size} in {took:.1f} s, head {found.head.hash}{marked}")
    return 1 if faults else 0


def _tests(arguments: argparse.Namespace) -> int:
    settings = loaded()
    database, manifest = open_database(settings), load_manifest_of(settings)
    waiting, found = database.read(lambda unit: (planting.waiting_tests(unit), tested.figures(unit, manifest)))
    for approval_id, action, _ in waiting:
        print(f"waits: {approval_id} {action}")
    for line in tested.in_words(found, str):
        print(line)
    return 0


def _accept(arguments: argparse.Namespace) -> int:
    settings = loaded()
    end = audit_anchor.accept(settings, open_database(settings), arguments.why)
    print(f"accepted: the end of the chain is kept at row {end.seq}")
    return 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far somebody has read: a row's number, and the beginning of its hash, which tells one history from another."""

    seq: int
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.seq}-{self.mark}"


_MARK = 16  # hex digits of a hash
_PAGE = 250  # rows read at a time: some are long


def _cursor(text: str) -> Cursor:
    found = re.fullmatch(rf"([0-9]{{1,18}})(?:-([0-9a-f]{{{_MARK}}}))?", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError("must be a row's number, or the cursor that an export ended with")
    return Cursor(int(found[1]), found[2] or "")


def _export(arguments: argparse.Namespace) -> int:
    database = open_database(loaded())
    since: Cursor = arguments.since or Cursor(0)
    end = database.read(audit.head)
    _require_known(database.read(lambda unit: audit.hash_at(unit, since.seq)), since)
    with progress.shown("exporting", end.seq - since.seq) as tell:
        # Rows are numbered without a gap, in the order of their commits: page after page misses none, and holds up nobody.
        for first in range(since.seq, end.seq, _PAGE):
            page = database.read(partial(_page, after=first, through=min(first + _PAGE, end.seq)))
            for line in _corrections(database, page) if arguments.corrections else page:
                sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")
            tell(len(page))
    sys.stdout.flush()
    print(f"cursor {Cursor(end.seq, end.hash[:_MARK])}", file=sys.stderr)
    return 0


def _corrections(database: Database, page: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What people corrected in these rows, as the policies of the requests let it be shown."""
    told = [line for line in page if line["event"] in corrections.KINDS and "removed" not in line]
    found = database.read(lambda unit: approvals.several(unit, sorted({line["approval_id"] for line in told})))
    return [corrections.correction(line, found[line["approval_id"]]) for line in told]


def _page(unit: Unit, after: int, through: int) -> list[dict[str, Any]]:
    return list(audit.lines(unit, after=after, through=through))


def _require_known(found: str | None, since: Cursor) -> None:
    """Raise NotFound where the history is not the one that was read: whoever goes on would miss rows without a word."""
    if found is None:
        raise NotFound(f"--since: there is no row {since.seq}: was an older backup restored?", field="--since")
    if not found.startswith(since.mark):
        raise NotFound(f"--since: row {since.seq} is another one now: was a backup restored?", field="--since")


def _report(arguments: argparse.Namespace) -> int:
    database = open_database(loaded())
    found = database.read(lambda unit: list(audit.lines(unit, session_id=arguments.session)))
    if not found:
        raise NotFound(f"nothing is recorded for session {arguments.session!r}", field="SESSION")
    if arguments.html:
        sys.stdout.write(database.read(partial(_as_page, arguments.session, found)) + "\n")
        return 0
    print(f"Session {arguments.session}: {len(found)} events")
    for line in found:
        print(f"{line['at']}  {line['event']:<15} {line['action'] or '-'}  by {line['actor']}{_outcome(line)}")
    return 0


def _as_page(session: str, trail: list[dict[str, Any]], unit: Unit) -> str:
    ids = sorted({line["approval_id"] for line in trail if line["approval_id"]})
    # Their policies are large: so many at a time as a database takes in one question.
    known = {
        key: one
        for at in range(0, len(ids), _PAGE)
        for key, one in approvals.several(unit, ids[at : at + _PAGE]).items()
    }
    return session_report.page(session, trail, known, last_known(unit).name)


def _outcome(line: dict[str, Any]) -> str:
    decision = f" -> {line['decision']}" if line["decision"] else ""
    rationale = f" ({line['rationale']})" if line["rationale"] else ""
    took = f" after {line['latency_ms'] / 1000:.1f} s" if line["latency_ms"] else ""
    return ascii(f"{decision}{took}{rationale}")[1:-1]
