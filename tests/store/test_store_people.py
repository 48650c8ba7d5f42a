"""Agents and tokens, sessions and the stop, and what Slack said of people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import add_agent, at_once
from sqlalchemy import select

from policies.errors import InvalidInput, NotFound
from store import agents, directory, sessions
from store.agents import token_hash
from store.engine import Database
from store.tables import agent_tokens, policy_versions


def who(database: Database, token: str) -> str | None:
    found = database.read(lambda unit: agents.authenticate(unit, token_hash(token)))
    return found.name if found else None


def new(database: Database, name: str = "demo", **options: object) -> str:
    return database.run(lambda unit: agents.add(unit, name, **options))[1]  # type: ignore[arg-type]


def test_a_token_is_stored_hashed(database: Database) -> None:
    """The database holds a token's hash, never the token; the token finds its agent and its role."""
    token = new(database, role="refunds")
    assert len(token) > 43
    stored = database.read(lambda unit: unit.execute(select(agent_tokens)).all())
    assert token not in repr(stored)
    found = database.read(lambda unit: agents.authenticate(unit, token_hash(token)))
    assert found is not None
    assert (found.name, found.role) == ("demo", "refunds")
    assert who(database, "sayso_wrong") is None
    assert who(database, "") is None


def test_a_revoked_token_ends_at_once(database: Database) -> None:
    """After revoking, no token of that agent works; other agents' do."""
    first, second, other = new(database), new(database), new(database, "other")
    database.run(lambda unit: agents.revoke(unit, "demo"))
    assert [who(database, token) for token in (first, second, other)] == [None, None, "other"]
    with pytest.raises(NotFound):
        database.run(lambda unit: agents.revoke(unit, "nobody"))


def test_tokens_rotate_with_overlap(database: Database) -> None:
    """A second token for the same agent leaves the first alone; one made after a revocation does not revive the old."""
    first, second = new(database), new(database)
    assert (who(database, first), who(database, second)) == ("demo", "demo")
    database.run(lambda unit: agents.revoke(unit, "demo"))
    third = new(database)
    assert [who(database, token) for token in (first, second, third)] == [None, None, "demo"]
    listed = database.read(agents.listed)
    assert [(agent.name, agent.revoked_at) for agent in listed] == [("demo", None)]


def test_a_token_expires(database: Database) -> None:
    """A token with a life in days ends by the database's clock."""
    token = new(database, seconds=86_400)
    database.shift_seconds = 86_000
    assert who(database, token) == "demo"
    database.shift_seconds = 86_500
    assert who(database, token) is None


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\nb", "a\x00b"])
def test_a_bad_name_is_refused(database: Database, name: str) -> None:
    """An agent's name is 1 to 80 printable characters."""
    with pytest.raises(InvalidInput):
        new(database, name)


def test_two_operators_can_add_the_same_agent(database: Database) -> None:
    """Two tokens made at once for a new agent both work."""
    tokens = at_once([lambda: new(database)] * 4)
    assert [who(database, token) for token in tokens] == ["demo"] * 4


def test_a_session_is_registered_once_and_beats(database: Database) -> None:
    """The first beat registers the session, later ones keep what a person set; beats at once are no error."""
    agent = add_agent(database)

    def beat(title: str | None = None) -> sessions.Session:
        return database.run(lambda unit: sessions.beat(unit, agent.id, "s", title))

    at_once([beat] * 6)
    assert beat("Refunds").state == "running"
    database.run(lambda unit: sessions.steer(unit, "s", "paused", "U0ADMIN"))
    assert beat().state == "paused"
    found = database.read(lambda unit: sessions.get(unit, agent.id, "s"))
    assert found is not None
    assert (found.state, found.by, found.title) == ("paused", "U0ADMIN", "Refunds")


def test_a_session_belongs_to_its_agent(database: Database) -> None:
    """Two agents may use the same session id; steering it steers both, and each sees its own."""
    agent, other = add_agent(database), add_agent(database, "other")
    for one in (agent, other):
        database.run(lambda unit, one=one: sessions.beat(unit, one.id, "s", None))
    assert len(database.run(lambda unit: sessions.steer(unit, "s", "paused", "U0ADMIN"))) == 2
    assert database.read(lambda unit: sessions.get(unit, agent.id, "t")) is None


def test_a_cancelled_session_stays_cancelled(database: Database) -> None:
    """Nothing revives a cancelled session."""
    agent = add_agent(database)
    database.run(lambda unit: sessions.beat(unit, agent.id, "s", None))
    assert len(database.run(lambda unit: sessions.steer(unit, "s", "cancelled", "U0ADMIN"))) == 1
    assert database.run(lambda unit: sessions.steer(unit, "s", "running", "U0ADMIN")) == []
    assert database.run(lambda unit: sessions.beat(unit, agent.id, "s", None)).state == "cancelled"


def test_the_stop_is_one_switch(database: Database) -> None:
    """Of several who stop at once one does, all are answered, and one start ends it."""
    stopped = at_once([lambda: database.run(lambda unit: sessions.stop(unit, "U0ADMIN"))] * 6)
    assert sum(stopped) == 1
    assert database.read(sessions.stopped_by) == "U0ADMIN"
    assert [database.run(sessions.start) for _ in range(2)] == [True, False]
    assert database.read(sessions.stopped_by) is None


def test_the_last_good_copy_is_kept(database: Database) -> None:
    """What Slack said of people and groups is kept, and the newest replaces the older, from many servers at once."""
    at_once([lambda: database.run(lambda unit: directory.save_person(unit, "U0BOB", {"user": "U0BOB"}, unit.now))] * 4)
    database.run(lambda unit: directory.save_person(unit, "U0BOB", {"user": "U0BOB", "active": False}, unit.now))
    for members in (["U0BOB"], ["U0CAROL", "U0DAN"]):
        database.run(lambda unit, members=members: directory.save_usergroup(unit, "S0LEADS", members, unit.now))
    people, groups = database.read(directory.saved_people), database.read(directory.saved_usergroups)
    assert {user: copy.value for user, copy in people.items()} == {"U0BOB": {"user": "U0BOB", "active": False}}
    assert groups["S0LEADS"].value == ["U0CAROL", "U0DAN"]


def test_away_ends_by_itself_or_by_coming_back(database: Database) -> None:
    """Somebody away until a time is back after it; somebody away for good is back when they say so."""
    now = database.read(lambda unit: unit.now)
    database.run(lambda unit: directory.set_away(unit, "U0BOB", now + timedelta(hours=1)))
    database.run(lambda unit: directory.set_away(unit, "U0DAN", None))
    assert set(database.read(directory.away)) == {"U0BOB", "U0DAN"}
    database.shift_seconds = 3700
    assert set(database.read(directory.away)) == {"U0DAN"}
    assert [database.run(lambda unit: directory.set_back(unit, "U0DAN")) for _ in range(2)] == [True, False]


def test_a_policys_text_is_kept_under_its_version(database: Database) -> None:
    """The first text of a version stays, from many servers at once too."""
    at_once([lambda: database.run(lambda unit: directory.remember_policy(unit, "v1", "text"))] * 4)
    database.run(lambda unit: directory.remember_policy(unit, "v1", "other"))
    assert database.read(lambda unit: unit.execute(select(policy_versions.c.manifest)).scalars().all()) == ["text"]


def test_rotating_ends_the_old_tokens_after_the_overlap(database: Database) -> None:
    """A rotated token lives on for the overlap and no longer; a shorter life stays; scopes are kept; strangers have none."""
    short, scopes = new(database, seconds=10), frozenset({agents.Scope.READ})
    old = new(database, scopes=scopes)
    _, fresh = database.run(lambda unit: agents.rotate(unit, "demo", overlap_seconds=100))
    assert [who(database, token) for token in (short, old, fresh)] == ["demo"] * 3
    found = database.read(lambda unit: agents.authenticate(unit, token_hash(fresh)))
    assert found is not None
    assert found.scopes == scopes
    database.shift_seconds = 50
    assert [who(database, token) for token in (short, old, fresh)] == [None, "demo", "demo"]
    database.shift_seconds = 150
    assert [who(database, token) for token in (short, old, fresh)] == [None, None, "demo"]
    database.run(lambda unit: agents.revoke(unit, "demo"))
    assert who(database, fresh) is None
    for name in ("demo", "nobody"):
        with pytest.raises(NotFound):
            database.run(lambda unit, name=name: agents.rotate(unit, name, overlap_seconds=0))
