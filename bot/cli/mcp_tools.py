"""What tools an MCP server has: it is started, or called by its address, greeted, and asked for `tools/list`."""

from __future__ import annotations

import json
import subprocess  # the server that the operator names, as a list, never through a shell
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from policies.drafting.tools import MOST_TOOLS, NotTools

PROTOCOL = "2025-11-25"
SECONDS = 60.0
MAX_ANSWER = 20_000_000
_HELLO = {
    "protocolVersion": PROTOCOL,
    "capabilities": {},
    "clientInfo": {"name": "sayso policy init", "version": "1"},
}
Ask = Callable[[dict[str, Any]], Any]


def listed(command: Sequence[str]) -> list[Any]:
    """The server's tools as it describes them. Raises NotTools where it does not say."""
    if command[0].startswith(("http://", "https://")):
        return _all(_OverHttp(command[0]).ask)
    return _of_process(command)


def _all(ask: Ask) -> list[Any]:
    """Greets, and asks until the last page."""
    _result(ask(_request(0, "initialize", _HELLO)), "initialize")
    ask({"jsonrpc": "2.0", "method": "notifications/initialized"})
    tools: list[Any] = []
    cursor: Any = None
    for number in range(1, MOST_TOOLS):
        params = {} if cursor is None else {"cursor": cursor}
        page = _result(ask(_request(number, "tools/list", params)), "tools/list")
        tools += page["tools"] if isinstance(page.get("tools"), list) else []
        cursor = page.get("nextCursor")
        if cursor is None or len(tools) > MOST_TOOLS:
            break
    if not tools:
        raise NotTools("the server has no tools")
    return tools


def _request(number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _result(answer: Any, method: str) -> dict[str, Any]:
    found = answer.get("result") if isinstance(answer, dict) else None
    if isinstance(found, dict):
        return found
    error = answer.get("error") if isinstance(answer, dict) else None
    why = error.get("message") if isinstance(error, dict) else "it gave no result"
    raise NotTools(f"the server refuses {method}: {str(why)[:200]}")


# -- a server that is started


def _of_process(command: Sequence[str]) -> list[Any]:
    try:
        process = subprocess.Popen(list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    except OSError as error:
        raise NotTools(f"{command[0]} cannot be started: {error.strerror}") from None
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    try:
        return _all(_Lines(process).ask)
    finally:
        late.cancel()
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]


class _Lines:
    """JSON-RPC in lines over a process's standard input and output."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ask(self, message: dict[str, Any]) -> Any:
        """Send one message; gives the answer to a request. What else the server says meanwhile is passed over."""
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except OSError:
            raise NotTools("the server ended before it answered; what it printed says why") from None
        while "id" in message:
            line = self._process.stdout.readline(MAX_ANSWER)  # type: ignore[union-attr]
            if not line:
                raise NotTools(f"the server gave no answer within {SECONDS:g} s, or ended; what it printed says why")
            answer = _json(line)
            if isinstance(answer, dict) and answer.get("id") == message["id"] and "method" not in answer:
                return answer
        return None


# -- a server at an address


class _OverHttp:
    """JSON-RPC over streamable HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}

    def ask(self, message: dict[str, Any]) -> Any:
        """Post one message; gives the answer to a request."""
        request = urllib.request.Request(self._url, json.dumps(message).encode(), self._headers)  # noqa: S310 - http(s) by `listed`
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
                session = reply.headers.get("Mcp-Session-Id")
                if session:
                    self._headers |= {"Mcp-Session-Id": session}
                content = reply.read(MAX_ANSWER)
                kind = reply.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            raise NotTools(f"the server answers {error.code}") from None
        except (OSError, ValueError) as error:
            raise NotTools(f"the server does not answer: {getattr(error, 'reason', error)}") from None
        if message["method"] == "initialize":
            self._headers |= {"MCP-Protocol-Version": PROTOCOL}
        answers = _events(content) if "text/event-stream" in kind else [_json(content)]
        return next((one for one in answers if isinstance(one, dict) and one.get("id") == message.get("id")), None)


def _events(content: bytes) -> list[Any]:
    """The messages in a stream of events."""
    found = []
    for event in content.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        found.append(_json(b"\n".join(data)) if data else None)
    return found


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
