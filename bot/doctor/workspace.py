"""A look into Slack: who we are, what we may, and whether each channel, group and person of the policy files is there.

Nothing is changed and nothing posted. Whatever Slack does not say in time is left out, and told as unseen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from bot.server.metrics import Metrics
from bot.server.slack_client import Slack, SlackTrouble
from bot.service.context import PersonFacts
from bot.settings import Settings
from bot.slack import channels
from bot.slack.people import NOBODY, facts_of

T = TypeVar("T")
HELLO_SECONDS = 4.0
REST_SECONDS = 3.5
AT_ONCE = 8
MOST_PEOPLE = 60  # Slack allows 100 questions a minute, and a server may be asking as well


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the policy files name: channels, user groups and people."""

    channels: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as Slack tells it to us."""

    id: str
    name: str
    archived: bool
    private: bool
    member: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A user group."""

    handle: str
    disabled: bool
    users: tuple[str, ...]


@dataclass
class Workspace:
    """What Slack said. `trouble` is its word where it let us know nothing; an error stands where a thing should."""

    trouble: str | None = None
    team: str = ""
    team_id: str | None = None
    bot: str = ""
    bot_user: str | None = None
    scopes: frozenset[str] | None = None
    ahead_seconds: float | None = None
    channels: dict[str, Channel | str | None] = field(default_factory=dict)
    groups: dict[str, Group | None] | str | None = None
    people: dict[str, PersonFacts | str | None] = field(default_factory=dict)
    sockets: str | None = None
    unasked: int = 0

    def has(self, scope: str) -> bool:
        """Whether a scope is granted; where Slack does not list them, so it seems."""
        return self.scopes is None or scope in self.scopes


async def look_into_slack(settings: Settings, wanted: Wanted) -> Workspace:
    """Everything that Slack tells within eight seconds."""
    slack, seen = Slack(settings, Metrics()), Workspace()
    await slack.open()
    try:
        await _greet(slack, seen)
        jobs: list[Awaitable[None]] = [_open_socket(slack, settings, seen)] if settings.socket_mode else []
        if seen.trouble is None:
            jobs += [_channels(slack, wanted.channels, seen), _groups_and_people(slack, wanted, seen)]
        tasks = [asyncio.ensure_future(job) for job in jobs]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=REST_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await slack.close()
    return seen


async def _greet(slack: Slack, seen: Workspace) -> None:
    begun = time.time()
    try:
        said, headers = await asyncio.wait_for(slack.ask("auth.test"), HELLO_SECONDS)
    except TimeoutError:
        seen.trouble = "no answer"
        return
    except SlackTrouble as error:
        seen.trouble = error.error
        return
    seen.ahead_seconds = _ahead(headers.get("date"), (begun + time.time()) / 2)
    granted = headers.get("x-oauth-scopes")
    seen.scopes = None if granted is None else frozenset(name.strip() for name in granted.split(",") if name.strip())
    seen.team, seen.team_id = str(said.get("team") or ""), said.get("team_id")
    seen.bot, seen.bot_user = str(said.get("user") or ""), said.get("user_id")


def _ahead(date: str | None, now: float) -> float | None:
    """By how much our clock is ahead of Slack's, which tells whole seconds."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    return now - theirs - 0.5


async def _open_socket(slack: Slack, settings: Settings, seen: Workspace) -> None:
    seen.sockets = "no answer"
    try:
        await slack.call("apps.connections.open", app_token=settings.slack_app_token)
        seen.sockets = None
    except SlackTrouble as error:
        seen.sockets = error.error


async def _channels(slack: Slack, names: Iterable[str], seen: Workspace) -> None:
    seen.channels = dict.fromkeys(names, "no answer")
    called = {name for name in names if name.startswith("#")}
    await asyncio.gather(
        _by_name(slack, called, seen) if called else asyncio.sleep(0),
        *(_by_id(slack, name, seen) for name in names if name not in called),
    )


async def _by_name(slack: Slack, names: set[str], seen: Workspace) -> None:
    missing = set(names)
    try:
        async for entry in channels.listed(slack):
            name = f"#{entry.get('name')}"
            if name in missing:
                seen.channels[name] = _channel(entry)
                missing.discard(name)
            if not missing:
                return
    except SlackTrouble as error:
        seen.channels |= dict.fromkeys(missing, error.error)
        return
    seen.channels |= dict.fromkeys(missing)


async def _by_id(slack: Slack, name: str, seen: Workspace) -> None:
    if name[0] in "UWD":
        seen.channels.pop(name, None)  # a person, who is asked about as such
        return
    try:
        seen.channels[name] = _channel((await slack.call("conversations.info", channel=name))["channel"])
    except SlackTrouble as error:
        seen.channels[name] = None if error.error == "channel_not_found" else error.error


def _channel(said: dict[str, Any]) -> Channel:
    return Channel(
        str(said.get("id")),
        str(said.get("name") or ""),
        bool(said.get("is_archived")),
        bool(said.get("is_private")),
        bool(said.get("is_member")),
    )


async def _groups_and_people(slack: Slack, wanted: Wanted, seen: Workspace) -> None:
    await _groups(slack, wanted.groups, seen)
    groups = seen.groups.values() if isinstance(seen.groups, dict) else ()
    await _people(slack, wanted.people.union(*(group.users for group in groups if group)), seen)


async def _groups(slack: Slack, wanted: Iterable[str], seen: Workspace) -> None:
    names = frozenset(wanted)
    if not names:
        seen.groups = {}
        return
    seen.groups = "no answer"
    try:
        said = await slack.call("usergroups.list", include_disabled=True, include_users=True)
    except SlackTrouble as error:
        seen.groups = error.error
        return
    known = {str(entry.get("id")): entry for entry in said.get("usergroups", [])}
    seen.groups = {name: _group(known.get(name)) for name in names}


def _group(said: dict[str, Any] | None) -> Group | None:
    if said is None:
        return None
    users = said.get("users")
    return Group(
        str(said.get("handle") or said.get("name") or ""),
        bool(said.get("date_delete")),
        tuple(str(user) for user in users) if isinstance(users, list) else (),
    )


async def _people(slack: Slack, wanted: Iterable[str], seen: Workspace) -> None:
    users = sorted(wanted)
    seen.unasked = max(0, len(users) - MOST_PEOPLE)
    users = users[:MOST_PEOPLE]
    seen.people = dict.fromkeys(users, "no answer")
    turn = asyncio.Semaphore(AT_ONCE)

    async def ask(user: str) -> None:
        async with turn:
            try:
                seen.people[user] = facts_of(user, (await slack.call("users.info", user=user))["user"])
            except SlackTrouble as error:
                seen.people[user] = None if error.error in NOBODY else error.error

    await asyncio.gather(*(ask(user) for user in users))
