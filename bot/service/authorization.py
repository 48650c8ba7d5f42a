"""A person's act on what they saw: who may, whether it still stands as they saw it, and what is kept of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from bot.service import activity
from bot.service.context import World
from policies.approval import Approval
from policies.errors import InvalidInput, NotAllowed, NotFound, Refused, SaysoError, Settled, Stale
from policies.lifecycle import State, Verb
from policies.permissions import Actor, genuine, may_administer, may_decide
from store import approvals
from store.audit import entry_of
from store.unit import Unit

MAX_NOTE = 3000


@dataclass(frozen=True, slots=True)
class Tap:
    """One act of one person on what they saw: `digest` is the one their card or modal carried."""

    approval_id: str
    digest: str
    actor: Actor
    note: str | None = None


class Lost(Settled):
    """This approval is no longer open: it is {state}."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(state=approval.state.value)
        self.approval = approval


class Outdated(Stale):
    """The request changed after this card was posted. The card now shows its current state."""

    def __init__(self, approval: Approval) -> None:
        super().__init__()
        self.approval = approval


class UnseenInPart(SaysoError):
    """Not everything fits on the card: read the whole request first."""

    def __init__(self, approval: Approval) -> None:
        super().__init__()
        self.approval = approval


class Unconfirmed(SaysoError):
    """Slack could not confirm just now who said yes before, so nothing was done. Please try again in a moment."""

    def __init__(self, users: Collection[str]) -> None:
        super().__init__()
        self.users = frozenset(users)


Check = Callable[[Unit, Approval], None]
"""Raises where a tap may not count, asked in the deciding transaction."""


def load_to_decide(world: World, approval_id: str, actor: Actor) -> Approval:
    """The approval for somebody who wants to decide it; raises NotFound and NotAllowed."""

    def work(unit: Unit) -> Approval:
        approval = loaded(unit, approval_id)
        authorise(approval, actor)
        return approval

    return world.database.glance(work)


def loaded(unit: Unit, approval_id: str) -> Approval:
    """The approval as it is now; raises NotFound."""
    approval = approvals.load(unit, approval_id)
    if approval is None:
        raise NotFound()
    return activity.meets(approval)


def read(world: World, approval_id: str, actor: Actor) -> Approval:
    """The approval for anybody of the home team who wants to see it; raises NotFound and Refused."""
    require_genuine(actor)
    return world.database.glance(lambda unit: loaded(unit, approval_id))


def require_genuine(actor: Actor) -> None:
    """Raise Refused unless this is an active, full member of the home team."""
    refusal = genuine(actor)
    if refusal is not None:
        raise Refused(refusal)


def require_admin(actor: Actor) -> None:
    """Raise Refused unless this person may steer Sayso."""
    refusal = may_administer(actor)
    if refusal is not None:
        raise Refused(refusal)


def require_open(approval: Approval, tap: Tap) -> None:
    """Raise Lost where it is decided, Outdated where the person saw an earlier version."""
    if not (approval.pending or approval.state is State.TAKEN_OVER):
        raise Lost(approval)
    if approval.digest != tap.digest:
        raise Outdated(approval)


def refusal_of(approval: Approval, actor: Actor) -> str | None:
    """Why this person may not decide it, in words for them; None where they may."""
    return may_decide(actor, roles=approval.roles_that_decide, principals=approval.principals)


def authorise(approval: Approval, actor: Actor) -> None:
    """Raise NotAllowed unless this person may decide this approval."""
    refusal = refusal_of(approval, actor)
    if refusal is not None:
        raise NotAllowed(refusal)


def require_confirmed(world: World, *found: Approval) -> None:
    """Raise Unconfirmed, naming them, where Slack has to be asked first about people who said yes before."""
    users = world.unconfirmed({vote.user for approval in found for vote in approval.votes})
    if users:
        raise Unconfirmed(users)


def role_of(approval: Approval, actor: Actor) -> str:
    """The role by which this person decides it, the first by name of several; empty where they have none."""
    return next(iter(sorted(actor.roles.intersection(approval.roles_that_decide))), "")


def record_refusal(world: World, tap: Tap, verb: Verb, reason: str) -> None:
    """Keep in the audit that somebody tried, and why it was refused."""

    def record(unit: Unit) -> None:
        approval = approvals.load(unit, tap.approval_id)
        if approval is not None:
            unit.record(entry_of(approval, "refused", unit.now, tap.actor.user, decision=verb.value, rationale=reason))

    world.database.run(record)


def check_note(tap: Tap) -> None:
    """Raise InvalidInput for a note that is too long."""
    if tap.note is not None and len(tap.note) > MAX_NOTE:
        raise InvalidInput(f"longer than {MAX_NOTE} characters", field="note")
