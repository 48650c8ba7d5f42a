"""Lists of approvals: what waits, for whom, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.render.asked_before import mark
from bot.render.blocks import Block, Button, render
from bot.render.buttons import button_value
from bot.render.facts import brief
from bot.render.labels import consequence, headline, mention, outcome_line, when
from bot.render.message import Message, block_ids, link_to, summary
from bot.render.visible_text import Mrkdwn, Shown, fill, notification
from policies.approval import Approval

ROWS = 10  # on one message


@dataclass(frozen=True, slots=True)
class Row:
    """One approval in a list."""

    text: Shown
    open: Button
    about: Mrkdwn


def rows(approvals: Sequence[Approval], links: Mapping[str, str] | None = None) -> list[Row]:
    """A row for each approval; `links` are the cards' permalinks by approval id."""
    return [
        Row(summary(found, 200, 360), Button("details", "Open", button_value(found)), _about(found, links or {}))
        for found in approvals
    ]


def _about(approval: Approval, links: Mapping[str, str]) -> Mrkdwn:
    sign, severity, _ = consequence(approval.policy)
    if approval.pending:
        who = mention(approval.assignee) if approval.assignee else brief(approval.role or "nobody", 60)
        line = fill("{sign} {severity} · {who}", sign=Mrkdwn(sign), severity=Mrkdwn(severity), who=who)
        if approval.clock.paused_at is not None:
            line = fill("{line} · waits for the agent's answer", line=line)
        elif approval.clock.due_at:
            line = fill("{line} · decide by {at}", line=line, at=when(approval.clock.due_at))
        asked = mark(approval)
        line = fill("{line} · {asked}", line=line, asked=asked) if asked else line
    else:
        line = fill("{sign} {line}", sign=Mrkdwn(headline(approval)[0]), line=outcome_line(approval))
    url = link_to(links.get(approval.id))
    line = fill("{line} · {url}", line=line, url=url) if url else line
    return fill("{line} · {id}", line=line, id=brief(approval.id, 40))


def queue_message(
    approvals: Sequence[Approval],
    *,
    title: str = "Waiting for a decision",
    total: int | None = None,
    links: Mapping[str, str] | None = None,
) -> Message:
    """A list for `/sayso queue`, `mine` and `show`; what does not fit on it is counted (`total`: all there are)."""
    shown = list(approvals[:ROWS])
    missing = max(total or 0, len(approvals)) - len(shown)
    tail = f"and {missing} more" if missing > 0 else None if shown else "Nothing here."
    blocks = listed(shown, "queue", header=title, tail=tail, links=links)
    return Message(blocks, notification(f"{title}: {max(total or 0, len(approvals))}"))


def listed(
    approvals: Sequence[Approval],
    name: str,
    *,
    header: str | None = None,
    tail: str | None = None,
    links: Mapping[str, str] | None = None,
) -> list[Block]:
    """The blocks of a list; `name` keeps the ids of several lists on one surface apart."""
    version = f"{name}-{sum(found.version for found in approvals)}"
    context = {"id": block_ids(version), "header": header, "rows": rows(approvals, links), "tail": tail}
    return list(render("queue", context))
