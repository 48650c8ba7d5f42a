"""A test of reviewers: it looks like any other card, can never run, and whoever answered it is told at once, alone and kindly."""

from __future__ import annotations

import pytest
from support.agent import Json
from support.marks import on_sqlite
from support.office import Office
from support.planting import ACTION, TELL, decide_some, found, planted, planting_manifest
from support.servers import command

from policies.lifecycle import State

OVER = "This was a test: nothing was run"


@pytest.fixture
def testing(closed_office: Office) -> Office:
    """An office whose operator switched tests on."""
    planting_manifest(closed_office)
    closed_office.open()
    return closed_office


def told(office: Office, user: str) -> list[str]:
    """What somebody was told of tests, in their own messages."""
    return [message.text() for message in office.slack.messages(user) if OVER in message.text()]


def test_who_rejects_it_is_told_that_it_was_well_caught(testing: Office) -> None:
    """The card comes like any other; after the no, it says that it was a test, and its reviewer alone how they did."""
    office = testing
    test = planted(office)
    card = office.card(test, contains=["Refund $481 to mallory@example.com", "Asked by demo"])
    who = str(test["assignee"])
    form = office.form(who, card, "reject").fill("reason", "Paid in May")
    assert office.person(who).submit(form).ok
    office.slack.expect_message(who, contains=["You rejected it: well caught", TELL])
    settled = office.slack.expect_update(card, contains=OVER)
    assert set(settled.actions()) <= {"details"}
    for piece in ("Rejected", "rejected", who, "Paid in May", TELL):
        assert piece not in settled.text(), piece
    others = {"U0ALICE", "U0BOB", "U0CAROL", "U0ADMIN"} - {who}
    assert [told(office, user) for user in others] == [[], [], []]
    assert office.events(test) == ["requested", "gate_presented", "test_ended"]
    assert {line["planted"] for line in office.trail(test)} == {True}
    office.intact()


def test_who_approves_it_is_told_what_gave_it_away(testing: Office) -> None:
    """Nothing is granted; the second tap changes nothing, and somebody who comes late hears that it was a test, not how it went."""
    office = testing
    test = planted(office)
    card, who = office.card(test), str(test["assignee"])
    office.person(who).click(card, "approve")
    office.slack.expect_message(who, contains=["You approved it", "What gave it away", TELL])
    (over,) = found(office)
    assert (over.state, over.claimed_at, over.granted) == (State.CANCELLED, None, False)
    office.person(who).click_stale(card, "approve")
    other = "U0ALICE" if who == "U0BOB" else "U0BOB"
    office.person(other).click_stale(card, "approve")
    late = office.person(other).expect_ephemeral(contains=OVER)
    assert who not in late.source()
    assert "pproved" not in late.text()
    assert len(told(office, who)) == 1
    office.intact()


@pytest.mark.parametrize(
    ("act", "fields", "words"),
    [
        ("take_over", {"note": "Mine"}, "well caught"),
        ("edit", {"param:amount_usd": "100"}, "counts neither way"),
        ("request_info", {"question": "Which order?"}, "counts neither way"),
        ("escalate", {"reason": "Too unusual"}, "counts neither way"),
    ],
)
def test_every_other_act_ends_it_too(testing: Office, act: str, fields: Json, words: str) -> None:
    """Whatever somebody does with it, nothing of that happens: no package, no question to the agent, no next reviewer."""
    office = testing
    test = planted(office)
    card, who = office.card(test), str(test["assignee"])
    form = office.form(who, card, act)
    for name, value in fields.items():
        form.fill(name, value)
    assert office.person(who).submit(form).ok
    office.slack.expect_message(who, contains=[OVER, words])
    (over,) = found(office)
    assert (over.state, over.assignee, over.info_request, over.params["amount_usd"]) == (
        State.CANCELLED,
        who,
        None,
        481,
    )
    assert [m.text() for m in office.slack.messages("#ops") if "mallory" in m.text()] == []
    office.intact()


def test_what_nobody_answers_ends_quietly(testing: Office) -> None:
    """No next reviewer, no alarm, no missed SLA: the card says that it was a test."""
    office = testing
    test = planted(office)
    card = office.card(test)
    office.advance(901)
    office.slack.expect_update(card, contains=OVER)
    (over,) = found(office)
    assert (over.state, over.asked, over.breached_at) == (State.CANCELLED, (test["assignee"],), None)
    assert [told(office, user) for user in ("U0ALICE", "U0BOB", "U0CAROL")] == [[], [], []]
    assert [m.text() for m in office.slack.messages("#ops") if "mallory" in m.text()] == []
    office.intact()


def test_switched_off_it_is_taken_back(testing: Office) -> None:
    """What waits goes when the operator switches tests off, and nothing new comes."""
    office = testing
    test = planted(office)
    card = office.card(test)
    planting_manifest(office, on=False)
    office.until(lambda: office.server.world.book.manifest.planted == {}, "the new manifest", 20)
    office.advance(1)
    office.slack.expect_update(card, contains=OVER)
    office.advance(8 * 86_400)
    decide_some(office)
    office.advance(3 * 3600)
    assert len(found(office)) == 1
    office.intact()


def test_nobody_gets_two_within_a_week(testing: Office) -> None:
    """Two reviewers, so two in a week at most, however much they decide; the week after, another one."""
    office = testing
    for _ in range(2):
        test = planted(office)
        office.person(str(test["assignee"])).click(office.card(test), "approve")
    assert {one.assignee for one in found(office)} == {"U0ALICE", "U0BOB"}
    decide_some(office)
    office.advance(3 * 3600)
    office.advance(1)
    assert len(found(office)) == 2
    office.advance(7 * 86_400)
    office.until(lambda: len(found(office)) == 3, "another one")
    assert found(office)[-1].action == ACTION


def test_without_a_switch_nothing_is_planted(closed_office: Office) -> None:
    """The requests alone, without `planted: true` in the defaults, do nothing."""
    office = closed_office
    planting_manifest(office, on=False)
    office.open()
    decide_some(office)
    for _ in range(3):
        office.advance(3 * 3600)
    assert found(office) == []


@on_sqlite
def test_everybody_sees_their_own_figure_and_admins_all(testing: Office) -> None:
    """`/sayso tests` and the command line: figures with bounds, nobody among others by one answer, and which wait for operators."""
    office = testing
    test = planted(office)
    assert f"waits: {test['id']} {ACTION}" in command(office.env, "audit", "tests").stdout
    who = str(test["assignee"])
    office.person(who).click(office.card(test), "approve")
    mine, theirs, all_ = (said(office, user) for user in (who, "U0CAROL", "U0ADMIN"))
    assert mine == "Your tests: caught 0 of 1, 0.0% (0.0% to 95.0%)"
    assert theirs == "Your tests: no clear answer yet"
    assert "• Tests of you: caught 0 of 1, 0.0% (0.0% to 95.0%)" in said(office, who, "stats me")
    assert "Tests of you" not in said(office, "U0CAROL", "stats me")
    assert f"Tests of reviewers are on for {ACTION}. Of all: caught 0 of 1" in all_
    assert who not in all_
    printed = command(office.env, "audit", "tests").stdout
    assert f"• {ACTION}: caught 0 of 1" in printed
    assert "waits" not in printed
    assert "of them tests of reviewers" in command(office.env, "audit", "verify").stdout


def said(office: Office, user: str, words: str = "tests") -> str:
    """What somebody is told of tests."""
    reply = office.person(user).command("/sayso", words).reply
    assert reply is not None
    return reply.text()
