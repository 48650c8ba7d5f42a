"""Definitions of tools as MCP servers, OpenAI and Anthropic write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MOST_TOOLS = 1000  # a manifest's own limit
ANYTHING: dict[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool as its source describes it; nothing of it is trusted. `reads` and `destroys` are None where it does not say."""

    name: str
    description: str = ""
    schema: dict[str, Any] = field(default_factory=lambda: dict(ANYTHING))
    reads: bool | None = None
    destroys: bool | None = None
    said_by: str = "the server"


@dataclass(frozen=True, slots=True)
class Refused:
    """A tool of which no action is made, and why in a clause."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


class NotTools(ValueError):
    """The document holds no definitions of tools."""


def read_file(text: str) -> list[Tool | Refused]:
    """Every tool in a file: a JSON list, what `tools/list` answers, or one definition a line. Raises NotTools."""
    try:
        document: Any = json.loads(text)
    except RecursionError:
        raise NotTools("nested too deep") from None
    except ValueError:
        document = list(_lines(text))
    for key in ("result", "tools"):
        if isinstance(document, dict) and isinstance(document.get(key), dict | list):
            document = document[key]
    found = document if isinstance(document, list) else [document]
    if not found:
        raise NotTools("there is no tool in it")
    if len(found) > MOST_TOOLS:
        raise NotTools(f"more than {MOST_TOOLS} tools: a manifest holds no more, so divide them")
    return [read(one, number) for number, one in enumerate(found, 1)]


def _lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise NotTools(f"line {number} is not JSON ({error})") from None


def read(raw: Any, number: int = 1) -> Tool | Refused:
    """One definition, in any of the forms."""
    if not isinstance(raw, dict):
        return Refused(f"tool {number}", "is not a JSON object")
    nested = raw.get("function")
    said: dict[str, Any] = nested if isinstance(nested, dict) else raw
    name = said.get("name")
    if not isinstance(name, str) or not name:
        return Refused(f"tool {number}", "has no name")
    keys = [key for key in ("inputSchema", "input_schema", "parameters") if key in said]
    if not keys and isinstance(raw.get("type"), str) and raw["type"] not in ("function", "custom"):
        return Refused(name, f"is a tool of the provider's own ({raw['type'][:60]}), which has no schema")
    schema = said[keys[0]] if keys and said[keys[0]] is not None else dict(ANYTHING)
    if not isinstance(schema, dict):
        return Refused(name, "its schema is not a JSON object")
    hints = raw.get("annotations")
    return Tool(
        name,
        said["description"] if isinstance(said.get("description"), str) else "",
        schema,
        _hint(hints, "readOnlyHint"),
        _hint(hints, "destructiveHint"),
    )


def _hint(hints: Any, name: str) -> bool | None:
    value = hints.get(name) if isinstance(hints, dict) else None
    return value if isinstance(value, bool) else None
