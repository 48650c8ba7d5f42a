"""What operations were told of is over: each alarm says so in its own message, once, whichever server finds out (docs/rules.md: E3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from bot.service import staffing
from bot.service.context import Context, World
from policies import autonomy
from policies.approval import Approval
from policies.errors import NobodyCanDecide, NotReady, Tampered
from policies.files.tightening import Ratchet
from policies.levels import Level
from policies.lifecycle import State
from policies.messages import Cause, Lasting, Notice
from store import alarms, approvals, history, labels
from store.alarms import Alarm
from store.unit import Unit

log = logging.getLogger("sayso.alarms")


def end_what_is_over(world: World) -> int:
    """Look at every alarm that lasts; how many are over now. Remembers for this process which causes there are."""
    found = world.database.read(alarms.lasting)
    world.lasting = frozenset(alarm.cause for alarm in found)
    return sum(_looked_at(world, alarm) for alarm in found)


def say_over_if_lasting(world: World, unit: Unit, cause: Cause, why: str) -> None:
    """It was just seen that this is over: say so, where the last look knew of such an alarm."""
    if cause in world.lasting:
        _ended(world, unit, cause, why)


def say_over(world: World, cause: Cause, why: str) -> None:
    """The same where it is seen rarely, such as at the start: looked up."""
    world.database.run(lambda unit: _ended(world, unit, cause, why))


def _ended(world: World, unit: Unit, cause: Cause, why: str) -> None:
    for alarm in alarms.lasting(unit, cause):
        if alarms.end_alarm(unit, alarm, why):
            unit.after_commit(world.signals.outbox_filled)


def _looked_at(world: World, alarm: Alarm) -> bool:
    try:
        return world.run(partial(_look, alarm=alarm))
    except Tampered as error:
        log.error("an alarm of an approval that is not as recorded stays: %s", error)
        return False


def _look(ctx: Context, alarm: Alarm) -> bool:
    gone = _GONE.get(alarm.cause.kind)
    why = gone(ctx, alarm.cause.of) if gone else None
    if why is None or not alarms.end_alarm(ctx.unit, alarm, why):
        return False
    ctx.unit.after_commit(ctx.world.signals.outbox_filled)
    return True


Gone = Callable[[Context, tuple[str, ...]], str | None]
"""Why what an alarm is about is over, in words; None while it is not."""


def _absent(ctx: Context, of: tuple[str, ...]) -> str | None:
    approval = approvals.load(ctx.unit, of[0])
    if approval is None or not approval.pending:
        return f"{of[0]} is {_state(approval)}"
    if approval.assignee is None:
        return None
    name = staffing.name_of(ctx.world, approval.assignee)
    if approval.assignee != of[1]:
        return f"{of[0]} was passed on to {name}"
    return f"{name}, for whom {of[0]} waits, is there" if staffing.Staff(ctx).is_there(approval) else None


def _state(approval: Approval | None) -> str:
    return approval.state.value.replace("_", " ") if approval else "gone"


def _unknown_action(ctx: Context, of: tuple[str, ...]) -> str | None:
    known = ctx.manifest.policy(of[0]).known
    return f"the manifest knows {of[0]} now" if known else None


def _nobody(ctx: Context, of: tuple[str, ...]) -> str | None:
    action, role, *holders = of
    policy = ctx.manifest.policy(action)
    roles = staffing.roles_ahead(policy, None)
    try:
        staffing.require_somebody(ctx.world, policy, (), roles)
    except (NobodyCanDecide, NotReady):
        return None
    # It may have been for those who could decide it otherwise: only somebody new is news.
    if role in roles and set(ctx.directory.could_decide(ctx.roster, role)) <= set(holders):
        return None
    return f"somebody can decide {action} again"


def _unknown_outcome(ctx: Context, of: tuple[str, ...]) -> str | None:
    approval = approvals.load(ctx.unit, of[0])
    if approval is not None and approval.state is not State.OUTCOME_UNKNOWN:
        return f"it is {_state(approval)}"
    said = labels.newest_label(ctx.unit, of[0])
    return f"{staffing.name_of(ctx.world, said.by)} says what happened: {said.word}" if said else None


def _demoted(ctx: Context, of: tuple[str, ...]) -> str | None:
    agent_id, agent, action, level = of
    policy = ctx.manifest.policy(action)
    rules, lost = policy.autonomy, history.demotion(ctx.unit, agent_id, action)
    if rules is None:
        lasts = policy.ratchet is Ratchet.SEQUENTIAL and history.lost_lately(ctx.unit, lost)
        return None if lasts else f"nothing is held against {agent} with {action} any more"
    given = autonomy.standing(rules, agent, lost).level
    return f"the manifest gives {agent} {given.value} again" if given.rank < Level(level).rank else None


def _undecided(ctx: Context, of: tuple[str, ...]) -> str | None:
    """Words of its own stand in the message: it is drawn from its approval."""
    approval = approvals.load(ctx.unit, of[1])
    if approval is None or of[0] == Notice.NOT_ROLLED_BACK:
        return None
    return None if approval.pending else ""


# A channel, callbacks and a policy file are over where somebody sees that they work again.
_GONE: Final[dict[Lasting, Gone]] = {
    Lasting.ABSENT: _absent,
    Lasting.UNKNOWN_ACTION: _unknown_action,
    Lasting.NOBODY: _nobody,
    Lasting.UNKNOWN_OUTCOME: _unknown_outcome,
    Lasting.DEMOTED: _demoted,
    Lasting.UNDECIDED: _undecided,
}
