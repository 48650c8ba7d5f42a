"""Whole surfaces: what one message, modal or home tab may hold together."""

from __future__ import annotations

import json
from typing import Any

from playground.blockkit.blocks import BLOCK
from playground.blockkit.normal import block_elements, iter_blocks
from playground.blockkit.objects import plain
from playground.blockkit.rules import Report, Rule, array, boolean, obj, one_of, string

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_BYTES = 13_200
VIEW_BYTES = 250_000
MARKDOWN_TOTAL = 12_000
TABLE_TOTAL = 10_000

_SHARED: dict[str, Rule] = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}


def _view(name: str, required: dict[str, Rule], optional: dict[str, Rule]) -> Rule:
    blocks = array(BLOCK, 0, VIEW_BLOCKS)
    return obj({"type": one_of(name), "blocks": blocks, **required}, {**_SHARED, **optional})


VIEWS: dict[str, Rule] = {
    "modal": _view(
        "modal",
        {"title": plain(24)},
        {
            "close": plain(24),
            "submit": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    "home": _view("home", {}, {}),
}


def json_bytes(value: Any) -> int:
    """Size of compact JSON in bytes."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def blocks_bytes(blocks: list[dict[str, Any]]) -> int:
    """Size of a message's blocks as Slack counts them, in bytes."""
    return json_bytes(blocks)


def check_message(blocks: Any) -> list[str]:
    """Every fault of a message's blocks; an empty list means Slack takes them (size is judged apart)."""
    report = Report("message")
    array(BLOCK, 0, MESSAGE_BLOCKS)(blocks, "/blocks", report)
    if isinstance(blocks, list):
        _check_unique(blocks, "/blocks", report)
        _check_totals(blocks, report)
    return report.errors


def check_view(view: Any) -> list[str]:
    """Every fault of a modal or a home tab; paths start at `/view`."""
    kind = view.get("type") if isinstance(view, dict) else None
    if kind not in VIEWS:
        return ["[ERROR] must be one of: modal, home [json-pointer:/view/type]"]
    report = Report(kind)
    VIEWS[kind](view, "/view", report)
    if isinstance(view.get("blocks"), list):
        _check_unique(view["blocks"], "/view/blocks", report)
        _check_focus(view["blocks"], report)
        if kind == "modal" and not view.get("submit") and _has_inputs(view["blocks"]):
            report.add("/view", "missing required field: submit (the view has input blocks)")
    return report.errors


def _has_inputs(blocks: list[Any]) -> bool:
    return any(block.get("type") == "input" for _, block in iter_blocks(blocks))


def _check_unique(blocks: list[Any], path: str, report: Report) -> None:
    seen: set[str] = set()
    for where, block in iter_blocks(blocks, path):
        name = block.get("block_id")
        if isinstance(name, str):
            if name in seen:
                report.add(f"{where}/block_id", f"block_id already exists: {name}")
            seen.add(name)
        _check_action_ids(block, where, report)


def _check_action_ids(block: dict[str, Any], path: str, report: Report) -> None:
    seen: set[str] = set()
    for where, entry in block_elements(block):
        name = entry.get("action_id")
        if isinstance(name, str):
            if name in seen:
                report.add(f"{path}{where}/action_id", f"action_id already exists: {name}")
            seen.add(name)


def _check_focus(blocks: list[Any], report: Report) -> None:
    focused = [
        f"{where}{inner}"
        for where, block in iter_blocks(blocks, "/view/blocks")
        for inner, entry in block_elements(block)
        if entry.get("focus_on_load") is True
    ]
    for where in focused[1:]:
        report.add(where, "only one element may set focus_on_load")


def _check_totals(blocks: list[Any], report: Report) -> None:
    found = [(where, block) for where, block in iter_blocks(blocks)]
    markdown = sum(len(str(block.get("text", ""))) for _, block in found if block.get("type") == "markdown")
    if markdown > MARKDOWN_TOTAL:
        report.add("/blocks", f"markdown blocks must be less than {MARKDOWN_TOTAL + 1} characters in total")
    tables = [(where, block) for where, block in found if block.get("type") == "table"]
    for where, _ in tables[1:]:
        report.add(where, "only one table is allowed per message")
    for where, table in tables[:1]:
        if _table_characters(table.get("rows")) > TABLE_TOTAL:
            report.add(f"{where}/rows", f"table cells must be less than {TABLE_TOTAL + 1} characters in total")


def _table_characters(value: Any) -> int:
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_table_characters(entry) for entry in value.values() if isinstance(entry, list))
    if isinstance(value, list):
        return sum(_table_characters(entry) for entry in value)
    return 0
