"""Other people's words as they really are: nothing invisible, nothing that Slack would read as mark-up.

Two marked kinds of text keep the escaping honest: `Shown` has had its hidden characters made visible, `Mrkdwn` is
ready to stand in a mrkdwn field. Everything else is raw, and the renderer turns it into one of the two.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache, partial
from typing import Final

MAX_MARKS = 4  # combining marks on one letter; more is a flood that climbs over the lines around it
MAX_RUN = 4  # of one hidden character; a longer run is counted


class Shown(str):
    """Text whose hidden characters have been made visible."""

    __slots__ = ()


class Mrkdwn(str):
    """Text that is safe in a mrkdwn field: our own words, and foreign ones escaped."""

    __slots__ = ()


def _ranges(points: list[int]) -> str:
    """Sorted code points as the inside of a regex character class."""
    parts: list[str] = []
    start = previous = points[0]
    for point in [*points[1:], -1]:
        if point == previous + 1:
            previous = point
            continue
        parts.append(f"\\U{start:08x}-\\U{previous:08x}")
        start = previous = point
    return "".join(parts)


def _basic_plane() -> tuple[list[int], list[int]]:
    """Hidden characters and combining marks of the first plane, from Unicode's own categories."""
    of_each = list(map(unicodedata.category, map(chr, range(0x10000))))
    hidden = {point for point, category in enumerate(of_each) if category in _HIDDEN_CATEGORIES}
    marks = [point for point, category in enumerate(of_each) if category in _MARK_CATEGORIES]
    return sorted(hidden - _VISIBLE_SPACES), marks


_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"})
_MARK_CATEGORIES = frozenset({"Mn", "Me"})
_SPACES_OF_PROSE = frozenset({0xA0, 0x202F, 0x3000})  # French and Japanese write with these
_VISIBLE_SPACES = frozenset({0x20, 0x0A}) | _SPACES_OF_PROSE
# Letters, marks and symbols that draw nothing (Default_Ignorable_Code_Point and the Braille blank).
_BLANKS = [
    0x034F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    *range(0x180B, 0x1810),
    0x2800,
    0x3164,
    *range(0xFE00, 0xFE0E),
    0xFFA0,
]
_NOT_CHARACTERS = [0x2065, *range(0xFDD0, 0xFDF0), *range(0xFFF0, 0xFFF9), 0xFFFE, 0xFFFF]
_UPPER_PLANES = (
    "\\U000110bd\\U000110cd\\U00013430-\\U0001343f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\U0001fffe\\U0001ffff\\U0002fffe\\U0002ffff\\U0003fffe-\\U0010ffff"
)
_hidden, _marks = _basic_plane()
_HIDDEN = _ranges(sorted({*_hidden, *_BLANKS, *_NOT_CHARACTERS})) + _UPPER_PLANES
_MARKS = _ranges(sorted(set(_marks) - set(_BLANKS) - {0xFE0E, 0xFE0F}))
# A variation selector belongs behind an emoji or in a keycap; anywhere else it carries hidden data.
_SELECTOR = "(?<![\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f](?!\u20e3)"
_FORGED = "\u2039(?=U\\+|\u00d7)"  # our own notation, written by somebody else


_ODD_SPACES: Final = "".join(map(chr, sorted(_SPACES_OF_PROSE)))
# One for whatever may have to be shown: what a text may keep is decided by run, and compiling one a kind of text took longer.
_ODD: Final = re.compile(
    f"([{_HIDDEN}{_ODD_SPACES}\n]|{_SELECTOR})\\1*|{_FORGED}|(?<=[{_MARKS}]{{{MAX_MARKS}}})[{_MARKS}]+"
)


def visible(text: str, *, lines: bool = False, exact: bool = False) -> Shown:
    """`text` with every hidden character as ‹U+XXXX›; `lines` keeps line breaks, `exact` shows odd spaces too.

    Of line breaks written as two characters, `exact` shows the first.
    """
    if isinstance(text, Shown) or (text.isascii() and text.isprintable()):
        return text if isinstance(text, Shown) else Shown(text)
    if lines and not exact:
        text = text.replace("\r\n", "\n")
    kept = ("\n" if lines else "") + ("" if exact else _ODD_SPACES)
    return Shown(_ODD.sub(partial(_show, kept), text))


def _show(kept: str, match: re.Match[str]) -> str:
    run = match[0]
    if run[0] in kept:
        return run
    if match[1] is None and run != "\u2039":
        return "".join(map(_name, run[:MAX_RUN])) + (f"‹×{len(run)}›" if len(run) > MAX_RUN else "")
    if len(run) > MAX_RUN:
        return f"{_name(run[0])}‹×{len(run)}›"
    return _name(run[0]) * len(run)


@lru_cache(maxsize=512)
def _name(character: str) -> str:
    return f"‹U+{ord(character):04X}›"


def json_size(text: str) -> int:
    """Bytes that `text` takes inside JSON when written in ASCII, its longest spelling."""
    return len(json.dumps(text)) - 2


def clip(text: Shown, chars: int, room: int | None = None) -> Shown:
    """`text`, or its beginning and “…”, in at most `chars` characters as Slack counts them and `room` bytes of JSON (default: unlimited)."""
    short = utf16(text) <= chars
    if short and (room is None or len(text) * 12 <= room or json_size(text) <= room):
        return text
    kept = max(0, min(len(text) if short else _beginning(text, chars - 1), _fitting(text, room, chars)))
    cut = text[:kept]
    opened = cut.rfind("‹", max(0, kept - 12))
    if opened > cut.rfind("›"):
        cut = cut[:opened]
    return Shown(cut.rstrip() + "…")


def utf16(text: str) -> int:
    """The length that Slack counts: an emoji is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _beginning(text: str, most: int) -> int:
    """How many characters of its beginning have at most this length."""
    if text.isascii():
        return most
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore"))


def _fitting(text: str, room: int | None, chars: int) -> int:
    """How many characters fit in `room` bytes beside the “…” (6 bytes)."""
    if room is None:
        return chars - 1
    low, high = 0, min(len(text), chars - 1, max(0, room))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if json_size(text[:middle]) <= room - 6 else (low, middle - 1)
    return low


# Slack has no escape for these: shown by code where they could start bold, italics, strike, code or an emoji.
_FORMATTING: Final = re.compile(r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[a-z0-9_+'-]+:)")


def escape(text: str) -> Mrkdwn:
    """Foreign text for a mrkdwn field: no mention, no link, no formatting, no emoji by name."""
    if isinstance(text, Mrkdwn):
        return text
    shown = _FORMATTING.sub(lambda match: _name(match[0]), visible(text))
    return Mrkdwn(shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def fill(template: str, **values: object) -> Mrkdwn:
    """Our own mrkdwn `template` with `{name}` fields, each escaped unless it is Mrkdwn already."""
    return Mrkdwn(
        template.format(
            **{name: escape(value if isinstance(value, str) else str(value)) for name, value in values.items()}
        )
    )


_BROADCAST: Final = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)


def notification(text: str, limit: int = 1000) -> str:
    """Foreign text for a message's `text`, which Slack reads as mrkdwn and shows in notifications."""
    plain = clip(visible(text), limit)
    return str(_BROADCAST.sub("＠", plain).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
