"""One person decides: every verb, from the request to the result, as a conversation."""

from __future__ import annotations

from typing import Any

import pytest
from support.files import ROSTER, write_roster
from support.marks import on_sqlite
from support.office import Office


def test_approve(office: Office) -> None:
    """A tap on Approve lets the agent claim and report once; card and trail tell the story."""
    refund = office.agent.refund()
    assert (refund["state"], refund["route"], refund["level"]) == ("pending", "ask", "hard_approval")
    card = office.card(refund, channel="#finance", contains=["Refund $480", "ann@example.com"])
    assert card.metadata == {"event_type": "sayso_card", "event_payload": {"approval_id": refund["id"]}}
    office.until(lambda: "gate_presented" in office.events(refund), "the card is on record")
    assert office.person("U0ALICE").click(card, "approve").ok
    after = office.slack.expect_update(card, contains=["Approved", "@alice"])
    assert not after.has("approve")
    approved = office.agent.see(refund)
    assert (approved["state"], approved["decision"]["by"]) == ("approved", "U0ALICE")
    assert approved["decision"]["latency_ms"] >= 0
    grant = office.agent.claim(refund)
    assert grant["params"] == {"customer": "ann@example.com", "amount_usd": 480}
    assert (grant["digest"], grant["edited"], grant["note"]) == (refund["digest"], False, None)
    assert office.agent.result(refund, detail="ledger 7")["state"] == "succeeded"
    office.slack.expect_update(after, contains="Done")
    assert office.events(refund) == ["requested", "gate_presented", "approved", "resumed", "result"]
    office.intact()


@on_sqlite
def test_reject_with_a_reason(office: Office) -> None:
    """Reject asks for the reason, insists on it, and the agent gets it as feedback it can read."""
    refund = office.agent.refund()
    card = office.card(refund)
    form = office.form("U0BOB", card, "reject")
    assert form.callback_id == "reject_modal"
    assert office.person("U0BOB").submit(form, force=True).errors
    assert office.agent.see(refund)["state"] == "pending"
    form.fill("reason", "The order was never paid")
    assert office.person("U0BOB").submit(form).ok
    rejected = office.agent.see(refund)
    assert (rejected["state"], rejected["decision"]["by"]) == ("rejected", "U0BOB")
    assert rejected["decision"]["note"] == "The order was never paid"
    assert "The order was never paid" in rejected["feedback"]
    office.slack.expect_update(card, contains=["Rejected", "never paid"])
    assert office.agent.claim(refund, status=409)["state"] == "rejected"


@on_sqlite
def test_details_are_for_everybody(office: Office) -> None:
    """Anybody of the team can read everything about a request, and reading decides nothing."""
    refund = office.agent.refund(reason="The parcel was lost", risks=["paid twice"])
    card = office.card(refund)
    modal = office.form("U0DAN", card, "details")
    assert all(piece in modal.text() for piece in ("ann@example.com", "480", "The parcel was lost", "paid twice"))
    assert office.agent.see(refund)["version"] == 1


def test_edit(office: Office) -> None:
    """An edit changes the parameters and the digest; the grant holds the new ones, and says so."""
    refund = office.agent.refund(480)
    card = office.card(refund)
    form = office.form("U0ALICE", card, "edit")
    form.fill("param:amount_usd", "300").fill("note", "Half is enough")
    assert office.person("U0ALICE").submit(form).ok
    edited = office.agent.see(refund)
    assert (edited["state"], edited["params"]["amount_usd"]) == ("edited", 300)
    assert edited["decision"]["edited_params"]["amount_usd"] == 300
    assert edited["digest"] != refund["digest"]
    grant = office.agent.claim(refund)
    assert (grant["params"]["amount_usd"], grant["edited"]) == (300, True)
    assert (grant["digest"], grant["note"]) == (edited["digest"], "Half is enough")
    assert "modified" in office.events(refund)


@on_sqlite
def test_an_edit_over_the_limit_is_refused_in_the_form(office: Office) -> None:
    """An edit that policy denies is refused inside the modal, and the request stays as it was."""
    refund = office.agent.refund()
    form = office.form("U0ALICE", office.card(refund), "edit").fill("param:amount_usd", "20000")
    refused = office.person("U0ALICE").submit(form)
    assert "limit" in str(refused.errors)
    form.fill("param:amount_usd", "many")
    assert office.person("U0ALICE").submit(form, force=True).errors
    form.fill("param:amount_usd", "480")
    assert "nothing was changed" in str(office.person("U0ALICE").submit(form).errors)
    assert office.agent.see(refund)["version"] == 1


def test_a_riskier_edit_needs_another_person(office: Office) -> None:
    """An edit that passes always_approve_above_usd is recorded and waits for somebody else, who sees the new values."""
    refund = office.agent.refund(480)
    card = office.card(refund)
    form = office.form("U0ALICE", card, "edit").fill("param:amount_usd", "900")
    assert office.person("U0ALICE").submit(form).ok
    waiting = office.agent.see(refund)
    assert (waiting["state"], waiting["params"]["amount_usd"]) == ("pending", 900)
    changed = office.slack.expect_update(card, contains="900")
    office.person("U0ALICE").click(changed, "approve")
    office.person("U0ALICE").expect_ephemeral("another person")
    assert office.agent.see(refund)["state"] == "pending"
    office.person("U0BOB").click(changed, "approve")
    assert office.agent.see(refund)["decision"]["by"] == "U0BOB"
    assert office.agent.claim(refund)["params"]["amount_usd"] == 900


def test_take_over_and_hand_back(office: Office) -> None:
    """A person does it by hand, with everything they need; the agent is told which steps not to repeat."""
    told = {
        "reason": "The parcel is lost",
        "completed_steps": ["looked up the order"],
        "expected_outcome": "Money back",
    }
    refund = office.agent.refund(**told, checkpoint={"step": 3})
    card = office.card(refund)
    form = office.form("U0ALICE", card, "take_over").fill("note", "I know this customer")
    assert office.person("U0ALICE").submit(form).ok
    assert office.agent.see(refund)["state"] == "taken_over"
    assert office.agent.claim(refund, status=409)["state"] == "taken_over"
    package = [
        "Taken over by @alice",
        "can only read now",
        "$480",
        "I know this customer",
        "Why it stopped to ask: The parcel",
    ]
    package += [
        "Done so far",
        "looked up the order",
        "step: 3",
        "What it was aiming for: Money back",
    ]
    office.slack.expect_card(channel="#ops", contains=package)
    under = office.slack.expect_message("#finance", contains=package, timeout=20)
    assert under.thread_ts == card.ts, "the package stands under its card too"
    taken = office.slack.expect_update(card, contains="Taken over")
    form = office.form("U0ALICE", taken, "hand_back")
    form.fill("steps", "Called the customer\nPaid by cheque\n")
    assert office.person("U0ALICE").submit(form).ok
    back = office.agent.see(refund)
    assert back["state"] == "handed_back"
    assert back["decision"]["human_steps"] == ["Called the customer", "Paid by cheque"]
    assert "Paid by cheque" in back["feedback"]


def test_request_info_stops_the_clock(office: Office) -> None:
    """While a question is open nothing falls due; the agent's answer reaches the card, and the clock goes on."""
    refund = office.agent.refund()
    card = office.card(refund)
    form = office.form("U0ALICE", card, "request_info").fill("question", "Which order?")
    assert office.person("U0ALICE").submit(form).ok
    asked = office.agent.see(refund)
    assert (asked["state"], asked["info_request"]["text"]) == ("pending", "Which order?")
    assert "Which order?" in asked["feedback"]
    office.advance(7200)
    assert office.agent.see(refund)["assignee"] == refund["assignee"], "the clock stands still"
    answered = office.agent.answer(refund, "Order 7, paid in May")
    assert answered["info_request"] is None
    assert answered["due_at"] > asked["due_at"]
    fresh = office.slack.expect_update(office.slack.refresh(card), contains="Order 7, paid in May")
    told = office.slack.expect_message(
        "#finance", contains=["the deadline is running again", "Order 7, paid in May"], timeout=20
    )
    assert told.thread_ts == card.ts
    office.agent.answer(refund, "again", status=409)
    office.person("U0ALICE").click(fresh, "approve")
    assert office.agent.see(refund)["state"] == "approved"
    assert office.events(refund).count("info_answered") == 1


def test_escalate(office: Office) -> None:
    """A reviewer who is not sure hands the card to the next role, who reads why; whoever escalated no longer has the live card."""
    refund = office.agent.refund()
    card = office.card(refund)
    form = office.form("U0ALICE", card, "escalate").fill("reason", "Too unusual for me")
    assert office.person("U0ALICE").submit(form).ok
    moved = office.agent.see(refund)
    assert (moved["state"], moved["assignee"]) == ("pending", "U0CAROL")
    next_card = office.card(refund, excluding=card)
    assert "@carol" in next_card.text()
    assert "Passed on by @alice to finance_lead: “Too unusual for me”" in next_card.text()
    assert next_card.mentions() == ["<@U0CAROL>"]
    gone = office.slack.expect_update(card, contains="Moved to")
    assert not gone.actions()
    office.person("U0CAROL").click(next_card, "approve")
    assert office.agent.see(refund)["decision"]["by"] == "U0CAROL"
    assert "escalated" in office.events(refund)


CHOICES = [{"id": "blue", "label": "The blue one"}, {"id": "red", "label": "The red one"}]


def test_choose(office: Office) -> None:
    """The reviewer picks one of the candidates, and the grant names it."""
    ask: dict[str, Any] = {"kind": "choose", "choices": CHOICES, "question": "Which?"}
    thing = office.agent.ask("change_thing", {"thing": "door"}, **ask)
    card = office.card(thing, contains=["The blue one", "The red one"])
    office.person("U0BOB").click(card, "choose:red")
    chosen = office.agent.see(thing)
    assert (chosen["state"], chosen["decision"]["choice"]) == ("chosen", "red")
    assert office.agent.claim(thing)["choice"] == "red"


@on_sqlite
def test_choose_among_many(office: Office) -> None:
    """Candidates too many for buttons are picked in a menu or a form; all of them can be."""
    choices = [{"id": f"c{number}", "label": f"Candidate {number} " + "x" * 60} for number in range(30)]
    thing = office.agent.ask("change_thing", {"thing": "door"}, kind="choose", choices=choices)
    card = office.card(thing)
    form = office.form("U0BOB", card, "choose")
    assert len(form.options("choose")) == 30
    form.fill("choose", "c29")
    assert office.person("U0BOB").submit(form).ok
    assert office.agent.see(thing)["decision"]["choice"] == "c29"


@on_sqlite
def test_answer(office: Office) -> None:
    """An open question is answered in words."""
    thing = office.agent.ask("change_thing", {"thing": "door"}, kind="input", question="Which colour?")
    form = office.form("U0BOB", office.card(thing, contains="Which colour?"), "answer")
    form.fill("answer", "Green, please")
    assert office.person("U0BOB").submit(form).ok
    answered = office.agent.see(thing)
    assert (answered["state"], answered["decision"]["answer"]) == ("answered", "Green, please")
    assert office.agent.claim(thing)["answer"] == "Green, please"


def test_two_people_must_agree(office: Office) -> None:
    """With a quorum of two, one yes waits, the same person's second yes counts for nothing, another's decides."""
    payment = office.agent.ask("pay_twice", {"thing": "invoice"})
    card = office.card(payment)
    office.person("U0ALICE").click(card, "approve")
    assert office.agent.see(payment)["state"] == "pending"
    half = office.slack.expect_update(card)
    office.person("U0ALICE").click(half, "approve")
    office.person("U0ALICE").expect_ephemeral("another person")
    assert office.agent.see(payment)["state"] == "pending"
    office.person("U0BOB").click(half, "approve")
    approved = office.agent.see(payment)
    assert (approved["state"], approved["decision"]["by"]) == ("approved", "U0BOB")
    office.intact()


@on_sqlite
def test_one_of_each_role_must_agree(office: Office) -> None:
    """Two yeses of one role do not fill the other role's seat."""
    payment = office.agent.ask("pay_and_ship", {"thing": "parcel"})
    card = office.card(payment)
    for user in ("U0ALICE", "U0BOB"):
        office.person(user).click(card, "approve")
        assert office.agent.see(payment)["state"] == "pending"
    office.person("U0DAN").click(card, "approve")
    assert office.agent.see(payment)["state"] == "approved"


@on_sqlite
@pytest.mark.parametrize("order", [("U0CAROL", "U0DAN"), ("U0DAN", "U0CAROL"), ("U0CAROL", "U0ALICE")])
def test_who_holds_two_roles_never_blocks_a_quorum(closed_office: Office, order: tuple[str, str]) -> None:
    """Somebody of both roles takes whichever seat is left, whether they come first or last; the card shows how far it is."""
    roles = ROSTER["roles"] | {"finance": {"members": ["U0ALICE", "U0CAROL"]}}
    write_roster(closed_office.folder, roles=roles)
    closed_office.open()
    payment = closed_office.agent.ask("pay_and_ship", {"thing": "parcel"})
    card = closed_office.card(payment, contains="0 of 2 approvals")
    first, second = order
    closed_office.person(first).click(card, "approve")
    name = {"U0CAROL": "carol", "U0DAN": "dan"}[first]
    half = closed_office.slack.expect_update(card, contains=["1 of 2 approvals", f"Yes from @{name}"])
    closed_office.person(second).click(half, "approve")
    approved = closed_office.agent.see(payment)
    assert (approved["state"], approved["decision"]["by"]) == ("approved", second)


@on_sqlite
def test_one_no_ends_a_quorum(office: Office) -> None:
    """After one yes of two, a no ends it, also from the one who said yes."""
    for user in ("U0ALICE", "U0BOB"):
        payment = office.agent.ask("pay_twice", {"thing": "invoice"})
        card = office.card(payment)
        office.person("U0ALICE").click(card, "approve")
        form = office.form(user, card, "reject").fill("reason", "No")
        assert office.person(user).submit(form).ok
        assert office.agent.see(payment)["state"] == "rejected"


@on_sqlite
def test_policy_alone_lets_small_things_run(office: Office) -> None:
    """Below the manifest's amount nobody is asked; the agent claims as always, and no card appears."""
    refund = office.agent.refund(20)
    assert (refund["state"], refund["route"], refund["level"]) == ("approved", "auto", "full_auto")
    assert refund["decision"]["by"] == "policy"
    assert office.agent.claim(refund)["params"]["amount_usd"] == 20
    assert office.events(refund) == ["requested", "auto_proceeded", "resumed"]
    office.slack.expect_no_card(approval_id=refund["id"])


@on_sqlite
def test_people_are_told_of_severe_things_that_run(office: Office) -> None:
    """A severe action that needs no approval runs, and its channel is told."""
    key = office.agent.ask("rotate_key", {"thing": "key"})
    assert (key["state"], key["level"]) == ("approved", "notify_only")
    office.slack.expect_card(channel="#finance", contains=["without asking", "Change key"])
    assert "notified" in office.events(key)


@on_sqlite
def test_over_the_limit_is_denied(office: Office) -> None:
    """Over the limit the answer is no at once, with the reason, and nobody is bothered."""
    refund = office.agent.refund(20_000)
    assert (refund["state"], refund["route"], refund["level"]) == ("denied", "deny", None)
    assert "over the limit" in refund["why"][0]
    assert office.agent.claim(refund, status=409)["state"] == "denied"
    office.slack.expect_no_card(approval_id=refund["id"])


@on_sqlite
def test_an_unknown_action_is_blocked_and_operations_are_told(office: Office) -> None:
    """What the manifest does not know never runs; operations hear of it once, not each time."""
    for _ in range(2):
        blocked = office.agent.ask("launch_rocket", {"to": "moon"})
        assert (blocked["state"], blocked["route"]) == ("blocked", "block")
    office.slack.expect_card(channel="#ops", contains=["launch_rocket", "blocked"])
    assert len([card for card in office.slack.cards("#ops") if "launch_rocket" in card.text()]) == 1
    assert office.agent.claim(blocked, status=409)["state"] == "blocked"


@on_sqlite
def test_what_does_not_fit_is_read_before_it_is_approved(office: Office) -> None:
    """Where the card cannot show everything, Approve opens the full view, and only its last page approves."""
    lines = {f"line {number}": "x" * 60 for number in range(150)}
    thing = office.agent.ask("change_thing", {"thing": "door", "lines": lines})
    card = office.card(thing)
    form = office.form("U0BOB", card, "approve")
    assert form.callback_id == "approve_modal"
    assert office.agent.see(thing)["state"] == "pending"
    seen = form.text()
    while form.has("details_page"):
        buttons = [button for button in form.buttons() if button == "Next page"]
        if not buttons:
            break
        form = office.person("U0BOB").click(form, "Next page").modal
        seen += form.text()
    assert all(name in seen for name in lines)
    assert office.person("U0BOB").submit(form).ok
    assert office.agent.see(thing)["state"] == "approved"


@on_sqlite
def test_an_agent_that_keeps_failing_is_taken_over(office: Office) -> None:
    """After two failures within a day nothing of that agent can be approved; a person does it."""
    for _ in range(2):
        refund = office.agent.refund(20)
        office.agent.claim(refund)
        office.agent.result(refund, "failed", detail="no connection")
    refund = office.agent.refund(20)
    assert (refund["state"], refund["level"]) == ("pending", "human_takeover")
    card = office.card(refund)
    assert not card.has("approve")
    assert card.has("take_over")
    assert office.agent_called("steady").refund(20)["state"] == "approved"
