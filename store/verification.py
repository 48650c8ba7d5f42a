"""Is the record what it was? The chain from end to end, and every approval held against it (`audit verify`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, Table, exists, func, select

from store import planting
from store import rows as approval_rows
from store.audit import GENESIS, SUMS, Head, body_of, hash_of, text_sum
from store.evidence import Line, against_digest, against_trail, kept_of, unknown
from store.seals import seal, sum_aside
from store.tables import approvals, audit, decisions, delegates, delegations, demotions, labels, standings
from store.unit import Unit

BESIDE_APPROVALS = (decisions, labels, demotions, delegations, delegates, standings)
Tell = Callable[[int], None]
MOST = 1000  # faults told one by one; of a database that is another one, every row is a fault
_CHUNK = 200
_STREAM = 1000
# A due row that cannot be handled is looked at again after five minutes; no honest row sleeps longer past its moment.
_LATEST = timedelta(minutes=10)


@dataclass
class Findings:
    """What a verification found: the chain's end, how many approvals were held against it (`tests` of reviewers are of them),
    and every fault in a line."""

    head: Head = field(default_factory=lambda: Head(-1, ""))
    approvals: int = 0
    tests: int = 0
    faults: list[str] = field(default_factory=list)
    left_out: int = 0

    def add(self, faults: Iterable[str]) -> None:
        """More faults, the first MOST of them one by one."""
        for fault in faults:
            if len(self.faults) < MOST:
                self.faults.append(fault)
            else:
                self.left_out += 1

    @property
    def told(self) -> list[str]:
        """The faults, and how many more there are."""
        return [*self.faults, *([f"and {self.left_out} more"] if self.left_out else [])]


def verify(unit: Unit, known: Iterable[Head] = (), tell: Tell = lambda done: None) -> Findings:
    """Walk the whole chain, and hold every approval and what is beside it against its rows; no fault means intact.

    `known` are ends seen before and kept outside the database: the chain must still pass through each of them. Reads in
    portions, whatever the size, and tells how many rows and approvals each had. Of a database that is written meanwhile
    it needs a snapshot (Database.snapshot).
    """
    findings = Findings()
    findings.head = _chain(unit, known, findings, tell)
    _approvals(unit, findings, tell)
    _without_approval(unit, findings)
    findings.tests = planting.count_tests(unit)
    return findings


def chain(unit: Unit, known: Iterable[Head] = ()) -> Findings:
    """The same of the chain alone: edited, deleted, reordered and cut rows."""
    findings = Findings()
    findings.head = _chain(unit, known, findings)
    return findings


def since(unit: Unit, mark: Head) -> list[str]:
    """What is wrong with the chain from a row that was noted to its end; empty where it still passes through and goes on."""
    query = select(audit).where(audit.c.seq >= mark.seq).order_by(audit.c.seq).execution_options(yield_per=_STREAM)
    expected, previous = mark.seq, ""
    for row in unit.execute(query):
        if row.seq != expected:
            break
        if row.seq == mark.seq:
            if row.hash != mark.hash:
                return [f"row {row.seq} is not the one that was kept as the end of the chain"]
        else:
            faults = list(_row_faults(row, previous))
            if faults:
                return faults
        expected, previous = row.seq + 1, row.hash
    else:
        return [] if expected > mark.seq else [f"the tail is cut: row {mark.seq} was there and is gone"]
    return [f"row {expected} is missing"]


def size(unit: Unit) -> int:
    """How much `verify` will tell of: rows of the trail, and approvals."""
    return sum(unit.execute(select(func.count()).select_from(table)).scalar_one() for table in (audit, approvals))


def _chain(unit: Unit, known: Iterable[Head], findings: Findings, tell: Tell = lambda done: None) -> Head:
    expected, previous = 0, GENESIS
    wanted = {mark.seq: mark.hash for mark in known}
    for row in unit.execute(select(audit).order_by(audit.c.seq).execution_options(yield_per=_STREAM)):
        if row.seq != expected:
            findings.add([f"row {expected} is missing: the next one is {row.seq}"])
        findings.add(_row_faults(row, previous))
        if row.seq in wanted and wanted.pop(row.seq) != row.hash:
            findings.add([f"row {row.seq} is not the one that was signed"])
        expected, previous = row.seq + 1, row.hash
        if expected % _STREAM == 0:
            tell(_STREAM)
    if expected == 0:
        findings.add(["the chain has no beginning"])
    findings.add(f"the tail is cut: row {seq} was there and is gone" for seq in wanted)
    return Head(expected - 1, previous)


def _row_faults(row: Any, previous: str) -> Iterator[str]:
    if row.prev_hash != previous:
        yield f"row {row.seq} does not follow the row before it"
    if row.hash != hash_of(row.prev_hash, row.seq, row.line):
        yield f"row {row.seq} was changed"
        return
    body = body_of(row.line)
    if body is None:
        yield f"row {row.seq} is no event"
    elif body.get("approval_id") != row.approval_id or body.get("session_id") != row.session_id:
        yield f"row {row.seq} is filed under another approval or session"
    else:
        yield from _text_faults(row, body)


def _text_faults(row: Any, body: Mapping[str, Any]) -> Iterator[str]:
    """What stands beside a line is what the line has the sums of. That all of it is gone is judged by its approval."""
    if row.texts is None:
        return
    found, sums = body_of(row.texts) or {}, body.get(SUMS)
    if {name: text_sum(value) for name, value in found.items()} != sums:
        yield f"row {row.seq} has other texts beside it than were recorded"


def _approvals(unit: Unit, findings: Findings, tell: Tell) -> None:
    last = ""
    while True:
        query = select(approvals.c.id).where(approvals.c.id > last).order_by(approvals.c.id).limit(_CHUNK)
        ids = list(unit.execute(query).scalars())
        if not ids:
            return
        last = ids[-1]
        findings.approvals += len(ids)
        try:
            faults = list(_portion(unit, ids))
        except approval_rows.UNREADABLE:
            faults = [fault for one in ids for fault in _alone(unit, one)]
        findings.add(faults)
        tell(len(ids))


def _alone(unit: Unit, approval_id: str) -> list[str]:
    try:
        return list(_portion(unit, [approval_id]))
    except approval_rows.UNREADABLE:
        return [f"approval {approval_id}: its row, or one beside it, cannot be read"]


def _portion(unit: Unit, ids: Sequence[str]) -> Iterator[str]:
    lines, beside = _lines(unit, ids), {table: _grouped(unit, table, ids) for table in BESIDE_APPROVALS}
    checkpoints = _checkpoints(unit, ids)
    for row in unit.execute(select(*approval_rows.columns).where(approvals.c.id.in_(ids))):
        about = lines[row.id]
        faults = (
            *_own_faults(unit, row, about),
            *_lost_texts(about),
            *_aside_faults({"checkpoint": checkpoints.get(row.id), "again": sum_aside(row.again)}, about),
            *_beside_faults({table: grouped[row.id] for table, grouped in beside.items()}, about),
        )
        yield from (f"approval {row.id}: {fault}" for fault in faults)


def _lines(unit: Unit, ids: Sequence[str]) -> Mapping[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    lost = audit.c.texts.is_(None).label("lost")
    query = select(audit.c.seq, audit.c.approval_id, audit.c.line, lost).where(audit.c.approval_id.in_(ids))
    for row in unit.execute(query.order_by(audit.c.seq)):
        body = body_of(row.line) or {}
        found[row.approval_id].append(Line(row.seq, body, lost=bool(row.lost) and SUMS in body))
    return found


def _grouped(unit: Unit, table: Table, ids: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in unit.execute(select(table).where(table.c.approval_id.in_(ids))):
        found[row.approval_id].append(row._asdict())
    return found


def _checkpoints(unit: Unit, ids: Sequence[str]) -> dict[str, str | None]:
    of, kept = approvals.c.id, approvals.c.checkpoint
    query: Select[Any] = select(of, kept).where(of.in_(ids), kept.is_not(None)).execution_options(yield_per=10)
    return {row.id: sum_aside(row.checkpoint) for row in unit.execute(query)}


def _own_faults(unit: Unit, row: Any, lines: Sequence[Line]) -> Iterator[str]:
    values = row._asdict()
    yield from against_trail(values, seal(values), lines, unit.now)
    missing = row.version - sum(line.moves for line in lines)
    if missing > 0:
        yield f"{missing} of its events have no row in the trail"
    approval = approval_rows.from_row(row)
    yield from against_digest(approval)
    due = approval.clock.wake_at
    if due is not None and (row.wake_at is None or row.wake_at > max(due, unit.now + _LATEST)):
        yield "its wake_at is later than the next of its moments"


def _lost_texts(lines: Sequence[Line]) -> Iterator[str]:
    """Texts are gone only where a later row says that they were removed, and then all of them are."""
    removed = max((line.seq for line in lines if line.body.get("event") == "texts_removed"), default=0)
    for line in lines:
        if line.lost and line.seq > removed:
            yield f"what row {line.seq} of the trail had beside it is gone"


def _aside_faults(sums: Mapping[str, str | None], lines: Sequence[Line]) -> Iterator[str]:
    """Columns with a sum of their own, which the trail has since it keeps sums."""
    if not any(line.row is not None and line.body.get("event") == "requested" for line in lines):
        return
    for name, found in sums.items():
        told = [line for line in lines if name in line.body]
        if (told[-1].body[name] if told else None) != found:
            yield f"its {name} is not what {f'row {told[-1].seq} of the trail' if told else 'the trail'} recorded"


def _beside_faults(beside: Mapping[Table, Sequence[Mapping[str, Any]]], lines: Sequence[Line]) -> Iterator[str]:
    kept = kept_of(lines)
    for table, found in beside.items():
        yield from unknown(table, found, kept, lines)
    for one, count in kept.items():
        if count > 0:
            yield f"a row of {one.partition(':')[0]} that the trail recorded is gone"


def _without_approval(unit: Unit, findings: Findings) -> None:
    for table in (audit, *BESIDE_APPROVALS):
        of = table.c.approval_id
        lost = ~exists().where(approvals.c.id == of)
        query = select(of).where(of.is_not(None), lost).distinct().execution_options(yield_per=_STREAM)
        where = "the trail tells of it" if table is audit else f"{table.name} tell of it"
        for ids in unit.execute(query).scalars().partitions(_CHUNK):
            lines = _lines(unit, ids)
            findings.add(f"approval {one} is gone: {where}" for one in ids if not _removed(lines[one]))


def _removed(lines: Sequence[Line]) -> bool:
    """Whether the trail says that an approval went by its age, after its texts had."""
    events = [line.body.get("event") for line in lines]
    return "approval_removed" in events and "texts_removed" in events
