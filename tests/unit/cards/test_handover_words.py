"""What a card says of how it came to whoever is asked now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.acts.registry import approval_card
from bot.render.message import Message, Sent
from policies.approval import Approval, Seat
from policies.handover import Handover
from policies.memory import Memory
from policies.messages import Face
from tests.unit.cards.looking import block, everything, faults, live_marks
from tests.unit.cards.samples import approval

NAMES = {"U0ALICE": "alice", "U0BOB": "bob"}


def card(handover: Handover | None, **changed: Any) -> Message:
    """A waiting card that was handed over so."""
    return approval_card(approval(**changed), sent=Sent(names=NAMES.get, memory=Memory(handover=handover)))


def mentioned(message: Message) -> set[str]:
    return {mark for mark in live_marks(message.blocks) if not mark.startswith("!date")}


def test_who_let_it_lie_is_said() -> None:
    """A card that moved because time was up names who did not decide, mentions only whose turn it is, and is silent where it did not move."""
    moved = card(Handover(late="U0BOB"))
    assert "@bob did not decide in time" in everything(moved.blocks)
    assert mentioned(moved) == {"@U0ALICE"}
    assert "in time" not in everything(card(None).blocks)


def test_the_next_role_is_named_where_it_changed() -> None:
    """Whoever is asked in another role than the action's own reads in which."""
    escalated = everything(card(Handover(late="U0BOB"), role="finance_lead").blocks)
    assert "@bob did not decide in time; finance_lead is asked now" in escalated
    assert "finance_lead" in everything(card(Handover(by="U0BOB"), role="finance_lead").blocks)


def test_the_next_reviewer_reads_why_it_was_passed_on() -> None:
    """The words of whoever passed it on stand on the next card, cut where they are long, and format, link and mention nothing."""
    hostile = "<!channel> <https://x.example|here> *bold* <@U0CAROL>\nsecond line " + "x" * 600
    shown = card(Handover(by="U0BOB", note=hostile))
    assert faults(shown.blocks) == []
    assert mentioned(shown) == {"@U0ALICE"}
    text = block(shown.blocks, "before")["text"]["text"]
    assert text.startswith("➡️ *Passed on* by @bob: “")
    assert "\n" not in text
    assert len(text) < 400
    assert "Too odd" in everything(card(Handover(by="U0BOB", note="Too odd for me")).blocks)


def test_a_note_is_redacted() -> None:
    """What the manifest hides is hidden in the words of people too."""
    found = {"customer": "a@x.com", "amount_usd": 1, "card_number": "4111 1111 1111 1111"}
    shown = approval_card(
        approval(found),
        sent=Sent(memory=Memory(handover=Handover(by="U0BOB", note="it says 4111 1111 1111 1111"))),
    )
    assert "4111 1111" not in everything(shown.blocks)


def test_an_old_card_gives_no_reason_that_is_of_a_later_move() -> None:
    """Where it went on once more, the first card says to whom it went, and not why somebody else is asked now."""
    why = "finance_lead, 0 open, next on the path"
    now: Approval = replace(approval(), assignee="U0CAROL", assigned_why=why)
    first = everything(approval_card(now, face=Face.MOVED, moved_to="U0BOB").blocks)
    assert "Moved to <@U0BOB>" in first
    assert "finance_lead" not in first
    assert why in everything(approval_card(now, face=Face.MOVED, moved_to="U0CAROL").blocks)


def test_who_may_be_gone_is_not_shown_as_asked() -> None:
    """Where too few people are left, the card does not say that somebody is asked for the role that nobody can fill."""
    seated = approval(seats=(Seat("finance_lead", "U0CAROL"),))
    assert "finance_lead" in everything(approval_card(seated).blocks)
    lacking = replace(seated, lacking="1 of legal would have to agree, and nobody is left who could")
    assert "finance_lead" not in everything(approval_card(lacking).blocks)
