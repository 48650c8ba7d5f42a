"""`state.values`: what each input, menu and picker holds, in the shape Slack sends."""

from __future__ import annotations

import copy
from typing import Any

from playground.blockkit import interactive_elements

Json = dict[str, Any]

# element type -> (key in the element, key in the state, value when nothing is chosen)
FIELDS: dict[str, tuple[str, str, Any]] = {
    "plain_text_input": ("initial_value", "value", None),
    "number_input": ("initial_value", "value", None),
    "email_text_input": ("initial_value", "value", None),
    "url_text_input": ("initial_value", "value", None),
    "rich_text_input": ("initial_value", "rich_text_value", None),
    "static_select": ("initial_option", "selected_option", None),
    "external_select": ("initial_option", "selected_option", None),
    "radio_buttons": ("initial_option", "selected_option", None),
    "checkboxes": ("initial_options", "selected_options", []),
    "multi_static_select": ("initial_options", "selected_options", []),
    "multi_external_select": ("initial_options", "selected_options", []),
    "users_select": ("initial_user", "selected_user", None),
    "multi_users_select": ("initial_users", "selected_users", []),
    "conversations_select": ("initial_conversation", "selected_conversation", None),
    "multi_conversations_select": ("initial_conversations", "selected_conversations", []),
    "channels_select": ("initial_channel", "selected_channel", None),
    "multi_channels_select": ("initial_channels", "selected_channels", []),
    "datepicker": ("initial_date", "selected_date", None),
    "timepicker": ("initial_time", "selected_time", None),
    "datetimepicker": ("initial_date_time", "selected_date_time", None),
    "file_input": ("initial_files", "files", []),
}


def initial_value(element: Json) -> Json | None:
    """The state of an untouched element; None for elements without state (buttons, overflow)."""
    rule = FIELDS.get(str(element.get("type")))
    if rule is None:
        return None
    source, key, empty = rule
    given = element.get(source)
    return {"type": element["type"], key: copy.deepcopy(empty if given is None else given)}


def initial_state(blocks: list[Json]) -> Json:
    """The untouched `values` of a list of blocks."""
    state: Json = {}
    for block, element in interactive_elements(blocks):
        value = initial_value(element)
        if value is not None:
            state.setdefault(block["block_id"], {})[element["action_id"]] = value
    return state


def merge_state(blocks: list[Json], old: Json) -> Json:
    """Fresh state for `blocks`, keeping what was entered under the same block, action and type."""
    state = initial_state(blocks)
    for block_id, actions in state.items():
        for action_id, value in actions.items():
            kept = old.get(block_id, {}).get(action_id)
            if kept is not None and kept.get("type") == value["type"]:
                actions[action_id] = kept
    return state


def held(value: Json) -> Any:
    """The bare value inside one element's state."""
    return value.get(FIELDS[value["type"]][1])


def hold(element: Json, choice: Any) -> Json:
    """The state of an element after a person chose `choice` (an option's value, a text, an id, or lists of them)."""
    kind = element["type"]
    key = FIELDS[kind][1]
    if choice is None:
        return {"type": kind, key: copy.deepcopy(FIELDS[kind][2])}
    if key == "selected_option":
        return {"type": kind, key: find_option(element, choice)}
    if key == "selected_options":
        return {"type": kind, key: [find_option(element, entry) for entry in choice]}
    if key == "value":
        return {"type": kind, key: str(choice)}
    if key == "selected_date_time":
        return {"type": kind, key: int(choice)}
    return {"type": kind, key: choice}


def find_option(element: Json, value: Any) -> Json:
    """An option by its value (or its visible label); LookupError names what is on offer."""
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options.extend(group["options"])
    for option in options:
        if option["value"] == value:
            return copy.deepcopy(option)
    for option in options:
        if option["text"]["text"] == value:
            return copy.deepcopy(option)
    if kind_is_external(element):
        return {"text": {"type": "plain_text", "text": str(value), "emoji": True}, "value": str(value)}
    raise LookupError(f"no option {value!r}; on offer: {[entry['value'] for entry in options]}")


def kind_is_external(element: Json) -> bool:
    """True for menus whose options come from elsewhere."""
    return "external" in str(element.get("type"))
