"""Every state, every verb: what follows, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import NotClaimable, Settled, TooLate
from policies.lifecycle import (
    BY_A_PERSON,
    GRANTED,
    Deadlines,
    State,
    Verb,
    states_by_event,
    transition,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
FREE = Deadlines()
# Written by hand from the contract, not read from the code: "state verb" -> state and audit event.
EXPECTED = {
    "pending approve": "approved approved",
    "pending consent": "approved timeout",
    "pending edit": "edited modified",
    "pending confirm": "edited approved",
    "pending choose": "chosen chosen",
    "pending answer": "answered answered",
    "pending reject": "rejected rejected",
    "pending take_over": "taken_over taken_over",
    "pending vote": "pending approved",
    "pending revise": "pending modified",
    "pending request_info": "pending info_requested",
    "pending answer_info": "pending info_answered",
    "pending escalate": "pending escalated",
    "pending reassign": "pending reassigned",
    "pending remind": "pending reminded",
    "pending expire": "expired timeout",
    "pending cancel": "cancelled cancelled",
    "pending end_test": "cancelled test_ended",
    **{f"{state} claim": "claimed resumed" for state in ("approved", "edited", "chosen", "answered")},
    **{f"{state} cancel": "cancelled cancelled" for state in ("approved", "edited", "chosen", "answered")},
    **{f"{state} expire": "expired timeout" for state in ("approved", "edited", "chosen", "answered")},
    "taken_over hand_back": "handed_back handed_back",
    "claimed succeed": "succeeded result",
    "claimed fail": "failed result",
    "claimed lapse": "outcome_unknown timeout",
    **{f"{state} undo": "cancelled undone" for state in ("approved", "edited", "chosen", "answered")},
    "claimed undo": "claimed undone",
    "succeeded undo": "succeeded undone",
}
_NAMES = """pending approved edited chosen answered rejected taken_over expired cancelled blocked denied
    claimed succeeded failed outcome_unknown handed_back"""
PUBLIC_STATES = set(_NAMES.split())
TERMINAL = PUBLIC_STATES - {"pending", "approved", "edited", "chosen", "answered", "taken_over", "claimed"}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verb", Verb)
def test_every_verb_in_every_state_has_its_outcome_or_its_error(state: State, verb: Verb) -> None:
    """Each verb leads exactly where the contract says, and everywhere else it is refused with the state named."""
    expected = EXPECTED.get(f"{state} {verb}")
    if expected is not None:
        outcome = transition(state, verb, NOW, FREE)
        assert f"{outcome.state} {outcome.event}" == expected
        return
    with pytest.raises(NotClaimable if verb is Verb.CLAIM else Settled) as refusal:
        transition(state, verb, NOW, FREE)
    assert str(state) in str(refusal.value)


def test_the_states_are_the_contracts() -> None:
    """The names of the states are public and exactly those of the contract."""
    assert {str(state) for state in State} == PUBLIC_STATES


@given(st.sampled_from(sorted(TERMINAL)), st.lists(st.sampled_from(Verb), max_size=6))
@settings(max_examples=120, deadline=None)
def test_no_terminal_state_reopens(name: str, verbs: list[Verb]) -> None:
    """Whatever happens to a terminal approval, it stays in the state in which it ended."""
    state = State(name)
    for verb in verbs:
        try:
            assert transition(state, verb, NOW, FREE).state is state
        except (Settled, NotClaimable):
            continue


@given(st.lists(st.sampled_from(Verb), max_size=30))
@settings(max_examples=120, deadline=None)
def test_an_approval_is_granted_and_claimed_at_most_once(verbs: list[Verb]) -> None:
    """However verbs follow each other, one approval is claimed at most once, and only after a grant."""
    state, claims = State.PENDING, 0
    for verb in verbs:
        try:
            before, state = state, transition(state, verb, NOW, FREE).state
        except (Settled, NotClaimable):
            continue
        if verb is Verb.CLAIM:
            claims += 1
            assert before in GRANTED
    assert claims <= 1


@pytest.mark.parametrize("verb", sorted(BY_A_PERSON))
@pytest.mark.parametrize(("offset", "late"), [(-TICK, False), (timedelta(0), True), (TICK, True)])
def test_a_person_is_in_time_until_the_very_microsecond(verb: Verb, offset: timedelta, late: bool) -> None:
    """A decision counts one microsecond before the deadline and is too late at it."""
    deadlines = Deadlines(expires_at=NOW)
    if late:
        with pytest.raises(TooLate, match="expired"):
            transition(State.PENDING, verb, NOW + offset, deadlines)
    else:
        assert transition(State.PENDING, verb, NOW + offset, deadlines)


@pytest.mark.parametrize("state", sorted(GRANTED))
@pytest.mark.parametrize(("offset", "late"), [(-TICK, False), (timedelta(0), True), (TICK, True)])
def test_a_claim_is_in_time_until_the_very_microsecond(state: State, offset: timedelta, late: bool) -> None:
    """A claim counts one microsecond before its deadline and is too late at it."""
    deadlines = Deadlines(claim_by=NOW)
    if late:
        with pytest.raises(TooLate, match="expired"):
            transition(state, Verb.CLAIM, NOW + offset, deadlines)
    else:
        assert transition(state, Verb.CLAIM, NOW + offset, deadlines).state is State.CLAIMED


def test_each_deadline_closes_only_its_own_door() -> None:
    """The deadline for deciding does not stop a claim, and the agent may cancel after it."""
    past = Deadlines(expires_at=NOW - TICK)
    assert transition(State.APPROVED, Verb.CLAIM, NOW, past).state is State.CLAIMED
    assert transition(State.PENDING, Verb.CANCEL, NOW, past).state is State.CANCELLED
    assert transition(State.PENDING, Verb.EXPIRE, NOW, past).state is State.EXPIRED


def test_a_settled_approval_says_settled_even_after_its_deadline() -> None:
    """A late tap on what is decided learns the decision, not that it is late."""
    with pytest.raises(Settled, match="rejected"):
        transition(State.REJECTED, Verb.APPROVE, NOW, Deadlines(expires_at=NOW - TICK))


def test_a_verb_is_told_by_its_name() -> None:
    """Figures and log lines call each verb what the code calls it."""
    assert [verb.value for verb in Verb] == [verb.name.lower() for verb in Verb]


def test_an_events_states_are_those_of_the_table() -> None:
    """By each event of a move stands every state that it can leave an approval in, and no other."""
    expected: dict[str, set[str]] = {}
    for outcome in EXPECTED.values():
        state, event = outcome.split()
        expected.setdefault(event, set()).add(state)
    assert states_by_event() == expected
