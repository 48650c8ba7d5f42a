"""SLA and timeout by name."""

from __future__ import annotations

from typing import Any

import pytest
from policy_builders import manifest, request, roster

from policies.errors import BadFile
from policies.explain import explain, in_words
from policies.files.manifest import ManifestFile
from policies.lint.check import lint

FIGURES = {"async_review": (3600, 86_400), "synchronous_gate": (150, 300), "escalation": (1800, 86_400)}


def times(defaults: dict[str, Any] | None = None, **keys: Any) -> tuple[int, int, int]:
    policy = manifest(defaults, **keys).policy("pay")
    return policy.sla_seconds, policy.soft_timeout_seconds, policy.hard_timeout_seconds


@pytest.mark.parametrize("tier", FIGURES)
def test_a_tier_gives_both_figures(tier: str) -> None:
    """A tier sets SLA and timeout, whether the action or the defaults name it (docs/rules.md: E4)."""
    sla, timeout = FIGURES[tier]
    assert times(tier=tier) == (sla, timeout, timeout)
    assert times({"tier": tier}) == (sla, timeout, timeout)


def test_a_figure_wins_over_a_tier_and_the_action_over_the_defaults() -> None:
    """The nearer word wins, and of one place the figure."""
    assert times(tier="escalation", sla_seconds=60)[0] == 60
    assert times(tier="escalation", approval_timeout_seconds=60) == (1800, 60, 60)
    assert times({"sla_seconds": 60}, tier="escalation")[0] == 1800
    assert times({"tier": "async_review", "sla_seconds": 60}) == (60, 86_400, 86_400)
    assert times({"tier": "async_review"}, tier="synchronous_gate") == (150, 300, 300)


def test_automated_waits_for_nobody_and_lets_nothing_run() -> None:
    """The tier automated has no figures of its own, and alone it takes nobody out of the loop."""
    assert times(tier="automated") == (300, 300, 86_400)
    found = manifest(tier="automated", amount=None)
    policy = found.policy("pay")
    assert policy.approval_required
    assert any("tier: automated" in finding.message for finding in lint(found, None))


def test_a_tier_that_says_nothing_is_found() -> None:
    """Check tells of a tier whose two figures are both written out."""
    found = lint(manifest(tier="escalation", sla_seconds=60, approval_timeout_seconds=600), None)
    assert any("tier says nothing" in finding.message for finding in found)
    assert not any("tier" in finding.message for finding in lint(manifest(tier="escalation"), None))


def test_business_hours_of_people_without_hours_are_found() -> None:
    """Check tells of an SLA in working hours that nobody has."""
    rules = manifest(sla_clock="business_hours")
    assert any("nobody who is asked has hours" in finding.message for finding in lint(rules, roster()))
    working = roster(people={"U0BOB": {"hours": "Mon-Fri 09:00-17:00"}})
    assert not any("has hours" in finding.message for finding in lint(rules, working))


def test_an_unknown_tier_or_clock_is_refused() -> None:
    """A name that is no tier or clock is an error that lists what there is."""
    with pytest.raises(BadFile, match="must be one of automated, async_review, synchronous_gate, escalation"):
        manifest(tier="soon")
    with pytest.raises(BadFile, match="must be one of always, business_hours"):
        manifest(sla_clock="weekdays")


def test_explain_tells_tier_clock_and_urgency() -> None:
    """The explanation names the tier, how its SLA is counted, and what urgency makes of it."""
    told = explain(
        manifest(tier="escalation", sla_clock="business_hours"),
        request(urgency="high", params={"amount_usd": 500}),
        agent="bot",
    )
    assert (told.tier, told.sla_seconds, told.timeout_seconds) == ("escalation", 900, 86_400)
    assert "each with 900 s of their working hours (tier escalation)" in in_words(told, path="actions.yml")


def test_the_schema_for_editors_knows_both() -> None:
    """The JSON Schema lists tiers and clocks."""
    parts = ManifestFile.model_json_schema()["$defs"]
    assert parts["Tier"]["enum"] == ["automated", "async_review", "synchronous_gate", "escalation"]
    assert parts["SlaClock"]["enum"] == ["always", "business_hours"]
