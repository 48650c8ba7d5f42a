"""A standing approval in words: who, what stays the same, what may differ, until when, how many and how much. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bot.render.blocks import Block, Button, Option, render
from bot.render.facts import brief
from bot.render.labels import Names, called, headline, nobody, person, when
from bot.render.message import Message, block_ids, summary
from bot.render.parameters import path_text, value_text
from bot.render.queues import Row
from bot.render.visible_text import Mrkdwn, Shown, fill, notification, visible
from policies import paths
from policies.approval import Approval
from policies.hidden import leaves_of
from policies.standing import BY_HAND, Place, Standing

LATELY = 5  # uses that are named on the counting message
MINUTE, HOUR, DAY = 60, 3600, 86_400
CHOICES = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY)


class Listed(Protocol):
    """One that holds, with the request it was given with, its giver's name, and whether whoever looks may end it."""

    @property
    def one(self) -> Standing: ...
    @property
    def approval(self) -> Approval: ...
    @property
    def by(self) -> str: ...
    @property
    def may_end(self) -> bool: ...


def who(one: Standing) -> Mrkdwn:
    """Whose requests it covers."""
    where = fill("session {name}", name=brief(one.session_id, 60)) if one.session_id else Mrkdwn("all its sessions")
    said = fill("{agent} · {where}", agent=brief(one.agent, 80), where=where)
    return fill("{said} · for {whom}", said=said, whom=brief(one.principal, 80)) if one.principal else said


def same_lines(one: Standing, approval: Approval) -> Shown:
    """Every value that has to stay exactly as it was."""
    held = [paths.steps(same.path) for same in one.same]
    found = (leaf for leaf in leaves_of(approval) if any(paths.covers(steps, leaf.path) for steps in held))
    return Shown("\n".join(f"{path_text(leaf.path)} = {value_text(leaf)}" for leaf in found) or "(nothing)")


def free_lines(one: Standing) -> Shown:
    """Every parameter whose value may be another, by name and sort."""
    return Shown("\n".join(f"{place_text(free.place)} ({free.sort.value})" for free in one.free) or "(nothing)")


def place_text(place: Place) -> Shown:
    """A place as `path_text` writes it, [*] for any place in a list."""
    named = "".join(
        "[*]" if step is None else str(path_text((step,))) if not at else f".{path_text((step,))}".replace(".[", "[")
        for at, step in enumerate(place)
    )
    return Shown(named)


def span(seconds: int) -> str:
    """So many seconds as people say them."""
    for size, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {word}" if count == 1 else f"{count} {word}s"
    return f"{seconds} second" if seconds == 1 else f"{seconds} seconds"


def spans(most: int) -> list[Option]:
    """How long it may hold: the usual lengths within `most` seconds, and `most` itself."""
    return [Option(str(seconds), span(seconds)) for seconds in (*(one for one in CHOICES if one < most), most)]


def counting_message(
    one: Standing, approval: Approval, uses: Sequence[Approval], by: str, names: Names = nobody
) -> Message:
    """The one message that counts its uses, with the button that ends it while it holds."""
    title = brief(approval.title, 120)
    if one.ended_at is None:
        words = "🔁 *Standing approval: {title}*\n*{so_far}* used · until {until} · given by {by}"
    else:
        words = "⏹️ *Standing approval ended: {title}*\n*{so_far}* used · {why}, {until} · given by {by}"
    lead = fill(
        words,
        title=title,
        so_far=Mrkdwn(one.so_far),
        until=when(one.ended_at or one.until),
        why=_why(one, names),
        by=called(by),
    )
    end = () if one.ended_at else (Button("end_standing", "End now", one.id, "danger"),)
    context: dict[str, Any] = {
        "id": block_ids(f"standing-{one.uses}-{'over' if one.ended_at else 'on'}"),
        "lead": lead,
        "sentence": None,
        "parameters": _terms(one, approval, uses),
        "remainder": None,
        "why": None,
        "buttons": end,
        "small": [who(one)],
    }
    blocks = [block for block in render("notice", context) if "slot" not in block]
    said = "Standing approval ended" if one.ended_at else "Standing approval"
    return Message(blocks, notification(f"{said}: {visible(approval.title)}, {one.so_far} used"))


def _why(one: Standing, names: Names) -> Mrkdwn:
    """Why it ended, and who ended it where that was a person."""
    why = Mrkdwn("ended") if one.ended_why == BY_HAND else brief(one.ended_why or "", 200)
    by_person = one.ended_by is not None and one.ended_by[:1] in ("U", "W")
    return fill("{why} by {by}", why=why, by=person(one.ended_by, names)) if one.ended_by and by_person else why


def _terms(one: Standing, approval: Approval, uses: Sequence[Approval]) -> Shown:
    parts = ["Must stay the same:", same_lines(one, approval), "May differ:", free_lines(one)]
    if uses:
        parts += [f"Ran by it{f', the last {len(uses)}' if one.uses > len(uses) else ''}:", *map(_use, uses)]
    return Shown("\n".join(parts))


def _use(approval: Approval) -> str:
    _, word = headline(approval)
    return f"{approval.created_at:%H:%M} UTC  {summary(approval, 100, 240)} ({'not run yet' if approval.granted else word.lower()})"


def rows(found: Sequence[Listed], *, named: bool) -> list[Row]:
    """A row for each, as the home tab and `/sayso standing` show them; its button only for those who may end it."""
    return [Row(_sentence(each), _end(each), use_line(each, named=named)) for each in found]


def _sentence(each: Listed) -> Shown:
    return summary(each.approval, 200, 360)


def _end(each: Listed) -> Button | None:
    return Button("end_standing", "End now", each.one.id, "danger") if each.may_end else None


def use_line(each: Listed, *, named: bool = False) -> Mrkdwn:
    """How much of it was used, whose it is, and until when; `named` with the id by which a command ends it."""
    said = fill(
        "🔁 {so_far} used · {who} · until {until} · given by {by}",
        so_far=Mrkdwn(each.one.so_far),
        who=who(each.one),
        until=when(each.one.until),
        by=called(each.by),
    )
    return fill("{said} · {id}", said=said, id=brief(each.one.id, 40)) if named else said


def list_blocks(
    found: Sequence[Listed], name: str, header: str | None = None, tail: str | None = None, *, named: bool = False
) -> list[Block]:
    """The blocks of a list of them."""
    version = f"{name}-{sum(each.one.uses for each in found)}"
    context = {"id": block_ids(version), "lead": None, "header": header, "rows": rows(found, named=named), "tail": tail}
    return list(render("queue", context))
