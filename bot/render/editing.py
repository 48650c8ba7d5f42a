"""Which parameters a person can edit, and how: typed by the action's schema, else by the values at hand (docs/rules.md: C1)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from bot.render.blocks import LIST
from bot.render.options import distinct
from bot.render.parameters import value_text
from bot.render.typed_text import EMPTY, Frame, as_json, chunks, framed
from bot.render.visible_text import Shown, clip, json_size, utf16, visible
from policies import formats, paths
from policies.approval import Approval
from policies.edits import Reach, reach
from policies.form_fields import MAX_OPTIONS, FieldKind, MenuEntry, Shape, shape_of
from policies.hidden import hiding, leaves

MAX_FIELDS = 60  # inputs in one modal
MAX_TEXT = 2900  # characters an input is given at first; Slack holds 3,000
FORM_BYTES = 120_000  # of what the inputs hold at first; a view has 250 kB, and the full view may stand above
MENU_BYTES = 120  # around each option of a menu in groups
MAX_NAME = 200
ABSENT: Final = object()
EMPTIED: Final = "null"
"""The value of a menu's option for null."""
LEFT_OUT: Final = "absent"
"""The value of a menu's option for giving nothing."""
Hiding = tuple[tuple[str, ...], tuple[str, ...]]
"""The paths that the manifest hides, and those that it reveals."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """One of several inputs for a long text: its block, and what it holds."""

    block_id: str
    frame: Frame


@dataclass(frozen=True, slots=True)
class Offered:
    """One option of a menu: its value in the form, its words, and the parameter's value it stands for."""

    key: str
    label: str
    detail: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class Field:
    """One top-level parameter in the edit form: an input, several for a long text, or `fixed` text where it stays as it is.

    What is fixed only because no form holds it can be written `by_reply` in the card's thread.
    """

    name: str
    label: str
    reads: FieldKind
    present: Any
    required: bool
    nullable: bool = False
    element: str = "text"
    initial: str | None = None
    frame: Frame | None = None
    item: FieldKind | None = None
    multiline: bool = False
    hint: str | None = None
    offered: tuple[Offered, ...] = ()
    parts: tuple[TextPiece, ...] = ()
    far: Reach = Reach.ALL
    fixed: str | None = None
    by_reply: bool = False

    @property
    def block_id(self) -> str:
        """The input's block id."""
        return f"param:{self.name}"

    @property
    def first_block(self) -> str:
        """The block at which a fault of the whole value is told."""
        return self.parts[0].block_id if self.parts else self.block_id

    @property
    def decimal(self) -> bool:
        """Whether a number may have decimals."""
        return self.reads is not FieldKind.INTEGER

    @property
    def optional(self) -> bool:
        """Whether the input may stay empty: where it is not required, where null is a value, or where it was empty."""
        return not self.required or self.nullable or self.present == "" or self.reads is FieldKind.LINES

    @property
    def inputs(self) -> int:
        """How many inputs it takes."""
        return 0 if self.fixed is not None else max(1, len(self.parts))


def editable(approval: Approval) -> list[Field]:
    """Every top-level parameter, and those that the schema would allow besides."""
    policy = approval.policy
    schema = policy.params_schema or {}
    under = hiding(approval)
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = frozenset(schema.get("required") or ())
    present = approval.params
    fields: list[Field] = []
    inputs, room = 0, FORM_BYTES
    for name in [*properties, *(name for name in present if name not in properties)]:
        value = present.get(name, ABSENT)
        made = _field(
            name, value, schema, rule=properties.get(name), required=not schema or name in required, under=under
        )
        inputs, room = inputs + made.inputs, room - _bytes(made)
        if made.fixed is None and (inputs > MAX_FIELDS or room < 0):
            inputs, room = inputs - made.inputs, room + _bytes(made)
            made = _too_long(name, value, under, reads=made.reads)
        if made.fixed is None or value is not ABSENT:
            fields.append(replace(made, far=reach(policy, name)))
    return _named_apart(fields if for_another(fields) else list(map(_hinted, fields)))


def _bytes(made: Field) -> int:
    held = sum(json_size(part.frame.shown) for part in made.parts) + json_size(made.initial or "")
    frame = MENU_BYTES if len(made.offered) > LIST else 0
    return held + sum(json_size(option.label) + json_size(option.detail or "") + frame for option in made.offered)


def _named_apart(fields: list[Field]) -> list[Field]:
    """Two parameters with the same title are told apart by their names."""
    seen = Counter(found.label for found in fields)
    return [
        replace(found, label=Shown(f"{found.label} ({_name_of(found.name)})")) if seen[found.label] > 1 else found
        for found in fields
    ]


def _name_of(name: str) -> Shown:
    """A parameter's name; in quotation marks where nothing of it could be seen."""
    shown = visible(name, exact=True)
    return shown if shown.strip() else Shown(f'"{shown}"')


_REACH: Final = {
    Reach.LESS: "You can lower it yourself; another person has to confirm a higher value",
    Reach.PART: "You can change part of it yourself; another person has to confirm the rest",
    Reach.NONE: "Another person has to confirm a change here",
}


def for_another(fields: list[Field]) -> bool:
    """Whether every change has to be confirmed by another person, so that it is said once for all inputs."""
    return all(found.far is Reach.NONE for found in fields if found.fixed is None)


def _hinted(made: Field) -> Field:
    """The input with what one person may change of it alone, where that is not all."""
    if made.far is Reach.ALL or made.fixed is not None:
        return made
    return replace(made, hint=_told(made.hint or "", _REACH[made.far]))


def _told(*sentences: str) -> str | None:
    """Sentences in a row, each with its capital and its full stop."""
    said = [text[0].upper() + text[1:] for text in sentences if text]
    return " ".join(text if text[-1] in ".!?" else f"{text}." for text in said)[:1900] or None


def _field(name: str, value: Any, schema: Mapping[str, Any], *, rule: Any, required: bool, under: Hiding) -> Field:
    if _untouchable(name, value, under):
        return _fixed(name, value, under)
    shape = shape_of(schema, rule, value)
    label = clip(visible(shape.title, exact=True) if shape.title else _name_of(name), 150)
    hint = [shape.description, ", ".join(shape.bounds)]
    blank = Field(name, label, shape.kind, value, required, shape.nullable, item=shape.item)
    drawn = _DRAWN[shape.kind](blank, shape)
    if drawn is None:
        drawn = _as_json(blank)
        hint = [*hint, "As JSON"]
    if drawn is None:
        return _too_long(name, value, under, reads=shape.kind)
    return replace(drawn, hint=_told(*hint, _usage(drawn)))


def _usage(drawn: Field) -> str:
    """How to write it, and what an emptied input means where it means something of its own."""
    if drawn.reads is FieldKind.LINES:
        return "one per line"
    if drawn.reads in (FieldKind.PICK, FieldKind.JSON):
        return ""
    if drawn.nullable:
        return "leave empty for no value (null)"
    return "" if drawn.required else "leave empty to omit it"


# --- one kind each ----------------------------------------------------------------------------------------------------


def _text(blank: Field, shape: Shape) -> Field | None:
    value = blank.present
    if value is ABSENT or (value is None and blank.nullable):
        return replace(blank, frame=EMPTY, multiline=(shape.longest or 0) > 120)
    frame = framed(value) if isinstance(value, str) else None
    if frame is None:
        return None
    if utf16(frame.shown) > MAX_TEXT:
        return _in_parts(blank, value)
    multiline = (shape.longest or 0) > 120 or len(frame.shown) > 80 or "\n" in frame.shown
    return replace(blank, initial=frame.shown or None, frame=frame, multiline=multiline)


def _in_parts(blank: Field, value: str) -> Field | None:
    """A long text in several inputs, cut where its lines end."""
    frames = [framed(chunk) for chunk in chunks(value, MAX_TEXT)]
    parts = tuple(TextPiece(f"part{at}:{blank.name}", frame) for at, frame in enumerate(frames, 1) if frame is not None)
    return replace(blank, parts=parts, multiline=True) if len(parts) == len(frames) else None


def _number(blank: Field, _: Shape) -> Field | None:
    value = blank.present
    if value is ABSENT or (value is None and blank.nullable):
        return replace(blank, element="number")
    return replace(blank, element="number", initial=json.dumps(value)) if _plain_number(value) else None


def _plain_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and "e" not in json.dumps(value)


def _pick(blank: Field, shape: Shape) -> Field | None:
    value, choices = blank.present, list(shape.choices)
    held = next(
        (str(at) for at, choice in enumerate(choices) if value is not ABSENT and _same(value, choice.value)), None
    )
    if held is None and value is not ABSENT and not (value is None and blank.nullable):
        return None
    quoted = any(not isinstance(choice.value, str) for choice in choices)
    words = distinct([(_choice_words(choice, quoted=quoted), choice.description or None) for choice in choices])
    offered = [
        Offered(str(at), label, detail, choice.value)
        for at, ((label, detail), choice) in enumerate(zip(words, choices, strict=True))
    ]
    if blank.nullable:
        offered.append(Offered(EMPTIED, "(no value)", "null", None))
    if not blank.required:
        offered.append(Offered(LEFT_OUT, "(not given)", None, ABSENT))
    if len(offered) > MAX_OPTIONS:
        return None
    absent = LEFT_OUT if value is ABSENT and not blank.required else None
    initial = held if held is not None else EMPTIED if value is None else absent
    return replace(blank, element="static_select", initial=initial, offered=tuple(offered))


def _choice_words(choice: MenuEntry, *, quoted: bool) -> str:
    """The option in words; `quoted` where text stands beside other types, so that "1" and 1 look as different as they are."""
    plain = isinstance(choice.value, str) and choice.value.strip() and not (quoted and _reads_otherwise(choice.value))
    written = choice.value if plain else as_json(choice.value)
    return (
        f"{choice.title} ({written})"
        if choice.title and not isinstance(choice.value, bool)
        else choice.title or written
    )


def _reads_otherwise(text: str) -> bool:
    """Whether a text without its quotation marks would be taken for a number, for yes or no, or for nothing."""
    try:
        return not isinstance(json.loads(text), str)
    except ValueError:
        return False


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _lines(blank: Field, _: Shape) -> Field | None:
    value = blank.present
    if value is ABSENT or (value is None and blank.nullable):
        return replace(blank, multiline=True)
    lines = [_line(entry, blank.item) for entry in value] if isinstance(value, list) else [None]
    text = "\n".join(line for line in lines if line is not None)
    if None in lines or utf16(text) > MAX_TEXT:
        return None
    return replace(blank, initial=text or None, multiline=True)


def _line(entry: Any, item: FieldKind | None) -> str | None:
    """An entry of a list as its line; None where it is none."""
    if item is FieldKind.TEXT:
        frame = framed(entry) if isinstance(entry, str) else None
        return entry if frame is not None and entry and frame.shown == entry and "\n" not in entry else None
    return json.dumps(entry) if _plain_number(entry) else None


def _date(blank: Field, shape: Shape) -> Field | None:
    value = blank.present
    if value is ABSENT or (value is None and blank.nullable):
        return replace(blank, element="datepicker")
    if isinstance(value, str) and formats.fits("date", value):
        return replace(blank, element="datepicker", initial=value)
    return _text(replace(blank, reads=FieldKind.TEXT), shape)


def _moment(blank: Field, shape: Shape) -> Field | None:
    """A clock where the moment is a whole minute, as Slack's clock gives it; else the text itself."""
    value = blank.present
    if isinstance(value, str) and formats.fits("date-time", value):
        moment = datetime.fromisoformat(value.upper().replace(" ", "T")) if "." not in value else None
        if moment is not None and moment.second == 0 and 10**9 <= moment.timestamp() < 10**10:
            return replace(blank, element="datetimepicker", initial=str(int(moment.timestamp())))
    return _text(replace(blank, reads=FieldKind.TEXT), shape)


def _never(_: Field, __: Shape) -> Field | None:
    return None


_DRAWN: Final = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.INTEGER: _number,
    FieldKind.PICK: _pick,
    FieldKind.LINES: _lines,
    FieldKind.DATE: _date,
    FieldKind.MOMENT: _moment,
    FieldKind.JSON: _never,
}


def _as_json(blank: Field) -> Field | None:
    value = blank.present
    text = "" if value is ABSENT else as_json(value, indent=1 if isinstance(value, dict | list) else None)
    if utf16(text) > MAX_TEXT:
        return None
    return replace(blank, reads=FieldKind.JSON, initial=text or None, multiline=True)


# --- what stays as it is ----------------------------------------------------------------------------------------------


def _untouchable(name: str, value: Any, under: Hiding) -> bool:
    """Secrets, and names that no block id can carry."""
    if len(name) > MAX_NAME or not name or visible(name, exact=True) != name:
        return True
    if any(paths.covers(paths.steps(path), (name,)) for path in under[0]):
        return True
    return value is not ABSENT and any(leaf.by for leaf in leaves({name: value}, *under))


def _too_long(name: str, value: Any, under: Hiding, *, reads: FieldKind) -> Field:
    """What no input holds: it stays as it is in the form."""
    text = reads is FieldKind.TEXT and isinstance(value, str)
    kind = FieldKind.TEXT if text else FieldKind.JSON
    return replace(_fixed(name, value, under), present=value, reads=kind, by_reply=value is not ABSENT)


def _fixed(name: str, value: Any, under: Hiding) -> Field:
    found = leaves({name: None if value is ABSENT else value}, *under)
    shown = clip(value_text(found[0]), 80) if len(found) == 1 else f"({len(found)} values)"
    return Field(name, clip(visible(name, exact=True), 80), FieldKind.JSON, value, True, fixed=shown)
