"""Layout blocks and where each may stand."""

from __future__ import annotations

from typing import Any

from playground.blockkit.elements import (
    ACCESSORIES,
    BUTTON,
    ID,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    element,
    image_block_rule,
    image_element,
)
from playground.blockkit.objects import plain, text
from playground.blockkit.richtext import RICH_TEXT
from playground.blockkit.rules import (
    Report,
    Rule,
    array,
    at_least_one,
    boolean,
    obj,
    one_of,
    only_on,
    string,
    typed,
)

_BLOCK: dict[str, Rule] = {"block_id": ID}


def _kind(name: str) -> dict[str, Rule]:
    return {"type": one_of(name)}


def _context_item(value: Any, path: str, report: Report) -> None:
    if isinstance(value, dict) and value.get("type") == "image":
        image_element(value, path, report)
    else:
        text()(value, path, report)


def _divider_needs_static(block: dict[str, Any], path: str, report: Report) -> None:
    if block.get("has_header_divider") and block.get("is_collapsible"):
        report.add(path, "has_header_divider cannot be set when is_collapsible is true")
    if block.get("default_collapsed") and not block.get("is_collapsible"):
        report.add(path, "default_collapsed requires is_collapsible")


def _dispatch_is_not_for_files(block: dict[str, Any], path: str, report: Report) -> None:
    inner = block.get("element")
    if isinstance(inner, dict) and inner.get("type") == "file_input" and block.get("dispatch_action"):
        report.add(path, "dispatch_action is not allowed with file_input")


_CELL: Rule = typed(
    {
        "raw_text": obj({**_kind("raw_text"), "text": string()}),
        "rich_text": RICH_TEXT,
    }
)
_CARD: Rule = obj(
    _kind("card"),
    {
        **_BLOCK,
        "hero_image": image_element,
        "icon": image_element,
        "title": text(150),
        "subtitle": text(150),
        "body": text(200),
        "actions": array(typed({"button": BUTTON}), 1, 5),
    },
    at_least_one("hero_image", "title", "actions", "body"),
)
BLOCKS: dict[str, Rule] = {
    "section": obj(
        _kind("section"),
        {
            **_BLOCK,
            "text": text(3000),
            "fields": array(text(2000), 1, 10),
            "accessory": element(ACCESSORIES),
            "expand": boolean,
        },
        at_least_one("text", "fields"),
    ),
    "header": obj({**_kind("header"), "text": plain(150)}, _BLOCK),
    "divider": obj(_kind("divider"), _BLOCK),
    "context": obj({**_kind("context"), "elements": array(_context_item, 1, 10)}, _BLOCK),
    "actions": obj({**_kind("actions"), "elements": array(element(IN_ACTIONS), 1, 25)}, _BLOCK),
    "context_actions": obj(
        {**_kind("context_actions"), "elements": array(element(IN_CONTEXT_ACTIONS), 1, 5)},
        _BLOCK,
        only_on(("message",)),
    ),
    "input": obj(
        {**_kind("input"), "label": plain(2000), "element": element(IN_INPUT)},
        {**_BLOCK, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
        _dispatch_is_not_for_files,
    ),
    "image": image_block_rule({**_BLOCK, "title": plain(2000)}),
    "rich_text": RICH_TEXT,
    "markdown": obj({**_kind("markdown"), "text": string(12000, 1)}, _BLOCK, only_on(("message",))),
    "table": obj(
        {**_kind("table"), "rows": array(array(_CELL, 1, 20), 1, 100)},
        {
            **_BLOCK,
            "column_settings": array(
                obj({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}), 0, 20
            ),
        },
        only_on(("message",)),
    ),
    "alert": obj(
        {**_kind("alert"), "text": text(200)},
        {**_BLOCK, "level": one_of("default", "info", "warning", "error", "success")},
        only_on(("modal",)),
    ),
    "card": _CARD,
    "carousel": obj(
        {**_kind("carousel"), "elements": array(typed({"card": _CARD}), 1, 10)},
        _BLOCK,
        only_on(("message", "home")),
    ),
    "video": obj(
        {
            **_kind("video"),
            "alt_text": string(None, 1),
            "title": plain(199),
            "thumbnail_url": string(3000, 1),
            "video_url": string(3000, 1, r"https://.*"),
        },
        {
            **_BLOCK,
            "author_name": string(49),
            "description": plain(200),
            "provider_icon_url": string(3000, 1),
            "provider_name": string(50),
            "title_url": string(3000, 1, r"https://.*"),
        },
    ),
}
_CHILDREN = frozenset(
    {"section", "header", "divider", "context", "actions", "input", "image", "rich_text", "table", "video"}
)
BLOCKS["container"] = obj(
    {**_kind("container"), "child_blocks": array(typed(BLOCKS, _CHILDREN), 1, 10)},
    {
        **_BLOCK,
        "title": plain(150),
        "rich_text_title": RICH_TEXT,
        "subtitle": text(150),
        "width": one_of("narrow", "standard", "wide", "full"),
        "icon": image_element,
        "is_collapsible": boolean,
        "default_collapsed": boolean,
        "has_header_divider": boolean,
    },
    at_least_one("title", "rich_text_title"),
    _divider_needs_static,
    only_on(("message",)),
)
BLOCK: Rule = typed(BLOCKS)
