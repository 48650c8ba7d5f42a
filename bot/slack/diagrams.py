"""The reliability diagram: how sure agents were against how often they were right, with error bars, as a PNG under the weekly post.

Colours are those of Okabe and Ito, every agent has a shape of its own besides, and the ground is opaque: dark or light page, it reads the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from bot.render.visible_text import visible
from bot.server.slack_client import Slack, SlackTrouble
from bot.slack.chart import GRID, INK, QUIET, Sheet, font
from policies.messages import CurveFacts, WeeklyFacts

HEIGHT: Final = 1340
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 1120, 330, 1190
_LOOKS: Final = (("circle", "#0072b2"), ("square", "#d55e00"), ("triangle", "#007a5a"), ("diamond", "#7a3e6c"))
NAME: Final = "sayso-reliability.png"
TITLE: Final = "How sure agents were, and how often they were right"
log = logging.getLogger("sayso.diagrams")


async def post(slack: Slack, told: WeeklyFacts, channel: str, ts: str) -> None:
    """Share the diagram in the post's thread; the post says the same in words, so a picture that is lost is lost."""
    if not told.curves:
        return
    try:
        content = await asyncio.to_thread(reliability, told.curves)
        await slack.upload(channel, NAME, content, title=TITLE, alt=in_words(told.curves), comment=TITLE, thread=ts)
    except SlackTrouble as error:
        log.warning("the diagram of the week was not posted: %s", error)


def in_words(curves: Sequence[CurveFacts]) -> str:
    """The diagram for those who do not see it."""
    return visible(". ".join(f"{_name(one)}: {', '.join(map(_point, one.points))}" for one in curves))[:1900]


def _point(point: tuple[float, float, float, float, int]) -> str:
    said, right, low, high, count = point
    return f"sure {said:.2f}, right {right:.2f} ({low:.2f} to {high:.2f}) of {count}"


def _name(one: CurveFacts) -> str:
    return f"{one.name} ({'what it says' if one.kind == 'said' else 'its evidence'})"


def reliability(curves: Sequence[CurveFacts]) -> bytes:
    """The PNG."""
    sheet = Sheet(HEIGHT)
    sheet.text(40, 36, TITLE, size=44)
    for number, one in enumerate(curves[: len(_LOOKS)]):
        look, colour = _LOOKS[number]
        y = 118 + 46 * number
        sheet.mark(60, y, look, colour)
        sheet.text(92, y, _fitting(_name(one)), size=32, anchor="lm")
    _frame(sheet)
    for number, one in enumerate(curves[: len(_LOOKS)]):
        _drawn(sheet, one, *_LOOKS[number], shift=(number - (len(curves) - 1) / 2) * 10)
    return sheet.png()


def _fitting(name: str) -> str:
    shown = str(visible(name))
    while font(32).getlength(shown) > 2 * 1060:
        shown = f"{shown[:-2]}…"
    return shown


def _x(value: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * value


def _y(value: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * value


def _frame(sheet: Sheet) -> None:
    for step in range(6):
        value = step / 5
        sheet.line([(_LEFT, _y(value)), (_RIGHT, _y(value))], QUIET if step == 0 else GRID, 2)
        sheet.line([(_x(value), _TOP), (_x(value), _BOTTOM)], QUIET if step == 0 else GRID, 2)
        sheet.text(_LEFT - 14, _y(value), f"{value:.1f}", size=32, colour=QUIET, anchor="rm")
        sheet.text(_x(value), _BOTTOM + 12, f"{value:.1f}", size=32, colour=QUIET, anchor="ma")
    for step in range(0, 40, 2):  # the dashed line on which an agent means what it says
        sheet.line([(_x(step / 40), _y(step / 40)), (_x((step + 1) / 40), _y((step + 1) / 40))], QUIET, 3)
    sheet.text(_x(0.03), _TOP + 8, "right more often than it thinks", size=30, colour=QUIET)
    sheet.text(_x(0.98), _BOTTOM - 46, "too sure", size=30, colour=QUIET, anchor="ra")
    sheet.text((_LEFT + _RIGHT) / 2, _BOTTOM + 62, "how sure it was", size=34, colour=INK, anchor="ma")
    sheet.text(_LEFT, _TOP - 44, "how often it was right, with 90 % bounds", size=32, colour=INK)


def _drawn(sheet: Sheet, one: CurveFacts, look: str, colour: str, shift: float) -> None:
    """Points with bars, a little beside each other where several agents share a bucket."""
    for said, right, low, high, _ in one.points:
        x = _x(said) + shift
        sheet.line([(x, _y(low)), (x, _y(high))], colour, 5)
        for end in (low, high):
            sheet.line([(x - 12, _y(end)), (x + 12, _y(end))], colour, 5)
        sheet.mark(x, _y(right), look, colour)
