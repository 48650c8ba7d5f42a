"""The picture of the last days: asked, decided and missed a day, and the median time to a decision, as a PNG.

Its ground is opaque, so that it reads the same on a dark and on a light page; its letters still read at a phone's width. The
three colours stay apart for colour-blind eyes (Okabe and Ito), and each sort of bar has a look of its own besides.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bot.service.stats import duration
from store.stats import Day

# Pillow comes when the first picture is drawn: a server starts without it.
if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

WIDTH, HEIGHT = 1200, 1090
_SHARP: Final = 2  # drawn larger and scaled down: smooth edges
_EDGE, _LEFT, _RIGHT = 40, 150, 1160
_TITLE, _TEXT, _SMALL = 46, 34, 32
GROUND, INK, QUIET, GRID = "#ffffff", "#1d1c1d", "#5a5a5f", "#dedee3"
_ASKED, _DECIDED, _MISSED, _MEDIAN = "#9fd3f2", "#0072b2", "#d55e00", "#7a3e6c"
_BARS = (210, 650)  # top and bottom of the upper panel
_TIMES = (826, 1004)  # and of the lower one


@dataclass(frozen=True, slots=True)
class _Scale:
    """From a value to a height on the picture; the ticks are round figures from 0 up to at least the largest value."""

    ticks: tuple[float, ...]
    top: int
    bottom: int

    def at(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * value / self.ticks[-1]


class Sheet:
    """A drawing in the picture's own measure."""

    def __init__(self, height: int = HEIGHT) -> None:
        from PIL import Image, ImageDraw

        self.image = Image.new("RGB", (WIDTH * _SHARP, height * _SHARP), GROUND)
        self._draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, words: str, *, size: int, colour: str = INK, anchor: str = "la") -> None:
        """Words at a point; `anchor` says which corner of them it is, as Pillow spells it."""
        self._draw.text((x * _SHARP, y * _SHARP), words, fill=colour, font=font(size), anchor=anchor)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: int) -> None:
        """A line through points."""
        scaled = [(x * _SHARP, y * _SHARP) for x, y in points]
        self._draw.line(scaled, fill=colour, width=width * _SHARP, joint="curve")

    def mark(self, x: float, y: float, look: str, colour: str, reach: float = 13) -> None:
        """A point that is told from others by its shape as well: circle, square, triangle or diamond."""
        shapes = {
            "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
            "triangle": ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
            "diamond": ((0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)),
        }
        if look == "circle":
            self.dot(x, y, reach, colour)
            return
        corners = [((x + dx * reach) * _SHARP, (y + dy * reach) * _SHARP) for dx, dy in shapes[look]]
        self._draw.polygon(corners, fill=colour, outline=GROUND, width=3 * _SHARP)

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """A dot with a rim of the ground's colour."""
        for reach, fill in ((radius + 3, GROUND), (radius, colour)):
            box = tuple(value * _SHARP for value in (x - reach, y - reach, x + reach, y + reach))
            self._draw.ellipse(box, fill=fill)

    def bar(self, box: tuple[float, float, float, float], look: str) -> None:
        """A bar as its sort looks: outlined, full, or striped."""
        left, top, right, bottom = (round(value * _SHARP) for value in box)
        if bottom - top < 2:
            return
        fill, rim = {"asked": (_ASKED, _DECIDED), "decided": (_DECIDED, _DECIDED), "missed": (_MISSED, _MISSED)}[look]
        self._draw.rectangle((left, top, right, bottom), fill=fill, outline=rim, width=2 * _SHARP)
        if look == "missed":
            self._stripes(left, top, right, bottom)

    def _stripes(self, left: int, top: int, right: int, bottom: int) -> None:
        from PIL import Image, ImageDraw

        inside = Image.new("RGB", (right - left + 1, bottom - top + 1), _MISSED)
        pen, reach = ImageDraw.Draw(inside), right - left
        for start in range(-reach, inside.height + reach, 9 * _SHARP):
            pen.line((0, start + reach, reach, start), fill=GROUND, width=2 * _SHARP)
        pen.rectangle((0, 0, inside.width - 1, inside.height - 1), outline=_MISSED, width=2 * _SHARP)
        self.image.paste(inside, (left, top))

    def png(self) -> bytes:
        """The finished picture."""
        from PIL import Image

        found = io.BytesIO()
        self.image.reduce(_SHARP).quantize(64, dither=Image.Dither.NONE).save(found, "PNG")
        return found.getvalue()


@lru_cache(maxsize=8)
def font(size: int) -> FreeTypeFont:
    """The letters of every picture."""
    from PIL import ImageFont
    from PIL.ImageFont import FreeTypeFont

    found = ImageFont.load_default(size * _SHARP)
    assert isinstance(found, FreeTypeFont), "Pillow's wheels bring FreeType"
    return found


def picture(days: Sequence[Day], headline: str) -> bytes:
    """The PNG of these days, the oldest first, under one line of words."""
    sheet = Sheet()
    sheet.text(_EDGE, 36, f"The last {len(days)} days", size=_TITLE)
    sheet.text(_EDGE, 100, headline, size=_TEXT, colour=QUIET)
    _legend(sheet, _BARS[0] - 52)
    most = max((max(day.asked, day.decided, day.breached) for day in days), default=0)
    _bars(sheet, days, _Scale(_counts(most), *_BARS))
    sheet.text(_EDGE, 746, "Median time to a decision", size=_TEXT)
    slowest = max((day.median for day in days if day.median is not None), default=0.0)
    _times(sheet, days, _Scale(_seconds(slowest), *_TIMES))
    return sheet.png()


def _legend(sheet: Sheet, y: float) -> None:
    x = float(_LEFT)
    for look, words in (("asked", "asked"), ("decided", "decided"), ("missed", "past their SLA")):
        sheet.bar((x, y + 4, x + 26, y + 30), look)
        sheet.text(x + 38, y + 17, words, size=_SMALL, anchor="lm")
        x += 38 + font(_SMALL).getlength(words) / _SHARP + 44


def _bars(sheet: Sheet, days: Sequence[Day], scale: _Scale) -> None:
    _grid(sheet, scale, [f"{tick:,.0f}" for tick in scale.ticks])
    slot = (_RIGHT - _LEFT) / max(len(days), 1)
    wide = min(slot * 0.28, 26)
    for index, day in enumerate(days):
        middle = _LEFT + slot * (index + 0.5)
        for step, look in enumerate(("asked", "decided", "missed")):
            value = (day.asked, day.decided, day.breached)[step]
            left = middle + (step - 1.5) * wide
            sheet.bar((left + 1, scale.at(value), left + wide - 1, scale.bottom), look)
    _dates(sheet, days, scale.bottom)


def _dates(sheet: Sheet, days: Sequence[Day], y: float) -> None:
    """The day of the month under each slot; the month before the first, and where it begins."""
    slot = (_RIGHT - _LEFT) / max(len(days), 1)
    for index, day in enumerate(days):
        words = f"{day.day:%b}" if index and day.day.day == 1 else str(day.day.day)
        sheet.text(_LEFT + slot * (index + 0.5), y + 12, words, size=_SMALL, colour=QUIET, anchor="ma")
    if days:
        sheet.text(_LEFT - 14, y + 12, f"{days[0].day:%b}", size=_SMALL, colour=QUIET, anchor="ra")


def _times(sheet: Sheet, days: Sequence[Day], scale: _Scale) -> None:
    _grid(sheet, scale, ["0", *(duration(tick) for tick in scale.ticks[1:])])
    slot = (_RIGHT - _LEFT) / max(len(days), 1)
    points = [
        (_LEFT + slot * (index + 0.5), scale.at(day.median)) if day.median is not None else None
        for index, day in enumerate(days)
    ]
    for before, after in pairwise(points):
        if before and after:  # a day without a decision leaves a gap
            sheet.line([before, after], _MEDIAN, 5)
    for point in points:
        if point:
            sheet.dot(*point, 9, _MEDIAN)
    _dates(sheet, days, scale.bottom)


def _grid(sheet: Sheet, scale: _Scale, labels: Sequence[str]) -> None:
    for tick, label in zip(scale.ticks, labels, strict=True):
        y = scale.at(tick)
        sheet.line([(_LEFT, y), (_RIGHT, y)], QUIET if tick == 0 else GRID, 2)
        sheet.text(_LEFT - 14, y, label, size=_SMALL, colour=QUIET, anchor="rm")


def _counts(most: int) -> tuple[float, ...]:
    """Whole figures from 0 in two to four round steps."""
    step = 1
    while step * 4 < most:
        step = _next_round(step)
    return tuple(float(step * index) for index in range(max(2, math.ceil(most / step)) + 1))


def _next_round(step: int) -> int:
    size = int("1" + "0" * (len(str(step)) - 1))
    return {1: 2, 2: 5, 5: 10}[step // size] * size


_STEPS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 432000)


def _seconds(slowest: float) -> tuple[float, ...]:
    """Times from 0 in two or three steps that people count in."""
    step = next((step for step in _STEPS if step * 3 >= slowest), math.ceil(slowest / 3 / 864000) * 864000)
    return tuple(float(step * index) for index in range(max(2, math.ceil(slowest / step)) + 1))
