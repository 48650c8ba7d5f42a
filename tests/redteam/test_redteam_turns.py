"""A quorum that is worn out by waiting: every turn goes to somebody who can still add a yes, and where nobody can, it is said."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.agent import Json
from support.files import ACTIONS, ANY_KIND, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

from playground.kit import Card

PAIR = PLAIN | {"approvers": 2, "kinds": ANY_KIND, "escalation_path": ["finance_lead"]}
ACTIONS_HERE = ACTIONS | {
    "pay_pair": PAIR,
    "pay_alone": PLAIN | {"approvers": 2},
    "both": PLAIN | {"approvers": {"finance": 1, "legal": 1}},
    "other_roles": PLAIN | {"approvers": {"legal": 1, "engineering": 1}},
    "many": PLAIN | {"approvers": {"finance": 2, "legal": 1}},
}
ROLES: Json = ROSTER["roles"] | {"legal": {"members": ["U0DAN"]}}


def opened(office: Office, roles: Json = ROLES, **more: Any) -> Office:
    write_manifest(office.folder, ACTIONS_HERE)
    write_roster(office.folder, roles=roles, **more)
    office.open()
    return office


@pytest.fixture
def office(closed_office: Office) -> Office:
    return opened(closed_office)


def live(office: Office, approval: Json, has: str = "approve", contains: str | None = None) -> Card:
    return office.slack.expect_card(approval_id=approval["id"], has=has, contains=contains)


def yes(office: Office, user: str, approval: Json) -> Json:
    """Somebody says yes on the card; the approval afterwards."""
    office.person(user).click(live(office, approval), "approve")
    return office.agent.see(approval)


def mentioned(office: Office, user: str, words: str) -> Card:
    """A message that mentions somebody with these words."""
    found = office.slack.expect_message("#finance", contains=[f"<@{user}>", words])
    assert user in str(found.mentions())
    return found


def test_whoever_said_yes_does_not_hold_the_turn(office: Office) -> None:
    """After the assignee's yes the turn is the other one's, with time of their own; they are mentioned, and the card stays live."""
    made = office.agent.ask("pay_pair", {"thing": "door"})
    first = made["assignee"]
    other = ({"U0ALICE", "U0BOB"} - {first}).pop()
    office.advance(600)
    card = live(office, made)
    waiting = yes(office, first, made)
    assert (waiting["state"], waiting["assignee"]) == ("pending", other)
    assert waiting["due_at"] > made["due_at"]
    told = mentioned(office, other, "1 of 2 yes so far")
    assert told.thread_ts == card.ts
    assert first not in str(told.mentions()), "who said yes is left in peace"
    office.advance(400)
    assert office.agent.see(made)["assignee"] == other, "their time has just begun"
    assert yes(office, other, made)["state"] == "approved"


def test_a_yes_out_of_turn_leaves_the_turn_where_it_is(office: Office) -> None:
    """Whoever is not asked may say yes too; the turn stays with the one who is, who is not told twice."""
    made = office.agent.ask("pay_pair", {"thing": "door"})
    other = ({"U0ALICE", "U0BOB"} - {made["assignee"]}).pop()
    waiting = yes(office, other, made)
    assert (waiting["assignee"], waiting["due_at"]) == (made["assignee"], made["due_at"])
    assert yes(office, made["assignee"], made)["state"] == "approved"


def test_every_role_of_a_quorum_is_asked_at_once(office: Office) -> None:
    """Finance and legal are both asked by the first card, which mentions both; after one of them it waits for the other alone."""
    made = office.agent.ask("both", {"thing": "door"})
    assert made["assignee"] in ("U0ALICE", "U0BOB")
    assert made["also_asked"] == ["U0DAN"]
    card = live(office, made)
    assert all(user in str(card.mentions()) for user in ("U0DAN", made["assignee"]))
    assert "for legal" in card.text()
    queue = office.person("U0DAN").command("/sayso", "mine").reply
    assert queue is not None
    assert "Change door" in queue.text(), "what waits for him beside somebody else's turn is on his list"
    waiting = yes(office, made["assignee"], made)
    assert (waiting["assignee"], waiting["also_asked"]) == ("U0DAN", [])
    mentioned(office, "U0DAN", "1 of 2 yes so far")
    assert yes(office, "U0DAN", made)["state"] == "approved"


@on_sqlite
def test_a_request_in_the_first_moment_leaves_nobody_out(closed_office: Office) -> None:
    """While Slack is still asked who is on a roster that nobody has met, a request waits for it, and every role is asked."""
    closed_office.slack.faults.inject("users.info", "latency", times=None, seconds=0.3)
    office = opened(closed_office)
    met = office.server.world
    office.until(lambda: "U0BOB" in met.directory.people, "some of them are known")
    assert "U0DAN" not in met.directory.people
    assert office.agent.ask("both", {"thing": "door"})["also_asked"] == ["U0DAN"]
    assert "U0DAN" in met.directory.people, "the request waited until he was met"


@on_sqlite
def test_a_silent_slack_holds_no_request_up_for_long(closed_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Slack does not say who they are, a request goes on after its time with whom Sayso knows."""
    monkeypatch.setattr("bot.slack.people.FIRST_SECONDS", 0.2)
    closed_office.slack.faults.inject("users.info", "latency", times=None, seconds=5)
    office = opened(closed_office)
    begun = time.monotonic()
    body = {"action": "both", "params": {"thing": "door"}}
    answer = office.agent.raw("POST", "/approvals", json=body, headers={"Idempotency-Key": "door"})
    assert answer.status_code == 201
    assert time.monotonic() - begun < 4


def test_legal_may_be_first(office: Office) -> None:
    """The yes of the one who is asked beside the assignee takes their seat; the turn and its time stay."""
    made = office.agent.ask("both", {"thing": "door"})
    waiting = yes(office, "U0DAN", made)
    assert (waiting["assignee"], waiting["also_asked"], waiting["due_at"]) == (made["assignee"], [], made["due_at"])
    assert yes(office, made["assignee"], made)["state"] == "approved"


def test_nobody_is_asked_who_could_add_nothing(office: Office) -> None:
    """Where the action's own role is none of the quorum's, its members are not asked first."""
    made = office.agent.ask("other_roles", {"thing": "door"})
    assert made["assignee"] == "U0DAN"
    assert made["also_asked"] == ["U0CAROL"]
    assert yes(office, "U0CAROL", made)["assignee"] == "U0DAN"
    assert yes(office, "U0DAN", made)["state"] == "approved"


def test_a_role_that_brings_two_is_asked_one_after_the_other(office: Office) -> None:
    """Two of finance and one of legal: one of each at once, then the second of finance, and nobody twice."""
    made = office.agent.ask("many", {"thing": "door"})
    first = made["assignee"]
    other = ({"U0ALICE", "U0BOB"} - {first}).pop()
    assert made["also_asked"] == ["U0DAN"]
    waiting = yes(office, first, made)
    assert {waiting["assignee"], *waiting["also_asked"]} == {other, "U0DAN"}
    mentioned(office, other, "1 of 3 yes so far")
    waiting = yes(office, "U0DAN", made)
    assert (waiting["assignee"], waiting["also_asked"]) == (other, [])
    assert yes(office, other, made)["state"] == "approved"


def test_an_overdue_seat_goes_on_within_its_role(closed_office: Office) -> None:
    """When time is up, each role's seat goes to the next of that role, on a new card that mentions both."""
    office = opened(closed_office, ROLES | {"legal": {"members": ["U0DAN", "U0ADMIN"]}})
    made = office.agent.ask("both", {"thing": "door"})
    asked = {made["assignee"], *made["also_asked"]}
    card = live(office, made)
    office.advance(901)
    later = office.agent.see(made)
    now = {later["assignee"], *later["also_asked"]}
    assert now == {"U0ALICE", "U0BOB", "U0DAN", "U0ADMIN"} - asked
    fresh = office.slack.expect_card(approval_id=made["id"], has="approve", excluding=card)
    assert all(user in str(fresh.mentions()) for user in now)
    office.person(later["assignee"]).click(fresh, "approve")
    assert office.agent.see(made)["assignee"] == later["also_asked"][0]


def test_after_an_edit_somebody_else_is_asked(office: Office) -> None:
    """The assignee changes what they may not change alone: the turn goes to somebody else, who is told."""
    made = office.agent.refund(480)
    other = ({"U0ALICE", "U0BOB"} - {made["assignee"]}).pop()
    form = office.form(made["assignee"], live(office, made), "edit").fill("param:customer", "m@example.com")
    assert office.person(made["assignee"]).submit(form).ok
    assert office.agent.see(made)["assignee"] == other
    mentioned(office, other, "1 of 2 yes so far")


def test_the_turn_goes_along_the_path_where_a_role_is_too_small(closed_office: Office) -> None:
    """One reviewer and a lead, two yeses: after the reviewer's the lead holds the turn, and their yes counts."""
    office = opened(closed_office, ROLES | {"finance": {"members": ["U0ALICE"]}})
    made = office.agent.ask("pay_pair", {"thing": "door"})
    waiting = yes(office, "U0ALICE", made)
    assert (waiting["state"], waiting["assignee"]) == ("pending", "U0CAROL")
    mentioned(office, "U0CAROL", "1 of 2")
    assert yes(office, "U0CAROL", made)["state"] == "approved"


def test_too_few_people_from_the_start_is_refused(closed_office: Office) -> None:
    """Where two can never agree the request is refused at once: one member, one person of two accounts, or the principal's own."""
    people = {"U0ALICE": {"principal": "alice@example.com"}, "U0BOB": {"principal": "ALICE@example.com"}}
    office = opened(closed_office, people=people)
    office.agent.ask("pay_alone", {"thing": "door"}, status=422)
    office.slack.expect_message("#ops", contains="Nobody could ever decide")


@pytest.mark.parametrize("how", ["deactivated", "left the role"])
def test_too_few_people_later_is_said_once_and_taken_back(
    closed_office: Office, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two is deactivated, or leaves: the card and operations say so, once; when somebody is there again it goes on."""
    office = opened(closed_office)
    made = office.agent.ask("pay_alone", {"thing": "door"})
    yes(office, "U0ALICE", made)
    live(office, made, contains="1 of 2 approvals")
    assert office.agent.see(made)["assignee"] == "U0BOB"
    office.advance(1)
    if how == "deactivated":
        with office.slack.workspace.changing():
            office.slack.workspace.people["U0BOB"].deleted = True
        monkeypatch.setattr("bot.slack.people.FRESH_SECONDS", 0.0)
        office.person("U0BOB").click(live(office, made), "details")
    else:
        write_roster(office.folder, roles=ROLES | {"finance": {"members": ["U0ALICE"]}})
        office.until(
            lambda: office.server.world.book.roster.roles["finance"].members == ["U0ALICE"], "the roster is read"
        )
    for _ in range(3):
        office.advance(1)
    live(office, made, contains="Cannot be approved as things stand")
    office.slack.expect_card(channel="#ops", contains="Too few people are left", timeout=20)
    found = [card for card in office.slack.messages("#ops") if "Too few people are left" in card.text()]
    assert len(found) == 1
    assert "1 more person would have to agree" in found[0].text()
    assert office.events(made).count("escalated") == 1
    write_roster(office.folder, roles=ROLES | {"finance": {"members": ["U0ALICE", "U0CAROL"]}})
    office.until(lambda: "U0CAROL" in office.server.world.book.roster.roles["finance"].members, "the roster is read")
    office.until(lambda: office.advance(1) or "Cannot be approved" not in live(office, made).text(), "it is taken back")
    told = office.slack.expect_card(
        channel="#ops", contains="Resolved: enough people can decide this again", timeout=20
    )
    assert told.ts == found[0].ts
    assert yes(office, "U0CAROL", made)["state"] == "approved"
    office.intact()


def test_the_yes_of_somebody_who_left_does_not_count(closed_office: Office) -> None:
    """Alice says yes and leaves the role: Bob's yes is then the first of two, and the turn is somebody else's."""
    office = opened(closed_office, ROLES | {"finance": {"members": ["U0ALICE", "U0BOB", "U0CAROL"]}})
    made = office.agent.ask("pay_alone", {"thing": "door"})
    yes(office, "U0ALICE", made)
    write_roster(office.folder, roles=ROLES | {"finance": {"members": ["U0BOB", "U0CAROL"]}})
    office.until(
        lambda: "U0ALICE" not in office.server.world.book.roster.roles["finance"].members, "the roster is read"
    )
    waiting = yes(office, "U0BOB", made)
    assert (waiting["state"], waiting["assignee"]) == ("pending", "U0CAROL")
    assert yes(office, "U0CAROL", made)["state"] == "approved"


@on_sqlite
def test_two_who_choose_differently_are_told_that_nobody_is_left(office: Office) -> None:
    """Both of two have chosen, and not the same: nobody holds the turn, which is said, and a change of mind ends it."""
    choices = [{"id": "blue", "label": "Blue"}, {"id": "red", "label": "Red"}]
    write_manifest(office.folder, ACTIONS_HERE | {"pay_alone": PLAIN | {"approvers": 2, "kinds": ANY_KIND}})
    office.until(
        lambda: "choose" in office.server.world.book.manifest.policy("pay_alone").kinds, "the manifest is read"
    )
    made = office.agent.ask("pay_alone", {"thing": "door"}, kind="choose", question="Which?", choices=choices)
    for user, choice in (("U0ALICE", "blue"), ("U0BOB", "red")):
        office.person(user).click(live(office, made, has=f"choose:{choice}"), f"choose:{choice}")
    split = office.agent.see(made)
    assert (split["state"], split["assignee"]) == ("pending", None)
    live(office, made, has="choose:red", contains="somebody has to change their choice")
    office.slack.expect_message("#ops", contains="not to the same")
    office.person("U0ALICE").click(live(office, made, has="choose:red"), "choose:red")
    assert office.agent.see(made)["state"] == "chosen"


@on_sqlite
def test_who_escalates_their_seat_gives_it_to_the_next_of_the_role(closed_office: Office) -> None:
    """Legal hands its seat on: the next of legal is asked, and the turn of finance stays where it is."""
    office = opened(closed_office, ROLES | {"legal": {"members": ["U0DAN", "U0ADMIN"]}})
    made = office.agent.ask("both", {"thing": "door"})
    legal = made["also_asked"][0]
    form = office.form(legal, live(office, made), "escalate").fill("reason", "Not mine")
    assert office.person(legal).submit(form).ok
    later = office.agent.see(made)
    assert later["assignee"] == made["assignee"]
    assert later["also_asked"] == [({"U0DAN", "U0ADMIN"} - {legal}).pop()]
