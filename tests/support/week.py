"""An office's honest week: approvals in every state, with votes, edits, labels, lost levels and delegations beside them."""

from __future__ import annotations

from support.agent import Agent, Json
from support.files import ACTIONS, PLAIN, write_manifest
from support.office import Office

MORE: dict[str, Json] = {
    "undoable": PLAIN | {"approval_required": False, "severity": "low", "undo_window_seconds": 600},
    "earned": PLAIN | {"autonomy": {"start": "soft_approval"}},
    "limited": PLAIN
    | {
        "amount": "params.usd",
        "aggregate": {"window_seconds": 3600, "per": "params.to", "ask_above_usd": 200, "deny_above_usd": 20000},
        "params_schema": {"type": "object", "properties": {"usd": {"type": "number"}, "to": {"type": "string"}}},
    },
    "sampled": PLAIN | {"approval_required": False, "severity": "low", "sample_review": 1.0},
}


def opened(office: Office) -> None:
    """A server with actions enough for every kind of end."""
    write_manifest(office.folder, ACTIONS | MORE)
    office.open()


def live(office: Office) -> list[Json]:
    """A week of all that can happen, over and quiet: the server has stopped. What the agent last saw of each."""
    agent, alice, bob = office.agent, office.person("U0ALICE"), office.person("U0BOB")

    def done(approval: Json, outcome: str = "succeeded", by: Agent = agent) -> Json:
        by.claim(approval)
        return by.result(approval, outcome)

    def act(user: str, approval: Json, name: str, **values: str) -> None:
        form = office.form(user, office.card(approval), name)
        for field, value in values.items():
            form = form.fill(field.replace("__", ":"), value)
        assert office.person(user).submit(form).ok

    early = office.agent_called("early")
    gone, silent = early.refund(412), early.refund(413)
    alice.click(office.card(silent), "approve")
    early.claim(silent)
    office.advance(100_000)
    assert [early.see(one)["state"] for one in (gone, silent)] == ["expired", "outcome_unknown"]
    waiting = agent.refund(checkpoint={"step": 3}, session_id="s1", reason="late")
    approved, claimed, failed, rejected, edited, lent, info, moved = (agent.refund(400 + n) for n in range(8))
    for one in (approved, claimed, failed, lent):
        alice.click(office.card(one), "approve")
    agent.claim(claimed)
    done(failed, "failed")
    act("U0ALICE", rejected, "reject", reason="No")
    act("U0ALICE", edited, "edit", param__amount_usd="300", note="Half")
    unlucky, _ = office.agent_called("unlucky"), office.agent_called("child")
    agent.delegate(lent, "child")
    act("U0ALICE", info, "request_info", question="Why?")
    agent.answer(info, "Because.")
    act("U0ALICE", moved, "escalate", reason="Too unusual")
    agent.cancel(agent.refund(410))
    once, twice = (agent.ask("pay_twice", {"thing": str(n)}) for n in range(2))
    alice.click(office.card(once), "approve")
    for person in (alice, bob):
        person.click(office.card(twice), "approve")
    done(twice)
    hand = agent.refund(411, session_id="s2")
    act("U0ALICE", hand, "take_over", note="Mine")
    undone, free = agent.ask("undoable", {"thing": "a"}), agent.ask("undoable", {"thing": "b"})
    agent.claim(undone)
    act("U0ALICE", undone, "undo", note="The wrong one")
    agent.label(undone, "reverted")
    agent.label(done(free), "correct")
    for number in range(2):
        earned = unlucky.ask("earned", {"thing": str(number)})
        alice.click(office.card(earned), "approve")
        done(earned, "failed", unlucky)
    agent.label(failed, "incident")
    for number in range(3):
        agent.ask("limited", {"usd": 60 + number, "to": "ann"})
    done(agent.ask("sampled", {"thing": "x"}))
    agent.ask("unheard_of", {"thing": "x"})
    agent.refund(20_000)
    office.until(lambda: office.events().count("gate_presented") >= 10, "cards are known to be posted")
    found = [agent.see(one["id"]) for one in (waiting, approved, claimed, failed, edited, lent, info, twice)]
    office.server.stop()
    return found
