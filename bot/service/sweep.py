"""The sweep: whatever is due gets its reminder, its next reviewer or its end (E3). As good three times as once."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from sqlalchemy import text, update

from bot.service import notices, staffing
from bot.service.decide import reassigned
from bot.service.submit import timeout_of
from bot.world import World
from policies import deadlines
from policies.approval import Approval, Decision
from policies.deadlines import Due
from policies.lifecycle import State, Verb, transition
from policies.manifest import OnTimeout
from policies.routing import Level
from store import approvals, outbox
from store.audit import entry_of
from store.tables import approvals as rows
from store.unit import Unit

log = logging.getLogger("sayso.sweep")
BATCH = 200
POISON_SECONDS = 300
_SWEEP_LOCK = 0x5A_75_52


@dataclass(frozen=True, slots=True)
class Counts:
    """What one sweep did."""

    reminded: int = 0
    reassigned: int = 0
    exhausted: int = 0
    expired: int = 0
    consented: int = 0
    lapsed: int = 0
    closed: int = 0
    unreverted: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """How many approvals were touched."""
        return sum(asdict(self).values())


def sweep(world: World) -> Counts:
    """Handle everything that is due, in batches; a row that cannot be handled waits five minutes and stops nobody."""
    counted: Counter[str] = Counter()
    while True:
        done = world.database.run(lambda unit: _batch(world, unit))
        counted.update(done)
        if sum(done.values()) < BATCH:
            return Counts(**counted)


def _batch(world: World, unit: Unit) -> Counter[str]:
    done: Counter[str] = Counter()
    if not _my_turn(unit):
        return done
    due = approvals.due(unit, BATCH)
    try:
        with unit.savepoint():
            done.update(_handle(world, unit, approval) for approval in due)
    except Exception:
        log.exception("one of %s due approvals could not be swept; each is tried alone", len(due))
        done = _one_by_one(world, unit, due)
    if done:
        unit.after_commit(world.signals.outbox_filled)
    return done


def _one_by_one(world: World, unit: Unit, due: list[Approval]) -> Counter[str]:
    """Each in a savepoint of its own: what cannot be handled is set aside and stops nobody."""
    done: Counter[str] = Counter()
    for approval in due:
        try:
            with unit.savepoint():
                done[_handle(world, unit, approval)] += 1
        except Exception:
            log.exception("approval %s could not be swept", approval.id)
            _set_aside(unit, approval)
            done["failed"] += 1
    return done


def _my_turn(unit: Unit) -> bool:
    """One sweeper at a time keeps "least loaded" true (PERFORMANCE); any replica may be it."""
    if unit.connection.dialect.name != "postgresql":
        return True
    query = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(unit.execute(query, {"key": _SWEEP_LOCK}).scalar_one())


def _set_aside(unit: Unit, approval: Approval) -> None:
    later = unit.now + timedelta(seconds=POISON_SECONDS)
    unit.execute(update(rows).where(rows.c.id == approval.id).values(wake_at=later))


def _handle(world: World, unit: Unit, approval: Approval) -> str:
    match deadlines.owed(approval.clock, unit.now, claimed=approval.state is State.CLAIMED):
        case Due.REMIND:
            return _remind(world, unit, approval)
        case Due.REASSIGN:
            return _reassign(world, unit, approval)
        case Due.EXPIRE:
            return _expire(world, unit, approval)
        case Due.LAPSE:
            return _lapse(world, unit, approval)
        case Due.CLOSE_UNDO:
            return _close_undo(world, unit, approval)
        case Due.ROLL_BACK:
            return _not_rolled_back(world, unit, approval)
        case None:
            raise AssertionError("woken with nothing owed")


def _save(world: World, unit: Unit, before: Approval, after: Approval, event: str, **more: str | int | None) -> None:
    after = replace(after, version=before.version + 1, updated_at=unit.now)
    approvals.save_later(unit, before, after)
    outbox.refresh_later(unit, after.id, after.version)
    unit.record(entry_of(after, event, unit.now, "system", **more))
    unit.after_commit(lambda: world.signals.approval_changed(after.id))


def _remind(world: World, unit: Unit, approval: Approval) -> str:
    outcome = transition(approval.state, Verb.REMIND, unit.now, approval.deadlines)
    after = replace(approval, clock=deadlines.reminded(approval.clock))
    notices.in_thread(unit, replace(after, version=approval.version + 1), "reminder")
    _save(world, unit, approval, after, outcome.event, rationale=f"75 % of the SLA, {approval.assignee}")
    return "reminded"


def _reassign(world: World, unit: Unit, approval: Approval) -> str:
    assert approval.policy is not None
    unit.write()  # who is least loaded depends on what this sweep did before
    outcome = transition(approval.state, Verb.REASSIGN, unit.now, approval.deadlines)
    after = reassigned(world, unit, approval, staffing.roles_ahead(approval.policy, approval.role))
    if after.assignee == approval.assignee:
        _save(world, unit, approval, after, "escalated", rationale="nobody is left to ask; operations were told")
        return "exhausted"
    event = outcome.event if after.role == approval.role else "escalated"
    _save(world, unit, approval, after, event, decision=after.assignee, rationale=after.assigned_why)
    return "reassigned"


def _expire(world: World, unit: Unit, approval: Approval) -> str:
    assert approval.policy is not None
    if approval.pending and approval.policy.on_timeout is OnTimeout.ESCALATE:
        moved = _escalated_at_expiry(world, unit, approval)
        if moved is not None:
            return moved
    if approval.pending and _silence_consents(approval):
        return _consent(world, unit, approval)
    outcome = transition(approval.state, Verb.EXPIRE, unit.now, approval.deadlines)
    what = "nobody decided in time" if approval.pending else "nobody claimed it in time"
    after = replace(approval, state=outcome.state, clock=deadlines.Clock(), info_request=None)
    if approval.pending:
        after = replace(after, decision=_by_policy(unit, approval, "expired", what))
    _save(world, unit, approval, after, outcome.event, decision=after.state.value, rationale=what)
    return "expired"


def _silence_consents(approval: Approval) -> bool:
    """Only a soft approval of a harmless action; the loader refuses the rest, and this refuses it again (B4)."""
    policy = approval.policy
    assert policy is not None
    harmless = policy.severity == "low" and policy.reversibility == "reversible"
    return harmless and policy.on_timeout is OnTimeout.APPROVE and approval.level is Level.SOFT_APPROVAL


def _consent(world: World, unit: Unit, approval: Approval) -> str:
    assert approval.policy is not None
    outcome = transition(approval.state, Verb.CONSENT, unit.now, approval.deadlines)
    why = f"no objection within {approval.policy.soft_timeout_seconds} s"
    after = replace(
        approval,
        state=outcome.state,
        decision=_by_policy(unit, approval, "approved", why),
        clock=deadlines.granted(unit.now, approval.policy.claim_seconds, approval.undo_seconds),
        info_request=None,
    )
    _save(world, unit, approval, after, outcome.event, decision=after.state.value, rationale=why)
    return "consented"


def _escalated_at_expiry(world: World, unit: Unit, approval: Approval) -> str | None:
    """`on_timeout: escalate`: the next role gets a time of its own; None when the path is at its end."""
    assert approval.policy is not None
    roles = staffing.roles_ahead(approval.policy, approval.role)[1:]
    seconds = timeout_of(approval.policy, approval.level)
    unit.write()
    if not roles or seconds is None or staffing.next_reviewer(world, unit, approval, roles) is None:
        return None
    extended = replace(approval.clock, expires_at=unit.now + timedelta(seconds=seconds))
    after = reassigned(world, unit, replace(approval, clock=extended), roles)
    _save(world, unit, approval, after, "escalated", decision=after.assignee, rationale=after.assigned_why)
    return "reassigned"


def _lapse(world: World, unit: Unit, approval: Approval) -> str:
    outcome = transition(approval.state, Verb.LAPSE, unit.now, approval.deadlines)
    after = replace(approval, state=outcome.state, clock=deadlines.finished(approval.clock, unit.now))
    notices.outcome_unknown(world, unit, after)
    _save(world, unit, approval, after, outcome.event, decision=after.state.value, rationale="claimed, no result came")
    return "lapsed"


def _close_undo(world: World, unit: Unit, approval: Approval) -> str:
    """The window is over: nothing moves on, and the card loses its button."""
    after = replace(approval, clock=replace(approval.clock, undo_until=None))
    approvals.save_later(unit, approval, after)
    outbox.refresh_later(unit, after.id, after.version)
    return "closed"


def _not_rolled_back(world: World, unit: Unit, approval: Approval) -> str:
    after = replace(approval, clock=replace(approval.clock, roll_back_by=None))
    notices.not_rolled_back(world, unit, after)
    _save(world, unit, approval, after, "reminded", rationale="undone, and no roll-back was reported in time")
    return "unreverted"


def _by_policy(unit: Unit, approval: Approval, kind: str, note: str) -> Decision:
    return Decision(kind=kind, by="policy", at=unit.now, note=note, latency_ms=approvals.latency_ms(approval, unit.now))
