"""Schemas of tools, one or more for every keyword that JSON Schema has, and values that fit them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def _of(required: list[str] | None = None, **properties: Any) -> Json:
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


_TREE: Json = {
    **_of(["root"], root={"$ref": "#/$defs/node"}),
    "$defs": {
        "node": _of(["name"], name={"type": "string"}, children={"type": "array", "items": {"$ref": "#/$defs/node"}})
    },
}
_EITHER: Json = {"anyOf": [{"type": "integer"}, _of(x={"type": "number"})]}
# What the schema is about: the schema, and values that must come back to the byte.
BY_KEYWORD: dict[str, tuple[Json, list[Json]]] = {
    "nothing": ({}, [{}, {"any": [1, {"deep": None}]}]),
    "type": (
        _of(
            ["text", "whole", "real", "flag"],
            text={"type": "string"},
            whole={"type": "integer"},
            real={"type": "number"},
            flag={"type": "boolean"},
            nothing={"type": "null"},
        ),
        [
            {"text": "Grüße", "whole": 9007199254740991, "real": 0.1, "flag": True, "nothing": None},
            {"text": "", "whole": -1, "real": 1e-7, "flag": False},
        ],
    ),
    "type lists": (
        _of(["one"], one={"type": ["string", "null"]}, two={"type": ["integer", "string"]}),
        [{"one": None, "two": "x"}, {"one": "", "two": 3}],
    ),
    "title and description": (
        _of(["a"], a={"type": "string", "title": "An A", "description": "Say \"a\".\nTwo lines: {{ params }} # no"}),
        [{"a": "yes"}],
    ),
    "default null on a type that is not": (_of(a={"type": "string", "default": None}), [{}, {"a": "x"}]),
    "examples and deprecated": (
        _of(a={"type": "string", "examples": ["x", "y"], "deprecated": True, "readOnly": False, "writeOnly": True}),
        [{"a": "z"}],
    ),
    "enum": (
        _of(["a"], a={"enum": ["no", "yes", None, 3, True]}, b={"type": "string", "enum": ["on", "off", "2024-01-01"]}),
        [{"a": None, "b": "on"}, {"a": 3}, {"a": True, "b": "2024-01-01"}],
    ),
    "const": (_of(["a"], a={"const": "fixed", "title": "Always"}, b={"const": 1}), [{"a": "fixed", "b": 1}]),
    "lengths and pattern": (
        _of(["a"], a={"type": "string", "minLength": 2, "maxLength": 5000, "pattern": "^[a-z]{2,}$"}),
        [{"a": "ab"}, {"a": "x" * 3000}],
    ),
    "pattern with look-ahead inside": (_of(["a"], a={"type": "string", "pattern": "^a(?!b)c$"}), [{"a": "ac"}]),
    "format": (
        _of(
            mail={"type": "string", "format": "email"},
            day={"type": "string", "format": "date"},
            at={"type": "string", "format": "date-time"},
            where={"type": "string", "format": "uri"},
            id={"type": "string", "format": "uuid"},
            odd={"type": "string", "format": "no-such-format"},
        ),
        [
            {
                "mail": "a@example.com",
                "day": "2026-02-28",
                "at": "2026-02-28T10:00:00Z",
                "where": "https://example.com/?a=1&b=2",
                "id": "123e4567-e89b-12d3-a456-426614174000",
                "odd": "x",
            }
        ],
    ),
    "numbers": (
        _of(
            ["price"],
            price={"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 1000},
            share={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            count={"type": "integer", "multipleOf": 5},
        ),
        [{"price": 19.99, "share": 0.5, "count": 10}, {"price": 0.29}],
    ),
    "items": (
        _of(["list"], list={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 50, "uniqueItems": True}),
        [{"list": ["a", "b"]}, {"list": ["only one, with a comma", "two\nlines"]}],
    ),
    "prefixItems and contains": (
        _of(
            pair={"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}], "items": False},
            some={"type": "array", "contains": {"const": 1}, "minContains": 1, "maxContains": 2},
        ),
        [{"pair": [1.5, "x"], "some": [0, 1]}],
    ),
    "objects": (
        _of(
            ["address"],
            address=_of(["city"], city={"type": "string"}, zip={"type": "string"}) | {"additionalProperties": False},
            map={"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 3},
            named={"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}, "patternProperties": {"^x": {"type": "null"}}},
        ),
        [{"address": {"city": "Köln"}, "map": {"a": 1}, "named": {"xy": None, "z": 1}}],
    ),
    "dependents": (
        _of(a={"type": "string"}, b={"type": "string"}) | {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"b": {"minProperties": 1}}},
        [{"a": "1", "b": "2"}],
    ),
    "anyOf with null": (
        _of(["a"], a={"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, b=_EITHER),
        [{"a": None, "b": {"x": 1}}, {"a": "text", "b": 4}],
    ),
    "oneOf with const": (
        _of(
            ["shape"],
            shape={
                "oneOf": [
                    _of(["kind", "r"], kind={"const": "circle"}, r={"type": "number"}),
                    _of(["kind", "a"], kind={"const": "square"}, a={"type": "number"}),
                ]
            },
        ),
        [{"shape": {"kind": "circle", "r": 2}}, {"shape": {"kind": "square", "a": 2.5}}],
    ),
    "allOf, not, if": (
        _of(
            a={"allOf": [{"type": "integer"}, {"minimum": 1}]},
            b={"not": {"type": "string"}},
            c={"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "integer"}},
        ),
        [{"a": 1, "b": [], "c": "x"}, {"c": 7}],
    ),
    "references": (
        {**_of(["a"], a={"$ref": "#/$defs/text"}, b={"$ref": "#/properties/a"}), "$defs": {"text": {"type": "string"}}},
        [{"a": "x", "b": "y"}],
    ),
    "definitions": (
        {"$schema": "http://json-schema.org/draft-07/schema#", **_of(["a"], a={"$ref": "#/definitions/n"}), "definitions": {"n": {"type": "number"}}},
        [{"a": 1.25}],
    ),
    "recursion": (_TREE, [{"root": {"name": "a", "children": [{"name": "b"}, {"name": "c", "children": []}]}}]),
    "unevaluated": (
        {**_of(a={"type": "integer"}), "unevaluatedProperties": False, "$comment": "closed", "minProperties": 0},
        [{"a": 1}, {}],
    ),
    "contents": (
        _of(blob={"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}), [{"blob": "aGVsbG8="}]
    ),
    "names": (
        _of(
            ["y", "on", "odd name", "items"],
            **{
                "y": {"type": "number"},
                "on": {"type": "boolean"},
                "odd name": {"type": "string"},
                "items": {"type": "array"},
                "$ref": {"type": "string"},
                "}} {{ 7 }}": {"type": "string"},
                "": {"type": "string"},
            },
        ),
        [{"y": 1, "on": False, "odd name": "x", "items": [], "$ref": "r", "}} {{ 7 }}": "s"}],
    ),
    "closed": (_of(["a"], a={"type": "string"}) | {"additionalProperties": False}, [{"a": " blanks stay "}]),
    "booleans as schemas": (_of(a=True), [{"a": [None]}, {}]),
}  # fmt: skip
