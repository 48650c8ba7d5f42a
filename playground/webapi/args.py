"""Arguments of a Web API call, whichever of Slack's encodings they came in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from playground.errors import SlackError, invalid

Json = dict[str, Any]


def parse_args(content_type: str, body: bytes, query: str) -> Json:
    """Query, form or JSON arguments as one dict; `invalid_json`, `json_not_object`, `invalid_form_data`."""
    args: Json = dict(parse_qsl(query, keep_blank_values=True))
    if not body:
        return args
    if "json" in content_type:
        return args | _parse_json(body)
    try:
        return args | dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
    except UnicodeDecodeError:
        raise SlackError("invalid_form_data") from None


def _parse_json(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise SlackError("invalid_json") from None
    if not isinstance(value, dict):
        raise SlackError("json_not_object")
    return value


class Args:
    """Typed access to the arguments; what is missing or malformed raises Slack's `invalid_arguments`."""

    def __init__(self, raw: Json) -> None:
        self.raw = raw

    def __contains__(self, key: str) -> bool:
        return self.raw.get(key) is not None

    def text(self, key: str) -> str:
        """A string argument, empty when missing."""
        value = self.raw.get(key)
        return "" if value is None else str(value)

    def required(self, key: str) -> str:
        """A string argument that must be there."""
        value = self.text(key)
        if not value:
            raise invalid("invalid_arguments", [f"[ERROR] missing required field: {key}"])
        return value

    def flag(self, key: str) -> bool:
        """A boolean in any of the spellings Slack takes."""
        return str(self.raw.get(key, "")).lower() in {"true", "1"}

    def number(self, key: str, default: int) -> int:
        """An integer argument."""
        try:
            return int(self.raw.get(key) or default)
        except (TypeError, ValueError):
            raise invalid("invalid_arguments", [f"[ERROR] must be an integer [json-pointer:/{key}]"]) from None

    def json(self, key: str, error: str) -> Any:
        """An argument that is JSON, either already parsed or as a string; raises `error`."""
        value = self.raw.get(key)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise SlackError(error) from None

    def page(self, items: list[Any], default: int = 100, most: int = 1000) -> tuple[list[Any], str]:
        """One page of `items` and the cursor of the next; `invalid_cursor`, `invalid_limit`."""
        limit = self.number("limit", default)
        if not 0 < limit <= most:
            raise SlackError("invalid_limit")
        cursor = self.text("cursor")
        start = 0
        if cursor:
            number = cursor.removeprefix("next:")
            if not cursor.startswith("next:") or not number.isdigit():
                raise SlackError("invalid_cursor")
            start = int(number)
        following = start + limit
        return items[start:following], f"next:{following}" if following < len(items) else ""
