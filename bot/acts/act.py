"""What an act is: a button on the card, perhaps a form, how that is read, and the use case behind it. Slack is not known here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.render.buttons import Offer
from bot.render.forms import State
from bot.render.modal_parts import View
from bot.render.modals import Where
from bot.service import authorization, disclosure
from bot.service.authorization import Tap
from bot.service.context import World
from policies.approval import Approval

S = TypeVar("S")
Look = Callable[[], Approval]


@dataclass(frozen=True, slots=True)
class Press:
    """A tap on a control, or a form that was sent: whose, on what, and where.

    `value` is what the control carries, `word` what it says beyond its verb, `ticked` what stands ticked beside it.
    `offered` is what the card showed that a form for several came from, where all of that was meant.
    """

    tap: Tap
    where: Where = field(default_factory=Where)
    value: str = ""
    word: str = ""
    ticked: Sequence[str] = ()
    in_modal: bool = False
    offered: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """Show this form, above whatever is open."""

    view: View


@dataclass(frozen=True, slots=True)
class Show:
    """Show this in the modal that was tapped in."""

    view: View


@dataclass(frozen=True, slots=True)
class Tell:
    """Say this so that only the one who acted sees it; in `channel` where it is not the one they acted in."""

    text: str
    channel: str = ""


Answer = Open | Show | Tell | None
"""What a person sees at once of what they did, beside the cards that are drawn anew."""


def may_open(world: World, tap: Tap) -> Approval:
    """The approval for somebody who may decide it, while it can be decided; raises NotFound, NotAllowed, Lost and Outdated."""
    approval = looked_at(world, tap)
    authorization.require_open(approval, tap)
    return approval


def may_say_yes(world: World, tap: Tap) -> Approval:
    """The same for a form that ends in a yes: raises HiddenUnseen too, where something is hidden from this person."""
    approval = may_open(world, tap)
    disclosure.check_shown(world, approval, tap.actor.user)
    return approval


def looked_at(world: World, tap: Tap) -> Approval:
    """The approval for somebody who may decide it; raises NotFound and NotAllowed."""
    return authorization.load_to_decide(world, tap.approval_id, tap.actor)


@dataclass(frozen=True, slots=True)
class Act(Generic[S]):
    """One thing that a person can do; its form is the modal `<verb>_modal`.

    A tap on its button acts `at_once`, or shows what it `shows`, or opens `form` for those who `may_open` it. What was written
    is `read` into what `run` needs; reading may ask for the approval that is `asked_about`.
    """

    verb: str
    button: Offer | None = None
    form: Callable[[Approval, Where], View] | None = None
    read: Callable[[State, Look], S] | None = None
    run: Callable[[World, Press, S], Approval | Answer] | None = None
    at_once: Callable[[World, Press], Approval | Answer] | None = None
    shows: Callable[[World, Press], View] | None = None
    may_open: Callable[[World, Tap], Approval] = field(default=may_open)
    asked_about: Callable[[World, Tap], Approval] = field(default=looked_at)
    once: bool = False
    """Whether one request of Slack's that arrives twice would count twice: the second time nothing is done."""
    words: bool = False
    """Whether its control may say more than the verb: `verb:word`, or a menu's option."""

    @property
    def modal(self) -> str:
        """The callback id of its form."""
        return f"{self.verb}_modal"


def written(state: State, look: Look) -> None:
    """Nothing is read of a form that asks for nothing but a note, which every tap carries."""
