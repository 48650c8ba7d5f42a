"""What the agents of every framework share: tools that write a line into the ledger, a script, and a word to the test."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # CrewAI's venv has no client
    from sayso import AsyncSayso, Sayso

FOLDER = Path(os.environ.get("FOLDER") or Path.cwd())


def say(**what: Any) -> None:
    """Tell the test, at once."""
    print(json.dumps(what), flush=True)


def write(line: str) -> str:
    """The effect on the world. Where the test wants to kill in the middle, it is told and waited for."""
    if os.environ.get("FAIL"):
        raise ValueError("no ink")
    with open(os.environ["LEDGER"], "a", encoding="utf-8") as ledger:
        ledger.write(f"{line}\n")
    if os.environ.get("HANG"):
        say(inside=line)
        time.sleep(600)
    return f"changed {line}"


def run_id() -> str:
    """The run's own name; `FRESH` makes one that never was."""
    return secrets.token_hex(4) if os.environ.get("FRESH") else "run-1"


def patience() -> dict[str, float]:
    """A test's: in seconds, for one request and for a call with its retries."""
    return {"timeout": float(os.environ.get("TIMEOUT", "10")), "retry_for": float(os.environ.get("RETRY_FOR", "10"))}


def client() -> Sayso:
    """The blocking client, as the environment says."""
    from sayso import Sayso

    return Sayso(**patience())  # type: ignore[arg-type]


def async_client() -> AsyncSayso:
    """The client for asyncio."""
    from sayso import AsyncSayso

    return AsyncSayso(**patience())  # type: ignore[arg-type]


def script() -> list[dict[str, Any]]:
    """The tool calls of the first turn: id, name and arguments."""
    return json.loads(os.environ.get("CALLS", '[{"id": "call_1", "name": "change_thing", "args": {"thing": "edge"}}]'))  # type: ignore[no-any-return]


def want_a_refund() -> None:
    """The script of a guide's reader: a refund, and something that asks nobody."""
    calls = [
        {"id": "call_1", "name": "process_refund", "args": {"customer": "ann@example.com", "amount_usd": 480}},
        {"id": "call_2", "name": "search", "args": {"thing": "order 17"}},
    ]
    os.environ["CALLS"] = json.dumps(calls)


def verb() -> str:
    """`start` or `resume`."""
    return sys.argv[1]


def suspends() -> bool:
    """Whether the agent pauses and ends while a call waits."""
    return bool(os.environ.get("SUSPEND"))
