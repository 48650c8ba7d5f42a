"""The answer to a COMMIT can be lost on the way: what was done is neither lost nor done twice."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from support.marks import on_postgresql
from support.tcpproxy import proxied

from store import agents, audit, engine
from store.audit import Entry
from store.engine import Database, StoreUnavailable
from store.unit import Unit

pytestmark = on_postgresql


def _note(told: list[str], *, beside: bool = True) -> object:
    """Work that is not idempotent: each time it runs there is one row more."""

    def work(unit: Unit) -> str:
        if beside:
            unit.record(Entry(event="requested", at=unit.now, actor="x"))
        unit.execute(text("INSERT INTO counted DEFAULT VALUES"))
        unit.after_commit(lambda: told.append("told"))
        return "done"

    return work


def _counted(database: Database) -> tuple[int, int]:
    def look(unit: Unit) -> tuple[int, int]:
        return unit.execute(text("SELECT count(*) FROM counted")).scalar_one(), audit.head(unit).seq

    return database.read(look)


@pytest.fixture(autouse=True)
def _table(database: Database) -> None:
    database.run(lambda unit: unit.execute(text("CREATE TABLE counted (id serial PRIMARY KEY)")))


@pytest.mark.parametrize("applied", [True, False], ids=["kept", "rolled back"])
def test_a_lost_answer_to_commit_is_asked_for_again(database: Database, database_url: str, applied: bool) -> None:
    """Whether the COMMIT took effect or not, the work is there once, its audit row too, and who waits is told once."""
    told: list[str] = []
    with proxied(database_url) as proxy:
        spoilt = Database(proxy.url, pool_size=2)
        proxy.lose_commits(1, applied=applied, after=b"requested")
        assert spoilt.run(_note(told)) == "done"  # type: ignore[arg-type]
        assert proxy.lost == 1
        spoilt.close()
    assert _counted(database) == (1, 1)
    assert told == ["told"]


def test_several_lost_answers_in_a_row(database: Database, database_url: str) -> None:
    """Three COMMITs that never arrived and a fourth that did make one piece of work."""
    told: list[str] = []
    with proxied(database_url) as proxy:
        spoilt = Database(proxy.url, pool_size=2)
        proxy.lose_commits(3, applied=False, after=b"requested")
        assert spoilt.run(_note(told)) == "done"  # type: ignore[arg-type]
        spoilt.close()
    assert _counted(database) == (1, 1)


def test_while_nobody_can_say_nothing_is_claimed(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the database gone right after the COMMIT the caller hears of the outage, and nothing is tried twice."""
    monkeypatch.setattr(engine, "_OUTCOME_SECONDS", 0.2)
    told: list[str] = []
    with proxied(database_url) as proxy:
        spoilt = Database(proxy.url, pool_size=2)
        spoilt.check()
        proxy.lose_commits(1, after=b"requested")

        def work(unit: Unit) -> None:
            _note(told)(unit)  # type: ignore[operator]
            proxy.refuse_new()

        with pytest.raises(StoreUnavailable):
            spoilt.run(work)
        proxy.accept()
        spoilt.check()
        spoilt.close()
    assert _counted(database) == (1, 1), "it did take effect, once"
    assert told == []


def test_a_database_that_is_away_for_a_moment(database: Database, database_url: str) -> None:
    """A cut connection costs a retry; a database that refuses is StoreUnavailable, and works again when it is back."""
    with proxied(database_url) as proxy:
        through = Database(proxy.url, pool_size=2)
        through.check()
        proxy.cut()
        assert through.run(agents.listed) == []
        proxy.refuse()
        with pytest.raises(StoreUnavailable):
            through.run(agents.listed)
        proxy.accept()
        assert through.run(agents.listed) == []
        through.close()
