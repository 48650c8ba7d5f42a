"""Guarantee 6 on every card, form and notice there is, in every state: nothing live, nothing hidden, every leaf witnessed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bot.acts import details
from bot.acts.registry import OFFERS, approval_card, form
from bot.render import cards, modals
from bot.render.modals import Where
from bot.render.parameters import value_text
from playground.blockkit import check_view
from policies.approval import Approval, Vote
from policies.hidden import leaves_of
from policies.lifecycle import State
from policies.messages import Face
from tests.unit.cards.corpus import CORPUS
from tests.unit.cards.looking import everything, faults
from tests.unit.cards.samples import NOW, approval, read
from tests.unit.cards.test_cards import PARAMS, leaf_lines
from tests.unit.cards.test_hostile_text import honest, hostile

MINE = {"@U0ALICE", "@U0BOB"}
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def views(found: Approval) -> list[dict[str, Any]]:
    """Every form of an approval, with the session's controls where there are some."""
    verbs = [
        "approve",
        "reject",
        "edit",
        "take_over",
        "hand_back",
        "request_info",
        "escalate",
        "answer",
        "undo",
        "show_hidden",
    ]
    made = [form(verb, found) for verb in verbs]
    if found.request.kind == "choose":
        made.append(form("choose", found))
    runs = ("running", "paused", "cancelled")
    steered = [details.drawn(found, Where(offers=OFFERS), run=(state, "U0BOB")) for state in runs]
    return [*made, *steered, modals.notice_modal("Nothing was done", found.sentence, found)]


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_honest(state: State) -> None:
    """In each state a card, posted, moved or with Undo, every form and every notice obey nothing of a hostile text and fit Slack."""
    at = list(State).index(state)
    for text in CORPUS[at :: len(State)]:
        found = hostile(text, state)
        drawn = [
            approval_card(found),
            approval_card(found, face=Face.MOVED, moved_to="U0BOB"),
            approval_card(found, undo_until=NOW + timedelta(minutes=5)),
            *(cards.notice(kind, found) for kind in cards.Notice),
        ]
        for message in drawn:
            assert faults(message.blocks) == [], (text[:40], state)
            honest(message.blocks, MINE)
        for view in views(found):
            assert check_view(view) == [], (text[:40], view["callback_id"])
            honest(view, MINE)


def test_the_other_kinds_are_honest() -> None:
    """Candidates, open questions and votes of hostile words are text too, on the card and in the forms."""
    for text in CORPUS[::4]:
        some = text[:150].strip() or "x"
        choices = [{"id": f"c{index}", "label": f"{index} {some}"[:200], "detail": some} for index in range(12)]
        for request in (
            {"kind": "choose", "question": text[:1900] or "?", "choices": choices},
            {"kind": "input", "question": some},
        ):
            found = replace(hostile(text), votes=(Vote("U0BOB", some[:80], NOW),))
            found = replace(found, request=found.request.model_validate(found.request.model_dump() | request))
            message = approval_card(found)
            assert faults(message.blocks) == [], text[:40]
            honest(message.blocks, MINE)
            for view in views(found):
                assert check_view(view) == [], (text[:40], view["callback_id"])
                honest(view, MINE)


@SLOW
@given(params=PARAMS)
def test_what_a_card_counts_as_missing_is_one_tap_away(params: dict[str, Any]) -> None:
    """Each leaf stands on the card, or is counted there and stands in the full view, wherever its page is."""
    found = approval(params)
    _, missing = leaf_lines(found)
    if missing:
        assert cards.needs_full_view(found)
    shown = _whole(found)
    for leaf in leaves_of(found):
        for line in str(value_text(leaf)).replace("\n  │ ", "\n").split("\n"):
            assert line[:200] in shown


def _whole(found: Approval) -> str:
    """The text of every page of the details, as a person would turn them."""
    shown, page = "", 0
    while True:
        view = form("details", found, page=page)
        shown += everything(view)
        if f'"value": "{page + 1}"' not in json.dumps(view):
            return shown.replace("\n  │ ", "\n")
        page += 1


def test_a_thousand_leaves_are_one_tap_away() -> None:
    """Of a thousand values every one can be read by turning the pages of the details."""
    found = approval({f"k{index}": f"value {index} " + "x" * 150 for index in range(1000)})
    shown = _whole(found)
    assert all(f"value {index} x" in shown for index in range(1000))


@pytest.mark.parametrize(
    ("typed", "accepted"), [("", False), ("1", False), ("200000.01", False), ("$200,000", True), ("200000", True)]
)
def test_a_large_amount_is_typed_exactly(typed: str, accepted: bool) -> None:
    """Above the manifest's threshold Approve is refused in the form until the very amount is typed."""
    from bot.render import forms

    found = approval({"customer": "a", "amount_usd": 200_000})
    state = {"values": {"amount": {"amount": {"type": "plain_text_input", "value": typed or None}}}}
    if accepted:
        assert read("approve", state, found) is None
    else:
        with pytest.raises(forms.FormErrors, match=r"Type \$200,000"):
            read("approve", state, found)
