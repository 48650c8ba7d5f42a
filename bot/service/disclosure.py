"""Show hidden: a qualified reviewer reads what a card hides, and nobody says yes to what a pattern hid from them."""

from __future__ import annotations

from collections.abc import Callable

from bot.service.authorization import Outdated, Tap, authorise, loaded, record_refusal
from bot.service.context import World
from policies.approval import Approval
from policies.errors import NotAllowed, SaysoError
from policies.hidden import Hidden, hidden_of
from policies.lifecycle import Verb
from store import disclosures
from store.audit import entry_of
from store.unit import Unit


class HiddenUnseen(SaysoError):
    """Something in this request is hidden from you. Tap “Show hidden” and read it first: then you can decide."""

    def __init__(self, approval: Approval) -> None:
        super().__init__()
        self.approval = approval


def require_shown(unit: Unit, approval: Approval, user: str) -> None:
    """Raise HiddenUnseen where a pattern hides something that this person was not shown as it stands now."""
    hidden = hidden_of(approval)
    if hidden.by_pattern and not disclosures.shown(unit, approval, hidden.seal, user):
        raise HiddenUnseen(approval)


def check_shown(world: World, approval: Approval, user: str) -> None:
    """The same, before a form is opened."""
    world.database.glance(lambda unit: require_shown(unit, approval, user))


def show(world: World, tap: Tap, *, last: Callable[[Approval], bool]) -> Approval:
    """The approval for somebody who may decide it and wants to read what is hidden; that they looked is recorded.

    `last` says whether this is the end of it: only then it counts as shown. Raises NotFound, NotAllowed and Outdated.
    """

    def work(unit: Unit) -> Approval:
        approval = loaded(unit, tap.approval_id)
        authorise(approval, tap.actor)
        if tap.digest != approval.digest:
            raise Outdated(approval)
        hidden = hidden_of(approval)
        if last(approval):
            disclosures.remember(unit, approval, hidden.seal, tap.actor.user)
        _record(unit, approval, tap, hidden)
        return approval

    try:
        return world.database.run(work)
    except NotAllowed as error:
        record_refusal(world, tap, Verb.SHOW_HIDDEN, str(error))
        raise


def _record(unit: Unit, approval: Approval, tap: Tap, hidden: Hidden) -> None:
    """It is a presentation of what the gate is about, to one person."""
    places = [".".join(map(str, leaf.path)) for leaf in hidden.leaves] + [word.label for word, _ in hidden.words]
    said = f"{hidden.count} hidden {'value was' if hidden.count == 1 else 'values were'} shown"
    extra = {"team": tap.actor.team, "hidden": places}
    unit.record(
        entry_of(
            approval,
            "gate_presented",
            unit.now,
            tap.actor.user,
            decision=Verb.SHOW_HIDDEN.value,
            rationale=said,
            extra=extra,
        )
    )
