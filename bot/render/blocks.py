"""From Jinja2 templates to Block Kit: every value a template names becomes JSON by construction.

Templates are JSON with holes. A hole never stands inside a JSON string and no template spells a text object by hand:
`plain()`, `mrkdwn()`, `rich()` and `button()` write them, make hidden characters visible and keep Slack's limits.
`check_templates` refuses a template that tries, so the server does not start with one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from bot.render.visible_text import Mrkdwn, Shown, clip, escape, visible

Block = dict[str, Any]
TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates"

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
LIST = 100  # options of one list; a longer menu comes in groups of so many
MESSAGE_BYTES = 12_000  # Slack has refused messages near 13.2 kB
VIEW_BYTES = 250_000
SECTION, HEADER, BUTTON, OPTION, VALUE, METADATA, TITLE = 3000, 150, 75, 75, 2000, 3000, 24
OVERFLOW = 5  # options behind one ⋯


class TemplateFault(Exception):
    """A template breaks a rule that keeps cards honest."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """A dialog between a tap and its effect: title ≤ 100, text ≤ 300, answers ≤ 30 characters."""

    title: str
    text: str
    yes: str
    no: str = "Go back"


@dataclass(frozen=True, slots=True)
class Button:
    """One button: label ≤ 75 characters; style is `primary`, `danger` or None."""

    action: str
    label: str
    value: str
    style: str | None = None
    confirm: Confirm | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a select, radio group or checkboxes; value ≤ 150 characters."""

    value: str
    label: str
    detail: str | None = None


def size(blocks: Any) -> int:
    """Bytes of `blocks` in the longest spelling a JSON writer gives them (ASCII, with spaces)."""
    return len(json.dumps(blocks))


def plain(text: str, limit: int = SECTION, lines: bool = False) -> Markup:
    """A plain_text object: nothing in it is parsed, not even emoji names."""
    return _json(_plain(text, limit, lines))


def _plain(text: str, limit: int = SECTION, lines: bool = False) -> Block:
    shown = clip(visible(text, lines=lines), limit)
    return {"type": "plain_text", "text": shown if shown.strip() else "–", "emoji": False}


def mrkdwn(text: str) -> Markup:
    """A mrkdwn object: only what is Mrkdwn already is read as mark-up; anything else is escaped."""
    return _json(mrkdwn_object(text))


def mrkdwn_object(text: str) -> Block:
    """The same as a JSON value."""
    return {"type": "mrkdwn", "text": escape(text) or "–", "verbatim": True}


def rich(text: str, *, bold: bool = False, italic: bool = False, lines: bool = True) -> Markup:
    """A text element of rich_text, which Slack never parses."""
    style = {name: True for name, on in (("bold", bold), ("italic", italic)) if on}
    element: Block = {"type": "text", "text": visible(text, lines=lines) or "–"}
    return _json({**element, "style": style} if style else element)


def button(item: Button) -> Markup:
    """A button element."""
    element: Block = {
        "type": "button",
        "action_id": item.action,
        "text": _plain(item.label, BUTTON),
        "value": item.value,
    }
    if item.style:
        element["style"] = item.style
    if item.confirm:
        element["confirm"] = confirmation(item.confirm)
    return _json(element)


def confirmation(dialog: Confirm) -> Block:
    """A confirm object."""
    return {
        "title": _plain(dialog.title, 100),
        "text": _plain(dialog.text, 300),
        "confirm": _plain(dialog.yes, 30),
        "deny": _plain(dialog.no, 30),
    }


def option(item: Option) -> Markup:
    """An option object."""
    element: Block = {"text": _plain(item.label, OPTION), "value": item.value}
    if item.detail:
        element["description"] = _plain(item.detail, OPTION)
    return _json(element)


def overflow(items: Sequence[Option]) -> Markup:
    """The menu behind ⋯: each option's value begins with the verb that it stands for."""
    options = [{"text": _plain(item.label, OPTION), "value": item.value} for item in items]
    return _json({"type": "overflow", "action_id": "overflow", "options": options})


def confirm(dialog: Confirm) -> Markup:
    """A confirm object for elements other than buttons."""
    return _json(confirmation(dialog))


def initial_text(text: str) -> Markup:
    """What an input holds at first: exact, since it comes back as it is shown."""
    return _json(text)


def _json(value: Any) -> Markup:
    return Markup(json.dumps(value))  # noqa: S704 - JSON, not HTML: this is the escaping


def _finalize(value: Any) -> Markup:
    """What stands for `{{ value }}`: JSON that helpers wrote, or a scalar turned into JSON here; never raw text."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, Mrkdwn):
        raise TemplateFault("mrkdwn text needs mrkdwn()")
    if isinstance(value, str):
        return _json(value if isinstance(value, Shown) else visible(value))
    if value is None or isinstance(value, bool | int | float):
        return _json(value)
    raise TemplateFault(f"{type(value).__name__} cannot stand in a template")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for unsafe in ("safe", "e", "escape", "forceescape", "tojson", "urlize", "xmlattr"):
        environment.filters.pop(unsafe)
    environment.globals.clear()
    helpers = (plain, mrkdwn, rich, button, option, overflow, confirm)
    environment.globals.update({helper.__name__: helper for helper in helpers})
    return environment


@cache
def _template(name: str) -> Template:
    return _environment().get_template(f"{name}.json.j2")


def render(name: str, context: Mapping[str, Any]) -> Any:
    """The template `name` filled with `context`, as JSON values; nulls in its outermost list are left out."""
    value = json.loads(_template(name).render(context))
    return [item for item in value if item is not None] if isinstance(value, list) else value


_BY_HAND: Final = re.compile(r'"(?:mrkdwn|plain_text|markdown)"|"(?:text|verbatim|emoji)"\s*:(?P<rest>\s*\Z)?')
_WRITERS: Final = ("plain", "mrkdwn")


def check_templates() -> list[str]:
    """Compile and inspect every template; returns their names. Raises TemplateFault naming template and line."""
    names = sorted(path.name.removesuffix(".json.j2") for path in TEMPLATES.glob("*.json.j2"))
    for name in names:
        _inspect(name, (TEMPLATES / f"{name}.json.j2").read_text(encoding="utf-8"))
        _template(name)
    return names


def _inspect(name: str, source: str) -> None:
    """No hole inside a JSON string, and no text object spelt by hand."""
    quotes = 0
    tokens = list(_environment().lex(source))
    for index, (line, kind, text) in enumerate(tokens):
        if kind == "data":
            quotes += text.replace('\\"', "").count('"')
            written = [word for _, sort, word in tokens[index + 1 : index + 4] if sort == "name"]
            _refuse_by_hand(name, line, text, written[:1])
        elif kind in ("variable_begin", "block_begin") and quotes % 2:
            raise TemplateFault(f"{name}, line {line}: a value stands inside a JSON string")


def _refuse_by_hand(name: str, line: int, data: str, written: list[str]) -> None:
    """Raise where `data` spells a text object, unless it leads up to a hole that a helper fills."""
    for match in _BY_HAND.finditer(data):
        leads_up = match["rest"] is not None and match[0].startswith('"text"')
        if not (leads_up and written and written[0] in _WRITERS):
            raise TemplateFault(f"{name}, line {line}: {match[0]} is written by plain(), mrkdwn() or rich() only")
