"""Reasons in a few words: each rule has its own, and none that speaks for something else than what happened."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from test_policy_routing_properties import histories, policies, requests

from policies import restrictions, routing
from policies.files.policy import Policy
from policies.levels import RouteName, RuleResult
from policies.reasons import shortened
from policies.request import Request
from policies.routing import History

MANIFESTS_OWN = re.compile(r"\.yml|_usd|_confidence|\(|autonomy|aggregate")


def said(agent: str, asked: Request, rules: Policy, history: History) -> list[RuleResult]:
    """Everything that the rules say of a request, one by one."""
    case = routing._case(agent, asked, rules, history)
    return [*routing._speaking(case), *restrictions.speaking(case)]


@settings(max_examples=400, deadline=None)
@given(asked=requests, rules=policies(), history=histories)
def test_each_rule_is_told_where_it_fits_and_nowhere_else(asked: Request, rules: Policy, history: History) -> None:
    """A rule that asks has words on a card that asks and none on one that ran or was denied, and so for the others; no key shows."""
    for stopped in (False, True):
        for one in said("bot", asked, rules, replace(history, stopped=stopped)):
            for name in (RouteName.ASK, RouteName.AUTO, RouteName.DENY):
                words = shortened([f"{one.reason} (actions.yml:12)"], name)
                assert bool(words) == (name is one.name), (one.reason, name, words)
                assert not any(MANIFESTS_OWN.search(word) for word in words), words


def test_the_reasons_of_a_card_are_short() -> None:
    """An ordinary refund needs approval because it cannot be undone and is over a limit: the highest one says it all."""
    why = (
        "$4,800 is above $500 (always_approve_above_usd) (actions.yml:19)",
        "the action is irreversible (actions.yml:16)",
        "the action is tagged financial (actions.yml:17)",
        "$4,800 is above $100 (actions.yml:18)",
    )
    assert shortened(why, RouteName.ASK) == ("over $500", "irreversible", "financial")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("effective confidence 1.00 reaches 0.95 (auto_approve_confidence) (actions.yml:31)", ()),
        ("the agent failed 2 times within 24 h, silence after a claim included: a person takes over", ("this agent failed 2 times today",)),
        ("$4,800 within 3600 s is above $200 (aggregate.ask_above_usd) (actions.yml:23)", ("over $200 within an hour",)),
        ("$480 to all targets within 7200 s is above $20 (aggregate.total_ask_above_usd)", ("over $20 in all within 2 hours",)),
        ("Wires to new banks (see the handbook) (actions.yml:40)", ("Wires to new banks (see the handbook)",)),
        ("the same request was rejected at 2026-03-02 14:00 UTC by U0BOB: no", ()),
    ],
)  # fmt: skip
def test_what_a_reviewer_reads(reason: str, words: tuple[str, ...]) -> None:
    """What argued for letting it run is not told to whoever decides; limits and spans are in words; an author's words stay."""
    assert shortened([reason], RouteName.ASK) == words
