"""The fields of a card that state facts: written by policy, manifest and clock, never by the agent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.render.labels import (
    SILENCE,
    Names,
    assignee,
    consequence,
    headline,
    nobody,
    outcome_line,
    person,
    seat_holder,
    when,
)
from bot.render.redaction import Redactor, redactor_of
from bot.render.visible_text import Mrkdwn, Shown, clip, escape, fill, json_size, visible
from policies import quorum, silence
from policies.approval import Approval, Meant, Vote
from policies.edits import Edit
from policies.lifecycle import State
from policies.principals import EXTERNAL, Principal
from policies.reasons import shortened
from policies.request import Evidence
from policies.routing import Level, RouteName

NAMES = 5
REASONS = 3


def brief(text: str, chars: int) -> Mrkdwn:
    """A few foreign words inside a fact: at most `chars` characters, and bounded bytes after escaping."""
    shown = clip(visible(text), chars)
    escaped = escape(shown)
    return escaped if json_size(escaped) <= 4 * chars else escape(clip(shown, max(2, chars // 5)))


def facts(approval: Approval) -> list[Mrkdwn]:
    """The facts of a pending card, at most ten."""
    found = [
        _consequence(approval),
        _turn(approval),
        _deadline(approval),
        _deciders(approval),
        _quorum(approval),
        _confidence(approval),
    ]
    return [fact for fact in found if fact]


def _consequence(approval: Approval) -> Mrkdwn:
    sign, severity, undo = consequence(approval.policy)
    fact = fill(
        "*Consequence*\n{sign} {severity}\n{undo}", sign=Mrkdwn(sign), severity=Mrkdwn(severity), undo=Mrkdwn(undo)
    )
    tags = approval.policy.tags
    return fill("{fact} · {tags}", fact=fact, tags=brief(", ".join(tags), 120)) if tags else fact


def _turn(approval: Approval) -> Mrkdwn:
    if approval.assignee is None:
        return fill("*Whose turn*\nAnyone of {role}", role=brief(approval.role or "the role", 60))
    fact = fill("*Your turn*\n{who}", who=assignee(approval, ""))
    if approval.clock.hush_until:
        fact = fill("*Whose turn*\n{who}, told {at}", who=assignee(approval, ""), at=when(approval.clock.hush_until))
    reason = approval.assigned_why
    fact = fill("{fact} · {reason}", fact=fact, reason=brief(reason, 150)) if reason else fact
    for seat in approval.seats[:NAMES]:
        fact = fill("{fact}\nand {who} for {role}", fact=fact, who=seat_holder(seat), role=brief(seat.role, 60))
    return fact


def _deadline(approval: Approval) -> Mrkdwn | None:
    clock = approval.clock
    if clock.paused_at is not None:
        return fill("*Decide by*\nPaused since {at}", at=when(clock.paused_at))
    lines = []
    if clock.due_at:
        lines.append(fill("{at}, then reassigned", at=when(clock.due_at)))
    if clock.expires_at:
        meaning = Mrkdwn(SILENCE[silence.at_expiry(approval)])
        lines.append(fill("Ends {at}, {silence}", at=when(clock.expires_at), silence=meaning))
    elif approval.holds_for_ever:
        lines.append(Mrkdwn("No final deadline: it waits"))
    return Mrkdwn("*Decide by*\n" + "\n".join(lines)) if lines else None


def _deciders(approval: Approval) -> Mrkdwn | None:
    roles = approval.roles_that_decide or ((approval.role,) if approval.role else ())
    if not roles:
        return None
    fact = fill("*Who can decide*\n{roles}", roles=brief(", ".join(roles), 160))
    nxt = [role for role in approval.policy.escalation_path if role not in roles]
    return fill("{fact}\nnext: {next}", fact=fact, next=brief(", ".join(nxt), 100)) if nxt else fact


def quorum_of(approval: Approval) -> tuple[int, dict[str, int]]:
    """How many distinct people must say yes in all, and per role where the manifest asks for it (docs/rules.md: E5)."""
    needed = approval.policy.approvers
    return (sum(needed.values()), dict(needed)) if isinstance(needed, dict) else (needed, {})


def _quorum(approval: Approval) -> Mrkdwn | None:
    needed, per_role = quorum_of(approval)
    if needed <= 1 and not approval.votes:
        return None
    fact = fill(
        "*Approvals*\n{given} of {wanted} given", **dict(zip(("given", "wanted"), progress(approval), strict=True))
    )
    given = [vote.role for vote in _together(approval)]
    parts = [f"{role} {min(given.count(role), count)}/{count}" for role, count in per_role.items()]
    if parts:
        fact = fill("{fact} · {parts}", fact=fact, parts=brief(", ".join(parts), 160))
    return Mrkdwn("\n".join([fact, *_yeses(approval, nobody)]))


def progress(approval: Approval) -> tuple[int, int]:
    """How many yeses to one thing there are, and how many are wanted; an edit wants somebody else to confirm it."""
    wanted = max(quorum_of(approval)[0], 2)
    return min(_seated(approval, _together(approval)), wanted - 1), wanted


def _together(approval: Approval) -> list[Vote]:
    """The most votes for the same: of those who chose or answered differently, only these count together."""
    groups = [[vote for vote in approval.votes if vote.meant == meant] for meant in _meanings(approval)]
    return max(groups, key=len, default=[])


def _meanings(approval: Approval) -> list[Meant]:
    return list(dict.fromkeys(vote.meant for vote in approval.votes))


def _seated(approval: Approval, together: list[Vote]) -> int:
    """How many of the seats are taken: a second yes of one role takes no other role's seat."""
    needed, _ = quorum_of(approval)
    approvers = approval.policy.approvers
    voters = {vote.user: [vote.role] for vote in together}
    return needed - quorum.missing(approvers, voters, {vote.role for vote in together})


def _yeses(approval: Approval, names: Names) -> list[Mrkdwn]:
    """Who said yes, and to what."""
    return [_yes(approval, meant, names) for meant in _meanings(approval)[:NAMES]]


def _yes(approval: Approval, meant: Meant, called: Names) -> Mrkdwn:
    names = _names([vote for vote in approval.votes if vote.meant == meant], called)
    choice, answer = meant
    if answer is not None:
        return fill("Yes with an answer from {names}", names=names)
    if choice is None:
        return fill("Yes from {names}", names=names)
    label = next((one.label for one in approval.request.choices or () if one.id == choice), choice)
    return fill("Yes with {label} from {names}", label=brief(redactor_of(approval)(label), 60), names=names)


def _names(votes: Sequence[Vote], called: Names) -> Mrkdwn:
    names = Mrkdwn(", ".join(person(vote.user, called) for vote in votes[:NAMES]))
    more = len(votes) - NAMES
    return Mrkdwn(f"{names} and {more} more") if more > 0 else names


def _confidence(approval: Approval) -> Mrkdwn:
    request = approval.request
    known = request.effective_confidence
    if request.evidence is None or known is None:
        return Mrkdwn("*Confidence*\nUnknown: no evidence was given")
    return Mrkdwn(f"*Confidence*\n{known:.0%}\n" + " · ".join(_signals(request.evidence)))


def _signals(evidence: Evidence) -> list[str]:
    """Each given signal and whether it holds (docs/rules.md: A6)."""
    found = []
    if evidence.retrieval_hits is not None:
        found.append(f"{_sign(evidence.retrieval_hits >= 2)}{evidence.retrieval_hits} sources")
    if evidence.tool_errored is not None:
        found.append(f"{_sign(not evidence.tool_errored)}{'tool error' if evidence.tool_errored else 'no tool error'}")
    if evidence.self_consistency is not None:
        found.append(f"{_sign(evidence.self_consistency >= 0.8)}consistency {evidence.self_consistency:.2f}")
    if evidence.schema_ok is not None:
        found.append(f"{_sign(evidence.schema_ok)}output {'fits' if evidence.schema_ok else 'breaks'} its schema")
    return found


def _sign(holds: bool) -> str:
    # Kept together with its word: a sign at the end of a line belongs to nothing.
    return "✓\u00a0" if holds else "✗\u00a0"


def status(approval: Approval, names: Names = nobody) -> Mrkdwn | None:
    """The line under the header: what became of it, or what it waits for; None on an ordinary live card."""
    if approval.pending:
        return _waiting(approval, names)
    sign, _ = headline(approval)
    line = fill("{sign} *{outcome}*", sign=Mrkdwn(sign), outcome=outcome_line(approval, note=False, names=names))
    if approval.state is State.TAKEN_OVER:
        line = fill("{line}\nThe agent can only read now. Hand it back when you are done.", line=line)
    if approval.granted and approval.clock.claim_by:
        line = fill("{line}\nNot run yet; unclaimed, it ends {at}", line=line, at=when(approval.clock.claim_by))
    return Mrkdwn("\n".join([line, *afterwards(approval, names=names)]))


def afterwards(approval: Approval, undo_until: datetime | None = None, names: Names = nobody) -> list[Mrkdwn]:
    """What can still be done about it, or was: until when Undo is offered, who undid it, whether it is rolled back (docs/rules.md: A14)."""
    undo = approval.undo
    if undo is None:
        return [fill("Undo is offered until {at}", at=when(undo_until))] if undo_until else []
    ran = approval.claimed_at is not None
    ending = Mrkdwn("the agent was asked to roll back" if ran else "cancelled before it ran")
    lines = [fill("↩️ *Undone by {who}*, {at}: {ending}", who=person(undo.by, names), at=when(undo.at), ending=ending)]
    if undo.reverted_at:
        lines.append(fill("☑️ *Rolled back*, reported by the agent, {at}", at=when(undo.reverted_at)))
    return lines


def _waiting(approval: Approval, names: Names) -> Mrkdwn | None:
    lines = []
    if approval.info_request:
        lines.append(fill("⏸️ *Waiting for the agent's answer*"))
    if approval.level is Level.HUMAN_TAKEOVER:
        lines.append(Mrkdwn("✋ *A person has to do this by hand*: take it over, or reject it"))
    elif approval.edits:
        lines.append(_proposed(approval.edits[-1], names))
    lines += [fill("✅ {yes}", yes=yes) for yes in _yeses(approval, names)]
    if approval.lacking:
        lines.append(fill("🚨 *Cannot be approved as things stand*: {lacking}", lacking=brief(approval.lacking, 300)))
    return Mrkdwn("\n".join(lines)) if lines else None


def _proposed(edit: Edit, names: Names) -> Mrkdwn:
    """Who changed it last: their yes is given, and where they may not change so much alone, somebody else's is missing."""
    ending = "counts as their yes" if edit.alone else "has to be confirmed by another person"
    return fill("✏️ *Changed by {who}*, {at}, which " + ending, who=person(edit.by, names), at=when(edit.at))


_LEAD = {
    RouteName.ASK: "Needs approval",
    RouteName.AUTO: "Policy let it run",
    RouteName.DENY: "Policy denied it",
    RouteName.BLOCK: "Policy blocked it",
}


def why(approval: Approval, redact: Redactor) -> Shown | None:
    """Why policy sent it this way, in a few words; the reasons in full, with their lines of the manifest, are in Details."""
    words = ", ".join(shortened(approval.why, approval.route)[:REASONS])
    return Shown(f"{_LEAD[approval.route]}: {clip(visible(redact(words)), 160, 480)}") if words else None


def asked_by(approval: Approval, redact: Redactor) -> list[Shown]:
    """Who asks, whom it says it acts for, and everybody above it (docs/rules.md: E6)."""
    agent = f"Asked by {clip(visible(approval.agent), 80, 240)}"
    return [Shown(line) for line in [agent, *_above(approval, redact)]]


def origin(approval: Approval, redact: Redactor) -> list[Shown]:
    """The same in full, with who answers for the agent, policy version and digest."""
    lines = [f"Asked by {clip(visible(approval.agent), 80, 240)} · {clip(visible(approval.action), 80, 200)}"]
    if approval.owner:
        lines.append(f"{clip(visible(approval.owner), 60, 120)} answers for this agent")
    lines += _above(approval, redact)
    version = clip(visible(approval.policy_version), 20)
    lines.append(f"{clip(visible(approval.id), 64)} · policy {version} · digest {approval.digest[:12]}")
    return [Shown(line) for line in lines]


def _above(approval: Approval, redact: Redactor) -> list[str]:
    lines = [_for_whom(principal, redact) for principal in approval.principals[:1]]
    if approval.chain:
        whole = ", who acts for ".join(str(link) for link in approval.chain)
        lines.append(f"Acts for {clip(visible(redact(whole)), 240, 600)}")
    if others := approval.principals[1:]:
        names = ", ".join(principal.name for principal in others)
        lines.append(f"Above it also for {clip(visible(redact(names)), 100, 200)}: they cannot decide it either")
    return lines


def _for_whom(principal: Principal, redact: Redactor) -> str:
    name = clip(visible(redact(principal.name.removeprefix(EXTERNAL))), 120, 360)
    if principal.external:
        return f"For {name}, somebody outside your organisation, as the agent states"
    return f"For {name}, as the agent states; they cannot decide it"
