"""What people wrote in modals, read back as values; faults are told at the input they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.render.edited_values import edited_value, replied_value, value_of
from bot.render.editing import ABSENT, editable
from bot.render.modals import REJECT_REASONS
from bot.render.typed_text import dollars
from bot.render.visible_text import clip, visible
from policies.amounts import to_type
from policies.approval import Approval
from policies.errors import InvalidInput
from policies.request import check_params
from policies.sentences import usd
from policies.strict_json import check_value

State = Mapping[str, Any]


class FormErrors(Exception):
    """Some inputs cannot be used; `errors` says which and why, as `response_action: errors` wants it."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{block}: {message}" for block, message in errors.items()))
        self.errors = errors


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
    if typed is None or dollars(typed) != amount:
        raise FormErrors({"amount": f"Type {usd(amount)} to approve it."})


def read_edit(approval: Approval, state: State) -> dict[str, Any]:
    """The edited parameters, checked against the action's schema; raises FormErrors naming the inputs."""
    errors: dict[str, str] = {}
    edited: dict[str, Any] = {}
    for found in editable(approval):
        try:
            value = edited_value(found, state)
        except ValueError as error:
            errors[found.first_block] = str(error)
            continue
        if value is not ABSENT:
            edited[found.name] = value
    if errors:
        raise FormErrors(errors)
    edited = {name: edited[name] for name in [*approval.params, *edited] if name in edited}
    _check(approval, edited)
    require_amount(approval, edited, state)
    return edited


def read_reply(approval: Approval, name: str, text: str) -> Any:
    """The new value of a parameter that somebody wrote in the thread, fit for the action's schema; raises ValueError with words."""
    found = next(field for field in editable(approval) if field.name == name and field.by_reply)
    value = replied_value(found, text)
    edited = {**approval.params, name: value}
    try:
        check_value(edited)
        check_params(approval.policy.params_schema, edited)
    except InvalidInput as error:
        place = (error.field or "").removeprefix("params.")
        raise ValueError(clip(visible(f"{place} {error}".strip()), 300)) from None
    return value


def _check(approval: Approval, edited: dict[str, Any]) -> None:
    try:
        check_value(edited)
        check_params(approval.policy.params_schema, edited)
    except InvalidInput as error:
        name = (error.field or "").removeprefix("params.").split(".")[0].split("[")[0]
        blocks = {found.name: found.first_block for found in editable(approval) if found.fixed is None}
        raise FormErrors({blocks.get(name, "note"): clip(visible(str(error)), 300)}) from None
