"""What `sayso hook doctor` looks for in the settings of hosts that start a command for each call: Codex and Gemini CLI."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.cli import install
from sayso.cli.hook import WITHIN


@dataclass(frozen=True)
class Host:
    """A host's own words for the same things; `second` is how much of its time-out is one second, `unsaid` what it is by itself."""

    name: str
    gate: str
    report: str
    second: int
    unsaid: int


CODEX = Host("codex", "PreToolUse", "PostToolUse", 1, 60)
GEMINI = Host("gemini", "BeforeTool", "AfterTool", 1000, 60_000)


def lines() -> Iterator[tuple[bool, str]]:
    """What is right and wrong in each file of settings that asks Sayso; nothing where none does."""
    for scope in ("project", "user"):
        path = install.place("gemini", scope)
        yield from _of(GEMINI, path, _json(path))
    path = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex") / "config.toml"
    yield from _of(CODEX, path, _toml(path))


def _json(path: Path) -> dict[str, Any]:
    try:
        return install.read_settings(path)
    except install.Unusable:
        return {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _of(host: Host, path: Path, settings: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    gates = _ours(settings, host.gate)
    if not gates and not _ours(settings, host.report):
        return
    where = f"{path}: {host.gate}"
    yield bool(gates), f"{where} {'asks' if gates else 'does not ask'} Sayso"
    for entry, hook in gates:
        yield from _one(host, where, entry, hook)
    reports = bool(_ours(settings, host.report))
    yield reports, f"{path}: {host.report} {'reports' if reports else 'does not report'} what became of it"
    yield from (_codex if host is CODEX else _gemini)(path, settings)


def _ours(settings: dict[str, Any], event: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    hooks = settings.get("hooks")
    entries = hooks.get(event, []) if isinstance(hooks, dict) else []
    known = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [(entry, hook) for entry in known for hook in entry.get("hooks", []) if install.ours(hook)]


def _one(host: Host, where: str, entry: dict[str, Any], hook: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    every = entry.get("matcher", "*") in ("*", "", ".*")
    yield every, f"{where} asks for {'every tool' if every else 'some tools only: the others run unasked'}"
    given, said = hook.get("timeout", host.unsaid), re.search(r"--within[ =](\d+)", str(hook.get("command")))
    seconds, within = given / host.second if isinstance(given, int) else 0.0, float(said[1]) if said else WITHIN
    patient = seconds > within
    yield (
        patient,
        f"{where} waits {seconds:g} s, and the hook answers within {within:g}"
        if patient
        else f"{where} waits {seconds:g} s, the hook up to {within:g}: tools run when the host gives up; raise its timeout",
    )


def _codex(path: Path, settings: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    state = settings["hooks"].get("state", {})
    known = {key for key, one in state.items() if isinstance(one, dict) and one.get("trusted_hash")}
    trusted = any(":pre_tool_use:" in key for key in known)
    yield (
        trusted,
        f"{path}: somebody has trusted hooks"
        if trusted
        else f"{path}: nobody has trusted the hooks, and Codex passes over them: start codex once and confirm them",
    )


def _gemini(path: Path, settings: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    config = settings.get("hooksConfig", {})
    if config.get("enabled") is False or "sayso" in config.get("disabled", []):
        yield False, f"{path}: hooksConfig turns the hook off: remove that"
