"""`sayso hook doctor`: tries everything that a gated host needs, and says in a line each what is missing."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sayso.cli import install

Line = tuple[bool, str]


def add(verbs: Any) -> None:
    """Declare `doctor`."""
    parser = verbs.add_parser("doctor", help="say what is missing")
    parser.add_argument("--path", type=Path, help="a settings file of Claude Code (default: project, local and user)")
    parser.set_defaults(work=_work, verb="doctor")


def _work(args: argparse.Namespace) -> int:
    lines = [*_server(), *_hosts(args.path)]
    for good, text in lines:
        print(f"{'ok  ' if good else 'FIX '} {text}")
    return 0 if all(good for good, _ in lines) else 1


def _server() -> Iterator[Line]:
    from sayso.cli.hook import Problem

    try:
        status, told = _tried("GET", "/v1/approvals?state=pending", None)
    except Problem as problem:
        yield False, f"{problem}: set it where the host is started"
        return
    except OSError as error:
        yield False, f"{os.environ.get('SAYSO_URL')} does not answer ({error}): start the server, or correct SAYSO_URL"
        return
    if status == 401:
        yield False, "SAYSO_TOKEN is not a token of this server: make one with `sayso-server agent add NAME`"
        return
    yield status == 200, f"the server answers, and knows the token (status {status})"
    status, told = _tried("POST", install.MARK, b"not an event")
    stops = status == 200 and told.get("hookSpecificOutput", {}).get("permissionDecision") == "deny"
    yield stops or status >= 300, "an event that cannot be read is refused, not ignored"
    probe = {"hook_event_name": "PreToolUse", "session_id": "sayso-doctor", "tool_name": "", "tool_input": {}}
    status, told = _tried("POST", install.MARK, json.dumps(probe).encode())
    yield (
        status != 404,
        "the server has the hook"
        if status != 404
        else f"the server has no {install.MARK}: it is older than this client",
    )


def _tried(method: str, path: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
    from sayso.cli.hook import connect

    connection, prefix, token = connect(10.0)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, f"{prefix}{path}", body=body, headers=headers)
    reply = connection.getresponse()
    content = reply.read(1_000_000)
    try:
        told = json.loads(content)
    except ValueError:
        told = {}
    return reply.status, told if isinstance(told, dict) else {}


def _hosts(path: Path | None) -> Iterator[Line]:
    """The settings of every host that asks Sayso; where none does, what to do."""
    from sayso.cli import command_hosts

    others = [] if path else list(command_hosts.lines())
    yield from others
    yield from _settings(path, alone=not others)


def _settings(path: Path | None, *, alone: bool) -> Iterator[Line]:
    places = [path] if path else [install.place("claude-code", scope) for scope in ("project", "local", "user")]
    found = False
    for place in places:
        try:
            settings = install.read_settings(place)
        except install.Unusable as problem:
            yield False, str(problem)
            continue
        if settings.get("disableAllHooks"):
            yield False, f"{place}: disableAllHooks turns every hook off: remove it"
        hooks = [hook for name in install.GATES for hook in _hooks(settings, name) if install.ours(hook)]
        if hooks:
            found = True
            yield from _hooks_are_right(place, settings)
    if not found and alone:
        yield False, f"no settings ask Sayso ({', '.join(map(str, places))}): sayso hook install claude-code"


def _hooks(settings: dict[str, Any], name: str) -> list[Any]:
    entries = settings.get("hooks", {}).get(name, [])
    return [hook for entry in entries if isinstance(entry, dict) for hook in entry.get("hooks", [])]


def _hooks_are_right(place: Path, settings: dict[str, Any]) -> Iterator[Line]:
    entries = settings.get("hooks", {}).get("PreToolUse", [])
    ours = [(entry, hook) for entry in entries for hook in entry.get("hooks", []) if install.ours(hook)]
    if not ours:
        yield False, f"{place}: PreToolUse does not ask Sayso: sayso hook install claude-code"
    for entry, hook in ours:
        yield from _one_is_right(f"{place}: PreToolUse", entry, hook)
    for name in install.REPORTS:
        reports = any(install.ours(hook) for hook in _hooks(settings, name))
        yield reports, f"{place}: {name} reports what became of it"


def _one_is_right(where: str, entry: dict[str, Any], hook: dict[str, Any]) -> Iterator[Line]:
    every = entry.get("matcher", "*") in ("*", "", ".*")
    yield (
        every,
        f"{where} asks for every tool"
        if every
        else f"{where} asks for {entry['matcher']!r} only: other tools run unasked",
    )
    blocks = hook.get("onFailure") == "block"
    yield (
        blocks,
        f"{where} blocks where Sayso does not answer"
        if blocks
        else f'{where} lets tools run where Sayso does not answer: "onFailure": "block"',
    )
    if hook.get("type") != "http":
        return
    url = os.environ.get("SAYSO_URL", "").rstrip("/")
    same = not url or str(hook.get("url", "")).startswith(url)
    yield same, f"{where} asks {hook.get('url')}" if same else f"{where} asks {hook.get('url')}, and SAYSO_URL is {url}"
    passes = "SAYSO_TOKEN" in hook.get("allowedEnvVars", []) or "$" not in str(hook.get("headers", {}))
    yield passes, f"{where} passes the token on" if passes else f'{where}: "allowedEnvVars": ["SAYSO_TOKEN"] is missing'
    patient = isinstance(hook.get("timeout", 600), int) and hook.get("timeout", 600) >= 60
    yield (
        patient,
        f"{where} waits {hook.get('timeout', 600)} s"
        if patient
        else f"{where} waits too short a time for people: timeout",
    )
