"""Standing approvals as rows: given once, ended once, and counted by the approvals that they let run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, insert, select, update

from policies.approval import Approval
from policies.errors import Tampered
from policies.standing import Free, Same, Sort, Standing
from store import approvals, evidence
from store.duplicates import DuplicateStanding, told_as
from store.rows import MICROS, UNREADABLE
from store.tables import approvals as uses
from store.tables import standings
from store.unit import Unit


def add(unit: Unit, one: Standing) -> None:
    """Keep a new one; raises DuplicateStanding where its approval has one. The trail's row about that holds its sum."""
    values = {
        "id": one.id,
        "approval_id": one.approval_id,
        "agent_id": one.agent_id,
        "action": one.action,
        "terms": terms_of(one),
        "by": one.by,
        "at": one.at,
        "until": one.until,
    }
    with told_as(DuplicateStanding, "uq_standings_approval", "standings.approval_id"):
        unit.execute(insert(standings), values)
    unit.seals.beside(standings, [values])


def terms_of(one: Standing) -> dict[str, Any]:
    """What it covers, as JSON: all that was said when it was given."""
    return {
        "id": one.id,
        "agent": one.agent,
        "entry": one.entry,
        "sentence": one.sentence,
        "session_id": one.session_id,
        "principal": one.principal,
        "roles": list(one.roles),
        "same": [[same.path, same.values] for same in one.same],
        "free": [[list(free.place), free.sort.value] for free in one.free],
        "max_uses": one.max_uses,
        "max_total_usd": None if one.max_total_usd is None else str(one.max_total_usd),
        "channel": one.channel,
        "fingerprint": one.fingerprint,
    }


def get(unit: Unit, standing_id: str) -> Standing | None:
    """One, with what was used of it; raises Tampered for a row that cannot be one."""
    found = _read(unit, select(standings).where(standings.c.id == standing_id))
    return found[0] if found else None


def given_with(unit: Unit, approval_id: str) -> Standing | None:
    """The one that was given with an approval."""
    found = _read(unit, select(standings).where(standings.c.approval_id == approval_id))
    return found[0] if found else None


def holding(unit: Unit, agent_id: str, action: str, *, lock: bool = False) -> list[Standing]:
    """Those of this agent and action that hold now, the oldest first; each as the trail recorded it, or Tampered.

    With `lock` nobody ends one before this unit does; whoever counts their uses has the agent's turn (store.turns).
    """
    query = _open().where(standings.c.agent_id == agent_id, standings.c.action == action)
    query = query.where(standings.c.until > unit.now)
    return _read(unit, query.with_for_update(key_share=True) if lock else query, proven=True)


def unended(unit: Unit, *, agent_id: str | None = None) -> list[Standing]:
    """Those that nobody ended, the oldest first, of one agent or of all: some may be over by time."""
    return _read(unit, _open() if agent_id is None else _open().where(standings.c.agent_id == agent_id))


def _open() -> Select[Any]:
    return select(standings).where(standings.c.ended_at.is_(None)).order_by(standings.c.at, standings.c.id)


def prove(unit: Unit, standing_id: str) -> Standing | None:
    """One as the trail recorded it; raises Tampered where its row is another."""
    found = _read(unit, select(standings).where(standings.c.id == standing_id), proven=True)
    return found[0] if found else None


def end(unit: Unit, standing_id: str, by: str, why: str) -> bool:
    """End it; False where it was ended before. The caller records it."""
    query = select(standings).where(standings.c.id == standing_id).with_for_update(key_share=True)
    row = unit.execute(query).one_or_none()
    if row is None or row.ended_at is not None:
        return False
    values = {"ended_at": unit.now, "ended_by": by, "ended_why": why}
    unit.execute(update(standings).where(standings.c.id == standing_id).values(values))
    unit.seals.changed_beside(standings, row._asdict(), {**row._asdict(), **values})
    return True


def let_run(unit: Unit, standing_id: str, limit: int) -> list[Approval]:
    """What it let run, the newest first."""
    return approvals.listed(unit, standing=standing_id, limit=limit)


def unclaimed(unit: Unit, standing_id: str) -> list[Approval]:
    """What it let run and nobody has claimed yet."""
    return approvals.listed(unit, standing=standing_id, state="approved", limit=10_000)


def said_yes(unit: Unit, user: str, agent_id: str, *, action: str, since: datetime) -> tuple[int, int]:
    """How many of this agent's requests for this action a person decided since then, and to how many they said yes."""
    own = (uses.c.decided_by == user, uses.c.decided_at > since, uses.c.agent_id == agent_id, uses.c.action == action)
    yes = func.count().filter(uses.c.state.in_(_YES), uses.c.undone_at.is_(None))
    row = unit.execute(select(func.count().label("all"), yes.label("yes")).where(*own)).one()
    return row.all, row.yes


_YES = ("approved", "claimed", "succeeded")


def _read(unit: Unit, query: Select[Any], *, proven: bool = False) -> list[Standing]:
    rows = [row._asdict() for row in unit.execute(query)]
    if proven:
        for row in rows:
            evidence.beside_holds(unit, row["approval_id"], standings, row)
    counted = _counted(unit, [row["id"] for row in rows])
    return [_standing(row, *counted.get(row["id"], (0, Decimal(0)))) for row in rows]


def _counted(unit: Unit, ids: Sequence[str]) -> dict[str, tuple[int, Decimal]]:
    """How many further requests each let run, and for how much: whatever became of them."""
    if not ids:
        return {}
    spent = func.coalesce(func.sum(uses.c.amount_micros), 0)
    query = select(uses.c.standing, func.count().label("uses"), spent.label("spent"))
    rows = unit.execute(query.where(uses.c.standing.in_(ids)).group_by(uses.c.standing))
    return {row.standing: (row.uses, Decimal(row.spent) / MICROS) for row in rows}


def _standing(row: Mapping[str, Any], count: int, spent: Decimal) -> Standing:
    try:
        terms = row["terms"]
        if terms["id"] != row["id"]:
            raise Tampered(what="a standing approval has another's terms")
        most = terms["max_total_usd"]
        return Standing(
            id=row["id"],
            approval_id=row["approval_id"],
            agent_id=row["agent_id"],
            agent=terms["agent"],
            action=row["action"],
            entry=terms["entry"],
            sentence=terms["sentence"],
            session_id=terms["session_id"],
            principal=terms["principal"],
            roles=tuple(terms["roles"]),
            same=tuple(Same(path, values) for path, values in terms["same"]),
            free=tuple(Free(tuple(place), Sort(sort)) for place, sort in terms["free"]),
            max_uses=terms["max_uses"],
            max_total_usd=None if most is None else Decimal(most),
            channel=terms["channel"],
            fingerprint=terms["fingerprint"],
            by=row["by"],
            at=row["at"],
            until=row["until"],
            uses=count,
            spent=spent,
            ended_at=row["ended_at"],
            ended_by=row["ended_by"],
            ended_why=row["ended_why"],
        )
    except UNREADABLE:
        raise Tampered(what="a standing approval cannot be read") from None
