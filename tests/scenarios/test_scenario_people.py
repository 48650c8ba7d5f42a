"""Who may decide, and what those are told who may not, who come too late, or who tap twice."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from support.files import ROSTER, write_roster
from support.marks import on_sqlite
from support.office import Office

OUTSIDERS = {
    "U0CAROL": "Only members of finance",
    "U0ADMIN": "Only members of finance",
    "U0GUEST": "Guests",
    "U0GONE": "deactivated",
    "U0STRANGER": "another Slack workspace",
    "U0SAYSO": "Bots",
}


@on_sqlite
@pytest.mark.parametrize("user", [*OUTSIDERS, *(f"{user} on the roster" for user in list(OUTSIDERS)[2:])])
def test_who_may_not_decide_is_told_why(closed_office: Office, user: str) -> None:
    """Guests, bots, strangers and deactivated people decide nothing, be they on the roster or not, and are told."""
    user, _, listed = user.partition(" ")
    words = OUTSIDERS[user]
    if listed:
        roles = ROSTER["roles"] | {"finance": {"members": ["U0ALICE", user]}}
        write_roster(closed_office.folder, roles=roles)
    closed_office.open()
    office = closed_office
    refund = office.agent.refund()
    card = office.card(refund)
    for verb in ("approve", "reject", "edit", "take_over", "request_info", "escalate"):
        office.person(user).click(card, verb)
        office.person(user).expect_ephemeral(words)
    assert not office.person(user).modals()
    assert office.agent.see(refund)["version"] == 1
    assert set(office.events(refund)) <= {"requested", "gate_presented", "refused"}
    assert "refused" in office.events(refund)


def test_nobody_decides_for_themselves(office: Office) -> None:
    """A request on Alice's behalf goes to somebody else, and her tap is refused whichever name it used for her."""
    for principal in ("alice@example.com", "ALICE@example.com ", "U0ALICE"):
        refund = office.agent.refund(on_behalf_of=principal)
        assert refund["assignee"] == "U0BOB"
        office.person("U0ALICE").click(office.card(refund), "approve")
        office.person("U0ALICE").expect_ephemeral("on your own behalf")
        assert office.agent.see(refund)["state"] == "pending"
    office.advance(901)
    assert office.agent.see(refund)["assignee"] == "U0CAROL", "not even when it is overdue"


@on_sqlite
def test_who_left_since_the_card_was_posted_decides_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights are asked again at the tap: somebody deactivated since is refused."""
    refund = office.agent.refund()
    card = office.card(refund)
    monkeypatch.setattr("bot.slack.people.FRESH_SECONDS", 0.0)
    with office.slack.workspace.changing():
        office.slack.workspace.people["U0BOB"].deleted = True
    office.person("U0BOB").click(card, "approve")
    office.person("U0BOB").expect_ephemeral("deactivated")
    assert office.agent.see(refund)["state"] == "pending"


@on_sqlite
def test_when_slack_cannot_say_who_somebody_is_nothing_happens(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the directory out of reach and no recent copy, a tap is refused rather than believed."""
    refund = office.agent.refund()
    card = office.card(refund)
    monkeypatch.setattr("bot.slack.people.FRESH_SECONDS", 0.0)
    monkeypatch.setattr("bot.slack.people.STALE_SECONDS", 0.0)
    office.slack.faults.inject("users.info", "server_error", times=None)
    office.person("U0BOB").click(card, "approve")
    office.person("U0BOB").expect_ephemeral("could not confirm")
    assert office.agent.see(refund)["state"] == "pending"
    office.slack.faults.clear()
    office.person("U0BOB").click(card, "approve")
    assert office.agent.see(refund)["state"] == "approved"


@on_sqlite
def test_only_admins_steer(office: Office) -> None:
    """Pausing, cancelling, stopping and starting are for admins; others are refused where only they see it."""
    office.agent.beat("run-1")
    for user in ("U0ALICE", "U0GUEST", "U0STRANGER", "U0GONE"):
        for words in ("pause run-1", "resume run-1", "cancel run-1", "stop", "start"):
            reply = office.person(user).command("/sayso", words).reply
            assert reply is not None
            assert reply.ephemeral_to == user
            assert any(piece in reply.text() for piece in ("admins", "cannot decide")), reply.text()
    assert office.agent.session("run-1")["state"] == "running"
    assert office.trail() == []


def test_a_double_tap_is_one_decision(office: Office) -> None:
    """Two taps of one person in the same instant are one decision, and no error to anybody."""
    refund = office.agent.refund()
    card = office.card(refund)
    office.slack.faults.clicks("double")
    response = office.person("U0ALICE").click(card, "approve")
    assert [response.status, response.duplicates[0].status] == [200, 200]
    assert office.agent.see(refund)["state"] == "approved"
    assert office.events(refund).count("approved") == 1
    assert "refused" not in office.events(refund)
    assert not office.person("U0ALICE").ephemerals()


@on_sqlite
def test_the_same_signed_request_again_changes_nothing(office: Office) -> None:
    """A replay of a signed tap within its five minutes is answered as before and decides nothing anew."""
    refund = office.agent.refund()
    card = office.card(refund)
    tap = office.person("U0ALICE").click(card, "approve")
    office.agent.claim(refund)
    for _ in range(3):
        assert office.slack.replay(tap)[0] == 200
    assert office.agent.see(refund)["state"] == "claimed"
    assert office.events(refund).count("approved") == 1
    form = office.form("U0ALICE", office.card(office.agent.refund(), excluding=card), "reject")
    form.fill("reason", "No")
    sent = office.person("U0ALICE").submit(form)
    for _ in range(2):
        assert office.slack.replay(sent)[0] == 200
    assert office.events().count("rejected") == 1


def race(office: Office, refund: dict[str, Any]) -> list[Any]:
    card = office.card(refund)
    people = [office.person("U0ALICE"), office.person("U0BOB")]
    return office.slack.together(*[lambda person=person: person.click(card, "approve") for person in people])


def test_two_people_racing_make_one_decision(office: Office) -> None:
    """Of two people who tap at the same moment one decides, and the other is told who did and when."""
    for _ in range(5):
        refund = office.agent.refund()
        assert [response.status for response in race(office, refund)] == [200, 200]
        decided = office.agent.see(refund)
        winner = decided["decision"]["by"]
        loser, name = ("U0BOB", "@alice") if winner == "U0ALICE" else ("U0ALICE", "@bob")
        told = office.person(loser).expect_ephemeral("Already approved")
        assert name in told.text()
        assert (decided["state"], decided["version"]) == ("approved", 2)
        assert office.events(refund).count("approved") == 1
    office.intact()


def test_yes_and_no_at_the_same_moment(office: Office) -> None:
    """Approve and Reject racing: one of them holds, never both, and the card, the agent and the trail agree."""
    for number in range(3):
        refund = office.agent.refund(customer=f"customer-{number}")
        card = office.card(refund)
        form = office.form("U0BOB", card, "reject").fill("reason", "No")
        yes = partial(office.person("U0ALICE").click, card, "approve")
        office.slack.together(yes, partial(office.person("U0BOB").submit, form))
        state = office.agent.see(refund)["state"]
        assert state in ("approved", "rejected")
        assert [event for event in office.events(refund) if event in ("approved", "rejected")] == [state]
        office.person("U0BOB").close(everything=True)


def test_two_votes_at_the_same_moment_both_count(office: Office) -> None:
    """With a quorum of two, two people who tap at the same moment are two votes; neither is lost nor told off."""
    for _ in range(5):
        payment = office.agent.ask("pay_twice", {"thing": "invoice"})
        race(office, payment)
        assert office.agent.see(payment)["state"] == "approved"
        assert office.events(payment).count("approved") == 2
    assert not office.person("U0ALICE").ephemerals()
    assert not office.person("U0BOB").ephemerals()


def test_a_tap_and_the_agents_cancel_at_the_same_moment(office: Office) -> None:
    """A tap racing with the agent's withdrawal: one story, and a cancelled request cannot be claimed."""
    for _ in range(3):
        refund = office.agent.refund()
        yes = partial(office.person("U0ALICE").click, office.card(refund), "approve")
        office.slack.together(yes, partial(office.agent.raw, "POST", f"/approvals/{refund['id']}/cancel", json={}))
        state = office.agent.see(refund)["state"]
        assert state == "cancelled", "an approval that is not claimed can still be withdrawn"
        office.agent.claim(refund, status=409)


def test_a_tap_and_the_sweep_at_the_same_moment(office: Office) -> None:
    """A tap that meets the reassignment still decides: whoever was asked may answer."""
    for _ in range(3):
        refund = office.agent.refund()
        yes = partial(office.person("U0ALICE").click, office.card(refund), "approve")
        office.server.database.shift_seconds += 901
        office.slack.together(yes, office.server.sweep)
        assert office.agent.see(refund)["state"] == "approved"
    office.intact()


@on_sqlite
def test_a_tap_on_what_has_changed_decides_nothing(office: Office) -> None:
    """After an edit the old card's buttons are dead: the person is told, and sees the new values before deciding."""
    refund = office.agent.refund(480)
    card = office.card(refund)
    form = office.form("U0ALICE", card, "edit").fill("param:amount_usd", "900")
    stale_form = office.form("U0BOB", card, "reject").fill("reason", "No")
    assert office.person("U0ALICE").submit(form).ok
    office.person("U0BOB").click_stale(card, "approve")
    office.person("U0BOB").expect_ephemeral("changed")
    refused = office.person("U0BOB").submit(stale_form)
    assert "changed" in refused.modal.text()
    waiting = office.agent.see(refund)
    assert (waiting["state"], waiting["params"]["amount_usd"]) == ("pending", 900)


@on_sqlite
def test_a_forged_value_approves_nothing(office: Office) -> None:
    """A signed tap with another approval's digest, none, or nonsense decides nothing."""
    refund, other = office.agent.refund(), office.agent.refund(481)
    card = office.card(refund)
    values = [
        f"{refund['id']}|{other['digest']}",
        f"{refund['id']}|",
        refund["id"],
        "",
        "x|y",
        f"apr_none|{refund['digest']}",
    ]
    office.person("U0ALICE").click_stale(card, "details")
    for value in values:
        payload = dict(office.slack.deliveries[-1].sent.payload)
        payload["actions"] = [payload["actions"][0] | {"action_id": "approve", "value": value}]
        assert office.slack.send_signed(payload)[0] == 200
    assert office.agent.see(refund)["state"] == "pending"
    assert office.agent.see(other)["state"] == "pending"


def test_a_decision_is_acknowledged_after_it_is_stored(office: Office) -> None:
    """What was acknowledged is stored: right after the 200 the decision is there."""
    refund = office.agent.refund()
    card = office.card(refund)
    response = office.person("U0ALICE").click(card, "approve")
    assert response.status == 200
    assert office.agent.see(refund)["state"] == "approved"
