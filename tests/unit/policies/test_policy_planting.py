"""Tests of reviewers by policy: never more than the rate, never for whoever is spared, and figures that rank nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from policies.approval import Decided, Decision
from policies.errors import BadFile
from policies.explain import explain, in_words
from policies.files.manifest import Manifest, load_manifest
from policies.learning import planting
from policies.learning.planting import APART, BUSY, FEWEST, SLOWEST, Answer, Desk, Draw
from policies.learning.planting import Tested as Judged
from policies.levels import Level, RouteName
from policies.lint.check import lint
from policies.request import Request

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ACTION: dict[str, Any] = {
    "title": "Pay",
    "describe": "Pay {{ params.amount_usd }}",
    "severity": "high",
    "reversible": False,
    "params_schema": {"type": "object", "properties": {"amount_usd": {"type": "number"}}, "required": ["amount_usd"]},
}
BAD = {"tell": "Paid twice", "params": {"amount_usd": 4800}}


def loaded(planted: Any, *, on: bool = True, name: str = "pay", **changes: Any) -> Manifest:
    action = ACTION | {"planted": planted} | changes
    document = {"version": 1, "defaults": {"planted": on}, "actions": {name: action}}
    return load_manifest(yaml.safe_dump(document, sort_keys=False))


@given(st.binary(min_size=32, max_size=32), st.integers(10, 10_000), st.lists(st.text(max_size=20), max_size=30))
def test_there_is_never_more_than_one_in_so_many(key: bytes, one_in: int, since: list[str]) -> None:
    """Between two tests of an action lie at least so many decisions, whatever is drawn; and less than twice as many."""
    for last in since:
        draw = Draw(key, "pay", last)
        assert one_in <= draw.decisions(one_in) < 2 * one_in
        assert timedelta(0) <= draw.delay < SLOWEST


@given(st.binary(min_size=32, max_size=32), st.integers(0, 500), st.integers(1, 50))
def test_each_request_has_its_turn_before_any_comes_again(key: bytes, before: int, count: int) -> None:
    """As many tests as there are requests are each another one."""
    assert {planting.turn(key, "pay", before + at, count) for at in range(count)} == set(range(count))


def test_what_is_drawn_depends_on_the_key_and_on_nothing_else() -> None:
    """Every server draws the same; without the key nobody can, and the next draw is another one."""
    draws = [Draw(b"k" * 32, "pay", f"apr_{at}").decisions(1000) for at in range(50)]
    assert draws == [Draw(b"k" * 32, "pay", f"apr_{at}").decisions(1000) for at in range(50)]
    assert draws != [Draw(b"l" * 32, "pay", f"apr_{at}").decisions(1000) for at in range(50)]
    assert len(set(draws)) > 40


desks = st.builds(
    Desk,
    available=st.booleans(),
    quiet=st.booleans(),
    waiting=st.integers(0, 2 * BUSY),
    tested_at=st.none() | st.timedeltas(timedelta(0), 3 * APART).map(lambda age: NOW - age),
)


@given(desks)
def test_nobody_is_tested_who_is_spared(desk: Desk) -> None:
    """Away, not to be notified, busy, or tested within a week: never; anybody else may be."""
    lately = desk.tested_at is not None and NOW - desk.tested_at < APART
    spared = not desk.available or desk.quiet or desk.waiting >= BUSY or lately
    assert (planting.spared(desk, NOW) is not None) is spared


@given(st.sampled_from(RouteName), st.none() | st.sampled_from(Level), st.booleans(), st.booleans())
def test_only_what_waits_for_a_yes_is_a_test(
    route: RouteName, level: Level | None, stopped: bool, before: bool
) -> None:
    """Never what runs, is denied, consents by silence or has to be taken over, nor while anything is stopped."""
    asked = route is RouteName.ASK and level is Level.HARD_APPROVAL
    assert (planting.unasked(route, level, stopped=stopped, before=before) is None) is (
        asked and not stopped and not before
    )


@pytest.mark.parametrize(
    ("kind", "by", "answer"),
    [
        (Decided.REJECTED, "U1", Answer.CAUGHT),
        (Decided.TAKEN_OVER, "U1", Answer.CAUGHT),
        (Decided.APPROVED, "U1", Answer.MISSED),
        (Decided.EDITED, "U1", Answer.NEITHER),
        (Decided.CANCELLED, "U1", Answer.NEITHER),
        (Decided.EXPIRED, "policy", Answer.NEITHER),
        (Decided.REJECTED, "policy", Answer.NEITHER),
    ],
)
def test_only_a_clear_answer_counts(kind: Decided, by: str, answer: Answer) -> None:
    """A person's yes or no; whatever else they did, and whatever nobody did, counts neither way."""
    assert planting.answer(Decision(kind, by, NOW)) is answer


def answered(user: str | None, caught: int, missed: int, neither: int = 0) -> list[Judged]:
    """So many of somebody's."""
    answers = [Answer.CAUGHT] * caught + [Answer.MISSED] * missed + [Answer.NEITHER] * neither
    return [Judged("pay", user, NOW, one) for one in answers]


def test_a_figure_has_its_number_and_bounds() -> None:
    """Caught of those with a clear answer, with exact one-sided bounds; the rest is counted beside."""
    one = planting.caught(answered("U1", 4, 1, 2))
    assert (one.share.hits, one.share.n, one.missed, one.neither) == (4, 5, 1, 2)
    assert str(one) == "caught 4 of 5, 80.0% (34.3% to 99.0%); 2 with no clear answer"
    assert str(planting.caught([])) == "no clear answer yet"


def test_nobody_is_ranked_by_a_few_tests() -> None:
    """Beside others stand those with enough clear answers, by their ids and not by their figures; nobody's tests are in none."""
    found = [*answered("U3", 5, 0), *answered("U1", 0, 5), *answered("U2", 4, 0, 9), *answered(None, 0, 0, 9)]
    assert list(planting.by_reviewer(found)) == ["U1", "U3"]
    assert FEWEST == 5


@pytest.mark.parametrize(
    ("planted", "changes", "named"),
    [
        ({"one_in": 9, "requests": [BAD]}, {}, "actions.pay.planted.one_in: must be at least 10"),
        ({"requests": []}, {}, "actions.pay.planted.requests: must not be empty"),
        ({"requests": [{"params": {}}]}, {}, "planted.requests[0].tell: is missing"),
        ({"requests": [BAD | {"params": {"amount_usd": "4"}}]}, {}, "planted.requests[0].params.amount_usd: must be"),
        ({"requests": [BAD | {"session_id": "run"}]}, {}, "planted.requests[0].session_id: unknown key"),
        ({"requests": [BAD | {"callback_url": "https://x.y"}]}, {}, "planted.requests[0].callback_url: unknown key"),
        ({"requests": [BAD | {"confidence": 2.0}]}, {}, "planted.requests[0].confidence: must be at most 1"),
        ({"requests": [BAD]}, {"approvers": 2}, "actions.pay.planted: only where one person decides"),
        ({"requests": [BAD]}, {"severity": "low", "batch": True}, "actions.pay.planted: not beside batch"),
        ({"requests": [BAD]}, {"kinds": ["choose"]}, "actions.pay.planted: needs confirm among kinds"),
        (
            {"requests": [BAD]},
            {"severity": "low", "reversible": True, "on_timeout": "approve"},
            "actions.pay.planted: not beside on_timeout",
        ),
        ({"requests": [BAD]}, {"name": "pay_*"}, "actions.pay_*.planted: needs an action by its own name"),
    ],
)
def test_what_cannot_be_planted_does_not_load(planted: Any, changes: Any, named: str) -> None:
    """One line that names the field."""
    with pytest.raises(BadFile) as refused:
        loaded(planted, **changes)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nothing_is_planted_without_the_switch() -> None:
    """The requests alone do nothing, and `policy check` says so."""
    manifest = loaded({"requests": [BAD]}, on=False)
    assert manifest.planted == {}
    assert any("nothing is planted" in finding.message for finding in lint(manifest, None))
    assert "planted" not in manifest.policy("pay").model_dump_json()


def test_check_and_explain_know_of_them() -> None:
    """A request that nobody would be asked about is named; `policy explain` says how reviewers are tested."""
    refused = loaded({"requests": [BAD, BAD | {"params": {"amount_usd": 99_999}}]}, **_LIMITED)
    (finding,) = [found for found in lint(refused, None) if "is no test" in found.message]
    assert "planted.requests[1] is no test" in finding.message
    told = in_words(explain(refused, Request(action="pay", params={"amount_usd": 1}), agent="a"), path="actions.yml")
    assert (
        "Reviewers are tested: 2 test requests, at most one for 50 decisions and one a week for each reviewer" in told
    )
    assert "tested" not in in_words(
        explain(loaded({"requests": [BAD]}, on=False), Request(action="pay", params={"amount_usd": 1}), agent="a"),
        path="actions.yml",
    )


_LIMITED: dict[str, Any] = {"amount": "params.amount_usd", "conditions": {"deny_above_usd": 10_000}}
