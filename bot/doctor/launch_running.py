"""Points of the launch checklist that the running installation answers: what was tried, watched, kept and closed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from bot.doctor.examine import Seen
from bot.doctor.findings import Finding, confirm, ok, wrong
from bot.doctor.launch_policy import named
from bot.server import arrivals
from bot.service import callback_hosts

HOUR = timedelta(hours=1)
LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})
GUIDE = "docs/operations.md"


def _tried(seen: Seen) -> Iterator[Finding]:
    """Whether each thing was done once, here, before it counts."""
    done, events = seen.stored.tried, seen.stored.events
    if done is None:
        return
    ended = "an approval was decided by a person, claimed, and reported to have succeeded"
    ask = "Let an agent ask for something harmless, approve it, and let it run and report"
    yield _once("first approval", min(done.decided, done.succeeded), ended, ask)
    yield _once("a rejection", done.rejected, "somebody said no", "Reject one, and see that the agent stops")
    if _offers_undo(seen) or done.undone:
        yield _once("undo", done.undone, "was tapped", "Tap Undo once, and see that the agent takes it back")
    else:
        yield ok("undo", "no action offers it")
    stop = "/sayso stop, see that nothing can be claimed, /sayso start"
    yield _once("stop", {"stopped", "started"} <= events, "everything was stopped, and started again", stop)
    moved = events & {"reassigned", "escalated", "timeout"}
    overdue = "Leave one overdue, and see that the next person is asked"
    yield _once("somebody did not answer", bool(moved), f"seen: {named(moved)}", overdue)
    yield _switches(seen)
    if done.unknown_outcomes:
        yield wrong(
            "open outcomes",
            f"of {done.unknown_outcomes} nobody knows whether they happened",
            "Look, then label each: docs/afterwards.md",
        )
    else:
        yield ok("open outcomes", "of everything that was claimed it is known whether it happened")
    if seen.stored.stopped_by is not None:
        yield wrong("running", f"everything is stopped by {seen.stored.stopped_by}", "/sayso start")
    else:
        yield ok("running", "nothing is stopped")


def _offers_undo(seen: Seen) -> bool:
    manifest = seen.manifest
    return manifest is not None and any(manifest.policy(name).undo_window_seconds for name in manifest.actions)


def _switches(seen: Seen) -> Finding:
    came = seen.stored.came
    missing = [
        word for word, kind in (("a tap", arrivals.INTERACTION), ("/sayso", arrivals.COMMAND)) if kind not in came
    ]
    if not any(kind.startswith(arrivals.EVENT) for kind in came):
        missing.append("an event")
    cure = f"Never arrived: {named(missing)}; python -m bot doctor says what to click"
    return _once("Slack's switches", not missing, "a tap, a command and an event have arrived", cure)


def _once(name: str, done: bool | int, said: str, how: str) -> Finding:
    return ok(name, said) if done else wrong(name, "never tried here", how)


def _kept(seen: Seen) -> Iterator[Finding]:
    """The trail, its end, its key, and the backup."""
    settings, stored = seen.settings, seen.stored
    if settings.audit_key is None:
        yield wrong(
            "audit key",
            "is not set: who can write database and file can change both unnoticed",
            "SAYSO_AUDIT_KEY, from a secret store",
        )
    else:
        yield confirm("audit key", "is set", "Keep it where the database's administrators cannot read it")
    yield _end(seen)
    if stored.faults:
        yield wrong("audit chain", stored.faults[0], "python -m bot audit verify")
    elif stored.verified is None:
        yield confirm(
            "audit chain",
            "is long, and was not walked here",
            "python -m bot audit verify, from cron, with its exit status in your alarms",
        )
    else:
        yield ok("audit chain", f"is whole: {stored.verified} rows", "python -m bot audit verify from cron keeps it so")
    yield confirm("backup", "cannot be seen from here", f"Make one, and restore it somewhere once ({GUIDE}#install)")
    yield confirm(
        "how long things are kept",
        "approvals and the trail are not deleted by themselves",
        f"Agree on it with data protection ({GUIDE}#keep)",
    )


def _end(seen: Seen) -> Finding:
    name, place, database = "audit end kept elsewhere", seen.settings.audit_head, seen.stored.sqlite
    cure = "SAYSO_AUDIT_HEAD on another disk or host, which the database's administrators cannot write"
    if database is None:
        return confirm(
            name,
            f"it lies on this host: {place or seen.settings.folder}",
            "See that the database's administrators cannot write there",
        )
    if place is None:
        return wrong(name, "it lies beside the database, so who can change one can change both", cure)
    if _device(place.parent) == _device(database.parent):
        return wrong(name, f"{place} is on the same disk as the database", cure)
    return ok(name, f"{place} is on another disk than the database")


def _device(folder: Path) -> int:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return os.stat(there).st_dev


def _watched(seen: Seen) -> Iterator[Finding]:
    """Whether somebody would notice."""
    came, now = seen.stored.came, seen.stored.now
    yield _lately(seen, arrivals.SCRAPED, "figures", "/metrics is read", "Let Prometheus read /metrics")
    yield _lately(
        seen, arrivals.PROBED, "readiness", "/readyz is asked", "Let your platform ask /readyz, and act on 503"
    )
    swept = came.get(arrivals.SWEPT)
    if swept is not None and now - swept < HOUR:
        yield ok("sweep", "overdue requests are looked for")
    else:
        yield wrong("sweep", "no server has looked for overdue requests within an hour", "python -m bot serve")
    yield confirm(
        "alarms",
        "what wakes somebody is not known here",
        f"At least: cards late, /readyz 503, audit verify failed ({GUIDE}#watch)",
    )
    done = seen.stored.tried
    if done is not None:
        if done.unsent:
            yield wrong(
                "messages",
                f"{done.unsent} cannot be sent",
                "Read the server's log; python -m bot doctor names the channel",
            )
        else:
            yield ok("messages", "none is stuck")
        limits = seen.manifest.limits if seen.manifest else None
        each = f"; one agent may ask {limits.creates_per_minute} times a minute" if limits else ""
        yield confirm(
            "load",
            f"the busiest hour so far had {done.busiest_hour} requests{each}",
            "How many do you expect? docs/performance.md has what was measured",
        )


def _lately(seen: Seen, what: str, name: str, said: str, cure: str) -> Finding:
    at = seen.stored.came.get(what)
    if at is not None and seen.stored.now - at < HOUR:
        return ok(name, said)
    return wrong(name, "nobody has asked within an hour", cure)


def _closed(seen: Seen) -> Iterator[Finding]:
    """What is open to others: addresses, tokens, callbacks."""
    yield from _way_in(seen)
    tokens = seen.stored.tokens
    endless = sorted({token.agent for token in tokens if token.expires_at is None})
    if endless:
        yield wrong(
            "agents' tokens", f"those of {named(endless)} never end", "python -m bot agent rotate NAME --days 90"
        )
    else:
        yield ok("agents' tokens", f"each of {len(tokens)} ends by itself")
    ownerless = sorted({token.agent for token in tokens if not token.owner})
    if ownerless:
        yield wrong(
            "agents' owners", f"nobody answers for {named(ownerless)}", "python -m bot agent add NAME --owner U…"
        )
    else:
        yield ok("agents' owners", "somebody answers for each agent")
    yield _callbacks(seen)
    if seen.settings.smtp_url is None:
        yield confirm(
            "when Slack is down",
            "people cannot be reached",
            "SAYSO_SMTP_URL and SAYSO_MAIL_FROM, or be content that agents wait",
        )
    else:
        yield ok("when Slack is down", "people get a mail with what waits")
    skew = max(abs(seen.workspace.ahead_seconds or 0.0), abs(seen.stored.ahead_seconds))
    if skew < 60:
        yield confirm(
            "clocks", "this host's is right, to the minute", "Every other server needs NTP too: run the doctor there"
        )
    else:
        yield wrong("clocks", f"this host's is off by {skew:.0f} s", "timedatectl set-ntp true")


def _way_in(seen: Seen) -> Iterator[Finding]:
    settings = seen.settings
    if settings.socket_mode:
        yield confirm(
            "Slack's way in",
            "Socket Mode: no address is open to the internet",
            "Slack recommends HTTP for many users: decide which",
        )
    elif settings.public_url is None:
        yield wrong(
            "Slack's way in",
            "the address that Slack uses is not known here",
            "Set SAYSO_PUBLIC_URL, so that it can be tried",
        )
    elif urlsplit(settings.public_url).scheme != "https":
        yield wrong(
            "Slack's way in",
            f"{settings.public_url} is not encrypted",
            "A proxy with a certificate, and https:// in SAYSO_PUBLIC_URL",
        )
    else:
        yield ok("Slack's way in", f"{settings.public_url} is encrypted")
    if settings.host not in LOCAL:
        yield confirm(
            "agents' way in",
            f"the server listens on {settings.host}, without encryption of its own",
            "Let only a proxy with TLS, or your own network, reach it",
        )
    else:
        yield ok("agents' way in", "the server listens on this machine only")
    if seen.stored.sqlite is not None:
        yield confirm("database", "SQLite: one server on one host", "Enough? For several servers: PostgreSQL")
    else:
        yield ok("database", "PostgreSQL: several servers may serve")


def _callbacks(seen: Seen) -> Finding:
    name, failing = "callbacks", seen.stored.tried.callbacks_failing if seen.stored.tried else 0
    if not callback_hosts.listed(seen.settings.callback_hosts).places:
        return ok(name, "none are sent")
    if failing:
        return wrong(
            name, f"{failing} are not taken", "See the agent's address; sayso_callbacks_waiting tells how it goes"
        )
    return ok(name, "are signed, and taken")


POINTS: Sequence[Callable[[Seen], Iterator[Finding]]] = (_tried, _kept, _watched, _closed)
