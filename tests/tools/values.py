"""Values that fit a schema, made by chance and then checked: the same ones on every run."""

from __future__ import annotations

import json
import random
import re
from functools import lru_cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policies.errors import SaysoError
from policies.files import params_schema
from policies.strict_json import parse_object

Json = dict[str, Any]
TRIES, DEEP = 80, 5
TEXTS = [
    "text",
    "",
    "Grüße aus Köln",
    "two\nlines",
    ' "quoted" \\ back',
    "yes",
    "0017",
    "it’s “smart”",
    "emoji 🙂 and ‮bidi",
    "x" * 400,
    "a, b; c",
    "{{ params }} <@U1> *b*",
]
NUMBERS = [0, 1, -1, 7, 19.99, 0.1, 1e-7, 1e21, 9007199254740991, 3.0, 250000]
FORMATS = {
    "date": "2026-02-28",
    "date-time": "2026-02-28T10:00:00Z",
    "time": "10:00:00Z",
    "email": "a.b+c@example.com",
    "uri": "https://example.com/a?b=1&c=ü".replace("ü", "%C3%BC"),
    "url": "https://example.com/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "hostname": "example.com",
    "duration": "P1DT2H",
    "regex": "^a+$",
    "json-pointer": "/a/0",
}


def fitting(schema: Json, most: int) -> list[Json]:
    """Up to `most` values that the product takes: the smallest there is, then the largest of many."""
    maker = _Maker(schema)
    found = {json.dumps(value): value for value in maker.many() if _taken(schema, value)}
    ordered = sorted(found.values(), key=lambda value: len(json.dumps(value)))
    return [*ordered[:1], *ordered[1:][-(most - 1) :]] if most > 1 else ordered[-1:]


def _taken(schema: Json, value: Any) -> bool:
    """Whether a request may hold it: it fits, and no limit of the product is passed."""
    try:
        parse_object(json.dumps({"params": value}).encode())
        return isinstance(value, dict) and params_schema.fault(schema, value) is None
    except (SaysoError, ValueError, params_schema.TooComplex, RecursionError):
        return False


class _Maker:
    def __init__(self, schema: Json) -> None:
        self._root, self._chance, self._rich = schema, random.Random(17), 0.0

    def many(self) -> list[Any]:
        """What must be there and nothing else, then more and more."""
        made = []
        for number in range(TRIES):
            self._rich = min(1.0, number / (TRIES / 2))
            try:
                made.append(self._of(self._root, 0))
            except (ValueError, RecursionError):
                continue
        return made

    def _of(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or not schema:
            return self._chance.choice(["text", 7, True, None]) if schema is not False else None
        if "$ref" in schema:
            meant = params_schema.resolved(self._root, schema["$ref"])
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self._of({**meant, **beside} if isinstance(meant, dict) else beside, depth + 1)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list):
            return self._chance.choice(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                return self._of(self._joined(schema, word, [self._chance.choice(schema[word])]), depth + 1)
        if schema.get("allOf"):
            return self._of(self._joined(schema, "allOf", schema["allOf"]), depth + 1)
        kinds = schema.get("type") or (
            "object" if "properties" in schema else "array" if "items" in schema else "string"
        )
        kind = self._chance.choice(kinds) if isinstance(kinds, list) else kinds
        make = {"object": self._object, "array": self._array, "string": self._string, "boolean": self._boolean}
        if kind in ("number", "integer"):
            return self._number(schema, kind == "integer")
        return make[kind](schema, depth) if kind in make else None

    def _joined(self, schema: Json, word: str, parts: list[Any]) -> Json:
        """A schema and parts of it as one, as far as that can be said."""
        made = {key: value for key, value in schema.items() if key != word}
        for part in parts:
            while isinstance(part, dict) and "$ref" in part:
                part = params_schema.resolved(self._root, part["$ref"])
            for key, value in part.items() if isinstance(part, dict) else ():
                before = made.get(key)
                if isinstance(before, dict) and isinstance(value, dict):
                    made[key] = {**before, **value}
                elif key == "required" and isinstance(before, list):
                    made[key] = [*before, *value]
                else:
                    made[key] = value
        return made

    def _boolean(self, _schema: Json, _depth: int) -> bool:
        return self._chance.random() < 0.5

    def _object(self, schema: Json, depth: int) -> Json:
        named, required = schema.get("properties", {}), set(schema.get("required", []))
        made = {}
        for name in dict.fromkeys([*named, *sorted(required)]):
            if name in required or (depth < DEEP and self._chance.random() < self._rich):
                made[name] = self._of(named.get(name), depth + 1)
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and depth < DEEP:
            for name in ("one", "two", "three")[: max(schema.get("minProperties", 0), int(self._rich * 2))]:
                made.setdefault(name, self._of(more, depth + 1))
        return made

    def _array(self, schema: Json, depth: int) -> list[Any]:
        first = [self._of(one, depth + 1) for one in schema.get("prefixItems", [])]
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", 3), max(least, round(self._rich * 3) if depth < DEEP else 0))
        items = schema.get("items", {})
        return first + [self._of(items, depth + 1) for _ in range(most - len(first)) if items is not False]

    def _number(self, schema: Json, whole: bool) -> float:
        low, high = (
            schema.get("minimum", schema.get("exclusiveMinimum")),
            schema.get("maximum", schema.get("exclusiveMaximum")),
        )
        step = schema.get("multipleOf")
        near = [bound + by for bound in (low, high) if bound is not None for by in (-1, 0, 1, 0.5)]
        fit = [
            number
            for number in [*NUMBERS, *near, *([step, 3 * step] if step else [])]
            if (low is None or number >= low)
            and (high is None or number <= high)
            and (not whole or number == int(number))
        ]
        chosen = self._chance.choice(fit or [low or high or 0])
        return int(chosen) if whole else chosen

    def _string(self, schema: Json, _depth: int) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        if isinstance(schema.get("pattern"), str):
            return self._chance.choice(_matching(schema["pattern"]) or ["text"])
        least, most = schema.get("minLength", 0), schema.get("maxLength", 5000)
        text = self._chance.choice(TEXTS) if self._rich else "text"
        return (text + "y" * (least - len(text)))[:most]


@lru_cache(maxsize=1024)
def _matching(pattern: str) -> list[str]:
    """Some texts of a pattern."""
    found: list[str] = []
    try:
        compiled = re.compile(pattern)
    except re.error:
        return []

    @settings(
        max_examples=8,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.from_regex(compiled, fullmatch=True, alphabet=st.characters(codec="ascii")))
    def take(text: str) -> None:
        found.append(text)

    try:
        take()
    except Exception:  # an alphabet that the pattern leaves nothing of
        return found
    return found
