"""Somebody with the database in their hands turns the record back, and hopes that a sweep forgets where it had been."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from support.marks import on_sqlite
from support.office import Office
from support.servers import command

from bot.server import audit_anchor

pytestmark = on_sqlite


def path_of(office: Office) -> str:
    return office.database_url.removeprefix("sqlite:///")


def verified(office: Office) -> tuple[int, str]:
    done = command(office.env, "audit", "verify")
    return done.returncode, done.stdout


def kept(office: Office) -> list[str]:
    """What one more sweep says of the end that was kept."""
    return audit_anchor.keep(office.server.settings, office.server.database)


def copied(source: str, target: str) -> None:
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)


@pytest.fixture
def rolled_back(office: Office, tmp_path: Path) -> Office:
    """An office in which a yes was recorded and kept, and the database of before was put back over it."""
    refund = office.agent.refund()
    assert kept(office) == []
    copied(path_of(office), str(tmp_path / "before.db"))
    office.person("U0ALICE").click(office.card(refund), "approve")
    assert kept(office) == []
    assert verified(office)[0] == 0
    copied(str(tmp_path / "before.db"), path_of(office))
    return office


def test_a_database_that_was_rolled_back_is_found_after_any_number_of_sweeps(rolled_back: Office) -> None:
    """No sweep moves the kept end over the gap, also after new rows have grown past it; operations are told."""
    for _ in range(3):
        assert any("was there and is gone" in fault or "kept as the end" in fault for fault in kept(rolled_back))
        rolled_back.agent.refund(customer=f"{_}@example.com")
    status, said = verified(rolled_back)
    assert status == 1, said
    rolled_back.server.advance(2)
    rolled_back.slack.expect_message(channel="#ops", contains="The audit trail was changed outside Sayso")


def test_an_operator_accepts_a_restored_database_on_the_record(rolled_back: Office) -> None:
    """After a restore that was meant, `audit accept` keeps the present end and says so in the trail; verifying is clean."""
    done = command(rolled_back.env, "audit", "accept", "restored from the backup of Monday")
    assert done.returncode == 0, done.stderr
    assert verified(rolled_back)[0] == 0
    assert kept(rolled_back) == []
    line = next(line for line in rolled_back.trail() if line["event"] == "anchored")
    assert (line["actor"], line["rationale"]) == ("operator", "restored from the backup of Monday")


def test_who_removes_the_kept_end_is_noticed(office: Office) -> None:
    """The database remembers that an end was kept here: without the file neither a sweep nor verifying is content."""
    office.agent.refund()
    assert kept(office) == []
    audit_anchor.place(office.server.settings, office.server.database).unlink()
    assert "is gone" in kept(office)[0]
    assert verified(office)[0] == 1


def test_a_history_that_begins_anew_is_no_other_database(office: Office) -> None:
    """An end of another chain in this place is a fault, not a stranger's: rewriting from the first row changes nothing."""
    office.agent.refund()
    assert kept(office) == []
    place = audit_anchor.place(office.server.settings, office.server.database)
    place.write_text(place.read_text().replace('"chain": "', '"chain": "0'))
    assert "another history" in kept(office)[0]
    assert verified(office)[0] == 1


def test_a_signed_end_does_not_lose_its_signature_in_silence(closed_office: Office) -> None:
    """Once signed, the end is neither overwritten nor believed by a server that has no key; without a key verifying says so."""
    closed_office.settings["SAYSO_AUDIT_KEY"] = "a key that is kept elsewhere"
    closed_office.open()
    closed_office.agent.refund()
    assert kept(closed_office) == []
    place = audit_anchor.place(closed_office.server.settings, closed_office.server.database)
    closed_office.server.stop()
    signed = place.read_text()
    del closed_office.settings["SAYSO_AUDIT_KEY"]
    closed_office.open()
    assert "no SAYSO_AUDIT_KEY is set" in kept(closed_office)[0]
    assert place.read_text() == signed
    done = command(closed_office.env, "audit", "verify")
    assert done.returncode == 1
    assert "can change both unnoticed" in done.stderr
