"""What the store remembers, as reports read it: the same on both databases."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from builders import add, add_agent
from sqlalchemy import insert, update

from policies.files.manifest import load_manifest
from policies.request import Request
from store import reports
from store.database_url import BadDatabaseUrl
from store.engine import Database
from store.schema import SchemaBehind
from store.tables import approvals, labels


def _label(database: Database, approval_id: str, label: str, by: str = "agent:demo") -> None:
    values = {"approval_id": approval_id, "label": label, "by": by}
    database.run(lambda unit: unit.execute(insert(labels), values | {"at": unit.now}))


def test_recorded_calls_are_what_agents_asked_for(database: Database, database_url: str) -> None:
    """Each request comes back as it was asked, oldest first, with its agent and time."""
    demo, other = add_agent(database), add_agent(database, "other")
    asked = Request(action="pay", params={"amount_usd": 12.5}, kind="input", question="Which?", risk_score=0.5)
    late = add(database, other, request=asked)
    early = add(database, demo, age=60)
    found = reports.over_calls(database_url, lambda calls, total: [*calls][:total])
    assert [call.agent for call in found] == ["demo", "other"]
    assert found[1].request == asked
    assert [call.at for call in found] == [early.created_at, late.created_at]
    assert early.created_at + timedelta(seconds=59) < late.created_at


def test_the_worst_label_is_the_one_that_counts(database: Database, database_url: str) -> None:
    """A call labelled correct and an incident is an incident; an unlabelled one has no label."""
    agent = add_agent(database)
    for words in (["correct"], ["incident", "correct"], ["correct", "reverted"], []):
        approval = add(database, agent)
        for number, word in enumerate(words):
            _label(database, approval.id, word, by=f"agent:{number}")
    found = reports.over_calls(database_url, lambda calls, _: [call.label for call in calls])
    assert found == ["correct", "incident", "reverted", None]


def test_no_database_is_made_by_asking(tmp_path: Path) -> None:
    """A report on a file that is not there says so, and leaves nothing behind."""
    path = tmp_path / "nope.db"
    with pytest.raises(BadDatabaseUrl, match="nope"):
        reports.over_calls(f"sqlite:///{path}", lambda calls, _: list(calls))
    assert not path.exists()


def test_an_empty_database_is_named(empty_database_url: str) -> None:
    """A database without a schema is refused in one line that says what to run."""
    Database(empty_database_url).check()
    with pytest.raises(SchemaBehind, match="migrate"):
        reports.over_calls(empty_database_url, lambda calls, _: list(calls))


def test_what_agents_earned_is_read_by_name(database: Database, database_url: str) -> None:
    """Under a pattern each action has a record of its own; what has its own entry without a ratchet has none."""
    base = {"title": "T", "describe": "D", "severity": "low", "reversible": True}
    entries = {"mcp__git__*": base | {"autonomy": {}}, "mcp__git__push": base}
    manifest = load_manifest(json.dumps({"version": 1, "actions": entries}))
    agent = add_agent(database)
    for name in ("mcp__git__pull", "mcp__git__pull", "mcp__git__log", "mcp__git__push", "mop"):
        made = add(database, agent, request=Request(action=name, params={}))
        ended = update(approvals).where(approvals.c.id == made.id).values(state="succeeded")
        database.run(lambda unit, ended=ended: unit.execute(ended.values(claimed_at=unit.now, finished_at=unit.now)))
    found, _ = reports.read_records(database_url, manifest)
    assert {one.action: len(one.outcomes) for one in found} == {"mcp__git__pull": 2, "mcp__git__log": 1}
