"""Why a request routes as it does, and what another manifest would have done."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import SIGNALS_GOOD, manifest, manifest_text, request
from support.pace import in_time

from policies.errors import BadFile, InvalidInput
from policies.explain import explain, in_words
from policies.files.manifest import Manifest, load_manifest
from policies.replay.calls import Call, call_from, read_calls
from policies.replay.compare import OUTCOMES, judge, replay
from policies.replay.table import table
from policies.routing import History, RouteName, route

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIMITS = {"auto_approve_below_usd": 50, "always_approve_above_usd": 500, "deny_above_usd": 1000}


def test_every_reason_has_the_line_it_rests_on() -> None:
    """Reasons come in the order of the rules, each with the manifest's line, the deciding one marked."""
    rules = manifest(conditions=LIMITS, tags=["pii"], reversible=False)
    told = explain(rules, request(params={"amount_usd": 600}), agent="bot")
    lines = rules.document.lines
    expected = [("conditions", "always_approve_above_usd"), ("reversible",), ("tags",), ("amount",)]
    assert [reason.line for reason in told.reasons] == [lines["actions", "pay", *key] for key in expected]
    assert [reason.decides for reason in told.reasons] == [True, False, False, False]
    alone = explain(manifest(severity="medium"), request(), agent="bot")
    assert [reason.line for reason in alone.reasons] == [None], "that nobody let it run alone stands in no line"


def test_an_inherited_key_points_at_the_defaults() -> None:
    """A reason that rests on a default names the default's line."""
    rules = manifest({"on_timeout": "approve"}, severity="low")
    told = explain(rules, request(), agent="bot")
    assert told.reasons[0].line == rules.document.lines["defaults", "on_timeout"]
    assert (told.level, told.on_timeout, told.timeout_seconds) == ("soft_approval", "approve", 300)


def test_an_explanation_says_who_and_until_when() -> None:
    """A question tells who is asked, in which order, how many, and what silence means."""
    told = explain(manifest(approvers=2, sla_seconds=60, approval_timeout_seconds=600), request(), agent="bot")
    assert (told.role, told.escalation_path, told.approvers) == ("finance", ("lead", "board"), 2)
    assert (told.sla_seconds, told.timeout_seconds, told.on_timeout) == (60, 600, "deny")
    assert told.sentence == "Pay $80 to bob"


def test_silence_on_a_hard_approval_is_never_told_as_consent() -> None:
    """Where a soft action is asked for hard, silence denies (docs/rules.md: B4)."""
    rules = manifest(severity="low", on_timeout="approve")
    assert explain(rules, request(recommended_review=True), agent="bot").on_timeout == "deny"


def test_an_unknown_action_is_explained_as_blocked() -> None:
    """An action that the manifest lacks is explained as blocked."""
    told = explain(manifest(), request(action="nope"), agent="bot")
    assert (told.route, told.level, len(told.reasons)) == ("block", None, 1)
    assert "blocked" in in_words(told, path="a.yml")


def test_bad_parameters_are_told() -> None:
    """Parameters that the schema refuses are told with their name."""
    rules = manifest(params_schema={"type": "object", "required": ["to", "why"]})
    told = explain(rules, request(), agent="bot")
    assert told.problem is not None
    assert told.problem.startswith("params.why:")
    assert "malformed" in in_words(told, path="a.yml")


def test_an_explanation_is_json() -> None:
    """An explanation can be printed for machines."""
    told = explain(manifest(), request(), agent="bot")
    assert json.loads(json.dumps(told.as_dict()))["reasons"][0]["decides"] is True


def test_an_explanation_in_words_names_file_and_line() -> None:
    """The text for people names the file and line of each reason that has one."""
    rules = manifest(conditions=LIMITS)
    text = in_words(explain(rules, request(params={"amount_usd": 12}), agent="bot"), path="a.yml")
    line = rules.document.lines["actions", "pay", "conditions", "auto_approve_below_usd"]
    assert f"$12 is below $50 (auto_approve_below_usd) [a.yml:{line}]" in text


@given(st.floats(0, 2000), st.none() | st.just(SIGNALS_GOOD), st.sampled_from(["bot", "rogue"]))
@settings(max_examples=60, deadline=None)
def test_an_explanation_and_the_route_never_differ(amount: float, evidence: dict[str, Any] | None, agent: str) -> None:
    """What explain says is what the router does, reason by reason."""
    rules = manifest(conditions=LIMITS, blocked_agents=["rogue"])
    asked = request(params={"amount_usd": amount}, evidence=evidence)
    told, went = explain(rules, asked, agent=agent), route(agent, asked, rules.policy("pay"), History())
    assert (told.route, told.level) == (went.name, went.level)
    assert tuple(reason.text for reason in told.reasons) == went.why


# --- replay -----------------------------------------------------------------------------------------------------------


def call(amount: float = 80, **facts: Any) -> Call:
    """One call to pay."""
    return call_from({"action": "pay", "params": {"amount_usd": amount, "to": "bob"}, **facts})


OLD = manifest(conditions=LIMITS, reversible=False)
NEW = manifest(conditions={**LIMITS, "auto_approve_below_usd": 100}, reversible=False)


def test_a_replay_counts_what_moves() -> None:
    """Calls that end differently are grouped by action, from and to, with their money."""
    report = replay([call(20), call(60), call(70.5), call(100), call(2000), call(action="nope")], OLD, NEW)
    assert report.calls == 6
    assert [(move.before, move.after, move.calls, move.usd, move.looser) for move in report.moves] == [
        ("hard_approval", "full_auto", 2, 130.5, True)
    ]
    assert report.old is not None
    assert (report.old.decisions, report.new.decisions) == (3, 1)
    assert (report.new.outcomes["denied"], report.new.outcomes["blocked"]) == (1, 1)
    assert (report.old.usd_unseen, report.new.usd_unseen) == (20, 150.5)


def test_hours_follow_the_stated_minutes_and_the_quorum() -> None:
    """Person-hours are people asked times the stated minutes, a quorum counting each person."""
    two = manifest(conditions=LIMITS, reversible=False, approvers={"finance": 2, "lead": 1})
    report = replay([call(80)] * 10, OLD, two, minutes_per_decision=6)
    assert report.old is not None
    assert (report.old.person_hours, report.new.person_hours) == (1.0, 3.0)
    assert replay([call(80)] * 15, None, OLD).new.person_hours == 1.0


def test_known_incidents_that_would_run_unseen_are_counted() -> None:
    """Calls labelled incident or reverted that a manifest lets run are counted, and the change is told both ways."""
    calls = [
        call(60, label="incident"),
        call(70, label="reverted"),
        call(70, label="correct"),
        call(20, label="incident"),
    ]
    looser, stricter = replay(calls, OLD, NEW), replay(calls, NEW, OLD)
    assert looser.labelled_incidents == 3
    assert looser.new.incidents_let_through == 3
    assert (looser.incidents_newly_let_through, looser.incidents_newly_stopped) == (2, 0)
    assert (stricter.incidents_newly_let_through, stricter.incidents_newly_stopped) == (0, 2)
    assert "WARNING: 2 known incidents" in table(looser)
    assert "2 known incidents would now be stopped" in table(stricter)


def test_the_same_manifest_moves_nothing() -> None:
    """A manifest replayed against itself moves no call."""
    report = replay([call(amount) for amount in range(0, 1500, 7)], OLD, OLD)
    assert report.moves == ()
    assert "No call ends differently." in table(report)


def summing(window: int = 3600, **aggregate: Any) -> Any:
    """A manifest that sums per recipient."""
    return manifest(
        conditions={"auto_approve_below_usd": 50},
        aggregate={"window_seconds": window, "per": "params.to", "ask_above_usd": 100, **aggregate},
    )


def at(seconds: float) -> str:
    """A time of the replayed calls."""
    return (NOW + timedelta(seconds=seconds)).isoformat()


def test_sums_run_over_the_calls_own_times() -> None:
    """Small amounts add up within the window and not beyond it, whatever the order of the file."""
    calls = [call(40, at=at(offset)) for offset in (0, 10, 20, 3599, 3600, 9000)]
    outcomes = [one.outcome for one in judge(sorted(calls, key=lambda one: one.at or NOW), summing())]
    assert outcomes == ["full_auto", "full_auto", "hard_approval", "hard_approval", "hard_approval", "full_auto"]
    assert replay(reversed(calls), None, summing()).new.outcomes["full_auto"] == 3


def test_sums_are_per_target_and_agent() -> None:
    """Other recipients and other agents have sums of their own."""
    calls = [call(40, at=at(0)), call(40, at=at(1)), call(40, at=at(2), agent="b")]
    other = call_from({"action": "pay", "params": {"amount_usd": 40, "to": "eve"}, "at": at(3)})
    assert {one.outcome for one in judge([*calls, other], summing())} == {"full_auto"}


def test_what_was_denied_does_not_count_towards_sums() -> None:
    """Money that a manifest refused is not money spent."""
    rules = summing(deny_above_usd=120)
    calls = [call(110, at=at(0)), call(30, at=at(1)), call(10, at=at(2))]
    assert [one.outcome for one in judge(calls, rules)] == ["hard_approval", "denied", "hard_approval"]


def test_calls_without_a_time_are_judged_alone() -> None:
    """Without times nothing is summed."""
    assert {one.outcome for one in judge([call(40)] * 10, summing())} == {"full_auto"}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90)), max_size=25))
@settings(max_examples=80, deadline=None)
def test_the_running_sum_is_the_plain_sum(steps: list[tuple[int, int]]) -> None:
    """The sum that a replay keeps equals adding up the window anew for every call."""
    rules = manifest(
        aggregate={"window_seconds": 60, "ask_above_usd": 100}, approval_required=False, amount="params.amount_usd"
    )
    moment, calls = 0, []
    for gap, amount in steps:
        moment += gap
        calls.append((moment, amount))
    outcomes = [one.outcome for one in judge([call(amount, at=at(when)) for when, amount in calls], rules)]
    for index, (when, amount) in enumerate(calls):
        spent = sum(other for earlier, other in calls[:index] if earlier > when - 60)
        assert (outcomes[index] == "hard_approval") == (spent + amount > 100)


def test_an_amount_beside_the_parameters_is_used_where_the_path_is_empty() -> None:
    """amount_usd of the line stands in where the parameters have nothing at the amount's path, and only there."""
    beside = {"action": "pay", "params": {"to": "bob"}, "amount_usd": 20}
    rules = manifest(conditions=LIMITS, params_schema={"type": "object", "required": ["amount_usd"]})
    assert judge([call_from(beside)], rules)[0].outcome == "full_auto"
    closed = manifest(conditions=LIMITS, params_schema={"additionalProperties": False, "properties": {"to": {}}})
    assert judge([call_from(beside)], closed)[0].outcome == "full_auto"
    assert judge([call(600, amount_usd=20)], rules)[0].outcome == "hard_approval"
    nested = manifest(conditions=LIMITS, amount="params.order.total_usd", describe="Pay")
    assert judge([call_from(beside)], nested)[0].outcome == "full_auto"
    inside_text = manifest(conditions=LIMITS, amount="params.to.total_usd", describe="Pay")
    assert judge([call_from(beside)], inside_text)[0].outcome == "denied"
    in_cents = manifest(amount={"path": "params.cents", "unit": "cents"}, conditions=LIMITS, describe="Pay")
    assert judge([call_from(beside)], in_cents)[0].outcome == "full_auto"
    as_text = manifest(conditions=LIMITS, params_schema={"properties": {"amount_usd": {"type": "string"}}})
    assert judge([call_from(beside)], as_text)[0].outcome == "full_auto"


def test_malformed_parameters_are_counted_as_refused() -> None:
    """A call that the schema refuses counts as malformed, with the reason, and costs nobody time."""
    rules = manifest(params_schema={"type": "object", "required": ["why"]})
    judged = judge([call()], rules)[0]
    assert (judged.outcome, judged.people) == ("malformed", 0)
    assert "params.why" in judged.reason


@given(st.lists(st.builds(call, st.floats(0, 2000), amount_usd=st.none() | st.floats(-5, 50)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_every_call_ends_somewhere_once(calls: list[Call]) -> None:
    """Outcomes of either side add up to the calls, and moves to their difference."""
    report = replay(calls, OLD, NEW)
    assert report.old is not None
    for side in (report.old, report.new):
        assert sum(side.outcomes.values()) == len(calls)
        assert set(side.outcomes) == set(OUTCOMES)
    for outcome in OUTCOMES:
        arriving = sum(move.calls for move in report.moves if move.after == outcome)
        leaving = sum(move.calls for move in report.moves if move.before == outcome)
        assert report.new.outcomes[outcome] - report.old.outcomes[outcome] == arriving - leaving


def test_the_table_speaks_plainly() -> None:
    """The table has words for every outcome and none of the manifest's own vocabulary."""
    text = table(replay([call(20), call(60), call(5000), call(action="nope")], OLD, NEW))
    for words in (
        "runs by itself",
        "a person must agree",
        "refused by policy",
        "unknown action",
        "LOOSER",
        "$60",
        "person-hours",
    ):
        assert words in text
    assert "hard_approval" not in text
    assert "full_auto" not in text


def test_a_report_is_json() -> None:
    """A report can be printed for machines."""
    facts = json.loads(json.dumps(replay([call(60)], OLD, NEW).as_dict()))
    assert facts["moves"][0]["after"] == "full_auto"
    assert json.loads(json.dumps(replay([], None, NEW).as_dict()))["old"] is None


def test_a_thousand_calls_take_less_than_two_seconds() -> None:
    """A thousand calls between two manifests with sums and schemas are judged in under two seconds."""
    schema = {
        "type": "object",
        "required": ["to"],
        "properties": {"to": {"type": "string"}, "amount_usd": {"type": "number"}},
    }
    rules = [
        load_manifest(manifest_text(params_schema=schema, conditions=LIMITS, reversible=flag)) for flag in (True, False)
    ]
    text = "\n".join(
        json.dumps({"action": "pay", "params": {"to": f"u{n % 9}"}, "amount_usd": n, "at": at(n)}) for n in range(1000)
    )
    assert replay(read_calls(text, path="calls.jsonl"), *rules).calls == 1000
    assert in_time(lambda: replay(read_calls(text, path="calls.jsonl"), *rules), 2)


# --- reading calls ----------------------------------------------------------------------------------------------------


def test_a_line_is_read_with_all_it_says() -> None:
    """A line's keys become a call; what a replay does not need is ignored, blank lines are skipped."""
    line = {"action": "pay", "params": {"a": 1}, "amount_usd": 2, "agent": "b", "confidence": 0.5, "label": "correct"}
    text = (
        "\n\n"
        + json.dumps({**line, "at": "2026-01-31T12:00:00Z", "task": 7, "evidence": {"schema_ok": True}})
        + "\n \n"
    )
    (read,) = read_calls(text, path="c.jsonl")
    assert (read.agent, read.amount_usd, read.at, read.label) == ("b", 2, NOW, "correct")
    assert read.request.effective_confidence == 0.5
    assert call_from({"action": "pay", "at": "2026-01-31T13:00:00+01:00"}).at == NOW
    assert call_from({"action": "pay", "at": "2026-01-31T12:00:00"}).at == NOW
    assert call_from({"action": "pay", "kind": "choose"}).request.kind == "input"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        ("{}", "action"),
        ('{"action": 3}', "action"),
        ('{"action": "a", "action": "b"}', "twice"),
        ('{"action": "a", "params": []}', "params"),
        ('{"action": "a", "amount_usd": "5"}', "amount_usd"),
        ('{"action": "a", "amount_usd": true}', "amount_usd"),
        ('{"action": "a", "amount_usd": NaN}', "amount_usd"),
        ('{"action": "a", "at": "yesterday"}', "at: "),
        ('{"action": "a", "label": "fine"}', "label"),
        ('{"action": "a", "agent": 5}', "agent"),
        ('{"action": "a", "confidence": 7}', "confidence"),
        ('{"action": "a", "evidence": {"nope": 1}}', "evidence.nope"),
        ('{"action": "a\\u0000"}', "action"),
    ],
)
def test_a_bad_line_is_named(line: str, word: str) -> None:
    """A line that cannot be read is refused with file, line and key."""
    with pytest.raises(BadFile) as caught:
        read_calls('{"action": "ok"}\n' + line, path="c.jsonl")
    assert str(caught.value).startswith("c.jsonl:2: ")
    assert word in str(caught.value)


def test_a_negative_amount_beside_the_parameters_is_no_small_amount() -> None:
    """A negative amount_usd asks a person, is denied where amounts have a limit, and moves no money."""
    one = call_from({"action": "pay", "params": {"to": "bob"}, "amount_usd": -5})
    assert judge([one], manifest(conditions={"auto_approve_below_usd": 50}))[0].outcome == "hard_approval"
    assert judge([one], manifest(conditions=LIMITS))[0].outcome == "denied"
    assert replay([one], None, manifest(approval_required=False, amount=None, describe="Pay")).new.usd_unseen == 0


def test_history_is_decimal() -> None:
    """Cents add up exactly in sums."""
    rules = manifest(aggregate={"window_seconds": 60, "ask_above_usd": 0.3}, approval_required=False)
    outcomes = [one.outcome for one in judge([call(0.1, at=at(n)) for n in range(4)], rules)]
    assert outcomes == ["full_auto", "full_auto", "full_auto", "hard_approval"]
    assert route("b", request(), rules.policy("pay"), History(aggregate_usd=Decimal("0.2"))).name is RouteName.ASK


def test_a_call_is_refused_by_name_of_its_key() -> None:
    """A recorded call with a wrong key names it."""
    with pytest.raises(InvalidInput) as caught:
        call_from({"action": "pay", "uncertainty_factors": "none"})
    assert caught.value.field == "uncertainty_factors"


def outcomes(rules: Manifest, *calls: dict[str, Any]) -> list[str]:
    """What becomes of harmless, sure calls an hour apart, or at their own hour."""
    listed = [
        call_from(
            {
                "action": "pay",
                "params": {"amount_usd": 5, "to": "b"},
                "evidence": SIGNALS_GOOD,
                "at": f"2026-01-{1 + hour // 24:02}T{hour % 24:02}:00:00Z",
                **call,
            }
        )
        for hour, call in enumerate(calls)
    ]
    return [judged.outcome for judged in judge(listed, rules)]


def test_replay_counts_first_uses() -> None:
    """The first calls of each agent ask, as they would have with nothing before them."""
    rules = manifest(severity="low", first_uses={"agent": 2})
    found = outcomes(rules, {}, {}, {"agent": "other"}, {}, {"agent": "other"}, {"agent": "other"})
    assert [outcome == "full_auto" for outcome in found] == [False, False, False, True, False, True]


def test_replay_counts_quotas_within_a_day() -> None:
    """The third call of a day exceeds a quota of two, and a day later there is room again."""
    rules = manifest(severity="low", quota={"per_day": 2})
    late = {"at": "2026-01-02T00:30:00Z"}
    assert outcomes(rules, {}, {}, {}, late) == ["full_auto", "full_auto", "denied", "full_auto"]


def test_replay_counts_checkpoints_whatever_the_session() -> None:
    """Every third of an agent's asks, however many sessions it names."""
    rules = manifest(severity="low", checkpoint_every=3)
    one, two = {"session_id": "one"}, {"session_id": "two"}
    found = outcomes(rules, one, one, two, one, two, one, one, one)
    assert [outcome == "hard_approval" for outcome in found] == [False, False, True] * 2 + [False, False]


def test_replay_judges_rules_of_ones_own() -> None:
    """Rules see what a recorded call says of risk, urgency and principal."""
    rule = {"when": "risk_score != null && risk_score > 0.5 || on_behalf_of == 'eve'", "then": "deny", "reason": "no"}
    rules = manifest(severity="low", rules=[rule])
    found = outcomes(rules, {}, {"risk_score": 0.6}, {"on_behalf_of": "eve"}, {"urgency": "high"})
    assert found == ["full_auto", "denied", "denied", "full_auto"]
