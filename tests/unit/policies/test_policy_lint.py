"""What loads and yet cannot be meant: graded, located, and with a way out."""

from __future__ import annotations

from typing import Any

import pytest
from policy_builders import manifest, merged, roster

from policies.files.manifest import Manifest, load_manifest
from policies.files.roster import Roster
from policies.lint.check import Finding, lint

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["amount_usd", "to"],
    "properties": {
        "amount_usd": {"type": "number"},
        "to": {"type": "string"},
        "note": {"type": "string"},
        "now": {"type": "boolean"},
    },
}
_CARD = {"type": "object", "additionalProperties": False, "properties": {"number": {"type": "string"}}}
CARDS = {"properties": {"cards": {"type": "array", "items": _CARD}}}
CLEAN: dict[str, Any] = {"params_schema": SCHEMA, "conditions": {"deny_above_usd": 9000}}
PERSON = {"U0ALICE": {"principal": "alice@example.com"}}


def changed(defaults: dict[str, Any] | None = None, **changes: Any) -> Manifest:
    """The clean manifest with changes; None takes a key out."""
    gone = {key: None for key, value in changes.items() if value is None}
    return manifest(defaults, **{**merged(CLEAN, changes), **gone})


def findings(people: Roster | None = None, defaults: dict[str, Any] | None = None, **changes: Any) -> list[Finding]:
    """What lint finds when the clean manifest is changed."""
    return lint(changed(defaults, **changes), people)


def test_a_clean_pair_of_files_has_no_findings() -> None:
    """Nothing is found where there is nothing to find."""
    assert findings(roster()) == []


def own(when: str, then: str) -> dict[str, Any]:
    """A rule of one's own."""
    return {"when": when, "then": then, "reason": f"to {then}"}


Case = tuple[dict[str, Any], str, str, str]
CASES: list[Case] = [
    ({"tags": ["finance"]}, "warning", "tags", "the tag finance means nothing"),
    ({"tags": ["PII"]}, "warning", "tags", "the tag PII"),
    ({"agents": ["a"], "blocked_agents": ["a"]}, "error", "blocked_agents", "both name a"),
    ({"agents": []}, "warning", "agents", "no agent is allowed"),
    ({"thresholds": {"escalate_confidence": 0.96}}, "error", "escalate_confidence", "above auto_approve_confidence"),
    (
        {"thresholds": {"auto_approve_confidence": 0.9}, "tags": ["pii"]},
        "warning",
        "auto_approve_confidence",
        "never applies, because it is tagged pii",
    ),
    (
        {"thresholds": {"auto_approve_confidence": 0.9}, "approval_required": False},
        "warning",
        "auto_approve_confidence",
        "approval_required is false",
    ),
    ({"approval_required": False, "severity": "high"}, "warning", "approval_required", "severe or irreversible"),
    ({"approval_required": False, "tags": ["pii"]}, "warning", "approval_required", "overrules that it is tagged pii"),
    ({"on_timeout": "escalate", "escalation_path": []}, "error", "on_timeout", "nowhere to go"),
    (
        {"on_timeout": "approve", "severity": "low", "tags": ["regulated"]},
        "warning",
        "on_timeout",
        "never applies, because it is tagged regulated",
    ),
    ({"resubmit_seconds": 60}, "warning", "resubmit_seconds", "ask somebody else for what was rejected after 60 s"),
    ({"on_timeout": "hold", "approval_timeout_seconds": 60}, "warning", "approval_timeout_seconds", "no effect"),
    ({"sla_seconds": 61, "approval_timeout_seconds": 60}, "warning", "sla_seconds", "nobody else is ever asked"),
    (
        {"sla_seconds": 301, "severity": "low", "on_timeout": "approve"},
        "warning",
        "sla_seconds",
        "longer than the timeout (300)",
    ),
    ({"undo_window_seconds": 60, "reversible": False}, "error", "undo_window_seconds", "undo what is irreversible"),
    ({"sample_review": 0.1, "reversible": False}, "warning", "sample_review", "never applies"),
    ({"batch": True, "severity": "low", "reversible": False}, "warning", "batch", "share a screen"),
    ({"conditions": {"auto_approve_below_usd": 50}}, "warning", "auto_approve_below_usd", "no owner"),
    (
        {"conditions": {"auto_approve_below_usd": 50}, "owner": "me", "reversible": False},
        "warning",
        "auto_approve_below_usd",
        "no reason is given",
    ),
    (
        {"conditions": {"auto_approve_below_usd": 0}, "owner": "me"},
        "warning",
        "auto_approve_below_usd",
        "0 never applies",
    ),
    (
        {"conditions": {"auto_approve_below_usd": 5}, "owner": "me", "approval_required": False},
        "warning",
        "auto_approve_below_usd",
        "changes nothing",
    ),
    (
        {"conditions": {"always_approve_above_usd": 50, "deny_above_usd": 50}},
        "warning",
        "always_approve_above_usd",
        "never decides",
    ),
    (
        {"conditions": {"deny_above_usd": 50}, "confirm_amount_above_usd": 50},
        "warning",
        "confirm_amount_above_usd",
        "never reached",
    ),
    ({"aggregate": {"window_seconds": 60}}, "warning", "aggregate", "does nothing"),
    (
        {"aggregate": {"window_seconds": 60, "ask_above_usd": 50, "deny_above_usd": 49}},
        "error",
        "ask_above_usd",
        "is above aggregate.deny_above_usd",
    ),
    (
        {"aggregate": {"window_seconds": 60, "ask_above_usd": 49}, "conditions": {"auto_approve_below_usd": 50}},
        "error",
        "ask_above_usd",
        "stops single amounts",
    ),
    (
        {"aggregate": {"window_seconds": 60, "deny_above_usd": 49}, "conditions": {"auto_approve_below_usd": 50}},
        "error",
        "deny_above_usd",
        "stops single amounts",
    ),
    (
        {"aggregate": {"window_seconds": 60, "deny_above_usd": 49}, "conditions": {"deny_above_usd": 50}},
        "warning",
        "conditions.deny_above_usd",
        "never reached",
    ),
    ({"params_schema": None}, "warning", "amount", "nothing says"),
    ({"amount": "params.amuont"}, "error", "amount", "is not in params_schema"),
    ({"amount": "params.now"}, "error", "amount", "is neither a number nor text"),
    ({"conditions": {"deny_above_usd": None}}, "warning", "amount", "no amount is too large"),
    ({"params_schema": {"required": ["to"]}}, "warning", "params_schema.required", "not required"),
    (
        {"params_schema": {"properties": {"amount_usd": {"type": ["number", "boolean"]}}}},
        "error",
        "amount",
        "is neither a number nor text",
    ),
    (
        {"params_schema": {"properties": {"amount_usd": {"type": None, "minimum": 0}}}},
        "warning",
        "amount",
        "does not say that",
    ),
    (
        {"aggregate": {"window_seconds": 60, "ask_above_usd": 5, "per": "params.custom"}},
        "error",
        "per",
        "not in params_schema",
    ),
    (
        {"aggregate": {"window_seconds": 60, "ask_above_usd": 5, "per": "params.note"}},
        "warning",
        "per",
        "may leave out",
    ),
    ({"describe": "Pay {{ params.ammount }} to {{ params.to }}"}, "error", "describe", "names params.ammount"),
    (
        {"describe": "Pay {{ params.amount_usd }} to {{ params.to }} {{ params.note }}"},
        "warning",
        "describe",
        "may be missing",
    ),
    ({"describe": "Pay {{ params.amount_usd }}"}, "warning", "describe", "never shows the required to"),
    ({"redact": ["params.to"]}, "error", "describe", "tells params.to, which redact hides"),
    ({"redact": ["params.amount_usd"]}, "error", "redact", "hides the amount"),
    ({"redact": ["params.card"]}, "error", "redact", "does not allow"),
    ({"redact": ["params.card"], "params_schema": {"additionalProperties": True}}, "warning", "redact", "not declare"),
    ({"redact": ["params.cards.number"], "params_schema": CARDS}, "warning", "redact", "params.cards is a list"),
    ({"redact": ["params.cards[*].numbr"], "params_schema": CARDS}, "error", "redact", "does not allow"),
    ({"redact": ["params.to[*]"], "params_schema": CARDS}, "error", "redact", "does not allow"),
    ({"reveal": ["params.cards[0].nr"], "params_schema": CARDS}, "error", "reveal", "does not allow"),
    (
        {"redact": ["params.cards[*]"], "reveal": ["params.cards[0].number"], "params_schema": CARDS},
        "warning",
        "reveal",
        "redact hides all the same",
    ),
    ({"params_schema": {"type": "array"}}, "error", "params_schema.type", "not of type object"),
    ({"params_schema": {"required": ["amount_usd", "to", "x"]}}, "error", "params_schema.required", "requires x"),
    ({"escalation_path": ["lead", "lead"]}, "error", "escalation_path", "names lead twice"),
    ({"escalation_path": ["lead", "finance"]}, "error", "escalation_path", "leads back to finance"),
    ({"required_role": "nobody"}, "error", "required_role", "nobody holds the role nobody"),
    ({"escalation_path": ["ghosts", "spirits"]}, "error", "escalation_path", "ends in nobody"),
    ({"escalation_path": ["lead", "ghosts"]}, "warning", "escalation_path", "names ghosts, which the roster lacks"),
    ({"required_role": "lead", "escalation_path": []}, "warning", "required_role", "only U0CAROL can decide"),
    ({"approvers": 3}, "error", "approvers", "more distinct people"),
    (
        {"rules": [own("params.note != ''", "ask"), own("params.note != ''", "deny")]},
        "warning",
        "rules.1",
        "same condition stands in an earlier rule",
    ),
    ({"rules": [own("1 > 2", "ask")]}, "warning", "rules.0", "never holds"),
    ({"rules": [own("amount > 3", "notify")], "reversible": False}, "warning", "rules.0", "never decides"),
    (
        {"rules": [own("amount > 3", "escalate")], "escalation_path": []},
        "error",
        "rules.0",
        "there is no escalation_path",
    ),
    ({"rules": [own("params.country == 'DE'", "ask")]}, "error", "rules.0", "params.country, which is not in"),
    ({"rules": [own("params.note == 'x'", "ask")]}, "warning", "rules.0", "params.note, which a request may leave out"),
    ({"first_uses": {"agent": 3}, "reversible": False}, "warning", "first_uses", "first_uses changes nothing"),
    ({"checkpoint_every": 3, "tags": ["pii"]}, "warning", "checkpoint_every", "checkpoint_every changes nothing"),
    (
        {"thresholds": {"ask_above_risk": 0.5}, "reversible": False},
        "warning",
        "ask_above_risk",
        "ask_above_risk changes nothing",
    ),
    ({"thresholds": {"ask_above_risk": 1}}, "warning", "ask_above_risk", "no score is above 1"),
    ({"quota": {"per_day": 2}, "first_uses": {"agent": 3}}, "warning", "quota", "used up before the first 3 uses"),
    (
        {"thresholds": {"auto_approve_confidence": 0.64, "escalate_confidence": 0.5}},
        "warning",
        "auto_approve_confidence",
        "below 0.65",
    ),
    ({"autonomy": {"start": "hard_approval"}}, "warning", "autonomy", "no owner accepts it"),
    ({"autonomy": {"start": "hard_approval"}, "owner": "me"}, "note", "autonomy", "the preset classic is rough"),
    (
        {"autonomy": {"start": "soft_approval"}, "owner": "me"},
        "warning",
        "autonomy",
        "soft_approval is hard_approval here",
    ),
    (
        {
            "autonomy": {"start": "hard_approval", "agents": {"bot": {"level": "full_auto", "since": "2026-01-01"}}},
            "owner": "me",
            "reversible": False,
        },
        "warning",
        "autonomy",
        "bot cannot use what was granted",
    ),
    ({"approvers": {"finance": 1, "lead": 2}}, "error", "approvers", "more distinct people"),
    ({"approvers": {"finance": 1, "ghosts": 1}}, "error", "approvers", "nobody holds the role ghosts"),
    ({"kinds": ["confirm", "choose"], "severity": "high"}, "warning", "kinds", "one person's choice lets this run"),
    ({"kinds": ["input", "choose"], "reversible": False}, "warning", "kinds", "one person's choice or answer lets"),
    ({"kinds": ["confirm", "confirm"]}, "warning", "kinds", "names one of them twice"),
    ({"editable": ["params.qty"]}, "error", "editable.0", "params.qty, which params_schema does not allow"),
    (
        {"editable": ["params.items[*].qty"], "params_schema": {"additionalProperties": True}},
        "warning",
        "editable.0",
        "params.items[*].qty, which params_schema does not declare",
    ),
    (
        {"editable": ["params.note", "params.amount_usd"], "reversible": False},
        "warning",
        "editable",
        "one person raise the amount params.amount_usd",
    ),
]


@pytest.mark.parametrize(
    ("changes", "severity", "key", "words"), CASES, ids=[f"{case[2]}: {case[3]}" for case in CASES]
)
def test_each_fault_is_found_where_it_stands(changes: dict[str, Any], severity: str, key: str, words: str) -> None:
    """Each fault gives a finding of its grade, on the line of its key, with a suggestion."""
    rules = changed(**changes)
    found = [finding for finding in lint(rules, roster()) if words in finding.message]
    assert [finding.severity for finding in found] == [severity]
    last = key.rpartition(".")[2]
    places = {line for path, line in rules.document.lines.items() if str(path[-1]) == last}
    assert found[0].line in places or (key not in changes and found[0].line == rules.document.line(("actions", "pay")))
    assert found[0].path == "actions.yml"
    assert found[0].suggestion


ROSTER_CASES: list[Case] = [
    ({"operations": None}, "warning", "", "no operations channel"),
    ({"admins": None}, "warning", "", "no admins"),
    ({"roles": {"finance": {"members": ["U0ALICE", "U0ALICE", "U0BOB"]}}}, "warning", "finance", "names U0ALICE twice"),
    ({"roles": {"idle": {"members": ["U0EVE"]}}}, "warning", "idle", "no action asks the role idle"),
    ({"people": {"U0EVE": {"max_open": 3}}}, "warning", "U0EVE", "U0EVE holds no role"),
    ({"people": {"U0ALICE": {"delegate": "U0ALICE"}}}, "error", "delegate", "lead back to U0ALICE"),
    ({"people": {"U0ALICE": {"delegate": "U0CAROL"}}}, "warning", "delegate", "does not hold finance"),
    (
        {"people": {"U0BOB": {"hours": "Mon-Fri 22:00-06:00", "quiet": "20:00-08:00"}}},
        "warning",
        "U0BOB",
        "all working hours of U0BOB are quiet hours",
    ),
    (
        {"people": {**PERSON, "U0BOB": {"principal": "ALICE@example.com "}}},
        "warning",
        "principal",
        "same principal as U0ALICE",
    ),
    ({"roles": {"lead": {"members": ["U0ALICE"]}, "board": {"members": ["U0BOB"]}}}, "warning", "", "brings nobody"),
]


@pytest.mark.parametrize(("changes", "severity", "key", "words"), ROSTER_CASES, ids=[case[3] for case in ROSTER_CASES])
def test_each_fault_of_the_roster_is_found(changes: dict[str, Any], severity: str, key: str, words: str) -> None:
    """Each fault of the roster gives a finding of its grade with a suggestion, on its line."""
    people = roster(**changes)
    found = [finding for finding in lint(manifest(**CLEAN), people) if words in finding.message]
    assert [finding.severity for finding in found] == [severity]
    assert found[0].suggestion
    if key:
        assert found[0].path == "reviewers.yml"
        assert found[0].line in {line for path, line in people.document.lines.items() if path[-1] == key}


def test_accounts_of_one_person_do_not_fill_a_quorum() -> None:
    """Two accounts with one principal are one person of two; who has no principal may be somebody's second account."""
    one = roster(people={**PERSON, "U0BOB": {"principal": "<mailto:ALICE@example.com>"}})
    assert [(found.severity, "more distinct people" in found.message) for found in findings(one, approvers=2)] == [
        ("error", True),
        ("warning", False),
    ]
    nameless = [found for found in findings(roster(), approvers=2) if "second account" in found.message]
    assert [(found.severity, "U0BOB" in found.message) for found in nameless] == [("warning", True)]
    both = roster(people={**PERSON, "U0BOB": {"principal": "bob@example.com"}})
    assert findings(both, approvers=2) == []
    assert findings(roster(), approvers=1) == []


def test_a_user_group_may_hold_anybody() -> None:
    """Where a Slack user group holds a role, its size is Slack's to know: no quorum is called impossible."""
    people = roster(roles={"finance": {"members": None, "usergroup": "S0FIN"}})
    assert findings(people, approvers=9) == []


def test_circles_of_delegates_are_found() -> None:
    """A circle of delegates is found at every one of its members."""
    people = roster(people={"U0ALICE": {"delegate": "U0BOB"}, "U0BOB": {"delegate": "U0ALICE"}})
    assert [finding.severity for finding in findings(people)] == ["error", "error"]


def test_without_a_roster_nothing_is_said_of_people() -> None:
    """Roles are judged only against a roster."""
    assert findings(None, required_role="nobody", escalation_path=["ghosts"], approvers=20) == []


def test_what_comes_from_the_defaults_is_found_there() -> None:
    """A fault inherited from the defaults points at the defaults, once."""
    defaults = {"required_role": "ghosts", "escalation_path": ["lead"]}
    rules = changed(defaults, required_role=None, escalation_path=None)
    found = [finding.line for finding in lint(rules, roster()) if "ghosts" in finding.message]
    assert found == [rules.document.lines["defaults", "required_role"]]


def test_an_action_without_a_role_needs_admins() -> None:
    """Where no role is named the admins decide, so the roster must have some."""
    found = findings(roster(admins=None), required_role=None)
    assert any(finding.severity == "error" and "role admins" in finding.message for finding in found)


def test_findings_come_in_the_order_of_the_lines() -> None:
    """Findings are sorted by file and line, so that they read like the file."""
    found = findings(roster(operations=None), tags=["PII"], agents=[], describe="Pay", sla_seconds=90_000)
    places = [(finding.path != "actions.yml", finding.line) for finding in found]
    assert places == sorted(places)
    assert len(found) >= 5


def test_a_finding_reads_as_one_line() -> None:
    """A finding is one line: file, line, grade, what, and what to do."""
    text = str(findings(tags=["PII"])[0])
    assert text.startswith("actions.yml:")
    assert ": warning: pay: the tag PII" in text
    assert "Did you mean pii?" in text
    assert "\n" not in text


def test_parameters_hidden_in_combinations_are_not_judged() -> None:
    """Where a schema declares parameters in allOf and its like, nothing is claimed about them."""
    schema = {
        "type": "object",
        "allOf": [{"properties": {"amount_usd": {"type": "number"}}}],
        "required": ["amount_usd"],
    }
    limits = {"deny_above_usd": 9000}
    found = lint(manifest(describe="Pay {{ params.amount_usd }}", params_schema=schema, conditions=limits), None)
    assert found == []


def test_a_rule_may_look_at_what_has_guards() -> None:
    """A rule that asks with has() first may look at an optional parameter."""
    assert findings(rules=[own("has(params.note) && params.note != ''", "ask")]) == []


def test_a_guarded_name_may_be_missing() -> None:
    """A sentence may name an optional parameter with a default, or under an if."""
    for guard in ("{{ params.note | default('') }}", "{% if params.note %}{{ params.note }}{% endif %}"):
        assert findings(describe="Pay {{ params.amount_usd }} to {{ params.to }} " + guard) == []


def test_every_action_is_looked_at() -> None:
    """A fault in the last of many actions is found."""
    lines = ["version: 1", "actions:"]
    for number in range(30):
        lines += [f"  a{number}:", "    title: T", "    describe: D", "    severity: low", "    reversible: true"]
    found = lint(load_manifest("\n".join([*lines, "    tags: [Financial]"])), None)
    assert [finding.message[:3] for finding in found] == ["a29"]
