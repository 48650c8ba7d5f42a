"""What modals are made of: lines, quotes, monospaced text, buttons and inputs, drawn by one template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from bot.render.blocks import LIST, METADATA, Button, Option, initial_text, render
from bot.render.quoted_text import Group
from bot.render.visible_text import Mrkdwn, Shown, clip, visible

INPUT_CHARS: Final = 3000


@dataclass(frozen=True, slots=True)
class Part:
    """One block of a modal: which one `shape` says; the template reads the fields that shape has."""

    shape: str
    text: str = ""
    texts: Sequence[str] = ()
    label: str | None = None
    groups: Sequence[Group] = ()
    buttons: Sequence[Button] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """An input block: `kind` is text, number, static_select, radio_buttons, datepicker or datetimepicker. `initial` is what it shows at first."""

    name: str
    label: str
    kind: str = "text"
    action: str = ""
    initial: str | None = None
    optional: bool = False
    multiline: bool = False
    hint: str | None = None
    placeholder: str | None = None
    decimal: bool = True
    most_chars: int = INPUT_CHARS
    options: Sequence[Option] = field(default=())
    shape: str = "input"

    @property
    def action_id(self) -> str:
        """The block's own word unless another was given."""
        return self.action or self.name

    @property
    def groups(self) -> list[tuple[Shown, Sequence[Option]]]:
        """The options of a menu that is longer than one list may be, in groups named after their first and last option."""
        if len(self.options) <= LIST:
            return []
        parts = [self.options[start : start + LIST] for start in range(0, len(self.options), LIST)]
        return [
            (Shown(f"{clip(visible(part[0].label), 34)} – {clip(visible(part[-1].label), 34)}"), part) for part in parts
        ]

    @property
    def initial_text(self) -> Markup:
        """The initial value exactly, since it is what comes back."""
        return initial_text(self.initial or "")

    @property
    def initial_number(self) -> int:
        """The initial moment, in seconds since 1970."""
        return int(self.initial or 0)


def line(text: Mrkdwn) -> Part:
    """A section of mrkdwn."""
    return Part("line", text)


def in_columns(texts: Sequence[Mrkdwn]) -> Part:
    """Up to ten facts in two columns."""
    return Part("facts", texts=texts)


def small(texts: Sequence[str]) -> Part:
    """Small grey text, nothing of it parsed; at most ten pieces."""
    return Part("small", texts=texts)


def heading(text: str) -> Part:
    """The one large line; at most 150 characters."""
    return Part("heading", text)


def bold(text: str) -> Part:
    """A bold line of any length up to 3,000 characters."""
    return Part("bold", text)


def code(text: str, label: str | None = None) -> Part:
    """Monospaced text under a label."""
    return Part("code", text, label=label)


def quotes(groups: Sequence[Group]) -> Part:
    """What others said, quoted."""
    return Part("words", groups=groups)


def press(name: str, buttons: Sequence[Button]) -> Part:
    """A row of buttons."""
    return Part("press", name=name, buttons=buttons)


View = dict[str, Any]
AnyPart = Part | Input


def modal(
    name: str,
    title: str,
    parts: Sequence[AnyPart],
    *,
    submit: str | None = None,
    private: dict[str, Any] | None = None,
) -> View:
    """A modal view whose callback_id is `name`; title and submit hold at most 24 characters."""
    noted = json.dumps(private or {}, separators=(",", ":"))
    if len(noted) > METADATA:
        raise ValueError(f"private_metadata is longer than {METADATA} characters")
    context = {
        "callback": name,
        "title": title,
        "close": "Cancel" if submit else "Close",
        "submit": submit,
        "private": noted,
        "parts": parts,
    }
    return dict(render("modal", context))
