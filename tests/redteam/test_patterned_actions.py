"""An agent splits its spending over the many names that one pattern of the manifest stands for."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.office import Office

MANIFEST = """\
version: 1
actions:
  "mcp__pay__*":
    title: Pay by a tool
    describe: "Pay {{ params.amount_usd | usd }}"
    severity: low
    reversible: true
    required_role: finance
    owner: Head of finance
    amount: params.amount_usd
    conditions: {auto_approve_below_usd: 100}
    aggregate: {window_seconds: 3600, deny_above_usd: 150}
    quota: {per_day: 4}
    params_schema: {type: object, required: [amount_usd], properties: {amount_usd: {type: number, minimum: 0}}}
"""


@pytest.fixture
def office(closed_office: Office) -> Office:
    """An office whose manifest lets small payments run, by whatever tool of one server."""
    Path(closed_office.manifest).write_text(MANIFEST, encoding="utf-8")
    closed_office.open()
    return closed_office


def test_another_name_of_the_pattern_begins_no_new_sum(office: Office) -> None:
    """Two payments of $90 by two tools are $180 of one entry: the second is over its limit."""
    assert office.agent.ask("mcp__pay__one", {"amount_usd": 90})["state"] == "approved"
    assert office.agent.ask("mcp__pay__two", {"amount_usd": 90})["state"] == "denied"
    assert office.agent.ask("mcp__pay__three", {"amount_usd": 50})["state"] == "approved"


def test_another_name_of_the_pattern_begins_no_new_quota(office: Office) -> None:
    """The fifth request of a day is one too many, whatever the tools are called."""
    states = [office.agent.ask(f"mcp__pay__{at}", {"amount_usd": 1 + at})["state"] for at in range(5)]
    assert states == ["approved"] * 4 + ["denied"]


def test_a_name_beside_the_pattern_is_blocked_not_refused(office: Office) -> None:
    """Capitals, blanks and names of 255 letters that the manifest does not know are blocked; operations hear of it."""
    for name in ("Mcp__pay__one", "mcp__pay__one ", "mcp__paу__one", "x" * 255):
        assert office.agent.ask(name, {"amount_usd": 1})["state"] == "blocked"
