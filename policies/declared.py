"""What a params_schema says of one parameter: declared, required, impossible, and of which type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policies import paths

# Keywords that can declare parameters elsewhere than under `properties`: where they stand, nothing is said for sure.
_ELSEWHERE = ("allOf", "anyOf", "oneOf", "if", "dependentSchemas", "$defs")


class Presence(StrEnum):
    """Whether a parameter can be there."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    UNDECLARED = "undeclared"
    IMPOSSIBLE = "impossible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter's presence, and its own part of the schema."""

    presence: Presence
    schema: dict[str, Any]

    @property
    def numeric(self) -> bool | None:
        """Whether it is always a number; None where the schema does not say."""
        types = self.schema.get("type")
        if types is None:
            return None
        return set([types] if isinstance(types, str) else types) <= {"number", "integer"}


def declared(schema: dict[str, Any] | None, path: str) -> Declared:
    """What `schema` says of the parameter at `path` (params.name[*].name)."""
    node: dict[str, Any] = schema or {}
    required = True
    for part in paths.steps(path):
        if not isinstance(node, dict) or not node or any(key in node for key in _ELSEWHERE):
            return Declared(Presence.UNKNOWN, {})
        if not _may_be(node, "object" if isinstance(part, str) else "array"):
            return Declared(Presence.IMPOSSIBLE, {})
        if not isinstance(part, str):
            node, required = _item(node, part), False
            continue
        properties = node.get("properties", {})
        if part not in properties:
            closed = node.get("additionalProperties") is False
            told = Presence.IMPOSSIBLE if closed else Presence.UNDECLARED if properties else Presence.UNKNOWN
            return Declared(told, {})
        required = required and part in node.get("required", [])
        node = properties[part] if isinstance(properties[part], dict) else {}
    return Declared(Presence.REQUIRED if required else Presence.OPTIONAL, node)


def _may_be(node: dict[str, Any], kind: str) -> bool:
    """Whether a value of this schema can be an object, or a list."""
    types = node.get("type", kind)
    return kind in ([types] if isinstance(types, str) else types)


def _item(node: dict[str, Any], place: int | None) -> dict[str, Any]:
    """What is said of one entry of a list."""
    first = node.get("prefixItems", [])
    said = first[place] if place is not None and place < len(first) else {} if first else node.get("items", {})
    return said if isinstance(said, dict) else {}


def required_names(schema: dict[str, Any] | None) -> list[str]:
    """The parameters that a request must have, at the top."""
    names = (schema or {}).get("required", [])
    return [name for name in names if isinstance(name, str)]
