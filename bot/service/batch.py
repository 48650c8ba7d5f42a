"""Several requests decided with one tap: each its own compare-and-set, authorised and recorded by itself (docs/rules.md: D4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.service import authorization, decide
from bot.service.authorization import Check, Tap, Unconfirmed
from bot.service.context import World
from policies.approval import Approval
from policies.batching import lines_of
from policies.errors import SaysoError, Stale
from policies.permissions import Actor
from store import approvals, batches, outbox
from store.engine import StoreUnavailable
from store.unit import Unit


class MovedOn(Stale):
    """It left this card and has one of its own."""


class Arrived(Stale):
    """It came after the card was drawn that was tapped."""


class Gone(Stale):
    """It is no longer one of those that can be decided here."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One that the tap did not decide, and why; `approval` is it as it is now, None where there is none."""

    approval: Approval | None
    error: SaysoError


@dataclass(frozen=True, slots=True)
class Tally:
    """What a tap on several did."""

    decided: list[Approval] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Several:
    """One act of one person on a screen: approval id to the digest it showed; `ts` is the message that was tapped."""

    chosen: Mapping[str, str]
    actor: Actor
    ts: str = ""
    note: str | None = None


def approve_each(world: World, several: Several, *, seen_enough: Callable[[Approval], bool]) -> Tally:
    """Say yes to each that is as the screen showed it; the others are left out and named."""
    _require_confirmed(world, several)
    check = _still_there(several.ts)
    return _each(world, several, lambda tap: decide.approve(world, tap, seen_enough=seen_enough, check=check))


def _require_confirmed(world: World, several: Several) -> None:
    """Raise Unconfirmed before any is decided: the whole tap is then done again."""

    def work(unit: Unit) -> list[Approval]:
        return [found for found in (approvals.load(unit, approval_id) for approval_id in several.chosen) if found]

    authorization.require_confirmed(world, *world.database.read(work))


def reject_each(world: World, several: Several) -> Tally:
    """Say no to each, with one reason for all."""
    check = _still_there(several.ts)
    return _each(world, several, lambda tap: decide.reject(world, tap, check=check))


def could_decide(world: World, several: Several) -> Tally:
    """Which of them this person could decide now; nothing is done."""

    def could(tap: Tap) -> Approval:
        approval = authorization.load_to_decide(world, tap.approval_id, tap.actor)
        authorization.require_open(approval, tap)
        return approval

    return _each(world, several, could)


def _each(world: World, several: Several, act: Callable[[Tap], Approval]) -> Tally:
    tally = Tally()
    for approval_id, digest in several.chosen.items():
        try:
            tally.decided.append(act(Tap(approval_id, digest, several.actor, several.note)))
        except (StoreUnavailable, Unconfirmed):
            raise  # nothing is acknowledged: the next tap finds what this one did
        except SaysoError as error:
            tally.left_out.append(LeftOut(_as_it_is(world, approval_id), error))
    return tally


def _as_it_is(world: World, approval_id: str) -> Approval | None:
    return world.database.read(lambda unit: approvals.load(unit, approval_id))


def _still_there(ts: str) -> Check:
    def check(unit: Unit, approval: Approval) -> None:
        place = batches.place_of(unit, approval.id)
        if place is None or place[1] not in (None, ts):
            raise MovedOn()

    return check


def meant(world: World, offered: Mapping[str, str], ticks: Collection[str]) -> dict[str, str]:
    """Of what a card offered, what is ticked: a tick stands for every request that is one entry with it; none for all."""
    if not ticks:
        return dict(offered)

    def work(unit: Unit) -> list[Approval]:
        return list(approvals.several(unit, list(offered)).values())

    entries = lines_of(world.database.read(work))
    ids = {one.id for entry in entries if any(one.id in ticks for one in entry) for one in entry}
    return {key: digest for key, digest in offered.items() if key in ids}


def touched(world: World, actor: Actor, approval_id: str) -> None:
    """Somebody who may decide has begun to choose on the card of this request: nothing joins it any more."""

    def work(unit: Unit) -> None:
        approval = approvals.load(unit, approval_id)
        if approval is not None and authorization.refusal_of(approval, actor) is None:
            outbox.close(unit, approval_id)

    world.database.run(work)


def with_arrived(world: World, tally: Tally, offered: Collection[str], ts: str) -> Tally:
    """The tally with what came to the card after it was drawn for this person, and still waits there."""
    if not offered:
        return tally

    def work(unit: Unit) -> list[Approval]:
        ids = [one.approval_id for one in batches.beside(unit, next(iter(offered)), ts) if not one.moved]
        found = approvals.several(unit, [approval_id for approval_id in ids if approval_id not in offered])
        return [approval for approval in found.values() if approval.pending]

    late = [LeftOut(approval, Arrived()) for approval in world.database.read(work)]
    return Tally(tally.decided, [*tally.left_out, *late])


def with_gone(world: World, tally: Tally, ids: Sequence[str]) -> Tally:
    """The tally with those that were ticked and are not offered any more."""
    gone = [LeftOut(_as_it_is(world, approval_id), Gone()) for approval_id in ids]
    return Tally(tally.decided, [*tally.left_out, *gone])
