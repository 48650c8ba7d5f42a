"""What an agent is told of its approval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from policy_builders import policy, request

from policies.approval import Approval, Decided, Decision, InfoRequest, feedback
from policies.deadlines import Clock
from policies.files.policy import unknown
from policies.lifecycle import State
from policies.routing import Level, RouteName

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def approval(state: State = State.PENDING, **changes: object) -> Approval:
    """An approval to pay bob, in `state`."""
    facts: dict[str, object] = {
        "id": "a1",
        "agent_id": "g1",
        "agent": "bot",
        "request": request(),
        "params": {"amount_usd": 80, "to": "bob"},
        "sentence": "Pay $80 to bob",
        "state": state,
        "version": 1,
        "level": Level.HARD_APPROVAL,
        "route": RouteName.ASK,
        "why": ("because",),
        "digest": "d" * 64,
        "policy": policy(),
        "policy_version": "v1",
        "created_at": NOW,
        "updated_at": NOW,
        "clock": Clock(expires_at=NOW + timedelta(hours=1)),
    }
    return Approval(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_paragraph(state: State) -> None:
    """In every state the agent is told, in one paragraph, what was decided and what that means for it."""
    decision = Decision(Decided.REJECTED, "U0ALICE", NOW, note="wrong {account}")
    text = feedback(approval(state, decision=None if state is State.PENDING else decision))
    assert text.startswith("Your request to run pay (Pay $80 to bob)")
    assert "\n" not in text
    assert state is State.PENDING or "wrong {account}" in text


def test_an_edit_tells_to_use_the_grant() -> None:
    """After an edit the agent is told to use the changed parameters, not its own (docs/rules.md: C2)."""
    text = feedback(approval(State.EDITED, decision=Decision(Decided.EDITED, "U0ALICE", NOW)))
    assert "changed parameters" in text
    assert "by U0ALICE" in text


def test_choice_answer_and_handback_are_told() -> None:
    """What was chosen, answered, or done by hand is part of the paragraph."""
    assert "The choice is b." in feedback(
        approval(State.CHOSEN, decision=Decision(Decided.CHOSEN, "U1", NOW, choice="b"))
    )
    assert "The answer is: 42" in feedback(
        approval(State.ANSWERED, decision=Decision(Decided.ANSWERED, "U1", NOW, answer="42"))
    )
    by_hand = Decision(Decided.HANDED_BACK, "U1", NOW, human_steps=["called bob", "paid"])
    assert "called bob; paid" in feedback(approval(State.HANDED_BACK, decision=by_hand))


def test_policy_is_named_as_such() -> None:
    """What policy decided is told as decided by policy, not by a person."""
    assert "by policy" in feedback(approval(State.DENIED, decision=Decision(Decided.DENIED, "policy", NOW)))


def test_an_open_question_is_passed_on() -> None:
    """While information is awaited the agent is told the question, and the deadline does not judge."""
    asked = approval(info_request=InfoRequest("Which order?", "U1", NOW), clock=Clock(expires_at=NOW, paused_at=NOW))
    assert "Which order?" in feedback(asked)
    assert asked.deadlines.expires_at is None


def test_what_an_approval_says_of_itself() -> None:
    """Pending, granted, title and holding follow from its state and policy."""
    assert approval().pending
    assert approval(State.CHOSEN).granted
    assert not approval(State.CLAIMED).granted
    assert approval().title == "Pay somebody"
    assert approval(policy=unknown("pay")).title == "pay"
    assert approval(policy=policy(on_timeout="hold")).holds_for_ever
    assert approval().deadlines.expires_at == NOW + timedelta(hours=1)
