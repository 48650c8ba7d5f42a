"""The examples that need no framework, executed as their first lines say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.agent import Json
from support.files import ACTIONS, write_manifest
from support.hosts import manifest
from support.marks import on_sqlite
from support.office import Office

pytestmark = on_sqlite
EXAMPLES = Path(__file__).parents[2] / "examples"


def started(office: Office, folder: Path, *words: str) -> subprocess.Popen[str]:
    """An example, in a folder of its own, with `sayso` on its path."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "SAYSO_URL": office.server.url,
        "SAYSO_TOKEN": office.agent.token,
        "SAYSO_STATE_DIR": str(folder / "state"),
    }
    return subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit code and what it said."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def waiting(office: Office) -> Json:
    """The one approval that waits."""
    (approval,) = office.until(lambda: office.agent.listing(state="pending")["approvals"], "one waits")
    return dict(approval)


def edit(office: Office, approval: Json, **values: str) -> None:
    """A person approves with other values."""
    form = office.form("U0ALICE", office.card(approval), "edit")
    for name, value in values.items():
        form.fill(f"param:{name}", value)
    assert office.person("U0ALICE").submit(form).ok


def test_the_agent_with_evidence_pays_what_is_well_founded_and_asks_about_the_rest(
    closed_office: Office, tmp_path: Path
) -> None:
    """The case with agreeing samples and sources runs by itself, the one where the tool failed waits, with its signals on the card."""
    refund = {name: given for name, given in ACTIONS["process_refund"].items() if name not in ("amount", "conditions")}
    refund |= {"severity": "low", "reversible": True, "thresholds": {"auto_approve_confidence": 0.9}}
    write_manifest(closed_office.folder, {"process_refund": refund})
    closed_office.open()
    process = started(closed_office, tmp_path, sys.executable, str(EXAMPLES / "evidence_agent.py"))
    approval = waiting(closed_office)
    assert (tmp_path / "refunds.txt").read_text() == '["ann@example.com", 48]\n'
    assert approval["params"]["customer"] == "bob@example.com"
    edit(closed_office, approval, amount_usd="300")
    code, out, err = ended(process)
    assert (code, "refunded $300 to bob@example.com" in out) == (0, True), err
    assert (tmp_path / "refunds.txt").read_text().splitlines()[1:] == ['["bob@example.com", 300]']


@pytest.mark.parametrize("host", ["codex", "gemini"])
def test_the_small_host_runs_what_was_granted_and_reports_it(closed_office: Office, tmp_path: Path, host: str) -> None:
    """It waits in `sayso hook`, runs the edited command, and the record says how that ended."""
    closed_office.manifest.write_text(manifest({"rules": []}), encoding="utf-8")
    closed_office.open()
    script = str(EXAMPLES / "hosts" / "command_hook.py")
    process = started(closed_office, tmp_path, sys.executable, script, host, "echo one > ledger")
    approval = waiting(closed_office)
    assert not (tmp_path / "ledger").exists()
    edit(closed_office, approval, command="echo two > ledger")
    code, _, err = ended(process)
    assert (code, (tmp_path / "ledger").read_text()) == (0, "two\n"), err
    assert closed_office.agent.see(approval)["state"] == "succeeded"
    process = started(closed_office, tmp_path, sys.executable, script, host, "echo three > ledger")
    approval = waiting(closed_office)
    form = closed_office.form("U0ALICE", closed_office.card(approval), "reject").fill("reason", "Not that one")
    assert closed_office.person("U0ALICE").submit(form).ok
    code, _, err = ended(process)
    assert (code, "Not that one" in err, (tmp_path / "ledger").read_text()) == (1, True, "two\n")


def test_the_release_runs_once_however_often_the_job_is_started(closed_office: Office, tmp_path: Path) -> None:
    """Killed while it waits and started again it finds its approval, runs with the granted values, and a third start runs nothing."""
    deploy = {
        **ACTIONS["change_thing"],
        "title": "Deploy",
        "describe": "Deploy {{ params.version }} to {{ params.env }}",
    }
    deploy["params_schema"] = {
        "type": "object",
        "properties": {"env": {"type": "string"}, "version": {"type": "string"}},
        "required": ["env", "version"],
    }
    write_manifest(closed_office.folder, {"deploy": deploy})
    closed_office.open()
    script = str(EXAMPLES / "hosts" / "release.sh")
    first = started(closed_office, tmp_path, script, "1.4.2")
    approval = waiting(closed_office)
    first.kill()
    first.communicate()
    edit(closed_office, approval, env="staging")
    code, _, err = ended(started(closed_office, tmp_path, script, "1.4.2"))
    assert (code, (tmp_path / "releases.txt").read_text()) == (0, "released 1.4.2 to staging\n"), err
    ended(started(closed_office, tmp_path, script, "1.4.2"))
    assert (tmp_path / "releases.txt").read_text() == "released 1.4.2 to staging\n"
    assert json.loads(json.dumps(closed_office.agent.see(approval)))["state"] == "succeeded"
