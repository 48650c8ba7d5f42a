"""The JSON Schema of a policy file, for editors: what each key means stands below it in the source, and is read from there.

pydantic can do this itself, but does it for every class as it loads, which every start of the server would wait for.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from policies.files.schema import Strict


def described(model: type[Strict]) -> dict[str, Any]:
    """The schema of `model`, each key of it and of its parts with its words."""
    schema = model.model_json_schema()
    parts = {model.__name__: schema, **schema.get("$defs", {})}
    for kind in _below(Strict):
        told, words = parts.get(kind.__name__, {}).get("properties", {}), _words(kind)
        for name, field in kind.model_fields.items():
            key = field.alias or name
            if key in told and name in words:
                told[key].setdefault("description", words[name])
    return schema


def _below(kind: type[Strict]) -> Iterator[type[Strict]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _words(kind: type[Strict]) -> dict[str, str]:
    """By field, the text that stands right below it, in the class or in one that it extends."""
    found: dict[str, str] = {}
    for part in reversed(kind.__mro__[: kind.__mro__.index(Strict)]):
        body = ast.parse(textwrap.dedent(inspect.getsource(part))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            words = _text(below)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and words is not None:
                found[field.target.id] = inspect.cleandoc(words)
    return found


def _text(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return None
