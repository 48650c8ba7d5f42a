"""Keeps the directory true: people and user groups from Slack, cached, refreshed, the last good copy kept, never failing open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from bot.runtime import Runtime
from bot.slack import SlackTrouble
from bot.world import Directory, PersonFacts
from policies.errors import NotReady
from policies.permissions import Actor
from store import directory as rows

log = logging.getLogger("sayso.people")
FRESH_SECONDS = 10.0  # a tap within this time of the last look trusts it
STALE_SECONDS = 900.0  # a tap while Slack does not answer trusts a copy this old, and no older
REFRESH_SECONDS = 300.0
LOOKUP_SECONDS = 1.5  # Slack wants its answer within 3 s
FIRST_SECONDS = 5.0  # how long a request for somebody unknown waits until Slack has said who is on the roster
MOST_ASKED = 30  # how many people that nobody knows Slack is asked about within a minute, whatever agents name
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")


class People:
    """Who is who. Looks people up when they tap, and everybody on the roster now and then."""

    def __init__(self, runtime: Runtime, clock: Callable[[], float] = time.monotonic) -> None:
        self._runtime = runtime
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[bool]] = {}
        self._again = asyncio.Event()
        self._first = asyncio.Event()
        self._unknown: deque[float] = deque(maxlen=MOST_ASKED)

    @property
    def _directory(self) -> Directory:
        return self._runtime.world.directory

    async def load(self) -> None:
        """Start from the last good copy in the database."""

        def read(unit: Any) -> tuple[dict[str, rows.Copy], dict[str, rows.Copy]]:
            return rows.saved_people(unit), rows.saved_usergroups(unit)

        people, groups = await self._runtime.call(self._runtime.world.database.read, read)
        self._runtime.world.directory = replace(
            self._directory,
            people={user: PersonFacts(**copy.value) for user, copy in people.items()},
            groups={group: tuple(copy.value) for group, copy in groups.items()},
        )

    async def refresh(self) -> None:
        """Ask Slack about the roster's user groups and everybody on it; what fails keeps its last good copy."""
        await self._identify()
        roster = self._runtime.world.book.roster
        for group in sorted(roster.usergroups):
            await self._refresh_group(group)
        users = {user for role in roster.roles for user in self._directory.members(roster, role)}
        for user in sorted(users | set(roster.file.admins)):
            await self._look_up(user)

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            try:
                await self.refresh()
            except Exception:
                log.exception("the directory could not be refreshed")
            self._first.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), REFRESH_SECONDS)
            self._again.clear()

    def look_again(self) -> None:
        """The roster changed: ask about everybody on it now."""
        self._again.set()

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
        return await self._ask(name.upper()) or waited

    async def _ask(self, user: str) -> bool:
        now = self._clock()
        full = len(self._unknown) == MOST_ASKED and now - self._unknown[0] < 60
        if full or not _USER.fullmatch(user) or user in self._directory.people:
            return False
        self._unknown.append(now)
        try:
            said = await asyncio.wait_for(self._runtime.slack.call("users.info", user=user), LOOKUP_SECONDS)
            await self._keep(user, facts_of(user, said["user"]))
        except (SlackTrouble, TimeoutError, KeyError, TypeError, AttributeError):
            return False
        return True

    async def actor(self, user: str, team: str | None, enterprise: str | None) -> Actor:
        """Who tapped, as Slack knows them now; where Slack cannot say and no recent copy is left, they are unknown."""
        await self._identify()
        age = self._clock() - self._seen.get(user, float("-inf"))
        if age > FRESH_SECONDS:
            found = await self._look_up_in_time(user)
            if not found and age > STALE_SECONDS:
                return replace(self._actor(user, team, enterprise), known=False)
        return self._actor(user, team, enterprise)

    def _actor(self, user: str, team: str | None, enterprise: str | None) -> Actor:
        return self._directory.actor(self._runtime.world.book.roster, user, team=team, enterprise=enterprise)

    async def _identify(self) -> None:
        if self._directory.home_team is not None:
            return
        try:
            identity = await asyncio.wait_for(self._runtime.slack.identify(), LOOKUP_SECONDS)
        except (SlackTrouble, TimeoutError) as error:
            log.warning("Slack does not say who we are: %s", error)
            return
        current = self._runtime.world.directory
        self._runtime.world.directory = replace(current, home_team=identity.team, bot_user=identity.user)

    async def _look_up_in_time(self, user: str) -> bool:
        """Whether Slack answered within the time a tap has; many taps of one person ask once."""
        task = self._asking.get(user)
        if task is None:
            task = asyncio.create_task(self._look_up(user))
            self._asking[user] = task
            task.add_done_callback(lambda _: self._asking.pop(user, None))
        try:
            return await asyncio.wait_for(asyncio.shield(task), LOOKUP_SECONDS)
        except TimeoutError:
            return False

    async def _look_up(self, user: str) -> bool:
        try:
            said = await self._runtime.slack.call("users.info", user=user)
            facts = facts_of(user, said["user"])
        except SlackTrouble as error:
            if error.error not in ("user_not_found", "user_not_visible"):
                log.warning("Slack does not tell of %s: %s", user, error)
                return False
            facts = PersonFacts(user, active=False)
        except (KeyError, TypeError, AttributeError):
            log.warning("Slack's answer about %s cannot be read", user)
            return False
        await self._keep(user, facts)
        return True

    async def _keep(self, user: str, facts: PersonFacts) -> None:
        changed = self._directory.people.get(user) != facts
        current = self._runtime.world.directory
        self._runtime.world.directory = replace(current, people={**current.people, user: facts})
        self._seen[user] = self._clock()
        if changed:
            database = self._runtime.world.database
            await self._runtime.call(database.run, lambda unit: rows.save_person(unit, user, asdict(facts)))

    async def _refresh_group(self, group: str) -> None:
        try:
            said = await self._runtime.slack.call("usergroups.users.list", usergroup=group)
            members = [str(user) for user in said["users"]]
        except (SlackTrouble, KeyError, TypeError) as error:
            log.warning("user group %s keeps its last good copy: %s", group, error)
            return
        current = self._runtime.world.directory
        changed = current.groups.get(group) != tuple(members)
        self._runtime.world.directory = replace(current, groups={**current.groups, group: tuple(members)})
        if changed:
            database = self._runtime.world.database
            await self._runtime.call(database.run, lambda unit: rows.save_usergroup(unit, group, members))


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
        timezone=said.get("tz"),
    )
