"""What goes by its age: parameters and texts of settled approvals, later whole approvals. The trail's chain stays whole.

Of what goes the digest stays, and in the trail the sum of each text: whoever still has it can prove what it was. That
it went is a row of the trail itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, or_, select, update

from policies.approval import Approval, Decision, Review, Undo
from policies.lifecycle import GRANTED, OPEN, State
from policies.request import ChoiceOption, Request
from store import approvals as stored
from store import tables
from store.audit import Entry
from store.rows import columns_of
from store.tables import approvals, audit, callbacks, decisions, labels, outbox, replies, standings
from store.unit import Unit

GONE = "removed"
_ALIVE = OPEN | GRANTED | {State.CLAIMED, State.TAKEN_OVER}
_SETTLED = sorted(state.value for state in State if state not in _ALIVE)
# Beside an approval, in the order in which they may go.
_BESIDE = (
    tables.decisions,
    tables.disclosures,
    tables.approval_keys,
    tables.delegations,
    tables.delegates,
    tables.callbacks,
    tables.host_calls,
    tables.looks,
    tables.replies,
    tables.outbox,
)
# What learning and levels rest on: their approvals stay.
_HOLDING = (tables.labels, tables.demotions, tables.standings)


def with_texts(unit: Unit, before: datetime, most: int) -> Sequence[str]:
    """Approvals that ended before then and still have their texts, oldest first, locked for this unit."""
    ended = standings.alias("ended")
    given = exists().where(ended.c.approval_id == approvals.c.id, ended.c.ended_at.is_(None))
    return _locked(unit, _over(before).where(approvals.c.removed_at.is_(None), ~given), most)


def without_use(unit: Unit, before: datetime, most: int) -> Sequence[str]:
    """Approvals that ended before then, have lost their texts, and on which nothing rests any more."""
    resting = or_(*(exists().where(table.c.approval_id == approvals.c.id) for table in _HOLDING))
    return _locked(unit, _over(before).where(approvals.c.removed_at.is_not(None), ~resting), most)


def _over(before: datetime) -> Select[Any]:
    """Settled, and with nothing left that somebody waits for: no deadline, no undo, no message on its way."""
    return select(approvals.c.id).where(
        approvals.c.created_at < before,
        approvals.c.updated_at < before,
        approvals.c.state.in_(_SETTLED),
        approvals.c.wake_at.is_(None),
        approvals.c.clock_undo_until.is_(None),
        approvals.c.reviewer.is_(None),
        ~exists().where(_on_its_way(outbox)),
        ~exists().where(_on_its_way(callbacks)),
    )


def _on_its_way(table: Any) -> ColumnElement[bool]:
    return and_(table.c.approval_id == approvals.c.id, table.c.next_at.is_not(None))


def _locked(unit: Unit, query: Select[Any], most: int) -> Sequence[str]:
    ordered = query.order_by(approvals.c.created_at, approvals.c.id).limit(most)
    return unit.execute(ordered.with_for_update(skip_locked=True, of=approvals)).scalars().all()


def remove_texts(unit: Unit, approval_id: str, days: int) -> None:
    """Take its parameters and everything that was written about it; what happened, when and by whom stays."""
    before = stored.load(unit, approval_id)
    assert before is not None, "it is locked"
    _bare_row(unit, before)
    _bare_beside(unit, approval_id)
    theirs = update(audit).where(audit.c.approval_id == approval_id, audit.c.texts.is_not(None))
    rows = unit.execute(theirs.values(texts=None)).rowcount
    unit.record(_entry(before, "texts_removed", unit.now, {"rows": rows, "after_days": days}))


def remove(unit: Unit, approval_id: str, days: int) -> None:
    """Take the approval and what is beside it; the trail tells of it as before."""
    before = stored.load(unit, approval_id)
    assert before is not None, "it is locked"
    for table in _BESIDE:
        unit.execute(delete(table).where(table.c.approval_id == approval_id))
    unit.execute(delete(approvals).where(approvals.c.id == approval_id))
    unit.record(_entry(before, "approval_removed", unit.now, {"after_days": days}))


def _entry(approval: Approval, event: str, at: datetime, removed: dict[str, int]) -> Entry:
    return Entry(
        event,
        at,
        "system",
        approval_id=approval.id,
        session_id=approval.request.session_id,
        agent=approval.agent,
        action=approval.action,
        digest=approval.digest,
        decision=approval.state.value,
        policy_version=approval.policy_version,
        extra={"removed": removed},
    )


def _bare_row(unit: Unit, before: Approval) -> None:
    after = replace(
        before,
        params={},
        sentence=GONE,
        why=(GONE,),
        info_request=None,
        exchange=(),
        decision=_bare_decision(before.decision),
        outcome_detail=None,
        undo=_bare_undo(before.undo),
        review=_bare_review(before.review),
        edits=(),
        again=None,
        removed_at=unit.now,
    )
    values = columns_of(after, before) | {"request": _bare_request(before.request), "checkpoint": None}
    unit.execute(update(approvals).where(approvals.c.id == before.id).values(values))
    del values["checkpoint"]
    unit.seals.changed(before.id, values)
    unit.seals.told(before.id, "checkpoint", None)


def _bare_request(request: Request) -> str:
    """What figures are made of: kind, session, evidence and confidence, for whom and from whom."""
    choices = [ChoiceOption(id=one.id, label=GONE) for one in request.choices] if request.choices else None
    gone: dict[str, Any] = {
        "params": {},
        "reason": "",
        "risks": [],
        "alternatives": [],
        "completed_steps": [],
        "choices": choices,
    }
    gone |= dict.fromkeys(("expected_outcome", "checkpoint", "confidence_basis", "callback_url"))
    gone |= {"question": GONE if request.question else None}
    gone |= {"uncertainty_factors": [GONE] * len(request.uncertainty_factors)}
    return request.model_copy(update=gone).model_dump_json(exclude={"checkpoint"}, exclude_defaults=True)


def _bare_decision(decision: Decision | None) -> Decision | None:
    return decision and replace(decision, note=None, edited_params=None, answer=None, human_steps=None)


def _bare_undo(undo: Undo | None) -> Undo | None:
    return undo and replace(undo, note=None, reverted_detail=None)


def _bare_review(review: Review | None) -> Review | None:
    return review and replace(review, note=None)


def _bare_beside(unit: Unit, approval_id: str) -> None:
    for table, bare in (
        (decisions, {"note": None, "answer": None}),
        (labels, {"detail": None}),
    ):
        for row in unit.execute(select(table).where(table.c.approval_id == approval_id)).mappings().all():
            found = dict(row)
            if any(found[name] is not None for name in bare):
                unit.execute(update(table).where(table.c.id == found["id"]).values(bare))
                unit.seals.changed_beside(table, found, found | bare)
    for row in unit.execute(select(standings).where(standings.c.approval_id == approval_id)).mappings().all():
        found = dict(row)
        terms = found["terms"] | {"same": [], "sentence": GONE}
        unit.execute(update(standings).where(standings.c.id == found["id"]).values(terms=terms))
        unit.seals.changed_beside(standings, found, found | {"terms": terms})
    unit.execute(delete(callbacks).where(callbacks.c.approval_id == approval_id))
    unit.execute(delete(replies).where(replies.c.approval_id == approval_id))
    unit.execute(delete(outbox).where(outbox.c.approval_id == approval_id, outbox.c.kind == "notice"))
