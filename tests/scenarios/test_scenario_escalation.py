"""Who is asked when people are away, off duty or gone, for how long, and how open cards are dealt out anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from support.files import PLAIN, REFUND, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

Json = dict[str, Any]
THREE = ROSTER["roles"] | {"finance": {"members": ["U0ALICE", "U0BOB", "U0CAROL"]}}


def said(office: Office, user: str, text: str) -> str:
    """What `/sayso text` answers."""
    reply = office.person(user).command("/sayso", text).reply
    assert reply is not None
    return reply.text()


def row(office: Office, approval: Json) -> Json:
    return office.agent.see(approval)


def moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def at(office: Office, wanted: datetime) -> None:
    """Let the clocks show `wanted`."""
    now = office.server.database.read(lambda unit: unit.now)
    office.server.database.shift_seconds += (wanted - now).total_seconds()
    office.database.shift_seconds = office.server.database.shift_seconds


@on_sqlite
def test_a_delegate_takes_the_turns_of_who_is_away(closed_office: Office) -> None:
    """`/sayso away … delegate @carol`: Alice's turn is Carol's, the card and the trail say why, and `back` ends it."""
    write_roster(closed_office.folder, roles=THREE)
    closed_office.open()
    office = closed_office
    answer = said(office, "U0ALICE", "away until 3d delegate <@U0CAROL|carol>")
    assert "stands in for you as finance" in answer
    first, second = office.agent.refund(), office.agent.refund()
    assert (first["assignee"], second["assignee"]) == ("U0CAROL", "U0BOB")
    assert "stands in for" in office.form("U0CAROL", office.card(first), "details").text()
    assert "stands in for alice, who is away until" in str(row(office, first)["assigned_why"])
    assert "stands in" in said(office, "U0BOB", "reviewers")
    said(office, "U0ALICE", "back")
    assert office.agent.refund()["assignee"] == "U0ALICE"


@on_sqlite
def test_a_delegate_gains_no_right(closed_office: Office) -> None:
    """Somebody who does not hold the role is refused as a delegate, and ignored where the roster names them."""
    write_roster(closed_office.folder, people={"U0ALICE": {"delegate": "U0DAN"}})
    closed_office.open()
    office = closed_office
    for words in ("away delegate <@U0DAN>", "away 2h delegate U0DAN"):
        assert "holds none of your roles" in said(office, "U0ALICE", words)
    assert "name one person" in said(office, "U0ALICE", "away delegate @nobody")
    assert "somebody else" in said(office, "U0ALICE", "away delegate <@U0ALICE|alice>")
    said(office, "U0ALICE", "away 2h")
    refund = office.agent.refund()
    assert refund["assignee"] == "U0BOB"
    office.person("U0DAN").click(office.card(refund), "approve")
    office.person("U0DAN").expect_ephemeral("Only members of finance")


def test_an_overdue_card_of_who_went_away_goes_to_their_delegate(closed_office: Office) -> None:
    """Alice leaves with a card open: when it is overdue her delegate is asked first, though somebody has less to do."""
    write_roster(closed_office.folder, roles=THREE, people={"U0ALICE": {"delegate": "U0CAROL"}})
    closed_office.open()
    office = closed_office
    hers, _, _ = [office.agent.refund() for _ in range(3)]
    assert hers["assignee"] == "U0ALICE"
    said(office, "U0ALICE", "away 1d")
    bobs = office.agent.refund()
    assert bobs["assignee"] == "U0CAROL", "her turn"
    office.advance(901)
    moved = row(office, hers)
    assert moved["assignee"] == "U0CAROL"
    assert "the previous reviewer is away until" in str(moved["assigned_why"])
    reasons = [line["rationale"] for line in office.trail(hers) if line["event"] == "reassigned"]
    assert reasons == [moved["assigned_why"]]


def test_an_sla_in_business_hours(closed_office: Office) -> None:
    """A card of Friday afternoon is due on Monday morning over a change of clocks; its expiry waits for nobody."""
    action = PLAIN | {"sla_clock": "business_hours", "approval_timeout_seconds": 4 * 86_400}
    write_manifest(closed_office.folder, {"pay": action})
    berlin = {"hours": "Mon-Fri 09:00-17:00", "timezone": "Europe/Berlin"}
    write_roster(closed_office.folder, people={"U0ALICE": berlin, "U0BOB": dict(berlin)})
    closed_office.settings["SAYSO_SWEEP_SECONDS"] = "300"
    closed_office.open()
    office = closed_office
    friday = datetime(2027, 3, 26, 15, 50, tzinfo=UTC)  # 16:50 in Berlin; on Sunday its clocks go forward
    at(office, friday)
    thing = office.agent.ask("pay", {"thing": "door"})
    due = datetime(2027, 3, 29, 7, 5, tzinfo=UTC)
    assert abs(moment(thing["due_at"]) - due) < timedelta(minutes=1)
    assert abs(moment(thing["expires_at"]) - friday - timedelta(days=4)) < timedelta(minutes=1)
    office.advance(2 * 86_400)
    assert office.events(thing).count("reminded") == 0
    at(office, due - timedelta(minutes=2))
    office.advance(0)
    assert office.events(thing).count("reminded") == 1
    assert row(office, thing)["assignee"] == thing["assignee"]
    office.advance(180)
    assert row(office, thing)["assignee"] != thing["assignee"]
    at(office, friday + timedelta(days=4, minutes=1))
    office.advance(0)
    assert row(office, thing)["state"] == "expired"


@on_sqlite
def test_nobody_is_asked_on_a_day_off(closed_office: Office) -> None:
    """On her day off the card goes to Bob; an SLA from the eve of a holiday ends on the next working day of who is asked."""
    berlin = {"hours": "Mon-Fri 09:00-17:00", "timezone": "Europe/Berlin", "holidays": ["DE-BE"]}
    action = PLAIN | {"sla_clock": "business_hours", "approval_timeout_seconds": 8 * 86_400}
    write_manifest(closed_office.folder, {"pay": action})
    write_roster(closed_office.folder, people={"U0ALICE": berlin | {"days_off": ["2027-05-07"]}, "U0BOB": dict(berlin)})
    closed_office.settings["SAYSO_SWEEP_SECONDS"] = "300"
    closed_office.open()
    office = closed_office
    at(office, datetime(2027, 5, 5, 14, 50, tzinfo=UTC))  # 16:50 in Berlin on the eve of Ascension Day
    due = {}
    for thing in ("door", "window"):
        asked = office.agent.ask("pay", {"thing": thing})
        due[asked["assignee"]] = moment(asked["due_at"])
    expected = {"U0ALICE": datetime(2027, 5, 10, 7, 5, tzinfo=UTC), "U0BOB": datetime(2027, 5, 7, 7, 5, tzinfo=UTC)}
    assert {user: abs(at_ - expected[user]) < timedelta(minutes=1) for user, at_ in due.items()} == {
        "U0ALICE": True,
        "U0BOB": True,
    }
    at(office, datetime(2027, 5, 7, 8, tzinfo=UTC))
    friday = [office.agent.ask("pay", {"thing": thing}) for thing in ("gate", "roof")]
    assert {asked["assignee"] for asked in friday} == {"U0BOB"}
    assert "off today (day off)" in said(office, "U0ADMIN", "reviewers")


@on_sqlite
def test_who_is_off_duty_is_asked_when_they_are_back(closed_office: Office) -> None:
    """At night nobody is left to ask: operations hear it once, and Bob is asked when his day begins."""
    bob = {"hours": "Mon-Fri 09:00-17:00", "timezone": "Europe/Berlin"}
    write_manifest(closed_office.folder, {"pay": PLAIN | {"approval_timeout_seconds": 2 * 86_400}})
    write_roster(closed_office.folder, people={"U0BOB": bob})
    closed_office.settings["SAYSO_SWEEP_SECONDS"] = "300"
    closed_office.open()
    office = closed_office
    at(office, datetime(2027, 6, 8, 20, tzinfo=UTC))  # a Tuesday, 22:00 in Berlin
    thing = office.agent.ask("pay", {"thing": "door"})
    assert thing["assignee"] == "U0ALICE"
    office.advance(901)
    waiting = row(office, thing)
    assert waiting["assignee"] == "U0ALICE"
    assert moment(waiting["due_at"]) == datetime(2027, 6, 9, 7, tzinfo=UTC)
    office.slack.expect_card(channel="#ops", contains="Nobody is left")
    for _ in range(3):
        office.advance(3600)
    assert office.events(thing).count("escalated") == 1
    at(office, datetime(2027, 6, 9, 7, 0, 1, tzinfo=UTC))
    office.advance(0)
    assert row(office, thing)["assignee"] == "U0BOB"
    office.person("U0BOB").click(office.card(thing, has="approve", timeout=20), "approve")
    told = office.slack.expect_card(channel="#ops", contains="Resolved, no longer open: Approved by", timeout=20)
    assert "Nobody is left" not in told.text(), "it is resolved where it was said"
    assert len([card for card in office.slack.messages("#ops") if "no longer open" in card.text()]) == 1


@on_sqlite
def test_urgency_halves_the_sla_and_nothing_else(office: Office) -> None:
    """An urgent request goes to the next after half the time, and expires when every other does."""
    normal, urgent = office.agent.refund(urgency="low"), office.agent.refund(urgency="high")
    length = [moment(one["due_at"]) - moment(one["created_at"]) for one in (normal, urgent)]
    assert length == [timedelta(seconds=900), timedelta(seconds=450)]
    assert moment(urgent["expires_at"]) - moment(urgent["created_at"]) == timedelta(seconds=3600)
    office.advance(451)
    assert row(office, urgent)["assignee"] != urgent["assignee"]
    assert row(office, normal)["assignee"] == normal["assignee"]


def test_hours_of_downtime_are_one_step(office: Office) -> None:
    """Overdue by many SLAs at once, an approval goes to the next person only, who has a whole SLA; nobody is skipped."""
    thing = office.agent.ask("climb_thing", {"thing": "door"})
    office.advance(3599)
    moved = row(office, thing)
    assert moved["assignee"] == "U0BOB"
    assert office.events(thing).count("reassigned") == 1
    assert "reminded" not in office.events(thing)
    now = office.server.database.read(lambda unit: unit.now)
    assert abs(moment(moved["due_at"]) - now - timedelta(seconds=900)) < timedelta(seconds=60)


def gone_from_finance(office: Office) -> None:
    """Alice leaves the role, Carol joins it; the running server sees it."""
    roles = ROSTER["roles"] | {"finance": {"members": ["U0BOB", "U0CAROL"]}}
    write_roster(office.folder, roles=roles)
    office.until(lambda: "U0CAROL" in office.server.world.book.roster.roles["finance"].members, "the roster is read")


def test_rebalance_after_a_role_changed(closed_office: Office) -> None:
    """After Alice left, `rebalance` counts first; with `now` her cards go to others, each told and recorded, and no
    card goes back to somebody who had it."""
    write_manifest(closed_office.folder, {"process_refund": REFUND, "change_thing": PLAIN})
    closed_office.open()
    office = closed_office
    cards = [office.agent.refund(customer=f"{at}@example.com") for at in range(6)]
    hers = [card for card in cards if card["assignee"] == "U0ALICE"]
    assert len(hers) == 3
    old = office.card(hers[0])
    gone_from_finance(office)
    assert "Only Sayso's admins" in said(office, "U0BOB", "reviewers rebalance")
    counted = said(office, "U0ADMIN", "reviewers rebalance")
    assert "3 open cards would move" in counted
    assert "no longer holds the role" in counted
    assert [row(office, card)["version"] for card in cards] == [1] * 6, "nothing moved yet"
    assert "3 open cards were moved" in said(office, "U0ADMIN", "reviewers rebalance now")
    for card in hers:
        moved = row(office, card)
        assert moved["assignee"] == "U0CAROL", "she has nothing to do yet"
        assert moment(moved["due_at"]) > moment(card["due_at"])
        assert moved["expires_at"] == card["expires_at"]
        trail = [line for line in office.trail(card) if line["event"] == "reassigned"]
        assert [line["actor"] for line in trail] == ["U0ADMIN"]
        assert "no longer holds finance" in trail[0]["rationale"]
    assert not office.slack.expect_update(old, contains="Moved to").actions()
    office.card(hers[0], excluding=old, has="approve")
    assert "Nothing to move" in said(office, "U0ADMIN", "reviewers rebalance now")
    office.intact()


@on_sqlite
def test_rebalance_evens_out_what_is_not_due(office: Office) -> None:
    """Cards of a fuller desk go to somebody with at least two fewer, except those whose time is up or who had them."""
    said(office, "U0BOB", "away 2h")
    late = office.agent.refund()
    office.server.database.shift_seconds += 600
    office.database.shift_seconds = office.server.database.shift_seconds
    cards = [office.agent.refund(customer=f"{at}@example.com") for at in range(5)]
    assert {card["assignee"] for card in (late, *cards)} == {"U0ALICE"}
    said(office, "U0BOB", "back")
    office.server.database.shift_seconds += 301
    assert "somebody else in the role has at least two fewer" in said(office, "U0ADMIN", "reviewers rebalance now")
    owners = [row(office, card)["assignee"] for card in cards]
    assert (owners.count("U0ALICE"), owners.count("U0BOB")) == (2, 3), "hers are three with the one that is late"
    assert row(office, late)["assignee"] == "U0BOB" or row(office, late)["version"] == 1
    again = said(office, "U0ADMIN", "reviewers rebalance now")
    assert "Nothing to move" in again


def test_each_card_says_who_let_it_lie(office: Office) -> None:
    """A request that nobody decides names on each new card who was before, and on each old one where it went from there."""
    made = office.agent.refund()
    cards = [office.card(made, has="approve")]
    for _ in range(2):
        office.advance(901)
        cards.append(office.until(lambda: _later(office, made, cards[-1]), "the next card"))
    names = {"U0ALICE": "@alice", "U0BOB": "@bob"}
    first = made["assignee"]
    second = ({"U0ALICE", "U0BOB"} - {first}).pop()
    assert f"{names[first]} did not decide in time" in cards[1].text()
    assert f"{names[second]} did not decide in time; finance_lead is asked now" in cards[2].text()
    assert len(cards[2].mentions()) == 1
    office.until(lambda: "Moved to" in office.slack.refresh(cards[1]).text(), "the second says where it went")
    went = office.slack.refresh(cards[0]).text()
    assert f"Moved to {names[second]}" in went
    assert "finance_lead" not in went


def _later(office: Office, made: Json, before: Any) -> Any:
    found = office.slack.cards(approval_id=made["id"])
    return next((card for card in found if card.ts > before.ts and card.has("approve")), None)
