"""Codex CLI and Gemini CLI, the real programs, with `sayso hook` in their settings and a model that says what the test wants."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import ClassVar

from support import gemini_api, responses_api
from support.agent import Json
from support.frameworks import Place, Process
from support.npm import installed
from support.office import Office
from support.scripted_api import Block, ScriptedApi
from support.terminal import Terminal

VERSIONS = {"@openai/codex": "0.171.0", "@google/gemini-cli": "0.61.0"}


class CommandHost(Place):
    """A work tree, a home with the host's settings, and the host."""

    name: ClassVar[str]
    program: ClassVar[str]

    def __init__(self, office: Office, folder: Path, api: ScriptedApi) -> None:
        super().__init__(office, folder)
        self.api, self.tree, self.home = api, folder / "tree", folder / "home"
        self.tree.mkdir()
        self.home.mkdir()
        self.binary = str(
            installed(self.python.parents[1] / "node-hosts", VERSIONS, "Codex and Gemini CLI") / ".bin" / self.program
        )

    @property
    def env(self) -> dict[str, str]:
        """The home, the model's address, and a path on which `sayso` is found."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**super().env, "PATH": path, "HOME": str(self.home), **self.model}

    @property
    def model(self) -> dict[str, str]:
        """How the host finds its model."""
        raise NotImplementedError

    def install(self, *, within: str = "", timeout: str = "") -> None:
        """Settings as `sayso hook install` makes them; `within` and `timeout` make both less patient."""
        raise NotImplementedError

    def start(self, prompt: str = "change it", *, resumed: bool = False, **env: str) -> Process:  # type: ignore[override]
        """One run without a terminal, every tool allowed by the host's own rules: only the hook stands before them."""
        raise NotImplementedError

    def shell(self, command: str) -> Block:
        """The model runs a command."""
        raise NotImplementedError

    def writes(self, word: str, more: str = "") -> Block:
        """A command that writes a line into the ledger."""
        return self.shell(f"echo {word} >> {self.folder}/ledger{more}")

    def waiting(self, count: int = 1) -> dict[str, Json]:
        """The approvals that wait, by the word that they would write."""
        return {str(one["params"]["command"]).split()[1]: one for one in self.pending(count)}

    def close(self) -> None:
        """End everything."""
        super().close()
        self.api.close()


class Codex(CommandHost):
    """Codex CLI. What nobody has trusted in its window it passes over, so these runs say that their hooks were looked at."""

    name, program = "codex", "codex"

    def __init__(self, office: Office, folder: Path) -> None:
        super().__init__(office, folder, responses_api.ResponsesApi())

    def close(self) -> None:
        """End everything, also the server that Codex leaves behind in its home."""
        super().close()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str(self.home).encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)

    @property
    def model(self) -> dict[str, str]:
        """Its key; the address stands in its settings."""
        return {"STAND_IN_KEY": "of-a-test"}

    def install(self, *, within: str = "", timeout: str = "") -> None:
        """What `sayso hook install codex` prints, behind the model's address."""
        printed = self.run([sys.executable, "-m", "sayso", "hook", "install", "codex"])
        hooks = "".join(iter(printed.line, None))
        if within:
            hooks = hooks.replace("--for codex", f"--for codex --within {within}")
        if timeout:
            hooks = hooks.replace("timeout = 60", f"timeout = {timeout}")
        settings = self.home / ".codex" / "config.toml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(
            f'model = "stand-in"\nmodel_provider = "stand-in"\n'
            f'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
            f'[model_providers.stand-in]\nname = "stand-in"\nbase_url = "{self.api.url}/v1"\n'
            f'wire_api = "responses"\nenv_key = "STAND_IN_KEY"\n{hooks}'
        )

    def start(self, prompt: str = "change it", *, resumed: bool = False, trusted: bool = True, **env: str) -> Process:  # type: ignore[override]
        """`codex exec`."""
        options = ["--json", "--skip-git-repo-check", *(["--dangerously-bypass-hook-trust"] if trusted else [])]
        verb = ["exec", "resume", "--last"] if resumed else ["exec"]
        return self.run([self.binary, *verb, *options, prompt], self.tree, **env)

    def trust(self) -> None:
        """Somebody starts it in a terminal and says that they trust all hooks, as its window asks."""
        window = Terminal([self.binary], self.tree, self.env)
        settings = self.home / ".codex" / "config.toml"
        try:
            for _ in range(30):
                shown = window.shows()
                if ":post_tool_use:" in settings.read_text():
                    return
                window.type(next((key for told, key in KEYS.items() if told in shown), "/hooks"))
                if window.shows(0.5).rstrip().endswith("/hooks"):
                    window.type("\r")
            raise AssertionError(f"it did not ask about hooks: {window.shows()[-2000:]}")
        finally:
            window.close()

    def shell(self, command: str) -> Block:
        """Its tool for commands, which its hooks know as Bash."""
        return responses_api.call("exec_command", {"cmd": command})


class Gemini(CommandHost):
    """Gemini CLI."""

    name, program = "gemini", "gemini"

    def __init__(self, office: Office, folder: Path) -> None:
        super().__init__(office, folder, gemini_api.GeminiApi())

    @property
    def model(self) -> dict[str, str]:
        """Key and address; no process of its own inside another."""
        return {
            "GEMINI_API_KEY": "of-a-test",
            "GOOGLE_GEMINI_BASE_URL": self.api.url,
            "GEMINI_CLI_NO_RELAUNCH": "1",
        }

    def install(self, *, within: str = "", timeout: str = "") -> None:
        """`sayso hook install gemini` into settings that are there."""
        path = self.home / ".gemini" / "settings.json"
        path.parent.mkdir(exist_ok=True)
        own = {
            "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
            "general": {"disableAutoUpdate": True},
            "privacy": {"usageStatisticsEnabled": False},
        }
        path.write_text(json.dumps(own))
        process = self.run([sys.executable, "-m", "sayso", "hook", "install", "gemini", "--path", str(path)])
        assert process.ended() == 0, process.told()
        text = path.read_text()
        if within:
            text = text.replace("--for gemini", f"--for gemini --within {within}")
        if timeout:
            text = text.replace('"timeout": 60000', f'"timeout": {timeout}000')
        path.write_text(text)

    def start(self, prompt: str = "change it", *, resumed: bool = False, **env: str) -> Process:  # type: ignore[override]
        """`gemini -p`."""
        options = ["--yolo", "--output-format", "stream-json", "-m", "gemini-2.5-pro"]
        return self.run(
            [self.binary, *options, *(["--resume", "latest"] if resumed else []), "-p", prompt], self.tree, **env
        )

    def shell(self, command: str) -> Block:
        """Its tool for commands."""
        return gemini_api.call("run_shell_command", {"command": command})


# What Codex's window says about hooks, on whichever page one is, and the key that trusts them or leads there.
KEYS = {"› 2. Trust all": "\r", "t trust all": "t", "Trust all and continue": "2", "esc back": "\x1b"}
COMMAND_HOSTS: dict[str, type[Codex | Gemini]] = {"codex": Codex, "gemini": Gemini}
