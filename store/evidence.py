"""An approval held against the trail: whether its row is what the last audit row about it recorded (docs/rules.md: I7)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, Text, bindparam, cast, func, literal_column, select

from policies.approval import Approval, digest_of_approval
from policies.digest import rfc3339
from policies.errors import NotFound, Tampered
from policies.lifecycle import states_by_event
from store import approvals as stored
from store.audit import SUMS, body_of, hash_of, moves, text_sum
from store.seals import sum_of
from store.tables import agents, approvals, audit, decisions
from store.types import json_list
from store.unit import Unit

# What an audit row says of its approval in so many words; of the rest it holds the sum.
_SAID = ("digest", "agent", "action", "session_id", "level", "policy_version")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the trail about an approval."""

    seq: int
    body: Mapping[str, Any]
    lost: bool = False  # what stood beside it is not there

    @property
    def moves(self) -> bool:
        """Whether it witnesses that its approval moved on."""
        return moves(str(self.body.get("event")), self.body)

    @property
    def row(self) -> Mapping[str, Any] | None:
        """What it keeps of the approval's row: its seal, or nothing where a later row of the same moment has it.

        None where an older version wrote it.
        """
        row = self.body.get("row")
        return row if isinstance(row, dict) else None

    @property
    def kept(self) -> list[str]:
        """The sums of what was put beside the approval."""
        return self._sums("kept")

    @property
    def dropped(self) -> list[str]:
        """The sums of what stood beside it and became something else: somebody changed their mind."""
        return self._sums("dropped")

    def _sums(self, name: str) -> list[str]:
        sums = self.body.get(name)
        return [str(one) for one in sums] if isinstance(sums, list) else []


@dataclass(frozen=True, slots=True)
class Witnessed:
    """An approval, what the trail said of it and whether its agent was revoked, all of the moment at which it was read."""

    approval: Approval
    agent_revoked: bool
    trail: str | None
    end: int | None


class _Row(NamedTuple):
    """A row of the trail, and of the one after it what it says of this one; `end` is the last row's number."""

    seq: int
    line: str
    prev_hash: str
    hash: str
    followed_by: str | None
    end: int | None


def witnessed(unit: Unit, approval_id: str, *, agent_id: str | None = None) -> Witnessed:
    """As `approvals.load`, and with it what `holds` asks for: one round trip. Raises NotFound."""
    found = stored.load_with(unit, approval_id, _beside, agent_id=agent_id)
    if found is None:
        raise NotFound()
    approval, row = found
    return Witnessed(approval, bool(row.agent_revoked), row.trail, row.trail_end)


def holds(unit: Unit, found: Witnessed) -> bool:
    """True where this approval, as this unit has read it, is what the trail recorded; raises Tampered where it is not.

    False where it moved on since it was read: then whoever asks looks again. That can only be where it has votes, which
    are rows of their own: then the trail is read once more, behind them.
    """
    approval = found.approval
    # Before the trail: what is put beside an approval after that makes a later version of it, which shows below.
    beside = _decisions(unit, approval) if approval.votes else None
    rows = _rows_of(found) if beside is None else unit.execute(_rows_about, {"_id": approval.id}).all()
    if beside is not None and rows and rows[0].version != approval.version:
        return False
    values, lines = unit.seals.row(approval.id), list(_whole(rows))
    assert values is not None, "whoever loads an approval has its row"
    for fault in (
        *against_trail(values, unit.seals.sum(approval.id), lines, unit.now),
        *against_digest(approval),
        *(() if beside is None else unknown(decisions, beside, kept_of(lines), lines)),
    ):
        raise Tampered(what=fault)
    return True


def _rows_of(found: Witnessed) -> list[Any]:
    texts = found.trail.split("\n") if found.trail else []
    rows = [_Row._make([*json.loads(text), found.end]) for text in texts]
    return sorted(rows, key=lambda row: row.seq)


_BREAK: ColumnElement[str] = literal_column("'\n'", Text())  # in the statement itself, which is prepared
_next = audit.alias("following")
_end = select(func.max(audit.alias("every").c.seq)).scalar_subquery()
_about = audit.outerjoin(_next, _next.c.seq == audit.c.seq + 1)
# As texts, whatever somebody put there instead: SQLite makes no JSON of anything else.
_told = (audit.c.seq, *(cast(one, Text) for one in (audit.c.line, audit.c.prev_hash, audit.c.hash, _next.c.prev_hash)))
_beside: tuple[ColumnElement[Any], ...] = (
    select(agents.c.revoked_at.is_not(None))
    .where(agents.c.id == approvals.c.agent_id)
    .scalar_subquery()
    .label("agent_revoked"),
    select(func.aggregate_strings(json_list(*_told), _BREAK))  # type: ignore[arg-type]
    .select_from(_about)
    .where(audit.c.approval_id == approvals.c.id)
    .scalar_subquery()
    .label("trail"),
    _end.label("trail_end"),
)
_rows_about: Select[Any] = (
    select(
        audit.c.seq,
        audit.c.line,
        audit.c.prev_hash,
        audit.c.hash,
        _next.c.prev_hash.label("followed_by"),
        _end.label("end"),
        # Of the same moment as these rows: what was committed since the approval was read shows here.
        select(approvals.c.version).where(approvals.c.id == bindparam("_id")).scalar_subquery().label("version"),
    )
    .select_from(_about)
    .where(audit.c.approval_id == bindparam("_id"))
    .order_by(audit.c.seq)
)


def _whole(rows: Iterable[Any]) -> Iterable[Line]:
    """The rows as lines; Tampered where one was changed, or the one after it does not follow it."""
    for row in rows:
        body = body_of(row.line)
        fits = row.hash == hash_of(row.prev_hash, row.seq, row.line)
        followed = row.followed_by == row.hash if row.followed_by is not None else row.seq == row.end
        if body is None or not fits or not followed:
            raise Tampered(what=f"row {row.seq} of the trail, which tells of it, does not fit the chain")
        yield Line(row.seq, body)


def against_trail(values: Mapping[str, Any], found: str, lines: Sequence[Line], now: datetime) -> list[str]:
    """What of an approval's row is not as the trail has it, in words.

    `found` is the row's sum, and `lines` are all rows about it, in order.
    """
    sealed: Line | None = None
    loose: Line | None = None
    faults: list[str] = []
    for line in lines:
        if line.row is None:
            loose = line if line.moves else loose
        elif "seal" in line.row:
            if (
                sealed is not None
                and sealed.row is not None
                and loose is None
                and line.row.get("was") != sealed.row["seal"]
            ):
                faults.append(f"it was changed between rows {sealed.seq} and {line.seq} of the trail")
            sealed, loose = line, None
    if loose is not None:
        return faults + _against_words(values, loose)
    if sealed is None or sealed.row is None:
        return [*faults, "no row of the trail tells of it"]
    if found != sealed.row["seal"]:
        faults.append(_different(values, sealed))
    return faults + _against_undo(values, sealed, now)


def _against_undo(values: Mapping[str, Any], line: Line, now: datetime) -> list[str]:
    """The sweep ends an undo window that is over, without a row; nothing else may change it."""
    assert line.row is not None
    told, stored = line.row.get("undo_until"), values.get("clock_undo_until")
    if stored is None and (told is None or str(told) <= rfc3339(now)):
        return []
    same = stored is not None and rfc3339(stored) == told
    return [] if same else [f"its clock_undo_until is not what row {line.seq} of the trail recorded"]


def _different(values: Mapping[str, Any], line: Line) -> str:
    row = line.row or {}
    names = [name for name in ("state", "version") if values.get(name) != row.get(name)]
    names += _words_that_differ(values, line)
    what = f"its {' and '.join(names)}" if names else "something of it"
    return f"{what} {'are' if len(names) > 1 else 'is'} not what row {line.seq} of the trail recorded"


def _words_that_differ(values: Mapping[str, Any], line: Line) -> list[str]:
    names = [name for name in _SAID if name in line.body and values.get(name) != line.body[name]]
    if values.get("removed_at") is None and not _same_params(_parsed(values.get("params")), line.body):
        names.append("params")
    return names


def _same_params(found: Any, body: Mapping[str, Any]) -> bool:
    """Whether these are the parameters that a row of the trail says, or has the sum of."""
    sums = body.get(SUMS)
    if isinstance(sums, dict) and "params" in sums:
        return bool(text_sum(found) == sums["params"])
    return body.get("params") is None or bool(found == body["params"])


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None


def _against_words(values: Mapping[str, Any], line: Line) -> list[str]:
    """The same for a row that keeps no sums: an older version wrote it."""
    names = _words_that_differ(values, line)
    if values.get("state") not in _states_after(str(line.body.get("event")), values):
        names.append("state")
    return [f"its {name} is not what row {line.seq} of the trail recorded" for name in names]


def _states_after(event: str, values: Mapping[str, Any]) -> frozenset[str]:
    if event == "requested":
        return frozenset({_BY_ROUTE.get(str(values.get("route")), "")})
    # Reminders, turns and ends of what is done after the fact: a review, a roll-back.
    later = _AFTERWARDS if event in ("reminded", "reassigned", "timeout", "labelled") else frozenset()
    return states_by_event().get(event, frozenset()) | later


_BY_ROUTE = {"ask": "pending", "auto": "approved", "deny": "denied", "block": "blocked"}
_AFTERWARDS = frozenset({"claimed", "succeeded", "failed", "outcome_unknown", "cancelled"})


def against_digest(approval: Approval) -> list[str]:
    """Whether what the approval now holds is what its digest was made of."""
    if approval.removed_at is not None or digest_of_approval(approval) == approval.digest:
        return []
    return ["its digest is not that of its agent, action, parameters, kind, policy version and expiry"]


def _decisions(unit: Unit, approval: Approval) -> list[Mapping[str, Any]]:
    try:
        rows = unit.execute(select(decisions).where(decisions.c.approval_id == approval.id)).all()
    except (ValueError, TypeError):
        raise Tampered(what="a row of its decisions cannot be read") from None
    return [row._asdict() for row in rows]


def beside_holds(unit: Unit, approval_id: str, table: Table, row: Mapping[str, Any]) -> None:
    """Raise Tampered where a row beside an approval is not what the trail recorded, or the trail of it is not whole."""
    lines = list(_whole(unit.execute(_rows_about, {"_id": approval_id}).all()))
    for fault in unknown(table, [row], kept_of(lines), lines):
        raise Tampered(what=fault)


def kept_of(lines: Iterable[Line]) -> Counter[str]:
    """The sums of everything that the trail says stands beside an approval: what was added, less what took its place."""
    kept: Counter[str] = Counter()
    for line in lines:
        kept.update(line.kept)
        kept.subtract(line.dropped)
    return kept


def unknown(table: Table, rows: Iterable[Mapping[str, Any]], kept: Counter[str], lines: Sequence[Line]) -> list[str]:
    """Those of `rows` about one approval of which its trail does not know; those that it does know are taken off `kept`."""
    faults = []
    for row in rows:
        found = sum_of(table.name, row)
        if kept[found] > 0:
            kept[found] -= 1
        elif not any(_said_by_older(row, line) for line in lines):
            who = f" by {row['by']}" if "by" in row else ""
            faults.append(f"the trail does not know a row of {table.name}{who} as it stands")
    return faults


# What an older version never wrote, or wrote about no row beside the approval.
_NEVER_OLDER = ("refused", "gate_presented", "standing_given", "standing_used", "standing_ended")


def _said_by_older(row: Mapping[str, Any], line: Line) -> bool:
    """Whether this is the audit row of an older version, which kept no sums, to a row beside the approval."""
    if line.row is not None or line.kept or line.body.get("event") in _NEVER_OLDER:
        return False
    said = {"at": rfc3339(row["at"]), "actor": row.get("by"), "digest": row.get("digest"), "decision": row.get("label")}
    return all(value is None or line.body.get(name) == value for name, value in said.items())
