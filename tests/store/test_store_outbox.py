"""The outbox: leased, fenced, newest wins, never twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from builders import add, add_agent, at_once, due_at
from sqlalchemy import select, update
from support.marks import on_postgresql

from policies.approval import Approval
from policies.messages import AlertFacts
from store import approvals, outbox
from store.engine import Database
from store.outbox import Item
from store.tables import outbox as rows
from store.unit import Unit

Refresh = Callable[[Unit, str, int], None]


def card(database: Database, *, channel: str = "#finance", urgency: int = 0, agent: str = "demo") -> Approval:
    approval = add(database, add_agent(database, agent))
    database.run(
        lambda unit: outbox.put_card(
            unit, approval_id=approval.id, version=1, channel=channel, urgency=urgency, round_=1
        )
    )
    return approval


def lease(database: Database, limit: int = 10, **options: list[str]) -> list[Item]:
    return database.run(lambda unit: outbox.lease(unit, limit, **options))


def shown(database: Database, item: Item, revision: int = 1, ts: str = "1.1") -> bool:
    return database.run(lambda unit: outbox.mark_shown(unit, item, revision=revision, channel="C1", ts=ts))


def row(database: Database, approval: Approval) -> dict[str, object]:
    query = select(rows).where(rows.c.approval_id == approval.id)
    return dict(database.read(lambda unit: unit.execute(query).mappings().one()))


def test_one_courier_has_a_message(database: Database) -> None:
    """Of several couriers that look at once, one gets the message; until its lease ends, nobody else does."""
    card(database)
    taken = at_once([lambda: lease(database)] * 6)
    assert sum(len(items) for items in taken) == 1
    assert lease(database) == []


def test_urgent_first_then_the_oldest(database: Database) -> None:
    """The lease takes the urgent first, then the oldest, and leaves channels that have to wait for posts."""
    low = card(database, urgency=0)
    high = card(database, urgency=5, channel="#ops")
    assert [item.approval_id for item in lease(database, 1)] == [high.id]
    other = card(database, urgency=9, channel="#ops")
    assert [item.approval_id for item in lease(database, skip_channels=["#ops"])] == [low.id]
    assert [item.approval_id for item in lease(database)] == [other.id]


def test_what_is_shown_is_done_until_it_changes(database: Database) -> None:
    """A shown card wants nothing more until its approval moves on; then the update knows where the card is."""
    approval = card(database)
    assert shown(database, lease(database)[0])
    assert lease(database) == []
    database.run(lambda unit: outbox.refresh(unit, approval.id, 2))
    again = lease(database)[0]
    assert (again.wanted, again.shown, again.slack_channel, again.slack_ts) == (2, 1, "C1", "1.1")
    assert again.posted


def test_a_change_while_it_is_sent_is_sent_too(database: Database) -> None:
    """A revision that arrives while an older one is under way is wanted at once when that one is recorded."""
    approval = card(database)
    item = lease(database)[0]
    database.run(lambda unit: outbox.refresh(unit, approval.id, 2))
    assert lease(database) == [], "the holder of the lease is still at it"
    assert shown(database, item, 1)
    assert [again.wanted for again in lease(database)] == [2]


def test_showing_more_than_was_wanted_is_enough(database: Database) -> None:
    """A card drawn from a newer revision than the row knew of is up to date."""
    card(database)
    assert shown(database, lease(database)[0], 7)
    assert lease(database) == []


def test_a_card_retired_while_it_is_drawn_is_drawn_again(database: Database) -> None:
    """A card that moved on between the lease and the drawing still gets its moved face."""
    approval = card(database)
    item = lease(database)[0]
    database.run(lambda unit: outbox.retire(unit, approval.id, 2, "U0BOB"))
    # Drawn from revision 2, but with the face it had when it was leased.
    assert shown(database, item, 2)
    again = lease(database)
    assert [(entry.face, entry.posted) for entry in again] == [("moved", True)]


def test_a_card_retired_while_it_is_posted_is_not_posted_twice(database: Database) -> None:
    """Retiring a card whose post is under way leaves it to the holder of the lease."""
    approval = card(database)
    item = lease(database)[0]
    database.run(lambda unit: outbox.retire(unit, approval.id, 2, "U0BOB"))
    assert lease(database) == [], "another courier would post it a second time"
    assert shown(database, item, 1)
    assert [(entry.face, entry.slack_ts) for entry in lease(database)] == [("moved", "1.1")]


def desk(database: Database, agent: str) -> list[str]:
    """Six approvals: one shown, one leased, one put off, one moved on, and two that share a screen."""
    found = [card(database, channel=f"#{agent}{number}", agent=f"{agent}{number}") for number in range(6)]
    names = [approval.id for approval in found]
    of = rows.c.approval_id

    def arranged(unit: Unit) -> None:
        soon = unit.now + timedelta(seconds=20)
        screen = {"dedupe_key": agent, "kind": "card", "channel": agent, "thread_of": None, "facts": {}, "face": "live"}
        wanted = {"urgency": 0, "wanted": 7, "shown": 7, "next_at": None, "created_at": unit.now}
        made = unit.execute(rows.insert().returning(rows.c.id), screen | wanted).scalar_one()
        unit.execute(update(rows).where(of.in_(names[:1])).values(next_at=None, shown=1))
        unit.execute(update(rows).where(of.in_(names[1:2])).values(next_at=soon, lease="held"))
        unit.execute(update(rows).where(of.in_(names[2:3])).values(next_at=soon))
        unit.execute(update(rows).where(of.in_(names[3:4])).values(next_at=None, face="moved"))
        unit.execute(update(rows).where(of.in_(names[4:])).values(next_at=None, screen_id=made))

    database.run(arranged)
    return names


def turns(database: Database, agent: str) -> list[tuple[bool, float | None]]:
    """Of each message: whether a newer revision is wanted, and in how many seconds its turn is (None: never)."""

    def look(unit: Unit) -> list[tuple[bool, float | None]]:
        found = unit.execute(select(rows).where(rows.c.channel.contains(agent)).order_by(rows.c.channel)).all()
        start = min(row.next_at for row in found if row.next_at)
        return [
            (row.wanted > 1 and row.wanted != 7, row.next_at and (row.next_at - start).total_seconds()) for row in found
        ]

    return database.read(look)


def test_many_refreshed_together_are_as_one_by_one(database: Database) -> None:
    """Cards that a sweep refreshes by one statement keep their turns and their screen as those refreshed one at a time."""
    for agent, refresh in (("single", outbox.refresh), ("many", outbox.refresh_later)):
        names = desk(database, agent)

        def all_of_them(unit: Unit, refresh: Refresh = refresh, names: list[str] = names) -> None:
            for name in names:
                refresh(unit, name, 2)

        database.run(all_of_them)
    one_by_one, together = turns(database, "single"), turns(database, "many")
    shape = [(wanted, seconds is None) for wanted, seconds in one_by_one]
    assert shape == [(wanted, seconds is None) for wanted, seconds in together]
    # Shown, leased, put off, moved on, two that have no turn but their screen's, and the screen.
    turn, none, old = (True, False), (True, True), (False, True)
    assert shape == [turn, turn, turn, old, none, none, turn]
    late = [(seconds or 0) > 5 for _, seconds in together]
    assert late == [(seconds or 0) > 5 for _, seconds in one_by_one] == [False, True, True, False, False, False, False]


def test_a_screen_settles_before_it_is_drawn_anew(database: Database) -> None:
    """A screen of which something moved on is due a moment later, and not at once: ten decisions are one update."""
    names = desk(database, "digest")
    database.run(lambda unit: outbox.refresh(unit, names[4], 2))
    assert lease(database) == []
    database.shift_seconds = 2 * outbox.SETTLE_SECONDS
    assert [item.approval_id for item in lease(database)] == [None]


@on_postgresql
def test_couriers_do_not_wait_for_the_sweep(database: Database) -> None:
    """While a sweep holds what is due, a courier takes a card of it and puts it back: else the two could deadlock."""
    approval = add(database, add_agent(database), clock=due_at(database, -5))
    database.run(
        lambda unit: outbox.put_card(unit, approval_id=approval.id, version=1, channel="#c", urgency=0, round_=1)
    )

    def courier(unit: Unit) -> list[Item]:
        found = outbox.lease(unit, 10)
        outbox.put_back(unit, found)
        return found

    def sweeper(unit: Unit) -> tuple[list[Approval], list[Item]]:
        return approvals.due(unit, 10)[0], database.run(courier)

    due, taken = database.run(sweeper)
    assert [item.approval_id for item in taken] == [one.id for one in due] == [approval.id]


def test_a_retired_card_follows_nothing_more(database: Database) -> None:
    """A moved card shows where it went and is not refreshed by what happens later."""
    approval = card(database)
    assert shown(database, lease(database)[0])
    database.run(lambda unit: outbox.retire(unit, approval.id, 2, "U0BOB"))
    moved = lease(database)[0]
    assert (moved.face, moved.facts) == ("moved", {"moved_to": "U0BOB"})
    assert shown(database, moved, 2)
    database.run(lambda unit: outbox.refresh(unit, approval.id, 3))
    assert lease(database) == []


def test_a_dead_couriers_message_comes_back_in_doubt(database: Database) -> None:
    """After its lease a message is due again, marked as perhaps posted, and the dead courier can finish nothing."""
    card(database)
    first = lease(database)[0]
    database.shift_seconds = outbox.LEASE_SECONDS + 1
    second = lease(database)[0]
    assert (first.unsure, second.unsure) == (False, True)
    assert not shown(database, first, ts="9.9"), "the fence keeps a late courier out"
    assert not database.run(lambda unit: outbox.retry(unit, first, at=unit.now, error="late"))
    assert not database.run(lambda unit: outbox.give_up(unit, first, error="late"))
    assert shown(database, second)


def test_doubt_outlives_a_retry(database: Database) -> None:
    """A message in doubt whose look-up failed is still in doubt at the next try: else it is posted twice."""
    card(database)
    lease(database)
    database.shift_seconds = outbox.LEASE_SECONDS + 1
    doubtful = lease(database)[0]
    assert database.run(lambda unit: outbox.retry(unit, doubtful, at=unit.now, error="429", counts=False))
    assert lease(database)[0].unsure


def test_an_unknown_outcome_is_remembered(database: Database) -> None:
    """A post without an answer is retried in doubt; one that was only too early is not."""
    card(database)
    item = lease(database)[0]
    database.run(lambda unit: outbox.retry(unit, item, at=unit.now, error="429", counts=False))
    early = lease(database)[0]
    assert (early.unsure, early.attempts) == (False, 1)
    database.run(lambda unit: outbox.retry(unit, early, at=unit.now, error="no answer", unsure=True))
    assert (lease(database)[0].unsure) is True


def test_a_retry_waits_for_its_time(database: Database) -> None:
    """A message put off is not due before its time, whatever changes meanwhile."""
    approval = card(database)
    item = lease(database)[0]
    database.run(lambda unit: outbox.retry(unit, item, at=unit.now + timedelta(seconds=60), error="no"))
    database.run(lambda unit: outbox.refresh(unit, approval.id, 2))
    assert lease(database) == []
    database.shift_seconds = 61
    assert lease(database)[0].wanted == 2


def test_a_redirected_card_is_a_new_message(database: Database) -> None:
    """A card sent elsewhere starts anew there and keeps what was tried."""
    approval = card(database)
    assert shown(database, lease(database)[0])
    database.run(lambda unit: outbox.refresh(unit, approval.id, 2))
    item = lease(database)[0]
    assert database.run(lambda unit: outbox.redirect(unit, item, "#ops", {"tried": ["#finance"]}))
    again = lease(database)[0]
    assert (again.channel, again.posted, again.shown, again.facts) == ("#ops", False, 0, {"tried": ["#finance"]})


def test_giving_up_ends_it_until_something_changes(database: Database) -> None:
    """What cannot be shown is left alone and keeps the error."""
    approval = card(database)
    item = lease(database)[0]
    assert database.run(lambda unit: outbox.give_up(unit, item, error="message_not_found"))
    assert lease(database) == []
    assert row(database, approval)["last_error"] == "message_not_found"


def test_a_notice_is_said_once(database: Database) -> None:
    """The same key again says nothing more, from many servers at once too."""

    def put() -> None:
        database.run(lambda unit: outbox.put_notice(unit, "k", channel="#ops", facts=AlertFacts("Alarm", "Look")))

    at_once([put] * 6)
    put()
    assert [item.kind for item in lease(database)] == ["notice"]
    (waiting,) = database.read(outbox.backlog).items()
    assert (waiting[0], waiting[1].waiting) == ("notice", 1)


def test_the_threads_root_is_the_newest_posted_card(database: Database) -> None:
    """What is told of an approval goes under its newest card that is in Slack."""
    approval = card(database)
    read = database.read
    assert read(lambda unit: outbox.thread_root(unit, approval.id)) is None
    assert shown(database, lease(database)[0], ts="1.1")
    assert read(lambda unit: outbox.thread_root(unit, approval.id)) == ("C1", "1.1")
    database.run(
        lambda unit: outbox.put_card(unit, approval_id=approval.id, version=2, channel="#finance", urgency=0, round_=2)
    )
    assert read(lambda unit: outbox.thread_root(unit, approval.id)) == ("C1", "1.1")
    assert shown(database, lease(database)[0], 2, ts="2.2")
    assert read(lambda unit: outbox.thread_root(unit, approval.id)) == ("C1", "2.2")
    assert read(lambda unit: outbox.posted_timestamps(unit, approval.id)) == {"1.1", "2.2"}
    assert read(lambda unit: outbox.known_channel_id(unit, "#finance")) == "C1"
    assert read(lambda unit: outbox.known_channel_id(unit, "#nowhere")) is None


def test_the_next_message_is_known(database: Database) -> None:
    """When the next message wants to be sent is known, and nothing when none does."""
    assert database.read(outbox.next_due) is None
    card(database)
    now = database.read(lambda unit: unit.now)
    due = database.read(outbox.next_due)
    assert due is not None
    assert due <= now
