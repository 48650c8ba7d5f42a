"""Screens of several requests: a batch of low ones, decided together or one by one, and a digest of a burst (docs/rules.md: D4).

Each entry shows what became of it, and what can no longer be decided has no button. In a batch, requests for exactly
the same are one entry, whoever asks; each is still decided and recorded by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.render.blocks import MESSAGE_BYTES, VALUE, Button, Confirm, Option, render, size
from bot.render.buttons import button_value, wants_care
from bot.render.labels import Names, assignee, consequence, due, headline, mention, nobody, outcome_line, when
from bot.render.message import Message, block_ids, summary
from bot.render.parameters import Listing, listing, remainder
from bot.render.quoted_text import question_lines
from bot.render.redaction import redactor_of
from bot.render.told import told_by_sentence
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, notification, visible
from policies.approval import Approval
from policies.batching import lines_of, simple
from policies.files.policy import Reversibility, unknown
from policies.hidden import hidden_of, leaves_of
from policies.kinds import Kind
from policies.levels import Level
from policies.lifecycle import State
from policies.silence import approves

BATCH = 10
DIGEST = 8  # requests of a digest: each with its own buttons, and Slack takes no longer message
MOST = 20  # requests of a batch, where several are one entry
SPARE_BYTES = 600  # of a message, for what is said later of requests that are on it
ITEM_BYTES, SENTENCE_BYTES, LABEL_BYTES = 300, 200, 70
REASON_CHARS, REASON_BYTES = 80, 160
NAMES = 3  # agents of one entry that are named
Moved = Mapping[str, str | None]
"""Approvals that went on to a card of their own, and whose turn it is there."""
_NOBODY: Final[Moved] = {}


@dataclass(frozen=True, slots=True)
class Item:
    """One request on the screen; `details` where it can still be acted on, `about` where there is more to say of it.

    `approve` where the entry shows all that its own card would: a yes costs no more taps here than there.
    """

    text: Shown
    details: Button | None
    about: Mrkdwn | None
    approve: Button | None = None


def batchable(approval: Approval) -> bool:
    """Whether it may be decided with others: simple, no amount to type, and all of it is there to be seen."""
    if not simple(approval) or wants_care(approval) or hidden_of(approval).by_pattern:
        return False
    return listing(leaves_of(approval), ITEM_BYTES).complete and _whole(approval)


def _whole(approval: Approval) -> bool:
    return summary(approval, 600) == summary(approval, 200, SENTENCE_BYTES)


def is_batch(approvals: Sequence[Approval], *, further: int = 0) -> bool:
    """Whether these, and `further` entries, are a batch that Slack takes."""
    if not approvals or len(approvals) + further > MOST or len(lines_of(approvals)) + further > BATCH:
        return False
    if len(batch_value(approvals)) > VALUE:
        return False
    return len(approvals) == 1 or size(batch_card(approvals).blocks) <= MESSAGE_BYTES - SPARE_BYTES


def batch_card(
    approvals: Sequence[Approval], moved: Moved = _NOBODY, asked: Sequence[str] = (), names: Names = nobody
) -> Message:
    """The card of up to ten low requests, `asked` mentioned. Raises ValueError for more or none."""
    still = _deciding(approvals, moved)
    titles = {approval.title for approval in approvals}
    title = clip(visible(titles.pop()), 100, 400) if len(titles) == 1 else Shown("Low severity")
    header = Shown(f"{title}: {len(approvals)} requests")
    who = Mrkdwn(" ".join(map(mention, asked))) or (assignee(still[0], "Anyone of the role") if still else Mrkdwn(""))
    lead = fill("🟢 {who}, {count} of {all} wait for you", who=who, count=len(still), all=len(approvals))
    dues = [approval.clock.due_at for approval in still if approval.clock.due_at]
    lead = fill("{lead} · {due}", lead=lead, due=due(min(dues))) if dues else lead
    agents = {approval.agent for approval in approvals}
    lines = lines_of(approvals)
    items = [_line(number, line, moved, names, told=len(agents) > 1) for number, line in enumerate(lines, 1)]
    options = [
        _option(number, line[0]) for number, line in enumerate((_deciding(line, moved) for line in lines), 1) if line
    ]
    named = [line for line in lines if _deciding(line, moved)] if still else lines
    what = " · ".join(summary(line[0], 60, 240) for line in named)
    text = f"Approve {len(still)}? {what}" if still else f"{len(approvals)} low-severity requests: {what}"
    return _screen(approvals, moved, header, lead, items, options, text)


def digest_card(approvals: Sequence[Approval], moved: Moved = _NOBODY, names: Names = nobody) -> Message:
    """The card of up to ten waiting approvals of one risk, whatever they ask for: each opens in full to be decided."""
    waiting = [approval for approval in approvals if _waits(approval, moved)]
    sign, severity, undo = consequence(approvals[0].policy if approvals else unknown(""))
    header = Shown(f"{sign} {severity}, {undo[0].lower()}{undo[1:]}: {len(approvals)} requests")
    lead = fill("{count} of {all} wait. Each is decided by itself.", count=len(waiting), all=len(approvals))
    items = [_entry(number, approval, moved, names) for number, approval in enumerate(approvals, 1)]
    open_ones = _deciding(approvals, moved)
    options = [_option(number, one) for number, one in enumerate(approvals, 1) if one in open_ones]
    each = " · ".join(summary(one, 60, 240) for one in waiting)
    text = (
        f"Decide {len(waiting)}? {each} · {undo[0].lower()}{undo[1:]}"
        if waiting
        else f"{len(approvals)} requests are decided"
    )
    message = _screen(approvals, moved, header, lead, items, options, text)
    while size(message.blocks) > MESSAGE_BYTES and any(item.approve for item in items):
        # Slack takes no more: the last of them is opened first.
        at = max(number for number, item in enumerate(items) if item.approve)
        items[at] = replace(items[at], approve=None)
        message = _screen(approvals, moved, header, lead, items, options, text)
    return message


def _screen(
    approvals: Sequence[Approval],
    moved: Moved,
    header: Shown,
    lead: Mrkdwn,
    items: list[Item],
    options: list[Option],
    text: str,
) -> Message:
    if not 0 < len(items) <= BATCH or len(approvals) > MOST:
        raise ValueError(f"a screen holds 1 to {BATCH} entries")
    open_ones = _deciding(approvals, moved)
    agents = sorted({str(clip(visible(approval.agent), 40, 120)) for approval in approvals})
    version = f"{sum(approval.version for approval in approvals)}-{len(moved)}"
    context: dict[str, Any] = {
        "id": block_ids(version),
        "header": header,
        "lead": _lead(approvals, moved, lead, open_ones),
        "items": items,
        "options": options,
        "buttons": _buttons(open_ones),
        "origin": clip(Shown(f"Asked by {', '.join(agents)}"), 300, 900),
    }
    ids = ",".join(approval.id for approval in approvals)
    metadata = {"event_type": "sayso_card", "event_payload": {"approval_ids": ids}}
    return Message(render("batch", context), notification(Shown(text)), metadata)


def _lead(approvals: Sequence[Approval], moved: Moved, lead: Mrkdwn, open_ones: Sequence[Approval]) -> Mrkdwn:
    if not any(_waits(approval, moved) for approval in approvals):
        return Mrkdwn("Nothing here waits any more.") if moved else Mrkdwn("All of these are decided.")
    if not open_ones:
        return lead
    if len(open_ones) == 1:
        return lead
    return fill("{lead}\nTick some to decide only those.", lead=lead)


def _waits(approval: Approval, moved: Moved) -> bool:
    return approval.pending and approval.id not in moved


def _deciding(approvals: Sequence[Approval], moved: Moved) -> list[Approval]:
    return [approval for approval in approvals if approval.id not in moved and batchable(approval)]


def _line(number: int, line: Sequence[Approval], moved: Moved, names: Names, *, told: bool) -> Item:
    """An entry of a batch: one request, or several for exactly the same; `told` where the agents are to be named."""
    waiting = [approval for approval in line if _waits(approval, moved)]
    item = _item(number, (waiting or line)[0], moved, names)
    notes = [item.about] if len(line) == 1 else [_counted(line, moved)]
    if told or len(line) > 1:
        notes.append(_agents(line))
    notes += [_caution(approval) for approval in waiting[:1]]
    about = [note for note in notes if note]
    return Item(item.text, item.details, Mrkdwn(" · ".join(about)) if about else None)


def _counted(line: Sequence[Approval], moved: Moved) -> Mrkdwn:
    """How many requests one entry stands for, and what became of those that do not wait here."""
    other = Counter(
        headline(approval) if not approval.pending else ("➡️", "Elsewhere")
        for approval in line
        if not _waits(approval, moved)
    )
    asked = [fill("Asked {count} times", count=len(line))]
    return Mrkdwn(" · ".join([*asked, *(f"{sign} {words}: {count}" for (sign, words), count in other.items())]))


def _agents(line: Sequence[Approval]) -> Mrkdwn:
    names = list(dict.fromkeys(str(clip(visible(approval.agent), 40, 120)) for approval in line))
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return fill("asked by {names}", names=", ".join(names[:NAMES]) + more)


def _caution(approval: Approval) -> Mrkdwn | None:
    """What sets one request of a batch apart from the others."""
    if approves(approval) and approval.expires_at is not None:
        return fill("approved automatically {at}", at=when(approval.expires_at))
    return Mrkdwn("can be undone only in part") if approval.policy.reversibility is Reversibility.PARTIALLY else None


def _item(number: int, approval: Approval, moved: Moved, names: Names) -> Item:
    """An entry with the parameters that its sentence does not tell, as long as it waits here."""
    about = _outcome(approval, moved, names)
    sentence = summary(approval, 200, SENTENCE_BYTES)
    lines = [f"{number}. {sentence}"]
    if _waits(approval, moved):
        listed = _untold(approval, sentence)
        rest = remainder(approval, listed)
        lines += [*([listed.text] if listed.total else []), *([rest] if rest else [])]
    if about is None and not batchable(approval):
        about = Mrkdwn("Cannot be decided together with others: open it")
    return Item(Shown("\n".join(lines)), _details(approval, moved, "Details"), about)


def _entry(number: int, approval: Approval, moved: Moved, names: Names) -> Item:
    """An entry of a digest: its sentence and whose turn it is; with its parameters where it can be decided here."""
    if approval.id not in moved and batchable(approval):
        item = _item(number, approval, moved, names)
        return Item(item.text, item.details, _turn(approval))
    sentence = summary(approval, 200, 360)
    about, opens = _outcome(approval, moved, names) or _turn(approval), _details(approval, moved, "Open")
    lines = _all_of(approval, sentence) if _waits(approval, moved) else None
    if lines is None:
        return Item(Shown("\n".join([f"{number}. {sentence}", *question_lines(approval)])), opens, about)
    return Item(Shown("\n".join([f"{number}. {sentence}", *lines])), opens, about, _approve(approval, sentence))


def _all_of(approval: Approval, sentence: Shown) -> list[str] | None:
    """Everything that its own card would show of a request, in a few lines; None where it has to be opened for that."""
    if (
        approval.request.kind != Kind.CONFIRM.value
        or approval.level is Level.HUMAN_TAKEOVER
        or approval.again is not None
    ):
        return None
    if approval.edited or approval.votes or approval.info_request or hidden_of(approval).count or wants_care(approval):
        return None
    listed = _untold(approval, sentence)
    if sentence != visible(redactor_of(approval)(approval.sentence)) or not listed.complete:
        return None
    reason = clip(visible(redactor_of(approval)(" ".join(approval.request.reason.split()))), REASON_CHARS, REASON_BYTES)
    return [*([listed.text] if listed.total else []), *([f"The agent says: “{reason}”"] if reason else [])]


def _untold(approval: Approval, sentence: Shown) -> Listing:
    """The parameters that the sentence, as it stands here, does not tell."""
    found = leaves_of(approval)
    told = told_by_sentence(approval, found, sentence)
    return listing([leaf for leaf in found if leaf.path and leaf.path not in told], ITEM_BYTES)


def _approve(approval: Approval, sentence: Shown) -> Button:
    """A yes with the friction of its own card."""
    dialog = Confirm("This cannot be undone", sentence, "Approve") if approval.policy.irreversible else None
    return Button("approve", "Approve", button_value(approval), "primary", dialog)


def _details(approval: Approval, moved: Moved, label: str) -> Button | None:
    here = _waits(approval, moved) or approval.state is State.TAKEN_OVER
    return Button("details", label, button_value(approval)) if here else None


def _turn(approval: Approval) -> Mrkdwn:
    who = assignee(approval, "Anyone of the role")
    ends = approval.clock.due_at
    given = fill(" · {count} yes so far", count=len(approval.votes)) if approval.votes else Mrkdwn("")
    return fill("{who} · {due}{given}", who=who, due=due(ends), given=given) if ends else who


def _outcome(approval: Approval, moved: Moved, names: Names) -> Mrkdwn | None:
    """What became of it; None while it waits here for a plain decision."""
    if not approval.pending:
        return fill("{sign} {line}", sign=Mrkdwn(headline(approval)[0]), line=outcome_line(approval, names=names))
    if approval.id in moved:
        target = moved[approval.id]
        who = fill(" with {who}", who=mention(target)) if target else Mrkdwn("")
        return fill("➡️ Has a card of its own{who}", who=who)
    return Mrkdwn("⏸️ Waits for the agent's answer") if approval.info_request is not None else None


def _option(number: int, approval: Approval) -> Option:
    return Option(approval.id, Shown(f"{number}. {summary(approval, 60, LABEL_BYTES)}"))


def _buttons(open_ones: Sequence[Approval]) -> list[Button]:
    value, all_of = batch_value(open_ones), f" all {len(open_ones)}" if len(open_ones) > 1 else ""
    return [
        Button("batch_approve", f"Approve{all_of}", value, "primary"),
        Button("batch_reject", f"Reject{all_of}", value, "danger"),
    ]


def batch_value(approvals: Sequence[Approval]) -> str:
    """What the batch buttons carry: every open approval with the digest its reviewer saw."""
    return ",".join(button_value(approval) for approval in approvals)


def read_batch_value(value: str) -> dict[str, str]:
    """Approval id to digest, as a batch button carries them."""
    pairs = (item.partition("|") for item in value.split(",") if item)
    return {approval_id: digest for approval_id, _, digest in pairs}
