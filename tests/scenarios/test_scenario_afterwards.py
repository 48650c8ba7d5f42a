"""After the fact: sampled reviews, what the one it was asked for is told, links to cards, and sessions taken over."""

from __future__ import annotations

from typing import Any

import pytest
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

from playground.kit import Card
from store import learning
from store.tables import labels

Json = dict[str, Any]
PATIENCE = 20.0
SAMPLED = PLAIN | {"severity": "low", "approval_required": False, "sample_review": 1.0}


@pytest.fixture
def office(closed_office: Office) -> Office:
    """An office that looks at every automatic `remind` afterwards, and at no other action."""
    write_manifest(closed_office.folder, ACTIONS | {"remind": SAMPLED, "note": SAMPLED | {"sample_review": 0.0}})
    closed_office.open()
    return closed_office


def ran(office: Office, action: str = "remind", **body: Any) -> Json:
    """Something that ran by policy alone."""
    thing = office.agent.ask(action, {"thing": "bob"}, **body)
    assert (thing["state"], thing["level"]) == ("approved", "full_auto")
    office.agent.claim(thing)
    return office.agent.result(thing, detail="reminded")


def review_of(office: Office, thing: Json, **wanted: Any) -> Card:
    """The card of whoever reviews it."""
    return office.card(thing, contains="Was this right?", has="review_correct", timeout=PATIENCE, **wanted)


def kept_labels(office: Office, thing: Json) -> list[tuple[str, str]]:
    """Which labels it has, and whose."""
    query = labels.select().where(labels.c.approval_id == thing["id"])
    return [(row.label, row.by) for row in office.database.read(lambda unit: unit.execute(query).all())]


def test_a_sampled_action_is_reviewed_afterwards(office: Office) -> None:
    """What was drawn gets a card after it ran; one tap labels it; nobody waited, and what was not drawn has no card."""
    thing, other = ran(office), ran(office, "note")
    card = review_of(office, thing, channel="#finance")
    office.person("U0DAN").click(card, "review_correct")
    office.person("U0DAN").expect_ephemeral("Only members")
    assert office.person("U0BOB").click(card, "review_correct").ok
    closed = office.slack.expect_update(card, contains="Looks right, says @bob", timeout=PATIENCE)
    assert not closed.actions()
    office.person("U0ALICE").click_stale(card, "review_correct")
    office.person("U0ALICE").expect_ephemeral("Looks right, says")
    assert kept_labels(office, thing) == [("correct", "U0BOB")]
    assert office.agent.see(thing)["state"] == "succeeded"
    assert office.events(thing).count("labelled") == 1
    office.slack.expect_no_card(approval_id=other["id"])
    office.intact()


@on_sqlite
def test_an_incident_is_told_in_words(office: Office) -> None:
    """Incident asks what went wrong and insists on it; two reviewers at once give one verdict."""
    thing = ran(office)
    card = review_of(office, thing)
    forms = {user: office.form(user, card, "review_incident").fill("note", user) for user in ("U0ALICE", "U0BOB")}
    office.slack.together(*(lambda user=user: office.person(user).submit(forms[user]) for user in forms))
    ((word, by),) = kept_labels(office, thing)
    assert word == "incident"
    office.slack.expect_update(card, contains=["Incident, says"], timeout=PATIENCE)
    assert [line["rationale"] for line in office.trail(thing) if line["event"] == "labelled"] == [by]


@on_sqlite
def test_reviews_are_dealt_out_and_move_on_quietly(office: Office) -> None:
    """Reviews go to the least loaded; an overdue one to the next person, and in the end nobody is bothered any more."""
    first, second = ran(office), ran(office)
    cards = [review_of(office, first), review_of(office, second)]
    turns = [next(name for name in ("@alice", "@bob") if name in card.text()) for card in cards]
    assert len(set(turns)) == 2, "one each"
    office.advance(3601)
    fresh = review_of(office, first, excluding=cards[0])
    assert not office.slack.expect_update(cards[0], contains="moved to", timeout=PATIENCE).actions()
    office.advance(3601)
    office.slack.expect_update(fresh, contains="Not reviewed", timeout=PATIENCE)
    assert not office.live_cards(first)
    assert kept_labels(office, first) == []
    office.slack.expect_no_card(channel="#ops")
    office.intact()


def test_incidents_found_afterwards_cost_autonomy(closed_office: Office) -> None:
    """Two actions that reviewers call incidents count like two failures: a level is lost, and calibration has both."""
    granted = {"start": "hard_approval", "agents": {"demo": {"level": "full_auto", "since": "2020-01-01"}}}
    wipe = SAMPLED | {"autonomy": granted, "owner": "Head of finance"}
    write_manifest(closed_office.folder, ACTIONS | {"remind": wipe})
    office = closed_office
    office.open()
    sure = {"confidence": 0.97, "evidence": {"retrieval_hits": 2, "tool_errored": False}}
    made = [ran(office, **sure) for _ in range(2)]
    for thing in made:
        form = office.form("U0BOB", review_of(office, thing), "review_incident").fill("note", "Wrong person")
        assert office.person("U0BOB").submit(form).ok
    office.slack.expect_message("#ops", contains="from now on at least notify_only", timeout=PATIENCE)
    said = [next(line for line in office.trail(thing) if line["event"] == "labelled") for thing in made]
    assert [line.get("demoted_to") for line in said] == [None, "notify_only"]
    later = office.agent.ask("remind", {"thing": "bob"})
    assert (later["state"], later["level"]) == ("approved", "notify_only")
    record = office.database.read(learning.records)["remind"]
    assert (record.incidents, record.ran) == (2, 2)
    assert [(one.said, one.right, one.drawn) for one in record.cases] == [(0.97, False, 1.0)] * 2
    office.intact()


def test_whoever_it_was_asked_for_is_told_once(office: Office) -> None:
    """The principal's Slack user gets one direct message when it is decided, with a link; it then follows how it ended."""
    refund = office.agent.refund(on_behalf_of="Alice@Example.com")
    card = office.card(refund, timeout=PATIENCE)
    office.person("U0BOB").click(card, "approve")
    told = office.person("U0ALICE").expect_dm(
        contains=["Approved by @bob", "Refund $480", "on your behalf"], timeout=PATIENCE
    )
    assert card.permalink in told.source()
    office.person("U0BOB").click_stale(card, "approve")
    office.agent.claim(refund)
    office.agent.result(refund)
    told = office.slack.expect_update(told, contains=["Done", "Approved by @bob"], timeout=PATIENCE)
    assert card.permalink in told.source()
    ran(office, "note", on_behalf_of="alice@example.com")
    office.advance(10)
    office.until(lambda: office.slack.refresh(card).text(), "all is shown")
    direct = [one for one in office.slack.all_messages() if one.channel == told.channel]
    assert len(direct) == 1


@on_sqlite
def test_a_requester_who_is_not_on_the_roster_is_told(office: Office) -> None:
    """`on_behalf_of` may be a Slack user id: a refusal reaches that person, with its reason and who said no."""
    refund = office.agent.refund(on_behalf_of="u0dan")
    form = office.form("U0BOB", office.card(refund, timeout=PATIENCE), "reject").fill("reason", "Never paid")
    assert office.person("U0BOB").submit(form).ok
    office.person("U0DAN").expect_dm(contains=["Rejected by @bob", "Never paid"], timeout=PATIENCE)


@on_sqlite
def test_messages_lead_to_the_card(office: Office) -> None:
    """Reminder, moved card and alarm each carry the card's address; Slack is asked for it once a card."""
    refund = office.agent.refund()
    first = office.card(refund, timeout=PATIENCE)
    office.advance(680)
    reminder = office.slack.expect_message("#finance", contains="still waits", timeout=PATIENCE)
    assert first.permalink in reminder.source()
    # The old card is in flight when the new one is posted.
    office.slack.faults.inject("chat.update", "latency", seconds=2)
    office.advance(300)
    second = office.card(refund, excluding=first, has="approve", timeout=PATIENCE)
    office.until(lambda: second.permalink in office.slack.refresh(first).source(), "the old card leads on", PATIENCE)
    office.advance(680)
    office.until(lambda: len(told(office, "still waits")) == 2, "the second is reminded", PATIENCE)
    assert second.permalink in told(office, "still waits")[-1].source()
    asked = [call.args["message_ts"] for call in office.slack.calls_to("chat.getPermalink")]
    assert sorted(asked) == sorted({first.ts, second.ts})


def told(office: Office, words: str) -> list[Card]:
    return [one for one in office.slack.all_messages() if words in one.text() and one.thread_ts]


def session(office: Office) -> Json:
    """The agent beats, and is told how people have set its run."""
    found: Json = office.agent.raw("PUT", "/sessions/run-1", json={}).json()
    return found


def test_a_session_that_is_taken_over_only_reads(office: Office) -> None:
    """While a person does one step by hand, its session says so and can claim nothing; handed back, it goes on (docs/rules.md: C4)."""
    assert session(office)["taken_over_by"] is None
    by_hand = office.agent.refund(session_id="run-1")
    other = office.agent.ask("note", {"thing": "x"}, session_id="run-1")
    elsewhere = office.agent.ask("note", {"thing": "x"}, session_id="run-2")
    form = office.form("U0ALICE", office.card(by_hand, timeout=PATIENCE), "take_over")
    assert office.person("U0ALICE").submit(form).ok
    assert "took over" in office.agent.claim(other, status=423)["detail"]
    assert session(office)["taken_over_by"] == "U0ALICE"
    assert office.agent.raw("GET", "/sessions/run-1").json()["taken_over_by"] == "U0ALICE"
    office.agent.claim(elsewhere)
    package = office.slack.expect_card(channel="#ops", contains="Taken over", has="hand_back", timeout=PATIENCE)
    form = office.form("U0ALICE", package, "hand_back").fill("steps", "Paid by cheque").fill("state", "All paid")
    assert office.person("U0ALICE").submit(form).ok
    over = office.slack.expect_update(package, contains=["Handed back", "Paid by cheque"], timeout=PATIENCE)
    assert not over.actions()
    back = office.agent.see(by_hand)["decision"]
    assert (back["human_steps"], back["note"]) == (["Paid by cheque"], "All paid")
    assert all(words in office.agent.see(by_hand)["feedback"] for words in ("Paid by cheque", "All paid"))
    assert session(office)["taken_over_by"] is None
    office.agent.claim(other)
    office.until(lambda: not office.live_cards(by_hand), "all dead")


@on_sqlite
def test_no_card_of_a_decided_approval_lives(office: Office) -> None:
    """After two moves and a decision nothing can be pressed on any card of it, nor on any message about it."""
    refund = office.agent.refund()
    first = office.card(refund, timeout=PATIENCE)
    office.advance(901)
    second = office.card(refund, excluding=first, has="approve", timeout=PATIENCE)
    office.advance(901)
    third = office.card(refund, excluding=[first, second], has="approve", timeout=PATIENCE)
    office.person("U0CAROL").click(third, "approve")
    office.until(
        lambda: not any(one.has("approve") for one in (office.slack.refresh(c) for c in (first, second, third))),
        "all dead",
        PATIENCE,
    )
    assert not office.live_cards(refund)
