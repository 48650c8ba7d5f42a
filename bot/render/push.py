"""What a notification shows: what is asked, how bad it can get, how long there is, and by whom, in one line (docs/rules.md: D5).

Plain text of ours with foreign words escaped: it mentions nobody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.render.glance import stakes
from bot.render.labels import stamp, verdict
from bot.render.redaction import redactor_of
from bot.render.visible_text import Shown, clip, notification, visible
from policies.approval import Approval
from policies.kinds import Kind
from policies.routing import Level

_VERBS: Final = {Kind.CONFIRM: "Approve?", Kind.CHOOSE: "Choose:", Kind.INPUT: "Answer:"}


def push_line(approval: Approval, sentence: str, now: datetime | None = None) -> str:
    """The line of a card; `now` is when it is sent."""
    if not approval.pending:
        return notification(Shown(f"{verdict(approval)}: {visible(sentence)}"))
    undone = stakes(approval.policy)
    agent = f"asked by {clip(visible(approval.agent), 60)}"
    parts = [*_what(approval, sentence), undone[0].lower() + undone[1:], time_left(approval, now), agent]
    return notification(Shown(f"{asks(approval)} {' · '.join(part for part in parts if part)}"))


def asks(approval: Approval) -> str:
    """What is asked of whoever decides, in a word."""
    return "Take over?" if approval.level is Level.HUMAN_TAKEOVER else _VERBS[Kind(approval.request.kind)]


def notice_line(words: str, approval: Approval, sentence: str, now: datetime | None = None) -> str:
    """The line of a message about a request: what there is to tell, of what, and of one that waits how long there is."""
    parts: list[str] = _what(approval, sentence)
    if approval.pending:
        undone = stakes(approval.policy)
        parts += [
            undone[0].lower() + undone[1:],
            time_left(approval, now),
            f"asked by {clip(visible(approval.agent), 60)}",
        ]
    return notification(Shown(f"{words}: {' · '.join(part for part in parts if part)}"))


def _what(approval: Approval, sentence: str) -> list[str]:
    """The sentence, and the beginning of the agent's question where that is what is to be answered."""
    question = approval.request.question
    asked = [clip(visible(redactor_of(approval)(question)), 160)] if question and approval.pending else []
    return [clip(visible(sentence), 300), *asked]


def time_left(approval: Approval, now: datetime | None) -> str:
    """How long there is to decide: in words where it is known when that is read, else until when."""
    clock = approval.clock
    ends = [moment for moment in (clock.due_at, clock.expires_at) if moment]
    if clock.paused_at is not None or not ends:
        return ""
    if now is None:
        return f"until {stamp(min(ends))}"
    return f"{rough_span(max(0.0, (min(ends) - now).total_seconds()))} left"


def rough_span(seconds: float) -> str:
    """A time as people say it: 45 s, 5 min, 3 h or 2 days, rounded down."""
    for unit, most, name in ((1, 90, "s"), (60, 90, "min"), (3600, 36, "h")):
        if seconds < unit * most:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds // 86_400)} days"
