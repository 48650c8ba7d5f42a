"""The Agent Approval Protocol at `/aap`: its objects to the letter, each request decided in Slack and consumed once."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx2
import pytest
from support.agent import Json
from support.office import Office

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
CALL: Json = {
    "tool": "change_thing",
    "arguments": {"thing": "edge", "more": [1, 0.1, None, {"a": None}]},
    "timeout": "1h",
    "agent_reasoning": "It is in the way.",
    "context": {"call_id": "run-1:call_1", "nothing": None, "resume": {"framework": "x", "thread_id": "run-1"}},
}


class Wire:
    """What the SDK does, by hand."""

    def __init__(self, office: Office, token: str | None = None) -> None:
        self.office = office
        headers = {"Authorization": f"Bearer {token or office.agent.token}"}
        self.http = httpx2.Client(base_url=f"{office.server.url}/aap/v1", headers=headers, timeout=60)

    def send(self, method: str, path: str, status: int, key: str = "", **options: Any) -> Json:
        """One request and its status."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.http.request(method, path, headers=headers, **options)
        assert answer.status_code == status, answer.text
        body: Json = answer.json()
        return body

    def create(self, status: int = 201, key: str = "key-1", **changes: Any) -> Json:
        """Ask."""
        return self.send("POST", "/requests", status, key, json=CALL | changes)

    def get(self, request: Json, query: str = "", status: int = 200) -> Json:
        """Look."""
        return self.send("GET", f"/requests/{request['id']}{query}", status)

    def consume(self, request: Json, key: str = "once-1", status: int = 200) -> Json:
        """Use it."""
        return self.send("POST", f"/requests/{request['id']}/consume", status, key)

    def report(self, request: Json, outcome: str = "succeeded", status: int = 200, **more: str) -> Json:
        """Say how it ended."""
        return self.send("POST", f"/requests/{request['id']}/outcome", status, json={"status": outcome, **more})

    def cancel(self, request: Json, status: int = 200) -> Json:
        """Withdraw."""
        return self.send("DELETE", f"/requests/{request['id']}", status)

    def approval(self) -> Json:
        """The approval behind the one request."""
        (found,) = self.office.agent.listing()["approvals"]
        return dict(found)

    def tap(self, button: str = "approve", **values: str) -> None:
        """A person decides."""
        card = self.office.card(self.approval())
        if not values:
            self.office.person("U0ALICE").click(card, button)
            return
        form = self.office.form("U0ALICE", card, button)
        for name, value in values.items():
            form.fill(name.replace("__", ":"), value)
        assert self.office.person("U0ALICE").submit(form).ok


@pytest.fixture
def wire(office: Office) -> Wire:
    """An agent's line."""
    return Wire(office)


def code(body: Json) -> str:
    """The error's code."""
    assert body["error"].keys() == {"type", "code", "message", "request_id"}
    return str(body["error"]["code"])


def test_a_request_comes_back_as_it_was_sent(wire: Wire) -> None:
    """Arguments, context and reasoning to the letter, nulls inside them too; a UUID, two moments, and nothing else."""
    made = wire.create()
    assert {name: made[name] for name in CALL} == CALL
    assert made.keys() == CALL.keys() | {"id", "status", "created_at", "deadline_at"}
    assert str(uuid.UUID(made["id"])) == made["id"]
    assert MOMENT.fullmatch(made["created_at"])
    assert made["created_at"] < made["deadline_at"]
    assert made["status"] == "pending"
    assert wire.create(200) == made
    assert wire.get(made) == made
    approval = wire.approval()
    assert (approval["session_id"], approval["params"]) == ("run-1", CALL["arguments"])


def test_approved_it_is_consumed_once_and_reported(wire: Wire) -> None:
    """The look that waits hears the tap; one key consumes, again and again the same; another is told that it is too late."""
    made = wire.create()
    assert code(wire.consume(made, status=409)) == "not_approved"
    wire.tap()
    seen = wire.get(made, "?wait=25s")
    assert seen["status"] == seen["decision"]["status"] == "approved"
    assert seen["created_at"] <= seen["decision"]["decided_at"] < seen["decision"]["expires_at"]
    assert code(wire.report(made, status=409)) == "not_consumed"
    used = wire.consume(made)
    assert used["consumption"].keys() == {"consumed_at"}
    assert wire.consume(made)["consumption"] == used["consumption"]
    assert code(wire.consume(made, "once-2", 409)) == "already_consumed"
    done = wire.report(made, note="3 lines")
    assert done["consumption"]["outcome"]["status"] == "succeeded"
    assert wire.report(made, note="3 lines")["status"] == "approved"
    assert code(wire.report(made, "failed", 409)) == "outcome_conflict"
    assert wire.consume(made)["consumption"]["outcome"]["status"] == "succeeded"
    assert code(wire.consume(made, "once-2", 409)) == "already_consumed"
    assert wire.approval()["state"] == "succeeded"
    wire.office.intact()


def test_rejected_it_says_why(wire: Wire) -> None:
    """A denial with the reviewer's words."""
    made = wire.create()
    wire.tap("reject", reason="Not on a Friday")
    seen = wire.get(made)
    assert seen["status"] == "denied"
    assert "Not on a Friday" in seen["decision"]["note"]
    assert "expires_at" not in seen["decision"]
    assert code(wire.consume(made, status=409)) == "not_approved"


def test_an_edit_is_a_denial_and_its_approval_is_withdrawn(wire: Wire) -> None:
    """The protocol cannot carry other arguments: never the original, the note says what people want, and it stays so."""
    made = wire.create()
    wire.tap("edit", param__thing="rim", note="the rim is meant")
    assert code(wire.consume(made, status=409)) == "not_approved"
    for _ in range(2):
        seen = wire.get(made)
        assert seen["status"] == "denied"
        assert '"thing":"rim"' in seen["decision"]["note"]
        assert "the rim is meant" in seen["decision"]["note"]
        assert seen["arguments"] == CALL["arguments"]
    assert wire.approval()["state"] == "cancelled"
    assert code(wire.consume(made, status=409)) == "not_approved"


def test_what_policy_refuses_is_denied_at_once(wire: Wire) -> None:
    """A tool that the manifest does not know, and one whose server has its name: nobody is asked."""
    made = wire.create(tool="forgotten")
    assert made["status"] == "denied"
    assert "manifest" in made["decision"]["note"]
    served = wire.create(key="key-2", server="things")
    assert served["status"] == "denied"
    assert "mcp__things__change_thing" in served["decision"]["note"]


def test_what_policy_lets_run_is_still_consumed_once(wire: Wire) -> None:
    """Nobody is asked, and one key uses it."""
    made = wire.create(tool="remind")
    assert made["status"] == "approved"
    wire.consume(made)
    assert code(wire.consume(made, "once-2", 409)) == "already_consumed"


def test_cancelled_it_stays_so(wire: Wire) -> None:
    """Withdrawn by the agent, twice the same; what is decided cannot be withdrawn."""
    made = wire.create()
    assert wire.cancel(made)["status"] == "cancelled"
    assert wire.cancel(made)["decision"]["status"] == "cancelled"
    other = wire.create(key="key-2", tool="remind")
    assert code(wire.cancel(other, 409)) == "already_terminal"


def test_after_the_agents_own_deadline_no_tap_counts(wire: Wire) -> None:
    """It said how long it waits. Then it has expired, for good, and its card goes."""
    made = wire.create(timeout="30m")
    wire.office.advance(31 * 60)
    for _ in range(2):
        seen = wire.get(made)
        assert (seen["status"], seen["decision"]["decided_at"]) == ("expired", made["deadline_at"])
    assert code(wire.consume(made, status=409)) == "approval_expired"
    assert wire.approval()["state"] == "cancelled"


def test_a_yes_that_came_after_the_deadline_is_none(wire: Wire) -> None:
    """Nobody looked between deadline and tap: the yes still comes too late."""
    made = wire.create(timeout="30m")
    card = wire.office.card(wire.approval())
    wire.office.advance(31 * 60)
    wire.office.person("U0ALICE").click_stale(card, "approve")
    assert wire.get(made)["status"] == "expired"
    assert code(wire.consume(made, status=409)) == "approval_expired"


def test_unused_in_time_it_expires(wire: Wire) -> None:
    """Approved and never consumed: at last it cannot be."""
    made = wire.create()
    wire.tap()
    wire.office.advance(3600)
    assert wire.get(made)["status"] == "expired"
    assert code(wire.consume(made, status=409)) == "approval_expired"


def test_never_reported_its_outcome_is_unknown(wire: Wire) -> None:
    """Consumed, and then silence: it stays consumed, without an outcome, and a late report is refused."""
    made = wire.create()
    wire.tap()
    wire.consume(made)
    wire.office.advance(86_400)
    assert wire.approval()["state"] == "outcome_unknown"
    assert wire.get(made)["consumption"].keys() == {"consumed_at"}
    assert code(wire.consume(made, "once-2", 409)) == "already_consumed"


def test_while_people_hold_everything_nothing_is_consumed(wire: Wire) -> None:
    """503, so that the adapter comes again; after the start it goes on."""
    made = wire.create()
    wire.tap()
    wire.office.person("U0ADMIN").command("/sayso", "stop")
    wire.consume(made, status=503)
    assert wire.get(made)["status"] == "approved"
    wire.office.person("U0ADMIN").command("/sayso", "start")
    wire.consume(made)


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"tool": None}, "tool"),
        ({"tool": ""}, "tool"),
        ({"arguments": []}, "arguments"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": "0s"}, "timeout"),
        ({"timeout": "99999h"}, "timeout"),
        ({"server": None}, "server"),
        ({"context": None}, "context"),
        ({"approved": True}, "approved"),
    ],
)
def test_what_the_protocol_does_not_know_is_refused(wire: Wire, changes: Json, field: str) -> None:
    """400 that names the field, and nothing is stored."""
    refused = wire.create(400, **changes)
    assert code(refused) == "invalid_request"
    assert field in refused["error"]["message"]
    assert wire.office.agent.listing()["approvals"] == []


def test_keys_names_and_strangers(wire: Wire) -> None:
    """No key: 400. The same key for another call: 409. No token, another agent, another name, another door: nothing there."""
    assert "Idempotency-Key" in wire.send("POST", "/requests", 400, json=CALL)["error"]["message"]
    made = wire.create()
    assert code(wire.create(409, timeout="2h")) == "idempotency_conflict"
    assert "Idempotency-Key" in wire.send("POST", f"/requests/{made['id']}/consume", 400)["error"]["message"]
    assert code(Wire(wire.office, "wrong").get(made, status=401)) == "unauthorized"
    stranger = Wire(wire.office, wire.office.agent_called("stranger").token)
    for status in (stranger.get(made, status=404), wire.get({"id": "1"}, status=404), wire.get(made, "?wait=x", 400)):
        assert code(status) in ("not_found", "invalid_request")
    other = wire.office.agent.ask("change_thing", {"thing": "core"})
    letters = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for letter in other["id"].removeprefix("apr_"):
        number = number << 5 | letters.index(letter)
    assert code(wire.get({"id": str(uuid.UUID(int=number))}, status=404)) == "not_found"
    assert code(wire.consume({"id": str(uuid.UUID(int=number))}, status=404)) == "not_found"


def test_no_token_provisions_an_agent(wire: Wire) -> None:
    """An instance is an agent, and operators add those: whoever asks is told so in the protocol's form, and none is made."""
    delivery = {
        "type": "webhook",
        "url": "https://x.example/h",
        "registration_id": str(uuid.uuid4()),
        "signing_secret": "whsec_AAAA",
    }
    refused = wire.send("POST", "/instances", 403, "key-1", json={"delivery": delivery, "instance_name": "another"})
    assert code(refused) == "provisioning_not_offered"
    assert "sayso-server agent add" in refused["error"]["message"]
    assert code(Wire(wire.office, "wrong").send("POST", "/instances", 401, json={})) == "unauthorized"
    assert wire.office.agent.listing()["approvals"] == []
