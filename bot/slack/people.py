"""Keeps the directory true: people and user groups from Slack, cached with an age, refreshed, never failing open (docs/rules.md: I18).

Whoever taps is asked about at the tap, and so is each user group that would let them decide. What Slack says counts at
once, also that there is no such person or group; where Slack is silent, what it last said counts for STALE_SECONDS and
then for nothing, on this server, on any other, and after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from bot.server.runtime import Runtime
from bot.server.slack_client import SlackTrouble
from bot.service.context import STALE_SECONDS, Directory, PersonFacts
from bot.slack.copies import NEVER, Copies
from policies.errors import NotReady
from policies.permissions import Actor
from store import directory as rows
from store.engine import StoreUnavailable
from store.unit import Unit

log = logging.getLogger("sayso.people")
FRESH_SECONDS = 0.0  # every tap asks, and taps that come together ask once
MANY_PEOPLE = 60  # questions within a minute (Slack allows 100), beyond which answers this old are trusted too:
SPARING_SECONDS = 2.0
MANY_GROUPS = 16  # the same for user groups (it allows 20), those that the person is in and the others
GROUP_SPARING_SECONDS = 5.0
OTHER_GROUPS_SECONDS = 60.0
EARLIER_SECONDS = 10.0  # of whoever said yes before, when the last yes is said
REFRESH_SECONDS = 300.0  # everybody on the roster is asked about this often
GROUP_REFRESH_SECONDS = 60.0  # and their user groups
SAVE_SECONDS = 30.0
TICK_SECONDS = 5.0
LOOKUP_SECONDS = 1.5  # Slack wants its answer within 3 s
FIRST_SECONDS = 5.0  # how long a request waits until Slack has said who is on the roster
MOST_ASKED = 30  # how many people that nobody knows Slack is asked about within a minute, whatever agents name
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
NOBODY = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found", "usergroup_not_found", "no_such_usergroup"})


class People:
    """Who is who, and who was in which user group how long ago."""

    def __init__(self, runtime: Runtime, clock: Callable[[], float] = time.monotonic) -> None:
        self._runtime = runtime
        self._clock = clock
        self.persons: Copies[PersonFacts] = Copies(self._ask_person, self._keep_person, clock)
        self.groups: Copies[tuple[str, ...]] = Copies(self._ask_group, self._keep_group, clock)
        self._confirmed: dict[str, float] = {}
        self._again = asyncio.Event()
        self._unsaved = asyncio.Event()
        self._first = asyncio.Event()
        self._unknown: deque[float] = deque(maxlen=MOST_ASKED)
        runtime.world.unconfirmed = self.unconfirmed

    @property
    def _directory(self) -> Directory:
        return self._runtime.world.directory

    def _change(self, **changes: Any) -> None:
        self._runtime.world.directory = replace(self._runtime.world.directory, **changes)

    # --- what there is already ------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take over the copies in the database that are newer than ours, each as old as it is."""

        def read(unit: Unit) -> tuple[dict[str, Any], dict[str, Any]]:
            people, groups = rows.saved_people(unit), rows.saved_usergroups(unit)
            ages = {name: (unit.now - copy.fetched_at).total_seconds() for name, copy in (people | groups).items()}
            return (
                {user: (PersonFacts(**copy.value), ages[user]) for user, copy in people.items()},
                {group: (tuple(copy.value), ages[group]) for group, copy in groups.items()},
            )

        people, groups = await self._runtime.call(self._runtime.world.database.read, read)
        now = self._clock()
        for user, (facts, age) in people.items():
            self.persons.hear(user, facts, now - max(0.0, age), save=False)
        for group, (members, age) in groups.items():
            self.groups.hear(group, members, now - max(0.0, age), save=False)
        self.expire()

    async def save(self) -> None:
        """Keep in the database what was heard since the last time, in one transaction."""
        people, groups = dict(self.persons.unsaved), dict(self.groups.unsaved)
        if not people and not groups:
            return
        self.persons.unsaved.clear()
        self.groups.unsaved.clear()
        now = self._clock()

        def write(unit: Unit) -> None:
            for user, (facts, moment) in sorted(people.items()):
                rows.save_person(unit, user, _kept(facts), unit.now - _ago(now, moment))
            for group, (members, moment) in sorted(groups.items()):
                rows.save_usergroup(unit, group, list(members), unit.now - _ago(now, moment))

        try:
            await self._runtime.call(self._runtime.world.database.run, write)
        except Exception:
            self.persons.unsaved = people | self.persons.unsaved
            self.groups.unsaved = groups | self.groups.unsaved
            raise

    async def close(self) -> None:
        """Ask no more, and keep what was heard."""
        await self.persons.close()
        await self.groups.close()
        with contextlib.suppress(StoreUnavailable):
            await self.save()

    def expire(self) -> None:
        """Copies of user groups that are too old count for nothing; who was in them is remembered for the words only."""
        current = dict(self._directory.groups)
        late = {group: current.pop(group) for group in list(current) if self.groups.age(group) > STALE_SECONDS}
        if late:
            log.warning("Slack has not said for %.0f s who is in %s: nobody is", STALE_SECONDS, ", ".join(sorted(late)))
            self._change(groups=current, expired={**self._directory.expired, **late})

    # --- now and then ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Refresh for ever."""
        everybody = groups = saved = NEVER
        while True:
            now, again = self._clock(), self._again.is_set()
            self._again.clear()
            try:
                if again or now - groups >= GROUP_REFRESH_SECONDS:
                    groups = now
                    await self.refresh_groups()
                if again or now - everybody >= REFRESH_SECONDS:
                    everybody = now
                    await self.refresh_people()
                if self._unsaved.is_set() or now - saved >= SAVE_SECONDS:
                    saved = now
                    self._unsaved.clear()
                    await self.save()
            except Exception:
                log.exception("the directory could not be refreshed")
            if not self._again.is_set():
                self._first.set()
            self.expire()
            await self._tick()

    async def _tick(self) -> None:
        """A few seconds, or until there is something to do."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._again, self._unsaved)]
        try:
            await asyncio.wait(waiting, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    async def refresh(self) -> None:
        """Ask Slack about the roster's user groups and everybody on it."""
        await self.refresh_groups()
        await self.refresh_people()
        await self.save()

    async def refresh_groups(self) -> None:
        """Ask about the roster's user groups, except where another server has just done so."""
        await self._identify()
        await self.load()
        for group in sorted(self._runtime.world.book.roster.usergroups):
            await self.groups.look(group, GROUP_REFRESH_SECONDS / 2)

    async def refresh_people(self) -> None:
        """Ask about everybody on the roster, as fast as Slack lets us."""
        for user in sorted(self._reviewers()):
            await asyncio.sleep(min(self.persons.wait_seconds, 60.0))
            await self.persons.look(user, FRESH_SECONDS)

    def _reviewers(self) -> set[str]:
        """Everybody who holds a role, and the admins."""
        roster = self._runtime.world.book.roster
        members = {user for role in roster.roles for user in self._directory.members(roster, role)}
        return members | set(roster.file.admins)

    def look_again(self) -> None:
        """The roster changed: ask about everybody on it now."""
        self._first.clear()
        self._again.set()

    # --- who somebody is ------------------------------------------------------------------------------------------

    async def actor(self, user: str, team: str | None, enterprise: str | None) -> Actor:
        """Who tapped, as Slack knows them now; where Slack cannot say and no recent copy is left, they are unknown."""
        await self._identify()
        silent = await self._look_at([user])
        found = self._directory.actor(self._runtime.world.book.roster, user, team=team, enterprise=enterprise)
        sure = self._directory.home_team is not None and not silent
        return found if sure else replace(found, known=False)

    def unconfirmed(self, users: Collection[str]) -> frozenset[str]:
        """Of those who said yes before, whom Slack has to be asked about before it counts today. From any thread."""
        now = self._clock()
        return frozenset(user for user in users if now - self._confirmed.get(user, NEVER) > EARLIER_SECONDS)

    async def confirm(self, users: Collection[str]) -> None:
        """Ask about those who said yes before; of whom Slack has not been heard for too long, the yes does not count."""
        silent = await self._look_at(users)
        self._change(unsure=self._directory.unsure | silent)
        self._confirmed |= dict.fromkeys(users, self._clock())

    async def _look_at(self, users: Collection[str]) -> set[str]:
        """Have these people, and the user groups they may decide by, as fresh as Slack's limits and a tap's time allow.

        Returns those of whom Slack is silent now, and was for too long.
        """
        person = self._person_within
        groups = {group: self._group_within(group, users) for group in self._runtime.world.book.roster.usergroups}
        late = [user for user in users if not self.persons.fresh(user, person)]
        old = [group for group, age in groups.items() if not self.groups.fresh(group, age)]
        asked = {user: asyncio.ensure_future(self.persons.look(user, person)) for user in late}
        waiting = [*asked.values(), *(asyncio.ensure_future(self.groups.look(group, groups[group])) for group in old)]
        if waiting:
            await asyncio.wait(waiting, timeout=LOOKUP_SECONDS)
        silent = {user for user, task in asked.items() if not (task.done() and task.result())}
        for task in waiting:
            task.cancel()  # only our waiting: the question itself goes on
        self.expire()
        return {user for user in silent if self.persons.age(user) > STALE_SECONDS}

    @property
    def _person_within(self) -> float:
        return FRESH_SECONDS if self.persons.asked_within_a_minute < MANY_PEOPLE else SPARING_SECONDS

    def _group_within(self, group: str, users: Collection[str]) -> float:
        if self.groups.asked_within_a_minute < MANY_GROUPS:
            return FRESH_SECONDS
        inside = set(users).intersection(self._directory.last_known(group))
        return GROUP_SPARING_SECONDS if inside else OTHER_GROUPS_SECONDS

    async def _identify(self) -> None:
        if self._directory.home_team is not None:
            return
        try:
            identity = await asyncio.wait_for(self._runtime.slack.identify(), LOOKUP_SECONDS)
        except (SlackTrouble, TimeoutError) as error:
            log.warning("Slack does not say who we are: %s", error)
            return
        home = identity.enterprise if identity.organisation else None
        self._change(home_team=identity.team, home_enterprise=home, bot_user=identity.user)

    # --- the first moments ----------------------------------------------------------------------------------------

    async def introduced(self) -> None:
        """Wait until everybody of a new roster was asked about, at most FIRST_SECONDS: nobody is left out of a request
        because the server had just started, or had just read who is new."""
        if not self._first.is_set() and not self._reviewers() <= self._directory.people.keys():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._first.wait(), FIRST_SECONDS)

    # --- whom a request names -------------------------------------------------------------------------------------

    async def meet(self, name: str) -> bool:
        """Whether more is known of whoever a request names: the roster's people were just met, or Slack has such a user.

        Raises NotReady while Slack has not said who is on the roster.
        """
        waited = not self._first.is_set()
        if waited:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._first.wait(), FIRST_SECONDS)
            if not self._first.is_set():
                raise NotReady()
        return await self._ask_once(name.upper()) or waited

    async def _ask_once(self, user: str) -> bool:
        now = self._clock()
        full = len(self._unknown) == MOST_ASKED and now - self._unknown[0] < 60
        if full or not _USER.fullmatch(user) or user in self._directory.people:
            return False
        self._unknown.append(now)
        try:
            said = await asyncio.wait_for(self._runtime.slack.call("users.info", user=user), LOOKUP_SECONDS)
            return self.persons.hear(user, facts_of(user, said["user"]), now)
        except (SlackTrouble, TimeoutError, KeyError, TypeError, AttributeError):
            return False

    # --- what Slack tells by itself -------------------------------------------------------------------------------

    def person_changed(self, user: str, said: dict[str, Any]) -> None:
        """An event about somebody: what takes a right away counts at once, all else is asked about."""
        roster = self._runtime.world.book.roster
        if user not in self._directory.people and user not in roster.users:
            return
        facts = facts_of(user, said)
        self.persons.changed(user, None if facts.genuine else facts)
        self._runtime.background(self.persons.look(user, FRESH_SECONDS))

    def group_changed(self, group: str, *, gone: bool = False, without: Collection[str] = (), only: Any = None) -> None:
        """An event about a user group: who left it, or that it is gone, counts at once; who came is asked about."""
        if group not in self._runtime.world.book.roster.usergroups:
            return
        current = self._directory.groups.get(group)
        left = None
        if current is not None:
            stay = (user for user in current if user not in without and (not isinstance(only, list) or user in only))
            left = () if gone else tuple(stay)
        self.groups.changed(group, left)
        self._runtime.background(self.groups.look(group, FRESH_SECONDS))

    # --- Slack's answers ------------------------------------------------------------------------------------------

    async def _ask_person(self, user: str) -> PersonFacts:
        try:
            said = await self._runtime.slack.call("users.info", user=user)
        except SlackTrouble as error:
            if error.error in NOBODY:
                return PersonFacts(user, active=False)
            raise
        return facts_of(user, said["user"])

    async def _ask_group(self, group: str) -> tuple[str, ...]:
        try:
            said = await self._runtime.slack.call("usergroups.users.list", usergroup=group, include_disabled=False)
        except SlackTrouble as error:
            if error.error in NO_GROUP:
                return ()
            raise
        if not isinstance(said["users"], list):
            raise TypeError("users")
        return tuple(str(user) for user in said["users"])

    def _keep_person(self, user: str, facts: PersonFacts) -> None:
        directory = self._directory
        if directory.people.get(user) != facts or user in directory.unsure:
            self._change(people={**directory.people, user: facts}, unsure=directory.unsure - {user})
            self._save_soon()

    def _keep_group(self, group: str, members: tuple[str, ...]) -> None:
        directory = self._directory
        if directory.groups.get(group) == members:
            return
        log.info("user group %s has %d members", group, len(members))
        expired = {name: users for name, users in directory.expired.items() if name != group}
        self._change(groups={**directory.groups, group: members}, expired=expired)
        self._save_soon()

    def _save_soon(self) -> None:
        self._unsaved.set()


def _kept(facts: PersonFacts) -> dict[str, Any]:
    """The facts as they are stored; what is not said is left out where an older server would not know the word."""
    return {name: value for name, value in asdict(facts).items() if name != "enterprise" or value is not None}


def _ago(now: float, moment: float) -> timedelta:
    return timedelta(seconds=max(0.0, now - moment))


def facts_of(user: str, said: dict[str, Any]) -> PersonFacts:
    """What `users.info` says of a person, as the directory keeps it."""
    profile = said.get("profile") or {}
    return PersonFacts(
        user=user,
        name=str(profile.get("display_name") or said.get("real_name") or said.get("name") or user),
        team=said.get("team_id"),
        active=not said.get("deleted", False),
        bot=bool(said.get("is_bot", False)) or user == "USLACKBOT",
        guest=bool(said.get("is_restricted", False) or said.get("is_ultra_restricted", False)),
        stranger=bool(said.get("is_stranger", False)),
        email=profile.get("email"),
        enterprise=(said.get("enterprise_user") or {}).get("enterprise_id"),
        timezone=said.get("tz"),
    )
