"""What messages beside the cards say, and that none says anything twice or against what happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.render import cards
from bot.render.labels import outcome_line
from bot.render.message import Sent
from policies.approval import Decided, Vote
from policies.files.policy import OnTimeout, Severity, unknown
from policies.lifecycle import State
from policies.messages import Notice
from policies.routing import Level
from tests.unit.cards.looking import everything, live_marks
from tests.unit.cards.samples import approval, decided

ROOT = Path(__file__).resolve().parents[3]
NAMES = {"U0ALICE": "alice", "U0BOB": "bob", "U0CAROL": "carol"}
SOFT: dict[str, Any] = {"severity": Severity.LOW, "on_timeout": OnTimeout.APPROVE}


def told(kind: Notice, found: Any, **more: Any) -> str:
    return everything(cards.notice(kind, found, sent=Sent(names=NAMES.get), **more).blocks)


@pytest.mark.parametrize("kind", list(Notice))
def test_every_notice_is_said_somewhere(kind: Notice) -> None:
    """No kind of notice is drawn that nothing ever posts."""
    used = "\n".join(path.read_text() for room in ("service", "slack") for path in (ROOT / "bot" / room).rglob("*.py"))
    assert f"Notice.{kind.name}" in used


def test_an_alarm_that_nobody_is_left_names_who_can_still_decide() -> None:
    """Operations read who was asked, without mentioning them, and how long there is; who said yes already is not named."""
    found = approval(asked=("U0ALICE", "U0BOB", "U0ALICE", "U0CAROL"))
    message = cards.notice(Notice.NOBODY_LEFT, found, sent=Sent(names=NAMES.get))
    assert "one of @alice, @bob, @carol has to decide" in everything(message.blocks)
    assert [mark for mark in live_marks(message.blocks) if mark.startswith("@")] == []
    assert "Expires {ago}" in everything(message.blocks)
    voted = replace(
        found, votes=(Vote("U0BOB", "finance", found.created_at), Vote("U0CAROL", "finance", found.created_at))
    )
    assert "Nobody is left to ask*: @alice has to decide" in told(Notice.NOBODY_LEFT, voted)
    many = replace(found, asked=tuple(f"U0P{number}" for number in range(9)))
    assert "and 3 more has to decide" in told(Notice.NOBODY_LEFT, many)


def test_an_alarm_does_not_say_expires_where_silence_approves() -> None:
    """What is approved by silence is said to be, also to operations."""
    soft = approval({"what": "room"}, action="tidy", rules=SOFT, level=Level.SOFT_APPROVAL, asked=("U0ALICE",))
    assert "Approved automatically {ago}" in told(Notice.NOBODY_LEFT, soft)
    assert "Expires" not in told(Notice.NOBODY_LEFT, soft)


def test_a_reminder_says_once_how_long_there_is() -> None:
    """Also where it stands for several requests, whose first line has no time."""
    assert told(Notice.REMINDER, approval()).count("Due {ago}") == 1
    assert told(Notice.REMINDER, approval(), said={"shared": True}).count("Due {ago}") == 1


def test_an_unknown_action_is_named_once_with_the_agents_reason() -> None:
    """The alarm says once what was blocked, and why the agent wanted it."""
    found = approval(state=State.BLOCKED)
    found = replace(found, policy=unknown("close_account"), sentence="close_account", level=None)
    shown = told(Notice.UNKNOWN_ACTION, found)
    assert shown.count("Unknown action") == 1
    assert "\nclose_account" not in shown
    assert "The parcel was lost." in shown


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.CANCELLED, "was free to run this"),
        (State.EXPIRED, "was free to run this"),
        (State.APPROVED, "may run this"),
        (State.CLAIMED, "runs this"),
        (State.SUCCEEDED, "ran this"),
    ],
)
def test_what_never_ran_is_not_said_to_run(state: State, says: str) -> None:
    """The news of what policy let run agrees with what became of it."""
    assert f"{says} without asking" in told(Notice.DONE, decided(state, Decided.APPROVED, by="policy"))


def test_an_agent_that_withdrew_is_called_by_its_name() -> None:
    """“Cancelled by refund-bot”, as the card calls it elsewhere, and not by the letters of the record."""
    found = decided(State.CANCELLED, Decided.CANCELLED, by="agent:refund-bot")
    assert outcome_line(found).startswith("Cancelled by refund-bot, ")
    hostile = decided(State.CANCELLED, Decided.CANCELLED, by="agent:<!channel>")
    assert "<!channel>" not in outcome_line(hostile)
