"""What the record remembers of requests like this one, in a line each, where it helps to decide."""

from __future__ import annotations

from bot.render.facts import brief
from bot.render.labels import Names, person
from bot.render.redaction import Redactor
from bot.render.visible_text import Mrkdwn, clip, fill, visible
from policies.approval import Approval
from policies.memory import LEAST_APPROVED, MOST_OF_TARGET, Memory


def remembers(memory: Memory, names: Names) -> list[Mrkdwn]:
    """The lines; none where nothing of it helps."""
    return [line for line in (_target(memory), _people(memory, names)) if line]


NOTE_CHARS = 240  # six lines on a phone


def handed_on(approval: Approval, memory: Memory, redact: Redactor, names: Names) -> Mrkdwn | None:
    """Why it is theirs now: who passed it on or did not decide in time, as whom they are asked, and what was said of it."""
    handover = memory.handover
    if handover is None:
        return None
    further = brief(approval.role, 60) if approval.role and approval.role != approval.policy.role else None
    if handover.late is not None:
        line = fill("➡️ {who} did not decide in time", who=person(handover.late, names))
        return fill("{line}; {role} is asked now", line=line, role=further) if further else line
    line = fill("➡️ *Passed on* by {who}", who=person(handover.by or "", names))
    line = fill("{line} to {role}", line=line, role=further) if further else line
    note = " ".join(redact(handover.note or "").split())
    return fill("{line}: “{note}”", line=line, note=brief(note, NOTE_CHARS)) if note else line


def _target(memory: Memory) -> Mrkdwn | None:
    if not memory.of_target:
        return None
    which = f"{MOST_OF_TARGET}th or later" if memory.of_target >= MOST_OF_TARGET else ordinal(memory.of_target + 1)
    target = clip(visible(memory.target), 40, 120)
    return fill("🔁 {which} request for this {target} in 24 hours", which=which, target=target)


def _people(memory: Memory, names: Names) -> Mrkdwn | None:
    user, count = memory.approved[0] if memory.approved else ("", 0)
    refused = sum(times for _, times in memory.rejected)
    if count < LEAST_APPROVED:
        return None
    line = fill("🗂️ {who} approved {count} of these this week", who=person(user, names), count=count)
    if not refused:
        return line
    return fill("{line}; {refused} rejected", line=line, refused=refused)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
