"""Messages beside the cards: reminders, hand-overs, outcomes and alarms, each with its content in it (docs/rules.md: D3, D5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from bot.render import facts, quoted_text
from bot.render.blocks import MESSAGE_BYTES, Block, Button, render, size
from bot.render.buttons import button_value
from bot.render.glance import stakes
from bot.render.labels import (
    TEST_OVER,
    Names,
    assignee,
    consequence,
    due,
    headline,
    mention,
    outcome_line,
    person,
    seat_holder,
)
from bot.render.message import NOTHING_MORE, Message, Sent, block_ids, link_to, look, metadata, summary
from bot.render.parameters import Listing, listing, remainder
from bot.render.push import notice_line
from bot.render.quoted_text import Said
from bot.render.redaction import redactor_of
from bot.render.told import told_by_sentence
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, notification, visible
from policies.approval import Approval, Decided
from policies.hidden import leaves_of
from policies.lifecycle import State
from policies.messages import Notice
from policies.sentences import words
from policies.silence import approves

WORDS_BYTES = 4000
PARAMETERS_BYTES = 3000
ASKED = 6  # people who are named


@dataclass(frozen=True, slots=True)
class _Plan:
    """The parts a notice has besides its first line."""

    said: tuple[Said, ...] = ()
    claims: tuple[Said, ...] = ()
    parameters: bool = False
    why: bool = False
    buttons: tuple[Button, ...] = ()


def notice(
    kind: Notice,
    approval: Approval,
    *,
    link: str | None = None,
    undo_until: datetime | None = None,
    said: Mapping[str, Any] = MappingProxyType({}),
    sent: Sent = NOTHING_MORE,
) -> Message:
    """The message for `kind`; `link` is the card's permalink, `undo_until` offers Undo on what was done (docs/rules.md: A14), `said`
    holds what this very notice is about."""
    lead = _LEAD[kind](approval, sent.names)
    if kind is Notice.ASKED and said.get("whom"):
        lead = _asked(approval, [str(user) for user in said["whom"]])
    if kind is Notice.TOO_FEW and said.get("lacking"):
        lead = _too_few(str(said["lacking"]))
    if kind is Notice.LATER_INCIDENT and said.get("by"):
        lead = _later_incident(str(said["by"]), sent.names)
    lead = _over(kind, approval, said, sent.names) or lead
    if said.get("shared") and kind in (Notice.REMINDER, Notice.YOURS):
        sign, still = ("⏰", "still wait") if kind is Notice.REMINDER else ("🔔", "wait")
        lead = fill(f"{sign} {{who}}, requests on this card {still} for you", who=_who(approval))
    if kind is Notice.DONE:
        lead = Mrkdwn("\n".join([lead, *_progress(approval), *facts.afterwards(approval, undo_until, sent.names)]))
    plan = _plan(kind, approval, undo_until, said)
    sentence = summary(approval, 600, 1500)
    redact = redactor_of(approval)
    listed = _untold(approval, sentence) if plan.parameters else None
    context = {
        "id": block_ids(f"{kind.value}-{look(approval, undo_until)}"),
        "lead": lead,
        "sentence": None if kind is Notice.UNKNOWN_ACTION else sentence,
        "parameters": listed.text if listed and listed.total else None,
        "remainder": remainder(approval, listed) if listed else None,
        "why": facts.why(approval, redact) if plan.why else None,
        "buttons": plan.buttons,
        "small": _small(approval, kind, link, timed=kind is Notice.REMINDER and not said.get("shared")),
    }
    blocks = _filled(render("notice", context), plan, approval, kind)
    noted = metadata(approval) if kind is Notice.DONE else _noted(approval, kind)
    return Message(blocks, notice_line(IN_WORDS[kind], approval, sentence, sent.now), noted)


def _untold(approval: Approval, sentence: Shown) -> Listing:
    """The parameters that the sentence does not tell."""
    found = leaves_of(approval)
    said = told_by_sentence(approval, found, sentence)
    return listing([leaf for leaf in found if leaf.path and leaf.path not in said], PARAMETERS_BYTES)


def alert(title: str, text: str, *, link: str | None = None, over: bool = False) -> Message:
    """News for operations that belong to no approval, such as a manifest that was refused; `text` is quoted.

    `over` where the cause is gone: then it says so in place.
    """
    shown = clip(visible(text, lines=True), 2000, WORDS_BYTES)
    url = link_to(link, "Open")
    context: dict[str, Any] = {
        "id": block_ids("alert-over" if over else "alert"),
        "lead": fill("{sign} *{title}*", sign=Mrkdwn("✅" if over else "🚨"), title=clip(visible(title), 150, 600)),
        "sentence": None,
        "parameters": shown,
        "remainder": None,
        "why": None,
        "buttons": (),
        "small": [url] if url else [],
    }
    blocks = [item for item in render("notice", context) if "slot" not in item]
    return Message(blocks, notification(f"{title}: {text}"), {"event_type": "sayso_alert", "event_payload": {}})


def _noted(approval: Approval, kind: Notice) -> dict[str, Any]:
    payload = {"approval_id": approval.id, "kind": kind.value}
    return {"event_type": "sayso_notice", "event_payload": payload}


def _filled(drawn: list[Block], plan: _Plan, approval: Approval, kind: Notice) -> list[Block]:
    """The notice with the words of people, then of the agent, in the room that is left."""
    redact = redactor_of(approval)
    room = MESSAGE_BYTES - size([item for item in drawn if "slot" not in item])
    version = f"{kind.value}-{approval.version}"
    said = quoted_text.block(f"said-{version}", plan.said, redact, min(room, WORDS_BYTES))
    room -= size(said) + 2 if said else 0
    claims = quoted_text.claims(f"agent-{version}", "The agent says", plan.claims, redact, min(room, WORDS_BYTES))
    slots = {"said": said, "claims": claims}
    return [block for block in (slots[item["slot"]] if "slot" in item else item for item in drawn) if block is not None]


def _small(approval: Approval, kind: Notice, link: str | None, *, timed: bool) -> list[Mrkdwn]:
    """Consequence, deadline and a direct link, so that nobody has to look for them (docs/rules.md: D5).

    The first line of a reminder is `timed` already, and that of an unknown action says what it is.
    """
    found = [
        fill("{sign} {words}", sign=Mrkdwn(consequence(approval.policy)[0]), words=Mrkdwn(stakes(approval.policy)))
    ]
    if kind is Notice.UNKNOWN_ACTION:
        found = []
    if approval.pending and approval.clock.due_at and approval.clock.paused_at is None and not timed:
        found.append(due(approval.clock.due_at))
    if kind in (Notice.NOBODY_LEFT, Notice.TOO_FEW) and approval.pending and approval.clock.expires_at:
        found.append(due(approval.clock.expires_at, "Approved automatically" if approves(approval) else "Expires"))
    url = link_to(link)
    if kind is Notice.DONE:
        return found
    if kind is Notice.TEST_OVER:
        found = []  # nothing was at stake
    # Where there is no link, the id says of which request this is.
    return [*found, url or facts.brief(approval.id, 64)]


def _plan(kind: Notice, approval: Approval, undo_until: datetime | None, told: Mapping[str, Any]) -> _Plan:
    request = approval.request
    if kind is Notice.LATER_INCIDENT:
        return _Plan(
            (Said("What went wrong", _present(told.get("detail")), 1200, 1, True),) if told.get("detail") else ()
        )
    if kind is Notice.TEST_OVER:
        return _Plan((Said("What gave it away", _present(told.get("tell")), 600, 1, True),) if told.get("tell") else ())
    if kind is Notice.TAKEOVER:
        hand_back = (Button("hand_back", "Hand back", button_value(approval), "primary"),)
        buttons = hand_back if approval.state is State.TAKEN_OVER else ()
        return _Plan(tuple(quoted_text.person_says(approval)), tuple(package(approval)), True, True, buttons)
    if kind is Notice.INFO_ANSWERED:
        return _Plan(tuple(quoted_text.exchange(approval)))
    if kind is Notice.INFO_REQUESTED and approval.info_request:
        return _Plan((Said("Asked", (approval.info_request.text,), 1200, 1, True),))
    if kind is Notice.DONE:
        undo = (Button("undo", "Undo", button_value(approval)),) if undo_until else ()
        details = Button("details", "Details", button_value(approval))
        if approval.undo is not None:
            return _Plan(tuple(quoted_text.person_says(approval)), buttons=(details,))
        return _Plan(tuple(quoted_text.person_says(approval)), _reasons(request.reason), True, True, (*undo, details))
    if kind in (Notice.UNDONE, Notice.REVERTED):
        return _Plan(tuple(quoted_text.undo_says(approval)))
    if kind in (Notice.OUTCOME, Notice.OUTCOME_UNKNOWN, Notice.NOT_ROLLED_BACK):
        return _Plan(tuple(quoted_text.person_says(approval)))
    if kind is Notice.UNKNOWN_ACTION:
        return _Plan(claims=_reasons(request.reason), parameters=True)
    return _Plan()


def _reasons(reason: str) -> tuple[Said, ...]:
    return (Said("", (reason,), 600, 1),) if reason.strip() else ()


def package(approval: Approval) -> list[Said]:
    """The takeover package in the agent's words: what was done, the present state, why it asked, what comes next (docs/rules.md: C4)."""
    request = approval.request
    said = [
        Said("", _present(request.reason), 600, 1, short="Why it stopped to ask"),
        Said("", tuple(request.completed_steps), 250, 8, short="Done so far", bullet="\n•  "),
        Said("", _state(request.checkpoint), 250, 8, short="Where it stands", bullet="\n•  "),
        Said("", _present(request.expected_outcome), 400, 1, short="What it was aiming for"),
        Said("", tuple(request.alternatives), 250, short="Alternatives"),
        Said("", (*request.risks, *request.uncertainty_factors), 250, short="Beware"),
    ]
    return [entry for entry in said if entry.texts]


def _state(checkpoint: Any) -> tuple[str, ...]:
    """The agent's checkpoint in words, a line for each thing it holds."""
    if checkpoint is None:
        return ()
    if isinstance(checkpoint, dict) and checkpoint:
        return tuple(f"{name.replace('_', ' ')}: {words(held)}" for name, held in checkpoint.items())
    return (str(words(checkpoint)),)


def _present(text: str | None) -> tuple[str, ...]:
    return (text,) if text and text.strip() else ()


def _who(approval: Approval) -> Mrkdwn:
    """Whose turn it is, and who is asked beside them."""
    beside = [seat_holder(seat) for seat in approval.seats]
    return Mrkdwn(", ".join([assignee(approval, "A reviewer"), *beside]))


def _asked(approval: Approval, whom: Sequence[str]) -> Mrkdwn:
    who = Mrkdwn(", ".join(mention(user) for user in whom)) if whom else _who(approval)
    given, wanted = facts.progress(approval)
    so_far = fill(", {given} of {wanted} yes so far", given=given, wanted=wanted) if given else Mrkdwn("")
    return fill("🔔 {who}, this waits for you now{so_far}", who=who, so_far=so_far)


def _too_few(lacking: str) -> Mrkdwn:
    return fill("🚨 *Too few people are left to decide this*: {lacking}", lacking=facts.brief(lacking, 300))


def _over(kind: Notice, approval: Approval, said: Mapping[str, Any], names: Names) -> Mrkdwn | None:
    """What an alarm says once its cause is gone, and after how long; None while it is not, and for what is no alarm."""
    why = _gone(kind, approval, str(said.get("resolved", "")), names)
    if why is None or "minutes" not in said:
        return why
    return fill("{why}, after {minutes} min", why=why, minutes=Mrkdwn(str(int(said["minutes"]))))


def _gone(kind: Notice, approval: Approval, resolved: str, names: Names) -> Mrkdwn | None:
    if kind in (Notice.NOBODY_LEFT, Notice.TOO_FEW) and not approval.pending:
        line = outcome_line(approval, note=False, names=names)
        return fill("{sign} *Resolved, no longer open*: {line}", sign=Mrkdwn(headline(approval)[0]), line=line)
    if kind is Notice.TOO_FEW and approval.lacking is None:
        return Mrkdwn("✅ *Resolved*: enough people can decide this again")
    if kind is Notice.NOT_ROLLED_BACK and approval.undo is not None and approval.undo.reverted_at is not None:
        return Mrkdwn("☑️ *Resolved*: rolled back, reported by the agent")
    if resolved:
        return fill("✅ *Resolved*: {why}", why=facts.brief(resolved, 300))
    return None


def _reminder(approval: Approval, names: Names) -> Mrkdwn:
    line = fill("⏰ {who}, this still waits for you", who=_who(approval))
    ends = approval.clock.due_at or approval.clock.expires_at
    return fill("{line} · {due}", line=line, due=due(ends)) if ends and approval.clock.paused_at is None else line


def _yours(approval: Approval, names: Names) -> Mrkdwn:
    line = fill("🔔 {who}, this waits for you", who=_who(approval))
    reason = approval.assigned_why
    return fill("{line} · {reason}", line=line, reason=facts.brief(reason, 150)) if reason else line


def _outcome(approval: Approval, names: Names) -> Mrkdwn:
    line = outcome_line(approval, note=False, names=names)
    line = fill("{sign} *{line}*", sign=Mrkdwn(headline(approval)[0]), line=line)
    agent = facts.brief(approval.agent, 80)
    return fill("{line}\nAsked on your behalf, as {agent} states", line=line, agent=agent)


def _answered(approval: Approval, names: Names) -> Mrkdwn:
    return fill("💬 {who}, the agent answered; the deadline is running again", who=_who(approval))


def _nobody(approval: Approval, names: Names) -> Mrkdwn:
    """Each of them may still decide; whoever has said yes already cannot say it again."""
    voted = {vote.user for vote in approval.votes}
    asked = [user for user in dict.fromkeys(approval.asked) if user not in voted]
    if not asked:
        roles = facts.brief(", ".join(approval.roles_that_decide) or approval.role or "any role", 160)
        return fill("🚨 *Nobody is left to ask* in {roles}", roles=roles)
    who = Mrkdwn(", ".join(person(user, names) for user in asked[:ASKED]))
    who = fill("{who} and {count} more", who=who, count=len(asked) - ASKED) if len(asked) > ASKED else who
    who = fill("one of {who}", who=who) if len(asked) > 1 else who
    return fill("🚨 *Nobody is left to ask*: {who} has to decide", who=who)


def _unknown_action(approval: Approval, names: Names) -> Mrkdwn:
    action, agent = facts.brief(approval.action, 80), facts.brief(approval.agent, 80)
    return fill(
        "🚧 *Unknown action {action}* from {agent} was blocked: add it to the manifest if agents may ask for it",
        action=action,
        agent=agent,
    )


def _unknown_outcome(approval: Approval, names: Names) -> Mrkdwn:
    agent = facts.brief(approval.agent, 80)
    return fill(
        "❓ *Outcome unknown*: {agent} claimed this and never reported a result. Check the actual state before anyone runs it again",
        agent=agent,
    )


def _done(approval: Approval, names: Names) -> Mrkdwn:
    agent = facts.brief(approval.agent, 80)
    done, never = approval.state in (State.SUCCEEDED, State.FAILED), (State.CANCELLED, State.EXPIRED)
    words = "ran this" if done else "may run this" if approval.granted else "runs this"
    if approval.state in never:
        words = "was free to run this"
    return fill(
        "📣 *For your information*: {agent} {words} without asking, as policy allows", agent=agent, words=Mrkdwn(words)
    )


def _progress(approval: Approval) -> list[Mrkdwn]:
    """Where it stands, once it is more than allowed."""
    if approval.granted:
        return []
    return [fill("{sign} *{state}*", sign=Mrkdwn(headline(approval)[0]), state=Mrkdwn(headline(approval)[1]))]


def _undone(approval: Approval, names: Names) -> Mrkdwn:
    lines = facts.afterwards(approval, names=names)
    return lines[0] if lines else Mrkdwn("↩️ *Undone*")


def _not_rolled_back(approval: Approval, names: Names) -> Mrkdwn:
    agent = facts.brief(approval.agent, 80)
    return fill(
        "🚨 *Undone, but not rolled back*: {agent} has not reported a roll-back. Check the actual state", agent=agent
    )


def _later_incident(by: str, names: Names) -> Mrkdwn:
    """Without blame: at the moment of the yes nobody knew."""
    who = person(by, names) if by[:1] in "UW" else facts.brief(by.partition(":")[2] or by, 80)
    return fill(
        "🔎 *Later called an incident*, by {who}. You had said yes to it: this is for you to know, not a reproach",
        who=who,
    )


_ANSWERED: Final = {
    Decided.REJECTED: "You rejected it: well caught",
    Decided.TAKEN_OVER: "You took it out of the agent's hands: well caught",
    Decided.APPROVED: "You approved it, as happens to everybody now and then",
    Decided.EDITED: "You changed it before your yes, which counts neither way",
}


def _test_over(approval: Approval, names: Names) -> Mrkdwn:
    """Kindly, and to whoever answered it alone."""
    kind = approval.decision.kind if approval.decision else Decided.CANCELLED
    said = _ANSWERED.get(kind, "You did not decide it by yourself, which counts neither way")
    return fill("🧪 *{test}.* {said}. Only you are told this", test=Mrkdwn(TEST_OVER), said=Mrkdwn(said))


def _takeover(approval: Approval, names: Names) -> Mrkdwn:
    by = person(approval.decision.by, names) if approval.decision else Mrkdwn("a person")
    if approval.state is State.HANDED_BACK:
        return fill("🤝 *Handed back* by {by}. The agent continues from the new state. It had asked to:", by=by)
    return fill("✋ *Taken over* by {by}. The agent can only read now. It had asked to:", by=by)


_LEAD: Final[dict[Notice, Callable[[Approval, Names], Mrkdwn]]] = {
    Notice.REMINDER: _reminder,
    Notice.YOURS: _yours,
    Notice.OUTCOME: _outcome,
    Notice.INFO_REQUESTED: lambda *_: Mrkdwn("⏸️ The agent was asked; the deadline is paused until it answers"),
    Notice.INFO_ANSWERED: _answered,
    Notice.NOBODY_LEFT: _nobody,
    Notice.ASKED: lambda approval, _: _asked(approval, ()),
    Notice.TOO_FEW: lambda approval, _: _too_few(approval.lacking or "nobody is left who could decide it"),
    Notice.UNKNOWN_ACTION: _unknown_action,
    Notice.OUTCOME_UNKNOWN: _unknown_outcome,
    Notice.DONE: _done,
    Notice.TAKEOVER: _takeover,
    Notice.UNDONE: _undone,
    Notice.REVERTED: lambda *_: Mrkdwn("☑️ *Rolled back*, reported by the agent"),
    Notice.NOT_ROLLED_BACK: _not_rolled_back,
    Notice.LATER_INCIDENT: lambda _, names: _later_incident("somebody", names),
    Notice.TEST_OVER: _test_over,
}
IN_WORDS: Final = {
    Notice.REMINDER: "Still waiting for you",
    Notice.YOURS: "Waiting for you",
    Notice.OUTCOME: "Decided",
    Notice.INFO_REQUESTED: "The agent was asked",
    Notice.INFO_ANSWERED: "The agent answered",
    Notice.NOBODY_LEFT: "Nobody is left to ask",
    Notice.ASKED: "Waiting for you now",
    Notice.TOO_FEW: "Too few people are left",
    Notice.UNKNOWN_ACTION: "Unknown action blocked",
    Notice.OUTCOME_UNKNOWN: "Outcome unknown",
    Notice.DONE: "Done without asking",
    Notice.TAKEOVER: "Taken over",
    Notice.UNDONE: "Undone",
    Notice.REVERTED: "Rolled back",
    Notice.NOT_ROLLED_BACK: "Undone, but not rolled back",
    Notice.LATER_INCIDENT: "Later called an incident",
    Notice.TEST_OVER: "This was a test",
}
