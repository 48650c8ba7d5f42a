"""`sayso hook`: between a host that starts a command before each tool call, and the server that knows who decided.

Standard library only, and quick to start. It never fails open: on any error of its own it ends with 2, which every host takes
for a refusal, and it answers before the host's own time-out, after which hosts let the tool run.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

REFUSED = 2
WITHIN = 50.0  # seconds; hosts give a hook 60 where nothing else is said
SPARE = 4.0  # of these, for the way there and back
GATES = {"PreToolUse", "PermissionRequest", "BeforeTool"}
REPORTS = {"PostToolUse", "PostToolUseFailure", "AfterTool"}
HOSTS = ("claude-code", "codex", "gemini")
MAX_ANSWER = 1_000_000


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--for", dest="host", choices=HOSTS, help="answer this host's hook: its event comes on stdin")
    parser.add_argument(
        "--within",
        type=float,
        default=WITHIN,
        metavar="SECONDS",
        help="answer before; less than the host's time-out (50)",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="install | uninstall | doctor")
    from sayso.cli import doctor, install  # both small; nothing else of this package is needed here

    install.add(verbs)
    doctor.add(verbs)


def run(args: argparse.Namespace) -> int:
    """Answer one event, or set hooks up."""
    if args.verb:
        work: Callable[[argparse.Namespace], int] = args.work
        return work(args)
    if not args.host:
        print("sayso hook: give --for codex, gemini or claude-code; or install, uninstall, doctor", file=sys.stderr)
        return REFUSED
    return answer(args.host, args.within)


def answer(host: str, within: float) -> int:
    """Read the event on stdin, write the verdict to stdout. 0 with a verdict, 2 on anything else."""
    try:
        watchdog = threading.Timer(max(0.2, within - 1.0), _too_late)
        watchdog.daemon = True
        watchdog.start()
        event = json.loads(sys.stdin.buffer.read())
        if isinstance(event, dict) and event.get("hook_event_name") in GATES:
            threading.Thread(target=_leave_with_the_host, daemon=True).start()
        told = _asked(host, event, within)
        sys.stdout.write(json.dumps(told))
        sys.stdout.flush()
    except BaseException as error:  # whatever it is: silence would let the tool run
        return _refuse(str(error) or type(error).__name__)
    return 0


def _too_late() -> NoReturn:
    _refuse("there was no answer in time")
    os._exit(REFUSED)


def _leave_with_the_host() -> None:
    """End as soon as nobody reads the verdict any more: a host that was killed must not use up what a person grants it.

    Some hosts start their hooks in a process group of their own, where the kill that ends them does not reach.
    """
    started_by, readers = os.getppid(), select.poll()
    readers.register(sys.stdout.fileno(), 0)  # only that its other end was closed
    while os.getppid() == started_by and not readers.poll(500):
        pass
    os._exit(REFUSED)


def _refuse(why: str) -> int:
    print(
        f"Sayso let nothing run: {why}. Try again; `sayso hook doctor` says what is wrong.", file=sys.stderr, flush=True
    )
    return REFUSED


class Problem(Exception):
    """Why there is no verdict, in a line."""


def _asked(host: str, event: Any, within: float) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise Problem("the event is not a JSON object")
    name = event.get("hook_event_name")
    if name not in GATES | REPORTS:
        raise Problem(f"the event {str(name)[:40]!r} is not one that asks")
    wait = max(0, int(within - SPARE))
    # The directory of an event is where the agent wants to work; the hook itself is started where the host was.
    where = {} if host == "claude-code" else {"project_dir": os.getcwd()}
    told = _posted(f"/v1/hooks/{host}?wait={wait}", _as_claude_says_it(event, where), within - 2.0)
    if name in REPORTS:
        return {}
    verdict = told.get("hookSpecificOutput")
    if not isinstance(verdict, dict):
        raise Problem("the server gave no verdict")
    if host == "gemini":
        return _for_gemini(verdict)
    if name == "PermissionRequest":
        return {"hookSpecificOutput": _checked_decision(verdict)}
    return {"hookSpecificOutput": _checked(host, verdict)}


def _as_claude_says_it(event: dict[str, Any], where: dict[str, str]) -> dict[str, Any]:
    """Gemini's names for the same events, and where the host was started."""
    names = {"BeforeTool": "PreToolUse", "AfterTool": "PostToolUse"}
    name = str(event["hook_event_name"])
    kept = ("session_id", "transcript_path", "cwd", "tool_name", "tool_input", "tool_use_id", "tool_response", "error")
    sent = {key: event[key] for key in kept if event.get(key) is not None}
    response = sent.get("tool_response")
    if name == "AfterTool" and isinstance(response, dict):
        sent["tool_response"] = {"is_error": bool(response.get("error")), **_exit_code(response)}
    return {**sent, "hook_event_name": names.get(name, name), **where}


def _exit_code(response: dict[str, Any]) -> dict[str, int]:
    """Gemini tells how a command ended in a line below what it printed, and only where it failed."""
    import re

    told = re.findall(r"^Exit Code: ([0-9]{1,3})$", str(response.get("llmContent", "")), re.M)
    return {"exit_code": int(told[-1])} if told else {}


def _checked(host: str, verdict: dict[str, Any]) -> dict[str, Any]:
    """The verdict, where it is one that this host obeys: Codex runs the tool on `ask`, and cannot defer."""
    decision = verdict.get("permissionDecision")
    if decision not in ("allow", "deny", *(["defer"] if host == "claude-code" else [])):
        raise Problem(f"the server said {str(decision)[:40]!r}, which is not a verdict for {host}")
    return verdict


def _checked_decision(verdict: dict[str, Any]) -> dict[str, Any]:
    decision = verdict.get("decision")
    if not isinstance(decision, dict) or decision.get("behavior") not in ("allow", "deny"):
        raise Problem("the server gave no verdict")
    return verdict


def _for_gemini(verdict: dict[str, Any]) -> dict[str, Any]:
    checked = _checked("gemini", verdict)
    reason = str(checked.get("permissionDecisionReason", ""))
    if checked["permissionDecision"] == "deny":
        return {"decision": "deny", "reason": reason}
    told: dict[str, Any] = {"decision": "allow", "reason": reason}
    if "updatedInput" in checked:
        told["hookSpecificOutput"] = {"hookEventName": "BeforeTool", "tool_input": checked["updatedInput"]}
    return told


# -- the way to the server


def _posted(path: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
    """What the server answers; raises Problem for anything but an answer that can be read."""
    connection, prefix, token = connect(timeout)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"{prefix}{path}", body=json.dumps(body).encode(), headers=headers)
    reply = connection.getresponse()
    content = reply.read(MAX_ANSWER + 1)
    if reply.status != 200 or len(content) > MAX_ANSWER:
        raise Problem(f"the server answered {reply.status}")
    told = json.loads(content)
    if not isinstance(told, dict):
        raise Problem("the server's answer is not a JSON object")
    return told


def connect(timeout: float) -> tuple[Any, str, str]:
    """A connection to SAYSO_URL, the path before its own, and the token. Raises Problem where a setting is missing."""
    import http.client
    from urllib.parse import urlsplit

    url, token = os.environ.get("SAYSO_URL", ""), os.environ.get("SAYSO_TOKEN", "")
    if not url or not token:
        raise Problem(f"{'SAYSO_TOKEN' if url else 'SAYSO_URL'} is not set")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Problem("SAYSO_URL is not an http or https address")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout), parts.path.rstrip("/"), token
