"""A reviewer edits: nobody makes an agent's request into something that they alone agreed to, by whatever detour."""

from __future__ import annotations

from typing import Any

import pytest
from support import forged
from support.agent import Json
from support.files import ACTIONS, PLAIN, REFUND, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

from playground.kit import Card
from store import approvals

ORDER: Json = {
    "title": "Place an order",
    "describe": "Order {{ params.items | length }} items",
    "editable": ["params.items[*].qty", "params.address"],
}
ACTIONS_HERE = ACTIONS | {
    "order": PLAIN | ORDER,
    "pay_pair": {key: value for key, value in REFUND.items() if key != "conditions"} | {"approvers": 2},
    "fixed": PLAIN | {"editable": []},
    "ship_and_pay": PLAIN | {"approvers": {"finance": 1, "engineering": 1}},
}
ITEMS = [{"sku": "a", "qty": 1, "price": 5}, {"sku": "b", "qty": 2, "price": 7}]


@pytest.fixture
def office(closed_office: Office) -> Office:
    write_manifest(closed_office.folder, ACTIONS_HERE)
    closed_office.open()
    return closed_office


def fresh(office: Office, approval: Json, button: str) -> Card:
    """The card as it shows the request that now holds."""
    digest = str(office.agent.see(approval)["digest"])
    return office.slack.expect_card(approval_id=approval["id"], contains=digest[:12], has=button)


def edit(office: Office, user: str, approval: Json, note: str = "", **values: Any) -> Json:
    """Somebody edits the request in the form; the approval afterwards."""
    form = office.form(user, fresh(office, approval, "edit"), "edit")
    for name, value in values.items():
        form.fill(f"param:{name}", value)
    if note:
        form.fill("note", note)
    assert office.person(user).submit(form).ok
    return office.agent.see(approval)


def approve(office: Office, user: str, approval: Json) -> Json:
    """Somebody taps Approve on the card of the request as it is now; the approval afterwards."""
    office.person(user).click(fresh(office, approval, "approve"), "approve")
    return office.agent.see(approval)


def test_the_beneficiary_is_not_changed_by_one_person(office: Office) -> None:
    """Alice sends the refund to somebody else: it waits for another person, and the agent is told what changed, and both notes."""
    refund = office.agent.refund(480, "ann@example.com")
    waiting = edit(office, "U0ALICE", refund, note="She moved", customer="mallory@example.com")
    assert waiting["state"] == "pending"
    assert office.agent.claim(refund, status=409)["state"] == "pending"
    assert 'params.customer from "ann@example.com" to "mallory@example.com"' in waiting["feedback"]
    assert "Do not run it yet" in waiting["feedback"]
    shown = office.slack.expect_card(approval_id=refund["id"], contains=["has to be confirmed", "She moved"])
    assert "Changed by @alice" in shown.text()
    assert approve(office, "U0ALICE", refund)["state"] == "pending"
    office.person("U0ALICE").expect_ephemeral("another person")
    done = approve(office, "U0BOB", refund)
    assert (done["state"], done["decision"]["kind"], done["decision"]["by"]) == ("edited", "edited", "U0BOB")
    assert done["decision"]["edited_params"]["customer"] == "mallory@example.com"
    grant = office.agent.claim(refund)
    assert (grant["edited"], grant["params"]["customer"]) == (True, "mallory@example.com")
    assert grant["note"] == "She moved"
    for told in (done["feedback"], office.agent.see(refund)["feedback"]):
        assert "exactly as asked" not in told
        assert 'params.customer from "ann@example.com" to "mallory@example.com"' in told
        assert "U0ALICE (note: She moved)" in told
    office.intact()


def test_an_amount_of_what_is_irreversible_is_only_lowered_by_one_person(office: Office) -> None:
    """Alone one lowers the amount and no more: not up, not by another currency beside it, not the amount and something else."""
    assert edit(office, "U0ALICE", office.agent.refund(480), amount_usd="479.5")["state"] == "edited"
    assert edit(office, "U0ALICE", office.agent.refund(480), amount_usd="481")["state"] == "pending"
    both = office.agent.refund(480)
    assert edit(office, "U0ALICE", both, amount_usd="1", customer="m@example.com")["state"] == "pending"
    more = office.agent.ask("process_refund", {"customer": "a@example.com", "amount_usd": 480, "currency": "USD"})
    assert edit(office, "U0ALICE", more, amount_usd="470", currency="EUR")["state"] == "pending"


def test_small_steps_of_one_person_are_one_edit(office: Office) -> None:
    """Alice changes the beneficiary, and then once more something harmless: what she changed before still waits for another."""
    refund = office.agent.refund(480)
    assert edit(office, "U0ALICE", refund, note="First", customer="m@example.com")["state"] == "pending"
    assert edit(office, "U0ALICE", refund, note="Second", amount_usd="470")["state"] == "pending"
    assert edit(office, "U0ALICE", refund, amount_usd="460")["state"] == "pending"
    done = approve(office, "U0BOB", refund)
    assert done["state"] == "edited"
    assert all(word in done["feedback"] for word in ("First", "Second", "m@example.com", "480 to 460"))
    assert office.agent.claim(refund)["note"] == "First\nSecond"


def test_an_amount_is_not_raised_by_going_up_and_down(office: Office) -> None:
    """480, then 9,000, then down to 8,000 is no lower amount than what was asked."""
    refund = office.agent.refund(480)
    assert edit(office, "U0ALICE", refund, amount_usd="9000")["state"] == "pending"
    assert edit(office, "U0ALICE", refund, amount_usd="8000")["state"] == "pending"
    assert edit(office, "U0ALICE", refund, amount_usd="480.5")["state"] == "pending"
    lowered = edit(office, "U0ALICE", refund, amount_usd="400")
    assert (lowered["state"], lowered["params"]["amount_usd"]) == ("edited", 400)


def test_who_changes_it_back_approves_what_was_asked(office: Office) -> None:
    """Alice changes the beneficiary and takes it back: that is a plain yes to what the agent asked for."""
    refund = office.agent.refund(480, "ann@example.com")
    edit(office, "U0ALICE", refund, customer="m@example.com")
    back = edit(office, "U0ALICE", refund, customer="ann@example.com")
    assert (back["state"], back["decision"]["kind"], back["decision"]["edited_params"]) == (
        "approved",
        "approved",
        None,
    )
    assert back["digest"] == refund["digest"]
    assert office.agent.claim(refund)["edited"] is False
    assert "changed back" in back["feedback"]
    assert office.agent.see(refund)["feedback"]


def test_two_editors_confirm_each_other(office: Office) -> None:
    """Bob edits within his reach what Alice changed beyond hers: two people stand behind it; beyond his reach it waits again."""
    refund = office.agent.refund(480)
    edit(office, "U0ALICE", refund, note="Other account", customer="m@example.com")
    again = edit(office, "U0BOB", refund, note="Another one", customer="n@example.com")
    assert again["state"] == "pending"
    assert approve(office, "U0BOB", refund)["state"] == "pending"
    done = edit(office, "U0ALICE", refund, note="Less", amount_usd="100")
    assert (done["state"], done["params"]) == ("edited", {"customer": "n@example.com", "amount_usd": 100})
    assert all(word in done["feedback"] for word in ("Other account", "Another one", "Less", "480 to 100"))
    assert office.agent.claim(refund)["note"] == "Other account\nAnother one\nLess"


def test_an_edit_reaches_into_lists_as_far_as_the_manifest_says(office: Office) -> None:
    """Of each item one person changes the quantity, of the address everything, and neither the price, the list nor another name."""
    params: Json = {"items": ITEMS, "address": {"city": "Bonn", "lines": ["a"]}}

    def state(**changed: str) -> str:
        made = office.agent.ask("order", params)
        return str(edit(office, "U0ALICE", made, **changed)["state"])

    item = '{"sku":"b","qty":2,"price":7}'
    assert state(items=f'[{{"sku":"a","qty":9,"price":5}},{item}]') == "edited"
    assert state(address='{"city":"Rome","lines":["a","b"],"zip":1}') == "edited"
    assert state(address='"Rome"') == "edited"
    assert state(items=f'[{{"sku":"a","qty":9,"price":4}},{item}]') == "pending"
    assert state(items=f'[{{"sku":"a","price":5}},{item}]') == "edited"
    assert state(items=f'[{{"sku":"a","qty":1,"price":5,"gift":true}},{item}]') == "pending"
    assert state(items=f"[{item}]") == "pending"
    assert state(items=f'[{item},{{"sku":"a","qty":1,"price":5}}]') == "pending"
    assert state(items="7") == "pending"


@on_sqlite
def test_an_empty_list_lets_nobody_change_anything_alone(office: Office) -> None:
    """`editable: []` sends every change to another person, of reversible actions too; without the key those are free."""
    assert edit(office, "U0ALICE", office.agent.ask("fixed", {"thing": "door"}), thing="gate")["state"] == "pending"
    free = office.agent.ask("change_thing", {"thing": "door"})
    assert edit(office, "U0ALICE", free, thing="gate")["state"] == "edited"


@on_sqlite
def test_the_form_says_what_one_person_may_change(office: Office) -> None:
    """Before anybody writes, the form says beside each input what another person has to confirm."""
    refund = office.agent.refund(480)
    hints = _hints(office.form("U0ALICE", office.card(refund), "edit").blocks)
    assert "Another person has to confirm" in hints["param:customer"]
    assert "lower it yourself" in hints["param:amount_usd"]
    office.person("U0ALICE").close(everything=True)
    thing = office.agent.ask("change_thing", {"thing": "door"})
    assert "param:thing" not in _hints(office.form("U0ALICE", office.card(thing), "edit").blocks)


def _hints(blocks: list[Json]) -> dict[str, str]:
    return {block["block_id"]: block["hint"]["text"] for block in blocks if block.get("hint")}


def test_an_editor_confirms_their_own_edit_on_no_path(closed_office: Office) -> None:
    """Not on the card, not in the details, not by a forged form, not with a second account, and not by silence."""
    write_manifest(closed_office.folder, ACTIONS_HERE)
    people = {"U0ALICE": {"principal": "alice@example.com"}, "U0DAN": {"principal": "ALICE@example.com"}}
    roles = ROSTER["roles"] | {"finance": {"members": ["U0ALICE", "U0BOB", "U0DAN"]}}
    write_roster(closed_office.folder, people=people, roles=roles)
    closed_office.open()
    office = closed_office
    refund = office.agent.refund(480)
    edit(office, "U0ALICE", refund, customer="m@example.com")
    for user in ("U0ALICE", "U0DAN"):
        assert approve(office, user, refund)["state"] == "pending"
        details = office.form(user, fresh(office, refund, "approve"), "details")
        assert office.person(user).click(details, "approve").ok
        office.person(user).close(everything=True)
        forged.tap(office, user, refund, "approve")
        forged.form(office, user, refund, "approve_modal", note="mine")
        assert office.agent.see(refund)["state"] == "pending", user
    assert edit(office, "U0DAN", refund, amount_usd="100")["state"] == "pending"
    assert approve(office, "U0BOB", refund)["state"] == "edited"


def test_a_quorum_of_two_is_no_dead_end_after_an_edit(office: Office) -> None:
    """A role of two, two approvers: the edit is its editor's yes to the new bytes, and the other's yes completes it."""
    payment = office.agent.ask("pay_pair", {"customer": "ann@example.com", "amount_usd": 480})
    assert edit(office, "U0ALICE", payment, note="Half", amount_usd="240")["state"] == "pending"
    office.slack.expect_card(approval_id=payment["id"], contains=["1 of 2 approvals", "240"])
    done = approve(office, "U0BOB", payment)
    assert (done["state"], done["decision"]["by"]) == ("edited", "U0BOB")
    grant = office.agent.claim(payment)
    assert (grant["edited"], grant["note"], grant["params"]["amount_usd"]) == (True, "Half", 240)
    office.intact()


def test_an_edit_makes_earlier_yeses_void(office: Office) -> None:
    """Bob said yes to 480; Alice's edit is hers alone, also where a second edit brings 480 back, and Bob can say yes anew."""
    payment = office.agent.ask("pay_pair", {"customer": "ann@example.com", "amount_usd": 480})
    assert approve(office, "U0BOB", payment)["state"] == "pending"
    assert edit(office, "U0ALICE", payment, amount_usd="240")["state"] == "pending"
    assert edit(office, "U0ALICE", payment, amount_usd="480")["state"] == "pending", "Bob's yes was to another request"
    assert office.agent.see(payment)["digest"] == payment["digest"]
    read = office.database.read(lambda unit: approvals.load(unit, payment["id"]))
    assert read is not None
    assert [vote.user for vote in read.votes] == ["U0ALICE"], "his yes was to an earlier request of the same words"
    assert approve(office, "U0ALICE", payment)["state"] == "pending"
    assert approve(office, "U0BOB", payment)["state"] == "approved"
    assert office.agent.claim(payment)["edited"] is False


def test_who_said_yes_may_still_edit(office: Office) -> None:
    """Alice said yes and then sees the mistake: her edit takes the place of her yes, and she still counts once."""
    payment = office.agent.ask("pay_pair", {"customer": "ann@example.com", "amount_usd": 480})
    assert approve(office, "U0ALICE", payment)["state"] == "pending"
    assert edit(office, "U0ALICE", payment, amount_usd="400")["state"] == "pending"
    assert edit(office, "U0ALICE", payment, amount_usd="300")["state"] == "pending"
    assert edit(office, "U0BOB", payment, amount_usd="200")["state"] == "pending", "his yes is to 200, hers was to 300"
    assert approve(office, "U0ALICE", payment)["state"] == "edited"


@on_sqlite
def test_an_edit_fills_its_editors_seat_of_a_quorum_by_role(office: Office) -> None:
    """The editor of finance and the yes of engineering make it; a second one of finance does not."""
    payment = office.agent.ask("ship_and_pay", {"thing": "parcel"})
    assert edit(office, "U0ALICE", payment, thing="crate")["state"] == "pending"
    assert approve(office, "U0BOB", payment)["state"] == "pending"
    assert approve(office, "U0DAN", payment)["state"] == "edited"


def test_two_edits_at_once_leave_one(office: Office) -> None:
    """Two people send their forms in the same moment: one edit holds, the other is told that things changed."""
    refund = office.agent.refund(480)
    card = office.card(refund)
    forms = {}
    for user, customer in (("U0ALICE", "m@example.com"), ("U0BOB", "n@example.com")):
        forms[user] = office.form(user, card, "edit").fill("param:customer", customer)
    office.slack.together(*(lambda user=user: office.person(user).submit(forms[user]) for user in forms))
    now = office.agent.see(refund)
    assert now["state"] == "pending"
    assert now["version"] == 2
    assert office.events(refund).count("modified") == 1
    assert office.agent.claim(refund, status=409)["state"] == "pending"


@on_sqlite
def test_an_edit_that_policy_denies_is_refused_in_the_form(office: Office) -> None:
    """Over the limit, also in two steps and also by the other person: refused inside the form, and the request stays as it was."""
    refund = office.agent.refund(480)
    edit(office, "U0ALICE", refund, amount_usd="9000")
    form = office.form("U0BOB", fresh(office, refund, "edit"), "edit").fill("param:amount_usd", "20000")
    assert "limit" in str(office.person("U0BOB").submit(form).errors)
    assert office.agent.see(refund)["params"]["amount_usd"] == 9000


@on_sqlite
def test_nobody_edits_for_ever(office: Office) -> None:
    """What each edit found is kept, so there is an end to them; what was reached can still be confirmed."""
    refund = office.agent.refund(480)
    for number in range(20):
        edit(office, "U0ALICE", refund, customer=f"m{number}@example.com")
    form = office.form("U0ALICE", fresh(office, refund, "edit"), "edit").fill("param:customer", "z")
    assert "changed 20 times" in str(office.person("U0ALICE").submit(form).errors)
    assert approve(office, "U0BOB", refund)["state"] == "edited"
