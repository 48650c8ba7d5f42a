"""Lint of parameters: a sentence that names what is not there, and a redaction that hides nothing or is told anyway."""

from __future__ import annotations

from collections.abc import Iterator

from policies import sentences
from policies.declared import Presence, declared, required_names
from policies.findings import Case, Finding
from policies.manifest import Severity


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
    hidden = {path.split(".")[1] for path in case.policy.redact}
    untold = [name for name in required_names(case.policy.params_schema) if name not in told | hidden]
    if untold:
        message = f"describe never shows the required {', '.join(untold)}"
        yield case.warning("describe", message, "Name them, so that the sentence alone says what happens (D1)")


def _redacted(case: Case) -> Iterator[Finding]:
    shown = sentences.named(case.policy.describe)
    for path in case.policy.redact:
        if any(_covers(path, other) or _covers(other, path) for other in shown):
            message = f"describe tells {path}, which redact hides"
            yield case.error("describe", message, "Take it out of the sentence")
        if case.policy.amount and _covers(path, case.policy.amount):
            message = f"redact hides the amount {case.policy.amount} from the people who decide on it"
            yield case.error("redact", message, "Take it out of redact")
        told = declared(case.policy.params_schema, path).presence
        if told is Presence.IMPOSSIBLE:
            message = f"redact names {path}, which params_schema does not allow"
            yield case.error("redact", message, "Correct the path: as it stands it hides nothing")
        elif told is Presence.UNDECLARED:
            message = f"redact names {path}, which params_schema does not declare"
            yield case.warning("redact", message, "Correct the path, or declare the parameter")


def _covers(path: str, other: str) -> bool:
    return other == path or other.startswith(f"{path}.")


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


RULES = (_named, _untold, _redacted, _schema)
