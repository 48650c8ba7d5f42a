"""The example of the gate, as its first lines say: a manifest from the example's server, and a note once it is approved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from support.marks import on_sqlite
from support.mcp_host import environment
from support.office import Office

pytestmark = on_sqlite
EXAMPLES = Path(__file__).parents[2] / "examples" / "hosts"


def test_the_example_writes_its_note_once(closed_office: Office, tmp_path: Path) -> None:
    """It waits, is killed, starts again after the tap, and the note stands there once."""
    words = [
        sys.executable,
        "-m",
        "bot",
        "policy",
        "init",
        "--from-mcp",
        sys.executable,
        str(EXAMPLES / "notes_server.py"),
    ]
    drafted = subprocess.run(
        words, cwd=EXAMPLES.parents[1], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    manifest = yaml.safe_load(drafted)
    manifest["defaults"] = {"required_role": "finance", "channel": "#finance"}
    closed_office.manifest.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    closed_office.open()
    words = [sys.executable, str(EXAMPLES / "mcp_gate.py"), "Call Bob"]
    first = subprocess.Popen(words, cwd=tmp_path, env=environment(closed_office, tmp_path), start_new_session=True)
    agent = closed_office.agent
    (approval,) = closed_office.until(lambda: agent.listing(state="pending")["approvals"], "it waits")
    first.kill()
    first.wait()
    closed_office.person("U0ALICE").click(closed_office.card(approval), "approve")
    closed_office.until(lambda: agent.see(approval)["state"] == "approved", "approved")
    again = subprocess.run(
        words,
        cwd=tmp_path,
        env=environment(closed_office, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (again.returncode, again.stdout) == (0, "waiting for a person in Slack\nnoted\n"), again.stderr
    assert (tmp_path / "notes.txt").read_text() == "Call Bob\n"
    assert agent.see(approval)["state"] == "succeeded"
