"""What is written to people while Slack does not show them what waits: plain text, nothing in it can be followed or decided."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from bot.render.glance import amount, stakes
from bot.render.labels import SILENCE
from bot.render.notices import IN_WORDS, package
from bot.render.push import asks, rough_span
from bot.render.quoted_text import question_lines
from bot.render.redaction import redactor_of
from bot.render.visible_text import clip, visible
from policies.approval import Approval
from policies.levels import Level
from policies.messages import AlertFacts, Notice, NoticeFacts

LISTED = 20
_END: Final = (
    "Nothing can be decided by mail. The cards appear in Slack by themselves as soon as it takes them again, "
    "and deadlines go on meanwhile."
)
# A mail program makes links of these; an agent's words must lead nowhere. The joiner is invisible and breaks them.
_LINKED: Final = re.compile(r"(?<=:)(?=//)|(?<=[\w-])(?=[.@][\w-])")
_JOINER: Final = "\u2060"


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail: `subject` is ours alone, `text` plain."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """When it is written, and in whose time zone it is read."""

    now: datetime
    zone: str


def to_reviewer(waiting: Sequence[Approval], since: datetime, reading: Reading) -> Letter:
    """What waits for one person, the most urgent first; `since` when Slack should have shown the first that it does not."""
    count = len(waiting)
    lead = f"Slack has not shown {'this' if count == 1 else 'some of these'} for {_span(since, reading)}."
    return Letter(f"Sayso: {_waits(count)} for you, and Slack does not show it", _written(lead, waiting, reading))


def to_operations(told: Sequence[tuple[AlertFacts | NoticeFacts, Approval | None]], unread: Sequence[Approval],
                  since: datetime, reading: Reading) -> Letter:  # fmt: skip
    """What operations would be told in Slack, and what waits for people to whom nobody can write."""
    lead = f"Slack has taken nothing from Sayso for {_span(since, reading)}."
    news = [_news(facts, approval, reading) for facts, approval in told[:LISTED]]
    if len(told) > LISTED:
        news.append(f"and {len(told) - LISTED} more")
    if unread:
        lead = f"{lead} {_waits(len(unread))} for people without an e-mail address in the roster."
    text = _written(lead, unread, reading, news)
    return Letter("Sayso: Slack does not show what waits", text)


def _waits(count: int) -> str:
    return "1 request waits" if count == 1 else f"{count} requests wait"


def _span(since: datetime, reading: Reading) -> str:
    return rough_span(max(0.0, (reading.now - since).total_seconds()))


def _written(lead: str, waiting: Sequence[Approval], reading: Reading, news: Sequence[str] = ()) -> str:
    rows = [f"{number}. {_row(one, reading)}" for number, one in enumerate(waiting[:LISTED], 1)]
    if len(waiting) > LISTED:
        rows.append(f"and {len(waiting) - LISTED} more")
    return "\n\n".join([lead, *news, *rows, _END]) + "\n"


def _row(approval: Approval, reading: Reading) -> str:
    facts = [stakes(approval.policy), amount(approval), _until(approval, reading), f"asked by {_said(approval.agent)}"]
    asked = [_said(line) for line in question_lines(approval)]
    lines = [f"{asks(approval)} {_sentence(approval)}", *asked, " · ".join(part for part in facts if part)]
    return "\n   ".join([*lines, *(_package(approval) if approval.level is Level.HUMAN_TAKEOVER else ())])


def _until(approval: Approval, reading: Reading) -> str:
    clock = approval.clock
    if clock.paused_at is not None:
        return "deadline paused"
    ends = [moment for moment in (clock.due_at, clock.expires_at) if moment]
    if not ends:
        return "no deadline"
    end = min(ends)
    at = end.astimezone(ZoneInfo(reading.zone)).strftime("%a %d %b, %H:%M %Z")
    left = (end - reading.now).total_seconds()
    span = f"in {rough_span(left)}" if left > 0 else "now overdue"
    after = "then the next reviewer is asked" if end != clock.expires_at else SILENCE[approval.policy.on_timeout]
    return f"decide by {at} ({span}; {after})"


def _news(facts: AlertFacts | NoticeFacts, approval: Approval | None, reading: Reading) -> str:
    if isinstance(facts, AlertFacts):
        return f"* {_said(facts.title)}: {_said(facts.text, 1000)}"
    line = f"* {IN_WORDS[facts.notice]}"
    if approval is None:
        return line
    more = _package(approval) if facts.notice is Notice.TAKEOVER else ()
    return "\n   ".join([f"{line}: {_sentence(approval)}", f"asked by {_said(approval.agent)} ({approval.id})", *more])


def _package(approval: Approval) -> tuple[str, ...]:
    """What whoever takes over has to know, a line each, in the agent's words without its secrets."""
    redact = redactor_of(approval)
    return tuple(
        f"{said.short}: {'; '.join(_said(redact(text), said.chars) for text in said.texts[: said.items])}"
        for said in package(approval)
    )


def _sentence(approval: Approval) -> str:
    return _said(redactor_of(approval)(approval.sentence), 500)


def _said(text: str, most: int = 200) -> str:
    """Foreign words on one line: nothing hidden, nothing that a mail program would follow."""
    return _LINKED.sub(_JOINER, clip(visible(text), most))
