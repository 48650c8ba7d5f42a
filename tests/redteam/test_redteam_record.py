"""An operator with the database's password edits what was asked, decided or counted; nothing of it is ever claimed."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from support.agent import Json
from support.office import Office

from policies.approval import digest_of_approval
from store import approvals
from store.unit import Unit

LATE = "'2099-01-01T00:00:00.000000Z'"
MORE = '{"amount_usd":9000,"customer":"eve@example.com"}'
# Everything about what may be run, under whose yes and until when; each alone, after an honest yes.
EDITS = {
    "the parameters": f"params = '{MORE}'",
    "one blank in them": "params = replace(params, 'ann@', 'ann @')",
    "the request": 'request = replace(request, \'"reason":"late"\', \'"reason":"lost"\')',
    "the parameters in the request": "request = replace(request, '480', '9000')",
    "the action": "action = 'delete_branch'",
    "the action in the request": "request = replace(request, 'process_refund', 'delete_branch')",
    "the agent's name": "agent = 'somebody'",
    "whom it is for": "principal = 'eve'",
    "the session": "session_id = 'another'",
    "the policy's version": "policy_version = 'v0'",
    "the policy": "policy = replace(policy, '900', '901')",
    "the level": "level = 'full_auto'",
    "the route": "route = 'auto'",
    "the reasons": "why = '[\"because\"]'",
    "the sentence": "sentence = 'Refund nothing'",
    "the digest": "digest = 'dddd'",
    "the version": "version = version + 1",
    "the time to claim": f"clock_claim_by = {LATE}",
    "the expiry": f"expires_at = {LATE}",
    "the amount that counts": "amount_micros = 1",
    "what it counts for": "aggregate_key = 'somebody'",
    "the decision": "decision = replace(decision, 'U0ALICE', 'U0EVE')",
    "who decided": "decided_by = 'U0EVE'",
    "when it was decided": "decided_at = '2020-01-01T00:00:00.000000Z'",
    "whose turn it was": "assignee = 'U0EVE'",
    "the roles that decide": "reached_roles = '[\"anybody\"]'",
    "when it was asked": "created_at = '2020-01-01T00:00:00.000000Z'",
    "the key": "idempotency_key = 'another'",
    "the owner": "owner = 'U0EVE'",
}


def edit(office: Office, approval: Json, assignment: str) -> None:
    """As the database's owner does it, without asking Sayso."""
    statement = text(f"UPDATE approvals SET {assignment.replace(':', chr(92) + ':')} WHERE id = :id")

    def work(unit: Unit) -> None:
        before = unit.execute(text("SELECT * FROM approvals WHERE id = :id"), {"id": approval["id"]}).one()
        unit.execute(statement, {"id": approval["id"]})
        after = unit.execute(text("SELECT * FROM approvals WHERE id = :id"), {"id": approval["id"]}).one()
        assert before != after, f"the edit changed nothing: {assignment}"

    office.database.run(work)


def refused(office: Office, approval: Json) -> str:
    """Claim it, in vain: a 409 that says why, a row in the trail, and operations told, once; what was said."""
    answers = [
        office.agent.raw("POST", f"/approvals/{approval['id']}/claim", json={"nonce": "n" * 8}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [409, 409], answers[0].text
    said = str(answers[0].json()["detail"])
    assert "changed outside Sayso" in said
    rows = [line for line in office.trail(approval) if line["event"] == "refused" and line["decision"] == "claim"]
    assert [line["rationale"] for line in rows] == [said]
    office.until(lambda: alarms(office, approval), "operations are told")
    assert len(alarms(office, approval)) == 1
    return said


def alarms(office: Office, approval: Json) -> list[str]:
    texts = [json.dumps(message.blocks) for message in office.slack.messages("#ops")]
    return [said for said in texts if "changed outside Sayso" in said and approval["id"] in said]


def approved(office: Office) -> Json:
    approval = office.agent.refund(reason="late", on_behalf_of="external:ann", session_id="s1")
    office.person("U0ALICE").click(office.card(approval), "approve")
    assert office.agent.see(approval)["state"] == "approved"
    return approval


def test_whatever_is_edited_after_the_yes_is_not_claimed(office: Office) -> None:
    """Each edit alone: no grant, whatever it was, and the trail's own words where it has them; untouched ones go on."""
    untouched = approved(office)
    for what, assignment in EDITS.items():
        approval = approved(office)
        edit(office, approval, assignment)
        said = refused(office, approval)
        assert "is not" in said or "are not" in said, f"{what}: {said}"
    assert office.agent.claim(untouched)["params"]["amount_usd"] == 480


def test_the_parameters_with_a_digest_that_fits_them(office: Office) -> None:
    """Who also knows how a digest is made gets no further: the trail has the one that the reviewer saw."""
    approval = approved(office)
    edit(office, approval, f"params = '{MORE}'")

    def fitting(unit: Unit) -> str:
        found = approvals.load(unit, approval["id"])
        assert found is not None
        return digest_of_approval(found)

    edit(office, approval, f"digest = '{office.database.read(fitting)}'")
    assert "its version" not in refused(office, approval)


@pytest.mark.parametrize("end", ["pending", "rejected", "cancelled", "expired"])
def test_a_yes_that_nobody_gave(office: Office, end: str) -> None:
    """A request that waits, or ended otherwise, is made approved with all that a decision has: it stays unclaimed."""
    approval = office.agent.refund(reason="late", session_id="s1")
    card = office.card(approval)
    if end == "rejected":
        office.person("U0ALICE").submit(office.form("U0ALICE", card, "reject").fill("reason", "No"))
    elif end == "cancelled":
        office.agent.cancel(approval)
    elif end == "expired":
        office.advance(100_000)
    assert office.agent.see(approval)["state"] == end
    model = approved(office)
    names = ("state", "decision", "decided_by", "decided_at", "clock_due_at", "clock_remind_at", "clock_expires_at")
    copied = [f"{name} = (SELECT {name} FROM approvals WHERE id = '{model['id']}')" for name in names]
    edit(office, approval, ", ".join([*copied, f"clock_claim_by = {LATE}", f"wake_at = {LATE}"]))
    assert "state" in refused(office, approval)


def test_a_card_drawn_from_an_edited_row_is_not_approved(office: Office) -> None:
    """The reviewer who taps what was slipped under the card is told so, and a no still counts."""
    approval = office.agent.refund(reason="late")
    card = office.card(approval)
    edit(office, approval, f"params = '{MORE}'")
    office.person("U0ALICE").click(card, "approve")
    office.person("U0ALICE").expect_ephemeral(contains="changed outside Sayso")
    assert office.agent.see(approval)["state"] == "pending"
    assert [line["actor"] for line in office.trail(approval) if line["event"] == "refused"] == ["U0ALICE"]
    office.until(lambda: alarms(office, approval), "operations are told")
    form = office.form("U0ALICE", card, "reject").fill("reason", "Not what was asked")
    assert office.person("U0ALICE").submit(form).ok
    assert office.agent.see(approval)["state"] == "rejected"


def test_an_edit_that_a_later_move_covers_up(office: Office) -> None:
    """An edit before an honest move is summed up with it, and found all the same: what the move found was another row."""
    approval = office.agent.refund(reason="late")
    office.card(approval)
    edit(office, approval, "level = 'soft_approval'")
    office.person("U0ALICE").click(office.card(approval), "request_info")
    form = office.form("U0ALICE", office.card(approval), "request_info").fill("question", "Why?")
    assert office.person("U0ALICE").submit(form).ok
    office.agent.answer(approval, "Because.")
    office.person("U0ALICE").click(office.card(approval), "approve")
    assert office.agent.see(approval)["state"] == "pending"
    assert any("was changed between rows" in str(line["rationale"]) for line in office.trail(approval))


def test_the_grant_that_was_given_is_not_given_again_for_other_parameters(office: Office) -> None:
    """The same nonce gets the same grant, and another one never: an edit after the claim ends that."""
    approval = approved(office)
    assert office.agent.claim(approval, nonce="n" * 8)["params"]["amount_usd"] == 480
    edit(office, approval, f"params = '{MORE}'")
    refused(office, approval)
