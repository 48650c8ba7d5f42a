"""Lists of approvals: what waits, for whom, and until when; what is plain in its row can be approved there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.render.asked_before import mark
from bot.render.blocks import Block, Button, render
from bot.render.buttons import button_value, wants_care
from bot.render.facts import brief
from bot.render.labels import Names, consequence, headline, nobody, outcome_line, person, when
from bot.render.message import Message, block_ids, link_to
from bot.render.parameters import listing
from bot.render.quoted_text import question_lines
from bot.render.redaction import redactor_of
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, notification, visible
from policies.approval import Approval
from policies.hidden import hidden_of, leaves_of
from policies.levels import Level

ROWS = 10  # on one message
SENTENCE = 200  # characters of a row's first line
ROW_BYTES = 300  # of the parameters under it; what has more is opened


@dataclass(frozen=True, slots=True)
class Row:
    """One approval in a list."""

    text: Shown
    button: Button | None
    about: Mrkdwn


@dataclass(frozen=True, slots=True)
class Section:
    """A list under a heading of its own; `mine` where it is the reader's turn, so that plain rows can be approved."""

    name: str
    header: str
    approvals: Sequence[Approval]
    tail: str | None = None
    mine: bool = False


def _row(approval: Approval, links: Mapping[str, str], names: Names, *, mine: bool) -> Row:
    whole, value = visible(redactor_of(approval)(approval.sentence)), button_value(approval)
    text = clip(whole, SENTENCE, 360)
    about = _about(approval, links.get(approval.id), names)
    told = _told_whole(approval) if mine and text == whole else None
    if told is None:
        return Row(Shown("\n".join([text, *question_lines(approval)])), Button("details", "Open", value), about)
    return Row(Shown(f"{text}\n{told}"), Button("approve", "Approve", value, "primary"), about)


def _told_whole(approval: Approval) -> Shown | None:
    """The parameters, where sentence and parameters are all there is to know before a yes; else None, and it is opened.

    Nothing that is grave or final, asks a question, was refused before, hides something or comes with a warning.
    """
    policy, request = approval.policy, approval.request
    if not approval.pending or policy.severity == "high" or policy.irreversible:
        return None
    warned = request.risks or request.uncertainty_factors or request.recommended_review or approval.again
    if request.kind != "confirm" or approval.level is Level.HUMAN_TAKEOVER or warned or approval.edits:
        return None
    if wants_care(approval) or hidden_of(approval).count or approval.info_request or approval.lacking:
        return None
    listed = listing(leaves_of(approval), ROW_BYTES)
    return listed.text if listed.complete else None


def _about(approval: Approval, link: str | None, names: Names) -> Mrkdwn:
    sign, severity, _ = consequence(approval.policy)
    if approval.pending:
        who = person(approval.assignee, names) if approval.assignee else brief(approval.role or "nobody", 60)
        line = fill("{sign} {severity} · {who}", sign=Mrkdwn(sign), severity=Mrkdwn(severity), who=who)
        if approval.clock.paused_at is not None:
            line = fill("{line} · waits for the agent's answer", line=line)
        elif approval.clock.due_at:
            line = fill("{line} · decide by {at}", line=line, at=when(approval.clock.due_at))
        asked = mark(approval)
        line = fill("{line} · {asked}", line=line, asked=asked) if asked else line
    else:
        line = fill("{sign} {line}", sign=Mrkdwn(headline(approval)[0]), line=outcome_line(approval, names=names))
    url = link_to(link)
    return fill("{line} · {url}", line=line, url=url) if url else line


def queue_message(
    approvals: Sequence[Approval],
    *,
    title: str = "Waiting for a decision",
    total: int | None = None,
    links: Mapping[str, str] | None = None,
) -> Message:
    """A list of somebody's own under one title; what does not fit on it is counted (`total`: all there are)."""
    missing = max(total or 0, len(approvals)) - len(approvals[:ROWS])
    tail = f"and {missing} more" if missing > 0 else None if approvals else "Nothing here."
    section = Section("queue", title, approvals[:ROWS], tail, mine=True)
    return Message(listed(section, links), notification(f"{title}: {max(total or 0, len(approvals))}"))


def lists(
    lead: str, sections: Sequence[Section], links: Mapping[str, str] | None = None, names: Names = nobody
) -> Message:
    """Several lists on one message under a line that says how much waits; the rows that fit in all are ROWS."""
    blocks: list[Block] = []
    first: str | None = lead
    room = ROWS
    for section in sections:
        shown = section.approvals[:room]
        room -= len(shown)
        missing = len(section.approvals) - len(shown)
        tail = section.tail or (f"and {missing} more" if missing else None)
        if shown or tail:
            part = Section(section.name, section.header, shown, tail, section.mine)
            blocks += listed(part, links, names, lead=first)
            first = None
    return Message(blocks, notification(lead))


def listed(
    section: Section, links: Mapping[str, str] | None = None, names: Names = nobody, *, lead: str | None = None
) -> list[Block]:
    """The blocks of a list under its heading, after `lead`; its name keeps the ids of several lists on one surface apart."""
    version = f"{section.name}-{sum(found.version for found in section.approvals)}"
    rows = [_row(found, links or {}, names, mine=section.mine) for found in section.approvals]
    context = {"id": block_ids(version), "lead": lead, "header": section.header, "rows": rows, "tail": section.tail}
    return list(render("queue", context))
