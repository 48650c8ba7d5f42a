"""The trail on disk: whatever is done to it in the database, the command finds it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from support.marks import on_sqlite
from support.office import Office
from support.servers import command

pytestmark = on_sqlite


def _tamper(office: Office, statement: str) -> None:
    path = office.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        triggers = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for trigger in triggers:
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(statement)


def _verify(office: Office) -> tuple[int, str]:
    done = command(office.env, "audit", "verify")
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET line = replace(line, 'requested', 'refused') WHERE seq = 1",
        "UPDATE audit SET texts = replace(texts, 'ann@', 'eve@') WHERE seq = 1",
        "UPDATE audit SET texts = NULL WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
        "DELETE FROM audit WHERE seq > 0",
        "UPDATE audit SET seq = -seq WHERE seq IN (1, 2)",
    ],
    ids=["edited", "other texts", "texts gone", "deleted", "tail cut", "everything cut", "reordered"],
)
def test_the_command_finds_what_was_done_to_the_trail(office: Office, statement: str) -> None:
    """An edited, deleted, moved or cut row makes `audit verify` exit 1; an untouched trail makes it exit 0."""
    approval = office.agent.refund()
    office.person("U0ALICE").click(office.card(approval), "approve")
    assert _verify(office)[0] == 0
    _tamper(office, statement)
    status, said = _verify(office)
    assert status == 1, said


def test_a_tail_cut_after_the_last_mark_is_missed_by_no_approval(office: Office, tmp_path: Path) -> None:
    """Even with the kept end gone, an approval whose last events have no row is named."""
    approval = office.agent.refund()
    office.person("U0ALICE").click(office.card(approval), "approve")
    office.agent.claim(approval)
    _tamper(office, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    for kept in Path(office.database_url.removeprefix("sqlite:///")).parent.glob("*.audit-head"):
        kept.unlink()
    status, said = _verify(office)
    assert status == 1
    assert approval["id"] in said


def test_a_forged_end_is_no_end(office: Office) -> None:
    """With SAYSO_AUDIT_KEY set, an end that this key did not sign is itself a fault."""
    office.agent.refund()
    office.server.stop()
    office.settings["SAYSO_AUDIT_KEY"] = "another key"
    status, said = _verify(office)
    assert status == 1
    assert "SAYSO_AUDIT_KEY" in said
