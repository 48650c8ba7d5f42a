"""What the edit form's inputs hold, read back as the parameters' values: exactly, or refused in words."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from bot.render.editing import ABSENT, Field
from bot.render.typed_text import EMPTY, Frame, straight_json, straightened
from policies.errors import InvalidInput
from policies.form_fields import FieldKind
from policies.strict_json import MAX_INTEGER, parse_object

State = Mapping[str, Any]
_HELD: Final = ("value", "selected_date", "selected_time", "selected_date_time")


def value_of(state: State, block_id: str) -> str | None:
    """What stands in an input: its text, its date, or the value of its selected option; None where it is empty or absent."""
    values = state.get("values", state)
    element = next(iter((values.get(block_id) or {}).values()), None)
    if not isinstance(element, Mapping):
        return None
    option = element.get("selected_option")
    found = option.get("value") if isinstance(option, Mapping) else next(filter(None, map(element.get, _HELD)), None)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) and found != "" else None


def edited_value(found: Field, state: State) -> Any:
    """A parameter's value after the edit, ABSENT where it is left out; what was left as it was stays exactly as it was.

    Raises ValueError with words for the person.
    """
    if found.fixed is not None:
        return found.present
    values = state.get("values", state)
    if found.parts:
        return _joined(found, state)
    if not values.get(found.block_id):
        return found.present  # nothing was sent of it, which is not the same as emptied
    text = value_of(state, found.block_id)
    if text == found.initial:
        return found.present
    if text is None:
        return _emptied(found)
    return _READ[found.reads](found, text)


def replied_value(found: Field, text: str) -> Any:
    """The value that a reply in the thread gives a parameter which no input holds; raises ValueError with words."""
    if found.reads is not FieldKind.TEXT:
        return _json(found, text)
    before = str(found.present)
    ends = "\r\n" if "\r\n" in before else "\n"
    lines = straightened(text, before).replace("\r\n", "\n").strip("\n")
    # Slack drops line ends around a message: those that stood there stay.
    around = before.replace("\r\n", "\n")
    first, last = len(around) - len(around.lstrip("\n")), len(around) - len(around.rstrip("\n"))
    return ("\n" * first + lines + "\n" * last).replace("\n", ends)


def _emptied(found: Field) -> Any:
    if found.reads is FieldKind.LINES:
        return []
    if found.nullable:
        return None
    if found.reads is FieldKind.TEXT and (found.required or found.present == ""):
        return "" if found.present is not ABSENT else ABSENT
    if found.required:
        raise ValueError("This is needed.")
    return ABSENT


def _joined(found: Field, state: State) -> str:
    """A long text from its inputs; an emptied one takes the blanks after it along."""
    values = state.get("values", state)
    text = ""
    for part in found.parts:
        typed = value_of(state, part.block_id)
        if not values.get(part.block_id) or typed == part.frame.shown:
            text += part.frame.filled(part.frame.shown)
        elif typed is not None and typed.strip():
            text += part.frame.filled(typed)
    return text


def _text(found: Field, text: str) -> Any:
    frame: Frame = found.frame or EMPTY
    return frame.filled(text) if text.strip() else _emptied(found)


# One spelling: no commas, which are thousands to some and decimals to others, and no underscores. Blanks stand between
# thousands only: "12 50" is no 1250, and "1 2 3" no 123.
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}( \d{3})+(\.\d+)?", re.ASCII)


def _number(found: Field, text: str) -> int | float:
    written = " ".join(unicodedata.normalize("NFKC", text).replace("−", "-").split())
    if _THOUSANDS.fullmatch(written):
        written = written.replace(" ", "")
    if not _NUMBER.fullmatch(written):
        raise ValueError("This is not a number: write it like 1999.99, without commas or a currency sign.")
    number = Decimal(written)
    whole = number == number.to_integral_value()
    if found.reads is FieldKind.INTEGER and not whole:
        raise ValueError("This must be a whole number.")
    if whole and (found.reads is FieldKind.INTEGER or "." not in written):
        if abs(number) > MAX_INTEGER:
            raise ValueError(f"This is too large to be kept exactly: at most {MAX_INTEGER}.")
        return int(number)
    return _exact(written)


def _exact(written: str) -> float:
    """A decimal as the number that JSON keeps; raises ValueError where that would be another."""
    number = float(written)
    if Decimal(repr(number)) != Decimal(written):
        raise ValueError("This has more digits than are kept exactly: shorten it, or ask for it as text.")
    return number


def _json(found: Field, text: str) -> Any:
    try:
        read = _parsed(text)
    except InvalidInput as error:
        try:
            read = _parsed(straight_json(text))
        except InvalidInput:
            raise ValueError(f"This is not valid JSON: {error}"[:200]) from None
    if type(read) is type(found.present) and json.dumps(read) == json.dumps(found.present):
        return found.present
    return read


def _parsed(text: str) -> Any:
    read = parse_object(f'{{"value":{text}}}'.encode())
    if set(read) != {"value"}:
        raise InvalidInput("enter one value", field="value")
    return read["value"]


def _pick(found: Field, text: str) -> Any:
    picked = next((option for option in found.offered if option.key == text), None)
    if picked is None:
        raise ValueError("Pick one of the options.")
    return picked.value


def _lines(found: Field, text: str) -> list[Any]:
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    if found.item is FieldKind.TEXT:
        before = Frame("", found.initial or "", "")
        return before.filled("\n".join(lines)).split("\n")
    number = Field("", "", found.item or FieldKind.NUMBER, ABSENT, True)
    read: list[Any] = []
    for at, line in enumerate(lines, 1):
        try:
            if len(line.split()) > 1:
                raise ValueError("Write one number on each line.")
            read.append(_number(number, line))
        except ValueError as error:
            raise ValueError(f"Line {at}: {error}") from None
    return read


def _date(_: Field, text: str) -> str:
    return text


def _moment(found: Field, text: str) -> str:
    """A moment of Slack's clock, written as the one before: same distance to UTC, same letters."""
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise ValueError("Pick a day and a time.")
    before = str(found.present)
    zone = datetime.fromisoformat(before.upper().replace(" ", "T")).tzinfo or UTC
    moment = datetime.fromtimestamp(int(text), zone)
    ending = before[-1] if before[-1] in "zZ" else moment.isoformat()[19:]
    return f"{moment:%Y-%m-%d}{before[10]}{moment:%H:%M:%S}{ending}"


_READ: Final = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.INTEGER: _number,
    FieldKind.PICK: _pick,
    FieldKind.LINES: _lines,
    FieldKind.DATE: _date,
    FieldKind.MOMENT: _moment,
    FieldKind.JSON: _json,
}
