"""What no request, manifest or history can do to the routing order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import policy, request

from policies.files.limits import Aggregate, Conditions
from policies.files.policy import OnTimeout, Policy, Reversibility, Severity, unknown
from policies.request import Request
from policies.routing import History, Level, Route, RouteName, route

AUTO, BLOCK, HARD = RouteName.AUTO, RouteName.BLOCK, Level.HARD_APPROVAL

share = st.floats(0, 1)
money = st.one_of(st.integers(0, 12_000), st.floats(0, 12_000, allow_nan=False))
signals = st.fixed_dictionaries(
    {},
    optional={
        "retrieval_hits": st.integers(0, 4),
        "tool_errored": st.booleans(),
        "self_consistency": share,
        "schema_ok": st.booleans(),
    },
)
requests = st.builds(
    lambda amount, evidence, confidence, factors, review: request(
        params={"amount_usd": amount},
        evidence=evidence,
        confidence=confidence,
        uncertainty_factors=["x"] * factors,
        recommended_review=review,
    ),
    st.one_of(money, st.none(), st.floats(-5, 0)),
    st.none() | signals,
    st.none() | share,
    st.integers(0, 4),
    st.booleans(),
)
histories = st.builds(
    lambda failures, spent: History(failures, Decimal(spent)), st.integers(0, 3), st.integers(0, 12_000)
)
_BASE = policy()


def _conditions(numbers: list[float], given: tuple[bool, bool, bool]) -> Conditions:
    low, middle, high = sorted(numbers)
    auto, always, deny = (value if told else None for value, told in zip((low, middle, high), given, strict=True))
    return Conditions(auto_approve_below_usd=auto, always_approve_above_usd=always, deny_above_usd=deny)


conditions = st.builds(
    _conditions,
    st.lists(st.floats(0, 12_000), min_size=3, max_size=3),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
aggregates = st.none() | st.builds(
    Aggregate,
    window_seconds=st.just(60),
    ask_above_usd=st.none() | st.floats(0, 12_000),
    deny_above_usd=st.none() | st.floats(0, 12_000),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy that the loader would let pass."""
    severity, undo = draw(st.sampled_from(Severity)), draw(st.sampled_from(Reversibility))
    harmless = severity is Severity.LOW and undo is Reversibility.REVERSIBLE
    silence = st.sampled_from(OnTimeout) if harmless else st.sampled_from([OnTimeout.DENY, OnTimeout.HOLD])
    return _BASE.model_copy(
        update={
            "severity": severity,
            "reversibility": undo,
            "on_timeout": draw(silence),
            "tags": draw(st.lists(st.sampled_from(["financial", "pii", "own"]), max_size=2)),
            "approval_required": draw(st.booleans()),
            "conditions": draw(conditions),
            "aggregate": draw(aggregates),
            "auto_approve_confidence": draw(share),
            "escalate_confidence": draw(share),
            "agents": draw(st.sampled_from([None, ["bot"], ["other"]])),
        }
    )


def strictness(result: Route) -> int:
    """0 (runs free) to 5 (refused)."""
    return 5 if result.level is None else result.level.rank


@given(requests, policies(), histories, share)
@settings(max_examples=120, deadline=None)
def test_a_self_report_never_loosens(asked: Request, rules: Policy, history: History, confidence: float) -> None:
    """Whatever confidence an agent reports of itself, it gets no freer than if it had said nothing (docs/rules.md: A6)."""
    silent = asked.model_copy(update={"confidence": None})
    boasting = asked.model_copy(update={"confidence": confidence})
    assert strictness(route("bot", boasting, rules, history)) >= strictness(route("bot", silent, rules, history))


@given(requests, policies(), histories, share, share)
@settings(max_examples=120, deadline=None)
def test_without_evidence_a_self_report_changes_nothing(
    asked: Request, rules: Policy, history: History, one: float, other: float
) -> None:
    """Without evidence, raising the self-reported confidence alone leaves the route as it was."""
    bare = asked.model_copy(update={"evidence": None})
    routes = {route("bot", bare.model_copy(update={"confidence": value}), rules, history) for value in (one, other)}
    assert len(routes) == 1


@given(requests, histories, share)
@settings(max_examples=60, deadline=None)
def test_an_unknown_action_is_always_blocked(asked: Request, history: History, confidence: float) -> None:
    """No evidence, amount or confidence lets an action run that the manifest does not know."""
    result = route("bot", asked.model_copy(update={"confidence": confidence}), unknown(asked.action), history)
    assert (result.name, result.level) == (BLOCK, None)


@given(requests, policies(), histories)
@settings(max_examples=120, deadline=None)
def test_irreversible_is_never_free_by_confidence(asked: Request, rules: Policy, history: History) -> None:
    """No confidence lets an irreversible action run: only the manifest's own line or amount does (docs/rules.md: A3)."""
    fixed = rules.model_copy(
        update={"reversibility": Reversibility.IRREVERSIBLE, "approval_required": True, "conditions": Conditions()}
    )
    assert strictness(route("bot", asked, fixed, history)) >= HARD.rank


def _halved(rules: Policy) -> Policy:
    limits = {key: value and value / 2 for key, value in rules.conditions.model_dump().items()}
    return rules.model_copy(update={"conditions": Conditions(**limits)})


def _sums_halved(rules: Policy) -> Policy:
    if rules.aggregate is None:
        return rules.model_copy(update={"aggregate": Aggregate(window_seconds=60, ask_above_usd=10)})
    ask, deny = rules.aggregate.ask_above_usd, rules.aggregate.deny_above_usd
    tighter = Aggregate(window_seconds=60, ask_above_usd=ask and ask / 2, deny_above_usd=deny and deny / 2)
    return rules.model_copy(update={"aggregate": tighter})


TIGHTER_POLICY = {
    "block list": lambda rules: rules.model_copy(update={"blocked_agents": ["bot"]}),
    "allow list": lambda rules: rules.model_copy(update={"agents": ["other"]}),
    "lower limits": _halved,
    "lower sums": _sums_halved,
    "no free pass": lambda rules: rules.model_copy(update={"approval_required": True}),
    "regulated": lambda rules: rules.model_copy(update={"tags": [*rules.tags, "regulated"]}),
    "higher bar": lambda rules: rules.model_copy(update={"auto_approve_confidence": 1.0}),
    "higher floor": lambda rules: rules.model_copy(update={"escalate_confidence": 1.0}),
}
TIGHTER_REQUEST = {
    "review": {"recommended_review": True},
    "uncertain": {"uncertainty_factors": ["a", "b", "c", "d"]},
}
TIGHTER_HISTORY = {
    "failures": lambda past: History(max(past.agent_failures_24h, 2), past.aggregate_usd),
    "spent more": lambda past: History(past.agent_failures_24h, past.aggregate_usd + 500),
    "stopped": lambda past: History(past.agent_failures_24h, past.aggregate_usd, stopped=True),
}


@pytest.mark.parametrize("tighten", TIGHTER_POLICY)
@given(asked=requests, rules=policies(), history=histories)
@settings(max_examples=60, deadline=None)
def test_a_stricter_policy_never_loosens(tighten: str, asked: Request, rules: Policy, history: History) -> None:
    """A restriction added to the manifest never lets anything run freer than before."""
    before, after = (route("bot", asked, either, history) for either in (rules, TIGHTER_POLICY[tighten](rules)))
    assert strictness(after) >= strictness(before)


@pytest.mark.parametrize("tighten", TIGHTER_REQUEST)
@given(asked=requests, rules=policies(), history=histories)
@settings(max_examples=60, deadline=None)
def test_a_more_cautious_request_never_loosens(tighten: str, asked: Request, rules: Policy, history: History) -> None:
    """An agent's own doubts never let its request run freer than without them (docs/rules.md: A7)."""
    careful = asked.model_copy(update=TIGHTER_REQUEST[tighten])
    assert strictness(route("bot", careful, rules, history)) >= strictness(route("bot", asked, rules, history))


@pytest.mark.parametrize("tighten", TIGHTER_HISTORY)
@given(asked=requests, rules=policies(), history=histories)
@settings(max_examples=60, deadline=None)
def test_a_worse_history_never_loosens(tighten: str, asked: Request, rules: Policy, history: History) -> None:
    """Failures, more money spent, or a stop never let anything run freer than before."""
    worse = TIGHTER_HISTORY[tighten](history)
    assert strictness(route("bot", asked, rules, worse)) >= strictness(route("bot", asked, rules, history))


@given(requests, policies(), histories)
@settings(max_examples=100, deadline=None)
def test_nothing_runs_by_policy_alone_while_stopped(asked: Request, rules: Policy, history: History) -> None:
    """While execution is stopped no request is let run without a person."""
    held = History(history.agent_failures_24h, history.aggregate_usd, stopped=True)
    assert route("bot", asked, rules, held).name is not AUTO


@given(st.one_of(st.floats(max_value=-1e-9), st.just(float("nan")), st.booleans(), st.text(max_size=5)), policies())
@settings(max_examples=100, deadline=None)
def test_no_false_amount_runs_by_amount(bad: object, rules: Policy) -> None:
    """Nothing but a number of dollars from 0 up is ever judged to be small."""
    asked = request().model_copy(update={"params": {"amount_usd": bad}})
    result = route("bot", asked, rules, History())
    assert result.name is not AUTO
    assert "auto_approve_below_usd" not in " ".join(result.why)
