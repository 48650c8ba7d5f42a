"""The figures that alarms stand on: each is caused, and seen at /metrics."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text
from support.marks import on_sqlite
from support.office import Office

from store import private_files

pytestmark = on_sqlite


def figure(office: Office, name: str) -> float:
    """One figure's value now; 0 where it has no series yet."""
    said = httpx2.get(f"{office.server.url}/metrics", timeout=20).text
    found = [line for line in said.splitlines() if line.startswith((name + " ", name + "{"))]
    return sum(float(line.rpartition(" ")[2]) for line in found)


def test_all_is_well(office: Office) -> None:
    """On a quiet day nothing is overdue, stopped or wrong; sweeps and the kept end are young."""
    office.until(lambda: figure(office, "sayso_audit_kept_timestamp_seconds") > 0, "a sweep")
    for name in ("sayso_approvals_overdue", "sayso_approvals_overdue_seconds", "sayso_stopped_seconds"):
        assert figure(office, name) == 0
    assert figure(office, "sayso_audit_faults") == figure(office, "sayso_outcomes_unknown_total") == 0
    assert figure(office, "sayso_database_up") == figure(office, "sayso_slack_up") == 1
    assert figure(office, "sayso_last_sweep_timestamp_seconds") > 1e9


def test_what_is_overdue(closed_office: Office) -> None:
    """A request that nobody decided in time and no sweep moved on is overdue; while its agent is asked, it is not."""
    office = closed_office
    office.settings["SAYSO_SWEEP_SECONDS"] = "300"
    office.open()
    office.until(lambda: figure(office, "sayso_last_sweep_timestamp_seconds") > 0, "the first sweep")
    refund, other = office.agent.refund(), office.agent.refund(481)
    form = office.form("U0ALICE", office.card(other), "request_info").fill("question", "Which?")
    office.person("U0ALICE").submit(form)
    office.server.app.state.runtime.signals.deadline_set = lambda moment: None
    office.server.database.shift_seconds += 1500
    office.until(lambda: figure(office, "sayso_approvals_overdue") == 1, "one overdue")
    assert 0 < figure(office, "sayso_approvals_overdue_seconds") < 1500
    office.server.sweep()
    office.until(lambda: figure(office, "sayso_approvals_overdue") == 0, "the next reviewer has it")
    assert office.agent.see(refund)["state"] == "pending"


def test_how_long_everything_is_stopped(office: Office) -> None:
    """From /sayso stop to /sayso start."""
    office.person("U0ADMIN").command("/sayso", "stop")
    office.server.database.shift_seconds += 4000
    office.until(lambda: figure(office, "sayso_stopped_seconds") >= 4000, "stopped")
    office.person("U0ADMIN").command("/sayso", "start")
    office.until(lambda: figure(office, "sayso_stopped_seconds") == 0, "started")


def test_a_claim_without_a_result(office: Office) -> None:
    """Once its time is over it is counted, once."""
    refund = office.agent.refund()
    office.person("U0ALICE").click(office.card(refund), "approve")
    office.agent.claim(refund)
    office.server.database.shift_seconds += 90_000
    office.until(lambda: office.agent.see(refund)["state"] == "outcome_unknown", "nobody knows")
    office.until(lambda: figure(office, "sayso_outcomes_unknown_total") == 1, "counted")


def test_a_record_that_was_cut(office: Office, tmp_path: Path) -> None:
    """Rows that are gone from the end of the trail are found by the next sweep, and the kept end stays as old as it is."""
    office.agent.refund()
    office.until(lambda: list(tmp_path.glob("*.audit-head")), "a kept end")
    with office.database.engine.begin() as connection:
        for (name,) in connection.execute(text("select name from sqlite_master where type = 'trigger'")).all():
            connection.execute(text(f"drop trigger {name}"))
        connection.execute(text("delete from audit where seq > 0"))
    office.until(lambda: figure(office, "sayso_audit_faults") > 0, "found")


def test_an_end_that_cannot_be_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk of the kept end is full, its age grows, and the trail itself is not called broken."""
    office.agent.refund()
    office.until(lambda: figure(office, "sayso_audit_kept_timestamp_seconds") > 0, "a kept end")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files, "replace", full)
    office.agent.refund(481)
    swept = figure(office, "sayso_last_sweep_timestamp_seconds")
    office.until(lambda: figure(office, "sayso_last_sweep_timestamp_seconds") > swept + 1.5, "a sweep that sees it")
    before, swept = figure(office, "sayso_audit_kept_timestamp_seconds"), swept + 1.5
    office.until(lambda: figure(office, "sayso_last_sweep_timestamp_seconds") > swept + 2, "two more sweeps")
    assert figure(office, "sayso_audit_kept_timestamp_seconds") == before
    assert figure(office, "sayso_audit_faults") == 0


def test_what_is_down(office: Office, tmp_path: Path) -> None:
    """Slack that refuses us, and a database that is gone, are each 0, and the other figures still come."""
    office.slack.faults.inject("auth.test", "error", error="token_revoked", times=None)
    office.until(lambda: figure(office, "sayso_slack_up") == 0, "Slack is down", 15)
    assert figure(office, "sayso_database_up") == 1
    (tmp_path / "sayso.db").rename(tmp_path / "gone.db")
    office.until(lambda: figure(office, "sayso_database_up") == 0, "the database is gone", 15)
    (tmp_path / "gone.db").rename(tmp_path / "sayso.db")


@pytest.mark.parametrize("path, code", [("/v1/approvals", "401"), ("/nothing", "404"), ("/healthz", "200")])
def test_answers_are_counted_by_status(office: Office, path: str, code: str) -> None:
    """Every answer counts, whoever gave it."""
    httpx2.get(office.server.url + path, timeout=10)
    said = httpx2.get(f"{office.server.url}/metrics", timeout=10).text
    assert f'sayso_http_responses_total{{code="{code}"}}' in said
