"""Walking blocks, and filling in what Slack fills in: block ids, action ids and text defaults."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_PASSIVE = {"image", "plain_text", "mrkdwn"}


def iter_blocks(blocks: list[Any], path: str = "/blocks") -> Iterator[tuple[str, Json]]:
    """Every block with its JSON pointer, those inside containers and carousels included."""
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        here = f"{path}/{index}"
        yield here, block
        for key in ("child_blocks",) if block.get("type") == "container" else ():
            yield from iter_blocks(_listed(block.get(key)), f"{here}/{key}")
        if block.get("type") == "carousel":
            yield from iter_blocks(_listed(block.get("elements")), f"{here}/elements")


def _listed(value: Any) -> list[Json]:
    return value if isinstance(value, list) else []


def block_elements(block: Json) -> Iterator[tuple[str, Json]]:
    """The elements directly inside one block, with their pointer inside it."""
    kind = block.get("type")
    for key in ("accessory",) if kind == "section" else ("element",) if kind == "input" else ():
        if isinstance(block.get(key), dict):
            yield f"/{key}", block[key]
    many = {"actions": "elements", "context_actions": "elements", "card": "actions"}.get(str(kind))
    if many:
        for index, entry in enumerate(_listed(block.get(many))):
            if isinstance(entry, dict):
                yield f"/{many}/{index}", entry


def interactive_elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, element) a person can touch, top to bottom."""
    for _, block in iter_blocks(blocks):
        for _, entry in block_elements(block):
            if entry.get("type") not in _PASSIVE:
                yield block, entry


def new_id() -> str:
    """A short random id like those Slack generates for blocks and actions."""
    return secrets.token_urlsafe(5)[:5]


def _fill_texts(value: Any) -> None:
    if isinstance(value, dict):
        if value.get("type") == "plain_text":
            value.setdefault("emoji", True)
        elif value.get("type") == "mrkdwn":
            value.setdefault("verbatim", False)
        for entry in value.values():
            _fill_texts(entry)
    elif isinstance(value, list):
        for entry in value:
            _fill_texts(entry)


def normalise(blocks: list[Json]) -> list[Json]:
    """A copy as Slack would store it: ids filled in, text defaults written out, a markdown block without its id."""
    stored: list[Json] = json.loads(json.dumps(blocks))  # unlike deepcopy, parts used twice become two
    _fill_texts(stored)
    for _, block in iter_blocks(stored):
        if block.get("type") == "markdown":
            block.pop("block_id", None)
        elif not block.get("block_id"):
            block["block_id"] = new_id()
    for _, entry in interactive_elements(stored):
        if not entry.get("action_id"):
            entry["action_id"] = new_id()
    return stored
