"""The routing order of the contract's fine print, with its figures."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from policy_builders import SIGNALS_BAD, SIGNALS_GOOD, merged, policy, request

from policies.routing import History, Level, Route, RouteName, route

AUTO, ASK, DENY, BLOCK = RouteName.AUTO, RouteName.ASK, RouteName.DENY, RouteName.BLOCK
FREE, TOLD, SOFT, HARD, TAKE = list(Level)
AMOUNT = 100.5

# In the order of the fine print: what makes a rule speak, what it says, a word of its reason, and what it cannot meet.
RULES: dict[str, dict[str, Any]] = {
    "own limit": {"policy": {"conditions": {"deny_above_usd": 95}}, "says": (DENY, None), "word": "(deny_above_usd)"},
    "sum limit": {
        "policy": {"aggregate": {"window_seconds": 60, "deny_above_usd": 300}},
        "history": {"aggregate_usd": Decimal(400)},
        "says": (DENY, None),
        "word": "(aggregate.deny_above_usd)",
    },
    "total limit": {
        "policy": {"aggregate": {"window_seconds": 60, "total_deny_above_usd": 300}},
        "history": {"total_usd": Decimal(400)},
        "says": (DENY, None),
        "word": "(aggregate.total_deny_above_usd)",
    },
    "agent": {"policy": {"blocked_agents": ["bot"]}, "says": (DENY, None), "word": "block list"},
    "failures": {"history": {"agent_failures_24h": 2}, "says": (ASK, TAKE), "word": "failed 2 times"},
    "always": {
        "policy": {"conditions": {"always_approve_above_usd": 90}},
        "says": (ASK, HARD),
        "word": "(always_approve",
    },
    "sum asks": {
        "policy": {"aggregate": {"window_seconds": 60, "ask_above_usd": 200}},
        "history": {"aggregate_usd": Decimal(400)},
        "says": (ASK, HARD),
        "word": "(aggregate.ask_above_usd)",
    },
    "total asks": {
        "policy": {"aggregate": {"window_seconds": 60, "total_ask_above_usd": 200}},
        "history": {"total_usd": Decimal(400)},
        "says": (ASK, HARD),
        "word": "(aggregate.total_ask_above_usd)",
    },
    "sum unknown": {
        "policy": {"aggregate": {"window_seconds": 60}},
        "history": {"aggregate_unread": 1},
        "says": (ASK, HARD),
        "word": "no sum is known",
    },
    "unreadable": {
        "request": {"params": {"amount_usd": None}},
        "says": (ASK, HARD),
        "word": "missing or not an amount",
    },
    "recommended": {"request": {"recommended_review": True}, "says": (ASK, HARD), "word": "recommends a review"},
    "uncertain": {
        "request": {"uncertainty_factors": ["a", "b", "c"]},
        "says": (ASK, HARD),
        "word": "3 uncertainties",
        "role": "lead",
    },
    "low": {"request": {"evidence": SIGNALS_BAD}, "says": (ASK, HARD), "word": "(escalate_confidence)", "role": "lead"},
    "stopped": {"history": {"stopped": True}, "says": (ASK, HARD), "word": "stopped"},
    "held": {
        "history": {"held_elsewhere": "another session is paused"},
        "says": (ASK, HARD),
        "word": "another session",
    },
    "input": {"request": {"kind": "input", "question": "Which?"}, "says": (ASK, HARD), "word": "only a person"},
    "small": {
        "policy": {"conditions": {"auto_approve_below_usd": 200}},
        "says": (AUTO, FREE),
        "word": "(auto_approve_below_usd)",
    },
    "free": {"policy": {"approval_required": False}, "says": (AUTO, FREE), "word": "approval_required is false"},
    "irreversible": {"policy": {"reversible": False}, "says": (ASK, HARD), "word": "irreversible"},
    "tagged": {"policy": {"tags": ["pii"]}, "says": (ASK, HARD), "word": "tagged pii"},
    "costly": {"says": (ASK, HARD), "word": "is above $100"},
    "sure": {
        "policy": {"thresholds": {"trust_evidence": True}, "owner": "Head of payments"},
        "request": {"evidence": SIGNALS_GOOD},
        "says": (AUTO, TOLD),
        "word": "(auto_approve_confidence)",
    },
    "otherwise": {"says": (ASK, HARD), "word": "a person decides"},
}
NEVER_TOGETHER = {
    *itertools.product(["own limit", "always"], ["small", "unreadable"]),
    ("sum limit", "unreadable"),  # together they deny: judged on its own below
    ("total limit", "unreadable"),
    ("unreadable", "small"),
    ("unreadable", "costly"),
    ("low", "sure"),
    ("free", "irreversible"),  # together they make notify_only: judged on its own below
}
PAIRS = [pair for pair in itertools.combinations(RULES, 2) if pair not in NEVER_TOGETHER]


def went(*rules: str) -> Route:
    """The route when exactly these rules have a cause to speak (a costly amount only where it is named)."""
    said: dict[str, Any] = {"policy": {}, "request": {}, "history": {}}
    for rule in rules:
        said = merged(said, {key: RULES[rule].get(key, {}) for key in ("policy", "request", "history")})
    speaks_of_amount = {"costly", "own limit", "always"}.intersection(rules)
    asked = merged({"params": {"amount_usd": AMOUNT if speaks_of_amount else 99}}, said["request"])
    if "unreadable" in rules:
        asked["params"] = {"amount_usd": None}
    return route("bot", request(**asked), policy(**said["policy"]), History(**said["history"]))


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_alone_decides_as_the_contract_says(rule: str) -> None:
    """Each rule, where it alone has cause to speak, gives its route, its level and its reason first."""
    result = went(rule)
    assert (result.name, result.level) == RULES[rule]["says"]
    assert RULES[rule]["word"] in result.why[0]
    said = any(RULES["otherwise"]["word"] in why for why in result.why)
    assert said == (rule == "otherwise"), "the last rule speaks where no other has cause to"
    assert result.role == RULES[rule].get("role", "finance")
    assert result.escalated == ("role" in RULES[rule])


@pytest.mark.parametrize(("earlier", "later"), PAIRS)
def test_the_earlier_rule_wins_and_both_are_told(earlier: str, later: str) -> None:
    """Of any two rules the earlier one of the fine print decides, and both stand in `why` in order."""
    result = went(earlier, later)
    assert (result.name, result.level) == RULES[earlier]["says"]
    words = [RULES[earlier]["word"], RULES[later]["word"]]
    places = [
        next(index for index, why in enumerate(result.why) if word in why)
        for word in words[: 1 + (later != "otherwise")]
    ]
    assert places == sorted(places)
    assert places[0] == 0
    assert len(result.keys) == len(result.why)


def test_free_and_irreversible_runs_but_people_are_told() -> None:
    """approval_required: false on an irreversible action gives notify_only, not a question."""
    assert (went("free", "irreversible").name, went("free", "irreversible").level) == (AUTO, TOLD)


def test_free_and_severe_runs_but_people_are_told() -> None:
    """approval_required: false on a severe action gives notify_only."""
    result = route("bot", request(), policy(approval_required=False, severity="high"), History())
    assert (result.name, result.level) == (AUTO, TOLD)


CENT = 0.01
LIMITS = {"auto_approve_below_usd": 50, "always_approve_above_usd": 500, "deny_above_usd": 10000}


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, (AUTO, FREE)),
        (50 - CENT, (AUTO, FREE)),
        (49.999999999, (AUTO, FREE)),
        (50, (ASK, HARD)),
        (500, (ASK, HARD)),
        (500 + CENT, (ASK, HARD)),
        (10000, (ASK, HARD)),
        (10000.000001, (DENY, None)),
        (10000 + CENT, (DENY, None)),
        (2**53 - 1, (DENY, None)),
    ],
)
def test_amounts_at_their_boundaries(amount: float, expected: tuple[RouteName, Level | None]) -> None:
    """Below means below and above means above: an amount equal to a limit is on the side of the question."""
    result = route("bot", request(params={"amount_usd": amount}), policy(conditions=LIMITS), History())
    assert (result.name, result.level) == expected
    assert ("always_approve_above_usd" in " ".join(result.why)) == (amount > 500)


@pytest.mark.parametrize(("amount", "asks"), [(99.99, False), (100, False), (100.01, True)])
def test_more_than_100_dollars_asks(amount: float, asks: bool) -> None:
    """An amount above $100, and not $100 itself, asks a person however good the evidence (docs/rules.md: A10)."""
    rules = policy(thresholds={"trust_evidence": True}, owner="me")
    result = route("bot", request(params={"amount_usd": amount}, evidence=SIGNALS_GOOD), rules, History())
    assert (result.name is ASK) == asks


@pytest.mark.parametrize(("spent", "expected"), [(120, AUTO), (121, ASK), (320, ASK), (321, DENY)])
def test_sums_include_the_request_itself(spent: int, expected: RouteName) -> None:
    """The sum judged is what was spent before plus this request, and a sum equal to the limit is within it."""
    rules = policy(
        aggregate={"window_seconds": 60, "ask_above_usd": 200, "deny_above_usd": 400}, approval_required=False
    )
    assert route("bot", request(), rules, History(aggregate_usd=Decimal(spent))).name is expected


@pytest.mark.parametrize(("failures", "level"), [(0, SOFT), (1, SOFT), (2, TAKE), (9, TAKE)])
def test_two_failures_within_a_day_hand_over(failures: int, level: Level) -> None:
    """Two failures, not one, hand the action to a person (docs/rules.md: A10)."""
    rules = policy(severity="low", on_timeout="approve")
    assert route("bot", request(), rules, History(agent_failures_24h=failures)).level is level


@pytest.mark.parametrize(("count", "escalated"), [(0, False), (2, False), (3, True), (50, True)])
def test_more_than_two_uncertainties_escalate(count: int, escalated: bool) -> None:
    """More than two uncertainty factors go to the first role of the escalation path at once (docs/rules.md: A7)."""
    result = route("bot", request(uncertainty_factors=["x"] * count), policy(), History())
    assert (result.escalated, result.role) == (escalated, "lead" if escalated else "finance")


def test_an_escalation_without_a_path_stays_with_the_role() -> None:
    """Where there is no escalation path, an uncertain request asks the required role."""
    result = route("bot", request(uncertainty_factors=["x"] * 3), policy(escalation_path=[]), History())
    assert (result.level, result.role, result.escalated) == (HARD, "finance", False)


def evidence_of(holding: int, of: int) -> dict[str, Any]:
    """Evidence of which `holding` of `of` signals hold."""
    good = list(SIGNALS_GOOD.items())[:of]
    bad = {"retrieval_hits": 0, "tool_errored": True, "self_consistency": 0.0, "schema_ok": False}
    return {key: value if index < holding else bad[key] for index, (key, value) in enumerate(good)}


@pytest.mark.parametrize(
    ("severity", "evidence", "confidence", "expected"),
    [
        ("medium", None, None, (ASK, HARD)),
        ("medium", None, 1.0, (ASK, HARD)),
        ("medium", evidence_of(4, 4), None, (AUTO, TOLD)),
        ("high", evidence_of(4, 4), None, (AUTO, TOLD)),
        ("low", evidence_of(4, 4), None, (AUTO, FREE)),
        ("medium", evidence_of(4, 4), 0.95, (AUTO, TOLD)),
        ("medium", evidence_of(4, 4), 0.949, (ASK, HARD)),
        ("low", evidence_of(4, 4), 0.80, (AUTO, FREE)),
        ("low", evidence_of(4, 4), 0.799, (ASK, HARD)),
        ("medium", evidence_of(4, 4), 0.60, (ASK, HARD)),
        ("medium", evidence_of(3, 4), 1.0, (ASK, HARD)),
        ("low", evidence_of(3, 4), 1.0, (ASK, HARD)),
        ("low", evidence_of(3, 3), None, (AUTO, FREE)),
        ("medium", evidence_of(3, 3), None, (AUTO, TOLD)),
        ("low", evidence_of(2, 2), None, (ASK, HARD)),
        ("medium", evidence_of(2, 2), None, (ASK, HARD)),
        ("medium", evidence_of(1, 1), None, (ASK, HARD)),
    ],
)
def test_confidence_at_its_boundaries(
    severity: str, evidence: dict[str, Any] | None, confidence: float | None, expected: tuple[RouteName, Level]
) -> None:
    """Confidence reaches its bar at 0.95 (0.80 for low severity), and only three signals of evidence can reach it."""
    rules = policy(severity=severity, thresholds={"trust_evidence": True}, owner="me")
    result = route("bot", request(evidence=evidence, confidence=confidence), rules, History())
    assert (result.name, result.level) == expected


@pytest.mark.parametrize("severity", ["medium", "high"])
@pytest.mark.parametrize(
    ("changes", "trusted"),
    [
        ({}, False),
        ({"owner": "me"}, False),
        ({"thresholds": {"trust_evidence": True}}, False),
        ({"thresholds": {"trust_evidence": True}, "owner": " "}, False),
        ({"thresholds": {"trust_evidence": False}, "owner": "me"}, False),
        ({"thresholds": {"trust_evidence": True}, "owner": "me"}, True),
    ],
)
def test_evidence_is_trusted_above_low_only_where_an_owner_answers(
    severity: str, changes: dict[str, Any], trusted: bool
) -> None:
    """Perfect evidence of a medium or severe action lets it run only with trust_evidence and an owner, and people are told."""
    result = route("bot", request(evidence=SIGNALS_GOOD), policy(severity=severity, **changes), History())
    assert (result.name, result.level) == ((AUTO, TOLD) if trusted else (ASK, HARD))


def test_why_says_what_the_evidence_lacks() -> None:
    """Who is confident and asked all the same is told what is missing."""
    few = route("bot", request(evidence={"schema_ok": True}), policy(severity="low"), History())
    assert "rests on 1 of the 3 signals" in few.why[0]
    untrusted = route("bot", request(evidence=SIGNALS_GOOD), policy(), History())
    assert "thresholds.trust_evidence" in untrusted.why[0]


@pytest.mark.parametrize(("confidence", "escalated"), [(0.599, True), (0.60, False)])
def test_low_confidence_escalates_below_its_threshold_only(confidence: float, escalated: bool) -> None:
    """Effective confidence below 0.60 escalates at once; 0.60 itself does not (docs/rules.md: A7)."""
    result = route("bot", request(evidence=SIGNALS_GOOD, confidence=confidence), policy(), History())
    assert result.escalated is escalated


def test_a_low_self_report_without_evidence_is_unknown_not_low() -> None:
    """Without evidence the confidence is unknown, so a low self-report does not escalate (docs/rules.md: A6)."""
    assert not route("bot", request(confidence=0.1), policy(), History()).escalated


def test_a_tool_error_takes_the_small_amount_its_freedom() -> None:
    """A small amount runs by itself, unless the evidence reports a tool error."""
    rules, clean = policy(conditions=LIMITS), {**SIGNALS_GOOD}
    small = {"params": {"amount_usd": 12}}
    assert route("bot", request(**small, evidence=clean), rules, History()).name is AUTO
    broken = route("bot", request(**small, evidence={**clean, "tool_errored": True}), rules, History())
    assert broken.name is ASK


def test_a_small_amount_holds_for_irreversible_actions_too() -> None:
    """An amount in the manifest is the organisation's own decision, also where nothing can be taken back."""
    rules = policy(conditions=LIMITS, reversible=False, tags=["financial"], severity="high")
    assert route("bot", request(params={"amount_usd": 12}), rules, History()).level is FREE


@pytest.mark.parametrize(
    ("lists", "allowed"),
    [
        ({}, True),
        ({"agents": ["bot"]}, True),
        ({"agents": ["other"]}, False),
        ({"agents": []}, False),
        ({"blocked_agents": ["bot"]}, False),
        ({"agents": ["bot"], "blocked_agents": ["bot"]}, False),
        ({"agents": ["Bot"]}, False),
    ],
)
def test_lists_of_agents(lists: dict[str, list[str]], allowed: bool) -> None:
    """An agent that is blocked, or not on the list of those allowed, is denied at once."""
    assert (route("bot", request(), policy(**lists), History()).name is not DENY) == allowed


def test_silence_consents_only_where_declared() -> None:
    """Soft approval is what is left where on_timeout: approve is declared, hard approval everywhere else."""
    assert route("bot", request(), policy(severity="low", on_timeout="approve"), History()).level is SOFT
    for silence in ("deny", "escalate", "hold"):
        assert route("bot", request(), policy(severity="low", on_timeout=silence), History()).level is HARD


NO_AMOUNTS: list[Any] = [
    *[-1, -0.01, -1e300, 1e-7, 1e300, 5e-324, True, False, "5", "", [], {}, [5], None],
    *[float("nan"), float("inf"), float("-inf"), 10**5000],
]
DENYING = [
    {"conditions": {"deny_above_usd": 1e12}},
    {"aggregate": {"window_seconds": 60, "deny_above_usd": 1e12}},
    {"aggregate": {"window_seconds": 60, "total_deny_above_usd": 1e12}},
]


@pytest.mark.parametrize("bad", NO_AMOUNTS, ids=lambda bad: str(type(bad).__name__))
def test_what_is_no_amount_asks(bad: object) -> None:
    """A negative, boolean, textual, absurd or missing amount never slips below a limit: a person is asked."""
    asked = request().model_copy(update={"params": {"amount_usd": bad, "to": "bob"}})
    rules = policy(conditions={"auto_approve_below_usd": 1e12}, approval_required=False)
    assert (route("bot", asked, rules, History()).level) is HARD


@pytest.mark.parametrize("limits", DENYING, ids=["own", "sum", "total"])
@pytest.mark.parametrize("bad", NO_AMOUNTS, ids=lambda bad: str(type(bad).__name__))
def test_what_is_no_amount_is_denied_where_amounts_are(bad: object, limits: dict[str, Any]) -> None:
    """Where an action refuses amounts, it refuses one that nobody can read: it might be above the limit."""
    asked = request().model_copy(update={"params": {"amount_usd": bad, "to": "bob"}})
    result = route("bot", asked, policy(approval_required=False, **limits), History())
    assert result.name is DENY
    assert "amounts have a limit here" in result.why[0]
