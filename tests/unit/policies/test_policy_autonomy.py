"""The ratchet: down by itself, up only by the owner's own line (docs/rules.md: F7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from policy_builders import manifest, policy

from policies.autonomy import Execution, earned, fallen
from policies.explain import explain, in_words
from policies.files.policy import Policy
from policies.history import Demotion, History
from policies.levels import Level
from policies.request import read_request
from policies.routing import route

FREE, TOLD, SOFT, HARD, TAKE = list(Level)
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
START = policy(autonomy={})
GRANTED = policy(autonomy={"agents": {"bot": {"level": "notify_only", "since": "2026-01-08T00:00:00Z"}}})
WATCHED = policy(autonomy={}, ratchet="sequential")
GRAVE = policy(autonomy={}, ratchet="sequential", severity="high")
UNNAMED = policy(ratchet="sequential")


def outcomes(text: str, step: timedelta = timedelta(hours=1)) -> list[Execution]:
    """Successes (+), failures (-) and incidents (!), oldest first, the last one now."""
    return [
        Execution(mark == "+", NOW - step * (len(text) - 1 - index), incident=mark == "!")
        for index, mark in enumerate(text)
    ]


@pytest.mark.parametrize(
    ("text", "hours", "level"),
    [
        ("-", 1, None),
        ("--", 1, HARD),
        ("-+++-", 1, HARD),
        ("--", 23, HARD),
        ("--", 24, None),
        ("--++++", 12, None),
        ("++++++++++", 1, None),
    ],
)
def test_two_failures_within_a_day_cost_a_level(text: str, hours: int, level: Level | None) -> None:
    """Two failures less than 24 h apart cost one level; one, or two further apart, cost none."""
    assert fallen(START, "bot", None, outcomes=outcomes(text, timedelta(hours=hours)), now=NOW) is level


def test_a_failure_costs_only_once() -> None:
    """Failures that cost a level are spent: the next level takes two more."""
    lost = Demotion(HARD, NOW - timedelta(minutes=90))
    assert fallen(START, "bot", lost, outcomes=outcomes("---", timedelta(hours=1)), now=NOW) is TAKE
    assert fallen(START, "bot", lost, outcomes=outcomes("---", timedelta(hours=2)), now=NOW) is None


def test_nobody_falls_below_takeover() -> None:
    """Where a person does everything by hand already, there is nothing left to lose."""
    assert fallen(policy(autonomy={"start": "human_takeover"}), "bot", None, outcomes=outcomes("--"), now=NOW) is None


@pytest.mark.parametrize(
    ("text", "level"),
    [("+" * 9, None), ("+" * 10, TOLD), ("+" * 30, TOLD), ("+" * 10 + "-" + "+" * 9, None), ("-" + "+" * 10, TOLD)],
)
def test_ten_successes_in_a_row_earn_a_proposal(text: str, level: Level | None) -> None:
    """Ten successes without a failure between them earn one level, not more; nine do not."""
    assert earned(START, "bot", None, outcomes(text)) is level


def test_what_was_earned_is_earned_once() -> None:
    """Successes from before the present level was granted, or before a level was lost, do not count again."""
    assert earned(GRANTED, "bot", None, outcomes("+" * 10, timedelta(hours=1))) is FREE
    assert earned(GRANTED, "bot", None, outcomes("+" * 10, timedelta(hours=9))) is None
    assert earned(START, "bot", Demotion(HARD, NOW - timedelta(hours=5)), outcomes("+" * 10)) is None
    assert earned(policy(autonomy={"start": "full_auto"}), "bot", None, outcomes("+" * 10)) is None


@pytest.mark.parametrize(
    ("rules", "text", "level"),
    [
        (WATCHED, "--", None),
        (WATCHED, "---", None),
        (WATCHED, "----", HARD),
        (WATCHED, ("+" * 97 + "-") * 20, None),
        (WATCHED, "+" * 500 + "-+-+--+-", HARD),
        (WATCHED, "----" + "+" * 60, None),
        (WATCHED, "+" * 30 + "!", None),
        (GRAVE, "+" * 30 + "!", HARD),
        (GRAVE, "+" * 30 + "-", None),
        (UNNAMED, "----", TOLD),
        (UNNAMED, "--", None),
    ],
)
def test_by_rate_volume_neither_earns_nor_costs(rules: Policy, text: str, level: Level | None) -> None:
    """With `sequential` one in a hundred costs nothing, however many a day; a bad stretch does after any record; a grave incident at once."""
    for step in (timedelta(seconds=10), timedelta(days=3)):
        assert fallen(rules, "bot", None, outcomes=outcomes(text, step), now=NOW) is level


def test_a_stretch_costs_only_once_by_rate_too() -> None:
    """What cost a level is spent, and so is an incident that did."""
    lost = Demotion(HARD, NOW - timedelta(minutes=30))
    assert fallen(WATCHED, "bot", lost, outcomes=outcomes("----", timedelta(hours=1)), now=NOW) is None
    assert fallen(WATCHED, "bot", lost, outcomes=outcomes("-----", timedelta(minutes=5)), now=NOW) is TAKE
    assert fallen(GRAVE, "bot", lost, outcomes=outcomes("!--", timedelta(hours=1)), now=NOW) is None
    again = Demotion(TOLD, NOW - timedelta(hours=5))
    assert fallen(UNNAMED, "bot", again, outcomes=outcomes("----"), now=NOW) is TOLD, "one step, each time anew"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("+" * 10, None),
        ("+" * 109, None),
        ("+" * 110, TOLD),
        ("+" * 50 + "-" + "+" * 98, None),
        ("+" * 50 + "-" + "+" * 99, TOLD),
        ("--" + "+" * 110, None),
        ("--" + "+" * 142, None),
        ("--" + "+" * 143, TOLD),
    ],
)
def test_a_level_is_proposed_where_it_is_proven(text: str, level: Level | None) -> None:
    """A hundred and ten in a row prove 0.99 against 0.95; each failure costs 39 more; a try that failed makes the next one dearer."""
    assert earned(WATCHED, "bot", None, outcomes(text)) is level


def test_the_takeover_after_failures_follows_the_preset() -> None:
    """Two failures in a day are a takeover with `classic`; with `sequential` it is the lost level of 24 h, until the owner forgives it."""
    request = read_request({"action": "pay", "params": {"amount_usd": 1, "to": "x"}})
    lost = Demotion(TOLD, NOW)
    free = {"approval_required": False}
    failed, fell = History(agent_failures_24h=2), History(demotion=lost, demoted_24h=True)
    classic, by_rate = policy(**free), policy(**free, ratchet="sequential")
    assert route("bot", request, classic, failed).level is TAKE
    assert route("bot", request, by_rate, failed).level is FREE
    assert route("bot", request, by_rate, fell).level is TAKE
    assert route("bot", request, by_rate, History(demotion=lost)).level is FREE
    agents = {"bot": {"level": "full_auto", "since": "2026-01-10T12:00:01Z"}}
    assert route("bot", request, policy(**free, ratchet="sequential", autonomy={"agents": agents}), fell).level is FREE


def test_the_preset_is_explained() -> None:
    """`policy explain` says by which preset levels are lost and earned, where the action has any."""
    request = read_request({"action": "pay", "params": {"amount_usd": 1, "to": "x"}})
    for changes, said in (({}, None), ({"autonomy": {}}, "classic"), ({"ratchet": "sequential"}, "sequential")):
        found = explain(manifest(**changes), request, agent="bot")
        assert found.ratchet == said
        assert (f"by the preset {said}" in in_words(found, path="actions.yml")) is (said is not None)


def test_the_nearer_word_names_the_preset() -> None:
    """An action's own word wins over the defaults', and without any it is `classic`."""
    assert policy().ratchet == "classic"
    assert manifest(defaults={"ratchet": "sequential"}).policy("pay").ratchet == "sequential"
    assert manifest(defaults={"ratchet": "sequential"}, ratchet="classic").policy("pay").ratchet == "classic"
