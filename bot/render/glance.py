"""What counts about a request that waits, in one line: how bad it can get, how much, how long there is, whose turn it is."""

from __future__ import annotations

from typing import Final

from bot.render.facts import brief, progress, quorum_of
from bot.render.labels import SEVERITY, assignee, consequence, due, seat_holder, when
from bot.render.visible_text import Mrkdwn, fill
from policies import silence
from policies.amounts import amount_of
from policies.approval import Approval
from policies.files.policy import Policy, Reversibility, Severity
from policies.sentences import usd

SEATS = 5
_UNDONE: Final = {
    Reversibility.REVERSIBLE: "can be undone",
    Reversibility.PARTIALLY: "can be undone in part",
    Reversibility.IRREVERSIBLE: "can't be undone",
}
# What goes without saying: the sign stands for it.
_USUAL: Final = {Severity.LOW: Reversibility.REVERSIBLE, Severity.HIGH: Reversibility.IRREVERSIBLE}


def glance(approval: Approval) -> Mrkdwn:
    """The line, such as “🔴 Can't be undone · $180 · Due in 5 minutes · @alice”."""
    sign, _, _ = consequence(approval.policy)
    parts = [
        fill("{sign} {words}", sign=Mrkdwn(sign), words=Mrkdwn(stakes(approval.policy))),
        _amount(approval),
        _time(approval),
        _quorum(approval),
        _turn(approval),
    ]
    return Mrkdwn(" · ".join(part for part in parts if part))


def stakes(policy: Policy) -> str:
    """How bad it can get, in words; an unknown action counts as the worst."""
    if not policy.known:
        return "Unknown action"
    undone = _UNDONE[policy.reversibility]
    if _USUAL.get(policy.severity) is policy.reversibility:
        return undone[0].upper() + undone[1:]
    return f"{SEVERITY[policy.severity][1]} · {undone}"


def amount(approval: Approval) -> str | None:
    """What it is about in dollars; None where there is no amount, or it cannot be read."""
    found = amount_of(approval.policy, approval.params)
    return None if found is None else usd(found)


def _amount(approval: Approval) -> Mrkdwn | None:
    found = amount(approval)
    return None if found is None else brief(found, 40)


def _time(approval: Approval) -> Mrkdwn | None:
    clock = approval.clock
    if clock.paused_at is not None:
        return Mrkdwn("Deadline paused")
    if silence.approves(approval) and clock.expires_at:
        return due(clock.expires_at, "Approved automatically")
    ends = [moment for moment in (clock.due_at, clock.expires_at) if moment]
    return due(min(ends)) if ends else None


def _quorum(approval: Approval) -> Mrkdwn | None:
    if quorum_of(approval)[0] <= 1 and not approval.votes:
        return None
    given, wanted = progress(approval)
    return fill("{given} of {wanted} approvals", given=given, wanted=wanted)


def _turn(approval: Approval) -> Mrkdwn:
    if approval.assignee is None:
        return fill("Anyone of {role}", role=brief(approval.role or "the role", 60))
    if approval.clock.hush_until:
        return fill("{who}, told {at}", who=assignee(approval, ""), at=when(approval.clock.hush_until))
    # Where too few people are left, the card says who is missing: no seat beside it stands for somebody who may be gone.
    seats = approval.seats[:SEATS] if approval.lacking is None else ()
    beside = [fill("{who} for {role}", who=seat_holder(seat), role=brief(seat.role, 60)) for seat in seats]
    return Mrkdwn(", ".join([assignee(approval, ""), *beside]))
