"""An approval as everything else sees it: one frozen value, read from one row."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from policies.chain import Link
from policies.deadlines import Clock
from policies.digest import digest_of
from policies.earlier import Again
from policies.edits import ABSENT, Change, Edit, changes, differ
from policies.files.policy import OnTimeout, Policy
from policies.levels import Level, RouteName
from policies.lifecycle import GRANTED, Deadlines, State
from policies.principals import Principal
from policies.request import Request

Meant = tuple[str | None, str | None]


def meant(choice: str | None, answer: str | None) -> Meant:
    """What a yes is a yes to. Answers are the same where nobody could see a difference: case and words count."""
    text = None if answer is None else unicodedata.normalize("NFC", answer.replace("\r\n", "\n")).strip()
    return choice, text


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's yes towards a quorum, in the role it counts for: to the action, with the choice or answer it named."""

    user: str
    role: str
    at: datetime
    choice: str | None = None
    answer: str | None = None

    @property
    def meant(self) -> Meant:
        """What it is a yes to: only the same counts together."""
        return meant(self.choice, self.answer)


class Decided(StrEnum):
    """What a decision is."""

    APPROVED = "approved"
    EDITED = "edited"
    CHOSEN = "chosen"
    ANSWERED = "answered"
    REJECTED = "rejected"
    TAKEN_OVER = "taken_over"
    HANDED_BACK = "handed_back"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DENIED = "denied"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. `by` is a Slack user id, or "policy"; `latency_ms` counts from the request."""

    kind: Decided
    by: str
    at: datetime
    note: str | None = None
    edited_params: dict[str, Any] | None = None
    choice: str | None = None
    answer: str | None = None
    human_steps: list[str] | None = None
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class InfoRequest:
    """A reviewer's open question to the agent; while it is open, the clock stands still."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Undo:
    """A person asked to undo what was allowed; `reverted_at` is when the agent reported that it had rolled back (docs/rules.md: A14)."""

    by: str
    at: datetime
    note: str | None = None
    reverted_at: datetime | None = None
    reverted_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A look after the fact: everybody asked in turn, and what the one who answered said (`correct` or `incident`)."""

    asked: tuple[str, ...]
    by: str | None = None
    at: datetime | None = None
    verdict: str | None = None
    note: str | None = None
    closed: bool = False

    @property
    def reviewer(self) -> str | None:
        """Whose turn it is."""
        return None if self.closed else self.asked[-1]


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody who is asked beside the assignee, for another role of the quorum; `named` where nobody may mention them."""

    role: str
    user: str
    named: str | None = None


@dataclass(frozen=True, slots=True)
class Planted:
    """That it is a test of whoever decides it, and can never run: what gives it away, and the agent it seems to come from."""

    tell: str
    seeming_agent_id: str


@dataclass(frozen=True, slots=True)
class Approval:
    """One request and all that became of it."""

    id: str
    agent_id: str
    agent: str
    request: Request
    params: dict[str, Any]
    sentence: str
    state: State
    version: int
    level: Level | None
    route: RouteName
    why: tuple[str, ...]
    digest: str
    policy: Policy
    policy_version: str
    created_at: datetime
    updated_at: datetime
    clock: Clock = field(default_factory=Clock)
    expires_at: datetime | None = None
    assignee: str | None = None
    role: str | None = None
    reached_roles: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    assigned_why: str | None = None
    info_request: InfoRequest | None = None
    exchange: tuple[tuple[str, str], ...] = ()
    votes: tuple[Vote, ...] = ()
    decision: Decision | None = None
    claimed_at: datetime | None = None
    nonce_hash: str | None = None
    outcome_detail: str | None = None
    breached_at: datetime | None = None  # when an SLA was missed first (docs/rules.md: E3)
    chain: tuple[Link, ...] = ()
    principals: tuple[Principal, ...] = ()  # its own first, then of everybody above it; none of them may decide
    owner: str | None = None  # who answers for the agent, as people know them
    undo: Undo | None = None
    review: Review | None = None
    named: str | None = None  # what the assignee is called where a message must not mention them
    edits: tuple[Edit, ...] = ()
    seats: tuple[Seat, ...] = ()
    lacking: str | None = None  # why nobody can bring the quorum together any more
    asked_as: str = ""  # what it asks for, whatever the spelling (sameness.identity)
    again: Again | None = None  # that it was asked before
    step: str | None = None  # what the agent calls the step that it is asked in
    standing: str | None = None  # the standing approval that let it run
    trace: str | None = None  # the `traceparent` of its request, in whose trace everything goes on
    planted: Planted | None = None  # nobody may see this before it is decided
    removed_at: datetime | None = None  # when its parameters and texts went, by their age: its digest is of what it was

    @property
    def edited(self) -> bool:
        """Whether people changed what the agent asked for."""
        return differ(self.request.params, self.params)

    @property
    def notes(self) -> tuple[str, ...]:
        """What those who changed it and the one who decided it wrote for the agent, in that order, each once."""
        own = self.decision.note if self.decision and self.decision.by != "policy" else None
        return tuple(dict.fromkeys(note for note in (*(edit.note for edit in self.edits), own) if note))

    @property
    def hushed(self) -> bool:
        """Whether the assignee was not notified yet: their quiet hours, or a full hour, come first."""
        return self.clock.hush_until is not None

    @property
    def heard_in_time(self) -> bool:
        """Whether the assignee, who was not notified yet, will be before the SLA and the expiry are over."""
        until, ends = self.clock.hush_until, (self.clock.due_at, self.clock.expires_at)
        return until is not None and all(end is None or until < end for end in ends)

    @property
    def told_agent_id(self) -> str:
        """The agent that asks, as far as anybody is told."""
        return self.planted.seeming_agent_id if self.planted else self.agent_id

    @property
    def tested(self) -> bool:
        """Whether it was a test, and is over: then everybody may know."""
        return self.planted is not None and self.state is not State.PENDING

    @property
    def action(self) -> str:
        """The action's name in the manifest."""
        return self.request.action

    @property
    def title(self) -> str:
        """The action's title for people; its name where the manifest does not know it."""
        return self.policy.title

    @property
    def pending(self) -> bool:
        """Whether a person is still to decide."""
        return self.state is State.PENDING

    @property
    def granted(self) -> bool:
        """Whether it may be claimed now."""
        return self.state in GRANTED

    @property
    def undo_seconds(self) -> int:
        """How long Undo is offered, counted from the last of: approved, claimed, reported (docs/rules.md: A14)."""
        return self.policy.undo_window_seconds

    @property
    def roll_back_owed(self) -> bool:
        """Whether the agent was asked to roll back what it claimed, and has not reported it."""
        return self.undo is not None and self.claimed_at is not None and self.undo.reverted_at is None

    @property
    def deadlines(self) -> Deadlines:
        """The moments the lifecycle judges."""
        paused = self.clock.paused_at is not None
        return Deadlines(None if paused else self.clock.expires_at, self.clock.claim_by)

    @property
    def roles_that_decide(self) -> tuple[str, ...]:
        """The required role, the roles that the escalation has reached, and every role of the quorum."""
        if not self.policy.known:
            return self.reached_roles
        seats = () if isinstance(self.policy.approvers, int) else tuple(self.policy.approvers)
        # What policy let run reached nobody: the role that would have been asked may undo and review it.
        return tuple(dict.fromkeys([*self.reached_roles, self.policy.role, *seats]))

    @property
    def holds_for_ever(self) -> bool:
        """Whether silence means that it simply waits on (docs/rules.md: B4)."""
        return self.policy.on_timeout is OnTimeout.HOLD


def digest_of_approval(approval: Approval) -> str:
    """The digest of what the approval now is; one that was changed behind Sayso's back no longer has the one it carries."""
    request = approval.request
    return digest_of(
        approval_id=approval.id,
        agent=approval.agent,
        action=approval.action,
        params=approval.params,
        policy_version=approval.policy_version,
        expires_at=approval.expires_at,
        kind=request.kind,
        choices=[choice.model_dump() for choice in request.choices] if request.choices else None,
        question=request.question,
    )


def feedback(approval: Approval) -> str:
    """One paragraph for the agent's context: what was decided, by whom, and what that means for its next step (docs/rules.md: B6, C2)."""
    decision = approval.decision
    what = f"Your request to run {approval.action} ({approval.sentence})"
    if approval.state is State.PENDING:
        if approval.info_request:
            return f"{what} is waiting for your answer to a question: {approval.info_request.text}"
        return f"{what} is waiting for a person. Do not run it yet.{_changed(approval)}"
    if approval.undo is not None:
        return f"{what} {_undone(approval, approval.undo)}"
    told = [edit.note for edit in approval.edits]
    note = f" Note: {decision.note}" if decision and decision.note and decision.note not in told else ""
    by = f" by {decision.by}" if decision and decision.by != "policy" else " by policy" if decision else ""
    state = State.EDITED if approval.state is State.APPROVED and approval.edited else approval.state
    return f"{what} {_MEANING[state].format(by=by)}{_changed(approval)}{_specifics(decision)}{note}".strip()


MOST_SHOWN = 200  # characters of one value in a feedback; the grant holds it whole


def _changed(approval: Approval) -> str:
    """Every parameter that people changed, before and after, and what each of them wrote."""
    found = [_change(change) for change in changes(approval.request.params, approval.params)]
    if not found and not approval.edits:
        return ""
    people = ", then ".join(f"{edit.by} (note: {edit.note})" if edit.note else edit.by for edit in approval.edits)
    by = f" by {people}" if people else ""
    return f" Changed{by}: {'; '.join(found)}." if found else f" Changed{by}, and changed back."


def _change(change: Change) -> str:
    if change.before is ABSENT:
        return f"{change.path} added as {_value(change.after)}"
    if change.after is ABSENT:
        return f"{change.path} taken out, was {_value(change.before)}"
    return f"{change.path} from {_value(change.before)} to {_value(change.after)}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _undone(approval: Approval, undo: Undo) -> str:
    note = f" Note: {undo.note}" if undo.note else ""
    if approval.claimed_at is None:
        return f"was undone by {undo.by} before it ran. Do not run it.{note}"
    if undo.reverted_at is not None:
        return f"was undone by {undo.by}, and you reported that it is rolled back. Do not run it again."
    return (
        f"was approved, and then undone by {undo.by}. Roll it back now: bring things back to where they were before, "
        f"then report it with the label reverted. If you have not run it yet, do not.{note}"
    )


_MEANING = {
    State.APPROVED: "was approved{by}. Claim it and run it exactly as asked.",
    State.EDITED: "was approved{by} with changed parameters. Run it with the parameters of the grant, not your own.",
    State.CHOSEN: "was decided{by}.",
    State.ANSWERED: "was answered{by}.",
    State.REJECTED: "was rejected{by}. Do not run it, and do not ask for the same again unchanged.",
    State.TAKEN_OVER: "was taken over{by}. Only read from now on; do not act on it.",
    State.HANDED_BACK: "was done by hand and handed back{by}. Go on from the new state; do not repeat these steps.",
    State.EXPIRED: "expired without a decision or without being claimed in time. Do not run it.",
    State.CANCELLED: "was cancelled{by}. Do not run it.",
    State.BLOCKED: "was blocked: this action is not in the manifest. Do not run it.",
    State.DENIED: "was denied{by}. Do not run it.",
    State.CLAIMED: "was approved{by} and claimed; report its result.",
    State.SUCCEEDED: "was approved{by}, run, and reported as succeeded.",
    State.FAILED: "was approved{by}, run, and reported as failed.",
    State.OUTCOME_UNKNOWN: "was claimed, but no result came in time. Do not run it again; a person has to look.",
}


def _specifics(decision: Decision | None) -> str:
    if decision is None:
        return ""
    parts = []
    if decision.choice:
        parts.append(f" The choice is {decision.choice}.")
    if decision.answer:
        parts.append(f" The answer is: {decision.answer}")
    if decision.human_steps:
        parts.append(f" Done by hand: {'; '.join(decision.human_steps)}.")
    return "".join(parts)
