"""JSON-RPC as it goes over the wire: read strictly, passed on as the very bytes that came, written in ASCII."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CALL = "tools/call"
CANCELLED = "notifications/cancelled"
VERSION = "io.modelcontextprotocol/protocolVersion"  # in `_meta` of every request since 2026-07-28
INVALID, PARSE, LOST = -32600, -32700, -32000
_KEYS = frozenset(("jsonrpc", "id", "method", "params", "result", "error"))
# Ends of a line for some readers. Between the values of a message they are blanks, in a text they can be written otherwise.
_ENDS = {"\r": " ", "\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


class NotAMessage(ValueError):
    """A line that two readers could read as two different messages, or none."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line: its bytes without the end, and what they say. A batch has a list in `body`."""

    raw: bytes
    body: Any

    @property
    def method(self) -> str | None:
        """What is asked or told; None for an answer."""
        found = self.body.get("method") if isinstance(self.body, dict) else None
        return found if isinstance(found, str) else None

    @property
    def key(self) -> str | None:
        """The request that this is, or that it answers; None for a notification."""
        number = self.body.get("id") if isinstance(self.body, dict) else None
        return None if number is None else key_of(number)

    @property
    def answers(self) -> bool:
        """Whether it is the answer to a request."""
        return (
            isinstance(self.body, dict)
            and "method" not in self.body
            and ("result" in self.body or "error" in self.body)
        )

    @property
    def params(self) -> dict[str, Any]:
        """What comes with it."""
        found = self.body.get("params") if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else {}


def key_of(number: Any) -> str:
    """An id as a key: 1 and "1" are two."""
    return json.dumps(number)


def read(line: bytes) -> Message:
    """A line of the host. Raises NotAMessage where another reader could understand something else by it."""
    try:
        text = line.decode("utf-8").strip("\r\n \t")
        body = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise NotAMessage("nested too deep") from None
    except ValueError as error:
        raise NotAMessage(str(error)) from None
    if not isinstance(body, dict | list) or not body:
        raise NotAMessage("is no message")
    for one in body if isinstance(body, list) else [body]:
        _check(one)
    for end, instead in _ENDS.items():
        text = text.replace(end, instead)
    return Message(text.encode(), body)


def heard(line: bytes) -> Message:
    """A line of the server, which is passed on as it is whatever it says."""
    try:
        return Message(line.rstrip(b"\r\n"), json.loads(line))
    except (ValueError, RecursionError):
        return Message(line.rstrip(b"\r\n"), None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _check(body: Any) -> None:
    """Some readers take `Method` for `method`: only the names themselves may stand at the top."""
    if not isinstance(body, dict):
        raise NotAMessage("is no message")
    odd = [key for key in body if key not in _KEYS and key.strip().casefold() in _KEYS]
    if odd:
        raise NotAMessage("a key is spelled in another way")
    method = body.get("method")
    if isinstance(method, str) and method != CALL and method.strip().strip("/").casefold() == CALL:
        raise NotAMessage("the method is spelled in another way")


def calls(message: Message) -> bool:
    """Whether a tool would run: the one thing that is held."""
    bodies = message.body if isinstance(message.body, list) else [message.body]
    return any(isinstance(body, dict) and body.get("method") == CALL for body in bodies)


def written(body: Mapping[str, Any] | list[Any]) -> bytes:
    """A message of the gate's own, in ASCII: no reader finds another end of a line in it."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def granted(message: Message, arguments: dict[str, Any]) -> bytes:
    """The call with the arguments that were granted, and everything else as the host said it."""
    params = dict(message.params)
    if arguments or params.get("arguments") is not None:
        params["arguments"] = arguments
    return written({**message.body, "params": params})


def error(number: Any, code: int, text: str) -> bytes:
    """An error as the answer to a request."""
    return written({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}})


def failed(message: Message, text: str) -> bytes:
    """A result that says why the tool did not run, for the model to read."""
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True}
    meta = message.params.get("_meta")
    if isinstance(meta, dict) and VERSION in meta:
        result["resultType"] = "complete"
    return written({"jsonrpc": "2.0", "id": message.body["id"], "result": result})


def noted(answer: Message, text: str, output: Any = None) -> bytes:
    """A tool's result with a note for the model; as it came where there is no result to add to. `output` is the tool's outputSchema."""
    result = answer.body.get("result") if isinstance(answer.body, dict) else None
    content = result.get("content") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(content, list):
        return answer.raw
    told = {**result, "content": [*content, {"type": "text", "text": text}]}
    if isinstance(result.get("structuredContent"), dict):
        told["structuredContent"] = _noted(
            result["structuredContent"], text, output if isinstance(output, dict) else {}
        )
    return written({**answer.body, "result": told})


_CONDITIONS = frozenset(
    (
        "unevaluatedProperties",
        "maxProperties",
        "propertyNames",
        "patternProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "$ref",
    )
)
_PLAIN = frozenset(("type", "title", "description", "default"))


def _noted(structured: dict[str, Any], text: str, output: dict[str, Any]) -> dict[str, Any]:
    """Some hosts show the model this and not the content: the note stands here too, where the tool's own schema leaves room for it."""
    if output.get("additionalProperties", True) is True and not _CONDITIONS & output.keys():
        return {**structured, "_sayso": text}
    rules = output.get("properties")
    for name, value in structured.items():
        rule = rules.get(name) if isinstance(rules, dict) else None
        if isinstance(value, str) and isinstance(rule, dict) and rule.get("type") == "string" and rule.keys() <= _PLAIN:
            return {**structured, name: f"{value}\n\n{text}"}
    return structured


def outputs(answer: Message) -> dict[str, Any]:
    """The outputSchema of each tool that an answer lists."""
    result = answer.body.get("result") if isinstance(answer.body, dict) else None
    listed = result.get("tools") if isinstance(result, dict) else None
    tools = [tool for tool in listed if isinstance(tool, dict)] if isinstance(listed, list) else []
    return {str(tool.get("name")): tool.get("outputSchema") for tool in tools}


def progress(token: Any, done: float, text: str) -> bytes:
    """A sign of life, so that the host goes on waiting."""
    params = {"progressToken": token, "progress": done, "message": text}
    return written({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
