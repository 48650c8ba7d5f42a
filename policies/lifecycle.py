"""Every state an approval can be in, and the one place where a state changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from policies.errors import NotClaimable, Settled, TooLate


class State(StrEnum):
    """Where an approval stands. Names and meanings are public."""

    PENDING = "pending"  # waits for a person, or for information that a person asked for
    APPROVED = "approved"  # may be executed once, exactly as asked
    EDITED = "edited"  # may be executed once, with the parameters a person changed
    CHOSEN = "chosen"  # a person picked one of the candidates; may be executed once
    ANSWERED = "answered"  # a person answered the open question
    REJECTED = "rejected"  # a person said no
    TAKEN_OVER = "taken_over"  # a person does it by hand; the agent only reads
    HANDED_BACK = "handed_back"  # the person is done and told the agent what was done
    EXPIRED = "expired"  # nobody decided, or nobody claimed, in time
    CANCELLED = "cancelled"  # the agent or a person withdrew it
    BLOCKED = "blocked"  # the manifest does not know this action
    DENIED = "denied"  # policy refused it at once
    CLAIMED = "claimed"  # the agent holds the single grant and is executing
    SUCCEEDED = "succeeded"  # executed, and reported as done
    FAILED = "failed"  # executed, and reported as failed
    OUTCOME_UNKNOWN = "outcome_unknown"  # claimed, but no result came: a person must look


class Verb(StrEnum):
    """What can happen to an approval."""

    APPROVE = "approve"
    EDIT = "edit"
    CHOOSE = "choose"
    ANSWER = "answer"
    REJECT = "reject"
    TAKE_OVER = "take_over"
    HAND_BACK = "hand_back"
    CONFIRM = "confirm"
    VOTE = "vote"
    REVISE = "revise"
    REQUEST_INFO = "request_info"
    ANSWER_INFO = "answer_info"
    ESCALATE = "escalate"
    REASSIGN = "reassign"
    REMIND = "remind"
    EXPIRE = "expire"
    CONSENT = "consent"
    CANCEL = "cancel"
    CLAIM = "claim"
    LAPSE = "lapse"
    SUCCEED = "succeed"
    FAIL = "fail"
    UNDO = "undo"
    REVIEW = "review"
    SHOW_HIDDEN = "show_hidden"
    END_STANDING = "end_standing"
    LABEL = "label"
    END_TEST = "end_test"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state after a verb, and the audit event that records it."""

    state: State
    event: str


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The two moments that close doors: `expires_at` for deciding, `claim_by` for claiming (None = never)."""

    expires_at: datetime | None = None
    claim_by: datetime | None = None


GRANTED = frozenset({State.APPROVED, State.EDITED, State.CHOSEN, State.ANSWERED})
OPEN = frozenset({State.PENDING})
EXECUTED = frozenset({State.SUCCEEDED, State.FAILED})
RAN = EXECUTED | {State.OUTCOME_UNKNOWN}  # came to its end, whatever that was: only this can be called correct
BY_A_PERSON = frozenset(
    {
        Verb.APPROVE,
        Verb.EDIT,
        Verb.CHOOSE,
        Verb.ANSWER,
        Verb.REJECT,
        Verb.TAKE_OVER,
        Verb.CONFIRM,
        Verb.VOTE,
        Verb.REVISE,
        Verb.REQUEST_INFO,
        Verb.ESCALATE,
    }
)

_FROM_PENDING = {
    Verb.APPROVE: Outcome(State.APPROVED, "approved"),
    Verb.CONSENT: Outcome(State.APPROVED, "timeout"),
    Verb.EDIT: Outcome(State.EDITED, "modified"),
    Verb.CONFIRM: Outcome(State.EDITED, "approved"),
    Verb.CHOOSE: Outcome(State.CHOSEN, "chosen"),
    Verb.ANSWER: Outcome(State.ANSWERED, "answered"),
    Verb.REJECT: Outcome(State.REJECTED, "rejected"),
    Verb.TAKE_OVER: Outcome(State.TAKEN_OVER, "taken_over"),
    Verb.VOTE: Outcome(State.PENDING, "approved"),
    Verb.REVISE: Outcome(State.PENDING, "modified"),
    Verb.REQUEST_INFO: Outcome(State.PENDING, "info_requested"),
    Verb.ANSWER_INFO: Outcome(State.PENDING, "info_answered"),
    Verb.ESCALATE: Outcome(State.PENDING, "escalated"),
    Verb.REASSIGN: Outcome(State.PENDING, "reassigned"),
    Verb.REMIND: Outcome(State.PENDING, "reminded"),
    Verb.EXPIRE: Outcome(State.EXPIRED, "timeout"),
    Verb.CANCEL: Outcome(State.CANCELLED, "cancelled"),
    # Whatever a test is answered, or where nobody answers it: nothing of it is ever granted.
    Verb.END_TEST: Outcome(State.CANCELLED, "test_ended"),
}
_FROM_GRANTED = {
    Verb.CLAIM: Outcome(State.CLAIMED, "resumed"),
    Verb.CANCEL: Outcome(State.CANCELLED, "cancelled"),
    Verb.EXPIRE: Outcome(State.EXPIRED, "timeout"),
    Verb.UNDO: Outcome(State.CANCELLED, "undone"),
}
_TABLE: dict[State, dict[Verb, Outcome]] = {
    State.PENDING: _FROM_PENDING,
    **dict.fromkeys(GRANTED, _FROM_GRANTED),
    State.TAKEN_OVER: {Verb.HAND_BACK: Outcome(State.HANDED_BACK, "handed_back")},
    State.CLAIMED: {
        Verb.SUCCEED: Outcome(State.SUCCEEDED, "result"),
        Verb.FAIL: Outcome(State.FAILED, "result"),
        Verb.LAPSE: Outcome(State.OUTCOME_UNKNOWN, "timeout"),
        # What runs or ran is not reopened: the agent is asked to roll it back.
        Verb.UNDO: Outcome(State.CLAIMED, "undone"),
    },
    State.SUCCEEDED: {Verb.UNDO: Outcome(State.SUCCEEDED, "undone")},
}


def transition(state: State, verb: Verb, now: datetime, deadlines: Deadlines) -> Outcome:
    """The outcome of `verb` in `state` at `now`.

    Raises Settled when the approval is no longer open for it, NotClaimable for a claim of what is not approved,
    and TooLate when `now` has reached the deadline that governs the verb.
    """
    outcome = _TABLE.get(state, {}).get(verb)
    if outcome is None:
        raise (NotClaimable if verb is Verb.CLAIM else Settled)(state=state.value)
    if verb in BY_A_PERSON and deadlines.expires_at is not None and now >= deadlines.expires_at:
        raise TooLate(state=State.EXPIRED.value)
    if verb is Verb.CLAIM and deadlines.claim_by is not None and now >= deadlines.claim_by:
        raise TooLate(state=State.EXPIRED.value)
    return outcome


@cache
def states_by_event() -> dict[str, frozenset[str]]:
    """By the audit event of a move: every state that it can leave an approval in."""
    found: dict[str, set[str]] = {}
    for outcomes in _TABLE.values():
        for outcome in outcomes.values():
            found.setdefault(outcome.event, set()).add(outcome.state.value)
    return {event: frozenset(states) for event, states in found.items()}
