"""`null` for an optional field is the same as leaving it out, in every body that an agent sends."""

from __future__ import annotations

from typing import Any

from support.agent import NONCE
from support.marks import on_sqlite
from support.office import Office

OPTIONAL = (
    "session_id",
    "checkpoint",
    "evidence",
    "confidence",
    "risks",
    "completed_steps",
    "urgency",
    "kind",
    "reason",
)


@on_sqlite
def test_a_replay_with_nulls_is_the_same_request_and_one_with_values_is_not(office: Office) -> None:
    """The same key with null where nothing was said finds what it made; with a value there it is another body."""
    plain = office.agent.refund(key="k-1")
    nulls: dict[str, Any] = dict.fromkeys(OPTIONAL)
    assert office.agent.refund(key="k-1", status=200, **nulls)["id"] == plain["id"]
    assert office.agent.refund(key="k-1", status=200, evidence=None)["id"] == plain["id"]
    office.agent.refund(key="k-1", status=422, evidence={"tool_errored": True})
    spoken = office.agent.refund(481, key="k-2", evidence={"tool_errored": True, "schema_ok": None})
    assert office.agent.refund(481, key="k-2", status=200, evidence={"tool_errored": True})["id"] == spoken["id"]


@on_sqlite
def test_null_in_reports_labels_and_sessions_says_nothing(office: Office) -> None:
    """A result, a label and a beat may spell out that there is no detail and no title."""
    agent, small = office.agent, office.agent.refund(20)
    agent.claim(small)
    agent.result(small, detail=None)
    agent.result(small)
    assert agent.raw("POST", f"/approvals/{small['id']}/label", json={"label": "correct", "detail": None}).is_success
    agent.beat("s-1", title="Refunds")
    assert agent.raw("PUT", "/sessions/s-1", json={"title": None}).json()["id"] == "s-1"
    missing = agent.raw("POST", f"/approvals/{small['id']}/result", json={"nonce": NONCE, "outcome": None})
    assert (missing.status_code, missing.json()["field"]) == (422, "outcome")
