"""What people wrote in modals, read back as values; faults are told at the input they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bot.render.editing import ABSENT, Field, editable
from bot.render.modals import REJECT_REASONS
from bot.render.visible_text import clip, visible
from policies.amounts import to_type
from policies.approval import Approval
from policies.errors import InvalidInput
from policies.request import check_params
from policies.sentences import usd
from policies.strict_json import check_value, parse_object

State = Mapping[str, Any]
_MISSING: Final = object()


class FormErrors(Exception):
    """Some inputs cannot be used; `errors` says which and why, as `response_action: errors` wants it."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{block}: {message}" for block, message in errors.items()))
        self.errors = errors


def value_of(state: State, block_id: str) -> str | None:
    """What stands in an input: its text, or the value of its selected option; None where it is empty or absent."""
    values = state.get("values", state)
    element = next(iter((values.get(block_id) or {}).values()), None)
    if not isinstance(element, Mapping):
        return None
    option = element.get("selected_option")
    found = option.get("value") if isinstance(option, Mapping) else element.get("value")
    return found if isinstance(found, str) and found != "" else None


def text_of(state: State, block_id: str) -> str | None:
    """The text of an input without blanks around it; None where nothing is left."""
    found = value_of(state, block_id)
    return (found.strip() or None) if found else None


def needed(state: State, block_id: str, message: str = "Please write something.") -> str:
    """The text of an input; raises FormErrors where it is empty."""
    found = text_of(state, block_id)
    if found is None:
        raise FormErrors({block_id: message})
    return found


def read_why_not(state: State) -> str:
    """The reason of a rejection: the picked one, the written one, or both."""
    picked = REJECT_REASONS.get(value_of(state, "reject_reason") or "")
    written = text_of(state, "reason")
    reason = ". ".join(part for part in (picked, written) if part)
    if not reason:
        raise FormErrors({"reason": "Pick a reason or write one: the agent is told why."})
    return reason


def require_amount(approval: Approval, params: dict[str, Any], state: State) -> None:
    """Raise where an amount above confirm_amount_above_usd was not typed."""
    amount = to_type(approval.policy, params)
    if amount is None:
        return
    typed = value_of(state, "amount")
    if typed is None or _dollars(typed) != amount:
        raise FormErrors({"amount": f"Type {usd(amount)} to approve it."})


def _dollars(text: str) -> Decimal | None:
    try:
        typed = Decimal(text.strip().removeprefix("$").replace(",", "").replace("_", "x"))
    except InvalidOperation:
        return None
    return typed if typed.is_finite() else None


def read_edit(approval: Approval, state: State) -> dict[str, Any]:
    """The edited parameters, checked against the action's schema; raises FormErrors naming the inputs."""
    errors: dict[str, str] = {}
    edited: dict[str, Any] = {}
    for found in editable(approval):
        try:
            value = found.present if found.fixed is not None else _edited(found, state)
        except ValueError as error:
            errors[found.block_id] = str(error)
            continue
        if value is not ABSENT:
            edited[found.name] = value
    if errors:
        raise FormErrors(errors)
    _check(approval, edited)
    require_amount(approval, edited, state)
    return edited


def _edited(found: Field, state: State) -> Any:
    """An input's value; what was left as it was stays exactly as it was."""
    values = state.get("values", state)
    if found.block_id not in values:
        return found.present
    text = value_of(state, found.block_id)
    if text == found.initial:
        return found.present
    if text is None:
        return _emptied(found)
    return _READ[found.reads](found, text)


def _emptied(found: Field) -> Any:
    if found.reads == "text" and (found.required or found.present == ""):
        return "" if found.present is not ABSENT else ABSENT
    if found.required:
        raise ValueError("This is needed.")
    return ABSENT


def _number(found: Field, text: str) -> int | float:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("This is not a number.") from None
    if not number.is_finite():
        raise ValueError("This is not a number.")
    whole = number == number.to_integral_value() and abs(number) < 2**53
    if found.reads == "integer" and not whole:
        raise ValueError("This must be a whole number.")
    return int(number) if whole and "." not in text else float(number)


def _json(found: Field, text: str) -> Any:
    try:
        read = parse_object(f'{{"value":{text}}}'.encode())
    except InvalidInput as error:
        raise ValueError(f"This is not valid JSON: {error}"[:200]) from None
    if set(read) != {"value"}:
        raise ValueError("This is not valid JSON: one value is wanted.")
    if type(read["value"]) is type(found.present) and json.dumps(read["value"]) == json.dumps(found.present):
        return found.present
    return read["value"]


def _pick(found: Field, text: str) -> Any:
    if not text.isascii() or not text.isdigit() or int(text) >= len(found.values):
        raise ValueError("Pick one of the options.")
    return found.values[int(text)]


def _text(found: Field, text: str) -> str:
    return text


_READ: Final = {"text": _text, "number": _number, "integer": _number, "json": _json, "pick": _pick}


def _check(approval: Approval, edited: dict[str, Any]) -> None:
    try:
        check_value(edited)
        check_params(approval.policy.params_schema if approval.policy else None, edited)
    except InvalidInput as error:
        name = (error.field or "").removeprefix("params.").split(".")[0].split("[")[0]
        shown = {found.name for found in editable(approval) if found.fixed is None}
        raise FormErrors({f"param:{name}" if name in shown else "note": clip(visible(str(error)), 300)}) from None
