"""What a person can do stands in one registry, and the server does not start with an act that leads nowhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.acts import escalate, request_info
from bot.acts.act import Act, Look
from bot.acts.registry import ACTS, named
from bot.render import forms
from bot.render.blocks import Button, TemplateFault
from bot.render.buttons import Offer, Seen
from bot.server import startup_check


def _elsewhere(seen: Seen) -> Button:
    return seen.press("esclate", "Escalate")


def _never(seen: Seen) -> None:
    return None


def _read_of_another(state: forms.State, look: Look) -> str:
    return forms.needed(state, "note")


@pytest.mark.parametrize(
    "broken, fault",
    [
        (replace(escalate.ACT, button=Offer(_elsewhere)), "the button esclate of escalate leads elsewhere"),
        (replace(escalate.ACT, button=Offer(_never)), "escalate: no card has its button"),
        (replace(escalate.ACT, form=request_info.ACT.form), "is called request_info_modal, not escalate_modal"),
        (replace(escalate.ACT, read=None), "the form of escalate cannot be sent, or is not read"),
        (replace(request_info.ACT, read=_read_of_another), "the form of request_info has no input note"),
    ],
)
def test_the_start_stops_at_an_act_that_does_not_hang_together(
    broken: Act[Any], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A button that leads elsewhere, one that no card has, another's form, a form that is not read, and an error at no input."""
    acts = tuple(broken if act.verb == broken.verb else act for act in ACTS)
    monkeypatch.setattr(startup_check, "ACTS", acts)
    with pytest.raises(TemplateFault, match=fault):
        startup_check.check_all()


def test_the_start_rehearses_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each form of each act is drawn, and each that is sent is read, before the server starts."""
    drawn, read = set(), set()

    def watched(act: Act[Any]) -> Act[Any]:
        def form(*arguments: Any) -> Any:
            drawn.add(act.verb)
            assert act.form is not None
            return act.form(*arguments)

        def reading(*arguments: Any) -> Any:
            read.add(act.verb)
            assert act.read is not None
            return act.read(*arguments)

        return replace(act, form=form if act.form else None, read=reading if act.read else None)

    monkeypatch.setattr(startup_check, "ACTS", tuple(map(watched, ACTS)))
    startup_check.check_all()
    assert drawn == {act.verb for act in ACTS if act.form}
    assert read == {act.verb for act in ACTS if act.run}


def test_each_verb_stands_once_and_can_be_done() -> None:
    """No two acts share a verb, and each does something: at once, by showing, or by a form that is read."""
    verbs = [act.verb for act in ACTS]
    assert len(set(verbs)) == len(verbs)
    for act in ACTS:
        assert act.at_once or act.shows or (act.form and act.read and act.run), act.verb


@pytest.mark.parametrize("action_id", ["approve:now", "choose:", "details_page", "", ":", "session", "APPROVE"])
def test_a_control_that_nobody_drew_does_nothing(action_id: str) -> None:
    """Only the exact verb leads to an act, and a word beyond it only where the act has words."""
    assert named(action_id) is None


def test_a_choice_is_named_by_its_control() -> None:
    """What follows the colon is the candidate, colons of its own included."""
    assert named("choose:a:b") is named("choose")
