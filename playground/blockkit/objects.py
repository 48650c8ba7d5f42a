"""Composition objects: texts, options and confirm dialogs."""

from __future__ import annotations

from typing import Any

from playground.blockkit.rules import (
    Check,
    Report,
    Rule,
    array,
    boolean,
    exactly_one,
    obj,
    one_of,
    string,
    typed,
)

TEXT_MOST = 3000
OPTION_TEXT = 75
OPTION_VALUE = 150


def plain(most: int = TEXT_MOST) -> Rule:
    """A `plain_text` object of 1 to `most` characters."""
    return obj({"type": one_of("plain_text"), "text": string(most, 1)}, {"emoji": boolean})


def mrkdwn(most: int = TEXT_MOST) -> Rule:
    """A `mrkdwn` object of 1 to `most` characters."""
    return obj({"type": one_of("mrkdwn"), "text": string(most, 1)}, {"verbatim": boolean})


def text(most: int = TEXT_MOST) -> Rule:
    """Either kind of text object."""
    return typed({"plain_text": plain(most), "mrkdwn": mrkdwn(most)})


CONFIRM: Rule = obj(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)


def option(rich: bool = False, link: bool = False) -> Rule:
    """One option; `rich` allows mrkdwn (radio, checkboxes), `link` a url (overflow)."""
    label = text(OPTION_TEXT) if rich else plain(OPTION_TEXT)
    extra: dict[str, Rule] = {"description": text(OPTION_TEXT) if rich else plain(OPTION_TEXT)}
    if link:
        extra["url"] = string(3000, 1)
    return obj({"text": label, "value": string(OPTION_VALUE, 1)}, extra)


OPTION_GROUP: Rule = obj({"label": plain(75), "options": array(option(), 1, 100)})

SELECT_OPTIONS: dict[str, Rule] = {
    "options": array(option(), 1, 100),
    "option_groups": array(OPTION_GROUP, 1, 100),
}
one_option_source = exactly_one("options", "option_groups")


def all_options(element: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of an element, those inside groups included."""
    found = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        if isinstance(group, dict):
            found.extend(group.get("options") or [])
    return [entry for entry in found if isinstance(entry, dict)]


def initial_among_options(key: str) -> Check:
    """The initial option(s) must be among the element's own options."""

    def check(element: dict[str, Any], path: str, report: Report) -> None:
        given = element.get(key)
        if given is None:
            return
        chosen = given if isinstance(given, list) else [given]
        values = {entry.get("value") for entry in all_options(element)}
        for index, entry in enumerate(chosen):
            if not isinstance(entry, dict) or entry.get("value") not in values:
                where = f"{path}/{key}/{index}" if isinstance(given, list) else f"{path}/{key}"
                report.add(where, "must match one of the options")

    return check
