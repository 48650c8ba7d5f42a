"""The JSON Schema of an action's parameters: what one may hold, and how parameters are checked against it."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from decimal import Decimal
from threading import Lock
from typing import Any, cast
from urllib.parse import unquote

import jsonschema
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from policies import formats, patterns

# Schemas a keyword may hold: by name, in a list, or one. As a property's name any of these words is data.
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_IN_LIST = ("anyOf", "oneOf", "allOf", "prefixItems")
_ONE = (
    "items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "contains",
    "propertyNames", "not", "if", "then", "else", "contentSchema",
)  # fmt: skip
# Those that look at the very same value: through them a schema must not come back to itself.
_IN_PLACE = frozenset({"$ref", "anyOf", "oneOf", "allOf", "not", "if", "then", "else", "dependentSchemas"})
_REFUSED = ("$dynamicRef", "$recursiveRef")
MAX_STEPS = 30_000  # of checking one request: a schema that branches at every level would need billions

Place = tuple[str | int, ...]


class TooComplex(Exception):
    """Checking these parameters would take too long."""


def parts(schema: object, place: Place = ()) -> Iterator[tuple[Place, str, dict[str, Any]]]:
    """Every schema within a schema, itself first: where it stands, under which keyword, and its mapping."""
    if not isinstance(schema, dict):
        return
    yield place, str(place[-1]) if place else "", schema
    for child_place, _, child in children(schema):
        yield from parts(child, (*place, *child_place))


def children(schema: dict[str, Any]) -> Iterator[tuple[Place, str, Any]]:
    """The schemas directly within one: place below it, the keyword that holds it, and the schema."""
    for word in _BY_NAME:
        if isinstance(schema.get(word), dict):
            yield from (((word, name), word, child) for name, child in schema[word].items())
    for word in (*_IN_LIST, "items"):
        if isinstance(schema.get(word), list):
            yield from (((word, at), word, child) for at, child in enumerate(schema[word]))
    yield from (((word,), word, schema[word]) for word in _ONE if isinstance(schema.get(word), dict))


def resolved(root: dict[str, Any], reference: str) -> Any:
    """What a local reference (`#/$defs/name`) points at; raises ValueError where that is nothing, or elsewhere."""
    told = reference
    reference = unquote(reference)  # first of all, as whoever checks parameters reads it
    if not reference.startswith("#"):
        raise ValueError(f"$ref {reference!r} leads out of the file: only references that begin with # are followed")
    if reference != "#" and not reference.startswith("#/"):
        return _anchored(root, reference[1:])
    node: Any = root
    for raw in reference[2:].split("/") if reference != "#" else ():
        word = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and word.isdigit() and int(word) < len(node):
            node = node[int(word)]
        elif isinstance(node, dict) and word in node:
            node = node[word]
        else:
            raise ValueError(f"$ref {told!r} points at nothing")
    return node


def _anchored(root: dict[str, Any], name: str) -> Any:
    found = [schema for _, _, schema in parts(root) if schema.get("$anchor") == name]
    if len(found) != 1:
        raise ValueError(f"$ref '#{name}' points at nothing")
    return found[0]


def check_schema(schema: dict[str, Any]) -> None:
    """Raise ValueError, naming the place, where `schema` is not one that a policy may hold."""
    for place, _, part in parts(schema):
        _check_part(schema, place, part)
    kind = _dialect(schema)
    try:
        kind.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))
    except jsonschema.SchemaError as error:
        raise ValueError(f"not a JSON Schema{_at(tuple(error.absolute_path))}: {_told(error)}") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    _Endless(schema).check()
    _check_references(schema, kind)


def _check_references(schema: dict[str, Any], kind: Any) -> None:
    """Raise ValueError where what checks parameters would find nothing behind a reference, or something else."""
    resource = specification_with(kind.META_SCHEMA["$schema"]).create_resource(schema)
    base = resource.id() or ""
    resolver = Registry().with_resource(base, resource).resolver(base)
    for place, _, part in parts(schema):
        if "$ref" not in part:
            continue
        try:
            found = resolver.lookup(part["$ref"]).contents
        except (Unresolvable, ValueError, LookupError, TypeError):
            found = None
        if found is not resolved(schema, part["$ref"]):
            raise ValueError(f"$ref {part['$ref']!r} points at nothing{_at(place)}")


def _told(error: jsonschema.SchemaError) -> str:
    return str(error.message)[:200]


def _at(place: Place) -> str:
    return f" at {'.'.join(str(word) for word in place)}" if place else ""


def _dialect(schema: dict[str, Any]) -> Any:
    named = schema.get("$schema")
    found: Any = jsonschema.validators.validator_for(schema, default=_UNKNOWN) if named is not None else _LATEST
    if found is _UNKNOWN:
        raise ValueError(f"$schema {str(named)[:80]!r} is not a version of JSON Schema that is known here")
    return found


_LATEST: Any = jsonschema.Draft202012Validator
_UNKNOWN: Any = object()


def _check_part(root: dict[str, Any], place: Place, part: dict[str, Any]) -> None:
    try:
        if "nullable" in part:
            raise ValueError(f"nullable is no keyword of JSON Schema: {_instead_of_nullable(part)}")
        for word in _REFUSED:
            if word in part:
                raise ValueError(f"{word} is not supported: use $ref")
        if "$id" in part and place:
            raise ValueError("$id inside a schema is not supported: write references from the root")
        if "$ref" in part:
            if not isinstance(part["$ref"], str):
                raise ValueError("$ref must be a text")
            if not isinstance(resolved(root, part["$ref"]), dict | bool):
                raise ValueError(f"$ref {part['$ref']!r} points at no schema")
        sources = [part["pattern"]] if isinstance(part.get("pattern"), str) else []
        by_name = part.get("patternProperties")
        for source in [*sources, *(by_name if isinstance(by_name, dict) else ())]:
            patterns.compiled(str(source))
        if by_name and any(isinstance(one.get("unevaluatedProperties"), dict | bool) for _, _, one in parts(root)):
            raise ValueError("patternProperties beside unevaluatedProperties is not supported")
    except ValueError as error:
        raise ValueError(f"{error}{_at(place)}") from None


def _instead_of_nullable(part: dict[str, Any]) -> str:
    if part["nullable"] is False:
        return "leave it out"
    kind = part.get("type")
    if isinstance(kind, str):
        return f'write type: [{kind}, "null"]' + (" and add null to enum" if "enum" in part else "")
    return 'write anyOf: [{…}, {type: "null"}]'


class _Endless:
    """Finds a schema that comes back to itself while it looks at one value: checking it would never end."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._done: set[int] = set()

    def check(self) -> None:
        for place, _, part in parts(self._root):
            self._follow(part, place, ())

    def _follow(self, part: Any, place: Place, above: tuple[int, ...]) -> None:
        if not isinstance(part, dict) or id(part) in self._done:
            return
        if id(part) in above:
            raise ValueError(f"the schema refers to itself without end{_at(place)}")
        following = [child for _, word, child in children(part) if word in _IN_PLACE]
        if "$ref" in part:
            following.append(resolved(self._root, part["$ref"]))
        for child in following:
            self._follow(child, place, (*above, id(part)))
        self._done.add(id(part))


# --- checking ---------------------------------------------------------------------------------------------------------

_steps: ContextVar[list[int] | None] = ContextVar("steps", default=None)


def _counted(keyword: Any) -> Any:
    def check(validator: Validator, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        left = _steps.get()
        if left is not None:
            left[0] -= 1
            if left[0] < 0:
                raise TooComplex
        yield from keyword(validator, value, instance, schema) or ()

    return check


def _multiple_of(_validator: Any, divisor: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """In decimals, as people write numbers: 19.99 is a multiple of 0.01."""
    if not _number(instance) or not _number(divisor):
        return
    value, by = Decimal(str(instance)), Decimal(str(divisor))
    # As fractions, because the remainder of numbers far apart has more digits than a decimal context holds.
    (over, under), (by_over, by_under) = value.as_integer_ratio(), by.as_integer_ratio()
    if over * by_under % (under * by_over):
        yield ValidationError(f"is not a multiple of {divisor}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pattern(_validator: Any, source: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not patterns.compiled(source).found_in(instance):
        yield ValidationError(f"does not match {source}")


def _pattern_properties(
    validator: Any, by_pattern: dict[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for source, child in by_pattern.items():
            for name, value in instance.items():
                if patterns.compiled(source).found_in(name):
                    yield from validator.descend(value, child, path=name, schema_path=source)


def _additional(validator: Any, rule: Any, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    named, by_pattern = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in instance.items():
        if name in named or any(patterns.compiled(source).found_in(name) for source in by_pattern):
            continue
        if rule is False:
            yield ValidationError("is not a parameter of this action", path=[name])
        elif isinstance(rule, dict):
            yield from validator.descend(value, rule, path=name)


def _format(_validator: Any, word: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not formats.fits(word, instance):
        yield ValidationError(f"is not of the form {word}")


_OWN = {
    "multipleOf": _multiple_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "format": _format,
}
_COUNTED = ("properties", "items", "prefixItems", "$ref", "anyOf", "oneOf", "allOf", "contains", "additionalItems")


def _own_kind(kind: Any) -> Any:
    counted = {word: _counted(kind.VALIDATORS[word]) for word in _COUNTED if word in kind.VALIDATORS}
    extended: Any = jsonschema.validators.extend  # untyped where it comes from
    return extended(kind, counted | _OWN)


class _Kept:
    """The validators of the schemas that were used last, found by the schema object itself."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._found: OrderedDict[int, tuple[dict[str, Any], Any]] = OrderedDict()
        self._kinds: dict[Any, Any] = {}

    def of(self, schema: dict[str, Any]) -> Any:
        with self._lock:
            held = self._found.get(id(schema))
            if held is not None and held[0] is schema:
                self._found.move_to_end(id(schema))
                return held[1]
            dialect = _dialect(schema)
            kind = self._kinds.setdefault(dialect, None) or _own_kind(dialect)
            self._kinds[dialect] = kind
            self._found[id(schema)] = schema, kind(schema)
            if len(self._found) > self._most:
                self._found.popitem(last=False)
            return self._found[id(schema)][1]


_kept = _Kept(1024)


def fault(schema: dict[str, Any], params: dict[str, Any]) -> ValidationError | None:
    """What is wrong with `params`, the most telling of several; None where they fit. Raises TooComplex."""
    token = _steps.set([MAX_STEPS])
    try:
        found: ValidationError | None = jsonschema.exceptions.best_match(_kept.of(schema).iter_errors(params))
        return found
    finally:
        _steps.reset(token)


# --- saying it --------------------------------------------------------------------------------------------------------


def told(error: ValidationError) -> tuple[Place, str]:
    """Where it is wrong and what would be right, in words that never repeat the value: it may be a secret."""
    place: Place = tuple(error.absolute_path)
    word, wanted = str(error.validator or ""), cast(Any, error.validator_value)
    if word == "required" and isinstance(error.instance, dict):
        missing = [name for name in wanted if name not in error.instance]
        return (*place, *missing[:1]), "is required"
    if word == "dependentRequired" and isinstance(error.instance, dict):
        missing = [name for on, names in wanted.items() if on in error.instance for name in names]
        return (*place, *[name for name in missing if name not in error.instance][:1]), "is required here"
    return place, _SAID.get(word, _otherwise)(wanted, word)


def _kind(wanted: Any, _word: str) -> str:
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    return f"must be {' or '.join(_KINDS.get(kind, str(kind)) for kind in kinds)}"


_KINDS = {
    "string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "object": "an object", "array": "a list", "null": "null",
}  # fmt: skip


def _one_of(wanted: Any, _word: str) -> str:
    shown = ", ".join(json.dumps(one, ensure_ascii=False) for one in wanted[:20])
    return f"must be one of {shown}"[:300] + (" …" if len(wanted) > 20 else "")


def _otherwise(_wanted: Any, word: str) -> str:
    return f"does not fit {word or 'the schema'} of params_schema"


_SAID: dict[str, Callable[[Any, str], str]] = {
    "type": _kind,
    "enum": _one_of,
    "const": lambda wanted, _: f"must be {json.dumps(wanted, ensure_ascii=False)}"[:300],
    "minimum": lambda wanted, _: f"must be at least {wanted}",
    "maximum": lambda wanted, _: f"must be at most {wanted}",
    "exclusiveMinimum": lambda wanted, _: f"must be more than {wanted}",
    "exclusiveMaximum": lambda wanted, _: f"must be less than {wanted}",
    "multipleOf": lambda wanted, _: f"must be a multiple of {wanted}",
    "minLength": lambda wanted, _: f"must have at least {wanted} characters",
    "maxLength": lambda wanted, _: f"must have at most {wanted} characters",
    "minItems": lambda wanted, _: f"must have at least {wanted} entries",
    "maxItems": lambda wanted, _: f"must have at most {wanted} entries",
    "minProperties": lambda wanted, _: f"must have at least {wanted} names",
    "maxProperties": lambda wanted, _: f"must have at most {wanted} names",
    "uniqueItems": lambda *_: "must not hold the same twice",
    "pattern": lambda wanted, _: f"must match {wanted}"[:300],
    "format": lambda wanted, _: f"must be of the form {wanted}",
    "additionalProperties": lambda *_: "is not a parameter of this action",
    "unevaluatedProperties": lambda *_: "is not a parameter of this action",
    "anyOf": lambda *_: "fits none of the forms that are allowed here",
    "oneOf": lambda *_: "must fit exactly one of the forms that are allowed here",
    "contains": lambda *_: "lacks an entry that must be there",
}
