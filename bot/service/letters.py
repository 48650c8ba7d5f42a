"""Whoever Slack does not show what waits is written to: who, about what, and that it was done. How it is sent is the server's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from bot.service.context import World
from policies import mailing
from policies.approval import Approval
from policies.files.roster import Roster
from policies.levels import Level
from policies.messages import AlertFacts, NoticeFacts
from store import approvals, mails
from store.unit import Unit

OPERATIONS = "operations"
AT_ONCE = 10  # held in one round, so that a slow mail server takes them all before another server may
News = tuple[AlertFacts | NoticeFacts, Approval | None]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one reader is to be told, with the right to write to them; `since` when Slack should have shown the first of it."""

    turn: mails.Turn
    address: str
    zone: str
    since: datetime
    now: datetime
    told: frozenset[int]
    waiting: tuple[Approval, ...] = ()
    news: tuple[News, ...] = ()

    @property
    def reviewer(self) -> bool:
        """Whether it is for somebody who decides."""
        return self.turn.reader != OPERATIONS


@dataclass(frozen=True, slots=True)
class _Reader:
    """Everything Slack does not show one reader."""

    missing: list[mails.Missing] = field(default_factory=list)
    waiting: list[Approval] = field(default_factory=list)


def owed(world: World, after_seconds: int) -> list[Parcel]:
    """Every letter that is due, each held for this server: `written` or `let_go` follows."""
    if not world.database.read(lambda unit: _missing(world, unit, after_seconds)):
        return []
    return world.database.run(lambda unit: list(islice(_parcels(world, unit, after_seconds), AT_ONCE)))


def written(world: World, parcel: Parcel) -> None:
    """The mail server took it."""
    world.database.run(lambda unit: mails.written(unit, parcel.turn, parcel.told))


def let_go(world: World, parcel: Parcel) -> None:
    """It could not be sent; the next round tries again."""
    world.database.run(lambda unit: mails.let_go(unit, parcel.turn))


def _missing(world: World, unit: Unit, after_seconds: int) -> bool:
    before, channel = mailing.overdue(unit.now, after_seconds), world.book.roster.operations
    return bool(mails.missing_cards(unit, before) or (channel and mails.missing_notices(unit, channel, before)))


def _parcels(world: World, unit: Unit, after_seconds: int) -> Iterator[Parcel]:
    before, roster = mailing.overdue(unit.now, after_seconds), world.book.roster
    cards = mails.missing_cards(unit, before)
    found = approvals.several(unit, [card.approval_id for card in cards if card.approval_id])
    readers = _by_reader(world, cards, found)
    operations = readers.pop(OPERATIONS, _Reader())
    if (parcel := _to_operations(unit, roster, operations, before)) is not None:
        yield parcel
    for user in sorted(readers):
        if (parcel := _to_reviewer(world, unit, user, readers[user])) is not None:
            yield parcel


def _by_reader(world: World, cards: Sequence[mails.Missing], found: Mapping[str, Approval]) -> dict[str, _Reader]:
    """Whose turn each card is; operations read what waits for nobody who can be written to."""
    readers: dict[str, _Reader] = {}
    for card in cards:
        approval = found.get(card.approval_id or "")
        if approval is None or not approval.pending:
            continue
        asked = [approval.assignee, *(seat.user for seat in approval.seats)]
        reached = {user for user in asked if user and address_of(world, user)}
        for user in reached or (set() if approval.planted else {OPERATIONS}):
            reader = readers.setdefault(user, _Reader())
            reader.missing.append(card)
            reader.waiting.append(approval)
    return readers


def address_of(world: World, user: str) -> str | None:
    """Where a person is written to: as the roster says, else as their principal or Slack does."""
    person, facts = world.book.roster.person(user), world.directory.people.get(user)
    said = (person.email, person.principal, facts.email if facts else None)
    return next((one for one in said if one and mailing.is_mail_address(one)), None)


def _to_reviewer(world: World, unit: Unit, user: str, reader: _Reader) -> Parcel | None:
    address, ids = address_of(world, user), frozenset(card.id for card in reader.missing)
    turn = _turn(unit, user, ids)
    if turn is None or address is None:
        return None
    waiting = _most_urgent(unit, [*approvals.pending(unit, assignee=user), *reader.waiting])
    return Parcel(turn, address, _zone(world, user), reader.missing[0].since, unit.now, ids, waiting)


def _to_operations(unit: Unit, roster: Roster, reader: _Reader, before: datetime) -> Parcel | None:
    address, channel = roster.operations_email, roster.operations
    if address is None or channel is None:
        return None
    notices = mails.missing_notices(unit, channel, before)
    ids = frozenset(one.id for one in [*reader.missing, *notices])
    turn = _turn(unit, OPERATIONS, ids)
    if turn is None:
        return None
    found = approvals.several(unit, [one.approval_id for one in notices if one.approval_id])
    about = {id_: approvals.with_checkpoint(unit, one) for id_, one in found.items()}
    news = tuple(
        (one.facts, about.get(one.approval_id or ""))
        for one in notices
        if isinstance(one.facts, AlertFacts | NoticeFacts)
    )
    since = min(one.since for one in [*reader.missing, *notices])
    zone = roster.file.defaults.timezone
    return Parcel(turn, address, zone, since, unit.now, ids, _most_urgent(unit, reader.waiting), news)


def _turn(unit: Unit, reader: str, missing: frozenset[int]) -> mails.Turn | None:
    """The right to write, where that is due; given back where it is not."""
    turn = mails.take_turn(unit, reader) if missing else None
    if turn is not None and not mailing.is_owed(missing, turn.told, turn.last, unit.now):
        mails.let_go(unit, turn)
        return None
    return turn


def _most_urgent(unit: Unit, waiting: Sequence[Approval]) -> tuple[Approval, ...]:
    """Each once; of what has to be taken over, all that whoever does it must know."""
    once = {one.id: one for one in waiting if one.clock.paused_at is None}
    taken = Level.HUMAN_TAKEOVER
    told = [approvals.with_checkpoint(unit, one) if one.level is taken else one for one in once.values()]
    return tuple(sorted(told, key=_deadline))


def _deadline(approval: Approval) -> tuple[bool, float, str]:
    ends = [moment for moment in (approval.clock.due_at, approval.clock.expires_at) if moment]
    return (not ends, min(ends).timestamp() if ends else 0.0, approval.id)


def _zone(world: World, user: str) -> str:
    """The roster's zone where it names one, else Slack's."""
    roster, facts = world.book.roster, world.directory.people.get(user)
    said = "timezone" in roster.person(user).model_fields_set or "timezone" in roster.file.defaults.model_fields_set
    return roster.timezone(user) if said or facts is None or not facts.timezone else facts.timezone
