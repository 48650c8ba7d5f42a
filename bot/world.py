"""What every use case stands on: the database, the policy in force, who people are, and whom to wake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.hosts import Hosts
from policies.manifest import Manifest
from policies.permissions import Actor, genuine
from policies.roster import Roster
from store.engine import Database


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
    timezone: str | None = None


@dataclass(frozen=True)
class Directory:
    """A snapshot of Slack's people and user groups, read together with the roster."""

    people: Mapping[str, PersonFacts] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    home_team: str | None = None
    bot_user: str | None = None

    def members(self, roster: Roster, role: str) -> list[str]:
        """Everybody who holds `role`, in the roster's order, the user group's after."""
        definition = roster.roles.get(role)
        if definition is None:
            return []
        group = self.groups.get(definition.usergroup, ()) if definition.usergroup else ()
        return list(dict.fromkeys([*definition.members, *group]))

    def roles_of(self, roster: Roster, user: str) -> frozenset[str]:
        """Every role that `user` holds."""
        return frozenset(role for role in roster.roles if user in self.members(roster, role))

    def actor(self, roster: Roster, user: str, *, team: str | None = None, enterprise: str | None = None) -> Actor:
        """Who tapped, with roles; somebody of whom nothing is known counts as unknown."""
        facts = self.people.get(user)
        elsewhere = team is not None and self.home_team is not None and team != self.home_team
        if facts is None:
            return Actor(user, team, enterprise, known=False, stranger=elsewhere)
        listed = roster.person(user).principal
        return Actor(
            user=user,
            team=team,
            enterprise=enterprise,
            active=facts.active,
            bot=facts.bot or user == self.bot_user,
            guest=facts.guest,
            stranger=facts.stranger or elsewhere,
            principals=frozenset(name for name in (listed, facts.email) if name),
            roles=self.roles_of(roster, user),
            admin=roster.is_admin(user),
        )

    def user_of(self, roster: Roster, principal: str) -> str | None:
        """The Slack user for whom agents act under this name: as the roster says, else by user id or e-mail address."""
        wanted = principal.strip().casefold()
        known = ((user, facts) for user, facts in self.people.items() if facts.active and not facts.bot)
        names = ((user, {user.casefold(), (facts.email or "").casefold()}) for user, facts in known)
        return roster.user_of(principal) or next((user for user, named in names if wanted in named), None)

    def could_decide(self, roster: Roster, role: str, on_behalf_of: str | None) -> list[str]:
        """The members of `role` who may decide a request made on behalf of that principal.

        Somebody of whom Slack has not been heard yet counts: their tap is checked anyway.
        """
        return [user for user in self.members(roster, role) if self._could(roster, user, on_behalf_of)]

    def _could(self, roster: Roster, user: str, on_behalf_of: str | None) -> bool:
        if on_behalf_of is not None:
            principal = on_behalf_of.strip().casefold()
            facts = self.people.get(user)
            names = (user, roster.person(user).principal, facts.email if facts else None)
            if principal in {name.casefold() for name in names if name}:
                return False
        return user not in self.people or genuine(self.actor(roster, user)) is None


GATHER_SECONDS = 3.0


@dataclass
class World:
    """Handed to every use case. `book` and `directory` are replaced as a whole, never changed in place.

    `gather_seconds` is how long a request that may share a screen waits for its like.
    """

    database: Database
    book: Book
    directory: Directory = field(default_factory=Directory)
    callback_hosts: Hosts = field(default_factory=Hosts)
    signals: Signals = field(default_factory=Silence)
    gather_seconds: float = GATHER_SECONDS
