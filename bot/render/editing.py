"""Which parameters a person can edit, and how: typed by the action's schema, else by the values at hand (docs/rules.md: C1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bot.render.parameters import value_text
from bot.render.visible_text import clip, visible
from policies import paths
from policies.approval import Approval
from policies.edits import Reach, reach
from policies.hidden import hiding, leaves

MAX_FIELDS = 60  # inputs in one modal
MAX_TEXT = 2900  # characters an input is given at first; Slack holds 3,000
MAX_NAME = 200
ABSENT: Final = object()
Hiding = tuple[tuple[str, ...], tuple[str, ...]]
"""The paths that the manifest hides, and those that it reveals."""


@dataclass(frozen=True, slots=True)
class Field:
    """One top-level parameter in the edit form: an input, or `fixed` text where it stays as it is.

    `reads` says how its text becomes a value: text, number, integer, json, or one of `values` by its index.
    """

    name: str
    label: str
    reads: str
    present: Any
    required: bool
    kind: str = "text"
    initial: str | None = None
    multiline: bool = False
    decimal: bool = True
    hint: str | None = None
    values: tuple[Any, ...] = ()
    fixed: str | None = None
    labels: tuple[str, ...] = field(default=())

    @property
    def block_id(self) -> str:
        """The input's block id."""
        return f"param:{self.name}"

    @property
    def optional(self) -> bool:
        """Whether the input may stay empty: where nothing is required, and where an empty text stood before."""
        return not self.required or (self.reads == "text" and self.present == "")


def editable(approval: Approval) -> list[Field]:
    """Every top-level parameter, and those that the schema would allow besides."""
    schema = (approval.policy.params_schema if approval.policy else None) or {}
    under = hiding(approval)
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = frozenset(schema.get("required") or ())
    present = approval.params
    names = [*present, *(name for name in properties if name not in present)]
    policy = approval.policy
    fields: list[Field] = []
    inputs = 0
    for name in names:
        rule = properties.get(name)
        value = present.get(name, ABSENT)
        made = _field(name, value, rule if isinstance(rule, dict) else {}, not schema or name in required, under)
        if made.fixed is None and (inputs := inputs + 1) > MAX_FIELDS:
            made = _fixed(name, value, under)
        if made.fixed is None or value is not ABSENT:
            fields.append(_hinted(made, reach(policy, name)) if policy else made)
    return fields


_REACH: Final = {
    Reach.LESS: "You may lower it alone; more has to be confirmed by another person.",
    Reach.PART: "You may change only part of it alone; the rest has to be confirmed by another person.",
    Reach.NONE: "A change here has to be confirmed by another person.",
}


def _hinted(made: Field, far: Reach) -> Field:
    """The input with what one person may change of it alone, where that is not all."""
    if far is Reach.ALL or made.fixed is not None:
        return made
    return replace(made, hint=f"{made.hint}. {_REACH[far]}" if made.hint else _REACH[far])


def _field(name: str, value: Any, rule: Mapping[str, Any], required: bool, under: Hiding) -> Field:
    if _untouchable(name, value, under):
        return _fixed(name, value, under)
    label = str(visible(name, exact=True))
    options = _options(rule, value)
    if options is not None:
        return _pick(name, label, value, required, options)
    wanted = _type(rule, value)
    if wanted == "string" and (value is ABSENT or _typeable(value)):
        text = None if value is ABSENT else value
        long = rule.get("maxLength", 0) > 120 or len(text or "") > 80 or "\n" in (text or "")
        return Field(name, label, "text", value, required, "text", text, long)
    if wanted in ("number", "integer") and (value is ABSENT or _plain_number(value)):
        text = None if value is ABSENT else json.dumps(value)
        return Field(
            name, label, wanted, value, required, "number", text, decimal=wanted == "number", hint=_bounds(rule)
        )
    return _as_json(name, label, value, required, under)


def _as_json(name: str, label: str, value: Any, required: bool, under: Hiding) -> Field:
    text = "" if value is ABSENT else json.dumps(value, indent=1 if isinstance(value, dict | list) else None)
    if len(text) > MAX_TEXT:
        return _fixed(name, value, under)
    return Field(name, label, "json", value, required, "text", text or None, True, hint="As JSON")


def _untouchable(name: str, value: Any, under: Hiding) -> bool:
    """Secrets, what is too long for an input, and names that no block id can carry."""
    if len(name) > MAX_NAME or not name or visible(name, exact=True) != name:
        return True
    if any(paths.covers(paths.steps(path), (name,)) for path in under[0]):
        return True
    if value is ABSENT:
        return False
    if any(leaf.by for leaf in leaves({name: value}, *under)):
        return True
    return len(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) > MAX_TEXT


def _fixed(name: str, value: Any, under: Hiding) -> Field:
    found = leaves({name: None if value is ABSENT else value}, *under)
    shown = clip(value_text(found[0]), 80) if len(found) == 1 else f"({len(found)} values)"
    return Field(name, clip(visible(name, exact=True), 80), "fixed", value, True, fixed=shown)


def _type(rule: Mapping[str, Any], value: Any) -> str:
    declared = rule.get("type")
    if isinstance(declared, str):
        return declared
    if declared is None and not any(key in rule for key in ("anyOf", "oneOf", "allOf", "not", "if")):
        return "string" if isinstance(value, str) else "number" if _plain_number(value) else "json"
    return "json"


def _options(rule: Mapping[str, Any], value: Any) -> tuple[Any, ...] | None:
    """The values to pick from: enum, const or boolean; None where the value is written."""
    if "const" in rule:
        found: tuple[Any, ...] = (rule["const"],)
    elif isinstance(rule.get("enum"), list):
        found = tuple(rule["enum"])
    elif rule.get("type") == "boolean" or ("type" not in rule and isinstance(value, bool)):
        found = (True, False)
    else:
        return None
    held = value is ABSENT or any(_same(value, option) for option in found)
    return found if 0 < len(found) <= 100 and held else None


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _pick(name: str, label: str, value: Any, required: bool, options: tuple[Any, ...]) -> Field:
    labels = tuple(option if isinstance(option, str) and option.strip() else json.dumps(option) for option in options)
    at = next(
        (str(index) for index, option in enumerate(options) if value is not ABSENT and _same(value, option)), None
    )
    return Field(name, label, "pick", value, required, "static_select", at, values=options, labels=labels)


def _typeable(value: Any) -> bool:
    """Whether an input gives this text back unchanged: nothing hidden, no blank at its ends."""
    return (
        isinstance(value, str)
        and all(visible(line, exact=True) == line for line in value.split("\n"))
        and value.strip() == value
    )


def _plain_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and "e" not in json.dumps(value)


def _bounds(rule: Mapping[str, Any]) -> str | None:
    parts = [f"at least {rule['minimum']}"] if isinstance(rule.get("minimum"), int | float) else []
    parts += [f"at most {rule['maximum']}"] if isinstance(rule.get("maximum"), int | float) else []
    return ", ".join(parts) or None
