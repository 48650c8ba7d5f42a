"""The guide to the two files says what the loaders do."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from policies.files.hooks_section import HookRule, Hooks
from policies.files.limits import Aggregate, Conditions, Limits, Thresholds
from policies.files.manifest import Action, Defaults, ManifestFile, load_manifest
from policies.files.planted import PlantedRequests
from policies.files.roster import Operations, Person, Role, RosterDefaults, RosterFile, load_roster
from policies.files.schema import Strict
from policies.files.standing_bounds import StandingBounds
from policies.files.tightening import Accepted, Autonomy, FirstUses, Quota, Rule
from policies.lint.check import lint
from policies.request import Request
from policies.routing import History, route

GUIDE = (Path(__file__).parents[3] / "docs" / "manifest.md").read_text(encoding="utf-8")
MANIFEST, ROSTER = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)[:2]
PARTS = [
    Action,
    Aggregate,
    Conditions,
    Defaults,
    Limits,
    ManifestFile,
    Thresholds,
    Rule,
    FirstUses,
    Quota,
    Autonomy,
    Accepted,
    Operations,
    Person,
    Role,
    RosterDefaults,
    RosterFile,
    Hooks,
    HookRule,
    StandingBounds,
    PlantedRequests,
]


@pytest.mark.parametrize("part", PARTS)
def test_every_key_is_documented(part: type[Strict]) -> None:
    """Each key of either file stands in the guide, in a table's first column."""
    documented = {name.rpartition(".")[2] for name in re.findall(r"^\| `([a-z_.*]+)`", GUIDE, re.MULTILINE)}
    wrapped = {"thresholds", "first_uses", "quota"}  # told by their keys
    keys = {field.alias or name for name, field in part.model_fields.items()}
    assert keys - wrapped <= documented


def test_the_rules_of_the_guide_load() -> None:
    """The example of own rules can be used as printed, and judges without a fault."""
    text = next(
        block for block in re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL) if "then:" in block
    )
    action = "    title: T\n    describe: D\n    severity: low\n    reversible: true\n"
    rules = load_manifest(f"version: 1\nactions:\n  a:\n{action}" + textwrap.indent(text, "    ")).policy("a")
    assert rules is not None
    assert [rule.then for rule in rules.rules] == ["ask", "takeover"]
    abroad = Request(action="a", params={"iban": "FR1"})
    assert route("bot", abroad, rules, History()).why[-1] == "Accounts abroad"


def test_the_examples_load_as_printed() -> None:
    """The two files of the guide load, and mean what they say."""
    rules, people = load_manifest(MANIFEST), load_roster(ROSTER)
    policy = rules.policy("process_refund")
    assert (policy.role, policy.escalation_path, policy.sla_seconds) == ("finance", ["finance_lead", "executives"], 900)
    assert (policy.auto_approve_confidence, policy.escalate_confidence) == (0.95, 0.60)
    assert policy.conditions.deny_above_usd == 10_000
    assert people.person("U0ALICE").timezone == "Europe/Berlin"
    assert people.usergroups == {"S0LEADS"}


def test_the_guide_tells_what_check_says_of_its_examples() -> None:
    """Check warns of the missing role, the missing owner and the undeclared parameter, and finds no error."""
    found = lint(load_manifest(MANIFEST), load_roster(ROSTER))
    assert {finding.severity for finding in found} == {"warning"}
    for words in ("executives", "no owner", "params.card_number"):
        assert any(words in finding.message for finding in found)


def test_the_defaults_in_the_guide_are_the_loaders() -> None:
    """The figures that the guide names as defaults are those of the loader."""
    text = "version: 1\nactions: {a: {title: T, describe: D, severity: medium, reversible: true}}"
    policy, limits = load_manifest(text).policy("a"), load_manifest(text).limits
    shown = dict(re.findall(r"^\| `([a-z_.]+)` \| [^|]* \| `([^`|]+)`", GUIDE, re.MULTILINE))
    assert policy.sla_seconds == 300
    assert float(shown["thresholds.auto_approve_confidence"]) == policy.auto_approve_confidence
    assert float(shown["thresholds.escalate_confidence"]) == policy.escalate_confidence
    assert int(shown["claim_seconds"]) == policy.claim_seconds
    assert int(shown["execution_seconds"]) == policy.execution_seconds
    assert int(shown["limits.pending"]) == limits.pending
    assert int(shown["limits.creates_per_minute"]) == limits.creates_per_minute
    assert (policy.role, policy.soft_timeout_seconds, policy.hard_timeout_seconds) == ("admins", 86_400 // 288, 86_400)
