"""What a card remembers: how often the same target was asked for today, and how people decided of late. Never from the agent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from support.files import ACTIONS, write_manifest
from support.office import Office

SUMS: dict[str, Any] = {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 100_000}


def opened(office: Office) -> Office:
    write_manifest(office.folder, ACTIONS | {"process_refund": ACTIONS["process_refund"] | {"aggregate": SUMS}})
    office.open()
    return office


def test_the_third_refund_of_a_day_says_so(closed_office: Office) -> None:
    """Requests of any agent for the same customer within a day are counted, whatever the spelling; others', and what was withdrawn, are not."""
    office = opened(closed_office)
    first = office.agent.refund(480, "ann@example.com")
    assert "24 hours" not in office.card(first).text()
    office.agent.refund(480, "bob@example.com")
    office.agent.cancel(office.agent.refund(490, "ann@example.com"))
    office.agent_called("other").refund(481, "ANN@example.com")
    third = office.agent.refund(482, "Ann@example.com ")
    assert "3rd request for this customer in 24 hours" in office.card(third).text()
    office.advance(25 * 3600)
    later = office.agent.refund(483, "ann@example.com")
    assert "24 hours" not in office.card(later).text()


def test_how_people_decided_of_late_is_told(closed_office: Office) -> None:
    """Who approved most of this action within a week is named with a count, and how many were rejected; nobody is mentioned for it."""
    office = opened(closed_office)
    for number in range(3):
        made = office.agent.refund(480 + number, f"c{number}@example.com")
        assert "this week" not in office.card(made).text()
        office.person("U0BOB").click(office.card(made), "approve")
    refused = office.agent.refund(500, "d@example.com")
    form = office.form("U0ALICE", office.card(refused), "reject").fill("reason", "Paid in May")
    assert office.person("U0ALICE").submit(form).ok
    made = office.agent.refund(490, "e@example.com")
    card = office.card(made, contains="@bob approved 3 of these this week; 1 rejected")
    assert len(card.mentions()) == 1, "the one whose turn it is"
    office.advance(8 * 86_400)
    assert "this week" not in office.card(office.agent.refund(491, "f@example.com")).text()


def test_a_refusal_is_told_by_name_and_age(closed_office: Office) -> None:
    """Asking again shows who said no, how long ago and why, and mentions only whose turn it is."""
    office = opened(closed_office)
    made = office.agent.refund(480, "ann@example.com")
    form = office.form("U0BOB", office.card(made), "reject").fill("reason", "Paid in May")
    assert office.person("U0BOB").submit(form).ok
    again = office.agent.refund(480, "ann@example.com")
    card = office.card(again, contains=["Rejected before by @bob", "Paid in May"])
    assert len(card.mentions()) <= 1
    assert "{ago}" in card.source()


def test_the_record_is_read_by_its_indexes(closed_office: Office) -> None:
    """However long the record is, a card's memory costs two looks at an index."""
    if not closed_office.database_url.startswith("sqlite"):
        return
    queries = {
        "ix_approvals_target": "aggregate_key = 'x' AND created_at > '2026'",
        "ix_approvals_by_people": "decided_by IS NOT NULL AND decided_by != 'policy' AND decided_at > '2026'",
    }
    for index, wanted in queries.items():
        plan = text(f"EXPLAIN QUERY PLAN SELECT id FROM approvals WHERE action = 'pay' AND {wanted} LIMIT 20")
        told = closed_office.database.read(lambda unit, plan=plan: str(unit.execute(plan).all()))
        assert index in told, told
