"""`sayso hook install`: a host's settings, with Sayso's hooks merged into what is there."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

MARK = "/v1/hooks/claude-code"
COMMAND = "sayso hook --for"
TIMEOUT = 600  # seconds that Claude Code waits for the hook; the manifest's wait_seconds is less
Made = Callable[..., dict[str, Any]]  # one hook, from its time-out and whether it is a gate
GATES, REPORTS = ("PreToolUse", "PermissionRequest"), ("PostToolUse", "PostToolUseFailure")


def add(verbs: Any) -> None:
    """Declare `install` and `uninstall`."""
    for verb, told in (
        ("install", "write a host's settings"),
        ("uninstall", "take Sayso's hooks out of a host's settings"),
    ):
        parser = verbs.add_parser(verb, help=told)
        parser.add_argument("target", choices=["claude-code", "codex", "gemini"], metavar="HOST")
        parser.add_argument(
            "--scope", choices=["project", "local", "user"], default="project", help="whose settings (project)"
        )
        parser.add_argument("--path", type=Path, help="the settings file itself")
        parser.add_argument("--url", help="the server (default: SAYSO_URL)")
        parser.add_argument(
            "--timeout", type=int, default=TIMEOUT, metavar="SECONDS", help="how long the host waits (600)"
        )
        parser.add_argument(
            "--command",
            action="store_true",
            dest="as_command",
            help="Claude Code: start `sayso hook` for each call instead of asking over HTTP; half a second more, and whatever "
            "else answers in Sayso's place is no yes",
        )
        parser.add_argument("--dry-run", action="store_true", help="print what would be written, and write nothing")
        parser.set_defaults(work=_work, verb=verb)


def _work(args: argparse.Namespace) -> int:
    try:
        if args.target == "codex":
            return _codex(args)
        path = args.path or place(args.target, args.scope)
        before = read_settings(path)
        after = without_hooks(before, args.target)
        if args.verb == "install":
            made: Made = command_hook if args.as_command else partial(claude_hook, _url(args))
            after = with_hooks(after, args.target, made, args.timeout)
        if args.dry_run:
            print(json.dumps(after, indent=2, ensure_ascii=False))
            return 0
        if after == before:
            print(f"{path} needs no change")
            return 0
        write(path, after)
        print(f"{path} is written; restart {args.target} with SAYSO_TOKEN set, then run `sayso hook doctor`")
        return 0
    except Unusable as error:
        print(f"sayso hook: {error}", file=sys.stderr)
        return 2


class Unusable(Exception):
    """The settings cannot be read or written as they are; nothing was changed."""


def place(host: str, scope: str) -> Path:
    """Where a host looks for its settings."""
    folder = {"claude-code": ".claude", "gemini": ".gemini"}[host]
    base = Path.home() if scope == "user" else Path.cwd()
    local = host == "claude-code" and scope == "local"
    return base / folder / ("settings.local.json" if local else "settings.json")


def _url(args: argparse.Namespace) -> str:
    url = str(args.url or os.environ.get("SAYSO_URL", "")).rstrip("/")
    if args.target == "claude-code" and not url.startswith(("http://", "https://")):
        raise Unusable("set the server's address, http or https: --url or SAYSO_URL")
    return url


def read_settings(path: Path) -> dict[str, Any]:
    """The settings as they are; none at all where there is no file. Raises Unusable."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path}: {error}") from None
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise Unusable(f"{path} is not JSON ({error}); nothing was changed") from None
    if not isinstance(found, dict) or not isinstance(found.get("hooks", {}), dict):
        raise Unusable(f"{path} does not look like a settings file; nothing was changed")
    return found


def write(path: Path, settings: dict[str, Any]) -> None:
    """Write the whole file at once: a host never reads half of it. What a link points to is written, and rights stay."""
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as draft:
            draft.write(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
        os.chmod(draft.name, mode)
        os.replace(draft.name, path)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from None


def claude_hook(url: str, timeout: int, *, gate: bool) -> dict[str, Any]:
    """One HTTP hook of Claude Code. A gate that fails blocks; a report that fails is only a report."""
    hook: dict[str, Any] = {
        "type": "http",
        "url": f"{url}{MARK}",
        "timeout": timeout,
        "headers": {"Authorization": "Bearer $SAYSO_TOKEN"},
        "allowedEnvVars": ["SAYSO_TOKEN"],
    }
    return hook | ({"onFailure": "block"} if gate else {})


def command_hook(timeout: int, *, gate: bool) -> dict[str, Any]:
    """The same as a command, which takes nothing but a verdict for an answer; SAYSO_URL and SAYSO_TOKEN say where to ask."""
    command = f"{COMMAND} claude-code --within {max(5, timeout - 10)}"
    hook: dict[str, Any] = {"type": "command", "command": command, "timeout": timeout}
    return hook | ({"onFailure": "block"} if gate else {})


def ours(hook: Any) -> bool:
    """Whether a hook in a host's settings is Sayso's."""
    if not isinstance(hook, dict):
        return False
    return MARK in str(hook.get("url", "")) or str(hook.get("command", "")).startswith(COMMAND)


def with_hooks(settings: dict[str, Any], host: str, made: Made, timeout: int) -> dict[str, Any]:
    """The settings with our hooks behind those that are there; `made` makes one of Claude Code."""
    hooks = {name: list(entries) for name, entries in settings.get("hooks", {}).items()}
    if host == "claude-code":
        for name in (*GATES, *REPORTS):
            hook = made(timeout if name in GATES else 30, gate=name in GATES)
            hooks.setdefault(name, []).append({"matcher": "*", "hooks": [hook]})
    else:
        for name in ("BeforeTool", "AfterTool"):
            hook = {"type": "command", "name": "sayso", "command": f"{COMMAND} gemini", "timeout": 60_000}
            hooks.setdefault(name, []).append({"matcher": "*", "hooks": [hook]})
    return {**settings, "hooks": hooks}


def without_hooks(settings: dict[str, Any], host: str) -> dict[str, Any]:
    """The settings without any hook of ours; every other entry stays as it is."""
    hooks: dict[str, Any] = {}
    for name, entries in settings.get("hooks", {}).items():
        if not isinstance(entries, list):
            raise Unusable(f"hooks.{name} does not look like a settings file; nothing was changed")
        kept = [_stripped(entry) for entry in entries]
        kept = [entry for entry in kept if entry is not None]
        if kept or not entries:
            hooks[name] = kept
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    return {**rest, "hooks": hooks} if hooks else rest


def _stripped(entry: Any) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("hooks"), list):
        return entry
    kept = [hook for hook in entry["hooks"] if not ours(hook)]
    if len(kept) == len(entry["hooks"]):
        return entry
    return {**entry, "hooks": kept} if kept else None


CODEX = """# ~/.codex/config.toml: Codex asks before each tool call.
# It passes over hooks that nobody has trusted, and its tools then run unasked: start it once and confirm them. Where nobody
# can, `codex exec --dangerously-bypass-hook-trust` runs them.
[[hooks.PreToolUse]]
matcher = ".*"
[[hooks.PreToolUse.hooks]]
type = "command"
command = "sayso hook --for codex"
timeout = 60

[[hooks.PostToolUse]]
matcher = ".*"
[[hooks.PostToolUse.hooks]]
type = "command"
command = "sayso hook --for codex"
timeout = 30
"""


def _codex(args: argparse.Namespace) -> int:
    """Codex keeps its settings in TOML, which the standard library cannot write: print what belongs there."""
    if args.verb == "uninstall":
        print('Take the hooks with "sayso hook --for codex" out of ~/.codex/config.toml.')
        return 0
    print(CODEX, end="")
    return 0
