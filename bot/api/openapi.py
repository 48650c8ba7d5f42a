"""`/openapi.json`: every call with its body, answer and errors, each shape once under `components`."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from bot.api.answers import Problem
from bot.api.serializers import TITLES

_REF: Final = "#/components/schemas/{model}"
BEARER: Final = "agentToken"
_BODIES: list[type[BaseModel]] = []


def body_of(schema: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """What a route says of the body it reads itself, strictly: duplicate keys and NaN are refused before any model."""
    _BODIES.append(schema)
    reference = {"$ref": _REF.format(model=schema.__name__)}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": reference}}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says of its errors, and of those that any call may meet."""
    reference = {"$ref": _REF.format(model="Problem")}
    content = {"application/problem+json": {"schema": reference}}
    return {status: {"description": TITLES[status], "content": content} for status in sorted({*statuses, *_ANY})}


_ANY: Final = (401, 403, 429, 500, 503)


def describe(app: FastAPI) -> None:
    """Let the app describe itself so."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    spec = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes, servers=app.servers or None
    )
    components = spec.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _, bodies = models_json_schema([(body, "validation") for body in _BODIES], ref_template=_REF)
    schemas |= {name: _with_nulls(body) for name, body in bodies.get("$defs", {}).items()}
    told = TypeAdapter(Problem).json_schema(ref_template=_REF)
    schemas |= told.pop("$defs", {})
    schemas["Problem"] = told
    components["securitySchemes"] = {BEARER: {"type": "http", "scheme": "bearer", "description": "An agent's token"}}
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            _corrected(operation, agents=path.startswith("/v1/"))
    for name in _FASTAPIS:
        schemas.pop(name, None)
    return spec


def _with_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body in which null for an optional field is the same as leaving it out."""
    required = body.get("required", ())
    for name, value in body.get("properties", {}).items():
        if name not in required and value.get("anyOf", [{}])[-1] != {"type": "null"} and len(value) > 1:
            body["properties"][name] = {"anyOf": [value, {"type": "null"}], "title": value.get("title", name)}
    return body


_FASTAPIS: Final = ("HTTPValidationError", "ValidationError")  # its own form of a 422, which is never sent


def _corrected(operation: dict[str, Any], *, agents: bool) -> None:
    if agents:
        operation["security"] = [{BEARER: []}]
    if "HTTPValidationError" in str(operation["responses"].get("422")):
        del operation["responses"]["422"]
