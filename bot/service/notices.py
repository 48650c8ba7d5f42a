"""What Slack is told once, beside the cards: reminders, moves, alarms for operations. Facts only; rendered when sent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from bot.service.context import Context
from policies import messages
from policies.approval import Approval
from policies.digest import fingerprint
from policies.lifecycle import State
from policies.messages import AlertFacts, Cause, Lasting, Notice, NoticeFacts
from policies.routing import RouteName
from store import alarms, attempts, batches, outbox
from store.attempts import Kind

log = logging.getLogger("sayso.notices")

Say = Callable[[Context, Approval], None]
"""Says something of an approval in Slack: given it as it was saved."""


Alarm = NoticeFacts | AlertFacts


def operations(
    ctx: Context, key: str, alarm: Alarm, approval: Approval | None = None, cause: Cause | None = None
) -> bool:
    """Tell operations, whether that is new; where the roster names no channel for them, the log is what remains.

    With a `cause`, the message says in place when that is over (bot/service/alarms.py).
    """
    channel, facts = ctx.roster.operations, messages.as_stored(alarm)
    kind = facts.pop("notice")
    about = {"approval_id": approval.id} if approval else {}
    log.warning("operations: %s %s", kind, facts | ({"approval": approval.id} if approval else {}), extra=about)
    if channel is None:
        return False
    return outbox.put_notice(
        ctx.unit,
        key,
        channel=channel,
        facts=alarm,
        approval_id=approval.id if approval else None,
        urgency=3,
        cause=cause,
    )


MOST_HOLDERS = 50  # of a role, kept to know who is new
ALARMS = 10  # within an hour that one agent's asking may raise; further ones stand in the log and the trail alone


def _by_asking(
    ctx: Context, asked: Approval, key: str, alarm: Alarm, *, cause: Cause, of: Approval | None = None
) -> None:
    """Tell operations of what an agent brought about by asking, as often as that may be."""
    if attempts.last_hour(ctx.unit, asked.agent_id, Kind.ALARM) < ALARMS:
        if operations(ctx, key, alarm, of, cause):
            attempts.add(ctx.unit, asked.agent_id, Kind.ALARM)
        return
    kind = messages.as_stored(alarm)["notice"]
    log.warning(
        "operations are not told, %s raised %s alarms within the hour: %s %s",
        *(asked.agent, ALARMS, kind, key),
        extra={"approval_id": asked.id},
    )


def unknown_action(ctx: Context, approval: Approval) -> None:
    """An action that the manifest does not know was blocked: it needs classifying (docs/rules.md: A4). Said once an hour and action."""
    hour = ctx.now.strftime("%Y%m%d%H")
    alarm, cause = NoticeFacts(Notice.UNKNOWN_ACTION), Cause(Lasting.UNKNOWN_ACTION, (approval.action,))
    _by_asking(ctx, approval, f"blocked:{approval.action}:{hour}", alarm, cause=cause, of=approval)


def nobody_can_decide(ctx: Context, action: str, role: str) -> None:
    """A request was refused because nobody could ever decide it (docs/rules.md: E2). Said once an hour and role."""
    hour = ctx.now.strftime("%Y%m%d%H")
    holders = ctx.directory.could_decide(ctx.roster, role)
    cause = Cause(Lasting.NOBODY, (action, role, *holders[:MOST_HOLDERS]))
    text = f"Nobody could ever decide {action}: role {role} has no eligible member. The request was refused."
    operations(ctx, f"nobody:{action}:{role}:{hour}", AlertFacts("Nobody can decide", text), cause=cause)


def nobody_available(ctx: Context, approval: Approval) -> None:
    """A request waits for somebody who is not there. It is not stored yet: the notice cannot refer to its row."""
    text = f"{approval.id} waits for {approval.assignee}: {approval.assigned_why}."
    cause = Cause(Lasting.ABSENT, (approval.id, approval.assignee or ""))
    _by_asking(ctx, approval, f"absent:{approval.id}", AlertFacts("Nobody is available", text), cause=cause)


def nobody_left(ctx: Context, approval: Approval) -> None:
    """Everybody on the path was asked and nobody decided (docs/rules.md: E3)."""
    key, cause = f"exhausted:{approval.id}:{len(approval.asked)}", _undecided(Notice.NOBODY_LEFT, approval)
    operations(ctx, key, NoticeFacts(Notice.NOBODY_LEFT), approval, cause)


def too_few(ctx: Context, approval: Approval, lacking: str) -> None:
    """Too few people are left for a quorum (docs/rules.md: E5). Said once for each way of lacking, whoever finds it."""
    alarm = NoticeFacts(Notice.TOO_FEW, {"lacking": lacking})
    key, cause = f"too_few:{approval.id}:{fingerprint(lacking)[:16]}", _undecided(Notice.TOO_FEW, approval)
    operations(ctx, key, alarm, approval, cause)


def outcome_unknown(ctx: Context, approval: Approval) -> None:
    """A claim died: a person must look what really happened."""
    cause = Cause(Lasting.UNKNOWN_OUTCOME, (approval.id,))
    operations(ctx, f"unknown:{approval.id}", NoticeFacts(Notice.OUTCOME_UNKNOWN), approval, cause)


def not_rolled_back(ctx: Context, approval: Approval) -> None:
    """A person undid it, and the agent never reported the roll-back: a person must look (docs/rules.md: A14)."""
    cause = _undecided(Notice.NOT_ROLLED_BACK, approval)
    operations(ctx, f"not_rolled_back:{approval.id}", NoticeFacts(Notice.NOT_ROLLED_BACK), approval, cause)


def _undecided(notice: Notice, approval: Approval) -> Cause:
    return Cause(Lasting.UNDECIDED, (notice.value, approval.id))


def in_thread(kind: Notice, **said: Any) -> Say:
    """What says a line under the approval's card: its history."""

    def say(ctx: Context, approval: Approval) -> None:
        outbox.put_notice(
            ctx.unit,
            f"{kind}:{approval.id}:{approval.version}",
            channel=approval.policy.channel,
            facts=NoticeFacts(kind, said),
            approval_id=approval.id,
            thread_of=approval.id,
            urgency=1,
        )

    return say


def waits(kind: Notice) -> Say:
    """What tells the assignee under the card that it waits for them; once for all that wait for them on a shared card."""

    def say(ctx: Context, approval: Approval) -> None:
        screen = batches.screen_of(ctx.unit, approval.id)
        if screen is None:
            in_thread(kind)(ctx, approval)
            return
        outbox.put_notice(
            ctx.unit,
            f"{kind}:screen:{screen}:{approval.assignee}:{approval.clock.reminders}",
            channel=approval.policy.channel,
            facts=NoticeFacts(kind, {"shared": True}),
            approval_id=approval.id,
            thread_of=approval.id,
            urgency=1,
        )

    return say


def later_incident(ctx: Context, approval: Approval, user: str, *, by: str, detail: str | None) -> None:
    """Somebody who said yes is told, once and to them alone, that it was called an incident later."""
    facts = NoticeFacts(Notice.LATER_INCIDENT, {"by": by} | ({"detail": detail} if detail else {}))
    key = f"incident:{approval.id}:{user}"
    outbox.put_notice(ctx.unit, key, channel=user, facts=facts, approval_id=approval.id)


def told_of_test(ctx: Context, approval: Approval) -> None:
    """Whoever answered a test is told at once, and they alone, that it was one, how they did, and what gave it away."""
    if approval.decision is not None and approval.planted is not None:
        facts = NoticeFacts(Notice.TEST_OVER, {"tell": approval.planted.tell})
        outbox.put_notice(
            ctx.unit, f"test:{approval.id}", channel=approval.decision.by, facts=facts, approval_id=approval.id
        )


def takeover(ctx: Context, approval: Approval) -> None:
    """The takeover package, to the card's thread and to operations as the backup channel (docs/rules.md: C4)."""
    in_thread(Notice.TAKEOVER)(ctx, approval)
    operations(ctx, f"takeover:{approval.id}", NoticeFacts(Notice.TAKEOVER), approval)


def takeover_over(taken: Approval) -> Say:
    """What makes both copies of the package of `taken` say that it is over, and lose their button."""
    keys = [f"takeover:{taken.id}:{taken.version}", f"takeover:{taken.id}"]

    def say(ctx: Context, _: Approval) -> None:
        outbox.again(ctx.unit, keys)

    return say


def over(ctx: Context, before: Approval, after: Approval) -> None:
    """What operations were told of it says in place that it is over, once its cause is gone."""
    settled = before.pending and not after.pending and (before.breached_at or before.lacking) is not None
    enough = before.lacking is not None and after.lacking is None
    gone = {
        Notice.NOBODY_LEFT: settled,
        Notice.TOO_FEW: settled or enough,
        Notice.NOT_ROLLED_BACK: before.roll_back_owed and not after.roll_back_owed,
    }
    for notice in (notice for notice, is_gone in gone.items() if is_gone):
        for alarm in alarms.lasting(ctx.unit, _undecided(notice, after)):
            alarms.end_alarm(ctx.unit, alarm, "")


def outcome(ctx: Context, approval: Approval) -> None:
    """Whoever it was asked for is told once what was decided, where somebody was asked; the message then follows its end."""
    if approval.route is not RouteName.ASK or approval.pending or approval.state is State.CLAIMED or approval.planted:
        return
    key = f"outcome:{approval.id}"
    user = ctx.directory.user_of(approval.principals[0]) if approval.principals else None
    if user is not None and not outbox.again(ctx.unit, [key]):
        outbox.put_notice(ctx.unit, key, channel=user, facts=NoticeFacts(Notice.OUTCOME), approval_id=approval.id)
