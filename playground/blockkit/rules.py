"""The small vocabulary in which Slack's Block Kit rules are written: a rule looks at one value and reports faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Rule = Callable[[Any, str, "Report"], None]
Check = Callable[[dict[str, Any], str, "Report"], None]


@dataclass
class Report:
    """Collects faults for one surface (`message`, `modal` or `home`)."""

    surface: str
    errors: list[str] = field(default_factory=list)

    def add(self, path: str, problem: str) -> None:
        """Record one fault in the words and the JSON pointer Slack uses."""
        self.errors.append(f"[ERROR] {problem} [json-pointer:{path}]")


def length(text: str) -> int:
    """As Slack's clients count: what stands outside the first plane, such as most emoji, is two."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def string(most: int | None = None, least: int = 0, pattern: str | None = None) -> Rule:
    """A string of `least` to `most` characters that fits `pattern`."""
    compiled = re.compile(pattern) if pattern else None

    def rule(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add(path, "must be a string")
        elif len(value) < least:
            report.add(path, f"must be more than {least - 1} characters")
        elif most is not None and length(value) > most:
            report.add(path, f"must be less than {most + 1} characters")
        elif compiled and not compiled.fullmatch(value):
            report.add(path, "must match the expected format")

    return rule


def boolean(value: Any, path: str, report: Report) -> None:
    """A JSON boolean."""
    if not isinstance(value, bool):
        report.add(path, "must be a boolean")


def integer(least: int | None = None, most: int | None = None) -> Rule:
    """A JSON integer between `least` and `most`."""

    def rule(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(path, "must be an integer")
        elif least is not None and value < least:
            report.add(path, f"must be greater than or equal to {least}")
        elif most is not None and value > most:
            report.add(path, f"must be less than or equal to {most}")

    return rule


def one_of(*allowed: Any) -> Rule:
    """One of a fixed set of values."""

    def rule(value: Any, path: str, report: Report) -> None:
        if value not in allowed:
            report.add(path, f"must be one of: {', '.join(map(str, allowed))}")

    return rule


def array(item: Rule, least: int = 0, most: int | None = None) -> Rule:
    """A list of `least` to `most` items, each obeying `item`."""

    def rule(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add(path, "must be an array")
            return
        if len(value) < least:
            report.add(path, f"must provide at least {least} item{'s' if least > 1 else ''}")
        if most is not None and len(value) > most:
            report.add(path, f"no more than {most} items allowed")
        for index, entry in enumerate(value):
            item(entry, f"{path}/{index}", report)

    return rule


def obj(required: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None, *checks: Check) -> Rule:
    """An object with exactly these keys; `checks` look at it as a whole."""
    optional = optional or {}
    known = {**required, **optional}

    def rule(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(path, "must be an object")
            return
        for key in required:
            if value.get(key) is None:
                report.add(path, f"missing required field: {key}")
        for key, entry in value.items():
            if key not in known:
                report.add(f"{path}/{key}", f"invalid additional property: {key}")
            elif entry is not None:
                known[key](entry, f"{path}/{key}", report)
        for check in checks:
            check(value, path, report)

    return rule


def typed(rules: Mapping[str, Rule], allowed: frozenset[str] | None = None) -> Rule:
    """An object whose `type` picks its rule; `allowed` narrows the types at this place."""

    def rule(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(path, "must be an object")
            return
        kind = value.get("type")
        if not isinstance(kind, str):
            report.add(path, "missing required field: type")
        elif kind not in rules or (allowed is not None and kind not in allowed):
            report.add(f"{path}/type", f"unsupported type: {kind}")
        else:
            rules[kind](value, path, report)

    return rule


def exactly_one(*keys: str) -> Check:
    """Exactly one of `keys` is given."""

    def check(value: dict[str, Any], path: str, report: Report) -> None:
        if sum(value.get(key) is not None for key in keys) != 1:
            report.add(path, f"must provide exactly one of: {', '.join(keys)}")

    return check


def at_least_one(*keys: str) -> Check:
    """At least one of `keys` is given."""

    def check(value: dict[str, Any], path: str, report: Report) -> None:
        if not any(value.get(key) for key in keys):
            report.add(path, f"must provide at least one of: {', '.join(keys)}")

    return check


def only_on(surfaces: tuple[str, ...], key: str | None = None) -> Check:
    """The object (or its `key`) is legal on these surfaces only."""

    def check(value: dict[str, Any], path: str, report: Report) -> None:
        if report.surface not in surfaces and (key is None or value.get(key) is not None):
            what = key or f"{value.get('type')} block"
            report.add(path, f"{what} is not supported on the {report.surface} surface")

    return check
