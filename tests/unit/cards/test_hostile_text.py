"""Whatever an agent writes, a card shows it and obeys none of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.acts.registry import approval_card, form
from bot.render import cards
from bot.render.batch_card import batch_card, digest_card
from bot.render.blocks import OPTION
from bot.render.home import home_view
from bot.render.options import distinct
from bot.render.visible_text import utf16
from playground.blockkit import check_message, check_view
from policies.approval import Approval, Decided, Decision, InfoRequest
from policies.lifecycle import State
from policies.principals import Principal
from tests.unit.cards.corpus import CORPUS
from tests.unit.cards.looking import everything, faults, hidden, live_marks, texts
from tests.unit.cards.samples import NOW, approval

STATES = [State.PENDING, State.REJECTED, State.TAKEN_OVER, State.SUCCEEDED, State.EDITED]


def hostile(text: str, state: State = State.PENDING) -> Approval:
    """An approval with `text` in every place where somebody else's words can stand."""
    some = text[:1900] or "x"
    request: dict[str, Any] = {
        "reason": text[:8000],
        "risks": [some] * 3,
        "alternatives": [some],
        "expected_outcome": text[:8000],
        "completed_steps": [some] * 9,
        "uncertainty_factors": [some],
        "confidence": 0.5,
        "confidence_basis": text[:8000],
        "on_behalf_of": some[:200],
        "delegated_from": some[:200],
        "session_id": some[:200],
        "checkpoint": {"state": text},
    }
    params = {"customer": text, "amount_usd": 4800, "meta": {text[:300] or "k": [text, 1, True, None]}}
    decision = None
    if state is not State.PENDING:
        decision = Decision(Decided.APPROVED, "U0BOB", NOW, note=text, answer=text, human_steps=[some] * 3)
    found = approval(params, request=request, rules={"title": text[:120] or "t"}, state=state, decision=decision)
    return replace(
        found,
        agent=text[:200],
        owner=text[:200],
        principals=tuple(Principal(prefix + some[:200], frozenset()) for prefix in ("", "external:", "")),
        why=(text[:500], "the action is irreversible"),
        assigned_why=text[:500],
        role="finance",
        exchange=((text[:8000], text[:8000]),),
        info_request=InfoRequest(text[:8000], "U0BOB", NOW) if state is State.PENDING and len(text) % 2 else None,
        outcome_detail=text,
    )


def honest(node: Any, allowed: set[str]) -> None:
    """Nothing live but what we put there, and nothing hidden."""
    for mark in live_marks(node):
        assert mark in allowed or mark.startswith("!date^177"), mark
    for text in texts(node):
        assert not hidden(text), (hidden(text)[:5], text[:80])


def test_the_corpus_is_large() -> None:
    """At least 300 different hostile strings are tried."""
    assert len(set(CORPUS)) >= 300


@pytest.mark.parametrize("at", range(10))
def test_no_hostile_text_is_obeyed_or_hidden_on_a_card(at: int) -> None:
    """Every hostile string, in every place of a card in every state, stays visible text within Slack's limits."""
    for index, text in enumerate(CORPUS[at::10]):
        state = STATES[index % len(STATES)]
        message = approval_card(hostile(text, state))
        assert faults(message.blocks) == [], (text[:40], state)
        honest(message.blocks, {"@U0ALICE"} if state is State.PENDING else {"@U0BOB"})
        assert not hidden(message.text)
        assert "<" not in message.text
        assert "@channel" not in message.text


@pytest.mark.parametrize("at", range(5))
def test_no_hostile_text_is_obeyed_in_modals_and_notices(at: int) -> None:
    """Details, reviews, notices, batches and home tabs treat hostile text as text too."""
    mine = {"@U0ALICE", "@U0BOB"}
    kinds = list(cards.Notice)
    for index, text in enumerate(CORPUS[at::5]):
        found = hostile(text, STATES[index % len(STATES)])
        for view in (
            form("details", found),
            form("reject", found),
            form("edit", found),
            form("approve", found),
        ):
            assert check_view(view) == [], text[:40]
            honest(view, mine)
        notice = cards.notice(kinds[index % len(kinds)], found)
        assert faults(notice.blocks) == []
        honest(notice.blocks, mine)
        for message in (cards.batch_card([found, found]), cards.queue_message([found])):
            assert faults(message.blocks) == []
            honest(message.blocks, mine)
        home = home_view("U0ALICE", [found], [found])
        assert check_view(home) == []
        honest(home, mine)


def test_hidden_characters_are_named() -> None:
    """A right-to-left override in a parameter is shown by its code point."""
    shown = everything(approval_card(approval({"customer": "eva\u202e@x.com", "amount_usd": 1})).blocks)
    assert "eva‹U+202E›@x.com" in shown


def test_our_notation_cannot_be_forged() -> None:
    """Text that spells ‹U+202E› itself does not look like the hidden character."""
    honest_one = everything(approval_card(approval({"customer": "a\u202eb"})).blocks)
    forged = everything(approval_card(approval({"customer": "a‹U+202E›b"})).blocks)
    assert "a‹U+202E›b" in honest_one
    assert "a‹U+202E›b" not in forged


def test_a_value_cannot_pose_as_another_parameter() -> None:
    """A line break inside a value is continued behind a bar, so no line of it looks like a parameter."""
    params = {"customer": 'x"\namount_usd: 1', "amount_usd": 4800}
    lines = everything(approval_card(approval(params)).blocks).split("\n")
    assert [line for line in lines if line.startswith("amount_usd:")] == ["amount_usd: 4800"]


def test_look_alike_letters_are_pointed_out() -> None:
    """A name that mixes Latin with Cyrillic letters says so; one in a single alphabet does not."""
    mixed = everything(approval_card(approval({"customer": "аlice@x.com"})).blocks)
    assert "(mixes alphabets)" in mixed
    for name in ("alice@x.com", "Алиса"):
        assert "mixes" not in everything(approval_card(approval({"customer": name})).blocks)


FORMS = ("approve", "reject", "edit", "details", "request_info", "take_over", "escalate", "hand_back", "undo")


def everything_drawn(found: Approval) -> list[Any]:
    """The card, alone and among others, its notification, and every form that opens on it."""
    cards_ = [approval_card(found), batch_card([found]), digest_card([found, found])]
    drawn: list[Any] = [part for card in cards_ for part in (card.blocks, card.text)]
    return [*drawn, *(form(verb, found) for verb in FORMS)]


@pytest.mark.parametrize("state", STATES)
def test_what_is_hidden_is_named_once(state: State) -> None:
    """A hidden character is shown by its code, and that code is not taken for a forged one on the way to Slack."""
    found = hostile("zero\u200bwidth", state)
    told = [text for node in everything_drawn(found) for text in ([node] if isinstance(node, str) else texts(node))]
    assert any("‹U+200B›" in text for text in told)
    assert [text for text in told if "U+2039" in text] == []


@pytest.mark.parametrize("many", [30, 36, 37, 38, 60, 74, 75, 76, 150, 1600])
def test_an_emoji_takes_the_room_of_two_letters(many: int) -> None:
    """Slack counts UTF-16: labels, titles, descriptions and texts of emoji fit by that count too."""
    for state in (State.PENDING, State.REJECTED):
        found = hostile("😀" * many, state)
        for card in (approval_card(found), batch_card([found]), digest_card([found, found])):
            assert check_message(card.blocks) == []
        for verb in FORMS:
            assert check_view(form(verb, found, page=99)) == [], verb


def test_options_of_emoji_fit_and_differ() -> None:
    """Two candidates of sixty emoji that differ at the end are offered whole or cut where they differ."""
    ends = ["😀" * 60 + "x", "😀" * 60 + "y"]
    shown = distinct([(one, one * 3) for one in ends])
    assert all(utf16(text or "") <= OPTION for both in shown for text in both)
    assert len(set(shown)) == 2
    request = {
        "kind": "choose",
        "question": "Which?",
        "choices": [{"id": str(at), "label": one} for at, one in enumerate(ends)],
    }
    found = approval(request=request, rules={"kinds": ["choose"]})
    assert check_message(approval_card(found).blocks) == []
    assert check_view(form("choose", found, page=99)) == []


def test_a_parameter_without_a_visible_name_has_one_in_the_form() -> None:
    """Slack takes no blank label: such a name stands in quotation marks."""
    found = approval({" ": "x", "thing": "y"}, action="tidy")
    labels = [block["label"]["text"] for block in form("edit", found)["blocks"] if block["type"] == "input"]
    assert '" "' in labels
    assert all(label.strip() for label in labels)
