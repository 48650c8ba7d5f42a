"""Every act of a person on a card: what is asked, what is done, and what the agent's next process is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from support.agent import Json

CHOICES = [{"id": "blue", "label": "The blue one"}, {"id": "red", "label": "The red one"}]


class Hand(Protocol):
    """Does what a person does: over signed HTTP, or by clicking on the page."""

    def press(self, user: str, approval_id: str, action: str) -> None:
        """A button that needs no form."""

    def fill(self, user: str, approval_id: str, action: str, values: dict[str, str]) -> None:
        """A button, its form, and Submit."""

    def read(self, user: str, approval_id: str, action: str) -> str:
        """A button and the text of what it opens, closed again."""


@dataclass(frozen=True)
class Act:
    """One act. `told` are facts of the next process's line about it, `words` stand in its feedback."""

    name: str
    play: Callable[[Hand, str], object]
    told: Json
    words: str = ""
    ask: Json = field(default_factory=dict)

    def request(self, number: int) -> Json:
        """What the agent asks; every request is another customer's."""
        plain: Json = {"action": "process_refund", "params": {"customer": f"no{number}@x.com", "amount_usd": 480}}
        return plain | self.ask


def _form(user: str, action: str, **values: str) -> Callable[[Hand, str], object]:
    named = {name.replace("__", ":"): value for name, value in values.items()}
    return lambda hand, approval_id: hand.fill(user, approval_id, action, named)


def _press(user: str, action: str) -> Callable[[Hand, str], object]:
    return lambda hand, approval_id: hand.press(user, approval_id, action)


def _handed_back(hand: Hand, approval_id: str) -> None:
    hand.fill("U0ALICE", approval_id, "take_over", {})
    hand.fill("U0ALICE", approval_id, "hand_back", {"steps": "Called her\nPaid by cheque"})


def _escalated(hand: Hand, approval_id: str) -> None:
    hand.fill("U0ALICE", approval_id, "escalate", {"reason": "Too unusual"})
    hand.press("U0CAROL", approval_id, "approve")


def _read(hand: Hand, approval_id: str) -> None:
    text = hand.read("U0DAN", approval_id, "details")
    assert approval_id in text
    assert "480" in text


THING: Json = {"action": "change_thing", "params": {"thing": "door"}}
ACTS = (
    Act("approve", _press("U0ALICE", "approve"), {"state": "approved", "edited": False}, "approved by U0ALICE"),
    Act("reject", _form("U0BOB", "reject", reason="Never paid"), {"state": "rejected"}, "Never paid"),
    Act(
        "edit",
        _form("U0ALICE", "edit", param__amount_usd="300", note="Half"),
        {"state": "edited", "edited": True, "ran": {"customer": "no2@x.com", "amount_usd": 300}},
        "Half",
    ),
    Act("take_over", _form("U0ALICE", "take_over", note="Mine"), {"state": "taken_over"}, "Only read from now on"),
    Act(
        "hand_back",
        _handed_back,
        {"state": "handed_back", "human_steps": ["Called her", "Paid by cheque"]},
        "Paid by cheque",
    ),
    Act("escalate", _escalated, {"state": "approved"}, "approved by U0CAROL"),
    Act(
        "choose",
        _press("U0BOB", "choose:red"),
        {"state": "chosen", "choice": "red"},
        "The choice is red",
        THING | {"kind": "choose", "choices": CHOICES, "question": "Which?"},
    ),
    Act(
        "answer",
        _form("U0BOB", "answer", answer="Green, please"),
        {"state": "answered", "answer": "Green, please"},
        "Green, please",
        THING | {"kind": "input", "question": "Which colour?"},
    ),
    Act("details", _read, {"state": "pending"}, "waiting for a person"),
    # The last: the next process answers, and waits until somebody approves.
    Act(
        "request_info",
        _form("U0ALICE", "request_info", question="Which order?"),
        {"question": "Which order?", "state": "approved"},
        "approved by U0BOB",
    ),
)


def check(act: Act, said: dict[str, Any]) -> None:
    """Whether the next process was told what became of it."""
    for name, value in act.told.items():
        assert said.get(name) == value, (act.name, name, said)
    assert act.words in str(said["feedback"]), (act.name, said)
    assert ("ran" in said) is (act.told["state"] in ("approved", "edited", "chosen", "answered")), (act.name, said)
