"""Approvals as rows, on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from builders import add, add_agent, at_once, due_at, load, made, save, told
from sqlalchemy import insert, select, update
from support.marks import on_postgresql

from policies.amounts import SumOf
from policies.approval import Approval, Decided, Decision, InfoRequest
from policies.deadlines import Clock
from policies.files.policy import unknown
from policies.files.tightening import Ratchet
from policies.history import History
from policies.lifecycle import State
from policies.request import Request
from store import approvals, directory, history, prior_history, workload
from store.duplicates import DuplicateKey, DuplicateVote
from store.engine import Database
from store.tables import approvals as approval_rows
from store.tables import demotions, labels
from store.types import database_now
from store.unit import Unit

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def approved(approval: Approval, by: str) -> Approval:
    decision = Decision(Decided.APPROVED, by, approval.created_at, latency_ms=5)
    return replace(approval, state=State.APPROVED, version=approval.version + 1, decision=decision)


def test_what_is_added_is_what_is_loaded(database: Database) -> None:
    """Every field survives the round trip, to the byte and to the microsecond or millisecond the database keeps."""
    agent = add_agent(database)
    params = {"amount_usd": 12.5, "note": "ünï ‮x", "deep": [{"a": None}], "big": 2**53 - 1, "empty": {}}
    request = Request(action="process_refund", params=params, session_id="s-1", reason="since", confidence=0.5)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    wanted = add(
        database,
        agent,
        request=request,
        params=params,
        clock=Clock(due_at=moment, remind_at=moment, expires_at=moment, claim_by=moment),
        assignee="U0BOB",
        role="finance",
        reached_roles=("finance", "lead"),
        asked=("U0ALICE", "U0BOB"),
        assigned_why="least loaded",
        info_request=InfoRequest("why?", "U0BOB", moment),
        exchange=(("q", "a"),),
        decision=Decision(Decided.EDITED, "U0BOB", moment, "note", {"a": 1}, "x", "y", ["z"], 7),
    )
    assert load(database, wanted) == wanted


def test_an_unknown_action_keeps_no_policy(database: Database) -> None:
    """Its row names none, as rows always did, and reads as the strictest: nobody's role, never batched, never silent."""
    approval = add(database, add_agent(database), policy=unknown("process_refund"))
    stored = database.read(lambda unit: unit.execute(select(approval_rows.c.policy)).scalar_one())
    assert stored is None
    found = load(database, approval).policy
    assert (found.action, found.known, found.irreversible) == ("process_refund", False, True)
    assert (found.severity, found.on_timeout) == ("high", "deny")


def test_another_agent_sees_nothing(database: Database) -> None:
    """Loading with an agent's id finds that agent's approvals only."""
    mine, other = add_agent(database), add_agent(database, "other")
    approval = add(database, mine)
    look = database.read
    assert look(lambda unit: approvals.load(unit, approval.id, agent_id=mine.id)) == approval
    assert look(lambda unit: approvals.load(unit, approval.id, agent_id=other.id)) is None
    assert look(lambda unit: approvals.load(unit, "apr_none")) is None


def test_one_of_two_racing_writers_wins(database: Database) -> None:
    """Of eight connections that decide the same version at once, exactly one changes the row."""
    approval = add(database, add_agent(database))

    def decide(user: str) -> bool:
        return database.run(lambda unit: save(unit, approval, approved(approval, user)))

    users = [f"U0{number}" for number in range(8)]
    won = at_once([lambda user=user: decide(user) for user in users])
    assert sum(won) == 1
    now = load(database, approval)
    assert now.version == 2
    assert now.decision is not None
    assert now.decision.by == users[won.index(True)]


@on_postgresql
@pytest.mark.parametrize("commits", [True, False])
def test_the_second_waits_for_the_first(database: Database, commits: bool) -> None:
    """A writer that meets an uncommitted change waits for its end: it loses after a commit and wins after a rollback."""
    approval = add(database, add_agent(database))
    won: list[bool] = []

    def second() -> None:
        won.append(database.run(lambda unit: save(unit, approval, approved(approval, "U0SECOND"))))

    with database.engine.connect() as connection:
        transaction = connection.begin()
        assert approvals.save(Unit(connection, database_now()), approval, approved(approval, "U0FIRST"))
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        assert other.is_alive(), "it did not wait"
        transaction.commit() if commits else transaction.rollback()
    other.join(5)
    assert won == [not commits]


@pytest.mark.parametrize("difference", ["state", "version", "digest", "gone"])
def test_compare_and_set_compares_everything(database: Database, difference: str) -> None:
    """A change is written only over the very state, version and digest it was made from."""
    approval = add(database, add_agent(database))
    seen = {
        "state": replace(approval, state=State.APPROVED),
        "version": replace(approval, version=2),
        "digest": replace(approval, digest="e" * 64),
        "gone": replace(approval, id="apr_none"),
    }[difference]
    assert not database.run(lambda unit: approvals.save(unit, seen, approved(approval, "U0BOB")))
    assert load(database, approval) == approval


@pytest.mark.parametrize("seconds, paused, saved", [(60, False, True), (-1, False, False), (-1, True, True)])
def test_the_databases_clock_has_the_last_word(database: Database, seconds: float, paused: bool, saved: bool) -> None:
    """A decision is not written once database time has passed the expiry, unless the clock stands still."""
    now = database.read(lambda unit: unit.now)
    clock = Clock(expires_at=now + timedelta(seconds=seconds), paused_at=now if paused else None)
    approval = add(database, add_agent(database), clock=clock)
    result = database.run(lambda unit: save(unit, approval, approved(approval, "U0BOB"), in_time=True))
    assert result is saved


def test_a_key_makes_one_approval(database: Database) -> None:
    """Eight inserts of one idempotency key at once leave one row and seven refusals; another agent may use it."""
    agent, other = add_agent(database), add_agent(database, "other")

    def try_it() -> str:
        try:
            add(database, agent, "key")
        except DuplicateKey:
            return "refused"
        return "inserted"

    results = at_once([try_it] * 8)
    assert sorted(results) == ["inserted"] + ["refused"] * 7
    add(database, other, "key")


def test_a_person_decides_once_on_one_digest(database: Database) -> None:
    """The second decision of a person on the same digest is refused; another person's or digest's is not."""
    approval = add(database, add_agent(database))

    def decide(by: str, seen: Approval = approval) -> None:
        def work(unit: Unit) -> None:
            approvals.add_decision(unit, seen, approvals.Act(by, "vote", NOON), role="finance", note=None)
            told(unit, seen, "approved")

        database.run(work)

    decide("U0ALICE")
    with pytest.raises(DuplicateVote):
        decide("U0ALICE")
    decide("U0BOB")
    decide("U0ALICE", replace(approval, digest="e" * 64))
    act_of = database.read
    assert act_of(lambda unit: approvals.act_of(unit, approval, ["U0ALICE"])) == approvals.Act("U0ALICE", "vote", NOON)
    assert act_of(lambda unit: approvals.act_of(unit, approval, ["U0DAN"])) is None


def test_what_is_due_comes_longest_overdue_first(database: Database) -> None:
    """The sweep gets what is due and nothing else, in order, and not what stands still or has no clock."""
    agent = add_agent(database)
    late = add(database, agent, clock=due_at(database, -5))
    later = add(database, agent, clock=due_at(database, -50))
    add(database, agent, clock=due_at(database, 60))
    add(database, agent)
    paused = replace(due_at(database, -5), paused_at=datetime(2026, 1, 1, tzinfo=UTC))
    add(database, agent, clock=paused)
    found = database.run(lambda unit: [entry.id for entry in approvals.due(unit, 10)[0]])
    assert found == [later.id, late.id]
    assert database.run(lambda unit: [entry.id for entry in approvals.due(unit, 1)[0]]) == [later.id]


def test_shifted_time_is_the_databases_time(database: Database) -> None:
    """With the clock shifted by twelve hours, what is due then is due now, and the same clock judges a decision."""
    approval = add(database, add_agent(database), clock=due_at(database, 11 * 3600))
    assert database.run(lambda unit: approvals.due(unit, 10)) == ([], [])
    before = database.read(lambda unit: unit.now)
    database.shift_seconds = 12 * 3600
    assert [entry.id for entry in database.run(lambda unit: approvals.due(unit, 10))[0]] == [approval.id]
    after = database.read(lambda unit: unit.now)
    assert timedelta(hours=12) <= after - before < timedelta(hours=12, seconds=30)
    assert abs(datetime.now(UTC) + timedelta(hours=12) - after) < timedelta(seconds=30)


@on_postgresql
def test_two_sweepers_share_the_work(database: Database) -> None:
    """A row that one transaction has claimed is skipped by the next, which takes another."""
    agent = add_agent(database)
    rows = {add(database, agent, clock=due_at(database, -number - 1)).id for number in range(2)}

    def second() -> list[str]:
        return database.run(lambda unit: [entry.id for entry in approvals.due(unit, 1)[0]])

    first, other = database.run(lambda unit: ([entry.id for entry in approvals.due(unit, 1)[0]], second()))
    assert set(first) | set(other) == rows
    assert len(first) == len(other) == 1


def test_the_next_moment_is_known(database: Database) -> None:
    """The nearest moment at which the sweep has work is the least of all clocks; none when nothing waits."""
    assert database.read(approvals.next_wake) is None
    agent = add_agent(database)
    near = add(database, agent, clock=due_at(database, 30))
    add(database, agent, clock=due_at(database, 60))
    found = database.read(approvals.next_wake)
    assert near.clock.due_at is not None
    assert found is not None
    assert abs(found - near.clock.due_at) < timedelta(milliseconds=1)


def test_loads_count_the_open_ones(database: Database) -> None:
    """A person's load is what is pending for them, with the last time they were asked and whether they are away."""
    agent = add_agent(database)
    for state in (State.PENDING, State.PENDING, State.APPROVED):
        add(database, agent, state=state, assignee="U0BOB")
    now = database.read(lambda unit: unit.now)
    database.run(lambda unit: directory.set_away(unit, "U0DAN", now + timedelta(hours=1)))
    database.run(lambda unit: directory.set_away(unit, "U0EVE", now - timedelta(hours=1)))
    loads = database.read(lambda unit: workload.loads(unit, ["U0BOB", "U0DAN", "U0EVE", "U0BOB"]))
    assert (loads["U0BOB"].open, loads["U0BOB"].away) == (2, False)
    assert loads["U0BOB"].last_assigned_at is not None
    assert (loads["U0DAN"].open, loads["U0DAN"].away, loads["U0DAN"].last_assigned_at) == (0, True, None)
    assert loads["U0DAN"].away_until is not None
    assert loads["U0EVE"].away is False
    assert database.read(lambda unit: workload.loads(unit, [])) == {}


def test_small_sums_are_seen_together(database: Database) -> None:
    """The aggregate adds exact cents of the same agent, action, target and window, without what was refused."""
    agent, other = add_agent(database), add_agent(database, "other")
    for amount in ("0.10", "0.20", "49.99"):
        add(database, agent, amount=Decimal(amount), aggregate_key='"ann"')
    add(database, agent, amount=Decimal(7), aggregate_key='"bob"')
    add(database, other, amount=Decimal(7), aggregate_key='"ann"')
    add(database, agent, amount=Decimal(7), aggregate_key='"ann"', age=3700)
    for state in ("denied", "blocked", "rejected", "cancelled", "expired"):
        add(database, agent, amount=Decimal(7), aggregate_key='"ann"', state=State(state))

    def known(action: str, *, all_targets: bool = False) -> History:
        wanted = SumOf('"ann"', 3600, all_targets)
        return database.read(
            lambda unit: prior_history.before(unit, agent.id, "k", action=action, aggregate=wanted)
        ).history

    assert known("process_refund").aggregate_usd == Decimal("50.29")
    assert known("process_refund").total_usd == 0, "nobody asked for it"
    assert known("process_refund", all_targets=True).total_usd == Decimal("57.29")
    assert known("another_action", all_targets=True) == History()


def test_an_amount_that_nobody_could_read_does_not_leave_the_sum(database: Database) -> None:
    """What counts in a sum and has no amount is counted beside it, for its target and over all, in the same window."""
    agent = add_agent(database)
    add(database, agent, amount=None, aggregate_key='"ann"')
    add(database, agent, amount=None, aggregate_key='"bob"')
    add(database, agent, amount=None, aggregate_key='"ann"', age=3700)
    add(database, agent, amount=None, aggregate_key='"ann"', state=State.REJECTED)
    add(database, agent, amount=None, aggregate_key=None)
    wanted = SumOf('"ann"', 3600, all_targets=True)
    found = database.read(
        lambda unit: prior_history.before(unit, agent.id, "k", action="process_refund", aggregate=wanted)
    ).history
    assert (found.aggregate_unread, found.total_unread) == (1, 2)


def test_silence_after_a_claim_is_a_failure(database: Database) -> None:
    """What was claimed and never reported counts among the failures of a day, as long as they do."""
    agent = add_agent(database)
    claimed = add(database, agent, state=State.CLAIMED)
    database.run(lambda unit: save(unit, claimed, ended(unit, claimed, State.OUTCOME_UNKNOWN)))
    look = database.read
    assert (
        look(
            lambda unit: prior_history.before(unit, agent.id, "", action="a", aggregate=None)
        ).history.agent_failures_24h
        == 1
    )
    assert [one.succeeded for one in look(lambda unit: history.outcomes(unit, agent.id, "process_refund"))] == [False]
    database.shift_seconds = 86_500
    assert (
        look(
            lambda unit: prior_history.before(unit, agent.id, "", action="a", aggregate=None)
        ).history.agent_failures_24h
        == 0
    )


def test_a_level_lost_lately_is_known_where_the_preset_asks(database: Database) -> None:
    """With `sequential` a request knows whether its agent lost the action within 24 h, whatever levels the action has; else nothing is asked."""
    agent = add_agent(database)
    claimed = add(database, agent, state=State.CLAIMED)
    lost = {"agent_id": agent.id, "action": "process_refund", "level": "notify_only", "approval_id": claimed.id}
    database.run(lambda unit: unit.execute(insert(demotions), lost | {"at": unit.now}))
    request = Request(action="process_refund", params={})
    for ratchet, days, expected in (
        ("sequential", 0, (True, True)),
        ("sequential", 2, (True, False)),
        ("classic", 0, (False, False)),
    ):
        rules = claimed.policy.model_copy(update={"ratchet": Ratchet(ratchet), "autonomy": None})
        database.shift_seconds = days * 86_400
        found = database.read(
            partial(history.counted, history=History(), policy=rules, request=request, agent_id=agent.id)
        )
        assert (found.demotion is not None, found.demoted_24h) == expected


def test_the_newest_executions_are_read_with_what_was_said_of_them(database: Database) -> None:
    """Oldest first, whenever they were; an incident counts from when somebody said so, and what nobody finished not at all."""
    agent = add_agent(database)
    assert database.read(lambda unit: history.newest_outcomes(unit, agent.id, "process_refund")) == []
    good, bad, wrong, _open = (add(database, agent, state=State.CLAIMED) for _ in range(4))
    for one, state in ((good, State.SUCCEEDED), (bad, State.FAILED), (wrong, State.SUCCEEDED)):
        database.run(lambda unit, one=one, state=state: save(unit, one, ended(unit, one, state)))
    labelled = {"approval_id": wrong.id, "label": "incident", "by": "U0BOB"}
    database.shift_seconds = 3600
    database.run(lambda unit: unit.execute(insert(labels), labelled | {"at": unit.now}))
    database.shift_seconds = 40 * 86_400
    found = database.read(lambda unit: history.newest_outcomes(unit, agent.id, "process_refund"))
    assert [(one.succeeded, one.incident) for one in found] == [(True, False), (False, False), (False, True)]


def test_everything_known_before_comes_in_one_look(database: Database) -> None:
    """Pending, recent and failed requests, the stop and an earlier use of the key are known before routing."""
    agent = add_agent(database)
    first = add(database, agent, "key")
    add(database, agent, age=120)
    failing = add(database, agent, state=State.CLAIMED)
    database.run(lambda unit: save(unit, failing, ended(unit, failing)))
    known = database.read(
        lambda unit: prior_history.before(unit, agent.id, "key", action="process_refund", aggregate=None)
    )
    assert (known.existing_id, known.existing_body_hash) == (first.id, "h")
    assert (known.pending, known.used_last_minute, known.history.agent_failures_24h) == (2, 2, 1)
    assert known.history.stopped is False
    database.shift_seconds = 86_500
    later = database.read(
        lambda unit: prior_history.before(unit, agent.id, "other", action="process_refund", aggregate=None)
    )
    assert (later.existing_id, later.used_last_minute, later.history.agent_failures_24h) == (None, 0, 0)


def ended(unit: Unit, approval: Approval, state: State = State.FAILED) -> Approval:
    return replace(approval, state=state, version=2, updated_at=unit.now)


def test_a_list_can_be_turned_page_by_page(database: Database) -> None:
    """Pages by cursor hold each row once, newest first, even where many were made in the same moment."""
    agent = add_agent(database)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [add(database, agent, created_at=moment + timedelta(seconds=number // 4)) for number in range(10)]
    seen: list[Approval] = []
    cursor = None
    while True:
        page = database.read(
            lambda unit, cursor=cursor: approvals.listed(unit, agent_id=agent.id, cursor=cursor, limit=3)
        )
        if not page:
            break
        seen += page
        cursor = (page[-1].created_at, page[-1].id)
    assert [entry.id for entry in seen] == [
        entry.id for entry in sorted(rows, key=lambda entry: (entry.created_at, entry.id), reverse=True)
    ]


def test_lists_filter(database: Database) -> None:
    """Lists are by agent, state, session and assignee; the queue has the soonest deadline first."""
    agent, other = add_agent(database), add_agent(database, "other")
    mine = add(database, agent, session_id="s", assignee="U0BOB", clock=due_at(database, 60))
    sooner = add(database, agent, clock=due_at(database, 30))
    done = add(database, agent, state=State.APPROVED, decision=Decision(Decided.APPROVED, "U0BOB", made_at()))
    theirs = add(database, other)

    def listed(**filters: str) -> set[str]:
        return {entry.id for entry in database.read(lambda unit: approvals.listed(unit, **filters))}

    assert listed(agent_id=agent.id) == {mine.id, sooner.id, done.id}
    assert listed(agent_id=other.id) == {theirs.id}
    assert listed(state="approved") == {done.id}
    assert listed(session_id="s") == {mine.id}
    assert listed(assignee="U0BOB") == {mine.id}
    waiting = database.read(approvals.pending)
    assert [entry.id for entry in waiting if entry.id != theirs.id] == [sooner.id, mine.id]
    assert [entry.id for entry in database.read(lambda unit: approvals.pending(unit, assignee="U0BOB"))] == [mine.id]
    assert [entry.id for entry in database.read(lambda unit: approvals.decided_by(unit, "U0BOB"))] == [done.id]


def made_at() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def test_a_checkpoint_comes_back_as_it_was(database: Database) -> None:
    """Any JSON value can be a checkpoint, null too, and only the agent's own is told."""
    agent, other = add_agent(database), add_agent(database, "other")
    for value in ({"a": [1, None]}, "text", 0, None):
        request = Request(action="a", checkpoint=value)
        approval = add(database, agent, request=request)
        read = database.read
        assert read(lambda unit, one=approval: approvals.checkpoint(unit, one.id, agent.id)) == (True, value)
        assert read(lambda unit, one=approval: approvals.checkpoint(unit, one.id, other.id)) == (False, None)


def test_a_naive_time_is_refused(database: Database) -> None:
    """A time without a zone is an error, never a guess."""
    agent = add_agent(database)
    with pytest.raises(Exception, match="naive"):
        add(database, agent, created_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_ids_sort_by_time(database: Database) -> None:
    """A later id is greater, so that new rows lie together."""
    agent = add_agent(database)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    found = [made(agent, moment + timedelta(milliseconds=number)).id for number in range(50)]
    assert found == sorted(set(found))


def test_a_row_that_cannot_be_read_stops_nobody(database: Database) -> None:
    """Of what is due, a row that no longer makes an approval is named beside the others, and the others come."""
    agent = add_agent(database)
    broken, sound = (add(database, agent, clock=due_at(database, -number)) for number in (9, 5))
    spoilt = update(approval_rows).where(approval_rows.c.id == broken.id).values(request="{")
    database.run(lambda unit: unit.execute(spoilt))
    found, unreadable = database.run(lambda unit: approvals.due(unit, 10))
    assert [entry.id for entry in found] == [sound.id]
    assert unreadable == [broken.id]
