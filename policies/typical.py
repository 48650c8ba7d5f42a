"""Parameters as a params_schema describes them, by example: what templates and rules are tried on when a file loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_DEPTH = 8
_EXAMPLES: dict[str, Any] = {"string": "text", "number": 7.5, "integer": 7, "boolean": True, "null": None}


def typical(schema: object, unknown: Callable[[], Any], depth: int = 0) -> Any:
    """A value of the type that `schema` names at each place; `unknown()` where it names none."""
    if not isinstance(schema, dict) or depth > _DEPTH:
        return unknown()
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or (kind is None and isinstance(schema.get("properties"), dict)):
        named = schema.get("properties")
        children = named.items() if isinstance(named, dict) else ()
        return {name: typical(child, unknown, depth + 1) for name, child in children}
    if kind == "array":
        return [typical(schema.get("items"), unknown, depth + 1)]
    return _EXAMPLES[str(kind)] if str(kind) in _EXAMPLES else unknown()
