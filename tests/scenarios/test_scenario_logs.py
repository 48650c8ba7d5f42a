"""Log lines for machines: each that concerns an approval names it, its trace and the request; none has a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import httpx2
import pytest
from support.agent import Json
from support.marks import on_sqlite
from support.office import Office

from bot.server.logs import Json as JsonLines

pytestmark = on_sqlite
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
# Lines that are about no one approval: of many at once, of files, of people.
OF_NO_ONE = ("swept ", "policy in force", "user group ", "the picture of", "Slack ")


class Kept(logging.Handler):
    """Every line as the server would write it, at the moment it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[Json] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def kept() -> Iterator[Kept]:
    """What is logged from here on."""
    handler, logger = Kept(), logging.getLogger("sayso")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_every_line_of_a_story_names_the_approval(closed_office: Office, kept: Kept) -> None:
    """Ask, a card that Slack refuses twice, questions, taps, refusals, an overdue reviewer, claim and result: each line has its id."""
    office = closed_office
    office.open()
    office.slack.faults.inject("chat.postMessage", "server_error", times=2)
    refund = office.agent.refund()
    card = office.card(refund)
    form = office.form("U0ALICE", card, "request_info").fill("question", "Which parcel?")
    office.person("U0ALICE").submit(form)
    office.agent.answer(refund, "The second one.")
    office.slack.faults.inject("chat.postEphemeral", "error", error="channel_not_found")
    office.person("U0CAROL").click(office.card(refund), "approve")
    office.advance(1000)
    office.person("U0BOB").click(office.card(refund), "approve")
    office.agent.claim(refund)
    office.agent.result(refund)
    office.agent.claim("apr_nobody", status=404)
    lines = [line for line in kept.lines if not line["message"].startswith(OF_NO_ONE)]
    for line in lines:
        assert line.get("approval_id") in (refund["id"], "apr_nobody"), line
    said = [line["message"] for line in lines if line["logger"] == "sayso.trail"]
    assert [words.split()[1] for words in said] == office.events(refund), "a line for each thing that happened"
    assert any("waits" in line["message"] for line in lines), "Slack's refusal was logged"
    assert not any("ann@example.com" in json.dumps(line) or "crushed" in json.dumps(line) for line in lines)


def test_two_approvals_at_once_keep_their_names(closed_office: Office, kept: Kept) -> None:
    """Many agents' requests handled at the same time and swept in one go: no line names another's approval."""
    office = closed_office
    office.open()
    refunds = [office.agent.refund(400 + number) for number in range(6)]
    for refund in refunds:
        office.card(refund)
    office.slack.together(*(lambda one=one: office.agent.cancel(one) for one in refunds[:3]))  # type: ignore[misc]
    office.advance(1000)
    for line in (line for line in kept.lines if line["logger"] == "sayso.trail"):
        assert line["message"].startswith(line["approval_id"]), line
    swept = {line["approval_id"] for line in kept.lines if " reassigned " in line["message"]}
    assert swept == {one["id"] for one in refunds[3:]}


def test_a_line_names_request_and_trace(closed_office: Office, kept: Kept) -> None:
    """The id that a caller gives its request comes back and stands in the lines, with its trace, there and later."""
    office = closed_office
    office.open()
    headers = {"X-Request-Id": "call-7", "traceparent": PARENT, "Idempotency-Key": "k"}
    body = {"action": "process_refund", "params": {"customer": "ann@example.com", "amount_usd": 480}}
    answer = office.agent.raw("POST", "/approvals", json=body, headers=headers)
    assert answer.headers["x-request-id"] == "call-7"
    asked = next(line for line in kept.lines if " requested " in line["message"])
    assert (asked["request_id"], asked["client"]) == ("call-7", "127.0.0.1")
    refund = answer.json()
    office.person("U0ALICE").click(office.card(refund), "approve")
    office.agent.claim(refund)
    of_it = [line for line in kept.lines if line.get("approval_id") == refund["id"]]
    assert {line["trace_id"] for line in of_it} == {PARENT.split("-")[1]}
    names = {line["request_id"] for line in of_it if " approved " in line["message"] or " resumed " in line["message"]}
    assert len(names) == 2
    assert "call-7" not in names


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ä", 'a"}', "1;2"])
def test_a_strange_request_id_is_not_taken(office: Office, name: str) -> None:
    """Only plain words of up to 64 characters are repeated; for anything else the server makes up its own."""
    answer = httpx2.get(f"{office.server.url}/healthz", headers=[(b"x-request-id", name.encode())], timeout=10)
    made = answer.headers["x-request-id"]
    assert made != name
    assert len(made) == 16


def test_an_unexpected_error_names_its_approval(
    closed_office: Office, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what nobody foresaw is logged with the approval and the request, and counted as a 500."""
    from bot.service import execute

    office = closed_office
    office.open()
    refund = office.agent.refund()

    def broken(*_: object) -> None:
        raise RuntimeError("nobody foresaw it")

    monkeypatch.setattr(execute, "cancel", broken)
    office.agent.cancel(refund, status=500)
    (line,) = [line for line in kept.lines if line["message"] == "an unexpected error"]
    assert (line["approval_id"], len(line["request_id"])) == (refund["id"], 16)
    assert "nobody foresaw it" in line["exception"]
    assert 'sayso_http_responses_total{code="500"} 1.0' in httpx2.get(f"{office.server.url}/metrics", timeout=10).text
