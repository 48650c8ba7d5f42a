"""Looking at blocks as Slack would: every text, what is parsed in it, and what is hidden in it."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block as SdkBlock

from playground.blockkit import check_message

LIVE = re.compile(r"<([@#!][^>]*|[^>]*)>")
BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in `node`."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from objects(child)


def texts(node: Any) -> list[str]:
    """Every text a person would read."""
    return [item["text"] for item in objects(node) if isinstance(item.get("text"), str)]


def everything(node: Any) -> str:
    """All of them in one."""
    return "\n".join(texts(node))


def live_marks(node: Any) -> list[str]:
    """What Slack would turn into a mention, a link or a date, in mrkdwn fields and rich_text."""
    found = []
    for item in objects(node):
        if item.get("type") == "mrkdwn":
            assert item["verbatim"] is True, item
            found += [match[1] for match in LIVE.finditer(item["text"])]
        elif item.get("type") == "plain_text":
            assert item["emoji"] is False, item
        elif item.get("type") in ("user", "channel", "usergroup", "broadcast", "link", "emoji", "markdown", "date"):
            found.append(json.dumps(item))
    return found


def hidden(text: str) -> list[str]:
    """Characters of `text` that a person cannot see, by Unicode's categories (line breaks are seen)."""
    unseen = set(filter(_hidden, set(text)))
    return [f"U+{ord(sign):04X}" for sign in text if sign in unseen] if unseen else []


@functools.cache
def _hidden(sign: str) -> bool:
    return (unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and sign != "\n") or ord(sign) in BLANK


def faults(blocks: list[dict[str, Any]]) -> list[str]:
    """Everything Slack would refuse: its limits by the playground's rules and by the SDK's own models, and our size."""
    found = check_message(blocks)
    for block in SdkBlock.parse_all(blocks):
        block.validate_json()
    longest = len(json.dumps(blocks))
    return [*found, f"{longest} bytes"] if longest > 12_000 else found


def buttons(blocks: Any) -> dict[str, dict[str, Any]]:
    """Buttons and menus by action_id."""
    return {item["action_id"]: item for item in objects(blocks) if "action_id" in item}


def block(blocks: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The block whose id starts with `name`."""
    return next(item for item in blocks if item["block_id"].startswith(f"{name}-"))
