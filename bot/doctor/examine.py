"""The examination: looks at everything at once, within ten seconds, and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.doctor import machine, selftest, slack_findings, storage, workspace
from bot.doctor.findings import Finding
from bot.doctor.selftest import Server
from bot.doctor.storage import Stored
from bot.doctor.workspace import Wanted, Workspace
from bot.server import arrivals
from bot.settings import Settings, read_settings
from policies.files.manifest import Manifest
from policies.files.roster import Roster


@dataclass
class Seen:
    """Everything that was looked at."""

    settings: Settings
    manifest: Manifest | None = None
    roster: Roster | None = None
    broken: list[Finding] = field(default_factory=list)
    workspace: Workspace = field(default_factory=Workspace)
    stored: Stored = field(default_factory=Stored)
    server: Server = field(default_factory=Server)
    addresses: list[Finding] = field(default_factory=list)


def examine(*, thoroughly: bool = False) -> Seen | list[Finding]:
    """Look at everything; where the settings themselves cannot be read, only what is wrong with them."""
    try:
        settings = read_settings()
    except ExceptionGroup as problems:
        return machine.settings_wrong(problems)
    if settings.several:
        from bot.server import installed  # Slack's stores take a while to load

        settings = installed.with_token(settings)
    seen = Seen(settings)
    seen.manifest, broken = machine.manifest(settings)
    seen.roster, more = machine.roster(settings)
    seen.broken = [*broken, *more]
    asyncio.run(_look(seen, thoroughly))
    return seen


async def _look(seen: Seen, thoroughly: bool) -> None:
    asked = asyncio.gather(_slack(seen), _server(seen))
    seen.stored = await asyncio.to_thread(storage.look_into_database, seen.settings, thoroughly=thoroughly)
    await asked


async def _slack(seen: Seen) -> None:
    if seen.settings.slack_bot_token is not None:
        seen.workspace = await workspace.look_into_slack(seen.settings, wanted(seen))
    else:
        seen.workspace = Workspace(trouble="not set")


async def _server(seen: Seen) -> None:
    settings = seen.settings
    seen.server = await selftest.ask_server(settings)
    if settings.slack_signing_secret is None or settings.socket_mode:
        return
    if settings.public_url is not None:
        seen.addresses.append(await selftest.address(settings, settings.public_url, public=True))
    elif seen.server.sayso:
        seen.addresses.append(await selftest.address(settings, selftest.local(settings), public=False))


def wanted(seen: Seen) -> Wanted:
    """What the policy files name."""
    roster = seen.roster
    if roster is None:
        return Wanted(frozenset(uses(seen)))
    return Wanted(frozenset(uses(seen)), frozenset(roster.usergroups), frozenset(roster.users))


def uses(seen: Seen) -> dict[str, str]:
    """Each channel that a policy file names, with the words for where."""
    found: dict[str, str] = {}
    if seen.manifest is not None:
        for action in seen.manifest.actions:
            found.setdefault(seen.manifest.policy(action).channel, f"action {action} in {seen.settings.manifest.name}")
    if seen.roster is not None and seen.roster.operations is not None:
        found.setdefault(seen.roster.operations, f"operations in {seen.settings.roster.name}")
    return found


def judged(seen: Seen) -> Iterator[Finding]:
    """What everything came to, in the order in which it is mended."""
    settings, slack, stored = seen.settings, seen.workspace, seen.stored
    yield from machine.settings(settings)
    yield from seen.broken
    yield from machine.policy(settings, seen.manifest, seen.roster)
    yield from machine.folders(settings, stored.sqlite)
    yield from storage.condition_of(stored)
    yield from storage.audit(stored, settings)
    yield from storage.agents(stored)
    swept = stored.came.get(arrivals.SWEPT)
    yield selftest.server(seen.server, settings, stored.now - swept if swept else None)
    yield from seen.addresses
    if settings.slack_bot_token is not None:
        yield from _slack_findings(seen, slack)


def _slack_findings(seen: Seen, slack: Workspace) -> Iterator[Finding]:
    settings, stored = seen.settings, seen.stored
    yield slack_findings.token(slack, settings.slack_api_url)
    yield from slack_findings.clock(slack)
    yield from slack_findings.scopes(slack)
    yield from slack_findings.sockets(slack, wanted=settings.socket_mode)
    if slack.trouble is None:
        yield from slack_findings.channels(slack, uses(seen))
        if seen.roster is not None:
            yield from slack_findings.groups(slack, seen.roster)
            yield from slack_findings.people(slack)
            yield from slack_findings.roles(slack, seen.roster)
        yield from slack_findings.emails(slack)
    if stored.condition is not None and stored.condition.at_head:
        public = settings.public_url or "https://YOUR-HOST"
        yield from slack_findings.arrived(
            stored.came, stored.now, stored.posted, public=public, socket_mode=settings.socket_mode
        )
