"""What every use case stands on: the database, the policy in force, who people are, and whom to wake."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from bot.service.callback_hosts import Hosts
from policies.files.manifest import Manifest
from policies.files.roster import Roster
from policies.messages import Cause
from policies.permissions import Actor, genuine
from policies.principals import Account, Identity, Principal, Register, own
from store.engine import Database
from store.unit import Unit

_T = TypeVar("_T")


class Signals(Protocol):
    """Told after each commit, from any thread."""

    def approval_changed(self, approval_id: str) -> None:
        """An approval moved on: whoever waits for it should look."""

    def outbox_filled(self) -> None:
        """There is something to show in Slack."""

    def deadline_set(self, moment: datetime) -> None:
        """The sweep has something to do at `moment`."""


class Silence:
    """Signals for a process in which nobody waits (the command line)."""

    def approval_changed(self, approval_id: str) -> None:
        """Nobody waits."""

    def outbox_filled(self) -> None:
        """Nobody sends."""

    def deadline_set(self, moment: datetime) -> None:
        """Nobody sweeps."""


STALE_SECONDS = 300.0  # while Slack does not answer, a copy of who is who this old still counts, and no older


@dataclass(frozen=True, slots=True)
class Book:
    """The manifest and roster in force."""

    manifest: Manifest
    roster: Roster


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What Slack says of a person."""

    user: str
    name: str = ""
    team: str | None = None
    active: bool = True
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    email: str | None = None
    enterprise: str | None = None
    timezone: str | None = None

    @property
    def genuine(self) -> bool:
        """Whether this is an active, full member, who may hold a role."""
        return self.active and not (self.bot or self.guest or self.stranger)


@dataclass(frozen=True)
class Directory:
    """A snapshot of Slack's people and user groups, read together with the roster.

    `groups` are those of which Slack was heard lately; of the others `expired` has what it said last. `unsure` are people
    of whom it was not heard when they were asked about. Nobody decides by either.
    """

    people: Mapping[str, PersonFacts] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    home_team: str | None = None
    home_enterprise: str | None = None  # where the app is installed for a whole organisation
    bot_user: str | None = None
    expired: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    _registers: dict[Roster, Register] = field(default_factory=dict, init=False, repr=False, compare=False)
    _actors: dict[tuple[Roster, str], Actor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def register(self, roster: Roster) -> Register:
        """Everybody Sayso knows: the roster's people, and those of whom Slack was heard."""
        found = self._registers.get(roster)
        if found is None:
            found = self._registers[roster] = Register(self._accounts(roster))
        return found

    def _accounts(self, roster: Roster) -> list[Account]:
        met = [user for user, facts in self.people.items() if facts.name and not facts.bot and user != self.bot_user]
        users = dict.fromkeys([*sorted(roster.users), *met])
        return [Account(user, roster.person(user).principal, self._email(user)) for user in users]

    def _email(self, user: str) -> str | None:
        facts = self.people.get(user)
        return facts.email if facts else None

    def person(self, roster: Roster, user: str) -> Identity:
        """Whose account this is."""
        return self.register(roster).of(user)

    def name(self, user: str) -> str | None:
        """What somebody is called in Slack, as far as it is known."""
        facts = self.people.get(user)
        return facts.name or None if facts else None

    def accounts_of(self, roster: Roster, users: Collection[str]) -> set[str]:
        """These users, with every other account of the same people."""
        return {account for user in users for account in self.person(roster, user).accounts}

    def members(self, roster: Roster, role: str) -> list[str]:
        """Everybody who holds `role`, in the roster's order, the user group's after."""
        definition = roster.roles.get(role)
        if definition is None:
            return []
        group = self.groups.get(definition.usergroup, ()) if definition.usergroup else ()
        return list(dict.fromkeys([*definition.members, *group]))

    def roles_of(self, roster: Roster, user: str) -> frozenset[str]:
        """Every role that `user` holds; none for whoever is known to be no active, full member, or cannot be asked about."""
        facts = self.people.get(user)
        if user in self.unsure or (facts is not None and not facts.genuine):
            return frozenset()
        return frozenset(role for role in roster.roles if user in self.members(roster, role))

    def last_known(self, group: str) -> tuple[str, ...]:
        """Who was in a user group when Slack was last heard of it, however long ago."""
        return self.groups.get(group) or self.expired.get(group, ())

    def unheard(self, roster: Roster, role: str) -> bool:
        """Whether the role has a user group of which Slack was not heard lately."""
        definition = roster.roles.get(role)
        return definition is not None and bool(definition.usergroup) and definition.usergroup not in self.groups

    def _unsure_roles(self, roster: Roster, user: str) -> frozenset[str]:
        """The roles that `user` had by a user group of which Slack was not heard lately."""
        return frozenset(
            role
            for role, definition in roster.roles.items()
            if definition.usergroup and user in self.expired.get(definition.usergroup, ())
        )

    def actor(self, roster: Roster, user: str, *, team: str | None = None, enterprise: str | None = None) -> Actor:
        """Who tapped, with roles; somebody of whom nothing is known counts as unknown."""
        facts = self.people.get(user)
        elsewhere = self._elsewhere(facts, team, enterprise)
        if facts is None:
            return Actor(user, team, enterprise, known=False, stranger=elsewhere)
        identity = self.person(roster, user)
        return Actor(
            user=user,
            team=team,
            enterprise=enterprise,
            known=user not in self.unsure,
            active=facts.active,
            bot=facts.bot or user == self.bot_user,
            guest=facts.guest,
            stranger=facts.stranger or elsewhere,
            names=identity.names,
            accounts=identity.accounts,
            identified=identity.identified,
            roles=self.roles_of(roster, user),
            unsure=self._unsure_roles(roster, user),
            admin=roster.is_admin(user),
        )

    def _elsewhere(self, facts: PersonFacts | None, team: str | None, enterprise: str | None) -> bool:
        """Whether somebody's home is not where the app is installed."""
        if self.home_enterprise is not None:
            home = facts.enterprise if facts else enterprise
            return home != self.home_enterprise or enterprise not in (None, home)
        home = team or (facts.team if facts else None)
        return home is not None and self.home_team is not None and home != self.home_team

    def user_of(self, principal: Principal) -> str | None:
        """The Slack user who is told what was decided for this principal; None where they have no account here."""
        known = (user for user, facts in self.people.items() if facts.active and not facts.bot)
        return next((user for user in known if user.casefold() in principal.names), None)

    def could_decide(self, roster: Roster, role: str, principals: Collection[Principal] = ()) -> list[str]:
        """The members of `role` who may decide a request that is for `principals`.

        Somebody of whom Slack has not been heard yet counts: their tap is checked anyway.
        """
        return [user for user in self.members(roster, role) if self._could(roster, user, principals)]

    def _could(self, roster: Roster, user: str, principals: Collection[Principal]) -> bool:
        if own(self.person(roster, user).names, principals):
            return False
        if user not in self.people:
            return True
        actor = self._actors.get((roster, user))
        if actor is None:
            actor = self._actors[roster, user] = self.actor(roster, user)
        return genuine(actor) is None and (actor.identified or not principals)


GATHER_SECONDS = 3.0


@dataclass
class World:
    """Handed to every use case. `book` and `directory` are replaced as a whole, never changed in place.

    `gather_seconds` is how long a request that may share a screen waits for its like. `unconfirmed` tells of whom Slack
    has to be asked before a yes that they said earlier counts; nobody where none is asked.
    """

    database: Database
    book: Book
    directory: Directory = field(default_factory=Directory)
    callback_hosts: Hosts = field(default_factory=Hosts)
    signals: Signals = field(default_factory=Silence)
    gather_seconds: float = GATHER_SECONDS
    unconfirmed: Callable[[Collection[str]], frozenset[str]] = lambda users: frozenset()
    counted: object = None  # who could decide when open requests were last counted (service/recount.py)
    lasting: frozenset[Cause] = (
        frozenset()
    )  # of the alarms that stood when they were last looked at (service/alarms.py)

    def run(self, work: Callable[[Context], _T]) -> _T:
        """Do `work` in one transaction."""
        return self.database.run(lambda unit: work(Context(self, unit)))

    def read(self, work: Callable[[Context], _T]) -> _T:
        """Do `work`, which only reads."""
        return self.database.read(lambda unit: work(Context(self, unit)))


@dataclass(frozen=True, slots=True)
class Context:
    """A use case at work: what it stands on, and the transaction in which it reads and writes."""

    world: World
    unit: Unit

    @property
    def now(self) -> datetime:
        """Database time of this transaction."""
        return self.unit.now

    @property
    def manifest(self) -> Manifest:
        """The manifest in force."""
        return self.world.book.manifest

    @property
    def roster(self) -> Roster:
        """The roster in force."""
        return self.world.book.roster

    @property
    def directory(self) -> Directory:
        """Who people are."""
        return self.world.directory
