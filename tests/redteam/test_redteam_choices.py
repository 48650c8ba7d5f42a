"""Choices and answers are a yes to the action: nobody gets around a quorum, an amount or the full view by asking otherwise."""

from __future__ import annotations

import secrets

import pytest
from support import forged
from support.agent import Json
from support.files import ACTIONS, ANY_KIND, PLAIN, REFUND, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

CHOICES = [{"id": "blue", "label": "The blue one"}, {"id": "red", "label": "The red one", "detail": "costs more"}]
CHOOSE: Json = {"kind": "choose", "question": "Which?", "choices": CHOICES}
INPUT: Json = {"kind": "input", "question": "Which cost centre?"}
ASKS = [CHOOSE, INPUT]
PAIR = REFUND | {"approvers": 2}
TYPED = REFUND | {"confirm_amount_above_usd": 400}
ACTIONS_HERE = ACTIONS | {
    "pay_pair": PAIR,
    "pay_typed": TYPED,
    "only_yes": {key: value for key, value in PLAIN.items() if key != "kinds"},
    "only_choose": PLAIN | {"kinds": ["choose"]},
    "by_roles": PLAIN | {"approvers": {"finance": 1, "engineering": 1}, "kinds": ANY_KIND},
}
MONEY = {"customer": "ann@example.com", "amount_usd": 9000}


@pytest.fixture
def office(closed_office: Office) -> Office:
    write_manifest(closed_office.folder, ACTIONS_HERE)
    closed_office.open()
    return closed_office


def answer(office: Office, user: str, approval: Json, text: str, **more: str) -> Json:
    """Somebody answers in the form; the approval afterwards."""
    form = office.form(user, office.card(approval), "answer").fill("answer", text)
    for name, value in more.items():
        form.fill(name, value)
    assert office.person(user).submit(form).ok
    return office.agent.see(approval)


def test_one_answer_does_not_fill_a_quorum(office: Office) -> None:
    """An agent asks for a cost centre where two people must agree: one answer grants nothing, nor does the same person's second."""
    ask = office.agent.ask("pay_pair", MONEY, **INPUT)
    assert answer(office, "U0ALICE", ask, "4711")["state"] == "pending"
    assert office.agent.claim(ask, status=409)["state"] == "pending"
    form = office.form("U0ALICE", office.card(ask), "answer").fill("answer", " 4711\r\n")
    assert "already given your approval" in office.person("U0ALICE").submit(form).modal.text()
    office.person("U0ALICE").close(everything=True)
    assert answer(office, "U0ALICE", ask, "4712")["state"] == "pending", "a change of mind is no second person"
    card = office.slack.expect_card(approval_id=ask["id"], contains=["1 of 2 approvals", "4712"])
    form = office.form("U0BOB", card, "answer")
    assert "4712" in str(form.values), "who comes second sees what was answered, and can agree to it as it is"
    assert office.person("U0BOB").submit(form).ok
    done = office.agent.see(ask)
    assert (done["state"], done["decision"]["answer"], done["decision"]["by"]) == ("answered", "4712", "U0BOB")
    assert office.agent.claim(ask)["answer"] == "4712"
    office.intact()


def test_different_answers_do_not_add_up(office: Office) -> None:
    """Two people who answer differently agree on nothing, however alike the words; one of them can come round."""
    ask = office.agent.ask("pay_pair", MONEY, **INPUT)
    answer(office, "U0ALICE", ask, "NO. Do not run this.")
    assert answer(office, "U0BOB", ask, "no. do not run this.")["state"] == "pending"
    assert office.agent.claim(ask, status=409)["state"] == "pending"
    assert answer(office, "U0ALICE", ask, "no. do not run this.")["state"] == "answered"


def test_two_different_choices_at_once_grant_nothing(office: Office) -> None:
    """Two people choose differently in the same moment: none of it is granted, until one of them changes their mind."""
    ask = office.agent.ask("pay_pair", MONEY, **CHOOSE)
    card = office.card(ask, has="choose:blue")
    alice, bob = office.person("U0ALICE"), office.person("U0BOB")
    office.slack.together(lambda: alice.click(card, "choose:blue"), lambda: bob.click(card, "choose:red"))
    assert office.agent.see(ask)["state"] == "pending"
    assert office.agent.claim(ask, status=409)["state"] == "pending"
    office.slack.expect_card(
        approval_id=ask["id"], contains=["1 of 2 approvals", "Yes with The blue one", "Yes with The red one"]
    )
    alice.click(office.card(ask, has="choose:red"), "choose:red")
    done = office.agent.see(ask)
    assert (done["state"], done["decision"]["choice"]) == ("chosen", "red")
    assert office.agent.claim(ask)["choice"] == "red"
    trail = [(line["actor"], line.get("choice")) for line in office.trail(ask) if line["event"] == "chosen"]
    assert sorted(trail) == [("U0ALICE", "blue"), ("U0ALICE", "red"), ("U0BOB", "red")]
    office.intact()


def test_the_same_choice_at_once_by_two_people_is_one_grant(office: Office) -> None:
    """Two people choose the same in the same moment: that is what two people are for, and it is granted once."""
    ask = office.agent.ask("pay_pair", MONEY, **CHOOSE)
    card = office.card(ask, has="choose:blue")
    alice, bob = office.person("U0ALICE"), office.person("U0BOB")
    office.slack.together(lambda: alice.click(card, "choose:blue"), lambda: bob.click(card, "choose:blue"))
    assert office.agent.see(ask)["state"] == "chosen"
    assert office.events(ask).count("chosen") == 2


@on_sqlite
@pytest.mark.parametrize("kind", ["choose", "input"])
def test_what_the_manifest_does_not_list_is_refused(office: Office, kind: str) -> None:
    """An agent asks in a way that the action does not list: 422 that names the kind, nothing stored, also in a dry run."""
    more = CHOOSE if kind == "choose" else INPUT
    for action, accepted in (("only_yes", False), ("only_choose", kind == "choose"), ("change_thing", True)):
        body = {"action": action, "params": {"thing": "door"}, **more}
        key = {"Idempotency-Key": secrets.token_hex(8)}
        for path, status in (("/route", 200), ("/approvals", 201)):
            found = office.agent.raw("POST", path, json=body, headers=key)
            assert found.status_code == (status if accepted else 422), (action, path)
            assert accepted or found.json()["field"] == "kind"
    listed = office.agent.listing()["approvals"]
    assert {one["action"] for one in listed} == {"change_thing"} | ({"only_choose"} if kind == "choose" else set())
    assert office.agent.ask("only_choose", {"thing": "door"}, status=422)["field"] == "kind"


@pytest.mark.parametrize("ask", ASKS, ids=["choose", "input"])
def test_no_other_button_decides_a_question(office: Office, ask: Json) -> None:
    """A plain yes, an edit or a batch, forged for a request that asks something, decides nothing of it."""
    made = office.agent.ask("change_thing", {"thing": "door"}, **ask)
    office.card(made)
    assert forged.tap(office, "U0ALICE", made, "approve") == 200
    forged.form(office, "U0ALICE", made, "approve_modal")
    forged.form(office, "U0ALICE", made, "edit_modal", param__thing="gate", note="x")
    now = office.agent.see(made)
    forged.tap(office, "U0ALICE", made, "batch_approve", value=f"{now['id']}|{now['digest']}")
    other = "answer_modal" if ask is CHOOSE else "choose_modal"
    forged.form(office, "U0ALICE", made, other, answer="blue", choose="blue")
    forged.tap(office, "U0ALICE", made, "choose:green")
    assert office.agent.see(made) == now
    assert now["state"] == "pending"


@pytest.mark.parametrize("ask", ASKS, ids=["choose", "input"])
def test_a_large_amount_is_typed_for_a_choice_and_an_answer_too(office: Office, ask: Json) -> None:
    """Above confirm_amount_above_usd neither a forged tap nor a form without the amount grants; the typed amount does."""
    made = office.agent.ask("pay_typed", {"customer": "ann@example.com", "amount_usd": 480}, **ask)
    card = office.card(made)
    assert not [name for name in card.actions() if name.startswith("choose:")]
    if ask is CHOOSE:
        forged.tap(office, "U0ALICE", made, "choose:blue")
        form, name, value = office.person("U0ALICE").expect_modal("choose_modal"), "choose", "blue"
    else:
        form, name, value = office.form("U0ALICE", card, "answer"), "answer", "4711"
    form.fill(name, value)
    assert office.agent.see(made)["state"] == "pending"
    assert "amount" in office.person("U0ALICE").submit(form, force=True).errors
    form.fill("amount", "479")
    assert "amount" in office.person("U0ALICE").submit(form).errors
    assert forged.form(office, "U0BOB", made, form.callback_id, **{name: value})[1]["response_action"] == "errors"
    assert office.agent.see(made)["state"] == "pending"
    form.fill("amount", "$480")
    assert office.person("U0ALICE").submit(form).ok
    assert office.agent.see(made)["state"] in ("chosen", "answered")


@on_sqlite
def test_what_does_not_fit_is_read_before_it_is_chosen_or_answered(office: Office) -> None:
    """Where the card cannot show everything, no tap on it chooses: the form shows everything before it can be sent."""
    lines = {f"line {number}": "x" * 60 for number in range(150)}
    for ask, action in ((CHOOSE, "choose"), (INPUT, "answer")):
        made = office.agent.ask("change_thing", {"thing": "door", "lines": lines}, **ask)
        form = office.form("U0BOB", office.card(made), action)
        assert all(name in form.text() for name in lines)
        office.person("U0BOB").close(everything=True)
    made = office.agent.ask("change_thing", {"thing": "door", "lines": lines}, **CHOOSE)
    office.card(made)
    forged.tap(office, "U0BOB", made, "choose:red")
    assert office.person("U0BOB").expect_modal("choose_modal")
    assert office.agent.see(made)["state"] == "pending"


@on_sqlite
def test_candidates_that_do_not_fit_are_not_chosen_unread(office: Office) -> None:
    """Candidates whose details are too long for the card, in any script, have no buttons there; a forged tap opens the form."""
    details = ["\u4eba" * 1900, "x" * 1900, "y" * 250]
    for detail in details:
        many = [{"id": f"c{number}", "label": f"No {number}", "detail": detail} for number in range(5)]
        made = office.agent.ask("change_thing", {"thing": "door"}, kind="choose", question="?" * 1900, choices=many)
        card = office.card(made)
        assert not [name for name in card.actions() if name.startswith("choose:")], detail[:1]
        forged.tap(office, "U0BOB", made, "choose:c1")
        assert office.person("U0BOB").expect_modal("choose_modal")
        office.person("U0BOB").close(everything=True)
        assert office.agent.see(made)["state"] == "pending"


@pytest.mark.parametrize("ask", ASKS, ids=["choose", "input"])
def test_a_takeover_is_neither_chosen_nor_answered(office: Office, ask: Json) -> None:
    """What a person has to do by hand cannot be granted by a choice or an answer, forged or not."""
    for _ in range(2):
        refund = office.agent.refund(20)
        office.agent.claim(refund)
        office.agent.result(refund, "failed")
    made = office.agent.ask("change_thing", {"thing": "door"}, **ask)
    assert made["level"] == "human_takeover"
    office.card(made)
    forged.tap(office, "U0ALICE", made, "choose:blue")
    forged.form(office, "U0ALICE", made, "choose_modal", choose="blue")
    forged.form(office, "U0ALICE", made, "answer_modal", answer="4711")
    assert office.agent.see(made)["state"] == "pending"


@on_sqlite
@pytest.mark.parametrize("ask", ASKS, ids=["choose", "input"])
def test_nobody_chooses_or_answers_for_themselves(office: Office, ask: Json) -> None:
    """The principal of a request, and whoever holds none of its roles, neither choose nor answer."""
    made = office.agent.ask("change_thing", {"thing": "door"}, on_behalf_of="alice@example.com", **ask)
    office.card(made)
    for user in ("U0ALICE", "U0CAROL", "U0GUEST"):
        forged.tap(office, user, made, "choose:blue")
        forged.form(office, user, made, "choose_modal", choose="blue")
        forged.form(office, user, made, "answer_modal", answer="4711")
    assert office.agent.see(made)["state"] == "pending"
    assert office.events(made).count("refused") >= 3


def test_an_answer_says_that_it_approves_and_rejecting_stands_beside_it(office: Office) -> None:
    """The control of a choice or an answer says that it approves, on the card and in the form, and the form offers to reject."""
    for ask, name in ((CHOOSE, "choose"), (INPUT, "answer")):
        made = office.agent.ask("change_thing", {"thing": "door"}, **ask)
        card = office.card(made)
        assert [label for label in card.buttons() if "pprove" in label], card.buttons()
        details = office.form("U0ALICE", card, "details")
        form = office.person("U0ALICE").click(details, name).modal
        assert form.raw["submit"]["text"] == f"Approve with this {name}".replace("choose", "choice")
        assert "approves the action" in form.text()
        assert "To say no, reject it" in form.text()
        no = office.person("U0ALICE").click(form, "reject").modal.fill("reason", "NO. Do not run this.")
        assert office.person("U0ALICE").submit(no).ok
        assert office.agent.see(made)["state"] == "rejected"
        assert not office.person("U0ALICE").modals()


@on_sqlite
def test_answering_in_the_details_is_held_to_the_quorum(office: Office) -> None:
    """A detour over the details of the card changes nothing: one yes of two, of each role one."""
    made = office.agent.ask("by_roles", {"thing": "door"}, **INPUT)
    for user, state in (("U0ALICE", "pending"), ("U0BOB", "pending"), ("U0DAN", "answered")):
        details = office.form(user, office.card(made), "details")
        form = office.person(user).click(details, "answer").modal.fill("answer", "4711")
        assert office.person(user).submit(form).ok
        assert office.agent.see(made)["state"] == state, user


def test_two_accounts_of_one_person_do_not_agree_with_each_other(closed_office: Office) -> None:
    """One person of two accounts chooses and answers once, whichever account taps."""
    write_manifest(closed_office.folder, ACTIONS_HERE)
    people = {"U0ALICE": {"principal": "alice@example.com"}, "U0BOB": {"principal": "Alice@Example.com "}}
    roles = ROSTER["roles"] | {"finance": {"members": ["U0ALICE", "U0BOB", "U0ADMIN", "U0DAN"]}}
    write_roster(closed_office.folder, people=people, roles=roles)
    closed_office.open()
    office = closed_office
    made = office.agent.ask("pay_pair", MONEY, **CHOOSE)
    office.person("U0ALICE").click(office.card(made, has="choose:blue"), "choose:blue")
    office.person("U0BOB").click(office.card(made, has="choose:blue"), "choose:blue")
    office.person("U0BOB").expect_ephemeral("another person")
    office.person("U0BOB").click(office.card(made, has="choose:red"), "choose:red")
    office.person("U0ALICE").click(office.card(made, has="choose:red"), "choose:red")
    assert office.agent.see(made)["state"] == "pending"
    office.person("U0DAN").click(office.card(made, has="choose:red"), "choose:red")
    assert office.agent.see(made)["state"] == "chosen"
