"""What Slack's own client checks before it sends a modal."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from playground.model import Json, View
from playground.state_values import held

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def refusals(view: View) -> dict[str, str]:
    """The client's errors by block id; empty when the form may be sent."""
    found: dict[str, str] = {}
    for block in view.blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        value = held(view.state[block["block_id"]][element["action_id"]])
        problem = _problem(element, value, bool(block.get("optional")))
        if problem:
            found[block["block_id"]] = problem
    return found


def _problem(element: Json, value: Any, optional: bool) -> str | None:
    if value in (None, "", []):
        return None if optional else "Please complete this required field."
    check = {
        "plain_text_input": _text,
        "number_input": _number,
        "email_text_input": _email,
        "url_text_input": _url,
    }.get(element["type"])
    return check(element, str(value)) if check else None


def _text(element: Json, value: str) -> str | None:
    low, high = element.get("min_length") or 0, element.get("max_length") or 3000
    if len(value) < low:
        return f"Please enter at least {low} characters."
    return f"Please enter no more than {high} characters." if len(value) > high else None


def _number(element: Json, value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and not re.fullmatch(r"-?\d+", value):
        return "Please enter a whole number."
    low, high = element.get("min_value"), element.get("max_value")
    if low is not None and number < float(low):
        return f"Please enter {low} or more."
    return f"Please enter {high} or less." if high is not None and number > float(high) else None


def _email(_: Json, value: str) -> str | None:
    return None if _EMAIL.fullmatch(value) else "Please enter a valid email address."


def _url(_: Json, value: str) -> str | None:
    parts = urlsplit(value)
    return None if parts.scheme in {"http", "https"} and parts.netloc else "Please enter a valid URL."
