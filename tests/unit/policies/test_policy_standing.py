"""Standing approvals: what one yes for many lets run, and what it never does."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from policy_builders import SIGNALS_BAD, SIGNALS_GOOD, manifest, manifest_text, merged, policy, request

from policies import paths
from policies.digest import canonical
from policies.errors import BadFile
from policies.explain import explain, in_words
from policies.files.manifest import load_manifest
from policies.files.policy import Policy
from policies.history import Demotion
from policies.levels import Level
from policies.lint.check import lint
from policies.request import Request
from policies.routing import History, RouteName, route
from policies.standing import Free, Same, Sort, Standing, free_of, never, same_of, uncovered, unsayable

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOUNDS: dict[str, Any] = {"max_seconds": 3600, "max_uses": 3, "max_total_usd": 200, "same": ["params.to"]}
OWNED = {"owner": "Head of payments"}
RULES = policy(standing=BOUNDS)
SEEN = request(session_id="s1")


def given_with(seen: Request = SEEN, rules: Policy = RULES, **changes: Any) -> Standing:
    """The standing approval that a reviewer gives with a request."""
    bounds = rules.standing
    assert bounds is not None
    one = Standing(
        id="std_1",
        approval_id="apr_1",
        agent_id="agt_1",
        agent="bot",
        action=seen.action,
        entry=rules.action,
        sentence="Pay $80 to bob",
        session_id=seen.session_id if bounds.scope == "session" else None,
        principal=seen.on_behalf_of,
        roles=("finance",),
        same=same_of(bounds, seen.params),
        free=free_of(bounds, seen.params),
        max_uses=3,
        max_total_usd=Decimal(200),
        channel="#finance",
        fingerprint=rules.fingerprint,
        by="U0ALICE",
        at=NOW,
        until=NOW + timedelta(hours=1),
    )
    return replace(one, **changes)


def routed(asked: Request, rules: Policy = RULES, history: History | None = None, **changes: Any) -> Any:
    """Where a request goes while one standing approval holds."""
    past = replace(history or History(), standings=(given_with(rules=rules, **changes),))
    return route("bot", asked, rules, past)


def test_the_like_of_what_was_approved_runs_and_people_are_told() -> None:
    """Another amount to the same person runs by the standing approval, at the level at which people are told."""
    found = routed(request(session_id="s1", params={"amount_usd": 12}))
    assert (found.name, found.level, found.standing) == (RouteName.AUTO, Level.NOTIFY_ONLY, "std_1")
    assert "a standing approval of U0ALICE covers it (0 of 3, $0 of $200 used before it" in found.why[0]
    assert found.keys[0] == "standing"
    assert found.lines[0]


UNCOVERED: dict[str, tuple[dict[str, Any], str]] = {
    "another target": ({"params": {"to": "ann"}}, "params.to is not the same"),
    "another spelling": ({"params": {"to": "Bob"}}, "params.to is not the same"),
    "a hidden character": ({"params": {"to": "bob\u200b"}}, "params.to is not the same"),
    "wide letters": ({"params": {"to": "\uff42ob"}}, "params.to is not the same"),
    "a blank": ({"params": {"to": "bob "}}, "params.to is not the same"),
    "a list of it": ({"params": {"to": ["bob"]}}, "params.to is not the same"),
    "null": ({"params": {"to": None}}, "params.to is not the same"),
    "nothing": ({"params": {"to": "gone"}}, "params.to is missing"),
    "a parameter more": ({"params": {"memo": "x"}}, "do not name params.memo"),
    "one nested deeper": ({"params": {"amount_usd": 5, "more": {"force": True}}}, "do not name params.more.force"),
    "an empty one more": ({"params": {"more": {}}}, "do not name params.more"),
    "another session": ({"session_id": "s2"}, "another session"),
    "no session": ({"session_id": None}, "another session"),
    "somebody else": ({"on_behalf_of": "carol@example.com"}, "somebody else"),
    "another action": ({"action": "pay_more"}, "another agent or action"),
    "doubts of the agent": ({"recommended_review": True}, "recommends a review"),
    "a tool's error": ({"evidence": SIGNALS_GOOD | {"tool_errored": True}}, "error of a tool"),
    "a delegate": ({"delegated_from": "apr_9"}, "asks for another"),
    "too much": ({"params": {"amount_usd": 201}}, "more than the $200 that are left"),
    "no amount": ({"params": {"amount_usd": None}}, "missing or not an amount"),
    "a negative amount": ({"params": {"amount_usd": -5}}, "missing or not an amount"),
    "an amount as text": ({"params": {"amount_usd": "12"}}, "missing or not an amount"),
    "a hidden token": ({"params": {"amount_usd": 5}, "kind": "input", "question": "?"}, "choose or answer"),
}


def changed(changes: dict[str, Any]) -> Request:
    """The request that was seen, with changes; a target of "gone" is taken out."""
    body = {"action": "pay", "session_id": "s1", "params": {"amount_usd": 80, "to": "bob"}}
    body |= {name: value for name, value in changes.items() if name != "params"}
    body["params"] = {"amount_usd": 80, "to": "bob", **changes.get("params", {})}
    if body["params"]["to"] == "gone":
        del body["params"]["to"]
    return Request.model_validate(body, strict=True)


@pytest.mark.parametrize("name", UNCOVERED)
def test_whatever_its_words_do_not_say_is_asked(name: str) -> None:
    """Whatever differs from what was seen, beyond what may, asks a person, and the reasons say why."""
    changes, words = UNCOVERED[name]
    asked = changed(changes)
    assert words in str(uncovered(given_with(), "bot", asked, RULES))
    found = routed(asked)
    assert found.name is RouteName.ASK
    assert found.standing is None
    assert "does not cover it: " in " ".join(found.why)


def test_another_agent_is_asked() -> None:
    """A standing approval is one agent's."""
    assert "another agent" in str(uncovered(given_with(), "other", SEEN, RULES))
    assert uncovered(given_with(), "bot", SEEN, RULES) is None


def test_an_agents_standing_covers_all_of_its_sessions() -> None:
    """With `scope: agent` the session makes no difference."""
    rules = policy(standing=BOUNDS | {"scope": "agent"})
    one = given_with(rules=rules)
    assert [uncovered(one, "bot", request(session_id=name), rules) for name in ("s1", "s2", None)] == [None] * 3


def test_numbers_that_equal_are_not_the_same() -> None:
    """A value that stays the same is compared to the byte: 1, 1.0, true and "1" are four things, the order of keys is none."""
    rules = policy(standing=BOUNDS | {"same": ["params.to"]})
    for seen in (1, 1.0, True, "1", {"a": 1, "b": [2]}):
        one = given_with(request(session_id="s1", params={"to": seen}), rules)
        for other in (1, 1.0, True, "1", {"b": [2], "a": 1}):
            alike = canonical(seen) == canonical(other)
            assert (
                uncovered(one, "bot", request(session_id="s1", params={"amount_usd": 80, "to": other}), rules) is None
            ) is alike


def test_a_value_of_another_sort_is_another_thing() -> None:
    """What may differ keeps its sort: where the reviewer saw words, no object, number or list passes."""
    one = given_with(request(session_id="s1", params={"note": "late", "tags": [], "more": {"x": 1}}))
    base = {"amount_usd": 80, "to": "bob", "note": "later", "tags": [], "more": {"x": 2}}

    def why(**params: Any) -> str | None:
        return uncovered(one, "bot", Request(action="pay", session_id="s1", params=base | params), RULES)

    assert why() is None
    for other in (5, True, None, ["x"], {"y": "x"}, [], {}):
        assert "do not name params.note" in str(why(note=other))
    assert "do not name params.tags[*]" in str(why(tags=["x"]))
    assert "do not name params.more.y" in str(why(more={"x": 1, "y": 1}))
    assert "do not name params.more" in str(why(more={}))


def test_a_list_that_stays_the_same_does_so_in_order_and_number() -> None:
    """A path into lists holds every value, in order."""
    bounds = {"max_seconds": 60, "max_uses": 3, "same": ["params.items[*].sku"]}
    rules = policy(standing=bounds, amount=None, describe="Order")
    body = {"action": "pay", "session_id": "s1"}

    def asked(*skus: str) -> Request:
        return Request.model_validate({**body, "params": {"items": [{"sku": sku, "n": 1} for sku in skus]}})

    one = given_with(asked("a", "b"), rules, max_total_usd=None)
    assert uncovered(one, "bot", asked("a", "b"), rules) is None
    for other in (("b", "a"), ("a",), ("a", "b", "b"), ()):
        assert uncovered(one, "bot", asked(*other), rules) is not None


def test_counts_and_money_end() -> None:
    """Neither the last use nor the last dollar is passed."""
    assert "all 3 of its uses" in str(uncovered(given_with(uses=3), "bot", SEEN, RULES))
    assert uncovered(given_with(uses=2, spent=Decimal(120)), "bot", SEEN, RULES) is None
    assert "the $79.99 that are left" in str(uncovered(given_with(spent=Decimal("120.01")), "bot", SEEN, RULES))
    assert given_with(spent=Decimal(200)).used_up
    assert given_with(uses=3).used_up
    assert not given_with(uses=2).used_up


def test_a_changed_policy_covers_nothing() -> None:
    """Whatever else the action's policy now says, the reviewer did not see it; where it stands in the file is no matter."""
    assert "has changed" in str(uncovered(given_with(), "bot", SEEN, policy(standing=BOUNDS, sla_seconds=77)))
    assert "has changed" in str(uncovered(given_with(), "bot", SEEN, policy(standing=BOUNDS | {"max_uses": 50})))
    text = manifest_text(standing=BOUNDS)
    moved = load_manifest(f"# moved\n\n{text}", path="other.yml").policy("pay")
    assert moved.line != RULES.line
    assert uncovered(given_with(), "bot", SEEN, moved) is None


STRICTER: dict[str, dict[str, Any]] = {
    "takeover": {"history": {"agent_failures_24h": 2}},
    "always asked": {"policy": {"conditions": {"always_approve_above_usd": 50}}},
    "sum": {"policy": {"aggregate": {"window_seconds": 60, "ask_above_usd": 100}}, "history": {"aggregate_usd": 90}},
    "all sums": {
        "policy": {"aggregate": {"window_seconds": 60, "total_ask_above_usd": 100}},
        "history": {"total_usd": Decimal(90)},
    },
    "sum unknown": {"policy": {"aggregate": {"window_seconds": 60}}, "history": {"aggregate_unread": 1}},
    "denied": {"policy": {"conditions": {"deny_above_usd": 70}}},
    "blocked": {"policy": {"blocked_agents": ["bot"]}},
    "uncertain": {"request": {"uncertainty_factors": ["a", "b", "c"]}},
    "unsure": {"request": {"evidence": SIGNALS_BAD}},
    "stopped": {"history": {"stopped": True}},
    "held elsewhere": {"history": {"held_elsewhere": "a person paused another session"}},
    "first uses": {"policy": {"first_uses": {"agent": 2}}, "history": {"agent_uses": 1}},
    "quota": {"policy": {"quota": {"per_day": 2}}, "history": {"requests_24h": 2}},
    "checkpoint": {"policy": {"checkpoint_every": 2}, "history": {"unseen_in_row": 1}},
    "risk": {"policy": {"thresholds": {"ask_above_risk": 0.5}}},
    "own rule": {"policy": {"rules": [{"when": "amount > 50.0", "then": "ask", "reason": "Much"}]}},
    "several people": {"policy": {"approvers": 2}},
    "lost to takeover": {
        "policy": {"autonomy": {"start": "full_auto"}},
        "history": {"demotion": Demotion(Level.HUMAN_TAKEOVER, NOW)},
    },
}


@pytest.mark.parametrize("name", STRICTER)
def test_what_is_stricter_is_never_covered(name: str) -> None:
    """Limits, sums, doubts, stops, first uses and rules of one's own ask or refuse whatever standing approval holds."""
    case = STRICTER[name]
    rules = policy(**merged({"standing": BOUNDS}, case.get("policy", {})))
    asked = request(session_id="s1", **case.get("request", {}))
    found = routed(asked, rules, History(**case.get("history", {})))
    assert found.name is not RouteName.AUTO
    assert found.standing is None
    loose = policy(standing=BOUNDS)
    assert routed(request(session_id="s1"), loose).standing == "std_1"


LOOSER: dict[str, dict[str, Any]] = {
    "irreversible, owned": {"reversible": False, **OWNED},
    "severe, owned": {"severity": "high", **OWNED},
    "regulated": {"tags": ["financial", "pii"]},
    "over $100": {"describe": "Pay"},
    "an agent that begins": {"autonomy": {"start": "soft_approval"}},
    "silence": {"severity": "low", "on_timeout": "approve"},
}


@pytest.mark.parametrize("name", LOOSER)
def test_it_stands_for_the_yes_that_is_wanted(name: str) -> None:
    """Where all that is wanted is a person's yes, the standing one is it."""
    rules = policy(standing=BOUNDS, **LOOSER[name])
    asked = request(session_id="s1", params={"amount_usd": 150})
    assert routed(asked, rules).standing == "std_1"
    assert route("bot", asked, rules, History()).name is RouteName.ASK


def test_what_runs_by_itself_uses_none_of_it() -> None:
    """A request that policy lets run anyway counts as no use."""
    rules = policy(standing=BOUNDS, conditions={"auto_approve_below_usd": 100})
    assert routed(SEEN, rules).standing is None
    assert routed(SEEN, policy(standing=BOUNDS, approval_required=False)).standing is None


def test_the_oldest_that_covers_is_used() -> None:
    """Of several the first that covers counts the use; where none does, the newest says why."""
    full, open_ = given_with(id="std_1", uses=3), given_with(id="std_2")
    assert route("bot", SEEN, RULES, History(standings=(full, open_))).standing == "std_2"
    found = route("bot", SEEN, RULES, History(standings=(given_with(session_id="s9"), full)))
    assert found.why[-1] == "the standing approval of U0ALICE does not cover it: all 3 of its uses are used"


# --- when one may be given ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "asked", "words"),
    [
        ({"standing": None}, {}, "allows no standing approval"),
        ({"approvers": 2}, {}, "several people"),
        ({"approvers": {"finance": 1, "legal": 1}}, {}, "several people"),
        ({"conditions": {"always_approve_above_usd": 50}}, {}, "is above $50"),
        ({}, {"recommended_review": True}, "recommends a review"),
        ({}, {"evidence": {"tool_errored": True}}, "error of a tool"),
        ({}, {"delegated_from": "apr_1"}, "asks for another"),
        ({}, {"params": {"amount_usd": -1}}, "not an amount"),
        ({}, {}, None),
    ],
)
def test_some_requests_never_get_one(changes: dict[str, Any], asked: dict[str, Any], words: str | None) -> None:
    """What a standing approval never covers is no request to give one with."""
    rules = policy(**{"standing": BOUNDS, **changes})
    said = never(rules, request(**asked))
    assert (said is None) if words is None else (words in str(said))


def test_what_cannot_be_said_is_not_offered() -> None:
    """Without a session, without what has to stay the same, or with more than can be read, none is given."""
    assert "belongs to none" in str(unsayable(RULES, request()))
    assert "the request has none" in str(unsayable(policy(standing=BOUNDS | {"same": ["params.order"]}), SEEN))
    assert "too long" in str(unsayable(RULES, request(session_id="s1", params={"to": "b" * 400})))
    many = {f"field_{number}": 1 for number in range(21)}
    assert "too many" in str(unsayable(RULES, request(session_id="s1", params=many)))
    assert "too many" in str(unsayable(RULES, request(session_id="s1", params={"x" * 90: 1})))
    assert unsayable(RULES, SEEN) is None


def test_its_words_are_what_was_seen() -> None:
    """The values that stay the same, and each other parameter by name, once, whatever list it stands in."""
    params = {"to": "bob", "amount_usd": 80, "lines": [{"n": 1, "ok": True}, {"n": 2}], "note": None}
    bounds = RULES.standing
    assert bounds is not None
    assert same_of(bounds, params) == (Same("params.to", '["bob"]'),)
    assert [(one.name, one.sort) for one in free_of(bounds, params)] == [
        ("params.amount_usd", Sort.NUMBER),
        ("params.lines[*].n", Sort.NUMBER),
        ("params.lines[*].ok", Sort.TRUTH),
        ("params.note", Sort.NOTHING),
    ]


# --- the space of parameters -------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 1.0, "bob", "Bob", "bob\u200b", "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "to", "a.b"]), inner, max_size=2)
    ),
    max_leaves=5,
)
params = st.dictionaries(st.sampled_from(["to", "a", "b", "list", "a.b"]), values, max_size=4)
held = st.lists(
    st.sampled_from(["params.to", "params.a", "params.a.b", "params.list[*]", "params.list[*].a", "params.b[0]"]),
    max_size=3,
    unique=True,
)


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every leaf with its place, written anew for this test."""
    if isinstance(value, dict) and (value or not at):
        return [found for key, child in value.items() for found in places(child, (*at, key))]
    if isinstance(value, list) and value:
        return [found for index, child in enumerate(value) for found in places(child, (*at, index))]
    return [(at, value)]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was seen, and what is asked: the same with some of it changed, or anything."""
    seen = draw(params)
    asked = draw(st.one_of(params, st.just(copy.deepcopy(seen))))
    if draw(st.booleans()):
        asked |= draw(st.dictionaries(st.sampled_from(["to", "a", "b", "list", "new"]), values, max_size=1))
    return seen, asked


@given(pairs(), held)
@settings(max_examples=500, deadline=None)
def test_nothing_runs_that_its_words_do_not_say(pair: tuple[dict[str, Any], dict[str, Any]], same: list[str]) -> None:
    """Whatever is covered: each of its values either is the very one that the words show, or stands where they say that
    any value of this sort may."""
    seen, asked = pair
    bounds = {"max_seconds": 60, "max_uses": 3, "same": same, "scope": "agent"}
    rules = policy(standing=bounds, amount=None, describe="Pay")
    first, second = (Request(action="pay", params=one) for one in (seen, asked))
    assume(unsayable(rules, first) is None)
    one = given_with(first, rules, max_total_usd=None)
    if uncovered(one, "bot", second, rules) is not None:
        return
    shown = dict(places(seen))
    for place, value in places(asked):
        if any(paths.covers(paths.steps(path), place) for path in same):
            assert canonical(shown[place]) == canonical(value)
        else:
            named = [free.name for free in one.free]
            assert "params" + "".join("[*]" if isinstance(step, int) else f".{step}" for step in place) in named
            alike = [other for there, other in places(seen) if _shape(there) == _shape(place)]
            assert any(_alike(other, value) for other in alike)


def _shape(place: tuple[str | int, ...]) -> list[str | None]:
    return [None if isinstance(step, int) else step for step in place]


def _alike(one: Any, other: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    return numbers or type(one) is type(other)


@given(st.lists(st.decimals(0, 120, places=2), max_size=12))
@settings(max_examples=200, deadline=None)
def test_no_splitting_passes_count_or_total(amounts: list[Decimal]) -> None:
    """However a sum is split, the uses and dollars that are let run stay within what was said."""
    one = given_with()
    for amount in amounts:
        asked = request(session_id="s1", params={"amount_usd": float(amount)})
        if uncovered(one, "bot", asked, RULES) is None:
            one = replace(one, uses=one.uses + 1, spent=one.spent + Decimal(str(float(amount))))
    assert one.uses <= 3
    assert one.spent <= 200


# --- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"severity": "high"}, "standing", "need an owner"),
        ({"reversible": False}, "standing", "need an owner"),
        ({"severity": "high", "owner": "  "}, "standing", "need an owner"),
        ({"amount": None, "describe": "Pay"}, "standing.max_total_usd", "needs amount"),
        ({"standing": {"max_total_usd": None}}, "standing.max_total_usd", "is needed"),
        ({"standing": {"max_uses": 0}}, "standing.max_uses", "at least 1"),
        ({"standing": {"max_seconds": 0}}, "standing.max_seconds", "at least 1"),
        ({"standing": {"max_seconds": 31 * 86_400}}, "standing.max_seconds", "at most"),
        ({"standing": {"max_uses": None}}, "standing.max_uses", "is missing"),
        ({"standing": {"same": None}}, "standing.same", "is missing"),
        ({"standing": {"same": ["to"]}}, "standing.same", "not a path"),
        ({"standing": {"same": ["params.to", "params.to"]}}, "standing.same", "twice"),
        ({"standing": {"scope": "everybody"}}, "standing.scope", "session, agent"),
        ({"standing": {"max_use": 3}}, "standing.max_use", "did you mean max_uses"),
    ],
)
def test_a_section_that_cannot_be_meant_does_not_load(changes: dict[str, Any], field: str, words: str) -> None:
    """Bounds without a sense, or without an owner for what is grave, are errors that name the field and its line."""
    with pytest.raises(BadFile) as caught:
        manifest(**{**changes, "standing": merged(BOUNDS, changes.get("standing", {}))})
    assert f"actions.pay.{field}" in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.line


SCHEMA = {
    "type": "object",
    "required": ["amount_usd", "to"],
    "additionalProperties": False,
    "properties": {"amount_usd": {"type": "number"}, "to": {"type": "string"}, "note": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("changes", "grade", "words"),
    [
        ({"approvers": 2}, "error", "several people have to agree"),
        ({"approval_required": False}, "warning", "approval_required is false"),
        ({"standing": {"same": ["params.other"]}}, "error", "params.other, which params_schema does not allow"),
        ({"standing": {"same": ["params.note"]}}, "warning", "params.note, which a request may leave out"),
        ({"standing": {"same": []}}, "warning", "any parameters run"),
        ({"redact": ["params.to"], "describe": "Pay"}, "error", "redact hides params.to"),
        ({"standing": {"max_total_usd": 0}}, "warning", "lets nothing run"),
        ({"conditions": {"auto_approve_below_usd": 200}}, "warning", "does not run by itself"),
        ({"conditions": {"deny_above_usd": 20}}, "warning", "is never reached by 3 uses"),
        (
            {"standing": {"same": ["params.amount_usd"]}, "aggregate": {"window_seconds": 60, "per": "params.to"}},
            "warning",
            "lets any params.to be named",
        ),
    ],
)
def test_check_finds_what_does_nothing_or_too_much(changes: dict[str, Any], grade: str, words: str) -> None:
    """`policy check` names lines that can never hold, and doors that they leave open."""
    clean = {"standing": BOUNDS, "params_schema": SCHEMA, "conditions": {"deny_above_usd": 9000}}
    assert not [one for one in lint(manifest(**clean), None) if "standing" in one.message]
    found = lint(manifest(**merged(clean, changes)), None)
    assert any(one.severity == grade and words in one.message for one in found), [str(one) for one in found]


def test_explain_says_whether_one_may_be_given() -> None:
    """`policy explain` says what a reviewer may let run, or why none can be given."""
    told = explain(manifest(standing=BOUNDS), SEEN, agent="bot")
    assert (
        "Standing approval: a reviewer may let up to 3 like it run within 3600 s, $200 in all, with the same params.to"
        in in_words(told, path="actions.yml")
    )
    doubted = explain(manifest(standing=BOUNDS), request(session_id="s1", recommended_review=True), agent="bot")
    assert str(doubted.standing).startswith("none can be given with this request: the agent itself recommends")
    assert "Standing" not in in_words(explain(manifest(), SEEN, agent="bot"), path="actions.yml")


def test_a_place_is_named_as_the_manifest_writes_it() -> None:
    """Names and any place in a list."""
    assert Free(("lines", None, "n"), Sort.NUMBER).name == "params.lines[*].n"
