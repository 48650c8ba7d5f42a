"""Finding what a person points at: a button, an option in a menu, a field of a form."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from playground.blockkit import interactive_elements

Json = dict[str, Any]
Touch = tuple[Json, Json, Json | None]


def touchable(blocks: list[Json]) -> list[str]:
    """Every action a person could take here, for error messages."""
    names: list[str] = []
    for _, element in interactive_elements(blocks):
        names.append(str(element["action_id"]))
        if element["type"] == "overflow":
            names.extend(f"{element['action_id']}>{option['value']}" for option in element["options"])
    return names


def find_touch(blocks: list[Json], name: str, value: str | None = None, block_id: str | None = None) -> Touch:
    """(block, element, overflow option) for an action id, an overflow option's value, its first word or its label.

    `value` narrows: a button with that value, `name:value` as an action id, or an option of an overflow.
    LookupError lists what is there instead.
    """
    found = list(interactive_elements(blocks))
    if block_id is not None:
        found = [pair for pair in found if pair[0].get("block_id") == block_id]
    for matches in (_by_action_id, _by_overflow_option):
        touch = matches(found, name, value)
        if touch is not None:
            return touch
    raise LookupError(f"nothing called {name!r} to touch; there is {touchable(blocks)}")


def _by_action_id(found: list[tuple[Json, Json]], name: str, value: str | None) -> Touch | None:
    for block, element in found:
        if element["action_id"] == f"{name}:{value}":
            return block, element, None
    for block, element in found:
        if element["action_id"] != name:
            continue
        if element["type"] == "overflow":
            option = _option(element["options"], value) if value is not None else None
            if option is not None:
                return block, element, copy.deepcopy(option)
        elif element["type"] == "feedback_buttons":
            chosen = element["negative_button" if value == element["negative_button"]["value"] else "positive_button"]
            return block, {**element, **chosen}, None
        elif value is None or element.get("value") == value:
            return block, element, None
    return None


def _by_overflow_option(found: list[tuple[Json, Json]], name: str, value: str | None) -> Touch | None:
    for block, element in found:
        if element["type"] == "overflow":
            option = _option(element["options"], name)
            if option is not None and value in (None, option["value"]):
                return block, element, copy.deepcopy(option)
    return None


def _option(options: list[Json], name: str) -> Json | None:
    wanted = _word(name)
    tests: tuple[Callable[[Json], bool], ...] = (
        lambda option: option["value"] == name,
        lambda option: re.split(r"[:|/ ]", option["value"])[0] == name,
        lambda option: _word(option["text"]["text"]) == wanted,
    )
    for test in tests:
        for option in options:
            if test(option):
                return option
    return None


def _word(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def find_element(blocks: list[Json], name: str) -> tuple[Json, Json]:
    """(block, element) by action id, block id or visible label; LookupError lists what is there."""
    found = list(interactive_elements(blocks))
    for block, element in found:
        if name in (element["action_id"], block.get("block_id")):
            return block, element
    for block, element in found:
        if block["type"] == "input" and _word(block["label"]["text"]) == _word(name):
            return block, element
    fields = [f"{block.get('block_id')}/{element['action_id']}" for block, element in found]
    raise LookupError(f"no field called {name!r}; there is {fields}")
