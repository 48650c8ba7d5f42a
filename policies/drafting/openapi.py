"""Operations of an OpenAPI 3 document as tools: parameters and body become one object, `components` become `$defs`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from policies.drafting.tools import MOST_TOOLS, NotTools, Refused, Tool

_METHODS = ("get", "head", "options", "put", "post", "patch", "delete", "trace")
_SCHEMAS = "#/components/schemas/"
# Said about values for other readers; none of it is a condition.
_ASIDE = frozenset({"discriminator", "xml", "externalDocs", "example", "examples"})
_MOST_NODES = 200_000
_BODY = "body"


def read_document(document: Any) -> list[Tool | Refused]:
    """Every operation as a tool. Raises NotTools where this is no OpenAPI 3 document."""
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise NotTools("is no OpenAPI 3 document: it must say openapi: 3.…")
    paths = document.get("paths")
    found = list(_operations(document, paths if isinstance(paths, dict) else {}))
    if not found:
        raise NotTools("has no operations")
    if len(found) > MOST_TOOLS:
        raise NotTools(f"has more than {MOST_TOOLS} operations: a manifest holds no more, so divide them")
    return found


def _operations(document: dict[str, Any], paths: Mapping[Any, Any]) -> Iterator[Tool | Refused]:
    for path, item in paths.items():
        for method in _METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if not isinstance(operation, dict):
                continue
            name = _name(operation, method, str(path))
            try:
                schema = _Schema(document).of(item, operation)
            except (_Unusable, RecursionError) as error:
                yield Refused(name, str(error) if isinstance(error, _Unusable) else "nested too deep")
                continue
            told = next(
                (operation[key] for key in ("summary", "description") if isinstance(operation.get(key), str)), ""
            )
            yield Tool(
                name,
                f"{method.upper()} {path}. {told}",
                schema,
                reads=True if method in ("get", "head", "options") else None,
                destroys=True if method == "delete" else None,
                said_by=f"{method.upper()}",
            )


def _name(operation: dict[str, Any], method: str, path: str) -> str:
    named = operation.get("operationId")
    text = named if isinstance(named, str) and named else f"{method}_{path}"
    return re.sub(r"[^A-Za-z0-9_.:/@+~#$%=-]+", "_", text if named else text.replace("/", "_")).strip("_")


class _Unusable(ValueError):
    """Why no action can be made of an operation."""


class _Schema:
    """Builds one operation's schema, and takes along every component that it refers to."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._old = str(document["openapi"]).startswith("3.0")
        self._needed: dict[str, Any] = {}
        self._nodes = 0

    def of(self, item: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
        """An object of all parameters, with the body under `body`."""
        properties: dict[str, Any] = {}
        required: list[str] = []
        for given in [*_listed(item.get("parameters")), *_listed(operation.get("parameters"))]:
            parameter = self._component(given)
            name, place = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or (place == "header" and name.lower() == "authorization"):
                continue
            properties[name] = self._parameter(parameter)
            if parameter.get("required") is True and name not in required:
                required.append(name)
        body = self._component(operation["requestBody"]) if isinstance(operation.get("requestBody"), dict) else None
        if body is not None:
            if _BODY in properties:
                raise _Unusable("has a parameter called body beside its body")
            properties[_BODY] = self._body(body)
            required += [_BODY] if body.get("required") is True else []
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        schema |= {"required": required} if required else {}
        return schema | ({"$defs": self._needed} if self._needed else {})

    def _component(self, given: Any) -> dict[str, Any]:
        """A parameter or a body, also where it only refers to one."""
        for _ in range(8):
            if not isinstance(given, dict):
                break
            if "$ref" not in given:
                return given
            given = self._found(given["$ref"])
        raise _Unusable("has a parameter that cannot be found")

    def _found(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise _Unusable(f"refers to {str(reference)[:80]}, which is in another document")
        node: Any = self._document
        for word in reference[2:].split("/"):
            key = unquote(word).replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or key not in node:
                raise _Unusable(f"refers to {reference[:80]}, which is not there")
            node = node[key]
        return node

    def _parameter(self, parameter: dict[str, Any]) -> Any:
        content = parameter.get("content")
        given = parameter.get("schema") if content is None else _media(content)
        schema = self._converted(given if isinstance(given, dict) else {})
        told = parameter.get("description")
        if isinstance(told, str) and isinstance(schema, dict) and "$ref" not in schema:
            schema.setdefault("description", told)
        return schema

    def _body(self, body: dict[str, Any]) -> Any:
        return self._converted(_media(body.get("content")))

    def _converted(self, node: Any) -> Any:
        """A schema of OpenAPI as one of JSON Schema, with references to `$defs`."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _Unusable("its schema is too large")
        if isinstance(node, list):
            return [self._converted(child) for child in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return {
                **{key: self._converted(value) for key, value in node.items() if key != "$ref"},
                "$ref": self._local(node["$ref"]),
            }
        made = {}
        for key, child in node.items():
            if key in _ASIDE:
                continue
            if key in ("properties", "patternProperties") and isinstance(child, dict):
                made[key] = {str(name): self._converted(one) for name, one in child.items()}
            elif key in ("enum", "const", "default", "required"):
                made[key] = child
            else:
                made[key] = self._converted(child)
        return _limits(made) if self._old else made

    def _local(self, reference: Any) -> str:
        if not isinstance(reference, str) or not reference.startswith(_SCHEMAS):
            raise _Unusable(f"refers to {str(reference)[:80]}, which is no schema of this document")
        name, _, rest = reference[len(_SCHEMAS) :].partition("/")
        if name not in self._needed:
            self._needed[name] = {}
            self._needed[name] = self._converted(self._found(_SCHEMAS + name))
        return f"#/$defs/{name}" + (f"/{rest}" if rest else "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _media(content: Any) -> Any:
    """The schema of a body: JSON where there is a choice; a body of any other kind is text."""
    kinds = content if isinstance(content, dict) else {}
    best = next((kind for kind in kinds if str(kind).partition(";")[0].strip().endswith("json")), None)
    chosen: Any = kinds.get(best) if best is not None else next(iter(kinds.values()), {})
    schema = chosen.get("schema") if isinstance(chosen, dict) else None
    return schema if isinstance(schema, dict) else {} if best is not None or not kinds else {"type": "string"}


def _limits(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0 says of a limit, true or false, whether it is exclusive; JSON Schema gives the exclusive limit itself."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and limit in schema:
            schema[exclusive] = schema.pop(limit)
    return schema
