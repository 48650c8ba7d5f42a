"""`sayso run` and its kin, with a real server and a file as the effect: what runs is what was granted, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.agent import Json
from support.marks import on_sqlite
from support.office import Office

pytestmark = on_sqlite
LEDGER = "import os, sys; open('ledger', 'a').write(' '.join(sys.argv[1:]) + '\\n')"


class Shell:
    """A directory in which `sayso` is run with the office's token."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder = office, folder
        folder.mkdir()
        self.env = {
            "PATH": os.environ["PATH"],
            "SAYSO_URL": office.server.url,
            "SAYSO_TOKEN": office.agent.token,
            "SAYSO_STATE_DIR": str(folder / "state"),
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start `sayso …`."""
        command = [sys.executable, "-m", "sayso", *words]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=self.folder, env=self.env | env, **pipes)
        self.started.append(process)
        return process

    def ran(self, *words: str, **env: str) -> tuple[int, str, str]:
        """Run `sayso …` to its end: exit code, output, errors."""
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def ledger(self) -> list[str]:
        """What was done, a line a time."""
        path = self.folder / "ledger"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def pending(self) -> Json:
        """The one approval that waits."""
        waiting = self.office.until(lambda: self.office.agent.listing(state="pending")["approvals"], "one waits")
        (approval,) = waiting
        return dict(approval)

    def tap(self, approval: Json, button: str = "approve", **values: str) -> None:
        """A person decides, with a form where there are values."""
        card = self.office.card(approval)
        if not values:
            self.office.person("U0ALICE").click(card, button)
            return
        form = self.office.form("U0ALICE", card, button)
        for name, value in values.items():
            form.fill(name.replace("__", ":"), value)
        assert self.office.person("U0ALICE").submit(form).ok


@pytest.fixture
def shell(office: Office, tmp_path: Path) -> Iterator[Shell]:
    """A place to run commands."""
    opened = Shell(office, tmp_path / "work")
    yield opened
    for process in opened.started:
        process.kill()


def change(thing: str, *options: str) -> list[str]:
    """A run that writes `thing` into the ledger."""
    return ["run", "change_thing", "--param", f"thing={thing}", *options, "--", sys.executable, "-c", LEDGER, "{thing}"]


def test_a_command_runs_once_it_is_approved(shell: Shell) -> None:
    """It waits for the tap, runs with the parameter in its place, and its end is reported."""
    process = shell.start(*change("edge"))
    approval = shell.pending()
    assert shell.ledger == []
    shell.tap(approval)
    _out, err = process.communicate(timeout=60)
    assert (process.returncode, shell.ledger) == (0, ["edge"])
    assert "waits for a person" in err
    assert shell.office.agent.see(approval)["state"] == "succeeded"


def test_what_the_reviewer_wrote_is_what_runs(shell: Shell) -> None:
    """The edited value stands in the arguments and in the environment, and the change is told."""
    show = "import os; print(os.environ['SAYSO_PARAM_THING'], 'SAYSO_TOKEN' in os.environ, os.environ['SAYSO_IDEMPOTENCY_KEY'][:9])"
    process = shell.start("run", "change_thing", "-p", "thing=edge", "--", sys.executable, "-c", show)
    shell.tap(shell.pending(), "edit", param__thing="rim")
    out, err = process.communicate(timeout=60)
    assert out == "rim False sayso-apr\n"
    assert "changed by the reviewer: thing: 'edge' → 'rim'" in err


@pytest.mark.parametrize(
    "value", ["$(touch pwned)", "`touch pwned`", "a; touch pwned", "a b\nc", "'\"\\", "{thing}", "--help", ""]
)
def test_no_shell_reads_a_granted_value(shell: Shell, value: str) -> None:
    """Whatever a value says, it is one argument."""
    code, out, _ = shell.ran(
        "run",
        "remind",
        "-p",
        f"thing={value}",
        "--",
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1:])",
        "{thing}",
    )
    assert (code, out) == (0, f"{[value]}\n")
    assert not (shell.folder / "pwned").exists()


def test_braces_of_others_stay(shell: Shell) -> None:
    """Only names of parameters are filled in; JSON and awk keep their braces, and a value may stand within an argument."""
    words = ["{print $1}", '{"a": {thing}}', "--x={thing}", "{}", "{other}"]
    code, out, _ = shell.ran(
        "run", "remind", "-p", "thing:=[1, 2]", "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", *words
    )
    assert code == 0
    assert out == f"{['{print $1}', chr(123) + chr(34) + 'a' + chr(34) + ': [1, 2]}', '--x=[1, 2]', '{}', '{other}']}\n"


def test_a_no_runs_nothing(shell: Shell) -> None:
    """126, the reviewer's words, and an empty ledger."""
    process = shell.start(*change("edge"))
    shell.tap(shell.pending(), "reject", reason="Not on a Friday")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, shell.ledger) == (126, [])
    assert "Not on a Friday" in err


def test_what_the_manifest_does_not_know_runs_nothing(shell: Shell) -> None:
    """A blocked action is refused at once."""
    code, _, err = shell.ran("run", "never_heard_of", "--", "touch", "ledger")
    assert (code, shell.ledger) == (126, [])
    assert "not in the manifest" in err


def test_silence_runs_nothing_and_can_be_waited_for_again(shell: Shell) -> None:
    """124 after the time-out; the same step finds its own approval."""
    code, _, err = shell.ran(*change("edge", "--step", "one", "--timeout", "1"))
    assert (code, shell.ledger) == (124, [])
    assert "it stays open: sayso wait apr_" in err
    shell.tap(shell.pending())
    assert shell.ran(*change("edge", "--step", "one"))[0] == 0
    assert shell.ledger == ["edge"]


def test_a_command_that_fails_is_reported_as_failed(shell: Shell) -> None:
    """Its own exit code, and the end of what it printed for whoever looks."""
    code, out, err = shell.ran("run", "remind", "-p", "thing=x", "--", "sh", "-c", "echo one; echo two >&2; exit 3")
    assert (code, out) == (3, "one\n")
    assert "two" in err
    (approval,) = shell.office.agent.listing()["approvals"]
    assert approval["state"] == "failed"
    rationale = str(shell.office.trail(approval)[-1]["rationale"])
    assert "exit code 3" in rationale
    assert "one" in rationale
    assert "two" in rationale


def test_a_command_that_is_not_there_is_reported(shell: Shell) -> None:
    """127, as shells say it."""
    assert shell.ran("run", "remind", "-p", "thing=x", "--", "no-such-program")[0] == 127


def test_killed_while_waiting_it_runs_once(shell: Shell) -> None:
    """kill -9 while people decide; the tap; the same step in a new process runs it, and a third one does not."""
    process = shell.start(*change("edge", "--step", "one"))
    approval = shell.pending()
    process.kill()
    process.wait()
    shell.tap(approval)
    assert shell.ran(*change("edge", "--step", "one"))[0] == 0
    code, _, err = shell.ran(*change("edge", "--step", "one"))
    assert code == 125
    assert "has already succeeded" in err
    assert shell.ledger == ["edge"]


def test_killed_inside_the_command_it_does_not_run_again(shell: Shell) -> None:
    """kill -9 after the effect and before the report: a new process refuses, because it may have run."""
    words = [
        "run",
        "remind",
        "-p",
        "thing=x",
        "--step",
        "one",
        "--",
        sys.executable,
        "-c",
        f"{LEDGER}; import time; time.sleep(60)",
        "x",
    ]
    process = shell.start(*words)
    shell.office.until(lambda: shell.ledger, "the effect")
    process.kill()
    process.wait()
    code, _, err = shell.ran(*words)
    assert code == 125
    assert "its end is not known" in err
    assert shell.ledger == ["x"]


def test_a_signal_ends_the_command_and_is_reported(shell: Shell) -> None:
    """SIGTERM reaches the command first; how it ended is told before sayso ends."""
    process = shell.start(
        "run", "remind", "-p", "thing=x", "--", sys.executable, "-c", f"{LEDGER}; import time; time.sleep(60)", "x"
    )
    shell.office.until(lambda: shell.ledger, "it runs")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    (approval,) = shell.office.agent.listing()["approvals"]
    assert approval["state"] == "failed"


@pytest.mark.parametrize(
    "env", [{"SAYSO_URL": "http://127.0.0.1:9"}, {"SAYSO_TOKEN": "wrong"}, {"SAYSO_URL": "nonsense"}]
)
def test_without_an_answer_nothing_runs(shell: Shell, env: dict[str, str]) -> None:
    """Sayso down, a wrong token, a wrong address: 125, and no line in the ledger."""
    from sayso import client  # noqa: F401 - the same code, imported here so that a broken import shows

    process = shell.start(*change("edge"), **env)
    try:
        process.communicate(timeout=75)
        assert process.returncode == 125
    finally:
        process.kill()
    assert shell.ledger == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["run", "remind", "-p", "thing"], "give the command to run after --"),
        (["run", "remind", "-p", "thing", "--", "true"], "must be NAME=TEXT"),
        (["run", "remind", "-p", "a=1", "-p", "a=2", "--", "true"], "given twice"),
        (["run", "remind", "-p", "a:=nope", "--", "true"], "is not JSON"),
        (["fly"], "unknown command 'fly'"),
        ([], "usage: sayso COMMAND"),
    ],
)
def test_a_wrong_usage_is_one_line(shell: Shell, words: list[str], problem: str) -> None:
    """What is wrong is named, and nothing is asked."""
    code, _, err = shell.ran(*words)
    assert code in (2, 125)
    assert problem in err
    assert shell.office.agent.listing()["approvals"] == []


def test_scripts_ask_wait_and_look(shell: Shell) -> None:
    """`ask` prints the id and ends; `status` says how it stands; `wait` ends with the decision; `--json` is for machines."""
    code, out, _ = shell.ran("ask", "change_thing", "-p", "thing=edge", "--reason", "Release")
    assert code == 0
    approval = {"id": out.strip()}
    assert shell.ran("status", approval["id"])[1] == "pending\n"
    assert shell.ran("wait", approval["id"], "--timeout", "0.2")[0] == 124
    waiting = shell.start("wait", approval["id"], "--json")
    shell.tap(approval)
    told, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, json.loads(told)["state"]) == (0, "approved")
    second = shell.ran("ask", "never_heard_of")[1].strip()
    code, out, _ = shell.ran("wait", second)
    assert (code, out) == (126, "blocked\n")
    assert shell.ran("status", "apr_nobody")[0] == 125


def test_a_reviewers_question_is_answered(shell: Shell) -> None:
    """A script cannot talk, so it says what it was given to say, and the clock goes on."""
    process = shell.start("run", "change_thing", "-p", "thing=edge", "--answer", "Job 12, ask @dan", "--", "true")
    approval = shell.pending()
    shell.tap(approval, "request_info", question="Whose job is this?")
    shell.office.until(lambda: "info_answered" in shell.office.events(approval), "answered")
    shell.tap(approval)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "a reviewer asks: Whose job is this?" in err
