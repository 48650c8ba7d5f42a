"""Cards an hour and mornings: counted by the database, and right however many ask at once."""

from __future__ import annotations

from datetime import timedelta

from builders import at_once

from store import morning_digest, notification_budget
from store.engine import Database
from store.unit import Unit


def take(unit: Unit, user: str = "U0ALICE", most: int = 3) -> bool:
    """Notify somebody of a card where their hour has room."""
    if notification_budget.full_until(unit, user, most) is not None:
        return False
    notification_budget.add(unit, user)
    return True


def test_an_hour_holds_what_it_may_hold(database: Database) -> None:
    """The fourth of three finds the hour full until the first is an hour old; other people's hours are their own."""
    first = database.read(lambda unit: unit.now)
    for _ in range(3):
        assert database.run(take)
        database.shift_seconds += 600
    assert not database.run(take)
    assert database.run(lambda unit: take(unit, "U0BOB"))
    until = database.run(lambda unit: notification_budget.full_until(unit, "U0ALICE", 3))
    assert until is not None
    assert timedelta(0) <= until - first - notification_budget.HOUR < timedelta(seconds=60)
    given = database.read(lambda unit: notification_budget.notified_last_hour(unit, ["U0ALICE", "U0BOB", "U0CAROL"]))
    assert [given[user].count for user in ("U0ALICE", "U0BOB", "U0CAROL")] == [3, 1, 0]
    assert given["U0ALICE"].first_at == until - notification_budget.HOUR
    database.shift_seconds += 1860
    assert database.run(take)
    assert not database.run(take), "only the first has made room"


def test_what_pressed_counts_too(database: Database) -> None:
    """More than the hour may hold, because it pressed: there is room again when enough of them are an hour old."""
    for _ in range(5):
        database.run(lambda unit: notification_budget.add(unit, "U0ALICE"))
        database.shift_seconds += 60
    now = database.read(lambda unit: unit.now)
    until = database.run(lambda unit: notification_budget.full_until(unit, "U0ALICE", 3))
    assert until is not None
    assert timedelta(minutes=57) - timedelta(seconds=30) < until - now <= timedelta(minutes=57)


def test_many_at_once_do_not_overfill_an_hour(database: Database) -> None:
    """Eight cards in the same moment for somebody with room for three: three notify, five wait."""
    assert sum(at_once([lambda: database.run(take)] * 8)) == 3


def test_a_morning_is_begun_once(database: Database) -> None:
    """Of eight servers one tells; the same day is over for all of them, an earlier one too, and the next is another."""
    assert (
        sum(at_once([lambda: database.run(lambda unit: morning_digest.begin(unit, "U0ALICE", "2026-12-24"))] * 8)) == 1
    )
    days = {"U0ALICE": "2026-12-24", "U0BOB": "2026-12-24"}
    assert database.read(lambda unit: morning_digest.untold(unit, days)) == {"U0BOB": "2026-12-24"}
    assert not database.run(lambda unit: morning_digest.begin(unit, "U0ALICE", "2026-12-23"))
    assert database.run(lambda unit: morning_digest.begin(unit, "U0ALICE", "2026-12-25"))
    assert database.read(lambda unit: morning_digest.untold(unit, days)) == {"U0BOB": "2026-12-24"}
