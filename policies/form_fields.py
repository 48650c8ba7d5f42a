"""Which input the edit form needs for a parameter, as its JSON Schema says: pure reading of the schema (docs/rules.md: C1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from policies.files.params_schema import resolved

MAX_OPTIONS = 500  # of one menu: every currency and country; in Slack a group holds 100
_DEEPEST = 50  # references that lead to references
_NOT_GIVEN: Final = object()


class FieldKind(StrEnum):
    """What a person sees: a line or box of text, a number, a menu, one entry a line, a calendar, a clock, or JSON."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    PICK = "pick"
    LINES = "lines"
    DATE = "date"
    MOMENT = "moment"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One value of a menu, with the schema's words for it."""

    value: Any
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The input for one schema: its words, whether null is a value, and what bounds it.

    `undrawn` says in words why it is shown as JSON, where it is.
    """

    kind: FieldKind
    title: str = ""
    description: str = ""
    nullable: bool = False
    choices: tuple[MenuEntry, ...] = ()
    bounds: tuple[str, ...] = ()
    item: FieldKind | None = None
    longest: int | None = None
    undrawn: str = ""


def shape_of(root: Mapping[str, Any], rule: Any, value: Any = _NOT_GIVEN) -> Shape:
    """The input for the schema `rule` within `root`; where it does not say, the `value` at hand decides."""
    merged, nullable = _merged(dict(root), rule)
    given = Shape(
        FieldKind.JSON,
        _text(merged.get("title")),
        _text(merged.get("description")),
        nullable,
        bounds=tuple(_bounds(merged)),
        longest=merged.get("maxLength") if isinstance(merged.get("maxLength"), int) else None,
    )
    choices = _choices(dict(root), merged)
    if choices is not None:
        kept = tuple(choice for choice in choices if choice.value is not None)
        empty = nullable or len(kept) < len(choices)
        if kept and len(kept) <= MAX_OPTIONS:
            return replace(given, kind=FieldKind.PICK, choices=kept, nullable=empty)
        return replace(given, nullable=empty, undrawn=f"one of {len(choices)} values")
    kind = _kind(merged, value)
    if kind == "array":
        item, bounds = _item(root, merged, value)
        if item is None:
            return replace(given, undrawn="a list of lists, objects or values of several types")
        return replace(given, kind=FieldKind.LINES, item=item, bounds=(*given.bounds, *bounds))
    if kind == "string":
        return replace(given, kind=_TEXTS.get(str(merged.get("format")), FieldKind.TEXT))
    if kind == "boolean":
        return replace(given, kind=FieldKind.PICK, choices=(MenuEntry(True, "Yes"), MenuEntry(False, "No")))
    if kind in ("number", "integer"):
        return replace(given, kind=FieldKind(kind))
    return replace(given, undrawn={"object": "an object", "null": "nothing but null"}.get(kind, "of several forms"))


_TEXTS: Final = {"date": FieldKind.DATE, "date-time": FieldKind.MOMENT}


def _merged(root: dict[str, Any], rule: Any) -> tuple[dict[str, Any], bool]:
    """A schema with its references and single alternatives put in place, and whether null is allowed beside."""
    nullable = False
    found = dict(rule) if isinstance(rule, Mapping) else {}
    for _ in range(_DEEPEST):
        inner = _one_within(root, found)
        if inner is None:
            break
        word, only, null = inner
        nullable = nullable or null
        found = {**only, **{key: held for key, held in found.items() if key != word}}
    kinds = found.get("type")
    if isinstance(kinds, list):
        nullable = nullable or "null" in kinds
        rest = [kind for kind in kinds if kind != "null"]
        found["type"] = rest[0] if len(rest) == 1 else rest
    return found, nullable


def _one_within(root: dict[str, Any], found: dict[str, Any]) -> tuple[str, dict[str, Any], bool] | None:
    """The one schema that a keyword stands for, and whether null stands beside it; None where none does."""
    if isinstance(found.get("$ref"), str):
        target = resolved(root, found["$ref"])
        return "$ref", dict(target) if isinstance(target, dict) else {}, False
    for word in ("anyOf", "oneOf", "allOf"):
        forms = found.get(word)
        if not isinstance(forms, list):
            continue
        rest = [form for form in forms if not _is_null(root, form)]
        null = len(rest) < len(forms) and word != "allOf"
        if len(rest) == 1 and isinstance(rest[0], dict) and (null or len(forms) == 1):
            return word, dict(rest[0]), null
    return None


def _is_null(root: dict[str, Any], form: Any) -> bool:
    if not isinstance(form, dict):
        return False
    if isinstance(form.get("$ref"), str):
        return _is_null(root, resolved(root, form["$ref"]))
    return form.get("type") in ("null", ["null"]) or form.get("enum") == [None] or form.get("const", 0) is None


def _choices(root: dict[str, Any], rule: dict[str, Any]) -> tuple[MenuEntry, ...] | None:
    """The values to pick from; None where the value is written."""
    if "const" in rule:
        return (MenuEntry(rule["const"], _text(rule.get("title")), _text(rule.get("description"))),)
    if isinstance(rule.get("enum"), list):
        return tuple(map(MenuEntry, rule["enum"]))
    for word in ("oneOf", "anyOf"):
        forms = rule.get(word)
        if isinstance(forms, list) and forms:
            found = [_merged(root, form) for form in forms]
            offered = [_choices(root, form) for form, _ in found]
            nulls = [MenuEntry(None)] if any(null or _is_null(root, form) for form, null in found) else []
            if all(one is not None or _is_null(root, form) for one, (form, _) in zip(offered, found, strict=True)):
                return (*(choice for one in offered for choice in one or ()), *nulls)
    return None


def _kind(rule: dict[str, Any], value: Any) -> str:
    declared = rule.get("type")
    if isinstance(declared, str):
        return declared
    if declared is None and not any(key in rule for key in ("anyOf", "oneOf", "allOf", "not", "if", "properties")):
        return _kind_of(value)
    return "several"


def _kind_of(value: Any) -> str:
    kinds = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return kinds.get(type(value), "several")


def _item(root: Mapping[str, Any], rule: dict[str, Any], value: Any) -> tuple[FieldKind | None, tuple[str, ...]]:
    """What each line of a list is, and what bounds it; None where an entry is no line."""
    if "prefixItems" in rule or isinstance(rule.get("items"), list):
        return None, ()
    if isinstance(rule.get("items"), dict):
        inner = shape_of(root, rule["items"])
        if inner.nullable:
            return None, ()
        if inner.kind is FieldKind.PICK and all(isinstance(choice.value, str) for choice in inner.choices):
            allowed = ", ".join(choice.value for choice in inner.choices)
            return FieldKind.TEXT, (f"each one of {allowed}"[:600],)
        kind = FieldKind.TEXT if inner.kind in (FieldKind.DATE, FieldKind.MOMENT) else inner.kind
        bounds = tuple(f"each {bound}" for bound in inner.bounds)
        return (kind, bounds) if kind in (FieldKind.TEXT, FieldKind.NUMBER, FieldKind.INTEGER) else (None, ())
    kinds = {_kind_of(entry) for entry in value} if isinstance(value, list) else set()
    return {"string": FieldKind.TEXT, "number": FieldKind.NUMBER}.get(kinds.pop() if len(kinds) == 1 else ""), ()


# --- saying it --------------------------------------------------------------------------------------------------------


def _text(words: Any) -> str:
    return words.strip() if isinstance(words, str) else ""


def _bounds(rule: dict[str, Any]) -> Iterator[str]:
    """Every bound in words, in the order of the schema's own reading."""
    for word, said in _SAID.items():
        bound = rule.get(word)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            yield said.format(json.dumps(bound))
    if rule.get("uniqueItems") is True:
        yield "nothing twice"
    if isinstance(rule.get("format"), str):
        yield _FORMATS.get(rule["format"], f"of the form {rule['format']}")
    if isinstance(rule.get("pattern"), str):
        yield f"matching {rule['pattern']}"[:300]
    if "default" in rule:
        yield f"{json.dumps(rule['default'], ensure_ascii=False)} where nothing is given"[:300]


_SAID: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "minProperties": "at least {} names",
    "maxProperties": "at most {} names",
}
_FORMATS: Final = {
    "date": "a date like 2026-12-24",
    "date-time": "a moment like 2026-12-24T09:00:00Z",
    "time": "a time like 09:00:00Z",
    "duration": "a length of time like P3D",
    "email": "an e-mail address",
    "idn-email": "an e-mail address",
    "uri": "a web address",
    "uri-reference": "a web address or its end",
    "hostname": "a host name",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "uuid": "a UUID",
    "regex": "a regular expression",
    "json-pointer": "a JSON pointer",
}
