"""How what a person can do stands on a card: rows of buttons, and friction where an action cannot be undone (docs/rules.md: C1).

Which buttons there are is told by the acts (bot/acts), each of which draws its own; here they get their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.render.blocks import Button, Confirm, Option
from bot.render.parameters import Listing
from bot.render.redaction import Redactor
from bot.render.visible_text import visible
from policies.amounts import to_type, unreadable
from policies.approval import Approval
from policies.kinds import Kind
from policies.routing import Level

SENTENCE_IN_DIALOG = 300


@dataclass(frozen=True, slots=True)
class Select:
    """A menu of choices; picking one asks once more."""

    options: list[Option]
    confirm: Confirm


@dataclass(frozen=True, slots=True)
class Choices:
    """What is picked rather than pressed: buttons in a row of their own, since their labels are the agent's words, or a menu."""

    buttons: list[Button]
    select: Select | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """What can be pressed: rows of buttons, perhaps a menu above them, and what a card keeps `behind` ⋯."""

    rows: list[list[Button]]
    select: Select | None = None
    behind: list[Button] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """A card as its buttons are drawn for it; `full_view` where not everything fits, `undo_until` where it can be undone."""

    approval: Approval
    sentence: str
    redact: Redactor
    full_view: bool = False
    undo_until: datetime | None = None

    @property
    def pending(self) -> bool:
        """Whether it waits for a decision."""
        return self.approval.pending and self.undo_until is None

    @property
    def by_hand(self) -> bool:
        """Whether only a person may do it."""
        return self.approval.level is Level.HUMAN_TAKEOVER

    def asks(self, *kinds: Kind) -> bool:
        """Whether it waits for a yes that the agent may act on, in answer to a question of one of these kinds."""
        return self.pending and not self.by_hand and self.approval.request.kind in kinds

    def press(self, action: str, label: str, style: str | None = None, confirm: Confirm | None = None) -> Button:
        """A button for this approval as it is shown."""
        return Button(action, label, button_value(self.approval), style, confirm)


@dataclass(frozen=True, slots=True)
class Offer:
    """Where an act stands on a card, and what of it is there: None where it is not offered.

    What is `behind` ⋯ costs a tap more; a primary button, and one that asks once more, stand open all the same.
    """

    draw: Callable[[Seen], Button | Choices | None]
    behind: bool = False


Offers = Sequence[Offer]


def controls(seen: Seen, offers: Offers) -> Controls:
    """The controls of a card in its present state, in the order of the acts, a primary button first; dead cards have none."""
    drawn = [(offer.behind, found) for offer in offers if (found := offer.draw(seen)) is not None]
    stands: list[Button] = []
    behind: list[Button] = []
    picked = Choices([])
    for folds, found in drawn:
        if isinstance(found, Choices):
            picked = found
        elif folds and found.style is None and found.confirm is None:
            behind.append(found)
        else:
            stands.append(found)
    stands.sort(key=lambda item: item.style != "primary")
    return Controls([row for row in (picked.buttons, stands) if row], picked.select, behind)


def is_final(approval: Approval) -> bool:
    """Whether nothing takes it back; what no policy describes counts as such."""
    return approval.policy.irreversible


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
    if policy.confirm_amount_above_usd is None:
        return False
    return types_amount(approval) or unreadable(policy, approval.params) is not None


def full_view_first(approval: Approval, listed: Listing, sentence: str) -> bool:
    """Whether Approve opens the full view: something did not fit, or the amount wants care."""
    return not listed.complete or len(visible(sentence)) > SENTENCE_IN_DIALOG or wants_care(approval)
