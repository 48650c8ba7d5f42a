"""The JSON Schema of an action's parameters: valid, and without what can hang or leave the file (A15)."""

from __future__ import annotations

from typing import Any

import jsonschema


def check_schema(schema: dict[str, Any]) -> None:
    """Raise ValueError where `schema` is not one that a policy may hold."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        at = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(f"not a JSON Schema{f' at {at}' if at else ''}: {error.message}") from None
    _refuse_patterns(schema)


def _refuse_patterns(node: object) -> None:
    """Regexes can hang and $ref can leave the file: neither belongs in a policy (A15)."""
    if isinstance(node, dict):
        for key in ("pattern", "patternProperties", "$ref", "$dynamicRef"):
            # As a property's name under `properties` these are data; the value of a keyword is a string or a mapping of regexes.
            if key in node and (isinstance(node[key], str) or key == "patternProperties"):
                raise ValueError(f"{key} is not supported in params_schema")
        for child in node.values():
            _refuse_patterns(child)
    elif isinstance(node, list):
        for child in node:
            _refuse_patterns(child)
