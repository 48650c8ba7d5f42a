"""What is wrong in Slack, judged from what Slack said (workspace.py) and from what has arrived from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.doctor import pages
from bot.doctor.findings import Finding, ok, unseen, wrong
from bot.doctor.workspace import Channel, Group, Workspace
from bot.server import arrivals
from bot.server.scopes import NEEDED
from bot.service.context import PersonFacts
from policies.files.roster import Roster

MOST_SKEW, TOLD_SKEW = 300.0, 60.0  # Slack's figure for what it signed, and what is worth a word
PATIENCE = timedelta(hours=1)  # cards in Slack for so long, and nobody tapped on one
_DEAD = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})


def token(seen: Workspace, api: str) -> Finding:
    """Whether Slack lets us in."""
    name = "SLACK_BOT_TOKEN"
    if seen.trouble is None:
        return ok(name, f"Slack knows us as @{seen.bot} in {seen.team}")
    if seen.trouble in _DEAD:
        return wrong(name, f"Slack refuses it: {seen.trouble}", f"{pages.INSTALL}, then copy {pages.TOKEN}")
    if seen.trouble == "ratelimited":
        return unseen(name, "Slack asks us to wait (429)", "Try again in a minute")
    if seen.trouble == "no answer" or seen.trouble.startswith("no answer"):
        cure = "Let this host reach it over HTTPS (proxy, firewall, DNS); status.slack.com tells where Slack itself is down"
        return wrong("Slack", f"{api} does not answer", cure)
    return wrong(
        "Slack", f"{api} answers with {seen.trouble}", "SAYSO_SLACK_API_URL is Slack's unless it is set: remove it"
    )


def clock(seen: Workspace) -> Iterator[Finding]:
    """Our clock beside Slack's."""
    if seen.trouble is not None or seen.ahead_seconds is None:
        return
    name, ahead = "clock", seen.ahead_seconds
    told = f"this host's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} Slack's"
    if abs(ahead) < TOLD_SKEW:
        yield ok(name, "this host's clock is Slack's, to the minute")
    elif abs(ahead) < MOST_SKEW:
        yield wrong(name, f"{told}; from five minutes on no tap is believed", "Run NTP: timedatectl set-ntp true")
    else:
        yield wrong(name, f"{told}, so what Slack sends is refused as too old", "Run NTP: timedatectl set-ntp true")


def scopes(seen: Workspace) -> Iterator[Finding]:
    """Each scope that the code uses."""
    if seen.trouble is not None:
        return
    if seen.scopes is None:
        yield unseen("scopes", "Slack did not list them")
        return
    missing = [scope for scope in NEEDED if scope not in seen.scopes]
    for scope in missing:
        yield wrong(
            f"scope {scope}",
            f"is missing: {NEEDED[scope]}",
            f"{pages.SCOPES} → Add an OAuth Scope, then {pages.INSTALL}",
        )
    more = sorted(seen.scopes - set(NEEDED))
    if not missing:
        advice = f"{', '.join(more)}: granted and not used; {pages.SCOPES} takes it away" if more else ""
        yield ok("scopes", f"all {len(NEEDED)} are granted", advice)


def sockets(seen: Workspace, *, wanted: bool) -> Iterator[Finding]:
    """Socket Mode, where it is used."""
    if not wanted:
        return
    name, error = "SLACK_APP_TOKEN", seen.sockets
    if error is None:
        yield ok(name, "Socket Mode can be opened")
    elif error in _DEAD or error == "not_allowed_token_type":
        made = "with the scope connections:write, and set it (xapp-…)"
        yield wrong(name, f"Slack refuses it: {error}", f"{pages.APP_TOKEN} → Generate Token and Scopes, {made}")
    elif error == "missing_scope":
        yield wrong(
            name,
            "lacks the scope connections:write",
            f"{pages.APP_TOKEN} → Generate Token and Scopes, with connections:write",
        )
    elif error.startswith("no answer"):
        yield unseen(name, "Slack did not say in time")
    else:
        cure = f"{pages.SOCKETS} → Enable Socket Mode; or remove SLACK_APP_TOKEN to use HTTP"
        yield wrong(name, f"no connection can be opened: {error}", cure)


def channels(seen: Workspace, used: Mapping[str, str]) -> Iterator[Finding]:
    """Each channel that a policy file names; `used` says for what."""
    for name, found in sorted(seen.channels.items()):
        yield _channel(name, found, used.get(name, ""), seen)


def _channel(name: str, found: Channel | str | None, use: str, seen: Workspace) -> Finding:
    label = f"channel {name}"
    invite = f"in {name}: /invite @{seen.bot or 'Sayso'}"
    if isinstance(found, str):
        if found == "missing_scope":
            return unseen(label, "may not be looked at", f"Grant channels:read and groups:read: {pages.SCOPES}")
        return unseen(label, f"Slack did not say: {found}")
    if found is None:
        private = "" if seen.has("groups:read") else f"; for a private one also grant groups:read ({pages.SCOPES})"
        cure = f"Create it, or correct the name ({use}); where it is private, {invite}{private}"
        return wrong(label, "there is none that Sayso can see", cure)
    if found.archived:
        return wrong(
            label, "is archived, so no card can be posted", f"{pages.CHANNEL} → Unarchive, or name another one ({use})"
        )
    if not found.member:
        if found.private or not seen.has("chat:write.public"):
            return wrong(label, "Sayso is not in it, so no card can be posted", invite)
        return ok(label, "can be posted to", f"To find a card again that was lost on its way, {invite}")
    if found.private and not seen.has("groups:history"):
        return wrong(
            label, "is private, and lost cards may not be looked for in it", f"Grant groups:history: {pages.SCOPES}"
        )
    return ok(label, "is private, and Sayso is in it" if found.private else "Sayso is in it")


def groups(seen: Workspace, roster: Roster) -> Iterator[Finding]:
    """Each user group that a role is made of."""
    if isinstance(seen.groups, str):
        said = (
            "may not be looked at: usergroups:read"
            if seen.groups == "missing_scope"
            else f"Slack did not say: {seen.groups}"
        )
        yield unseen("user groups", said)
    for name, found in sorted((seen.groups or {}).items() if isinstance(seen.groups, dict) else ()):
        yield _group(name, found, sorted(role for role, one in roster.roles.items() if one.usergroup == name))


def _group(name: str, found: Group | None, roles: list[str]) -> Finding:
    label, used = f"user group {name}", f"role {', '.join(roles)}"
    if found is None:
        return wrong(
            label, f"there is none with this id ({used})", f"{pages.GROUPS} → ⋯ → Copy group ID, into the roster"
        )
    if found.disabled:
        return wrong(
            label,
            f"@{found.handle} is disabled, so nobody holds the {used}",
            f"{pages.GROUPS} → @{found.handle} → Enable",
        )
    if not found.users:
        return wrong(
            label,
            f"@{found.handle} has no members, so nobody holds the {used}",
            f"{pages.GROUPS} → @{found.handle} → Edit members",
        )
    return ok(label, f"@{found.handle} has {len(found.users)} members")


def people(seen: Workspace) -> Iterator[Finding]:
    """Everybody on the roster who cannot decide; the others in one line."""
    fine, silent = 0, 0
    for user, facts in sorted(seen.people.items()):
        if isinstance(facts, str):
            silent += 1
            continue
        why = _unfit(facts, seen.team_id)
        if why is None:
            fine += 1
        else:
            yield wrong(
                f"person {user}",
                f"{why}, so they decide nothing",
                "Correct the roster (Slack → profile → ⋯ → Copy member ID)",
            )
    if fine:
        yield ok("people", f"{fine} on the roster are active members")
    if silent or seen.unasked:
        yield unseen("people", f"Slack was not asked, or did not say, of {silent + seen.unasked}")


def _unfit(facts: PersonFacts | None, team: str | None) -> str | None:
    if facts is None:
        return "Slack knows nobody of this id"
    reasons = (
        (facts.active, "is deactivated"),
        (not facts.bot, "is a bot"),
        (not facts.guest, "is a guest"),
        (not facts.stranger and (team is None or facts.team in (None, team)), "belongs to another workspace"),
    )
    return next((f"@{facts.name or facts.user} {reason}" for fit, reason in reasons if not fit), None)


def emails(seen: Workspace) -> Iterator[Finding]:
    """Whether Slack tells us addresses, by which one person with two accounts is noticed."""
    known = [facts for facts in seen.people.values() if isinstance(facts, PersonFacts) and facts.genuine]
    if not known or not seen.has("users:read.email"):
        return
    told = sum(facts.email is not None for facts in known)
    if told:
        yield ok("e-mail addresses", f"Slack tells them ({told} of {len(known)})")
    else:
        yield wrong(
            "e-mail addresses", "Slack tells none", f"Grant users:read.email: {pages.SCOPES}, then {pages.INSTALL}"
        )


def roles(seen: Workspace, roster: Roster) -> Iterator[Finding]:
    """Whether each role has somebody who may decide."""
    for name in roster.roles:
        able = holders(seen, roster, name)
        if able is None:
            yield unseen(f"role {name}", "Slack did not say who is who")
        elif not able:
            yield wrong(
                f"role {name}",
                "nobody who is active holds it, so its requests are refused",
                "Add a member in the roster",
            )
        else:
            yield ok(f"role {name}", f"{len(able)} can decide")


def holders(seen: Workspace, roster: Roster, role: str) -> set[str] | None:
    """Who holds a role and can decide; None where Slack did not say of everybody, and nobody is left."""
    definition = roster.roles.get(role)
    if definition is None:
        return set()
    users, heard = set(definition.members), True
    if definition.usergroup:
        group = seen.groups.get(definition.usergroup) if isinstance(seen.groups, dict) else None
        heard = isinstance(seen.groups, dict)
        users |= set(group.users) if group and not group.disabled else set()
    told = {user: seen.people.get(user, "not asked") for user in users}
    able = {
        user for user, facts in told.items() if isinstance(facts, PersonFacts) and _unfit(facts, seen.team_id) is None
    }
    heard = heard and not any(isinstance(facts, str) for facts in told.values())
    return able if able or heard else None


def arrived(
    came: Mapping[str, datetime], now: datetime, posted: datetime | None, *, public: str, socket_mode: bool
) -> Iterator[Finding]:
    """What Slack does not tell of itself, seen from what came: taps, commands and events."""
    where = "" if socket_mode else f", Request URL {public}{pages.PATH}"
    yield _taps(came, now, posted, f"{pages.INTERACTIVITY} → Interactivity on{where}")
    name, cure = (
        "/sayso",
        f"Type /sayso help in Slack; where that fails: {pages.COMMANDS} → Create New Command /sayso{where}",
    )
    if arrivals.COMMAND in came:
        yield ok(name, f"a command came {_ago(came[arrivals.COMMAND], now)}")
    else:
        yield unseen(name, "no command has ever arrived", cure)
    yield from _events(came, now, where)
    yield from _refused(came, now)


def _taps(came: Mapping[str, datetime], now: datetime, posted: datetime | None, cure: str) -> Finding:
    name = "interactivity"
    if arrivals.INTERACTION in came:
        return ok(name, f"a tap came {_ago(came[arrivals.INTERACTION], now)}")
    if posted is not None and now - posted > PATIENCE:
        return wrong(name, f"no tap has ever arrived, and cards are in Slack since {_ago(posted, now)}", cure)
    return unseen(name, "no tap has ever arrived", f"Tap Details on a card; where Slack shows an error: {cure}")


def _events(came: Mapping[str, datetime], now: datetime, where: str) -> Iterator[Finding]:
    seen = {kind.removeprefix(arrivals.EVENT): at for kind, at in came.items() if kind.startswith(arrivals.EVENT)}
    cure = f"{pages.EVENTS} → Enable Events{where} → Subscribe to bot events"
    if not seen:
        yield unseen("events", "none has ever arrived", f"Open Sayso's Home tab in Slack; where it stays empty: {cure}")
        return
    last, at = max(seen.items(), key=lambda one: one[1])
    missing = [kind for kind in _CHANGES if kind not in seen]
    advice = (
        f"Not seen yet: {', '.join(missing)}; subscribed at {pages.EVENTS} → Subscribe to bot events" if missing else ""
    )
    yield ok("events", f"{last} came {_ago(at, now)}", advice)


_CHANGES = ("app_home_opened", "subteam_members_changed", "subteam_updated", "user_change")


def _refused(came: Mapping[str, datetime], now: datetime) -> Iterator[Finding]:
    """Requests that were refused at the door, where nothing has been let in since."""
    known = {arrivals.INTERACTION, arrivals.COMMAND}
    good = max((at for kind, at in came.items() if kind in known or kind.startswith(arrivals.EVENT)), default=None)
    unsigned, late = came.get(arrivals.UNSIGNED), came.get(arrivals.LATE)
    if unsigned is not None and (good is None or unsigned - good > PATIENCE):
        cure = f"Copy {pages.SECRET}; strangers who try the address look the same, and then nothing is wrong but the list above"
        yield wrong(
            "SLACK_SIGNING_SECRET",
            f"a request with another signature was refused {_ago(unsigned, now)}, and none was good since",
            cure,
        )
    if late is not None and (good is None or late - good > PATIENCE):
        yield wrong(
            "clock",
            f"what Slack signed looked older than five minutes {_ago(late, now)}",
            "Run NTP: timedatectl set-ntp true",
        )


def _ago(moment: datetime, now: datetime) -> str:
    seconds = max(0.0, (now - moment).total_seconds())
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word} ago"
    return "just now"
