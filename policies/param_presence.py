"""What a params_schema says of one parameter: declared, required, impossible, and of which type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policies import paths
from policies.files.params_schema import resolved

# Keywords that can declare parameters elsewhere than under `properties`: where they stand, nothing is said for sure.
_ELSEWHERE = ("allOf", "anyOf", "oneOf", "if", "dependentSchemas")
_MOST_REFERENCES = 8


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
        types = _types(self.schema)
        return None if types is None else types <= {"number", "integer"}

    @property
    def text(self) -> bool:
        """Whether the schema says that it may be text."""
        return "string" in (_types(self.schema) or ())


def _types(schema: dict[str, Any]) -> set[str] | None:
    """Every type that the schema names here; None where it names none."""
    types = schema.get("type")
    if types is not None:
        return {types} if isinstance(types, str) else set(types)
    branches = schema.get("anyOf") or schema.get("oneOf") or []
    named = [_types(branch) for branch in branches if isinstance(branch, dict)]
    if not named or len(named) < len(branches) or any(types is None for types in named):
        return None
    return set().union(*(types for types in named if types))


def declared(schema: dict[str, Any] | None, path: str) -> Declared:
    """What `schema` says of the parameter at `path` (params.name[*].name)."""
    root: dict[str, Any] = schema or {}
    node, required = _followed(root, root), True
    for part in paths.steps(path):
        if not isinstance(node, dict) or not node or any(key in node for key in _ELSEWHERE):
            return Declared(Presence.UNKNOWN, {})
        if not _may_be(node, "object" if isinstance(part, str) else "array"):
            return Declared(Presence.IMPOSSIBLE, {})
        if not isinstance(part, str):
            required = required and part is None and _at_least_one(node)
            node = _followed(root, _item(node, part))
            continue
        properties = node.get("properties", {})
        if part not in properties:
            closed = node.get("additionalProperties") is False
            told = Presence.IMPOSSIBLE if closed else Presence.UNDECLARED if properties else Presence.UNKNOWN
            return Declared(told, {})
        required = required and part in node.get("required", [])
        node = _followed(root, properties[part])
    return Declared(Presence.REQUIRED if required else Presence.OPTIONAL, node)


def _may_be(node: dict[str, Any], kind: str) -> bool:
    """Whether a value of this schema can be an object, or a list."""
    types = node.get("type", kind)
    return kind in ([types] if isinstance(types, str) else types)


def _followed(root: dict[str, Any], node: Any) -> dict[str, Any]:
    """The schema that is meant where one only refers to another; an empty one, of which nothing is known, where it cannot be found."""
    for _ in range(_MOST_REFERENCES):
        if not isinstance(node, dict) or "$ref" not in node:
            return node if isinstance(node, dict) else {}
        beside = {key: value for key, value in node.items() if key != "$ref"}
        try:
            meant = resolved(root, node["$ref"])
        except (ValueError, LookupError):
            return {}
        node = {**meant, **beside} if isinstance(meant, dict) else beside
    return {}


def _at_least_one(node: dict[str, Any]) -> bool:
    least = node.get("minItems", 0)
    return isinstance(least, int | float) and least >= 1


def _item(node: dict[str, Any], place: int | None) -> dict[str, Any]:
    """What is said of one entry of a list."""
    first = node.get("prefixItems", [])
    said = first[place] if place is not None and place < len(first) else {} if first else node.get("items", {})
    return said if isinstance(said, dict) else {}


def required_names(schema: dict[str, Any] | None) -> list[str]:
    """The parameters that a request must have, at the top."""
    names = (schema or {}).get("required", [])
    return [name for name in names if isinstance(name, str)]
