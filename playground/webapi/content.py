"""Checking what a message or a view is made of."""

from __future__ import annotations

from typing import Any

from playground.blockkit import MESSAGE_BYTES, blocks_bytes, check_message, check_view, normalise
from playground.blockkit.surfaces import VIEW_BYTES, json_bytes
from playground.errors import SlackError, invalid
from playground.webapi.args import Args

Json = dict[str, Any]
TEXT_MOST = 40_000


def message_blocks(args: Args) -> list[Json] | None:
    """The checked and normalised blocks, or None when the argument is absent."""
    if "blocks" not in args:
        return None
    blocks = args.json("blocks", "invalid_blocks_format")
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    errors = check_message(blocks)
    if errors:
        raise invalid("invalid_blocks", errors)
    if blocks_bytes(blocks) > MESSAGE_BYTES:
        raise SlackError("msg_blocks_too_long")
    return normalise(blocks)


def message_text(args: Args) -> str:
    """The text; `msg_too_long` beyond 40,000 characters."""
    text = args.text("text")
    if len(text) > TEXT_MOST:
        raise SlackError("msg_too_long")
    return text


def message_metadata(args: Args) -> Json | None:
    """The metadata `{event_type, event_payload}`; `invalid_metadata_format`, `invalid_metadata_schema`."""
    if "metadata" not in args:
        return None
    metadata = args.json("metadata", "invalid_metadata_format")
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    payload = metadata.get("event_payload")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_schema")
    return {"event_type": metadata["event_type"], "event_payload": payload}


def view_body(args: Args, *kinds: str) -> Json:
    """The checked and normalised view; `invalid_arguments`, `view_too_large`."""
    return checked_view(args.json("view", "invalid_arguments"), *kinds)


def checked_view(view: Any, *kinds: str) -> Json:
    """Like view_body, for a view that came in an answer."""
    if view is None:
        raise invalid("invalid_arguments", ["[ERROR] missing required field: view"])
    errors = check_view(view)
    if not errors and kinds and view["type"] not in kinds:
        errors = [f"[ERROR] must be one of: {', '.join(kinds)} [json-pointer:/view/type]"]
    if errors:
        raise invalid("invalid_arguments", errors)
    if json_bytes(view) > VIEW_BYTES:
        raise SlackError("view_too_large")
    return {**view, "blocks": normalise(view["blocks"])}
