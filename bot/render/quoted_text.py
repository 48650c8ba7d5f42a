"""Words that are not ours, on cards: each in a quote under a label that says whose they are, within a given room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from bot.render.blocks import Block, render
from bot.render.options import numbered
from bot.render.redaction import Redactor, redactor_of
from bot.render.visible_text import Shown, clip, json_size, visible
from policies.approval import Approval

# Bytes of JSON around the texts of one group, around each item of a list, and around each line of a quote; a test measures them.
GROUP_COST, ITEM_COST, LINE_COST = 420, 110, 130
LEAST = 160  # bytes; less of a text is no use to anybody


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said: `texts` as they were said; on cards at most `items` of them, `chars` each.

    `label` stands above it in Details; `short` before it where it is one line of a quote.
    """

    label: str
    texts: tuple[str, ...]
    chars: int = 600
    items: int = 4
    quote: bool = False
    short: str = ""
    bullet: str = "  •  "


@dataclass(frozen=True, slots=True)
class Group:
    """What is shown of it, and in words what is not; `labels` are ours and stand in bold before the items of a quote."""

    label: str
    items: list[Shown]
    quote: bool
    more: str | None = None
    labels: list[str] = field(default_factory=list)


def agent_asks(approval: Approval) -> list[Said]:
    """The agent's question and what it offers to choose from: what a choice or an answer is about."""
    request = approval.request
    choices = request.choices or []
    counted = numbered([choice.label for choice in choices])
    offers = tuple(
        _choice(f"{at}. {choice.label}" if counted else choice.label, choice.detail)
        for at, choice in enumerate(choices, 1)
    )
    said = [
        Said("The agent asks", _one(request.question), 1200, 1, True, "The agent asks"),
        Said("The agent offers", offers, 300, 10, False, "The agent offers", "\n•  "),
    ]
    return [entry for entry in said if entry.texts]


QUESTION_CHARS, QUESTION_BYTES = 160, 240  # on one line of a list


def question_lines(approval: Approval, room: int = QUESTION_BYTES) -> list[Shown]:
    """The beginning of what the agent asks and offers, a line each: two requests of one action differ in nothing else."""
    redact = redactor_of(approval)
    return [
        clip(Shown(f"{said.short}: {' · '.join(visible(redact(text)) for text in said.texts)}"), QUESTION_CHARS, room)
        for said in agent_asks(approval)
    ]


REASON_CHARS = 80  # two lines on a phone


def briefly(approval: Approval) -> list[Said]:
    """The beginning of the agent's reason, on one line."""
    reason = " ".join(approval.request.reason.split())
    return [Said("", (reason,), REASON_CHARS, 1, True, "The agent says")] if reason else []


def agent_says(approval: Approval) -> list[Said]:
    """Everything the agent said about its request, what helps to decide first (docs/rules.md: D1)."""
    request = approval.request
    # Said of what it asked for, and not of what a person made of it.
    expected = "expected before the change" if approval.edited else "expects"
    said = [
        *agent_asks(approval),
        Said("The agent says", _one(request.reason), 900, 1, True),
        Said("The agent is unsure about", tuple(request.uncertainty_factors), 250, short="Unsure about"),
        Said("Risks, says the agent", tuple(request.risks), 250, short="Risks"),
        Said("The agent rates itself", _one(_self_report(approval)), 300, 1, True, "Rates itself"),
        Said("Alternatives, says the agent", tuple(request.alternatives), 250, short="Alternatives"),
        Said(f"The agent {expected}", _one(request.expected_outcome), 400, 1, True, expected.capitalize()),
        Said("Done so far, says the agent", tuple(request.completed_steps), 200, 5, short="Done so far"),
    ]
    return [entry for entry in said if entry.texts]


def _one(text: str | None) -> tuple[str, ...]:
    return (text,) if text and text.strip() else ()


def _choice(label: str, detail: str | None) -> str:
    return f"{label}: {detail}" if detail else label


def _self_report(approval: Approval) -> str | None:
    request = approval.request
    if request.confidence is None:
        return request.confidence_basis
    basis = f": {request.confidence_basis}" if request.confidence_basis else ""
    return f"{request.confidence:.0%} sure{basis}"


def exchange(approval: Approval) -> list[Said]:
    """The latest question to the agent and its answer, the others are in Details; and why people changed it."""
    said = [
        Said("The answer that was given so far", _one(vote.answer), 900, 1, True)
        for vote in approval.votes[:3]
        if vote.answer
    ]
    said += [Said("Whoever changed it says", _one(edit.note), 600, 1, True) for edit in approval.edits[-3:]]
    if approval.exchange:
        question, answer = approval.exchange[-1]
        said += [
            Said("A reviewer asked", _one(question), 500, 1, True),
            Said("The agent answered", _one(answer), 700, 1, True),
        ]
    if approval.info_request:
        said.append(Said("A reviewer asks the agent", _one(approval.info_request.text), 600, 1, True))
    return [entry for entry in said if entry.texts]


def exchange_in_full(approval: Approval) -> list[Said]:
    """Every question and answer, oldest first, for Details."""
    earlier = [
        Said(label, _one(text), quote=True)
        for question, answer in approval.exchange[:-1]
        for label, text in (("A reviewer asked", question), ("The agent answered", answer))
    ]
    return [entry for entry in [*earlier, *exchange(approval)] if entry.texts]


def person_says(approval: Approval) -> list[Said]:
    """What the person who decided wrote or chose, and what the agent then reported."""
    decision = approval.decision
    said = []
    if decision:
        chosen = [choice for choice in approval.request.choices or () if choice.id == decision.choice]
        said += [
            Said("The choice", _one(chosen[0].label if chosen else decision.choice), 400, 1, True),
            Said("The answer", _one(decision.answer), 900, 1, True),
            Said("Note", _one(None if decision.note in approval.why else decision.note), 900, 1, True),
            Said("Done by hand", tuple(decision.human_steps or ()), 250, 10),
        ]
    said.append(Said("The agent reports", _one(approval.outcome_detail), 600, 1, True))
    said += undo_says(approval)
    return [entry for entry in said if entry.texts]


def undo_says(approval: Approval) -> list[Said]:
    """Why a person undid it, and what the agent said of the roll-back."""
    undo = approval.undo
    if undo is None:
        return []
    said = [
        # Before it ran, the undoing is the decision, and its note stands there.
        Said("Why it was undone", _one(undo.note if approval.claimed_at else None), 900, 1, True),
        Said("The agent reports on the roll-back", _one(undo.reverted_detail), 600, 1, True),
    ]
    return [entry for entry in said if entry.texts]


def block(name: str, said: Iterable[Said], redact: Redactor, room: int) -> Block | None:
    """One rich_text block of at most `room` bytes, a group for each; what does not fit is said. None where nothing fits."""
    groups: list[Group] = []
    left, dropped = room - GROUP_COST, 0
    for entry in said:
        group, used = _fit(entry, redact, left)
        if group is None:
            dropped += 1
            continue
        groups.append(group)
        left -= used
    if groups and dropped:
        groups[-1] = replace(groups[-1], more=MORE)
    return words(name, groups) if groups else None


MORE = "There is more in Details."


def claims(
    name: str, lead: str, said: Iterable[Said], redact: Redactor, room: int, *, hint: bool = True
) -> Block | None:
    """The same as one quote under `lead`, a line for each: shorter, and every word of it the agent's but the bold labels.

    `hint` says where the rest is of what is cut.
    """
    items: list[Shown] = []
    labels: list[str] = []
    left, cut = room - 2 * GROUP_COST, False
    for entry in said:
        text, whole = _joined(entry, redact)
        label = f"{entry.short}: " if entry.short else ""
        if left - LINE_COST < LEAST:
            cut = True
            continue
        shown = clip(text, len(text), left - LINE_COST)
        cut = cut or not whole or shown != text
        items.append(shown)
        labels.append(label)
        left -= json_size(shown) + LINE_COST
    if not items:
        return None
    lines = [Shown(f"{item}\n") for item in items[:-1]] + items[-1:]
    return words(name, [Group(lead, lines, True, MORE if cut and hint else None, labels)])


def fits(said: Iterable[Said], redact: Redactor, room: int) -> bool:
    """Whether `claims` with these first shows each of them whole."""
    left = room - 2 * GROUP_COST
    for entry in said:
        text, whole = _joined(entry, redact)
        left -= json_size(text) + LINE_COST
        if not whole or left < 0:
            return False
    return True


def _joined(entry: Said, redact: Redactor) -> tuple[Shown, bool]:
    """All that is shown of an entry in one text, and whether that is all of it."""
    full = [visible(redact(text), lines=True) for text in entry.texts[: entry.items]]
    shown = [clip(text, entry.chars) for text in full]
    lead = entry.bullet if "\n" in entry.bullet else ""
    return Shown(lead + entry.bullet.join(shown)), shown == full and len(entry.texts) <= entry.items


def words(name: str, groups: list[Group]) -> Block:
    """The block itself."""
    value: Any = render("words", {"block_id": name, "groups": groups})
    return dict(value)


def _fit(entry: Said, redact: Redactor, left: int) -> tuple[Group | None, int]:
    used, items, cut = GROUP_COST, [], False
    for text in entry.texts[: entry.items]:
        room = left - used - ITEM_COST
        if room < LEAST:
            break
        full = visible(redact(text), lines=True)
        shown = clip(full, entry.chars, room)
        cut = cut or shown != full
        items.append(shown)
        used += json_size(shown) + ITEM_COST
    if not items:
        return None, 0
    return Group(entry.label, items, entry.quote, _more(len(entry.texts) - len(items), cut)), used


def _more(missing: int, cut: bool) -> str | None:
    if missing:
        return f"and {missing} more in Details"
    return "in full in Details" if cut else None


def in_full(said: Iterable[Said], redact: Redactor, chunk: int = 2800) -> list[list[Group]]:
    """Everything that was said, cut into pieces of at most `chunk` characters, for Details."""
    return [[group] for entry in said for group in _chunks(entry, redact, chunk)]


def _chunks(entry: Said, redact: Redactor, chunk: int) -> list[Group]:
    if entry.quote:
        text = visible(redact(entry.texts[0]), lines=True)
        parts = [Shown(text[at : at + chunk]) for at in range(0, len(text), chunk)]
        return [Group(_part(entry.label, index), [part], True, None) for index, part in enumerate(parts)]
    groups: list[Group] = []
    items: list[Shown] = []
    for item in entry.texts:
        whole = visible(redact(item), lines=True)
        for at in range(0, len(whole), chunk):
            piece = Shown(whole[at : at + chunk])
            if items and sum(map(len, items)) + len(piece) > chunk:
                groups.append(Group(_part(entry.label, len(groups)), items, False, None))
                items = []
            items.append(piece)
    groups.append(Group(_part(entry.label, len(groups)), items, False, None))
    return groups


def _part(label: str, index: int) -> str:
    return f"{label} (continued)" if index else label
