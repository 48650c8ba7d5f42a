"""An agent asks without end: for what is refused, for what is large, for sessions, for attention. Its limits hold."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from support.agent import Agent, Json
from support.files import PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.races import at_once

from bot.service import limits as limits_of_agents
from store import agents, attempts, sessions
from store.attempts import Kind
from store.tables import approvals, audit, outbox
from store.tables import attempts as attempts_table
from store.tables import sessions as sessions_table

ORPHAN = PLAIN | {"required_role": "nobody"}


def opened(office: Office, limits: Json, **actions: Json) -> Office:
    write_manifest(office.folder, {"change_thing": PLAIN, "orphan": ORPHAN, **actions}, limits=limits)
    write_roster(office.folder, roles=ROSTER["roles"] | {"nobody": {"members": ["U0GONE"]}})
    office.open()
    office.until(lambda: len(office.server.world.directory.people) >= 4, "the directory is read")
    return office


def tried(agent: Agent, body: Json | bytes, key: str | None = None) -> int:
    """The status of one ask, whatever it is."""
    headers = {"Idempotency-Key": key or secrets.token_hex(8)}
    sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    return agent.raw("POST", "/approvals", headers=headers, **sent).status_code


def thing(name: str) -> Json:
    return {"action": "change_thing", "params": {"thing": name}}


def stored(office: Office) -> int:
    """Characters that the trail and the approvals hold."""
    found = office.database.read(
        lambda unit: unit.execute(
            select(
                select(func.coalesce(func.sum(func.length(audit.c.line)), 0)).scalar_subquery(),
                select(
                    func.coalesce(func.sum(func.length(approvals.c.request) + func.length(approvals.c.params)), 0)
                ).scalar_subquery(),
            )
        ).one()
    )
    return int(found[0] + found[1])


def test_refused_requests_with_large_parameters_do_not_fill_the_disk(closed_office: Office) -> None:
    """120 requests of 180 KB that nobody could decide leave a few lines without the parameters, and then get 429."""
    office = opened(closed_office, {"creates_per_minute": 60, "pending": 50})
    before = stored(office)
    body = {"action": "orphan", "params": {f"f{n}": "x" * 60_000 for n in range(3)}}
    answers = Counter(tried(office.agent, body) for _ in range(120))
    assert answers == {422: 10, 429: 110}, "each counts as the six pieces of 32 KB that it is"
    assert stored(office) - before < 20_000
    refused = [line for line in office.trail() if line["event"] == "refused"]
    assert len(refused) == 10
    assert all(line["params"] is None and line["params_bytes"] > 180_000 for line in refused)
    assert len({line["params_sha256"] for line in refused}) == 1
    office.advance(61)
    assert tried(office.agent, thing("door")) == 201
    office.intact()


REFUSED: dict[str, Callable[[Office], tuple[int, int]]] = {
    "not JSON": lambda office: (tried(office.agent, b"{"), 400),
    "an unknown field": lambda office: (tried(office.agent, thing("x") | {"sudo": True}), 422),
    "a parameter that the schema refuses": lambda office: (tried(office.agent, {"action": "typed", "params": {}}), 422),
    "a key of another body": lambda office: (tried(office.agent, thing(secrets.token_hex(4)), "used"), 422),
    "no key": lambda office: (office.agent.raw("POST", "/approvals", json=thing("x")).status_code, 400),
    "nobody can decide": lambda office: (tried(office.agent, {"action": "orphan", "params": {}}), 422),
    "a parent that is none": lambda office: (tried(office.agent, thing("x") | {"delegated_from": "apr_0"}), 422),
    "denied by policy": lambda office: (tried(office.agent, {"action": "barred", "params": {}}), 201),
    "an unknown action": lambda office: (tried(office.agent, {"action": "no_such", "params": {}}), 201),
}
TYPED = PLAIN | {"params_schema": {"type": "object", "required": ["thing"]}}


@on_sqlite
@pytest.mark.parametrize("how", list(REFUSED))
def test_whatever_refuses_counts_in_the_minute(closed_office: Office, how: str) -> None:
    """Five of a kind that gets nothing fill a minute of six; then also what would be fine has to wait."""
    actions = {"typed": TYPED, "barred": PLAIN | {"blocked_agents": ["demo"]}}
    office = opened(closed_office, {"creates_per_minute": 6, "pending": 50}, **actions)
    assert tried(office.agent, thing("first"), "used") == 201
    for _ in range(5):
        status, expected = REFUSED[how](office)
        assert status == expected
    assert tried(office.agent, thing("fine")) == 429
    assert REFUSED[how](office)[0] == 429
    assert tried(office.agent_called("other"), thing("theirs")) == 201
    office.advance(61)
    assert tried(office.agent, thing("fine")) == 201


@on_sqlite
def test_a_token_without_the_scope_counts_and_an_unknown_one_leaves_nothing(closed_office: Office) -> None:
    """A token that may only read fills the agent's minute with its tries; guessed tokens leave no row at all."""
    office = opened(closed_office, {"creates_per_minute": 3, "pending": 50})
    reading = frozenset({agents.Scope.READ})
    _, token = office.database.run(lambda unit: agents.add(unit, "demo", scopes=reading))
    reader, stranger = Agent(office.server.url, token), Agent(office.server.url, "sayso_guessed")
    assert [tried(reader, thing(f"{n}")) for n in range(4)] == [403, 403, 403, 429]
    before = office.database.read(lambda unit: unit.execute(select(func.count()).select_from(attempts_table)).scalar())
    assert {tried(stranger, thing(f"{n}")) for n in range(20)} == {401}
    after = office.database.read(lambda unit: unit.execute(select(func.count()).select_from(attempts_table)).scalar())
    assert (before, after) == (3, 3)
    for agent in (reader, stranger):
        agent.close()


def test_large_bodies_count_as_several_and_one_always_fits(closed_office: Office) -> None:
    """A checkpoint of 250 KB is eight requests of the minute; with a smaller limit one still gets through."""
    office = opened(closed_office, {"creates_per_minute": 20, "pending": 50})
    heavy = {f"k{n}": "s" * 62_000 for n in range(4)}
    asked = [tried(office.agent, thing(f"{n}") | {"checkpoint": heavy}) for n in range(4)]
    assert asked == [201, 201, 429, 429]
    assert [tried(office.agent, thing(f"small {n}")) for n in range(5)] == [201] * 4 + [429]
    write_manifest(office.folder, {"change_thing": PLAIN}, limits={"creates_per_minute": 3, "pending": 50})
    office.advance(61)
    office.until(lambda: office.server.world.book.manifest.limits.creates_per_minute == 3, "the manifest is read")
    assert [tried(office.agent, thing(f"big {n}") | {"checkpoint": heavy}) for n in range(2)] == [201, 429]


@on_postgresql
def test_limits_hold_for_three_servers_at_once(closed_office: Office) -> None:
    """Asks, refusals and sessions at the same moment on three servers are together as many as the minute allows."""
    office = opened(closed_office, {"creates_per_minute": 20, "pending": 12})
    servers = [office.server, office.open(), office.open()]
    callers = [office.agent_called("demo", url=server.url) for server in servers]

    def one(number: int) -> int:
        caller = callers[number % 3]
        match number % 4:
            case 0:
                return tried(caller, b"{")
            case 1:
                return caller.raw("PUT", f"/sessions/s-{number}", json={}).status_code
            case _:
                return tried(caller, thing(f"{number}"))

    answers = Counter(at_once([lambda number=number: one(number) for number in range(60)]))  # type: ignore[misc]
    assert answers[400] + answers[200] + answers[201] == 20
    assert answers[429] == 40
    office.advance(61)
    waiting = sum(approval["state"] == "pending" for approval in callers[0].listing()["approvals"])
    more = at_once([lambda n=n: tried(callers[n % 3], thing(f"more {n}")) for n in range(15)])  # type: ignore[misc]
    assert waiting + more.count(201) == 12, "and no more wait at once than may"
    office.intact()


@on_sqlite
def test_fresh_sessions_count_and_are_not_kept_for_ever(closed_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering one session after another fills the minute; known ones may beat; those beyond the most are forgotten,
    except what people set."""
    office = opened(closed_office, {"creates_per_minute": 5, "pending": 50})
    monkeypatch.setattr(limits_of_agents, "MOST_SESSIONS", 6)
    put = [office.agent.raw("PUT", f"/sessions/s-{n}", json={"title": "t" * 200}).status_code for n in range(7)]
    assert put == [200] * 5 + [429] * 2
    assert tried(office.agent, thing("door")) == 429
    assert office.agent.beat("s-0")["state"] == "running"
    assert office.agent.raw("PUT", "/sessions/s-0", json={"title": "t" * 201}).status_code == 422
    held = office.database.run(lambda unit: sessions.steer(unit, "s-1", "cancelled", "U0ADMIN"))
    assert held
    for round_ in range(2):
        office.advance(61)
        for n in range(5):
            office.agent.beat(f"later-{round_}-{n}")
    kept = office.database.read(lambda unit: set(unit.execute(select(sessions_table.c.id)).scalars()))
    assert kept == {"s-1", "later-0-4", *(f"later-1-{n}" for n in range(5))}
    assert office.agent.session("s-1")["state"] == "cancelled"


NIGHT = {"timezone": "Europe/Berlin", "quiet": "00:00-23:59"}


def test_urgency_wakes_people_only_as_often_as_the_manifest_lets_it(closed_office: Office) -> None:
    """Of four urgent requests in somebody's quiet hours two mention them; the others are normal, and say why."""
    office = closed_office
    write_manifest(office.folder, {"change_thing": PLAIN}, limits={"urgent_per_hour": 2})
    write_roster(office.folder, roles=ROSTER["roles"] | {"finance": {"members": ["U0ALICE"]}}, defaults=NIGHT)
    office.open()
    asked = [office.agent.ask("change_thing", {"thing": f"door {n}"}, urgency="high") for n in range(4)]
    told = ["counts as normal" in " ".join(one["why"]) for one in asked]
    assert told == [False, False, True, True]
    mentioned = [bool(office.card(one, contains=one["params"]["thing"]).mentions()) for one in asked]
    assert mentioned == [True, True, False, False]
    assert office.agent.ask("change_thing", {"thing": "roof"}, urgency="normal")["why"] == asked[0]["why"]
    office.advance(3601)
    fresh = office.agent.ask("change_thing", {"thing": "gate"}, urgency="high")
    assert "counts as normal" not in " ".join(fresh["why"])


@on_postgresql
def test_urgency_is_counted_across_servers(closed_office: Office) -> None:
    """Nine urgent requests at once on three servers: as many count as urgent as the manifest lets."""
    office = closed_office
    write_manifest(office.folder, {"change_thing": PLAIN}, limits={"urgent_per_hour": 4})
    office.open()
    servers = [office.server, office.open(), office.open()]
    callers = [office.agent_called("demo", url=server.url) for server in servers]
    asked = at_once(
        [
            lambda n=n: callers[n % 3].ask("change_thing", {"thing": f"{n}"}, urgency="high")  # type: ignore[misc]
            for n in range(9)
        ]
    )
    assert sum("counts as normal" in " ".join(one["why"]) for one in asked) == 5


@on_sqlite
def test_one_agent_cannot_hold_every_line(closed_office: Office) -> None:
    """Of an agent's long-polls so many wait as could be of use; one more is told to come back, and others still wait."""
    office = opened(closed_office, {"creates_per_minute": 100, "pending": 1})
    waiting = office.agent.ask("change_thing", {"thing": "door"})
    signals = office.server.app.state.runtime.signals
    with ThreadPoolExecutor(12) as pool:
        polls = [pool.submit(office.agent.see, waiting, wait=20) for _ in range(12)]
        office.until(lambda: signals.polls.total() == 12, "all of them wait")
        refused = office.agent.raw("GET", f"/approvals/{waiting['id']}", params={"wait": "20"})
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
        assert office.agent.see(waiting)["state"] == "pending", "without waiting it answers"
        office.agent.cancel(waiting)
        assert {poll.result()["state"] for poll in polls} == {"cancelled"}
    office.agent.see(office.agent.ask("change_thing", {"thing": "gate"}), wait=0.1)


def test_what_counted_is_forgotten_after_an_hour(closed_office: Office) -> None:
    """The counters themselves stay small: an hour later only the newest are there."""
    office = closed_office
    office.open()
    agent, _ = office.database.run(lambda unit: agents.add(unit, "counted"))
    for _ in range(5):
        office.database.run(lambda unit: attempts.add(unit, agent.id, Kind.REFUSED, 1))
    office.database.shift_seconds += timedelta(hours=1, seconds=1).total_seconds()
    office.database.run(lambda unit: attempts.add(unit, agent.id, Kind.REFUSED, 1))
    rows = office.database.read(lambda unit: unit.execute(select(attempts_table.c.units)).scalars().all())
    assert list(rows) == [1]
    assert json.dumps(office.database.read(lambda unit: attempts.used(unit, agent.id))) == "1"


@on_sqlite
def test_unknown_actions_and_absent_reviewers_do_not_flood_operations(closed_office: Office) -> None:
    """Forty actions that nobody knows, and forty requests that nobody is there for: operations hear of ten in an hour."""
    office = opened(closed_office, {"creates_per_minute": 100, "pending": 50})
    for user in ("U0ALICE", "U0BOB"):
        office.person(user).command("/sayso", "away")
    for number in range(40):
        office.agent.ask(f"tool_{number}", {})
        office.agent.cancel(office.agent.ask("change_thing", {"thing": f"door {number}"}))
    told = select(func.count()).where(outbox.c.channel == "#ops")
    assert office.database.read(lambda unit: unit.execute(told).scalar()) == 10
    assert len([line for line in office.trail() if line["event"] == "blocked"]) == 40
    office.advance(3601)
    office.agent.ask("tool_anew", {})
    office.slack.expect_card(channel="#ops", contains="tool_anew")
