"""An agent tries to stall every tap with a text that a pattern takes long to read; each is read in linear time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from support.pace import in_time, seconds

from bot.acts.registry import approval_card, form
from bot.render.visible_text import escape, notification, visible
from policies import credentials
from tests.unit.cards.samples import approval

SIZE = 250_000
PART = 80_000
"""Of each of many pieces: a pattern that reads its text again for each character takes seconds for these as well."""
TOKEN = "ghp_" + "a1B2c3D4" * 5
PIECES = [
    "eyJ-", "eyJ.", "eyJa", "eyJaaaaaaaa.", "eyJhbGciOiJIUzI1NiJ9.", "-----BEGIN", "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEaaaaaaaa", "Proc-Type: 4,ENCRYPTED\n", "4", "4111 1111 1111 1111 ", "card 4", "1 ", "1-",
    "://", "://a:", "://a:aaaaaaaa", "://a:aaaaaaa1@", "a@", "basic ", "Basic ", "basic a1b2c3d4e5f6g7 ", " ", "\n", "\t ", "token=",
    "token=a1b2c3d4e5f6,", "token: a1b2c3d4e5f6 ", "password=", "password: ", "Password", "secret=\"", "pagetoken=", "sk-", "ghp_",
    "AKIA", "ghp_a1b2c3d4e5f6g7h8i9j0.", "SG.", "ya29.", "=", "\\n", "AAAA=\\n", "aA1-", "$(token=a1b2c3d4e5f6)", "cardcardno", "a.",
    "\u200b", "\u0301", "\u2039", ":a", "_", "@here", "é=",
]  # fmt: skip
READERS: dict[str, Callable[[str], Any]] = {
    "tokens": lambda text: credentials.tokens.__wrapped__(text),
    "password": lambda text: credentials.in_value(credentials.Promise.PASSWORD, text[:0] + text),
    "visible": lambda text: visible(text, exact=True),
    "escape": escape,
    "notification": notification,
}


def anew(read: Callable[[], object]) -> Callable[[], object]:
    """`read`, of which nothing is remembered from the time before."""

    def act() -> None:
        credentials.tokens.cache_clear()
        read()

    return act


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("piece", PIECES)
def test_hostile_texts_are_read_in_linear_time(reader: str, piece: str) -> None:
    """80 kB of any piece take a fraction of a second, and twice as much takes no more than about twice as long."""
    text = (piece * (PART // len(piece) + 1))[:PART]
    read = READERS[reader]
    once = min(seconds(anew(partial(read, text))) for _ in range(3))
    assert once < 0.15
    assert in_time(anew(partial(read, text + text)), 3 * once + 0.02)


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----" + "A" * SIZE, "eyJ" + "A" * SIZE + ".a", "token=" + "a1B2" * (SIZE // 4)]
)
def test_one_endless_token_is_read_in_linear_time(text: str) -> None:
    """Nor does one piece that never ends."""
    assert in_time(anew(partial(READERS["tokens"], text)), 0.4)


HEAVY: dict[str, dict[str, str]] = {
    "not quite tokens": {f"k{index}": "eyJ-" * 15_500 for index in range(4)},
    "thousands of tokens": {f"k{index}": f"{TOKEN} x " * 20 for index in range(250)},
    "names and values": {f"k{index}": "token=a1b2c3d4e5f6," * 3_200 for index in range(4)},
    "hidden characters": {f"k{index}": "\u200b\u0301" * 10_000 for index in range(4)},
    "line breaks": {f"k{index}": "\n" * 60_000 for index in range(4)},
    "a thousand values": {f"k{index}": "x" * 250 for index in range(990)},
}


@pytest.mark.parametrize("name", HEAVY)
def test_the_largest_requests_are_drawn_in_time(name: str) -> None:
    """Card, details, form and hidden values of 250 kB of parameters take less than a second or two, off the event loop."""
    found = approval(HEAVY[name], action="delete_branch")
    for draw in (approval_card, *(partial(form, verb) for verb in ("details", "edit", "show_hidden"))):
        assert in_time(anew(partial(draw, found)), 1.5)
