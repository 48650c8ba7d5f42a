"""A reviewer wants to say yes to what was asked for themselves, and to be two people. An agent helps by naming them oddly."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from support.agent import Agent, Json
from support.files import ACTIONS, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

from playground.model import Person

PATIENCE = 30.0

# Each is meant to be Alice (alice@example.com, U0ALICE) without being taken for her.
SPELLINGS = [
    "alice@example.com",
    "ALICE@EXAMPLE.COM",
    " alice@example.com ",
    "\u00a0alice@example.com\u3000",
    "mailto:alice@example.com",
    "MAILTO:Alice@example.com",
    "<mailto:alice@example.com|alice@example.com>",
    "<mailto:alice@example.com|somebody else>",
    "<alice@example.com>",
    "U0ALICE",
    "u0alice",
    "@U0ALICE",
    "<@U0ALICE>",
    "<@U0ALICE|alice>",
    "ａｌｉｃｅ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    "Ｕ０ＡＬＩＣＥ",
    "al\u200bice@example.com",
    "alice\u2060@exam\ufeffple.com",
    "alice@example.com\u00ad",
    "\u202ealice@example.com",
    "a\u034flice@example.com",
    "𝐚𝐥𝐢𝐜𝐞@example.com",
]
LOOKALIKES = [
    "аlice@example.com",
    "alicе@example.com",
    "al\u0131ce@example.com",
    "alice@example.com.",
    "alice@example.com..",
    "alice+work@example.com",
    "alice @example.com",
    "alice@example.com/",
    "alice",
    "@alice",
    "Alice Adler",
    "Alice Adler <alice@example.com>",
    "slack:U0ALICE",
    "U0ALICE,U0BOB",
    "U0NOBODY",
    "U0SAYSO",
    "nobody@example.com",
    "policy",
]


def office_of(
    office: Office, *, people: Json | None = None, finance: list[str] | None = None, **actions: Json
) -> Office:
    """An office whose roster and manifest are made to measure, and whose directory has been read."""
    roles = ROSTER["roles"] | {"finance": {"members": finance or ["U0ALICE", "U0BOB"]}}
    write_manifest(office.folder, ACTIONS | actions)
    write_roster(office.folder, roles=roles, people=ROSTER["people"] if people is None else people)
    office.open()
    users = {user for role in roles.values() for user in role["members"]}
    office.until(lambda: users <= office.server.world.directory.people.keys(), "the directory is read")
    return office


def second_account(office: Office, user: str, email: str | None, name: str = "second") -> None:
    office.slack.workspace.add_person(Person(user, name, "Second Account", "333333", email))


def refused(office: Office, user: str, approval: Json, words: str) -> None:
    """Every way to decide is closed to that person, on their own card or anybody's."""
    card = office.card(approval, timeout=PATIENCE)
    before = len(office.person(user).ephemerals())
    for verb in ("approve", "reject", "edit", "take_over", "request_info", "escalate"):
        if card.has(verb):
            office.person(user).click(card, verb)
        else:
            office.person(user).select(card, "overflow", verb)
    told = office.person(user).ephemerals()[before:]
    assert len(told) >= 3, office.slack.transcript()
    assert all(words in one.text() for one in told), [one.text() for one in told]
    assert not office.person(user).modals()
    assert office.agent.see(approval)["state"] == "pending"


@on_sqlite
def test_no_spelling_lets_a_reviewer_approve_their_own_request(office: Office) -> None:
    """Alice, named in every way one can think of, is still Alice: she cannot approve, and is not asked."""
    office.until(lambda: len(office.server.world.directory.people) >= 4, "the directory is read")
    for spelling in SPELLINGS:
        refund = office.agent.refund(on_behalf_of=spelling)
        assert refund["assignee"] == "U0BOB", spelling
        card = office.card(refund, timeout=PATIENCE)
        office.person("U0ALICE").click(card, "approve")
        assert office.agent.see(refund)["state"] == "pending", spelling
        assert "own behalf" in office.person("U0ALICE").ephemerals()[-1].text()
        office.person("U0BOB").click(card, "approve")
        assert office.agent.see(refund)["decision"]["by"] == "U0BOB"
    assert office.events().count("refused") == len(SPELLINGS)


@on_sqlite
def test_a_name_that_is_nobodys_is_refused_and_nothing_is_stored(office: Office) -> None:
    """Homoglyphs, dots at the end, half names and strangers name nobody that Sayso knows: 422, the field, no row, no card."""
    office.until(lambda: len(office.server.world.directory.people) >= 4, "the directory is read")
    for name in LOOKALIKES:
        for spelling in (name, f" {name}"):
            problem = office.agent.refund(on_behalf_of=spelling, status=422)
            assert problem["field"] == "on_behalf_of", spelling
            route = office.agent.raw("POST", "/route", json={"action": "remind", "on_behalf_of": spelling})
            assert (route.status_code, route.json()["field"]) == (422, "on_behalf_of")
    assert office.agent.listing()["approvals"] == []
    assert office.trail() == []


@on_sqlite
def test_external_hides_nobody_of_the_house(office: Office) -> None:
    """`external:` before any spelling of a reviewer, also one that only looks like theirs, is refused."""
    office.until(lambda: len(office.server.world.directory.people) >= 4, "the directory is read")
    for spelling in [*SPELLINGS, *LOOKALIKES[:7], "external:alice@example.com", "Alice Adler <alice@example.com>"]:
        for prefix in ("external:", "EXTERNAL: ", "ｅｘｔｅｒｎａｌ：", "exter\u200bnal:"):
            problem = office.agent.refund(on_behalf_of=prefix + spelling, status=422)
            assert problem["field"] == "on_behalf_of", prefix + spelling
    stranger = office.agent.refund(on_behalf_of="external:ann@customer.example")
    card = office.card(stranger, timeout=PATIENCE)
    assert "somebody outside your organisation" in card.text()
    office.person("U0ALICE").click(card, "approve")
    assert office.agent.see(stranger)["state"] == "approved"


def test_a_reviewer_is_shut_out_on_every_path(closed_office: Office) -> None:
    """Who it was asked for can neither approve, reject, edit, take over, ask back nor pass it on."""
    office = office_of(closed_office)
    refund = office.agent.refund(on_behalf_of="<@U0ALICE>")
    refused(office, "U0ALICE", refund, "own behalf")
    question = office.agent.ask("change_thing", {"thing": "x"}, on_behalf_of="U0ALICE")
    refused(office, "U0ALICE", question, "own behalf")
    office.intact()


def test_a_second_account_is_the_same_person(closed_office: Office) -> None:
    """Alice's other account, known by the roster's principal or by Slack's e-mail address, is Alice."""
    second_account(closed_office, "U0ALICE2", "a.adler@example.com", "alice2")
    second_account(closed_office, "U0ALICE3", "Alice@Example.com", "alice3")
    people = {"U0ALICE": {"principal": "alice@example.com"}, "U0ALICE2": {"principal": "ALICE@example.com"}}
    office = office_of(closed_office, people=people, finance=["U0ALICE", "U0ALICE2", "U0ALICE3", "U0BOB"])
    for name in ("alice@example.com", "a.adler@example.com", "U0ALICE2", "U0ALICE3"):
        refund = office.agent.refund(on_behalf_of=name)
        assert refund["assignee"] == "U0BOB"
        card = office.card(refund, timeout=PATIENCE)
        for user in ("U0ALICE", "U0ALICE2", "U0ALICE3"):
            office.person(user).click(card, "approve")
            office.person(user).expect_ephemeral("own behalf")
        assert office.agent.see(refund)["state"] == "pending"


def test_who_cannot_be_told_apart_decides_nothing_for_anybody(closed_office: Office) -> None:
    """Where Slack gives no e-mail address and the roster no principal, a reviewer neither decides nor is asked for what
    is for somebody; of what is for nobody they do."""
    for user in ("U0BOB", "U0ALICE"):
        closed_office.slack.workspace.people[user].email = None
    office = office_of(closed_office, finance=["U0ALICE", "U0BOB", "U0DAN"], people={"U0ALICE": {"principal": "alice"}})
    for name in ("dan@example.com", "external:ann@customer.example"):
        refund = office.agent.refund(on_behalf_of=name)
        assert refund["assignee"] != "U0BOB"
        card = office.card(refund, timeout=PATIENCE)
        office.person("U0BOB").click(card, "approve")
        office.person("U0BOB").expect_ephemeral("neither Slack nor the roster says who you are")
        assert office.agent.see(refund)["state"] == "pending"
        office.person("U0ALICE").click(card, "approve")
        assert office.agent.see(refund)["state"] == "approved", "the roster says who she is"
    assert office.agent.refund(on_behalf_of="alice@example.com", status=422)["field"] == "on_behalf_of"
    for_nobody = office.agent.refund()
    office.person("U0BOB").click(office.card(for_nobody, timeout=PATIENCE), "approve")
    assert office.agent.see(for_nobody)["state"] == "approved"


@on_sqlite
def test_where_nobody_can_be_told_apart_nobody_is_asked(closed_office: Office) -> None:
    """Without e-mail addresses and principals, a request for somebody is refused with the role's name."""
    for person in closed_office.slack.workspace.people.values():
        person.email = None
    office = office_of(closed_office, people={})
    problem = office.agent.refund(on_behalf_of="U0DAN", status=422)
    assert "finance" in problem["detail"]
    assert office.agent.refund()["state"] == "pending"


TWO = PLAIN | {"approvers": 2, "kinds": ["confirm", "choose", "input"]}
SCREEN = PLAIN | {"severity": "low", "batch": True, "describe": "Tidy {{ params.thing }}"}


def twice(office: Office, approval: Json, *users: str) -> str:
    """Each of them approves; the state afterwards."""
    card = office.card(approval, timeout=PATIENCE)
    for user in users:
        office.person(user).click_stale(card, "approve")
    state: str = office.agent.see(approval)["state"]
    return state


@pytest.fixture
def doubled(closed_office: Office) -> Office:
    """Alice has two accounts in finance; Bob and Dan one each."""
    second_account(closed_office, "U0ALICE2", "a.adler@example.com", "alice2")
    people = {"U0ALICE": {"principal": "alice@example.com"}, "U0ALICE2": {"principal": "<mailto:alice@example.com>"}}
    members = ["U0ALICE", "U0ALICE2", "U0BOB", "U0DAN"]
    seats = TWO | {"approvers": {"finance": 1, "engineering": 1}}
    return office_of(closed_office, people=people, finance=members, pay_twice=TWO, seated=seats, tidy=SCREEN)


def test_two_accounts_are_one_vote(doubled: Office) -> None:
    """Both accounts of one person fill one of two seats; another person fills the second, before or after."""
    payment = doubled.agent.ask("pay_twice", {"thing": "invoice"})
    assert twice(doubled, payment, "U0ALICE", "U0ALICE2", "U0ALICE") == "pending"
    doubled.person("U0ALICE2").expect_ephemeral("already given your approval")
    assert twice(doubled, payment, "U0BOB") == "approved"
    other = doubled.agent.ask("pay_twice", {"thing": "another"})
    assert twice(doubled, other, "U0ALICE2", "U0ALICE") == "pending"
    doubled.intact()


def test_two_accounts_racing_are_one_vote(doubled: Office) -> None:
    """Both accounts tap at the same moment: one yes, on both databases."""
    for round_ in range(3):
        payment = doubled.agent.ask("pay_twice", {"thing": f"invoice {round_}"})
        card = doubled.card(payment, timeout=PATIENCE)
        people = [doubled.person(user) for user in ("U0ALICE", "U0ALICE2")]
        doubled.slack.together(*(partial(person.click_stale, card, "approve") for person in people))
        assert doubled.agent.see(payment)["state"] == "pending"
        assert twice(doubled, payment, "U0DAN") == "approved"


def test_a_person_confirms_no_edit_of_their_own(doubled: Office) -> None:
    """What one account edited the other cannot confirm: it counts as the same person's."""
    payment = doubled.agent.ask("pay_twice", {"thing": "invoice"})
    form = doubled.form("U0ALICE", doubled.card(payment, timeout=PATIENCE), "edit").fill("param:thing", "another")
    assert doubled.person("U0ALICE").submit(form).ok
    doubled.slack.expect_update(doubled.card(payment), contains="another")
    assert twice(doubled, payment, "U0ALICE2", "U0ALICE", "U0ALICE2") == "pending"
    assert twice(doubled, payment, "U0BOB") == "edited"


def chosen(office: Office, user: str, approval: Json, choice: str) -> None:
    card = office.card(approval, has=f"choose:{choice}", timeout=PATIENCE)
    office.person(user).click_stale(card, f"choose:{choice}")


def test_two_accounts_make_no_choice_of_two(doubled: Office) -> None:
    """The same candidate picked, or the same answer given, with both accounts of one person is one yes; either may change
    their mind with the other account, and it stays one."""
    rooms = [{"id": name, "label": name.title()} for name in ("north", "south")]
    asked = doubled.agent.ask("pay_twice", {"thing": "x"}, kind="choose", question="Which room?", choices=rooms)
    for user, choice in (("U0ALICE", "north"), ("U0ALICE2", "north"), ("U0ALICE2", "south"), ("U0ALICE", "south")):
        chosen(doubled, user, asked, choice)
        assert doubled.agent.see(asked)["state"] == "pending", (user, choice)
    chosen(doubled, "U0BOB", asked, "south")
    decided = doubled.agent.see(asked)
    assert (decided["state"], decided["decision"]["choice"]) == ("chosen", "south")
    doubled.intact()


def test_the_other_reviewer_is_another_person(doubled: Office) -> None:
    """Overdue, or after a vote, the turn never goes to another account of somebody who had it already."""
    payment = doubled.agent.ask("pay_twice", {"thing": "invoice"})
    seen = [payment["assignee"]]
    for _ in range(4):
        doubled.advance(901)
        seen.append(doubled.agent.see(payment)["assignee"])
    assert not {"U0ALICE", "U0ALICE2"} <= set(seen), seen
    assert {"U0BOB", "U0DAN"} <= set(seen)


@on_sqlite
def test_a_screen_of_several_is_no_way_round(doubled: Office) -> None:
    """Of a screen that holds one of Alice's own, neither account of hers decides that one; the others it does."""
    doubled.server.world.gather_seconds = 60.0
    mine = {"on_behalf_of": "alice@example.com"}
    asked = [
        doubled.agent.ask("tidy", {"thing": f"room {number}"}, **(mine if number == 1 else {})) for number in range(3)
    ]
    doubled.advance(61)
    doubled.server.world.signals.outbox_filled()
    card = doubled.card(asked[0], has="batch_approve", timeout=PATIENCE)
    doubled.person("U0ALICE2").check(card, "batch_select", [one["id"] for one in asked])
    doubled.person("U0ALICE2").click(card, "batch_approve")
    doubled.person("U0ALICE2").expect_ephemeral("own behalf")
    assert [doubled.agent.see(one)["state"] for one in asked] == ["approved", "pending", "approved"]


@on_sqlite
def test_a_quorum_that_one_person_would_have_to_fill_is_refused(closed_office: Office) -> None:
    """Two accounts of one person cannot meet `approvers: 2`: nobody is asked in vain."""
    people = {"U0ALICE": {"principal": "alice@example.com"}, "U0BOB": {"principal": "alice@example.com"}}
    office = office_of(closed_office, people=people)
    assert "finance" in office.agent.ask("pay_twice", {"thing": "x"}, status=422)["detail"]
    assert office.agent.ask("change_thing", {"thing": "x"})["state"] == "pending"


def bound(office: Office, name: str, principal: str) -> Agent:
    """An agent whom an operator bound to that person."""
    return office.agent_called(name, principal=principal)


def test_an_agent_that_acts_for_somebody_acts_for_nobody_else(closed_office: Office) -> None:
    """Leaving the field out means its person; naming another, an external or nobody known is refused."""
    office = office_of(closed_office)
    agent = bound(office, "assistant", "alice@example.com")
    for more in ({}, {"on_behalf_of": None}, {"on_behalf_of": "<@U0ALICE>"}, {"on_behalf_of": " ALICE@example.com"}):
        mine = agent.refund(**more)
        assert mine["assignee"] == "U0BOB"
        office.person("U0ALICE").click(office.card(mine, timeout=PATIENCE), "approve")
        office.person("U0ALICE").expect_ephemeral("own behalf")
        assert agent.see(mine)["state"] == "pending"
    for other in ("bob@example.com", "external:ann@customer.example", "nobody@example.com", ""):
        assert agent.refund(on_behalf_of=other, status=422)["field"] == "on_behalf_of"


@on_sqlite
def test_a_person_who_is_no_longer_known_cannot_be_acted_for(closed_office: Office) -> None:
    """An agent bound to somebody whom neither roster nor Slack knows any more asks for nobody: refused, until bound anew."""
    office = office_of(closed_office)
    problem = bound(office, "assistant", "carol@former.example").refund(status=422)
    assert problem["field"] == "on_behalf_of"
    assert "operator" in problem["detail"]


def test_a_rename_on_the_roster_frees_nobody(closed_office: Office) -> None:
    """After the roster names Alice otherwise, what was asked for her under the old name is still hers."""
    office = office_of(closed_office)
    refund = office.agent.refund(on_behalf_of="alice@example.com")
    card = office.card(refund, timeout=PATIENCE)
    closed_office.slack.workspace.people["U0ALICE"].email = "adler@example.com"
    write_roster(office.folder, people={"U0ALICE": {"principal": "alice.adler"}})
    office.until(lambda: office.server.world.book.roster.person("U0ALICE").principal == "alice.adler", "the new roster")
    office.person("U0ALICE").click(card, "approve")
    office.person("U0ALICE").expect_ephemeral("own behalf")
    assert office.agent.see(refund)["state"] == "pending"


def test_a_slack_user_whom_nobody_met_is_met(closed_office: Office) -> None:
    """A user id that Slack knows and Sayso does not yet is looked up once; one that Slack does not know is refused."""
    second_account(closed_office, "U0EVE", "alice@example.com", "eve")
    office = office_of(closed_office)
    refund = office.agent.refund(on_behalf_of="<@U0EVE>")
    office.person("U0ALICE").click(office.card(refund, timeout=PATIENCE), "approve")
    office.person("U0ALICE").expect_ephemeral("own behalf")
    assert office.agent.see(refund)["state"] == "pending"
    for _ in range(2):
        assert office.agent.refund(on_behalf_of="U0NOBODY", status=422)["field"] == "on_behalf_of"


@on_sqlite
def test_naming_strangers_without_end_does_not_spend_slacks_patience(closed_office: Office) -> None:
    """Made-up user ids are looked up thirty times a minute at most, whatever agents name."""
    office = office_of(closed_office)
    before = len(office.slack.calls_to("users.info"))
    for number in range(40):
        office.agent.refund(on_behalf_of=f"U0MADEUP{number}", status=422)
    assert len(office.slack.calls_to("users.info")) - before <= 30
    people: dict[str, Any] = dict(office.server.world.directory.people)
    assert not [user for user in people if user.startswith("U0MADEUP")]
