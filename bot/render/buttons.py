"""Which buttons a card offers, by state, kind and risk (docs/rules.md: C1; friction where an action cannot be undone)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.render.blocks import OPTION, Button, Confirm, Option, size
from bot.render.parameters import Listing
from bot.render.redaction import Redactor
from bot.render.visible_text import clip, visible
from policies.amounts import to_type, unreadable
from policies.approval import Approval
from policies.hidden import hidden_of
from policies.lifecycle import State
from policies.routing import Level

CHOICE_BUTTONS = 5
CHOICE_LABEL = 40  # characters of a label that still reads well on a button
CHOOSE_BYTES = 2600  # of buttons or options on the card; more open a modal
SENTENCE_IN_DIALOG = 300
# A choice and an answer are a yes to the action, and the control that sends them says so (at most 24 characters).
WITH_CHOICE, WITH_ANSWER = "Approve with this choice", "Approve with this answer"


@dataclass(frozen=True, slots=True)
class Select:
    """A menu of choices; picking one asks once more."""

    options: list[Option]
    confirm: Confirm


@dataclass(frozen=True, slots=True)
class Controls:
    """What can be pressed: rows of buttons, and perhaps a menu above them."""

    rows: list[list[Button]]
    select: Select | None = None


def button_value(approval: Approval) -> str:
    """What every button carries: the approval and the digest that its reviewer saw (docs/rules.md: I7)."""
    return f"{approval.id}|{approval.digest}"


def read_value(value: str) -> tuple[str, str]:
    """(approval id, digest) of a button's value; the digest is empty where there is none."""
    approval_id, _, digest = value.partition("|")
    return approval_id, digest


def types_amount(approval: Approval) -> bool:
    """Whether the amount has to be typed before saying yes, in whatever form (confirm_amount_above_usd)."""
    return to_type(approval.policy, approval.params) is not None


def wants_care(approval: Approval) -> bool:
    """Whether no tap alone may approve it: the amount has to be typed, or cannot be read to say whether it has to."""
    policy = approval.policy
    if policy is None or policy.confirm_amount_above_usd is None:
        return False
    return types_amount(approval) or unreadable(policy, approval.params) is not None


def full_view_first(approval: Approval, listed: Listing, sentence: str) -> bool:
    """Whether Approve opens the full view: something did not fit, or the amount wants care."""
    return not listed.complete or len(visible(sentence)) > SENTENCE_IN_DIALOG or wants_care(approval)


def show_hidden(approval: Approval) -> Button:
    """Opens what the card hides, for those who may decide."""
    return Button("show_hidden", "Show hidden", button_value(approval))


Press = Callable[..., Button]


def controls(
    approval: Approval, sentence: str, redact: Redactor, *, full_view: bool, undo_until: datetime | None
) -> Controls:
    """The controls of a card in its present state; dead cards have none."""

    def press(action: str, label: str, style: str | None = None, confirm: Confirm | None = None) -> Button:
        return Button(action, label, button_value(approval), style, confirm)

    hidden = hidden_of(approval)
    shows = [show_hidden(approval)] if hidden.count else []
    if approval.state is State.TAKEN_OVER:
        return Controls([[press("hand_back", "Hand back", "primary"), *shows]])
    if undo_until is not None:
        return Controls([[press("undo", "Undo")]])
    if not approval.pending:
        return Controls([])
    reject, details = press("reject", "Reject", "danger"), press("details", "Details")
    if approval.level is Level.HUMAN_TAKEOVER:
        take_over = press("take_over", "Take over", "primary")
        return Controls([[take_over, reject, details], [*_rest(approval, press, take_over=False), *shows]])
    if approval.request.kind == "choose":
        # In a row of their own: their labels are the agent's words and must not stand among our verbs.
        chosen, select = _choosing(approval, sentence, redact, full_view, press)
        return Controls([*([chosen] if chosen else []), [reject, details, *_rest(approval, press), *shows]], select)
    if approval.request.kind == "input":
        answer = press("answer", "Answer & approve", "primary")
        return Controls([[answer, reject, details], [*_rest(approval, press), *shows]])
    dialog = Confirm("This cannot be undone", sentence, "Approve") if _final(approval) and not full_view else None
    approve = press("approve", "Review & approve" if full_view or hidden.by_pattern else "Approve", "primary", dialog)
    return Controls([[approve, reject, press("edit", "Edit"), details], [*_rest(approval, press), *shows]])


def _rest(approval: Approval, press: Press, *, take_over: bool = True) -> list[Button]:
    row = [] if approval.info_request else [press("request_info", "Ask the agent")]
    if take_over:
        row.append(press("take_over", "Take over"))
    return [*row, press("escalate", "Escalate")]


def _final(approval: Approval) -> bool:
    """Whether nothing takes it back; what no policy describes counts as such."""
    return approval.policy is None or approval.policy.irreversible


def _choosing(
    approval: Approval, sentence: str, redact: Redactor, full_view: bool, press: Press
) -> tuple[list[Button], Select | None]:
    """Buttons where they are few and short, a menu where it fits, else a button that opens all of them."""
    choices = approval.request.choices or []
    options = [Option(choice.id, redact(choice.label)) for choice in choices]
    longest = max(len(visible(item.label)) for item in options)
    opens_all = press("choose", "Choose & approve…", "primary")
    if full_view or longest > OPTION:
        return [opens_all], None
    title = "This cannot be undone" if _final(approval) else "Approve with this choice?"
    dialog = Confirm(title, sentence, WITH_CHOICE)
    if len(options) <= CHOICE_BUTTONS and longest <= CHOICE_LABEL:
        ask = dialog if _final(approval) else None
        buttons = [press(f"choose:{item.value}", f"Approve with: {item.label}", None, ask) for item in options]
        if sum(map(_button_bytes, buttons)) <= CHOOSE_BYTES:
            return buttons, None
    if sum(size([item.value, item.label]) + 90 for item in options) <= CHOOSE_BYTES:
        return [], Select(options, dialog)
    return [opens_all], None


def _button_bytes(item: Button) -> int:
    """An upper bound of a button's JSON."""
    texts = [item.action, item.label, item.value]
    if item.confirm:
        texts += [item.confirm.title, clip(visible(item.confirm.text), SENTENCE_IN_DIALOG)]
    return size(texts) + (420 if item.confirm else 160)
