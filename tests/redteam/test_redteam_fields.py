"""An agent chooses its own fields: sessions, principals, evidence, labels, silence. None of them loosens anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.agent import Agent, Json
from support.files import PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office
from support.servers import command

FREE: Json = PLAIN | {"severity": "low", "approval_required": False}
GOOD = {"retrieval_hits": 9, "tool_errored": False, "self_consistency": 1.0, "schema_ok": True}


def opened(office: Office, **actions: Json) -> Office:
    office.manifest = write_manifest(office.folder, {"wipe": FREE, "change_thing": PLAIN, **actions})
    office.open()
    office.until(lambda: len(office.server.world.directory.people) >= 4, "the directory is read")
    return office


def ask(office: Office, action: str = "wipe", **body: Any) -> Json:
    return office.agent.ask(action, {"thing": "x"}, **body)


def approve(office: Office, made: Json) -> None:
    office.person("U0ALICE").click(office.card(made), "approve")


# --- sessions ----------------------------------------------------------------------------------------------------------


def test_fresh_sessions_do_not_beat_a_checkpoint(closed_office: Office) -> None:
    """A session of its own for each request, or none: every third asks all the same."""
    office = opened(closed_office, wipe=FREE | {"checkpoint_every": 3})
    sessions: list[Json] = [
        {"session_id": "a"},
        {"session_id": "b"},
        {"session_id": "c"},
        {},
        {"session_id": "A"},
        {"session_id": "a "},
    ]
    assert [ask(office, **one)["state"] for one in sessions] == ["approved"] * 2 + ["pending"] * 4


@pytest.mark.parametrize("word", ["cancel", "pause"])
def test_a_new_session_does_not_lead_out_of_one_that_people_stopped(closed_office: Office, word: str) -> None:
    """Its session is stopped: in a fresh one, in none, or in one spelled nearly alike nothing runs by policy alone."""
    office = opened(closed_office)
    office.agent.beat("run-1")
    assert ask(office, session_id="run-1")["state"] == "approved"
    office.agent.beat("sleeper")
    assert ask(office, session_id="sleeper")["state"] == "approved"
    office.person("U0ADMIN").command("/sayso", f"{word} run-1")
    office.agent.beat("run-2")
    for elsewhere in (
        {"session_id": "run-2"},
        {"session_id": "sleeper"},
        {"session_id": "RUN-1"},
        {"session_id": "run-1 "},
        {},
    ):
        made = ask(office, **elsewhere)
        assert (made["state"], made["level"]) == ("pending", "hard_approval"), elsewhere
        assert "a person set another session of this agent ('run-1')" in made["why"][0]
        office.agent.cancel(made)
    held = ask(office, session_id="run-1")
    office.agent.claim(held, status=423)
    assert office.agent_called("other").ask("wipe", {"thing": "x"}, session_id="run-2")["state"] == "approved"


def test_one_yes_lets_a_session_go_on_and_time_or_people_let_all(closed_office: Office) -> None:
    """A person who says yes in the new session vouches for it and for no other; resuming, or an hour, ends it for all."""
    office = opened(closed_office)
    office.agent.beat("run-1")
    office.person("U0ADMIN").command("/sayso", "pause run-1")
    made = ask(office, session_id="run-2")
    approve(office, made)
    assert ask(office, session_id="run-2")["state"] == "approved"
    assert ask(office, session_id="run-3")["state"] == "pending"
    assert ask(office)["state"] == "pending", "who leaves the session out has nobody's yes"
    office.advance(7 * 86_400)
    assert ask(office, session_id="run-4")["state"] == "pending", "paused is paused"
    office.person("U0ADMIN").command("/sayso", "resume run-1")
    assert ask(office, session_id="run-5")["state"] == "approved"
    office.person("U0ADMIN").command("/sayso", "cancel run-1")
    assert ask(office, session_id="run-6")["state"] == "pending"
    office.advance(3601)
    assert ask(office, session_id="run-6")["state"] == "approved"


@on_sqlite
def test_a_no_vouches_for_nothing(closed_office: Office) -> None:
    """Neither a rejection, nor the agent's own cancelling, nor what policy let run makes a session known to people."""
    office = opened(closed_office)
    office.agent.beat("run-1")
    assert ask(office, session_id="run-2")["state"] == "approved"
    office.person("U0ADMIN").command("/sayso", "pause run-1")
    made = ask(office, session_id="run-2")
    form = office.form("U0ALICE", office.card(made), "reject").fill("reason", "Wait")
    assert office.person("U0ALICE").submit(form).ok
    office.agent.cancel(ask(office, session_id="run-2"))
    assert ask(office, session_id="run-2")["state"] == "pending"


# --- principals --------------------------------------------------------------------------------------------------------


def test_leaving_out_the_principal_does_not_spare_the_first_look(closed_office: Office) -> None:
    """Nobody who is named has first uses too: two are seen, for all agents together, before the third runs."""
    office = opened(closed_office, wipe=FREE | {"first_uses": {"user": 2}})
    for number in range(2):
        made = ask(office)
        assert made["state"] == "pending"
        approve(office, made)
        office.agent.claim(made, f"nonce number {number}")
    assert ask(office)["state"] == "approved"
    assert ask(office, on_behalf_of="alice@example.com")["state"] == "pending"


@on_sqlite
def test_a_principal_is_the_same_however_it_is_spelled(closed_office: Office) -> None:
    """First uses for Alice are Alice's, also in capitals, with blanks, or as her Slack id."""
    office = opened(closed_office, wipe=FREE | {"first_uses": {"user": 1}})
    made = ask(office, on_behalf_of="Alice@Example.com")
    office.person("U0BOB").click(office.card(made), "approve")
    office.agent.claim(made)
    for same in ("alice@example.com", " ALICE@example.com ", "U0ALICE", "<@U0ALICE>", "alice@exam\u200bple.com"):
        assert ask(office, on_behalf_of=same)["state"] == "approved", same
    assert ask(office, on_behalf_of="external:a customer")["state"] == "pending"


# --- evidence ----------------------------------------------------------------------------------------------------------


def test_its_own_evidence_runs_nothing_severe(closed_office: Office) -> None:
    """`{"schema_ok": true}`, and every other good word about itself, leaves a severe action that needs approval a question."""
    severe = PLAIN | {"severity": "high", "approval_required": True}
    office = opened(
        closed_office, severe=severe, medium=PLAIN, careless=severe | {"thresholds": {"trust_evidence": True}}
    )
    for evidence in ({"schema_ok": True}, GOOD, {"tool_errored": False}):
        for action in ("severe", "medium", "careless"):
            made = ask(office, action, evidence=evidence, confidence=1.0, risk_score=0.0)
            assert (made["state"], made["level"]) == ("pending", "hard_approval")
    low = opened_low(office)
    assert [ask(office, low, evidence=some)["state"] for some in fewer()] == ["pending"] * 2 + ["approved"] * 2


def fewer() -> list[Json]:
    """One, two, three and four good signals."""
    return [dict(list(GOOD.items())[:count]) for count in (1, 2, 3, 4)]


def opened_low(office: Office) -> str:
    """The name of an action of low severity, written into the manifest while the server runs."""
    low = PLAIN | {"severity": "low"}
    office.manifest = write_manifest(office.folder, {"wipe": FREE, "change_thing": PLAIN, "low": low})
    office.until(lambda: "low" in office.server.world.book.manifest.actions, "the manifest is read")
    return "low"


def test_evidence_counts_above_low_where_an_owner_answers_for_it(closed_office: Office) -> None:
    """With trust_evidence and an owner three good signals let a medium action run, and people are told; two do not."""
    trusted = PLAIN | {"thresholds": {"trust_evidence": True}, "owner": "Head of finance"}
    office = opened(closed_office, trusted=trusted)
    states = [(made["state"], made["level"]) for made in (ask(office, "trusted", evidence=some) for some in fewer())]
    assert states == [("pending", "hard_approval")] * 2 + [("approved", "notify_only")] * 2


# --- labels ------------------------------------------------------------------------------------------------------------


def test_its_own_labels_fill_no_checklist(closed_office: Office) -> None:
    """It calls all of its own work correct, with a label token too: nothing is labelled. Another's word counts."""
    office = opened(closed_office, suggest=PLAIN | {"severity": "low", "owner": "Head of finance"})
    made = [office.agent.ask("suggest", {"thing": f"door {number}"}) for number in range(6)]
    for one in made:
        approve(office, one)
        office.agent.claim(one, f"nonce of {one['id']}")
        office.agent.result(one, nonce=f"nonce of {one['id']}")
        office.agent.label(one, "correct")
    told = command(office.env, "agent", "add", "demo", "--scopes", "label", "--json")
    second = Agent(str(office.agent.http.base_url), json.loads(told.stdout)["token"])
    for one in made:
        assert second.raw("POST", f"/approvals/{one['id']}/label", json={"label": "correct"}).status_code == 200
    second.close()
    assert labelled(office) == 0
    for one in made[:2]:
        office.critic.label(one, "correct")
    assert labelled(office) == 2
    office.agent.label(made[0], "incident")
    found = json.loads(command(office.env, "policy", "tune", "--json").stdout)["actions"][0]
    assert (found["labelled"], found["correct"], found["incidents"]) == (2, 1, 1)
    office.intact()


def labelled(office: Office) -> int:
    """How many labelled outcomes the checklist for less oversight counts."""
    return int(json.loads(command(office.env, "policy", "tune", "--json").stdout)["actions"][0]["labelled"])


@on_sqlite
def test_a_label_token_labels_and_does_nothing_else(closed_office: Office) -> None:
    """It labels anybody's approval by id, hears nothing of what that was about, and is refused everything else."""
    office = opened(closed_office)
    made = ask(office)
    critic = office.critic
    said = critic.label(made, "incident")
    assert said == {"id": made["id"], "state": "approved", "label": "incident"}
    row = next(line for line in office.trail(made) if line["event"] == "labelled")
    assert (row["actor"], row["decision"]) == ("labeller:critic", "incident")
    critic.label("apr_none", "correct", status=404)
    nonce = {"nonce": "nonce-of-the-critic"}
    for method, path, body in (
        ("POST", "/approvals", {"action": "wipe", "params": {"thing": "x"}}),
        ("POST", "/route", {"action": "wipe"}),
        ("GET", "/approvals", None),
        ("GET", f"/approvals/{made['id']}", None),
        ("POST", f"/approvals/{made['id']}/claim", nonce),
        ("POST", f"/approvals/{made['id']}/result", nonce | {"outcome": "succeeded"}),
        ("POST", f"/approvals/{made['id']}/cancel", {}),
        ("POST", f"/approvals/{made['id']}/answer", {"text": "x"}),
        ("PUT", "/sessions/mine", {}),
    ):
        options: Json = {"json": body} if body is not None else {}
        assert critic.raw(method, path, headers={"Idempotency-Key": "k"}, **options).status_code == 403, path
    assert command(office.env, "agent", "add", "both", "--scopes", "create,label").returncode != 0


# --- silence -----------------------------------------------------------------------------------------------------------


def test_silence_after_a_claim_costs_what_a_failure_costs(closed_office: Office) -> None:
    """Two claims that it never reports: people hear of it, the agent loses a level, and a person takes over for a day."""
    granted = {"start": "hard_approval", "agents": {"demo": {"level": "full_auto", "since": "2020-01-01"}}}
    office = opened(closed_office, wipe=FREE | {"autonomy": granted, "owner": "me", "execution_seconds": 60})
    silent = [ask(office) for _ in range(2)]
    for number, one in enumerate(silent):
        office.agent.claim(one, f"nonce number {number}")
    office.advance(61)
    assert {office.agent.see(one)["state"] for one in silent} == {"outcome_unknown"}
    office.slack.expect_message("#ops", "demo failed 2 times within 24 h with wipe")
    lost = [line for one in silent for line in office.trail(one) if line.get("demoted_to")]
    assert [line["demoted_to"] for line in lost] == ["notify_only"]
    made = ask(office)
    assert (made["state"], made["level"]) == ("pending", "human_takeover")
    office.advance(86_401)
    assert ask(office)["level"] == "notify_only"
    office.intact()


@on_sqlite
def test_one_honest_failure_and_one_silence_are_two(closed_office: Office) -> None:
    """It reports every other failure only: they add up."""
    office = opened(closed_office, wipe=FREE | {"execution_seconds": 60})
    first, second = ask(office), ask(office)
    office.agent.claim(first, "nonce number 1")
    office.agent.result(first, "failed", nonce="nonce number 1")
    office.agent.claim(second, "nonce number 2")
    assert ask(office)["state"] == "approved"
    office.advance(61)
    assert ask(office)["level"] == "human_takeover"
