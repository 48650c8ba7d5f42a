"""Options that a person can tell apart: whatever differs looks different, however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from bot.render.blocks import OPTION, Option
from bot.render.visible_text import Shown, clip, utf16, visible
from policies.approval import Approval
from policies.spelling import folded

Words = tuple[str, str | None]
HEAD: Final = 24  # characters of the beginning that a shortened label keeps


def distinct(entries: Sequence[Words], limit: int = OPTION) -> list[tuple[Shown, Shown | None]]:
    """Label and description of each option, at most `limit` characters each, no two of which look alike.

    A label that is too long is cut around the place where it differs from the others; where labels look alike all the
    same (letters of two alphabets, case, blanks), each is numbered as the list of all of them in full is.
    """
    labels = [visible(label, exact=True) or Shown("–") for label, _ in entries]
    details = [visible(detail, exact=True) if detail else None for _, detail in entries]
    long = any(utf16(label) > limit for label in labels)
    room = limit - len(f"{len(labels)}. ")
    shown = [_around(label, labels, room) for label in labels] if long else labels
    if long or max(Counter(map(_looks, shown)).values(), default=0) > 1:
        shown = [Shown(f"{at}. {clip(label, room)}") for at, label in enumerate(shown, 1)]
    told = [detail for detail in details if detail is not None]
    details = [None if detail is None else _around(detail, told, limit) for detail in details]
    return [
        (label, _detail(whole, label, detail, limit))
        for whole, label, detail in zip(labels, shown, details, strict=True)
    ]


def choice_options(approval: Approval, redact: Callable[[str], str]) -> list[Option]:
    """The candidates as options, each with what its label leaves out, no two of which look alike."""
    choices = approval.request.choices or []
    told = Counter((choice.label, choice.detail) for choice in choices)
    words = [
        (
            redact(choice.label),
            redact(choice.detail or "") or (choice.id if told[choice.label, choice.detail] > 1 else None),
        )
        for choice in choices
    ]
    return [Option(choice.id, label, detail) for choice, (label, detail) in zip(choices, distinct(words), strict=True)]


def numbered(labels: Sequence[str]) -> bool:
    """Whether `distinct` numbers these labels, so that a list of them has to be numbered too."""
    return any(
        label.startswith(f"{at}. ") and label != whole
        for at, (whole, (label, _)) in enumerate(zip(labels, distinct([(one, None) for one in labels]), strict=True), 1)
    )


def _detail(whole: Shown, label: Shown, detail: Shown | None, limit: int) -> Shown | None:
    """The option's own description; where the label was cut and has none, how it ends."""
    if detail is not None:
        return detail
    if label.endswith(whole):
        return clip(Shown(f"spelled {_spelled(whole)}"), limit) if label != whole and not whole.isascii() else None
    return Shown("…" + whole[-_characters(whole, limit - 1) :])


def _spelled(label: str) -> str:
    """Which of its letters are not Latin ones, where two labels look the same."""
    return "".join(letter if letter.isascii() else f"‹U+{ord(letter):04X}›" for letter in label)


def _around(label: Shown, labels: Sequence[Shown], room: int) -> Shown:
    """A label cut in the middle so that its beginning and the place where it differs both stand in `room` characters."""
    if utf16(label) <= room:
        return label
    room = _characters(label, room)
    shared = max((_shared(label, other) for other in labels if other != label), default=0)
    if shared < room - 1:
        return clip(label, room)
    tail = room - HEAD - 1
    start = max(HEAD, min(shared - tail // 3, len(label) - tail))
    ending = label[start : start + tail]
    if start + tail < len(label):
        ending = ending[:-1] + "…"
    return Shown(f"{label[:HEAD]}…{ending}")


def _characters(label: Shown, room: int) -> int:
    """How many of its characters surely fit, wherever they stand: emoji take twice as much room as letters."""
    return room if utf16(label) == len(label) else room // 2


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _looks(label: str) -> str:
    """What two labels share where a person takes them for the same: case, width, blanks and letters of another alphabet."""
    return "".join(_ALIKE.get(letter, letter) for letter in " ".join(folded(label).split()))


# Letters of other alphabets that are drawn like Latin ones in common typefaces.
_ALIKE: Final = dict(zip("аеорсухіјѕԁһԛԝьαοενρτυικχ", "aeopcyxijsdhqwbaoevptuikx", strict=True)) | {
    "l": "1",
    "i": "1",
    "o": "0",
}
