"""People are left in peace: quiet hours, so many cards an hour, reminders that back off, and one list in the morning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from support.files import PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office

from playground.kit import Card
from store import outbox

Json = dict[str, Any]
NIGHT = {"timezone": "Europe/Berlin", "quiet": "20:00-08:00"}
ALONE = {"finance": {"members": ["U0ALICE"]}}
SLOW = PLAIN | {"sla_seconds": 7200, "approval_timeout_seconds": 200_000}
ACTIONS = {"change_thing": SLOW, "wait_thing": SLOW | {"on_timeout": "hold"}}


def opened(office: Office, **roster: Any) -> Office:
    """The office with slow actions and this roster."""
    write_manifest(office.folder, ACTIONS)
    write_roster(office.folder, **roster)
    office.open()
    return office


def clocks_show(office: Office, hour: int, minute: int = 0) -> datetime:
    """Let it be the next `hour`:`minute` UTC of a Wednesday in July: 02:00 is 04:00 in Berlin."""
    now = office.server.database.read(lambda unit: unit.now)
    wanted = datetime(now.year + 1, 7, 1, hour, minute, tzinfo=UTC)
    while wanted.weekday() != 2:
        wanted += timedelta(days=1)
    office.advance((wanted - now).total_seconds())
    return wanted


def ask(office: Office, thing: str = "door", action: str = "change_thing", **more: Any) -> Json:
    return office.agent.ask(action, {"thing": thing}, **more)


def pings(office: Office, user: str = "U0ALICE") -> list[Card]:
    """Every message that mentions somebody, oldest first."""
    return [card for card in office.slack.all_messages() if f"<@{user}>" in card.mentions()]


def told(office: Office, approval: Json, words: str = "this waits for you") -> Card:
    """The line under the card that mentions its reviewer."""
    return office.slack.expect_message("#finance", contains=[words, approval["params"]["thing"]])


def test_nobody_is_notified_in_quiet_hours_while_somebody_else_is_there(closed_office: Office) -> None:
    """In Alice's quiet hours cards go to Bob, who has none, however many he has; what is urgent does too."""
    office = opened(closed_office, people={"U0ALICE": NIGHT})
    clocks_show(office, 2)
    asked = [ask(office, f"door {number}") for number in range(3)]
    assert [one["assignee"] for one in asked] == ["U0BOB"] * 3
    assert "in quiet hours" in str(asked[0]["assigned_why"])
    assert ask(office, "gate", urgency="high")["assignee"] == "U0BOB"
    clocks_show(office, 12)
    assert ask(office, "roof")["assignee"] == "U0ALICE"


def test_a_card_in_quiet_hours_waits_for_its_mention_until_they_end(closed_office: Office) -> None:
    """Nobody else is there: the card names Alice and notifies nobody; at 08:00 one line mentions her, once."""
    office = opened(closed_office, roles=ROSTER["roles"] | ALONE, defaults=NIGHT)
    night = clocks_show(office, 2)
    thing = ask(office)
    card = office.card(thing, contains=["alice", "told"])
    assert card.mentions() == []
    office.advance(3600 * 3.9)  # past 75 % of its SLA and the SLA itself
    assert "reminded" not in office.events(thing)
    assert office.agent.see(thing)["assignee"] == "U0ALICE"
    office.advance(3600 * 0.2)
    line = told(office, thing)
    assert line.thread_ts == card.ts
    assert line.mentions()
    for _ in range(3):
        office.server.sweep()
    assert office.events(thing).count("reminded") == 1
    due = datetime.fromisoformat(office.agent.see(thing)["due_at"])
    assert due >= night + timedelta(hours=6), "she has a whole SLA from when she hears of it"
    assert office.agent.see(thing)["expires_at"] == thing["expires_at"]
    office.slack.expect_update(card, contains="@alice")
    office.person("U0ALICE").click(card, "approve")
    assert office.agent.see(thing)["state"] == "approved"
    office.intact()


def test_what_presses_notifies_at_any_hour(closed_office: Office) -> None:
    """Urgent, of high severity, or let run by silence: the card mentions its reviewer in the middle of the night."""
    severe = SLOW | {"severity": "high"}
    consented = SLOW | {"severity": "low", "on_timeout": "approve"}
    write_manifest(closed_office.folder, ACTIONS | {"severe": severe, "suggest": consented})
    write_roster(closed_office.folder, roles=ROSTER["roles"] | ALONE, defaults=NIGHT)
    closed_office.open()
    office = closed_office
    clocks_show(office, 2)
    for thing in (ask(office, urgency="high"), ask(office, action="severe"), ask(office, action="suggest")):
        assert office.card(thing, contains="@").mentions()


def test_quiet_hours_do_not_keep_a_card_from_whoever_comes_first(closed_office: Office) -> None:
    """All are in quiet hours: Bob's end first, and the overdue card goes to him then, without Alice being woken."""
    people = {"U0ALICE": NIGHT, "U0BOB": NIGHT | {"quiet": "20:00-06:00"}}
    office = opened(closed_office, people=people)
    clocks_show(office, 2)
    thing = ask(office)
    assert thing["assignee"] == "U0ALICE"
    first = office.card(thing, contains="told")
    office.advance(3600 * 2.1)
    assert office.agent.see(thing)["assignee"] == "U0BOB"
    second = office.card(thing, excluding=first, has="approve", contains="@bob")
    assert second.mentions()
    office.advance(3600 * 1.5)  # Bob's reminder
    assert office.events(thing).count("reminded") == 1
    assert pings(office) == []


def test_a_card_in_quiet_hours_expires_when_its_time_is_up(closed_office: Office) -> None:
    """The expiry waits for nobody: operations heard of it at once, the agent hears no, and nobody is woken for it."""
    write_manifest(closed_office.folder, {"brief": PLAIN})
    write_roster(closed_office.folder, roles=ROSTER["roles"] | ALONE, defaults=NIGHT)
    closed_office.open()
    office = closed_office
    clocks_show(office, 2)
    thing = ask(office, action="brief")
    office.slack.expect_message("#ops", contains="Nobody is available")
    office.advance(3601)
    assert office.agent.see(thing)["state"] == "expired"
    office.advance(3600 * 8)
    assert "reminded" not in office.events(thing)
    assert pings(office) == []


@on_sqlite
def test_a_reminder_waits_for_the_end_of_quiet_hours(closed_office: Office) -> None:
    """Asked in the afternoon, due in the evening: the reminder that falls into quiet hours comes in the morning."""
    office = opened(closed_office, roles=ROSTER["roles"] | ALONE, defaults=NIGHT)
    clocks_show(office, 17, 30)  # 19:30 in Berlin
    thing = ask(office)
    office.card(thing, contains="@alice")
    for hours in (1.6, 0.5, 9):
        office.advance(3600 * hours)
        assert "reminded" not in office.events(thing)
    office.advance(3600 * 2)
    assert told(office, thing, "still waits for you").mentions()
    assert office.events(thing).count("reminded") == 1


@on_sqlite
def test_an_answer_in_quiet_hours_wakes_nobody(closed_office: Office) -> None:
    """The agent answers at night: the line under the card names Alice, and she is told when her quiet hours end."""
    office = opened(closed_office, roles=ROSTER["roles"] | ALONE, defaults=NIGHT)
    clocks_show(office, 17, 30)
    thing = ask(office)
    form = office.form("U0ALICE", office.card(thing), "request_info").fill("question", "Which door?")
    assert office.person("U0ALICE").submit(form).ok
    office.advance(3600 * 3)
    office.agent.answer(thing, "The blue one")
    assert told(office, thing, "the agent answered").mentions() == []
    office.advance(3600 * 10)
    assert told(office, thing).mentions()


def test_reminders_back_off_and_end(closed_office: Office) -> None:
    """A request that waits for ever reminds its one reviewer at 75 % of the SLA, ever more rarely, and twice in all."""
    people = {"U0ALICE": {"max_reminders": 2}}
    office = opened(closed_office, roles=ROSTER["roles"] | ALONE, people=people)
    thing = ask(office, action="wait_thing")
    office.advance(5401)
    assert office.events(thing).count("reminded") == 1
    office.advance(1900)  # the SLA is over, and nobody else is there
    office.advance(3600 * 3.9)
    assert office.events(thing).count("reminded") == 1, "not before four hours"
    office.advance(3600 * 0.2)
    assert office.events(thing).count("reminded") == 2
    for _ in range(4):
        office.advance(86_400)
    assert office.events(thing).count("reminded") == 2
    office.until(lambda: len([card for card in pings(office) if "still waits" in card.text()]) == 2, "two lines")
    assert office.agent.see(thing)["state"] == "pending"


def test_an_hour_is_full(closed_office: Office) -> None:
    """Beyond two an hour cards go to somebody else; when all are full they wait without a mention, and none is lost."""
    office = opened(closed_office, defaults={"max_cards_per_hour": 2})
    asked = [ask(office, f"door {number}") for number in range(5)]
    assert sorted(one["assignee"] for one in asked[:4]) == ["U0ALICE", "U0ALICE", "U0BOB", "U0BOB"]
    assert "within the hour" in str(asked[4]["assigned_why"])
    for one in asked[:4]:
        assert office.card(one, contains="@").mentions()
    assert office.card(asked[4], contains="told").mentions() == []
    pressing = ask(office, "gate", urgency="high")
    assert office.card(pressing, contains="@").mentions(), "what presses waits for no hour"
    office.advance(3590)
    assert "reminded" not in office.events(asked[4])
    office.advance(60)
    assert told(office, asked[4]).mentions()
    assert {office.agent.see(one)["state"] for one in [*asked, pressing]} == {"pending"}


@on_postgresql
def test_many_at_once_do_not_overfill_an_hour(closed_office: Office) -> None:
    """Two servers take ten requests in the same moment: their one reviewer is notified of three, seven wait, none is lost."""
    office = opened(closed_office, roles=ROSTER["roles"] | ALONE, defaults={"max_cards_per_hour": 3})
    second = office.server
    office.open()
    agents = [office.agent_called("demo"), office.agent_called("demo", url=second.url)]
    works = [lambda n=n: agents[n % 2].ask("change_thing", {"thing": f"door {n}"}) for n in range(10)]
    asked = office.slack.together(*works)
    cards = [office.card(one) for one in asked]
    assert sum(bool(card.mentions()) for card in cards) == 3
    office.advance(3700)
    assert sum("reminded" in office.events(one) for one in asked) == 3, "the next hour holds three more"


def test_one_list_in_the_morning(closed_office: Office) -> None:
    """When Alice's day begins she gets one message with what waits, soonest first: once, whatever starts and sweeps."""
    write_manifest(closed_office.folder, ACTIONS | {"soon": SLOW | {"sla_seconds": 40_000}})
    people = {"U0ALICE": {"hours": "Mon-Fri 09:00-17:00", "timezone": "Europe/Berlin", "digest": True}}
    write_roster(closed_office.folder, roles=ROSTER["roles"] | ALONE, people=people)
    closed_office.open()
    office = closed_office
    clocks_show(office, 6)
    office.advance(1800)
    first, second = ask(office, "gate", action="soon"), ask(office, "roof")
    assert not office.slack.messages("U0ALICE")
    office.advance(1800)
    message = office.slack.expect_message("U0ALICE", contains=["Good morning", "gate", "roof"])
    assert message.text().index("roof") < message.text().index("gate"), "the soonest deadline first"
    office.person("U0ALICE").click(office.card(first), "approve")
    office.person("U0ALICE").click(office.card(second), "approve")
    before = office.server
    office.open()
    before.sweep()
    office.advance(600)
    before.stop()
    third = ask(office, "wall")
    office.card(third)
    for _ in range(3):
        office.server.sweep()
    assert len(office.slack.messages("U0ALICE")) == 1, "once a day, after another start and by another server too"
    office.person("U0ALICE").click(office.card(third), "approve")
    office.advance(86_400)
    office.until(lambda: not office.database.read(outbox.backlog), "everything is said")
    assert len(office.slack.messages("U0ALICE")) == 1, "nothing waits, nothing is said"


@on_sqlite
def test_the_morning_comes_by_itself(closed_office: Office) -> None:
    """With nobody's help, and sweeps minutes apart, the list goes out at its moment."""
    closed_office.settings["SAYSO_SWEEP_SECONDS"] = "300"
    people = {"U0ALICE": {"digest": True}}
    office = opened(closed_office, roles=ROSTER["roles"] | ALONE, people=people)
    clocks_show(office, 8, 59)
    office.server.database.shift_seconds += 57
    thing = ask(office, "gate")  # wakes nothing before its reminder
    office.server.world.signals.deadline_set(office.server.database.read(lambda unit: unit.now))
    assert office.slack.expect_message("U0ALICE", contains=["Good morning", "gate"])
    assert office.agent.see(thing)["state"] == "pending"


@on_sqlite
def test_who_is_away_gets_no_list(closed_office: Office) -> None:
    """Whoever is away finds their list when they are back on another day, and not before."""
    office = opened(closed_office, roles=ROSTER["roles"] | ALONE, people={"U0ALICE": {"digest": True}})
    clocks_show(office, 8)
    ask(office, "gate", action="wait_thing")
    office.person("U0ALICE").command("/sayso", "away 1d")
    office.advance(3601)
    office.advance(600)
    office.person("U0ALICE").command("/sayso", "back")
    office.advance(600)
    assert not office.slack.messages("U0ALICE")
    office.advance(86_400)
    office.slack.expect_message("U0ALICE", contains=["Good morning", "gate"])


@on_sqlite
def test_it_is_shown_who_is_in_quiet_hours(closed_office: Office) -> None:
    """`/sayso reviewers` says who is quiet and until when, and so does their home tab."""
    office = opened(closed_office, people={"U0ALICE": NIGHT})
    clocks_show(office, 2)
    reply = office.person("U0BOB").command("/sayso", "reviewers").reply
    assert reply is not None
    assert reply.text().count("quiet until") == 1
    assert "quiet hours until" in office.person("U0ALICE").open_home().text()
    assert "quiet hours" not in office.person("U0BOB").open_home().text()


def test_a_review_waits_for_the_end_of_quiet_hours(closed_office: Office) -> None:
    """What ran at night is looked at in the morning: until 08:00 its reviewer has no card, then an hour for it."""
    sampled = SLOW | {"severity": "low", "approval_required": False, "sample_review": 1.0}
    write_manifest(closed_office.folder, {"remind": sampled})
    write_roster(closed_office.folder, roles=ROSTER["roles"] | ALONE, defaults=NIGHT)
    closed_office.open()
    office = closed_office
    clocks_show(office, 2)
    thing = ask(office, action="remind")
    office.agent.claim(thing)
    office.agent.result(thing, detail="reminded")
    office.advance(3600 * 3.9)
    office.slack.expect_no_card(approval_id=thing["id"])
    assert pings(office) == []
    office.advance(3600 * 0.9)
    card = office.card(thing, contains="Was this right?", has="review_correct")
    assert card.mentions()
    assert office.person("U0ALICE").click(card, "review_correct").ok
    office.slack.expect_update(card, contains="Looks right")
