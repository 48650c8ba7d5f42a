"""Snooze: a reviewer puts a request off, and keeps their turn."""

from __future__ import annotations

from support.marks import on_sqlite
from support.office import Office


@on_sqlite
def test_a_request_is_put_off(office: Office) -> None:
    """Whoever is asked keeps the turn for another half hour, the trail says why, and the request can still be approved."""
    refund = office.agent.refund()
    card = office.card(refund)
    form = office.form("U0ALICE", card, "snooze")
    form.fill("note", "In a meeting")
    assert office.person("U0ALICE").submit(form).ok
    later = office.agent.see(refund)
    assert later["state"] == "pending"
    assert later["due_at"] > refund["due_at"]
    assert "snoozed" in office.events(refund)
    assert office.person("U0ALICE").click(office.card(refund), "approve").ok
    assert office.agent.see(refund)["state"] == "approved"
    office.intact()
