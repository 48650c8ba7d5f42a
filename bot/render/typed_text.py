"""Texts as an input shows them and gives them back: what a phone adds does no harm, what it cannot show stays as it was."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bot.render.visible_text import utf16, visible

_BLANKS = " \t\n"
_ODD_BLANKS: Final = dict.fromkeys(map(ord, "\u00a0\u202f\u2007\u2009\u200a"), " ")
_QUOTES: Final = dict.fromkeys(map(ord, "“”„‟"), '"') | dict.fromkeys(map(ord, "‘’‚‛"), "'")
_CURLY = "".join(map(chr, _QUOTES))


@dataclass(frozen=True, slots=True)
class Frame:
    """A text in an input: what is shown, the blanks around it that an input would not show, and its line ends."""

    before: str
    shown: str
    after: str
    line_end: str = "\n"

    def filled(self, typed: str) -> str:
        """The text with `typed` in place of what was shown: same blanks around it, same line ends."""
        text = straightened(typed.replace("\r\n", "\n"), self.shown).strip(_BLANKS)
        return self.before + text.replace("\n", self.line_end) + self.after


EMPTY: Final = Frame("", "", "")


def framed(text: str) -> Frame | None:
    """How an input shows `text`; None where it could not be given back unchanged: something of it cannot be seen."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    joined = text.replace(line_end, "\n")
    if text.count("\n") != text.count(line_end) or not _plain(joined):
        return None
    shown = joined.strip(_BLANKS)
    if not shown:
        return EMPTY if not text else None
    start = joined.index(shown)
    before, after = joined[:start], joined[start + len(shown) :]
    return Frame(before.replace("\n", line_end), shown, after.replace("\n", line_end), line_end)


def _plain(text: str) -> bool:
    text = text.replace("\t", " ")
    return visible(text, lines=True, exact=True) == text


def straightened(typed: str, before: str) -> str:
    """What somebody typed, without what a phone's keyboard makes of it: curly quotes and long dashes where the text before
    had straight quotes and double hyphens, and no-break blanks where it had none."""
    text = typed
    if not any(blank in before for blank in map(chr, _ODD_BLANKS)):
        text = text.translate(_ODD_BLANKS)
    if ('"' in before or "'" in before) and not any(quote in before for quote in _CURLY):
        text = text.translate(_QUOTES)
    if "--" in before and "—" not in before:
        text = text.replace("—", "--")
    return text


def straight_json(typed: str) -> str:
    """JSON with straight quotes and plain blanks, as a phone's keyboard would not leave it."""
    return typed.translate(_ODD_BLANKS).translate(_QUOTES)


# One reading only: commas and blanks stand between thousands, and a point before cents. "15,00" is no $1,500.
_DOLLARS: Final = re.compile(r"-?\$?(\d+|\d{1,3}(,\d{3})+|\d{1,3}( \d{3})+)(\.\d+)?", re.ASCII)


def dollars(typed: str) -> Decimal | None:
    """An amount as people type it: 1500, $1,500 and 1 500.00; None where it is none, or could be another one."""
    text = unicodedata.normalize("NFKC", straight_json(typed)).strip().strip("\"'").replace("$ ", "$")
    return Decimal(re.sub("[$, ]", "", text)) if _DOLLARS.fullmatch(text) else None


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON with letters as letters; only what cannot be seen is an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.isascii():
        return text
    escaped = text.translate(_Escapes())
    return escaped if _plain(escaped) else json.dumps(value, indent=indent)


class _Escapes(dict[int, str]):
    """How each character stands in JSON: as itself, or as an escape where it cannot be seen. Filled as it is asked."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        written = character if character.isascii() or _plain(character) else json.dumps(character)[1:-1]
        self[point] = written
        return written


def chunks(text: str, most: int) -> list[str]:
    """`text` in pieces of at most `most` characters, cut after line ends where there are some, else after blanks."""
    found: list[str] = []
    while utf16(text) > most:
        room = most
        while utf16(text[:room]) > most:
            room -= max(1, (utf16(text[:room]) - most) // 2)
        cut = max(text.rfind("\n\n", room // 2, room) + 2, 0)
        for mark in ("\n", ". ", " "):
            if cut <= 2 or cut <= room // 2:
                cut = text.rfind(mark, room // 2, room) + len(mark)
        cut = cut if cut > room // 2 else room
        if text[cut - 1 : cut + 1] == "\r\n":
            cut -= 1
        found.append(text[:cut])
        text = text[cut:]
    return [*found, text] if text else found
