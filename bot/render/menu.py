"""What of a card's controls stands open, and what waits behind ⋯: the usual ones are one tap, the others two."""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.blocks import OVERFLOW, Button, Option
from bot.render.buttons import Controls


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of buttons, and the options of the ⋯ at its end."""

    buttons: list[Button]
    options: list[Option]


def bars(press: Controls) -> list[Bar]:
    """The rows of a card. Behind the ⋯ of the last one is what is rarely needed; what has no place there is in Details.

    An option's value begins with the verb: `details:<approval>|<digest>`.
    """
    options = [Option(f"{item.action}:{item.value}", item.label) for item in press.behind[:OVERFLOW]]
    rows = [Bar(row, []) for row in press.rows]
    if not options:
        return rows
    return [*rows[:-1], Bar(rows[-1].buttons if rows else [], options)]


def read_option(value: str) -> tuple[str, str]:
    """(verb, button value) of an option behind ⋯."""
    verb, _, rest = value.partition(":")
    return verb, rest
