"""The words of cards: what was decided, by whom, how bad it can get, and when."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from bot.render.redaction import redactor_of
from bot.render.visible_text import Mrkdwn, clip, escape, fill, visible
from policies.approval import Approval, Decided, Seat
from policies.files.policy import OnTimeout, Policy, Reversibility, Severity
from policies.lifecycle import State

_BROADCASTS: Final = ("channel", "here", "everyone")
_USER: Final = re.compile(r"[UW][A-Z0-9]{1,30}\Z")

SEVERITY: Final = {
    Severity.LOW: ("🟢", "Low severity"),
    Severity.MEDIUM: ("🟡", "Medium severity"),
    Severity.HIGH: ("🔴", "High severity"),
}
UNDO: Final = {
    Reversibility.REVERSIBLE: "Can be undone",
    Reversibility.PARTIALLY: "Can be undone only in part",
    Reversibility.IRREVERSIBLE: "Cannot be undone",
}
SILENCE: Final = {
    OnTimeout.DENY: "then denied",
    OnTimeout.ESCALATE: "then escalated",
    OnTimeout.HOLD: "then it keeps waiting",
    OnTimeout.APPROVE: "then approved automatically",
}
STATES: Final = {
    State.PENDING: ("⏳", "Waiting"),
    State.APPROVED: ("✅", "Approved"),
    State.EDITED: ("✏️", "Approved with changes"),
    State.CHOSEN: ("☑️", "Chosen"),
    State.ANSWERED: ("💬", "Answered"),
    State.REJECTED: ("⛔", "Rejected"),
    State.TAKEN_OVER: ("✋", "Taken over"),
    State.HANDED_BACK: ("🤝", "Handed back"),
    State.EXPIRED: ("⌛", "Expired"),
    State.CANCELLED: ("🚫", "Cancelled"),
    State.BLOCKED: ("🚧", "Blocked: this action is not in the manifest"),
    State.DENIED: ("⛔", "Denied"),
    State.CLAIMED: ("▶️", "Running"),
    State.SUCCEEDED: ("✅", "Done"),
    State.FAILED: ("❌", "Failed"),
    State.OUTCOME_UNKNOWN: ("❓", "Outcome unknown: a person must look"),
}
_YES: Final = {
    Decided.EDITED: "Approved with changes",
    Decided.CHOSEN: "Chosen",
    Decided.ANSWERED: "Answered",
}
_AFTER_A_YES: Final = frozenset({State.CLAIMED, State.SUCCEEDED, State.FAILED, State.OUTCOME_UNKNOWN})


# Said to everybody: how whoever decided it did is told to them alone.
TEST_OVER: Final = "This was a test: nothing was run"


def mention(user: str) -> Mrkdwn:
    """A live mention of a Slack user; anything that is no user id stays text."""
    return Mrkdwn(f"<@{user}>") if _USER.match(user) else escape(user)


Names = Callable[[str], str | None]
"""What people are called, where a message must not mention them; None of those whose name is not known."""


def nobody(user: str) -> None:
    """Knows nobody's name."""


def person(user: str, names: Names) -> Mrkdwn:
    """Somebody by name, such as @bob, in letters that notify nobody; mentioned where no name is known."""
    name = names(user)
    return called(name) if name else mention(user)


def called(name: str) -> Mrkdwn:
    """A name as a handle, such as @bob, in letters that notify nobody."""
    at = "" if name.casefold().startswith(_BROADCASTS) else "@"
    return fill("{at}{name}", at=at, name=escape(clip(visible(name), 60, 240)))


def assignee(approval: Approval, anyone: str) -> Mrkdwn:
    """Whose turn it is: mentioned, named where they must not be notified, the role or `anyone` where it is nobody's."""
    if approval.assignee is None:
        return escape(clip(visible(approval.role or anyone), 60))
    return (
        escape(clip(visible(approval.named or approval.assignee), 60))
        if approval.hushed
        else mention(approval.assignee)
    )


def seat_holder(seat: Seat) -> Mrkdwn:
    """Who is asked beside the assignee: mentioned, or named where they must not be notified."""
    return mention(seat.user) if seat.named is None else escape(clip(visible(seat.named), 60))


def stamp(moment: datetime) -> str:
    """A moment where Slack does not localise it: UTC to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def when(moment: datetime) -> Mrkdwn:
    """A moment in the reader's own time zone, UTC where Slack cannot tell."""
    return Mrkdwn(f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{stamp(moment)}>")


def due(moment: datetime, words: str = "Due") -> Mrkdwn:
    """How long there is left, as the reader's own clock says whenever it is read: “Due in 5 minutes”."""
    return Mrkdwn(f"<!date^{int(moment.timestamp())}^{words} {{ago}}|{words} {stamp(moment)}>")


def ago(moment: datetime) -> Mrkdwn:
    """How long it is ago, by the reader's own clock."""
    return Mrkdwn(f"<!date^{int(moment.timestamp())}^{{ago}}|{stamp(moment)}>")


def headline(approval: Approval) -> tuple[str, str]:
    """Sign and words of the approval's state."""
    if approval.tested:
        return "🧪", TEST_OVER
    return STATES[approval.state]


def verdict(approval: Approval) -> str:
    """What was decided, in a word or two."""
    if approval.decision is None or approval.tested or not _after_a_yes(approval):
        return headline(approval)[1]
    return _YES.get(approval.decision.kind, "Approved")


def _after_a_yes(approval: Approval) -> bool:
    """Whether more happened since it was allowed: also that nobody claimed it in time."""
    kind = approval.decision.kind if approval.decision else None
    return approval.state in _AFTER_A_YES or (approval.state is State.EXPIRED and kind not in (None, Decided.EXPIRED))


def consequence(policy: Policy) -> tuple[str, str, str]:
    """Sign, severity and reversibility in words; an unknown action counts as the worst."""
    if not policy.known:
        return "🚧", "Unknown action", "Nobody has said how bad it can get"
    sign, severity = SEVERITY[policy.severity]
    return sign, severity, UNDO[policy.reversibility]


def by_whom(approval: Approval, names: Names = nobody) -> Mrkdwn:
    """` by Bob, <date>` of the decision; empty where there is none."""
    decision = approval.decision
    if decision is None:
        return Mrkdwn("")
    return fill(" by {name}, {at}", name=_decider(decision.by, names), at=when(decision.at))


def _decider(by: str, names: Names) -> Mrkdwn:
    """A person, or by its name what decided without one: policy, or the agent that withdrew it."""
    kind, _, agent = by.partition(":")
    return escape(clip(visible(agent), 60, 240)) if kind == "agent" and agent else person(by, names)


def outcome_line(approval: Approval, *, note: bool = True, names: Names = nobody) -> Mrkdwn:
    """One line on where an approval stands, such as “Approved by Bob, today at 14:02 · note”, with the note's beginning."""
    if approval.tested:
        return Mrkdwn(TEST_OVER)
    line = fill("{verdict}{by}", verdict=Mrkdwn(verdict(approval)), by=by_whom(approval, names))
    if _after_a_yes(approval):
        line = fill("{now} · {line}", now=Mrkdwn(STATES[approval.state][1]), line=line)
    words = approval.decision.note if approval.decision and note else None
    if not words or not words.strip():
        return line
    shown = clip(visible(" ".join(redactor_of(approval)(words).split())), 150, 400)
    return fill("{line} · {note}", line=line, note=shown)


VERDICTS: Final = {"correct": "Looks right", "incident": "Incident"}


def reviewed_sentence(approval: Approval) -> Mrkdwn:
    """How a review after the fact ended."""
    review = approval.review
    if review is None or review.by is None or review.at is None:
        return Mrkdwn("This review is closed; nobody is asked any more.")
    word = Mrkdwn(VERDICTS.get(review.verdict or "", "Reviewed"))
    return fill("{word}, says {who} at {at}.", word=word, who=mention(review.by), at=when(review.at))


def settled_sentence(approval: Approval) -> Mrkdwn:
    """What somebody is told who came too late; mrkdwn for an ephemeral message."""
    if approval.pending:
        return Mrkdwn("This is still waiting for a decision.")
    if approval.undo is not None:
        undo = approval.undo
        return fill("Already undone by {who}, {at}.", who=mention(undo.by), at=when(undo.at))
    if approval.tested:
        return Mrkdwn(f"{TEST_OVER}.")
    word = verdict(approval)
    return fill("Already {word}{by}.", word=Mrkdwn(word[0].lower() + word[1:]), by=by_whom(approval))
