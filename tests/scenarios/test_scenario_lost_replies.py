"""Every tap and every call of an agent, with the answer to its COMMIT lost: each is there, once, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_postgresql
from support.office import Office
from support.tcpproxy import TcpProxy, proxied

pytestmark = on_postgresql
CHOICES = [{"id": "a", "label": "One"}, {"id": "b", "label": "Two"}]


@pytest.fixture
def line(closed_office: Office) -> Iterator[TcpProxy]:
    """The network between the server and its database."""
    with proxied(closed_office.database_url) as proxy:
        closed_office.settings["SAYSO_DATABASE_URL"] = proxy.url
        write_manifest(closed_office.folder, ACTIONS | {"climb": PLAIN | {"escalation_path": ["finance_lead"]}})
        closed_office.open()
        yield proxy
        closed_office.server.stop()


def _tap(office: Office, verb: str, card: Any) -> Any:
    alice = office.person("U0ALICE")
    if verb == "approve":
        return alice.click(card, "approve")
    if verb == "choose":
        return alice.click(card, "choose:b")
    form = office.form("U0ALICE", card, verb)
    fields = {"reject": "reason", "edit": "param:thing", "request_info": "question", "answer": "answer"}
    if verb in fields:
        form.fill(fields[verb], "gate")
    return alice.submit(form)


VERBS = {
    "approve": ("approved", "approved"),
    "reject": ("rejected", "rejected"),
    "edit": ("modified", "edited"),
    "request_info": ("info_requested", "pending"),
    "escalate": ("escalated", "pending"),
    "take_over": ("taken_over", "taken_over"),
    "choose": ("chosen", "chosen"),
    "answer": ("answered", "answered"),
    "vote": ("approved", "pending"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_tap_whose_commit_was_not_answered(closed_office: Office, line: TcpProxy, verb: str) -> None:
    """It is acknowledged as done, recorded once, and the person is told nothing of it."""
    office, (event, state) = closed_office, VERBS[verb]
    more: dict[str, Any] = {
        "choose": {"kind": "choose", "question": "Which?", "choices": CHOICES},
        "answer": {"kind": "input", "question": "What?"},
    }.get(verb, {})
    action = {"vote": "pay_twice", "escalate": "climb"}.get(verb, "change_thing")
    thing = office.agent.ask(action, {"thing": "door"}, **more)
    card = office.card(thing)
    office.until(lambda: "gate_presented" in office.events(thing), "the card is known to be posted", 20)
    line.lose_commits(1, after=f'"event":"{event}"'.encode())
    done = _tap(office, "approve" if verb == "vote" else verb, card)
    assert done.status == 200
    assert line.lost == 1
    assert office.agent.see(thing)["state"] == state
    assert office.events(thing).count(event) == 1
    assert "refused" not in office.events(thing)
    office.intact()


def test_an_agents_calls_whose_commits_were_not_answered(closed_office: Office, line: TcpProxy) -> None:
    """Create, claim, result and label answer as if nothing had happened, and each happened once."""
    office = closed_office
    agent = office.agent
    line.lose_commits(1, after=b'"event":"requested"')
    refund = agent.refund(12)
    assert refund["state"] == "approved"
    for event, call in {
        "resumed": lambda: agent.claim(refund),
        "result": lambda: agent.result(refund),
        "labelled": lambda: agent.label(refund, "correct"),
    }.items():
        line.lose_commits(1, after=f'"event":"{event}"'.encode())
        call()
    assert line.lost == 4
    assert office.events(refund) == ["requested", "auto_proceeded", "resumed", "result", "labelled"]
    office.intact()


def test_a_tap_while_the_database_is_gone(closed_office: Office, line: TcpProxy) -> None:
    """It is not acknowledged and did not happen; once the database is back, the same tap counts."""
    office = closed_office
    refund = office.agent.refund()
    card = office.card(refund)
    line.refuse()
    assert office.person("U0ALICE").click(card, "approve").status >= 500
    assert _ready(office) == 503
    line.accept()
    office.until(lambda: _ready(office) == 200, "the server is ready again", 20)
    assert office.agent.see(refund)["state"] == "pending"
    assert office.person("U0ALICE").click(card, "approve").status == 200
    assert office.agent.see(refund)["state"] == "approved"
    office.intact()


def _ready(office: Office) -> int:
    return office.agent.http.get("/readyz").status_code
