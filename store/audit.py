"""The audit trail: append-only, gap-free, each row chained to the one before by SHA-256 (docs/rules.md: F1)."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Connection, Text, bindparam, cast, func, insert, literal, select

from policies.digest import canonical, fingerprint, rfc3339
from store.prepared import prepared, send
from store.tables import audit

if TYPE_CHECKING:
    from policies.approval import Approval
    from store.unit import Unit

log = logging.getLogger("sayso.trail")
GENESIS = "0" * 64
# What is recorded of an approval without moving it on, or beside the `requested` that made it.
BESIDE = frozenset(
    {
        "gate_presented",
        "refused",
        "labelled",
        "delegated",
        "undelegated",
        "auto_proceeded",
        "notified",
        "denied",
        "blocked",
        "standing_given",
        "standing_used",
        "standing_ended",
        "texts_removed",
        "approval_removed",
    }
)
KEYS = (
    "seq",
    "at",
    "event",
    "approval_id",
    "session_id",
    "agent",
    "action",
    "params",
    "digest",
    "actor",
    "decision",
    "rationale",
    "confidence",
    "level",
    "policy_version",
    "latency_ms",
    "prev_hash",
    "hash",
)


# The sums of what stands beside the line, by name.
SUMS = "sums"
# What says who did what and when, and of what it was: everything else of an approval's row stands beside the line.
_STAYS = frozenset(KEYS) - {"params", "rationale"} | {
    "row",
    "kept",
    "dropped",
    "checkpoint",
    "again",
    "moved",
    "team",
    "demoted_to",
    "standing",
    "use",
    "uses",
    "spent_usd",
    "given_by",
    "until",
    "delegation",
    "params_sha256",
    "params_bytes",
    "removed",
    "planted",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `actor` is a Slack user id, "policy", "agent:NAME" or "system"."""

    event: str
    at: datetime
    actor: str
    approval_id: str | None = None
    session_id: str | None = None
    agent: str | None = None
    action: str | None = None
    params: Any = None
    digest: str | None = None
    decision: str | None = None
    rationale: str | None = None
    confidence: float | None = None
    level: str | None = None
    policy_version: str | None = None
    latency_ms: int | None = None
    trace: str | None = None  # for the log, not for the trail
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        """Whether it witnesses that its approval moved on; a label that did says so itself."""
        return moves(self.event, self.extra)

    def body(self) -> dict[str, Any]:
        """Everything that it says, without its place in the chain."""
        names = [key for key in KEYS if key not in ("seq", "prev_hash", "hash")]
        return {name: getattr(self, name) for name in names} | {"at": rfc3339(self.at)} | self.extra

    def written(self) -> tuple[str, str | None]:
        """The row's line in canonical JSON, and what agents and people wrote of an approval, of which the line has the sums.

        The chain is made of lines alone: a text may go, and what was in it stays provable to whoever still has it.
        """
        body = self.body()
        texts = {name: value for name, value in body.items() if value is not None and name not in _STAYS}
        if self.approval_id is None or not texts:
            return canonical(body), None
        line = {name: None if name in KEYS else value for name, value in body.items() if name in KEYS or name in _STAYS}
        line |= {name: body[name] for name in line.keys() & _STAYS}
        return canonical(line | {SUMS: {name: text_sum(value) for name, value in texts.items()}}), canonical(texts)


def text_sum(value: Any) -> str:
    """What the line keeps of a text that stands beside it."""
    return fingerprint(value)


def moves(event: str, body: Mapping[str, Any]) -> bool:
    """Whether a row of this event, which says this, witnesses that its approval moved on."""
    return event not in BESIDE or body.get("moved") is True


def entry_of(approval: Approval, event: str, at: datetime, actor: str, **more: Any) -> Entry:
    """An entry about `approval`, with everything the trail repeats of it; of a test of its reviewer, that it is one."""
    if approval.planted is not None:
        more["extra"] = {**more.get("extra", {}), "planted": True}
    return Entry(
        event=event,
        at=at,
        actor=actor,
        approval_id=approval.id,
        session_id=approval.request.session_id,
        agent=approval.agent,
        action=approval.action,
        params=more.pop("params", approval.params),
        digest=approval.digest,
        confidence=approval.request.effective_confidence,
        level=approval.level.value if approval.level else None,
        policy_version=approval.policy_version,
        trace=approval.trace,
        **more,
    )


_last = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1).subquery("last")
_line = bindparam("line", type_=Text)
_append = insert(audit).from_select(
    ["seq", "approval_id", "session_id", "line", "prev_hash", "hash", "texts"],
    select(
        _last.c.seq + 1,
        bindparam("approval_id", type_=Text),
        bindparam("session_id", type_=Text),
        _line,
        _last.c.hash,
        func.sayso_sha256(_last.c.hash + literal("\n") + cast(_last.c.seq + 1, Text) + literal("\n") + _line),
        bindparam("texts", type_=Text),
    ),
)
_texts = ARRAY(Text)
_append_all = select(
    func.sayso_append_audit(
        bindparam("approval_ids", type_=_texts),
        bindparam("session_ids", type_=_texts),
        # Lines hold no line break (JSON escapes it). As an array, each of their many quotes would be escaped on its own.
        func.string_to_array(bindparam("lines", type_=Text), literal("\n")),
        func.string_to_array(bindparam("texts", type_=Text), literal("\n"), literal("")),
    ),
    cast(func.pg_current_xact_id(), Text),
)


def append(connection: Connection, entries: Sequence[Entry]) -> str | None:
    """Add rows at the end of the chain; the last statements of a transaction, in order.

    Gives the transaction's name where the database has one, by which a lost answer to COMMIT can be asked for again.
    """
    if not entries:
        return None
    if connection.dialect.name == "postgresql":
        # One chain, one lock: taken and used within one call, because every commit has to pass here.
        appending = prepared(connection.dialect, _append_all)
        return str(send(connection, appending.sql, appending.sent(arrays(entries))).fetchone()[1])
    appending = prepared(connection.dialect, _append)
    for entry in entries:
        send(connection, appending.sql, appending.sent(_row(entry)))
    return None


def arrays(entries: Sequence[Entry]) -> dict[str, Any]:
    """The rows as PostgreSQL's `sayso_append_audit` is given them."""
    rows = [_row(entry) for entry in entries]
    return {
        "approval_ids": [row["approval_id"] for row in rows],
        "session_ids": [row["session_id"] for row in rows],
        "lines": "\n".join(str(row["line"]) for row in rows),
        "texts": "\n".join(row["texts"] or "" for row in rows),
    }


def log_lines(entries: Sequence[Entry]) -> None:
    """A log line for each thing that happened, once it is durable."""
    for one in entries:
        about = {"approval_id": one.approval_id, "trace": one.trace}
        log.info("%s %s by %s", one.approval_id or one.session_id or "-", one.event, one.actor, extra=about)


def _row(entry: Entry) -> dict[str, str | None]:
    line, texts = entry.written()
    return {"approval_id": entry.approval_id, "session_id": entry.session_id, "line": line, "texts": texts}


def lines(
    unit: Unit,
    *,
    approval_id: str | None = None,
    session_id: str | None = None,
    after: int = 0,
    through: int | None = None,
) -> Iterator[dict[str, Any]]:
    """The trail in order, behind the row `after`, each row as one JSON object with the contract's keys first."""
    query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq)
    if through is not None:
        query = query.where(audit.c.seq <= through)
    if approval_id is not None:
        query = query.where(audit.c.approval_id == approval_id)
    if session_id is not None:
        query = query.where(audit.c.session_id == session_id)
    for row in unit.execute(query.execution_options(yield_per=1000)):
        body = json.loads(row.line)
        if SUMS in body:
            body |= json.loads(row.texts) if row.texts else {"removed": sorted(body[SUMS])}
        whole = body | {"seq": row.seq, "prev_hash": row.prev_hash, "hash": row.hash}
        yield {key: whole.pop(key, None) for key in KEYS} | whole


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many rows, and the hash of the last."""

    seq: int
    hash: str


def head(unit: Unit) -> Head:
    """The chain's present end."""
    row = unit.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).one_or_none()
    return Head(row.seq, row.hash) if row else Head(-1, "")


def hash_at(unit: Unit, seq: int) -> str | None:
    """The hash of a row; None where there is none."""
    found: str | None = unit.execute(select(audit.c.hash).where(audit.c.seq == seq)).scalar_one_or_none()
    return found


def first_hash(unit: Unit) -> str | None:
    """What tells one chain from another: its first row. None while there is none."""
    return hash_at(unit, 1)


def hash_of(previous: str, seq: int, line: str) -> str:
    """A row's hash: of its place and of the row before it too."""
    return hashlib.sha256(f"{previous}\n{seq}\n{line}".encode()).hexdigest()


def body_of(line: str) -> dict[str, Any] | None:
    """A row's event; None where it cannot be read as one, which only tampering does."""
    try:
        body = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
