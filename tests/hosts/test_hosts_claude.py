"""Claude Code's own binary and the Claude Agent SDK, against a stand-in for the model: a person decides, and each call runs once."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.agent import Json
from support.files import write_manifest
from support.frameworks import AGENTS, ROOT, Place, Process, hosts_python
from support.hosts import manifest
from support.marks import on_sqlite
from support.messages_api import MessagesApi, bash
from support.office import Office
from support.servers import free_port
from support.wrong_servers import WRONG, serving

pytestmark = on_sqlite
ASKS: Json = {"otherwise": "use_tool", "wait_seconds": 30, "rules": [{"tools": "Read", "action": "look"}]}


class Claude(Place):
    """A work tree with Sayso's hooks in its settings, and a model that says what the test wants."""

    def __init__(self, office: Office, folder: Path) -> None:
        super().__init__(office, folder)
        self.api = MessagesApi()
        self.tree = folder / "tree"
        self.tree.mkdir()
        found = next(self.python.parent.parent.glob("lib/*/site-packages/claude_agent_sdk/_bundled/claude"))
        self.binary = str(found)

    @property
    def env(self) -> dict[str, str]:
        """The model's address too."""
        return {
            **super().env,
            "ANTHROPIC_BASE_URL": self.api.url,
            "ANTHROPIC_API_KEY": "sk-of-a-test",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "TREE": str(self.tree),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def install(self, *options: str) -> None:
        """`sayso hook install claude-code`, in the work tree."""
        words = [str(self.python), "-m", "sayso", "hook", "install", "claude-code"]
        path = self.tree / ".claude" / "settings.json"
        process = self.run([*words, "--path", str(path), *options])
        assert process.ended() == 0, process.told()

    def claude(self, *words: str, **env: str) -> Process:
        """`claude -p` with every command allowed by its own rules: only the hook stands before them."""
        options = ["--allowedTools", "Bash", "--output-format", "json"]
        return self.run([self.binary, "-p", *options, *words], cwd=self.tree, **env)

    def command(self, word: str, more: str = "") -> str:
        """A command that writes a line into the ledger."""
        return f"echo {word} >> {self.folder}/ledger{more}"

    def waiting(self, count: int = 1) -> dict[str, Json]:
        """The approvals that wait, by the word that they would write."""
        return {str(one["params"]["command"]).split()[1]: one for one in self.pending(count)}

    def close(self) -> None:
        """End everything."""
        super().close()
        self.api.close()


def ended(process: Process) -> Json:
    """The result that Claude Code prints at its end."""
    said = process.hear()
    process.ended()
    return said


@pytest.fixture
def claude(closed_office: Office, tmp_path: Path) -> Iterator[Claude]:
    """An office whose manifest asks about commands."""
    hosts_python()
    closed_office.manifest.write_text(manifest(ASKS), encoding="utf-8")
    closed_office.open()
    opened = Claude(closed_office, tmp_path / "work")
    yield opened
    opened.close()


def states(claude: Claude) -> list[str]:
    """How all that was asked for stands."""
    return sorted(one["state"] for one in claude.office.agent.listing()["approvals"])


@pytest.mark.parametrize("pending", ["wait", "defer"])
def test_two_calls_of_a_turn_are_both_run(claude: Claude, pending: str) -> None:
    """Held in the hook, or one deferred and its sibling held: after two taps both have run once, and the model hears of both."""
    claude.install("--url", claude.office.server.url)
    if pending == "defer":
        path = claude.tree / ".claude" / "settings.json"
        path.write_text(path.read_text().replace("/hooks/claude-code", "/hooks/claude-code?pending=defer"))
    claude.api.turns = [[bash(claude.command("edge")), bash(claude.command("core"))]]
    process, deferred = claude.claude("change both"), 0
    with tapping(claude):
        said = ended(process)
        while said.get("stop_reason") == "tool_deferred":
            deferred += 1
            said = ended(claude.claude("--resume", said["session_id"]))
    assert sorted(claude.ledger) == ["core", "edge"], claude.api.told
    assert states(claude) == ["succeeded", "succeeded"]
    assert said["stop_reason"] == "end_turn"
    assert bool(deferred) == (pending == "defer")


@contextmanager
def tapping(claude: Claude) -> Iterator[None]:
    """Meanwhile somebody approves whatever waits."""
    done, tapped = threading.Event(), set()

    def look() -> None:
        while not done.wait(0.1):
            for word, approval in still(claude).items():
                if word not in tapped:
                    claude.tap(approval)
                    tapped.add(word)

    thread = threading.Thread(target=look)
    thread.start()
    yield
    done.set()
    thread.join()


def still(claude: Claude) -> dict[str, Json]:
    """What waits now."""
    found = claude.office.agent.listing(state="pending")["approvals"]
    return {str(one["params"]["command"]).split()[1]: one for one in found}


def test_opposite_verdicts_of_one_turn(claude: Claude) -> None:
    """One is rejected and one approved: each gets its own, with the reviewer's words."""
    claude.install("--url", claude.office.server.url)
    claude.api.turns = [[bash(claude.command("edge")), bash(claude.command("core"))]]
    process = claude.claude("change both")
    first = next(iter(claude.office.until(lambda: still(claude), "one waits").items()))
    claude.tap(first[1], "reject", reason="That one stays")
    other = claude.office.until(
        lambda: {word: one for word, one in still(claude).items() if word != first[0]}, "another waits"
    )
    ((word, approval),) = other.items()
    claude.tap(approval)
    ended(process)
    assert claude.ledger == [word]
    assert "That one stays" in claude.api.told
    assert states(claude) == ["rejected", "succeeded"]


def test_an_edit_runs_as_edited(claude: Claude) -> None:
    """The reviewer's command is the one that runs."""
    claude.install("--url", claude.office.server.url)
    claude.api.turns = [[bash(claude.command("edge"))]]
    process = claude.claude("change it")
    claude.tap(claude.waiting()["edge"], "edit", param__command=claude.command("rim"))
    ended(process)
    assert (claude.ledger, states(claude)) == (["rim"], ["succeeded"])


def test_a_command_that_fails_is_reported_as_failed(claude: Claude) -> None:
    """Its exit code is on the record."""
    claude.install("--url", claude.office.server.url)
    claude.api.turns = [[bash(claude.command("edge", "; exit 3"))]]
    process = claude.claude("change it")
    claude.tap(claude.waiting()["edge"])
    ended(process)
    assert (claude.ledger, states(claude)) == (["edge"], ["failed"])


def test_killed_while_it_waits_it_runs_once_after_the_tap(claude: Claude) -> None:
    """kill -9, a tap, the session resumed: the model makes the call again, under another id, and it finds its own approval."""
    claude.install("--url", claude.office.server.url)
    claude.api.turns = [[bash(claude.command("edge"))]]
    session = "11111111-2222-4333-8444-555555555555"
    process = claude.claude("--session-id", session, "change it")
    approval = claude.waiting()["edge"]
    process.kill()
    claude.tap(approval)
    claude.api.turns = [[bash(claude.command("edge"))]]
    ended(claude.claude("--resume", session, "go on"))
    assert (claude.ledger, states(claude)) == (["edge"], ["succeeded"])


def test_killed_inside_the_command_it_is_not_run_again(claude: Claude) -> None:
    """kill -9 while the command runs: the same call is refused in the resumed session, and the outcome is unknown."""
    claude.install("--url", claude.office.server.url)
    slow = claude.command("edge", "; sleep 60")
    claude.api.turns = [[bash(slow)]]
    session = "11111111-2222-4333-8444-555555555555"
    process = claude.claude("--session-id", session, "change it")
    claude.tap(claude.waiting()["edge"])
    claude.office.until(lambda: claude.ledger, "it runs")
    process.kill()
    claude.api.turns = [[bash(slow)]]
    ended(claude.claude("--resume", session, "go on"))
    assert "outcome is unknown" in claude.api.told
    assert claude.ledger == ["edge"]
    claude.office.advance(86_400)
    assert states(claude) == ["outcome_unknown"]


@pytest.mark.parametrize("wrong", ["down", "no manifest for tools", "another token"])
def test_what_cannot_answer_lets_nothing_run(claude: Claude, wrong: str) -> None:
    """No server, a server that was told nothing of tools, a token that nobody knows: no line."""
    env: dict[str, str] = {}
    url = claude.office.server.url
    if wrong == "down":
        url = f"http://127.0.0.1:{free_port()}"
    elif wrong == "another token":
        env = {"SAYSO_TOKEN": "sayso_unknown"}
    else:
        write_manifest(claude.office.folder)
        url = claude.office.open().url
    claude.install("--url", url)
    claude.api.turns = [[bash(claude.command("edge"))]]
    ended(claude.claude("change it", **env))
    assert claude.ledger == []
    assert len(claude.api.heard) == 2


SILENT = {"nothing", "another shape", "a yes without a grant"}  # over HTTP the host takes these for no opinion


@pytest.mark.parametrize("wrong", sorted(WRONG.keys() - {"down"} - SILENT))
def test_a_server_that_is_slow_or_wrong_lets_nothing_run(claude: Claude, wrong: str) -> None:
    """Whatever stands where Sayso should, and is no verdict of a hook: no line."""
    refused_by(claude, wrong, "--timeout", "1")


@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_the_hook_as_a_command_takes_nothing_but_a_verdict(claude: Claude, wrong: str) -> None:
    """Installed with `--command`, whatever answers in Sayso's place lets nothing run, silence neither."""
    refused_by(claude, wrong, "--command", "--timeout", "5")


def refused_by(claude: Claude, wrong: str, *options: str) -> None:
    """With such a server in Sayso's place the model is answered, and nothing has run."""
    claude.api.turns = [[bash(claude.command("edge"))]]
    with serving(WRONG[wrong]) as url:
        claude.install("--url", url, *options)
        ended(claude.claude("change it", SAYSO_URL=url))
    assert claude.ledger == []
    assert len(claude.api.heard) == 2


def test_the_hook_as_a_command_runs_what_was_granted(claude: Claude) -> None:
    """It waits, and after the tap the edited command runs once and is reported."""
    claude.install("--command")
    claude.api.turns = [[bash(claude.command("edge"))]]
    process = claude.claude("change it")
    claude.tap(claude.waiting()["edge"], "edit", param__command=claude.command("rim"))
    ended(process)
    assert (claude.ledger, states(claude)) == (["rim"], ["succeeded"])


def test_the_same_saved_session_resumed_twice_runs_once(claude: Claude) -> None:
    """A session restored and resumed a second time: its call asks people anew, and writes no second line."""
    claude.install("--url", claude.office.server.url)
    claude.api.turns = [[bash(claude.command("edge"))]]
    session = "11111111-2222-4333-8444-555555555555"
    process = claude.claude("--session-id", session, "change it")
    approval = claude.waiting()["edge"]
    process.kill()
    saved, kept = claude.folder / ".claude", claude.folder / "kept"
    shutil.copytree(saved, kept)
    claude.tap(approval)
    claude.api.turns = [[bash(claude.command("edge"))]]
    ended(claude.claude("--resume", session, "go on"))
    shutil.rmtree(saved)
    kept.rename(saved)
    claude.api.turns = [[bash(claude.command("edge"))]]
    again = claude.claude("--resume", session, "go on")
    claude.waiting()
    again.kill()
    assert (claude.ledger, states(claude)) == (["edge"], ["pending", "succeeded"])


def test_the_sdk_resumed_twenty_times_while_pending_runs_nothing(claude: Claude) -> None:
    """`allowed_tools=["Bash"]`: resumed again and again while nobody has decided no line is written; after the tap, one."""
    claude.api.turns = [[bash(claude.command("edge"))]]
    process = claude.start(AGENTS / "claude_sdk_agent.py", "start", SUSPEND="1")
    said = process.hear()
    assert said["deferred"], process.told()
    assert process.ended() == 0
    (approval,) = claude.waiting().values()
    again = claude.start(AGENTS / "claude_sdk_agent.py", "resume", said["session"], "20", SUSPEND="1")
    assert [again.hear()["deferred"] for _ in range(20)] == [True] * 20
    assert (again.ended(), claude.ledger) == (0, [])
    claude.tap(approval)
    last = claude.start(AGENTS / "claude_sdk_agent.py", "resume", said["session"], "1", SUSPEND="1")
    assert last.hear()["deferred"] is False, last.told()
    assert (claude.ledger, states(claude)) == (["edge"], ["succeeded"])


def test_the_sdk_waits_in_the_call(claude: Claude) -> None:
    """Without `defer` the session waits, and goes on after the tap."""
    claude.api.turns = [[bash(claude.command("edge"))]]
    process = claude.start(AGENTS / "claude_sdk_agent.py", "start")
    claude.tap(claude.waiting()["edge"])
    said: dict[str, Any] = process.hear()
    assert (said["deferred"], said["result"], claude.ledger) == (False, "done", ["edge"]), process.told()


def test_every_snippet_of_the_guide_runs(claude: Claude) -> None:
    """Pasted into a program: the first waits for the tap, the second is deferred, and deferred again when it is resumed."""
    done = [{"type": "text", "text": "done"}]
    claude.api.turns = [[bash(claude.command("edge"))], done, [bash(claude.command("core"))]]
    process = claude.start(AGENTS / "snippet.py", "Claude Agent SDK", "claude_names")
    claude.tap(claude.waiting()["edge"])
    assert process.hear() == {"ran": 0}
    assert process.hear() == {"ran": 1}
    assert (process.ended(), claude.ledger) == (0, ["edge"]), process.told()
    assert list(claude.waiting()) == ["core"]


def test_the_example_goes_on_where_it_waited(claude: Claude) -> None:
    """It ends while nobody has decided; started after the tap, it runs the command once."""
    claude.api.turns = [[bash(claude.command("edge"))]]
    script = str(ROOT / "examples" / "hosts" / "claude_sdk_session.py")
    for _ in range(2):
        process = claude.run([str(claude.python), script])
        assert (process.ended(), claude.ledger) == (0, []), process.told()
    claude.tap(claude.waiting()["edge"])
    process = claude.run([str(claude.python), script])
    assert (process.ended(), claude.ledger) == (0, ["edge"]), process.told()
    assert states(claude) == ["succeeded"]


@pytest.mark.parametrize(
    "options", ["settings='{\"disableAllHooks\": true}'", "extra_args={'settings': 'x.json'}", "settings='{'"]
)
def test_options_without_hooks_are_refused(claude: Claude, options: str) -> None:
    """Settings that switch hooks off, or cannot be read, are an error before anything starts."""
    made = f"from claude_agent_sdk import ClaudeAgentOptions as O; from sayso.integrations.claude_sdk import guarded; guarded(O({options}))"
    process = claude.run([str(claude.python), "-c", made])
    assert process.ended() == 1
    assert "SaysoError: the options" in process.told()
