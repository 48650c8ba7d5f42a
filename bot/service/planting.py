"""Tests of reviewers: put before them as the manifest says, once from any number of servers, and taken back where it says so no more."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.service import submit
from bot.service.advance import Overtaken, advance
from bot.service.context import Context, World
from policies.approval import Approval, Decided, Decision, Planted
from policies.deadlines import Clock
from policies.errors import SaysoError
from policies.files.planted import PlantedRequests
from policies.frozen_values import replace
from policies.learning import planting
from policies.learning.planting import Draw
from policies.lifecycle import Verb, transition
from store import agents, approvals, sampling, sessions, turns
from store import planting as stored
from store.agents import Agent
from store.duplicates import DuplicateKey
from store.engine import passing
from store.unit import Unit

log = logging.getLogger("sayso.planting")


def plant(world: World) -> int:
    """Put every test before somebody that is due; how many that were."""
    return sum(_planted(world, action, wanted) for action, wanted in world.book.manifest.planted.items())


def _planted(world: World, action: str, wanted: PlantedRequests) -> bool:
    try:
        if not world.database.read(lambda unit: _may_be_due(unit, action, wanted)):
            return False
        return world.run(lambda ctx: _put(ctx, action, wanted))
    except DuplicateKey:
        return False  # another server was first
    except SaysoError as error:
        log.debug("no test of %s now: %s", action, error)
        return False
    except Exception as error:
        if passing(error):
            raise
        log.exception("the test of %s could not be put before anybody, and nothing else waits for it", action)
        return False


@dataclass(frozen=True, slots=True)
class _Due:
    """A test whose time has come: the decision that brought it about, which request it is, and from whom it seems to come."""

    key: str
    request: int
    agent: Agent


def _put(ctx: Context, action: str, wanted: PlantedRequests) -> bool:
    if not turns.try_sweep(ctx.unit):
        return False
    due = _due(ctx.unit, action, wanted, sampling.key(ctx.unit))
    if due is None:
        return False
    one = wanted.requests[due.request]
    submit.submit_test(ctx, due.agent, due.key, one.body(action), Planted(one.tell, due.agent.id))
    return True


def _may_be_due(unit: Unit, action: str, wanted: PlantedRequests) -> bool:
    secret = sampling.known(unit)
    return secret is None or _due(unit, action, wanted, secret) is not None


def _due(unit: Unit, action: str, wanted: PlantedRequests, secret: bytes) -> _Due | None:
    last = stored.last(unit, action)
    draw = Draw(secret, action, last.id)
    since = max(filter(None, (last.at, unit.now - planting.LOOK_BACK)))
    decided = stored.decision_after(unit, action, since, draw.decisions(wanted.one_in))
    if decided is None or decided[1] + draw.delay > unit.now:
        return None
    agent = stored.seems_to_come_from(unit, action)
    if agent is None:
        return None
    which = planting.turn(secret, action, last.count, len(wanted.requests))
    return _Due(f"{action}|{decided[0]}", which, agent)


def take_back_tests(world: World) -> int:
    """Take back every test that waits and should not any more; how many that were."""
    waiting = world.database.read(stored.waiting_tests)
    return sum(_withdrawn(world, approval_id) for approval_id, _, _ in waiting)


def _withdrawn(world: World, approval_id: str) -> bool:
    try:
        return world.run(lambda ctx: _taken_back(ctx, approval_id))
    except Overtaken:
        return False  # somebody answered it meanwhile


def _taken_back(ctx: Context, approval_id: str) -> bool:
    approval = approvals.load(ctx.unit, approval_id)
    if approval is None or not approval.pending or approval.planted is None:
        return False
    why = _no_more(ctx, approval, approval.planted)
    if why is None:
        return False
    event = transition(approval.state, Verb.END_TEST, ctx.now, approval.deadlines).event
    advance(ctx, approval, unanswered(ctx, approval, why), event, "system", decision="withdrawn", rationale=why)
    return True


def _no_more(ctx: Context, approval: Approval, planted: Planted) -> str | None:
    """Why a test should not wait any more."""
    if approval.action not in ctx.manifest.planted:
        return "the manifest plants nothing of this action any more"
    if sessions.stopped_by(ctx.unit) is not None:
        return "everything is stopped"
    if agents.revoked_among(ctx.unit, [approval.agent]) is not None:
        return "the agent it seems to come from was revoked"
    return None


def unanswered(ctx: Context, approval: Approval, why: str, kind: Decided = Decided.CANCELLED) -> Approval:
    """A test that is over without anybody's answer."""
    latency = approvals.latency_ms(approval, ctx.now)
    decision = Decision(kind=kind, by="policy", at=ctx.now, note=why, latency_ms=latency)
    state = transition(approval.state, Verb.END_TEST, ctx.now, approval.deadlines).state
    return replace(approval, state=state, decision=decision, clock=Clock(), info_request=None)
