"""Codex CLI and Gemini CLI, the real programs, against stand-ins for their models: a person decides, and each call runs once."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import responses_api
from support.agent import Json
from support.command_hosts import COMMAND_HOSTS, Codex, CommandHost
from support.frameworks import Process, hosts_python
from support.hosts import manifest
from support.marks import on_sqlite
from support.office import Office
from support.wrong_servers import WRONG, serving

pytestmark = on_sqlite
ASKS: Json = {"otherwise": "use_tool", "wait_seconds": 30, "rules": [{"tools": "read_file", "action": "look"}]}


@pytest.fixture
def asking(closed_office: Office) -> Office:
    """An office whose manifest asks about commands."""
    hosts_python()
    closed_office.manifest.write_text(manifest(ASKS), encoding="utf-8")
    closed_office.open()
    return closed_office


@pytest.fixture(params=COMMAND_HOSTS)
def host(request: pytest.FixtureRequest, asking: Office, tmp_path: Path) -> Iterator[CommandHost]:
    """Each host."""
    opened = COMMAND_HOSTS[request.param](asking, tmp_path / "work")
    yield opened
    opened.close()


@pytest.fixture
def codex(asking: Office, tmp_path: Path) -> Iterator[Codex]:
    """Codex alone."""
    opened = Codex(asking, tmp_path / "work")
    yield opened
    opened.close()


def states(host: CommandHost) -> list[str]:
    """How all that was asked for stands, oldest first."""
    return [one["state"] for one in host.office.agent.listing()["approvals"]][::-1]


def over(process: Process) -> None:
    """Wait until the host has ended by itself."""
    assert process.ended() == 0, process.told()


def test_a_call_runs_once_it_is_approved_and_is_reported(host: CommandHost) -> None:
    """The host waits in its hook; after the tap the command runs, and the record says how it ended."""
    host.install()
    host.api.turns = [[host.writes("edge")]]
    process = host.start()
    approval = host.waiting()["edge"]
    assert host.ledger == []
    host.tap(approval)
    over(process)
    assert (host.ledger, states(host)) == (["edge"], ["succeeded"])


def test_killed_while_it_waits_it_runs_once_after_the_tap(host: CommandHost) -> None:
    """kill -9, a tap, the session resumed: the model makes the call again, under another id, and it finds its own approval."""
    host.install()
    host.api.turns = [[host.writes("edge")]]
    process = host.start()
    approval = host.waiting()["edge"]
    process.kill()
    time.sleep(1.5)  # its hook ends at once, and nobody taps that fast
    host.tap(approval)
    host.office.until(lambda: states(host) == ["approved"], "approved")
    assert host.ledger == []
    host.api.turns = [[host.writes("edge")]]
    over(host.start("go on", resumed=True))
    assert (host.ledger, states(host)) == (["edge"], ["succeeded"])


def test_killed_inside_the_command_it_is_not_run_again(host: CommandHost) -> None:
    """kill -9 while the command runs: the same call is refused in the resumed session, and the outcome is unknown."""
    host.install()
    slow = host.writes("edge", "; sleep 60")
    host.api.turns = [[slow]]
    process = host.start()
    host.tap(host.waiting()["edge"])
    host.office.until(lambda: host.ledger, "it runs")
    process.kill()
    host.api.turns = [[host.writes("edge", "; sleep 60")]]
    over(host.start("go on", resumed=True))
    assert "outcome is unknown" in host.api.told
    assert host.ledger == ["edge"]
    host.office.advance(86_400)
    assert states(host) == ["outcome_unknown"]


def test_the_same_saved_session_resumed_twice_runs_once(host: CommandHost) -> None:
    """A session restored and resumed a second time: its call asks people anew, and writes no second line."""
    host.install()
    host.api.turns = [[host.writes("edge")]]
    process = host.start()
    approval = host.waiting()["edge"]
    process.kill()
    time.sleep(1.5)
    kept = host.home.with_name("kept")
    shutil.copytree(host.home, kept)
    host.tap(approval)
    host.api.turns = [[host.writes("edge")]]
    over(host.start("go on", resumed=True))
    shutil.rmtree(host.home)
    kept.rename(host.home)
    host.api.turns = [[host.writes("edge")]]
    again = host.start("go on", resumed=True)
    host.waiting()
    again.kill()
    assert (host.ledger, states(host)) == (["edge"], ["succeeded", "pending"])


def test_an_edit_runs_as_edited(host: CommandHost) -> None:
    """The reviewer's command is the one that runs, and it is reported."""
    host.install()
    host.api.turns = [[host.writes("edge")]]
    process = host.start()
    host.tap(host.waiting()["edge"], "edit", param__command=f"echo rim >> {host.folder}/ledger")
    over(process)
    assert (host.ledger, states(host)) == (["rim"], ["succeeded"])


def test_opposite_verdicts_of_one_turn(host: CommandHost) -> None:
    """One is rejected and one approved: each gets its own, with the reviewer's words."""
    host.install()
    host.api.turns = [[host.writes("edge"), host.writes("core")]]
    process = host.start()
    waiting = host.waiting(2)
    host.tap(waiting["edge"], "reject", reason="That one stays")
    host.tap(waiting["core"])
    over(process)
    assert host.ledger == ["core"]
    assert "That one stays" in host.api.told
    assert sorted(states(host)) == ["rejected", "succeeded"]


def test_nobody_decides_in_time_and_the_same_call_goes_on_waiting(host: CommandHost) -> None:
    """The hook answers before the host gives up; the call made again finds the approval that is still open, and runs once."""
    host.install(within="6", timeout="8")
    host.api.turns = [[host.writes("edge")], [host.writes("edge")]]
    process = host.start()
    approval = host.waiting()["edge"]
    host.office.until(lambda: "it is not refused" in host.api.told, "the model was told")
    assert host.ledger == []
    host.tap(approval)
    over(process)
    assert (host.ledger, states(host)) == (["edge"], ["succeeded"])


@pytest.mark.parametrize(
    "wrong", ["down", "slow", "hangs up", "a page", "nothing", "another shape", "a yes without a grant"]
)
def test_a_server_that_is_down_slow_or_wrong_runs_nothing(host: CommandHost, wrong: str) -> None:
    """Whatever stands where Sayso should: no line, and the model is told why, before the host's own time is over."""
    host.install(within="3", timeout="5")
    host.api.turns = [[host.writes("edge")]]
    with serving(WRONG[wrong]) as url:
        over(host.start(SAYSO_URL=url))
    assert host.ledger == []
    assert "Sayso let nothing run" in host.api.told


def test_an_unknown_token_runs_nothing(host: CommandHost) -> None:
    """A token that nobody knows: no line."""
    host.install()
    host.api.turns = [[host.writes("edge")]]
    over(host.start(SAYSO_TOKEN="sayso_unknown"))
    assert (host.ledger, len(host.api.heard)) == ([], 2)


def test_the_directory_that_codex_is_told_to_work_in_is_no_work_tree(closed_office: Office, tmp_path: Path) -> None:
    """The project's own script runs; one in another directory, which the model names for the call, asks a person."""
    hosts_python()
    closed_office.manifest.write_text(manifest(), encoding="utf-8")
    closed_office.open()
    tree, other = tmp_path / "work" / "tree", tmp_path / "other"
    other.mkdir()
    codex = Codex(closed_office, tmp_path / "work")
    try:
        codex.install()
        for directory in (tree, other):
            (directory / "x.sh").write_text("touch here\n")
        codex.api.turns = [
            [responses_api.call("exec_command", {"cmd": "sh x.sh", "workdir": str(directory)})]
            for directory in (tree, other)
        ]
        process = codex.start()
        (approval,) = codex.pending()
        assert ((tree / "here").exists(), (other / "here").exists()) == (True, False)
        codex.tap(approval, "reject", reason="Not there")
        over(process)
    finally:
        codex.close()
    assert not (other / "here").exists()


def test_codex_asks_once_somebody_has_trusted_its_hooks(codex: Codex) -> None:
    """The doctor says that nobody has; trusted in its window, they run without the option for machines, and the doctor is content."""
    codex.install()
    doctor = [sys.executable, "-m", "sayso", "hook", "doctor"]
    process = codex.run(doctor, codex.tree)
    assert (process.ended(), any("nobody has trusted" in line for line in iter(process.line, None))) == (1, True)
    codex.trust()
    assert codex.run(doctor, codex.tree).ended() == 0
    codex.api.turns = [[codex.writes("edge")]]
    process = codex.start(trusted=False)
    codex.tap(codex.waiting()["edge"])
    over(process)
    assert (codex.ledger, states(codex)) == (["edge"], ["succeeded"])


def test_codex_passes_over_a_hook_that_nobody_has_trusted(codex: Codex) -> None:
    """The host's own rule, of which the guide and `hook install` warn: until somebody trusts the hook, tools run unasked."""
    codex.install()
    codex.api.turns = [[codex.writes("edge")]]
    over(codex.start(trusted=False))
    assert (codex.ledger, states(codex)) == (["edge"], [])
