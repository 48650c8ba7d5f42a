"""The demo as a user starts it: a process, its words, its ports, and how it ends."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from orders import Orders
from repository import git_is_here
from stage import Stage, Trouble

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATIENCE_SECONDS = 200.0
# What a user may have set for real work; none of it may be used.
FOREIGN = {
    "SLACK_APP_TOKEN": "xapp-real",
    "SLACK_BOT_TOKEN": "xoxb-real",
    "SAYSO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "SAYSO_PORT": "not a port",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "https_proxy": "http://127.0.0.1:1",
}


class Demo:
    """`examples/demo.py` in a process of its own."""

    def __init__(self, directory: Path, *options: str, scripts: Path = EXAMPLES, **environment: str) -> None:
        command = [sys.executable, str(scripts / "demo.py"), "--directory", str(directory), *options]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line)

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def expect(self, pattern: str) -> str:
        """Wait for words; returns the first group."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (found := re.search(pattern, self.said)) is None:
            assert time.monotonic() < end, f"{pattern!r} was never said:\n{self.said}"
            time.sleep(0.05)
        return found[1] if found.re.groups else found[0]

    def ended(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return json.load(answer)


def approve(url: str, user: str, channel: str, words: str) -> None:
    """Touch Approve on the card with these words, as the page does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        messages = call(f"{url}/playground/state?user={user}")["messages"].get(channel, [])
        card = next((one for one in messages if words in json.dumps(one) and '"approve"' in json.dumps(one)), None)
        if card is not None:
            break
        assert time.monotonic() < end, f"no card with {words!r}"
        time.sleep(0.1)
    tap = {"user": user, "channel": channel, "ts": card["ts"], "action_id": "approve"}
    assert call(f"{url}/playground/act/click", tap)["status"] == 200


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def server_pids(directory: Path) -> dict[str, int]:
    return {path.stem: int(path.read_text(encoding="utf-8")) for path in directory.glob("*.pid")}


@pytest.mark.slow
def test_one_story_holds_and_exits_with_0(tmp_path: Path) -> None:
    """`--once` tells the story, every claim of it looked up, whatever tokens and proxies the user has set."""
    demo = Demo(tmp_path / "once", "--once", **FOREIGN)
    assert demo.ended() == 0, demo.said
    demo.expect(r"order 1042: exactly one ledger row")
    demo.expect(r"Send it to the workshop first")
    demo.expect(r"it moved to (Carol|Dan)")
    demo.expect(r"All \d+ claims hold")
    rows = Orders(tmp_path / "once" / "orders.db").ledger()
    assert len(rows) == len({entry.order_id for entry in rows}) == 15
    assert not re.search(r"U0[A-Z]{3,}", demo.said)


@pytest.mark.slow
def test_live_pays_what_is_approved_on_the_page_and_stops_cleanly(tmp_path: Path, taken_port: int) -> None:
    """A taken port gives way to a free one, a tap on the page becomes one ledger row, and SIGINT leaves nothing running."""
    nothing = tmp_path / "empty"
    nothing.mkdir()
    directory = tmp_path / "live"
    demo = Demo(directory, "--port", str(taken_port), "--bot-port", "0", "--every", "1", PATH=str(nothing))
    try:
        url = demo.expect(r"(http://127\.0\.0\.1:\d+)\n")
        assert url != f"http://127.0.0.1:{taken_port}"
        demo.expect(r"git is not installed")
        approve(url, "U0ALICE", "C0FINANCE", "Refund $180")
        demo.expect(r"order 1042: approved by Alice")
        demo.expect(r"ledger: 1 row for order 1042: \$180\.00 refunded")
        demo.expect(r"order 1047: asked")
        second = Demo(directory, "--port", "0", "--bot-port", "0")
        assert second.ended() == 1
        second.expect(r"demo: another demo is running")
        servers = server_pids(directory)
        assert {name for name, pid in servers.items() if alive(pid)} == {"bot", "playground"}
        demo.process.send_signal(signal.SIGINT)
        assert demo.ended() == 0, demo.said
        assert not [pid for pid in servers.values() if alive(pid)]
    finally:
        demo.process.terminate()
        demo.ended()


@pytest.mark.slow
def test_live_says_so_when_the_server_dies_and_can_go_on_later(tmp_path: Path) -> None:
    """A server that is gone ends the demo with status 1 and one line; `--keep` goes on with what was left."""
    directory = tmp_path / "live"
    demo = Demo(directory, "--port", "0", "--bot-port", "0")
    try:
        demo.expect(r"order 1042: asked")
        demo.expect(r"exiting with")
        os.kill(server_pids(directory)["bot"], signal.SIGKILL)
        assert demo.ended() == 1, demo.said
        demo.expect(r"demo: the server stopped with exit status -9")
    finally:
        demo.process.terminate()
        demo.ended()
    again = Demo(directory, "--port", "0", "--keep")
    try:
        again.expect(r"Sayso is running")
        again.expect(r"exiting with 0 open" if not git_is_here() else r"refunds\[\d+\]: exiting with \d open")
        assert [entry.order_id for entry in Orders(directory / "orders.db").ledger()].count(1041) == 1
        again.process.send_signal(signal.SIGTERM)
        assert again.ended() == 0, again.said
    finally:
        again.process.terminate()
        again.ended()


@pytest.mark.slow
def test_a_claim_that_does_not_hold_ends_the_story_with_1(tmp_path: Path) -> None:
    """With a limit that no longer denies the large refund, the story stops there, names the claim and exits with 1."""
    scripts = shutil.copytree(EXAMPLES, tmp_path / "examples")
    manifest = scripts / "actions.yml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("deny_above_usd: 10000", "deny_above_usd: 90000"), encoding="utf-8")
    demo = Demo(tmp_path / "once", "--once", scripts=scripts)
    assert demo.ended() == 1, demo.said
    demo.expect(r"demo: does not hold: \$12,500\.00 was denied")
    assert "claims hold" not in demo.said


def test_empties_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    """A folder with something else in it is refused, and left as it is."""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("years of work", encoding="utf-8")
    with pytest.raises(Trouble, match="pass another --directory"):
        Stage(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter").read_text(encoding="utf-8") == "years of work"


def test_the_demos_manifest_has_nothing_to_complain_about() -> None:
    """`policy check` finds neither an error nor a warning in the demo's two files."""
    command = [sys.executable, "-m", "bot", "policy", "check", str(EXAMPLES / "actions.yml")]
    done = subprocess.run([*command, "--roster", str(EXAMPLES / "reviewers.yml")], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "0 errors, 0 warnings"), done.stdout + done.stderr


def test_the_agents_need_nothing_but_the_client() -> None:
    """The agents and what they stand on import the standard library, `sayso` and each other."""
    ours = {"refund_agent", "branch_agent", "resumable", "orders", "repository", "answering"}
    for name in ours:
        tree = ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
        found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        found |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        roots = {module.partition(".")[0] for module in found}
        assert roots <= ours | {"sayso"} | sys.stdlib_module_names, (name, roots)
