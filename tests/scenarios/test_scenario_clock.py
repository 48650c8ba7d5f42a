"""Nobody answers: reminders, the next person, the next role, operations, and what silence means at the end."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from support.files import PLAIN, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office

from store import outbox


def assignee(office: Office, approval: dict[str, object]) -> object:
    return office.agent.see(str(approval["id"]))["assignee"]


def test_a_reminder_at_three_quarters(office: Office) -> None:
    """At 75 % of the SLA the assignee is reminded, once, under the card and with the request in the message."""
    refund = office.agent.refund()
    card = office.card(refund)
    office.advance(670)
    assert "reminded" not in office.events(refund)
    office.advance(10)
    reminder = office.slack.expect_message("#finance", contains=["still waits", "Refund $480"])
    assert reminder.thread_ts == card.ts
    office.advance(10)
    assert office.events(refund).count("reminded") == 1
    assert assignee(office, refund) == refund["assignee"]


def test_overdue_goes_along_the_path(office: Office) -> None:
    """Overdue: the other person of the role, then the next role, then operations; each with a live card and a fresh SLA."""
    refund = office.agent.refund()
    first = office.card(refund)
    assert refund["assignee"] == "U0ALICE"
    office.advance(901)
    second_state = office.agent.see(refund)
    assert (second_state["state"], second_state["assignee"]) == ("pending", "U0BOB")
    assert second_state["due_at"] > refund["due_at"]
    second = office.card(refund, excluding=first, has="approve")
    assert "@bob" in second.text()
    assert not office.slack.expect_update(first, contains="Moved to").actions()
    office.advance(901)
    assert assignee(office, refund) == "U0CAROL"
    third = office.card(refund, excluding=[first, second], has="approve")
    office.advance(901)
    office.slack.expect_card(channel="#ops", contains=["Nobody is left", "Refund $480"])
    assert assignee(office, refund) == "U0CAROL", "nobody is asked twice"
    assert len(office.live_cards(refund)) == 1
    office.person("U0ALICE").click(third, "approve")
    assert office.agent.see(refund)["decision"]["by"] == "U0ALICE", "who was asked earlier may still decide"
    events = office.events(refund)
    assert events.count("reassigned") == 1
    assert events.count("escalated") == 2
    office.intact()


def test_silence_denies_in_the_end(office: Office) -> None:
    """With on_timeout deny, nobody's answer means no: expired, told to the agent, and no tap revives it."""
    thing = office.agent.ask("change_thing", {"thing": "door"})
    card = office.card(thing)
    office.advance(3601)
    expired = office.agent.see(thing)
    assert (expired["state"], expired["decision"]["by"]) == ("expired", "policy")
    office.slack.expect_update(card, contains="Expired")
    office.person("U0BOB").click_stale(card, "approve")
    office.person("U0BOB").expect_ephemeral("xpired")
    office.agent.claim(thing, status=410)
    assert office.agent.see(thing)["state"] == "expired"
    assert office.events(thing).count("timeout") == 1


def test_a_tap_after_the_deadline_is_too_late_even_before_the_sweep(closed_office: Office) -> None:
    """Database time decides: a tap one second late changes nothing, and the person is told that time was up."""
    closed_office.settings["SAYSO_SWEEP_SECONDS"] = "300"
    closed_office.open()
    office = closed_office
    thing = office.agent.ask("change_thing", {"thing": "door"})
    card = office.card(thing)
    office.server.database.shift_seconds = 3601
    office.person("U0BOB").click(card, "approve")
    told = office.person("U0BOB").expect_ephemeral().text()
    assert "deadline has passed" in told
    assert "still waiting" not in told
    assert "approved" not in office.events(thing)
    office.advance(0)
    assert office.agent.see(thing)["state"] == "expired"


@on_sqlite
def test_silence_holds(office: Office) -> None:
    """With on_timeout hold, a request waits for ever and can still be decided."""
    thing = office.agent.ask("hold_thing", {"thing": "door"})
    assert thing["expires_at"] is None
    for _ in range(4):
        office.advance(30 * 86_400)
    assert office.agent.see(thing)["state"] == "pending"
    office.person("U0BOB").click(office.card(thing, has="approve"), "approve")
    assert office.agent.see(thing)["state"] == "approved"


@on_sqlite
def test_silence_escalates(closed_office: Office) -> None:
    """With on_timeout escalate, the next role gets a time of its own; at the end of the path it expires."""
    action = PLAIN | {"on_timeout": "escalate", "escalation_path": ["finance_lead"], "sla_seconds": 7200}
    write_manifest(closed_office.folder, {"climb": action})
    closed_office.open()
    office = closed_office
    thing = office.agent.ask("climb", {"thing": "door"})
    office.advance(3601)
    climbed = office.agent.see(thing)
    assert (climbed["state"], climbed["assignee"]) == ("pending", "U0CAROL")
    assert climbed["expires_at"] > thing["expires_at"]
    office.advance(3601)
    assert office.agent.see(thing)["state"] == "expired"


@on_sqlite
def test_silence_consents_to_what_is_harmless(office: Office) -> None:
    """A soft approval of something harmless goes ahead when nobody objects; an objection in time stops it."""
    thing = office.agent.ask("suggest", {"thing": "door"})
    assert (thing["state"], thing["level"]) == ("pending", "soft_approval")
    other = office.agent.ask("suggest", {"thing": "window"})
    form = office.form("U0BOB", office.card(other), "reject").fill("reason", "Not this one")
    assert office.person("U0BOB").submit(form).ok
    office.advance(301)
    done = office.agent.see(thing)
    assert (done["state"], done["decision"]["by"]) == ("approved", "policy")
    assert "no objection" in done["decision"]["note"]
    assert office.agent.see(other)["state"] == "rejected"
    office.agent.claim(thing)


@on_sqlite
def test_silence_never_consents_while_a_question_is_open(office: Office) -> None:
    """While the agent owes an answer, no time passes towards consent."""
    thing = office.agent.ask("suggest", {"thing": "door"})
    form = office.form("U0BOB", office.card(thing), "request_info").fill("question", "Which door?")
    assert office.person("U0BOB").submit(form).ok
    office.advance(86_400)
    assert office.agent.see(thing)["state"] == "pending"


@on_sqlite
def test_who_is_away_is_not_asked(office: Office) -> None:
    """Away people get nothing new; when they are back they do."""
    office.person("U0ALICE").command("/sayso", "away 2h")
    assert [office.agent.refund()["assignee"] for _ in range(2)] == ["U0BOB", "U0BOB"]
    office.person("U0ALICE").command("/sayso", "back")
    assert office.agent.refund()["assignee"] == "U0ALICE"


@on_sqlite
def test_the_least_loaded_is_asked(closed_office: Office) -> None:
    """Requests spread over a role by open load, and nobody gets more than they can take."""
    write_roster(closed_office.folder, people={"U0ALICE": {"max_open": 2}})
    closed_office.open()
    asked = [closed_office.agent.refund()["assignee"] for _ in range(6)]
    assert asked.count("U0ALICE") == 2
    assert set(asked[:2]) == {"U0ALICE", "U0BOB"}


@on_sqlite
def test_three_sweepers_are_as_good_as_one(office: Office) -> None:
    """Sweeps at the same moment do the work once."""
    things = [office.agent.refund(customer=f"{at}@example.com") for at in range(5)]
    office.server.database.shift_seconds += 901
    office.slack.together(*[office.server.sweep] * 3)
    for thing in things:
        assert office.events(thing).count("reassigned") == 1
        assert office.agent.see(thing)["version"] == 2


@on_postgresql
def test_a_deadlock_sets_nobody_aside(office: Office) -> None:
    """A sweep that loses a lock race does the batch again at once; only what is wrong with a row makes that row wait."""
    refund = office.agent.refund()
    for statement in (
        "CREATE SEQUENCE tries",
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') <= 2 THEN "
        "RAISE EXCEPTION 'lost' USING ERRCODE = 'deadlock_detected'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER lose BEFORE UPDATE ON approvals FOR EACH ROW EXECUTE FUNCTION lose()",
    ):
        office.database.run(lambda unit, statement=statement: unit.execute(text(statement)))
    office.advance(901)
    office.until(lambda: office.events(refund).count("reassigned") == 1, "Bob is asked")
    assert office.database.read(lambda unit: unit.execute(text("SELECT last_value FROM tries")).scalar_one()) > 2


def test_twelve_forgotten_hours(office: Office) -> None:
    """Twelve hours in steps of an hour: one request, forgotten by all, is reminded, moved, expired, each once, in order."""
    refund = office.agent.refund()
    office.card(refund)
    for _ in range(12):
        office.advance(3600)
    assert office.agent.see(refund)["state"] == "expired"
    events = office.events(refund)
    assert events.count("timeout") == 1
    office.until(lambda: not office.database.read(outbox.backlog), "everything is shown")
    before = office.trail()
    for _ in range(3):
        office.advance(3600)
    assert office.trail() == before, "what is over stays over"
    office.until(lambda: not office.live_cards(refund), "no card is live")
    office.intact()


@on_sqlite
@pytest.mark.slow
def test_the_clock_ticks_by_itself(closed_office: Office) -> None:
    """With an SLA of one second and nobody's help, the next person is asked."""
    write_manifest(closed_office.folder, {"quick": PLAIN | {"sla_seconds": 1}})
    closed_office.open()
    thing = closed_office.agent.ask("quick", {"thing": "door"})
    office = closed_office
    office.until(lambda: "reassigned" in office.events(thing), "it goes to the next")
