"""Two spellings of one name: what differs only in case, width, blanks around it or what cannot be seen is the same."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# What Unicode lets every renderer leave out, beside the format characters (category Cf): fillers, joiners, selectors.
_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2065, 0x2065),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)
_ROUNDS = 8
_NAME = 200  # characters; longer texts are no names, and are not kept


def folded(text: str) -> str:
    """The text after NFKC and case folding, without what cannot be seen and without blanks around it.

    Folding again changes nothing.
    """
    return _remembered(text) if len(text) <= _NAME else _folded(text)


@lru_cache(maxsize=16_384)
def _remembered(text: str) -> str:
    return _folded(text)


def _folded(text: str) -> str:
    if text.isascii():
        return text.strip().casefold()
    for _ in range(_ROUNDS):
        before, text = text, _fold(text)
        if text == before:
            break
    return text


def _fold(text: str) -> str:
    seen = "".join(char for char in text if char not in _UNSEEN and unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold()).strip()
