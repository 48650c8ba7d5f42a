"""Block elements: buttons, menus, pickers and inputs, each with Slack's own limits."""

from __future__ import annotations

from typing import Any

from playground.blockkit.objects import (
    CONFIRM,
    SELECT_OPTIONS,
    initial_among_options,
    one_option_source,
    option,
    plain,
)
from playground.blockkit.rules import (
    Report,
    Rule,
    array,
    boolean,
    exactly_one,
    integer,
    obj,
    one_of,
    only_on,
    string,
    typed,
)

ID = string(255, 1)
ACTION: dict[str, Rule] = {"action_id": ID}
ASKING: dict[str, Rule] = {"confirm": CONFIRM, "focus_on_load": boolean}
PICKING: dict[str, Rule] = {**ACTION, **ASKING, "placeholder": plain(150)}
TYPING: dict[str, Rule] = {
    **ACTION,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": obj(
        {}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 1, 2)}
    ),
}
FILTER: Rule = obj(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 1),
        "exclude_bot_users": boolean,
        "exclude_external_shared_channels": boolean,
    },
)
SLACK_FILE: Rule = obj({}, {"id": string(255, 1), "url": string(3000, 1)}, exactly_one("id", "url"))


def kind(name: str) -> dict[str, Rule]:
    """The required `type` key of an element."""
    return {"type": one_of(name)}


def _length_order(element: dict[str, Any], path: str, report: Report) -> None:
    low, high = element.get("min_length"), element.get("max_length")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        report.add(path, "min_length must not be greater than max_length")
    start = element.get("initial_value")
    if isinstance(start, str) and isinstance(high, int) and len(start) > high:
        report.add(f"{path}/initial_value", f"must be less than {high + 1} characters")


def _image(extra: dict[str, Rule] | None = None) -> Rule:
    return obj(
        {**kind("image"), "alt_text": string(2000, 1)},
        {"image_url": string(3000, 1), "slack_file": SLACK_FILE, **(extra or {})},
        exactly_one("image_url", "slack_file"),
    )


def _select(name: str, source: dict[str, Rule], initial: str, rule: Rule, multi: bool = False) -> Rule:
    optional = {**PICKING, **source, initial: rule}
    if multi:
        optional["max_selected_items"] = integer(1)
    checks = [one_option_source, initial_among_options(initial)] if "options" in source else []
    return obj(kind(name), optional, *checks)


_CONVERSATION: dict[str, Rule] = {"filter": FILTER, "default_to_current_conversation": boolean}
_EXTERNAL: dict[str, Rule] = {"min_query_length": integer(0)}
_RESPONSE_URL: dict[str, Rule] = {"response_url_enabled": boolean}
_IDS = array(ID)

SINGLE_SELECTS: dict[str, Rule] = {
    "static_select": _select("static_select", SELECT_OPTIONS, "initial_option", option()),
    "external_select": _select("external_select", _EXTERNAL, "initial_option", option()),
    "users_select": _select("users_select", {}, "initial_user", ID),
    "conversations_select": _select(
        "conversations_select", {**_CONVERSATION, **_RESPONSE_URL}, "initial_conversation", ID
    ),
    "channels_select": _select("channels_select", _RESPONSE_URL, "initial_channel", ID),
}
MULTI_SELECTS: dict[str, Rule] = {
    "multi_static_select": _select(
        "multi_static_select", SELECT_OPTIONS, "initial_options", array(option(), 1, 100), True
    ),
    "multi_external_select": _select(
        "multi_external_select", _EXTERNAL, "initial_options", array(option(), 1, 100), True
    ),
    "multi_users_select": _select("multi_users_select", {}, "initial_users", _IDS, True),
    "multi_conversations_select": _select(
        "multi_conversations_select", _CONVERSATION, "initial_conversations", _IDS, True
    ),
    "multi_channels_select": _select("multi_channels_select", {}, "initial_channels", _IDS, True),
}
CHOICES: dict[str, Rule] = {
    "checkboxes": obj(
        {**kind("checkboxes"), "options": array(option(rich=True), 1, 10)},
        {**ACTION, **ASKING, "initial_options": array(option(rich=True), 1, 10)},
        initial_among_options("initial_options"),
    ),
    "radio_buttons": obj(
        {**kind("radio_buttons"), "options": array(option(rich=True), 1, 10)},
        {**ACTION, **ASKING, "initial_option": option(rich=True)},
        initial_among_options("initial_option"),
    ),
}
PICKERS: dict[str, Rule] = {
    "datepicker": obj(kind("datepicker"), {**PICKING, "initial_date": string(10, 10, r"\d{4}-\d\d-\d\d")}),
    "timepicker": obj(
        kind("timepicker"),
        {**PICKING, "initial_time": string(5, 5, r"([01]\d|2[0-3]):[0-5]\d"), "timezone": string(100, 1)},
    ),
    "datetimepicker": obj(
        kind("datetimepicker"),
        {**ACTION, **ASKING, "initial_date_time": integer(1_000_000_000, 9_999_999_999)},
    ),
}
INPUTS: dict[str, Rule] = {
    "plain_text_input": obj(
        kind("plain_text_input"),
        {
            **TYPING,
            "multiline": boolean,
            "initial_value": string(3000),
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        _length_order,
    ),
    "number_input": obj(
        {**kind("number_input"), "is_decimal_allowed": boolean},
        {**TYPING, "initial_value": string(), "min_value": string(), "max_value": string()},
    ),
    "email_text_input": obj(kind("email_text_input"), {**TYPING, "initial_value": string()}),
    "url_text_input": obj(kind("url_text_input"), {**TYPING, "initial_value": string()}),
    "rich_text_input": obj(
        kind("rich_text_input"),
        {**TYPING, "initial_value": obj({"type": one_of("rich_text"), "elements": array(lambda *_: None)})},
    ),
    "file_input": obj(
        kind("file_input"),
        {**ACTION, "filetypes": array(string(20, 1), 1), "max_files": integer(1, 10)},
        only_on(("modal",)),
    ),
}
BUTTON: Rule = obj(
    {**kind("button"), "text": plain(75)},
    {
        **ACTION,
        "url": string(3000, 1),
        "value": string(2000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75, 1),
        "visible_to_user_ids": _IDS,
    },
)
_FEEDBACK: Rule = obj({"text": plain(75), "value": string(2000, 1)}, {"accessibility_label": string(75, 1)})
ELEMENTS: dict[str, Rule] = {
    **SINGLE_SELECTS,
    **MULTI_SELECTS,
    **CHOICES,
    **PICKERS,
    **INPUTS,
    "button": BUTTON,
    "image": _image(),
    "overflow": obj({**kind("overflow"), "options": array(option(link=True), 1, 5)}, {**ACTION, "confirm": CONFIRM}),
    "workflow_button": obj(
        {**kind("workflow_button"), "text": plain(75), "workflow": lambda *_: None, "action_id": ID},
        {"style": one_of("primary", "danger"), "accessibility_label": string(75, 1)},
    ),
    "feedback_buttons": obj(
        {**kind("feedback_buttons"), "positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, ACTION
    ),
    "icon_button": obj(
        {**kind("icon_button"), "icon": one_of("trash"), "text": plain(75)},
        {
            **ACTION,
            "value": string(2000),
            "confirm": CONFIRM,
            "accessibility_label": string(75, 1),
            "visible_to_user_ids": _IDS,
        },
    ),
}

_CLICKABLE = {"button", "overflow", "workflow_button"}
_MENUS = {*SINGLE_SELECTS, *MULTI_SELECTS, *CHOICES}
ACCESSORIES = frozenset({*_CLICKABLE, *_MENUS, "image", "datepicker", "timepicker"})
IN_ACTIONS = frozenset({*_CLICKABLE, *_MENUS, *PICKERS, "rich_text_input"})
IN_INPUT = frozenset({*_MENUS, *PICKERS, *INPUTS})
IN_CONTEXT_ACTIONS = frozenset({"feedback_buttons", "icon_button"})


def element(allowed: frozenset[str]) -> Rule:
    """An element of one of the types `allowed` at this place."""
    return typed(ELEMENTS, allowed)


image_element: Rule = ELEMENTS["image"]
image_block_rule = _image
