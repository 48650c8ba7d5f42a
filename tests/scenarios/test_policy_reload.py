"""The two files change under a running server: a good one takes effect, a bad one never does."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any

import pytest
from sqlalchemy import select
from support.files import ACTIONS, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

from store.tables import policy_versions


def routed(office: Office, amount: float) -> str:
    """The route of a refund of this size, by the policy in force."""
    body = {"action": "process_refund", "params": {"customer": "c", "amount_usd": amount}}
    route: str = office.agent.raw("POST", "/route", json=body).json()["route"]
    return route


def raised(limit: float) -> dict[str, Any]:
    """The actions, with another limit below which refunds run by themselves."""
    refund = ACTIONS["process_refund"]
    limits = refund["conditions"] | {"auto_approve_below_usd": limit}
    return ACTIONS | {"process_refund": refund | {"conditions": limits}}


def bad(office: Office, file: str) -> bool:
    """Whether the server's figures say that the file on disk cannot be used."""
    figures = office.agent.http.get("/metrics").text
    found = re.search(rf'sayso_policy_file_bad{{file="{file}"}} (\S+)', figures)
    return found is not None and float(found.group(1)) == 1


def alarms(office: Office) -> list[str]:
    """What operations were told of bad files."""
    told = [message.text() for message in office.slack.messages("#ops")]
    return [text for text in told if "policy file cannot be used" in text]


def versions(office: Office) -> int:
    """How many manifests the store remembers."""
    return len(office.database.read(lambda unit: unit.execute(select(policy_versions.c.version)).all()))


@pytest.fixture
def real(closed_office: Office) -> Office:
    """An office whose server is a process of its own."""
    closed_office.open_process()
    return closed_office


def test_a_changed_manifest_takes_effect(real: Office) -> None:
    """The real process follows an edit within seconds, and what was asked before keeps the policy it was asked under."""
    before = real.agent.refund(60)
    assert before["route"] == "ask"
    write_manifest(real.folder, raised(100))
    real.until(lambda: routed(real, 60) == "auto", "the new limit holds")
    after = real.agent.refund(60)
    assert after["state"] == "approved"
    assert after["policy_version"] != before["policy_version"]
    assert real.agent.see(before)["policy_version"] == before["policy_version"]
    assert real.agent.see(before)["state"] == "pending"
    assert versions(real) == 2


def test_a_bad_manifest_changes_nothing_and_operations_hear_of_it(real: Office) -> None:
    """A broken file leaves the old policy in force, is told once with file and line, and shows in the figures."""
    good = real.manifest.read_text()
    real.manifest.write_text(good.replace("deny_above_usd: 10000", "deny_above_usd: lots"))
    message = real.slack.expect_message("#ops", "policy file cannot be used")
    assert re.search(r"actions\.yml:\d+: actions\.process_refund\.conditions\.deny_above_usd", message.text())
    assert routed(real, 12) == "auto"
    assert real.agent.refund(12)["state"] == "approved"
    real.until(lambda: bad(real, "manifest"), "the figure says so")
    os.utime(real.manifest)
    real.process.send(signal.SIGHUP)
    write_roster(real.folder, people={})
    real.manifest.unlink()
    real.until(lambda: len(alarms(real)) == 2, "another fault is told too")
    assert "No such file" in alarms(real)[-1]
    real.manifest.write_text(good)
    real.until(lambda: not bad(real, "manifest"), "the good file is back")
    assert len(alarms(real)) == 2
    assert versions(real) == 1


def test_sighup_reads_the_files_at_once(real: Office) -> None:
    """SIGHUP does not end the process; it reads both files."""
    write_manifest(real.folder, raised(100))
    real.process.send(signal.SIGHUP)
    real.until(lambda: routed(real, 60) == "auto", "the new limit holds")
    real.process.send(signal.SIGHUP)
    assert routed(real, 60) == "auto"


@on_sqlite
def test_a_changed_roster_takes_effect(office: Office) -> None:
    """Somebody new on the roster may decide, once the server has asked Slack about them."""
    finance = {"finance": {"members": ["U0DAN"]}}
    write_roster(office.folder, roles=ROSTER["roles"] | finance)
    office.until(
        lambda: office.server.world.book.roster.roles["finance"].members == ["U0DAN"], "the new roster is in force"
    )
    refund = office.agent.refund()
    assert refund["assignee"] == "U0DAN"
    office.person("U0DAN").click(office.card(refund), "approve")
    assert office.agent.see(refund)["state"] == "approved"


@on_sqlite
def test_a_half_written_file_is_left_alone(office: Office) -> None:
    """A file that still grows is not read: even where what stands there so far would load."""
    text = office.manifest.read_text()
    so_far = text[: text.index("  climb_thing:")]
    seen = office.server.world.book.manifest
    for line in range(15):
        office.manifest.write_text(so_far + "# more\n" * line)
        time.sleep(0.1)
        assert office.server.world.book.manifest is seen
    office.manifest.write_text(so_far)
    office.until(lambda: office.server.world.book.manifest is not seen, "the finished file is in force")
