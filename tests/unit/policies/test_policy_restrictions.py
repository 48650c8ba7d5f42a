"""What a manifest demands on top of the contract's order: each figure, and that it only ever tightens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import SIGNALS_BAD, SIGNALS_GOOD, manifest, policy, request
from test_policy_routing_properties import histories, policies, requests

from policies.chain import Link
from policies.delegation import bounded_by_chain
from policies.files.policy import Policy
from policies.files.tightening import Autonomy, FirstUses, Quota, Rule
from policies.history import Demotion
from policies.request import Request
from policies.routing import History, Level, Route, RouteName, route

FREE, TOLD, SOFT, HARD, TAKE = list(Level)
LOW: dict[str, Any] = {"severity": "low"}
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def went(
    rules: dict[str, Any] | None = None, asked: dict[str, Any] | None = None, agent: str = "bot", **past: Any
) -> Route:
    """The route of a sure, harmless request to pay $80, which runs by itself where nothing is changed."""
    sure = {"evidence": SIGNALS_GOOD} | (asked or {})
    return route(agent, request(**sure), policy(**{**LOW, **(rules or {})}), History(**past))


def rule(when: str, then: str, reason: str = "because I say so") -> dict[str, Any]:
    """A rule of one's own."""
    return {"rules": [{"when": when, "then": then, "reason": reason}]}


def test_nothing_extra_runs_free() -> None:
    """Without restrictions the base of these tests runs by itself."""
    assert went().level is FREE


@pytest.mark.parametrize(
    ("then", "name", "level", "role"),
    [
        ("notify", RouteName.AUTO, TOLD, "finance"),
        ("ask", RouteName.ASK, HARD, "finance"),
        ("escalate", RouteName.ASK, HARD, "lead"),
        ("takeover", RouteName.ASK, TAKE, "finance"),
        ("deny", RouteName.DENY, None, "finance"),
    ],
)
def test_a_rule_that_holds_demands_what_it_says(then: str, name: RouteName, level: Level | None, role: str) -> None:
    """Each demand gives its route, its level and its reason first; where the condition is false, nothing changes."""
    result = went(rule("amount > 79", then))
    assert (result.name, result.level, result.role) == (name, level, role)
    assert result.why[0] == "because I say so"
    assert went(rule("amount > 80", then)).level is FREE


def test_the_strictest_rule_wins_and_all_that_spoke_are_told() -> None:
    """Of several rules the strictest decides; the others, and the contract's own, stand behind it."""
    rules = [
        {"when": "true", "then": "notify", "reason": "tell us"},
        {"when": "false", "then": "deny", "reason": "never"},
        {"when": "agent == 'bot'", "then": "takeover", "reason": "by hand"},
        {"when": "amount > 1", "then": "ask", "reason": "look"},
    ]
    result = went({"rules": rules})
    assert (result.level, result.why[0]) == (TAKE, "by hand")
    assert result.why[-2:] == ("tell us", "look")
    assert "never" not in result.why


def test_the_contracts_order_still_decides_where_it_is_stricter() -> None:
    """A rule that asks for less than the contract's order is told after it, and changes nothing else."""
    result = went({"reversible": False, **rule("true", "notify")})
    assert (result.level, result.why[0], result.why[-1]) == (HARD, "the action is irreversible", "because I say so")
    refused = went({"conditions": {"deny_above_usd": 10}, **rule("true", "takeover")})
    assert (refused.name, refused.why[-1]) == (RouteName.DENY, "because I say so")


def test_a_rule_that_cannot_judge_asks() -> None:
    """Where a condition has no answer, a person is asked and the rule is named, whatever it demands."""
    for then in ("notify", "ask", "deny"):
        result = went(rule("params.iban.startsWith('DE')", then, "foreign accounts"))
        assert result.level is HARD
        assert "'foreign accounts' cannot judge" in result.why[0]


def test_a_low_amount_does_not_outrun_a_rule() -> None:
    """A rule speaks even where the amount alone would let it run, and where approval is not required."""
    small = {"conditions": {"auto_approve_below_usd": 100}, "severity": "high"}
    assert went(small | rule("params.to == 'bob'", "ask")).level is HARD
    assert went({"approval_required": False} | rule("params.to == 'bob'", "ask")).level is HARD


def test_rules_of_the_defaults_hold_for_every_action() -> None:
    """Rules under defaults come before the action's own, and each knows its line."""
    everywhere = [{"when": "urgency == 'high'", "then": "ask", "reason": "hurry is a trick"}]
    rules = manifest({"rules": everywhere}, **LOW, **rule("true", "notify")).policy("pay")
    assert rules is not None
    result = route("bot", request(urgency="high", evidence=SIGNALS_GOOD), rules, History())
    assert (result.level, result.why[0]) == (HARD, "hurry is a trick")
    assert result.cited[0] == f"hurry is a trick (actions.yml:{rules.lines['rules.0']})"
    assert rules.lines["rules.0"] != rules.lines["rules.1"]


@pytest.mark.parametrize(("score", "level"), [(None, HARD), (0.0, FREE), (0.7, FREE), (0.71, HARD), (1.0, HARD)])
def test_a_risk_score_above_its_threshold_asks(score: float | None, level: Level) -> None:
    """A score above the threshold, or none where one is wanted, asks; without a threshold it changes nothing (docs/rules.md: A13)."""
    asked = {} if score is None else {"risk_score": score}
    assert went({"thresholds": {"ask_above_risk": 0.7}}, asked).level is level
    assert went(None, asked).level is FREE


@pytest.mark.parametrize(
    ("first", "uses", "level"),
    [
        ({"agent": 5}, {"agent_uses": 4, "tool_uses": 99}, HARD),
        ({"agent": 5}, {"agent_uses": 5}, FREE),
        ({"tool": 3}, {"tool_uses": 2}, HARD),
        ({"tool": 3}, {"tool_uses": 3}, FREE),
        ({"user": 2}, {"user_uses": 1, "agent_uses": 9, "tool_uses": 9}, HARD),
        ({"user": 2}, {"user_uses": 2}, FREE),
    ],
)
def test_first_uses_ask(first: dict[str, int], uses: dict[str, int], level: Level) -> None:
    """The first uses by an agent, of a tool, and for a principal ask; the next one does not (docs/rules.md: A13)."""
    assert went({"first_uses": first}, {"on_behalf_of": "alice"}, **uses).level is level


@pytest.mark.parametrize(("uses", "level"), [(0, HARD), (1, HARD), (2, FREE)])
def test_first_uses_of_nobody_are_the_unknown_principals(uses: int, level: Level) -> None:
    """Who leaves out on whose behalf it asks is seen as often as anybody: nobody who is named has first uses too."""
    result = went({"first_uses": {"user": 2}}, user_uses=uses)
    assert result.level is level
    assert level is FREE or "for nobody who is named" in result.why[0]


@pytest.mark.parametrize(("unseen", "level"), [(0, FREE), (2, FREE), (3, HARD), (4, HARD)])
def test_every_so_many_a_person_looks(unseen: int, level: Level) -> None:
    """With checkpoint_every: 4, three may run in a row and the fourth asks (docs/rules.md: A13)."""
    assert went({"checkpoint_every": 4}, unseen_in_row=unseen).level is level


@pytest.mark.parametrize(("before", "name"), [(0, RouteName.AUTO), (9, RouteName.AUTO), (10, RouteName.DENY)])
def test_a_quota_denies_what_exceeds_it(before: int, name: RouteName) -> None:
    """The tenth request of a day is within a quota of ten, the eleventh is refused."""
    assert went({"quota": {"per_day": 10}}, requests_24h=before).name is name


GRANTED = {"bot": {"level": "full_auto", "since": "2026-01-05"}}


@pytest.mark.parametrize(
    ("agents", "demotion", "on_timeout", "level"),
    [
        ({}, None, "deny", HARD),
        ({}, None, "approve", SOFT),
        (GRANTED, None, "deny", FREE),
        (GRANTED, Demotion(TOLD, NOON), "deny", TOLD),
        (GRANTED, Demotion(HARD, NOON - timedelta(days=8)), "deny", FREE),
        ({"bot": {"level": "human_takeover", "since": "2026-01-05"}}, Demotion(TOLD, NOON), "deny", TAKE),
        ({"other": GRANTED["bot"]}, None, "deny", HARD),
    ],
)
def test_the_ratchet_holds_an_agent_to_its_level(
    agents: dict[str, Any], demotion: Demotion | None, on_timeout: str, level: Level
) -> None:
    """An agent gets what it starts with or was granted, less what it lost since; silence consents only where declared."""
    rules = {"autonomy": {"agents": agents}, "on_timeout": on_timeout}
    assert went(rules, demotion=demotion).level is level


def test_every_reason_of_a_key_is_cited() -> None:
    """Reasons that rest on a key of the manifest carry file and line, the others do not."""
    rules = manifest(**LOW, quota={"per_day": 1}, autonomy={"start": "hard_approval"}, tags=["pii"]).policy("pay")
    assert rules is not None
    asked = request(recommended_review=True)
    result = route("bot", asked, rules, History(requests_24h=1))
    told = dict(zip(result.why, result.cited, strict=True))
    assert told["the agent itself recommends a review"] == "the agent itself recommends a review"
    assert told["the action is tagged pii"] == f"the action is tagged pii (actions.yml:{rules.lines['tags']})"
    assert sum("actions.yml:" in reason for reason in result.cited) >= 3


RULES = st.builds(
    Rule,
    when=st.sampled_from(
        ["true", "amount > 100", "params.nope", "confidence != null && confidence < 0.7", "agent == 'x'"]
    ),
    then=st.sampled_from(["notify", "ask", "escalate", "takeover", "deny"]),
    reason=st.just("own"),
)
TIGHTER: dict[str, Any] = {
    "rules": st.lists(RULES, max_size=3),
    "ask_above_risk": st.floats(0, 1),
    "first_uses": st.builds(FirstUses, agent=st.integers(1, 9), tool=st.integers(1, 9)),
    "checkpoint_every": st.integers(2, 9),
    "quota": st.builds(Quota, per_day=st.integers(1, 9)),
    "autonomy": st.builds(Autonomy, start=st.sampled_from([level.value for level in Level])),
}
pasts = st.builds(
    lambda past, uses, today, unseen: History(
        past.agent_failures_24h, past.aggregate_usd, past.stopped, uses, uses, uses, today, unseen
    ),
    histories,
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
)


def order(result: Route) -> tuple[int, bool]:
    """How strict a route is; an escalated question is stricter than a plain one."""
    return result.strictness


@pytest.mark.parametrize("key", TIGHTER)
@given(asked=requests, rules=policies(), history=pasts, data=st.data())
@settings(max_examples=80, deadline=None)
def test_a_restriction_never_loosens(key: str, asked: Request, rules: Policy, history: History, data: Any) -> None:
    """Whatever restriction is added to whatever policy, no request gets freer, and no reason is lost."""
    tighter = rules.model_copy(update={key: data.draw(TIGHTER[key])})
    before, after = (route("bot", asked, either, history) for either in (rules, tighter))
    assert order(after) >= order(before)
    assert set(before.why) <= set(after.why)
    assert not before.escalated or after.escalated


@given(asked=requests, rules=policies(), history=pasts, own=st.lists(RULES, max_size=4))
@settings(max_examples=80, deadline=None)
def test_one_more_rule_never_loosens(asked: Request, rules: Policy, history: History, own: list[Rule]) -> None:
    """Among rules of one's own, too, one more never loosens what the others demand."""
    routes = [
        route("bot", asked, rules.model_copy(update={"rules": own[:count]}), history) for count in range(len(own) + 1)
    ]
    assert [order(one) for one in routes] == sorted(order(one) for one in routes)


def test_a_chain_gets_the_least_that_anybody_in_it_would() -> None:
    """A delegated agent gets no more than the agent it acts for, which is named; why that one gets no more is not told."""
    rules = policy(**LOW, blocked_agents=["planner"])
    asked = request(evidence=SIGNALS_GOOD)
    own, parent = (route(agent, asked, rules, History()) for agent in ("bot", "planner"))
    assert (own.name, parent.name) == (RouteName.AUTO, RouteName.DENY)
    result = bounded_by_chain(own, [Link("planner", "apr_1")], [parent])
    assert result.name is RouteName.DENY
    assert result.cited[0] == "acts for planner (apr_1), and planner itself would get no more"
    assert result.why[1:] == own.why


def test_a_chain_that_is_freer_only_shows() -> None:
    """Where those above would get more, the route stays the agent's own and the chain is told all the same."""
    rules = policy(**LOW, blocked_agents=["bot"])
    asked = request(evidence=SIGNALS_GOOD)
    own, parent = (route(agent, asked, rules, History()) for agent in ("bot", "planner"))
    result = bounded_by_chain(own, [Link("planner"), Link("boss", "apr_9")], [parent, parent])
    assert (result.name, result.why[0]) == (RouteName.DENY, own.why[0])
    assert result.why[-1] == "acts for planner, who acts for boss (apr_9)"


@given(requests, policies(), st.lists(pasts, min_size=2, max_size=4))
@settings(max_examples=80, deadline=None)
def test_a_chain_never_loosens(asked: Request, rules: Policy, past: list[History]) -> None:
    """Whoever stands above an agent, its route is at least as strict as its own and as each of theirs."""
    own, *above = (route("bot", asked, rules, history) for history in past)
    chain = [Link(f"a{index}") for index in range(len(above))]
    result = bounded_by_chain(own, chain, above)
    assert order(result) >= max(order(one) for one in (own, *above))
    assert bounded_by_chain(own, [], []) == own


def test_low_evidence_still_escalates_beside_a_rule() -> None:
    """What the contract escalates stays escalated where a rule of one's own demands more."""
    result = went(rule("true", "takeover"), {"evidence": SIGNALS_BAD})
    assert (result.level, result.role) == (TAKE, "lead")
