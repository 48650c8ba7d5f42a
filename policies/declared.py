"""What a params_schema says of one parameter: declared, required, impossible, and of which type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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
    """What `schema` says of the parameter at `path` (params.name.name)."""
    node: dict[str, Any] = schema or {}
    required = True
    for part in path.split(".")[1:]:
        if not isinstance(node, dict) or not node or any(key in node for key in _ELSEWHERE):
            return Declared(Presence.UNKNOWN, {})
        properties = node.get("properties", {})
        if part not in properties:
            closed = node.get("additionalProperties") is False
            told = Presence.IMPOSSIBLE if closed else Presence.UNDECLARED if properties else Presence.UNKNOWN
            return Declared(told, {})
        required = required and part in node.get("required", [])
        node = properties[part] if isinstance(properties[part], dict) else {}
    return Declared(Presence.REQUIRED if required else Presence.OPTIONAL, node)


def required_names(schema: dict[str, Any] | None) -> list[str]:
    """The parameters that a request must have, at the top."""
    names = (schema or {}).get("required", [])
    return [name for name in names if isinstance(name, str)]
