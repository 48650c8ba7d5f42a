"""What a standing approval says to people is all that it lets run: on its form, on its message, and in lists."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import pytest
from corpus import FORMATS, HIDDEN, IMPOSTORS, LINKS, MENTIONS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from looking import everything, faults, hidden, live_marks, objects
from samples import NOW, approval

from bot.acts import registry
from bot.render import standing as told
from bot.render.parameters import path_text, value_text
from playground.blockkit import check_view
from policies import paths
from policies.approval import Approval
from policies.files.standing_bounds import StandingBounds
from policies.hidden import leaves_of
from policies.lifecycle import State
from policies.request import Request
from policies.standing import Standing, uncovered
from policies.standing_offer import Wanted, drafted, withheld

ODD = [*MENTIONS, *LINKS, *FORMATS, *IMPOSTORS, *(f"a{chr(point)}b" for point in HIDDEN)]
words = st.sampled_from(ODD).map(lambda text: text[:60])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([0.5, 1.0]) | words,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b.c", "d[0]"]), inner, max_size=2)
    ),
    max_leaves=4,
)
names = st.sampled_from(["to", "a", "b.c", "list", "a (text)", "x\nb", "\u202eto", "to "])
params = st.dictionaries(names, values, max_size=4)
HELD = [["params.to"], ["params.a"], ["params.list[*]"], ["params.to", "params.list[*].a"], []]


def asked(given_params: dict[str, Any], same: list[str]) -> Approval:
    """A request with which a standing approval may be given."""
    bounds = StandingBounds(max_seconds=7200, max_uses=9, same=same)
    rules = {"standing": bounds, "amount": None, "confirm_amount_above_usd": None, "owner": "Head of finance"}
    return approval(given_params, request={"session_id": "s1"}, rules=rules)


def standing(first: Approval, **changes: Any) -> Standing:
    return replace(drafted(first, Wanted(3600, 9), "std_1", "U0ALICE", NOW), **changes)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was seen and what is asked then: the same, some of it changed, or anything."""
    seen = draw(params)
    then = draw(params | st.just(copy.deepcopy(seen)))
    return seen, then | draw(st.dictionaries(names, values, max_size=1))


def lines_of(surface: Any) -> str:
    """What stands in monospaced text, and nothing else."""
    blocks = (item for item in objects(surface) if item.get("type") == "rich_text_preformatted")
    return "\n".join(everything(block) for block in blocks)


@given(pairs(), st.sampled_from(HELD))
@settings(max_examples=400, deadline=None)
def test_whatever_it_lets_run_is_said_on_form_and_message(
    pair: tuple[dict[str, Any], dict[str, Any]], same: list[str]
) -> None:
    """Each value that is covered stands there whole where it stays the same, and by name and sort where it may differ."""
    first = asked(pair[0], same)
    assume(withheld(first) is None)
    one, then = standing(first), Request(action=first.action, params=pair[1], session_id="s1")
    if uncovered(one, first.agent, then, first.policy) is not None:
        return
    message = told.counting_message(one, first, [], "Alice")
    for surface in (registry.form("approve_standing", first, page=99), message.blocks):
        said = lines_of(surface)
        for leaf in leaves_of(first, pair[1]):
            if not leaf.path:
                continue
            if any(paths.covers(paths.steps(path), leaf.path) for path in same):
                assert f"{path_text(leaf.path)} = {value_text(leaf)}" in said
            else:
                place = told.place_text(tuple(None if isinstance(step, int) else step for step in leaf.path))
                assert any(line.startswith(f"{place} (") for line in said.split("\n")), (place, said)


@given(params, st.sampled_from(HELD))
@settings(max_examples=300, deadline=None)
def test_its_surfaces_show_everything_and_parse_nothing(seen: dict[str, Any], same: list[str]) -> None:
    """Hidden characters are shown, nothing of the agent's mentions, links or formats, and Slack takes each surface."""
    first = asked(seen, same)
    assume(withheld(first) is None)
    view = registry.form("approve_standing", first, page=99)
    assert check_view(view) == []
    for one in (standing(first), standing(first, uses=9, ended_at=NOW, ended_by="U0BOB", ended_why="enough")):
        message = told.counting_message(one, first, [replace(first, state=State.APPROVED)] * 5, "Al\u202eice")
        assert faults(message.blocks) == []
        for surface in (view, message.blocks, [message.text]):
            assert hidden(everything(surface)) == []
            marks = [mark for mark in live_marks(surface) if not mark.startswith("!date^")]
            assert set(marks) <= {"@U0BOB", "@U0ALICE"}, marks


@dataclass(frozen=True)
class Listed:
    """One in a list."""

    one: Standing
    approval: Approval
    by: str = "Alice"
    may_end: bool = True


def test_the_lists_name_count_giver_and_end() -> None:
    """Each row says what it is, how much of it was used, whose it is and until when; the button only for who may end it."""
    first = asked({"to": "ann", "a": 1}, ["params.to"])
    one = standing(first, uses=2)
    blocks = told.list_blocks(
        [Listed(one, first), Listed(one, first, may_end=False)], "standing", "Standing approvals", "tail"
    )
    text = everything(blocks)
    for said in ("2 of 9 used", "session s1", "given by @Alice", "Standing approvals", "tail"):
        assert said in text
    assert [item["value"] for item in objects(blocks) if item.get("action_id") == "end_standing"] == ["std_1"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"),
        (90, "90 seconds"),
        (300, "5 minutes"),
        (3600, "1 hour"),
        (5400, "90 minutes"),
        (86_400, "1 day"),
    ],
)
def test_lengths_are_said_as_people_say_them(seconds: int, said: str) -> None:
    """In the largest unit that fits."""
    assert told.span(seconds) == said


def test_the_menu_of_lengths_ends_with_the_manifests_own() -> None:
    """The usual ones below it, and the most that is allowed."""
    assert [option.value for option in told.spans(5400)] == ["300", "900", "1800", "3600", "5400"]
    assert [option.value for option in told.spans(60)] == ["60"]
