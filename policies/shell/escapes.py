r"""`$'…'`: the escapes of ANSI-C quoting, as bash reads them."""

from __future__ import annotations

import re

from policies.shell.tree import Unreadable

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "?": "?",
}
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(.))", re.DOTALL)


def decoded(text: str) -> str:
    """What stands between `$'` and `'`, with its escapes resolved. Raises Unreadable for a control or unknown escape."""
    return _ESCAPE.sub(_one, text)


def _one(found: re.Match[str]) -> str:
    octal, short, unicode4, unicode8, simple = found.groups()
    if simple is not None:
        if simple not in _SIMPLE:
            raise Unreadable(f"an escape that is not known: \\{simple}")
        return _SIMPLE[simple]
    number = int(octal, 8) & 0xFF if octal else int(short or unicode4 or unicode8, 16)
    if number == 0 or number > 0x10FFFF or (0x80 <= number <= 0xFF and not unicode4 and not unicode8):
        raise Unreadable("an escape that is no plain character")
    return chr(number)
