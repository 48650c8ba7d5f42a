"""How long a newcomer with an MCP server takes, from `policy init` to the first approved call: python -m tests.first_call

The server is `mcp-server-git` from PyPI, unmodified, in an environment of its own; its tool makes a branch in a repository.
Prints each command with the seconds until then, the commands counted, and exits 1 above GOAL. The playground is Slack.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx2  # noqa: E402
from first_approval import Watch  # noqa: E402
from support.mcp_host import McpHost  # noqa: E402
from support.servers import free_port  # noqa: E402

from playground.kit import Playground  # noqa: E402

GOAL_SECONDS, GOAL_COMMANDS = 30.0, 4
SERVER = "mcp-server-git==2026.10.19"
PATIENCE = 60.0


class Newcomer:
    """Types commands in a folder of their own, each counted and timed."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder, self.env, self.watch, self.commands = folder, {**os.environ, **env}, Watch(), 0

    def types(self, *command: str) -> str:
        """One command; what it prints. It has to end well."""
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{shlex.join(command)}: {done.stderr[-2000:]}")
        self._counted(command)
        return done.stdout

    def starts(self, *command: str) -> subprocess.Popen[bytes]:
        """A command that goes on."""
        with (self.folder / "server.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=log, stderr=log)
        self._counted(command)
        return process

    def _counted(self, command: Sequence[str]) -> None:
        self.commands += 1
        words = [Path(word).name if "/" in word else word for word in command]
        self.watch.says(f"{self.commands}. {shlex.join(words)}")


def main() -> int:
    """Play the newcomer; the exit status."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        server = [str(_installed(folder / "venv")), "-m", "mcp_server_git", "--repository", str(_repository(folder))]
        slack = Playground.start(bot_url="http://127.0.0.1:1")
        try:
            seconds, commands = _played(folder, slack, server)
        finally:
            slack.stop()
    return int(seconds > GOAL_SECONDS or commands > GOAL_COMMANDS)


def _installed(venv: Path) -> Path:
    """The public server's own environment, as a host would have it; not timed, since it is there before Sayso comes."""
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    subprocess.run([*pip, SERVER], check=True)
    return venv / "bin" / "python"


def _repository(folder: Path) -> Path:
    """A repository with one commit."""
    made = folder / "shop"
    for words in (
        ["init", "--quiet", str(made)],
        ["-C", str(made), "commit", "--quiet", "--allow-empty", "-m", "First"],
    ):
        subprocess.run(["git", "-c", "user.name=demo", "-c", "user.email=demo@example.com", *words], check=True)
    return made


def _played(folder: Path, slack: Playground, server: list[str]) -> tuple[float, int]:
    port, program = free_port(), [sys.executable, "-m", "bot"]
    env = {**slack.env, "SAYSO_DATABASE_URL": f"sqlite:///{folder / 'sayso.db'}", "SAYSO_PORT": str(port)}
    env |= {"SAYSO_MANIFEST": str(folder / "actions.yml"), "SAYSO_ROSTER": str(ROOT / "policies" / "reviewers.yml")}
    newcomer = Newcomer(folder, env | {"PYTHONPATH": str(ROOT)})
    (folder / "actions.yml").write_text(newcomer.types(*program, "policy", "init", "--from-mcp", *server))
    serving = newcomer.starts(*program, "serve")
    try:
        token = newcomer.types(*program, "agent", "add", "desktop").split()[-1]
        url = slack.bot_url = f"http://127.0.0.1:{port}"
        _until_ready(url)
        newcomer.watch.says("Sayso is ready")
        seconds = _called(newcomer, slack, url, token, server)
    finally:
        serving.terminate()
        serving.wait(30)
    print(f"{newcomer.commands} commands and one tap; the first approved call had run after {seconds:.1f} s")
    return seconds, newcomer.commands


def _called(newcomer: Newcomer, slack: Playground, url: str, token: str, server: list[str]) -> float:
    """The host starts the gate, the model calls a tool, a person approves it: seconds until the tool has run."""
    folder = newcomer.folder
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "SAYSO_URL": url, "SAYSO_TOKEN": token}
    host = McpHost(folder, env, command=["--", *server])
    newcomer.commands += 1
    try:
        host.greet()
        newcomer.watch.says(f"{newcomer.commands}. sayso mcp-gate -- …, started by the host")
        answer = host.call_later("git_create_branch", {"repo_path": str(folder / "shop"), "branch_name": "first"})
        card = slack.expect_card(contains="first", has="approve", timeout=PATIENCE)
        newcomer.watch.says("the card is there")
        slack.person("U0ADMIN").click(card, "approve")
        told = answer.result(PATIENCE)
        branches = subprocess.run(["git", "-C", str(folder / "shop"), "branch"], capture_output=True, text=True).stdout
        if told["result"].get("isError") or "first" not in branches:
            raise SystemExit(f"the call did not run: {told}")
        return newcomer.watch.says("the tool has run, and the branch is there")
    finally:
        host.hang_up()


def _until_ready(url: str) -> None:
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        try:
            if httpx2.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    sys.exit(main())
