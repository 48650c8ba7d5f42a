"""Lint of parameters: a sentence that names what is not there, and a redaction that hides nothing or is told anyway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies import paths, sentences
from policies.files.limits import amount_named
from policies.files.policy import Severity
from policies.form_fields import shape_of
from policies.lint.findings import Case, Finding
from policies.param_presence import Presence, declared, required_names


def _named(case: Case) -> Iterator[Finding]:
    if case.policy.params_schema is None:
        return
    for path, guarded in sorted(sentences.named(case.policy.describe).items()):
        told = declared(case.policy.params_schema, path).presence
        if told in (Presence.IMPOSSIBLE, Presence.UNDECLARED):
            message = f"describe names {path}, which is not in params_schema"
            yield case.error("describe", message, "Correct the name, or declare the parameter")
        elif told is Presence.OPTIONAL and not guarded:
            message = f"describe names {path}, which may be missing: then the card shows the title alone"
            yield case.warning("describe", message, "Require it, or write a default: {{ … | default('…') }}")


def _untold(case: Case) -> Iterator[Finding]:
    told = {path.split(".")[1] for path in sentences.named(case.policy.describe)}
    hidden = {str(paths.steps(path)[0]) for path in case.policy.redact}
    untold = [name for name in required_names(case.policy.params_schema) if name not in told | hidden]
    if untold:
        message = f"describe never shows the required {', '.join(untold)}"
        yield case.warning("describe", message, "Name them, so that the sentence alone says what happens")


def _redacted(case: Case) -> Iterator[Finding]:
    shown = sentences.named(case.policy.describe)
    for path in case.policy.redact:
        if any(_covers(path, other) or _covers(other, path) for other in shown):
            message = f"describe tells {path}, which redact hides"
            yield case.error("describe", message, "Take it out of the sentence")
        amount = amount_named(case.policy.amount)
        if amount and _covers(path, amount.path):
            message = f"redact hides the amount {amount.path} from the people who decide on it"
            yield case.error("redact", message, "Take it out of redact")
        yield from _reaching(case, "redact", path, "hides")


def _revealed(case: Case) -> Iterator[Finding]:
    for path in case.policy.reveal:
        yield from _reaching(case, "reveal", path, "shows")
        if any(_covers(hidden, path) for hidden in case.policy.redact):
            yield case.warning("reveal", f"reveal names {path}, which redact hides all the same", "Take it out of one")


def _reaching(case: Case, key: str, path: str, does: str) -> Iterator[Finding]:
    schema = case.policy.params_schema
    told = declared(schema, path).presence
    if told is Presence.IMPOSSIBLE:
        place = _place_of_list(schema, path)
        if place:
            message = f"{key} names {path}, but {place} is a list: as it stands the path {does} nothing"
            yield case.warning(key, message, f"Write {place}[*] for each of its entries")
        else:
            message = f"{key} names {path}, which params_schema does not allow"
            yield case.error(key, message, f"Correct the path: as it stands it {does} nothing")
    elif told is Presence.UNDECLARED:
        message = f"{key} names {path}, which params_schema does not declare"
        yield case.warning(key, message, "Correct the path, or declare the parameter")


def _place_of_list(schema: dict[str, Any] | None, path: str) -> str | None:
    """The list that a path goes through as if it were an object; None where there is none."""
    at = "params"
    for step in paths.steps(path):
        types = declared(schema, at).schema.get("type") if at != "params" else "object"
        if isinstance(step, str) and types in ("array", ["array"]):
            return at
        at += f".{step}" if isinstance(step, str) else "[*]" if step is None else f"[{step}]"
    return None


def _covers(path: str, other: str) -> bool:
    """Whether what `other` names may lie in what `path` names."""
    one, two = paths.steps(path), paths.steps(other)
    return len(one) <= len(two) and all(a == b or _places(a, b) for a, b in zip(one, two, strict=False))


def _places(one: str | int | None, other: str | int | None) -> bool:
    return None in (one, other) and not isinstance(one, str) and not isinstance(other, str)


def _schema(case: Case) -> Iterator[Finding]:
    schema = case.policy.params_schema
    if schema is None:
        if case.policy.severity is not Severity.LOW:
            message = f"{case.policy.severity} severity, and any parameters pass"
            yield case.warning("title", message, "Add a params_schema")
        return
    if schema.get("type", "object") != "object":
        yield case.error(
            "params_schema.type", "params_schema is not of type object, so every request fails", "Say type: object"
        )
    properties = schema.get("properties", {})
    unknown = [name for name in required_names(schema) if name not in properties]
    if properties and unknown:
        closed = schema.get("additionalProperties") is False
        message = f"params_schema requires {', '.join(unknown)}, which it does not declare"
        found = case.error if closed else case.warning
        yield found("params_schema.required", message, "Declare them under properties")


def _undrawn(case: Case) -> Iterator[Finding]:
    """What reviewers edit as JSON, because no input of a form shows it as what it is."""
    schema = case.policy.params_schema or {}
    for name, rule in (schema.get("properties") or {}).items():
        shape = shape_of(schema, rule)
        if shape.undrawn and not (isinstance(rule, dict) and not rule):
            message = f"{name} is {shape.undrawn}: the edit form shows it as JSON"
            suggestion = "Nothing to do; where reviewers edit it often, give its parts names of their own"
            yield case.note("params_schema", message, suggestion)


RULES = (_named, _untold, _redacted, _revealed, _schema, _undrawn)
