"""Similar low-severity requests on one screen, at most ten, each with its exact parameters (D4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.blocks import Button, Option, render
from bot.buttons import button_value
from bot.message import Message, block_ids, summary
from bot.parameters import leaves_of, listing
from bot.visible_text import Mrkdwn, Shown, clip, fill, notification, visible
from bot.wording import headline, mention, outcome_line, when
from policies.approval import Approval
from policies.manifest import Severity

BATCH = 10
ITEM_BYTES, SENTENCE_BYTES, LABEL_BYTES = 300, 200, 70


@dataclass(frozen=True, slots=True)
class Item:
    """One request on the batch card; `outcome` where it is no longer open."""

    text: Shown
    details: Button
    outcome: Mrkdwn | None


def batchable(approval: Approval) -> bool:
    """Whether it may share a screen: its manifest says so, it is low, waits for a plain yes or no, and fits there whole."""
    policy = approval.policy
    if policy is None or not policy.batch or policy.severity is not Severity.LOW or not approval.pending:
        return False
    if approval.request.kind != "confirm" or approval.info_request is not None:
        return False
    return listing(leaves_of(approval), ITEM_BYTES).complete and _whole(approval)


def _whole(approval: Approval) -> bool:
    return summary(approval, 600) == summary(approval, 200, SENTENCE_BYTES)


def batch_card(approvals: Sequence[Approval]) -> Message:
    """The card of up to ten approvals of one action; those that are settled show how. Raises ValueError for more or none."""
    if not 0 < len(approvals) <= BATCH:
        raise ValueError(f"a batch holds 1 to {BATCH} approvals")
    open_ones = [approval for approval in approvals if batchable(approval)]
    title = clip(visible(approvals[0].title), 100, 400)
    context = {
        "id": block_ids(sum(approval.version for approval in approvals)),
        "header": Shown(f"{title}: {len(approvals)} requests"),
        "lead": _lead(approvals, open_ones),
        "items": [_item(number, approval) for number, approval in enumerate(approvals, 1)],
        "options": [_option(number, approval) for number, approval in enumerate(approvals, 1) if approval in open_ones],
        "buttons": _buttons(open_ones),
        "origin": f"policy {approvals[0].policy_version[:20]} · Details shows everything about one request",
    }
    ids = ",".join(approval.id for approval in approvals)
    text = notification(f"{len(open_ones)} of {len(approvals)} low-severity requests wait: {title}")
    return Message(render("batch", context), text, {"event_type": "sayso_card", "event_payload": {"approval_ids": ids}})


def _lead(approvals: Sequence[Approval], open_ones: Sequence[Approval]) -> Mrkdwn:
    if not open_ones:
        return Mrkdwn("All of these are decided.")
    asked = sorted({approval.assignee for approval in open_ones if approval.assignee})
    who = Mrkdwn(" ".join(mention(user) for user in asked)) or Mrkdwn("Anyone of the role")
    dues = [approval.clock.due_at for approval in open_ones if approval.clock.due_at]
    line = fill("🟢 {who}, {count} of {all} wait for you", who=who, count=len(open_ones), all=len(approvals))
    line = fill("{line} · decide by {at}", line=line, at=when(min(dues))) if dues else line
    return fill("{line}\nTick those you decide on, then approve or reject them together.", line=line)


def _item(number: int, approval: Approval) -> Item:
    listed = listing(leaves_of(approval), ITEM_BYTES)
    lines = [
        f"{number}. {summary(approval, 200, SENTENCE_BYTES)}",
        listed.text,
        *([listed.remainder] if listed.remainder else []),
    ]
    return Item(Shown("\n".join(lines)), Button("details", "Details", button_value(approval)), _outcome(approval))


def _outcome(approval: Approval) -> Mrkdwn | None:
    if not approval.pending:
        return fill("{sign} {line}", sign=Mrkdwn(headline(approval)[0]), line=outcome_line(approval))
    if approval.info_request is not None:
        return Mrkdwn("⏸️ Waits for the agent's answer")
    return None if batchable(approval) else Mrkdwn("Cannot be decided together with others: it has its own card")


def _option(number: int, approval: Approval) -> Option:
    return Option(approval.id, f"{number}. {summary(approval, 60, LABEL_BYTES)}")


def _buttons(open_ones: Sequence[Approval]) -> list[Button]:
    value = batch_value(open_ones)
    return [
        Button("batch_approve", "Approve", value, "primary"),
        Button("batch_reject", "Reject", value, "danger"),
    ]


def batch_value(approvals: Sequence[Approval]) -> str:
    """What the batch buttons carry: every open approval with the digest its reviewer saw."""
    return ",".join(button_value(approval) for approval in approvals)


def read_batch_value(value: str) -> dict[str, str]:
    """Approval id to digest, as a batch button carries them."""
    pairs = (item.partition("|") for item in value.split(",") if item)
    return {approval_id: digest for approval_id, _, digest in pairs}
