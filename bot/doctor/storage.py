"""What is wrong with the database: whether it answers, is at this version's schema, may be written, and keeps what it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.doctor.findings import Finding, ok, unseen, wrong
from bot.server import arrivals, audit_anchor
from bot.settings import Settings
from policies.errors import SaysoError
from store import directory, examination, first_contact, schema, sessions, verification
from store.database_url import BadDatabaseUrl
from store.durability import NotDurable, require_local
from store.engine import Database, StoreUnavailable
from store.examination import Condition, Token, Tried

SECONDS = 6.5
NAME = "SAYSO_DATABASE_URL"
MOST_SKEW = 60.0
WALKED = 5_000  # rows of the trail, which take about a second


@dataclass
class Stored:
    """What a look at the database told. `trouble` where it could not be looked at, `missing` where there is none yet."""

    sqlite: Path | None = None
    trouble: str | None = None
    missing: bool = False
    condition: Condition | None = None
    ahead_seconds: float = 0.0
    came: dict[str, datetime] = field(default_factory=dict)
    posted: datetime | None = None
    tokens: list[Token] = field(default_factory=list)
    anchor: list[str] = field(default_factory=list)
    anchored: bool = False
    tried: Tried | None = None
    unknown_actions: dict[str, int] = field(default_factory=dict)
    events: frozenset[str] = frozenset()
    away: dict[str, datetime | None] = field(default_factory=dict)
    stopped_by: str | None = None
    faults: list[str] = field(default_factory=list)
    verified: int | None = None

    @property
    def now(self) -> datetime:
        """The database's time; ours where it does not say."""
        return self.condition.now if self.condition else datetime.now(UTC)


def look_into_database(settings: Settings, *, thoroughly: bool) -> Stored:
    """Everything that the database tells within eight seconds; a thread that still waits then is left alone."""
    seen = Stored()
    looking = threading.Thread(target=_look, args=(settings, seen, thoroughly), daemon=True)
    looking.start()
    looking.join(SECONDS)
    if looking.is_alive():
        return Stored(seen.sqlite, trouble=f"{NAME}: no answer within {SECONDS:.0f} s")
    return seen


def _look(settings: Settings, seen: Stored, thoroughly: bool) -> None:
    try:
        database = Database(settings.database_url, pool_size=1, looks_only=True)
    except SaysoError as error:
        seen.trouble = str(error)
        return
    try:
        seen.sqlite = Path(str(database.url.database).removeprefix("file:")) if database.sqlite else None
        if seen.sqlite is not None and not seen.sqlite.exists():
            seen.missing = True
            return
        _ask(settings, database, seen, thoroughly)
    except StoreUnavailable as error:
        seen.trouble = seen.trouble or (str(error) if error.field else f"{NAME}: {_why(error)}")
    except (NotDurable, BadDatabaseUrl) as error:
        seen.trouble = str(error)
    finally:
        database.close()


def _why(error: StoreUnavailable) -> str:
    return first_contact.reason(error.__cause__)


def _ask(settings: Settings, database: Database, seen: Stored, thoroughly: bool) -> None:
    if seen.sqlite is not None:
        require_local(seen.sqlite)
        database.check()
    else:
        first_contact.require_answer(database)
    begun = time.time()
    seen.condition = examination.condition(database)
    seen.ahead_seconds = (begun + time.time()) / 2 - seen.condition.now.timestamp()
    if not seen.condition.at_head:
        return
    seen.came = database.read(arrivals.kept)
    seen.posted = database.read(examination.first_posted)
    seen.tokens = database.read(examination.living_tokens)
    kept, seen.anchor = audit_anchor.known(settings, database)
    seen.anchored = bool(kept)
    if thoroughly:
        seen.tried = database.read(examination.tried)
        seen.unknown_actions = database.read(examination.unknown_actions)
        seen.events = database.read(lambda unit: examination.recorded(unit, LOOKED_FOR))
        if seen.tried.events <= WALKED:
            found = database.snapshot(lambda unit: verification.verify(unit, kept))
            seen.faults, seen.verified = found.told, found.head.seq
        seen.away, seen.stopped_by = database.read(directory.away), database.read(sessions.stopped_by)


LOOKED_FOR = ("stopped", "started", "undone", "escalated", "reassigned", "timeout", "paused", "modified", "taken_over")


def condition_of(seen: Stored) -> Iterator[Finding]:
    """Whether it can be worked with."""
    if seen.trouble is not None:
        yield wrong(NAME, seen.trouble.removeprefix(f"{NAME}: "), _cure(seen.trouble))
        return
    if seen.missing:
        yield ok(NAME, f"{seen.sqlite} is not there yet", "It is made at the first start")
        return
    if seen.condition is None:
        return
    yield from _condition(seen, seen.condition)
    if abs(seen.ahead_seconds) > MOST_SKEW:
        side = "ahead of" if seen.ahead_seconds > 0 else "behind"
        told = (
            f"this host's clock is {abs(seen.ahead_seconds):.0f} s {side} the database's, whose time decides deadlines"
        )
        yield wrong("clock", told, "Run NTP on both: timedatectl set-ntp true")


def _cure(trouble: str) -> str:
    for word, cure in _CURES.items():
        if word in trouble:
            return cure
    return "Correct SAYSO_DATABASE_URL, or bring the database back; psql with the same address tells more"


_CURES = {
    "password": "Put the right password into SAYSO_DATABASE_URL (percent-encode @ / : #), or into ~/.pgpass",
    "does not exist": "Create it (createdb, createuser), or correct the name in SAYSO_DATABASE_URL",
    "refused": "Start PostgreSQL, or correct host and port in SAYSO_DATABASE_URL",
    "not a database": "Name another file: what is there is no SQLite database",
    "locked": "Close whatever keeps the file locked: a backup, an open sqlite3 shell (fuser FILE tells who)",
    "network file system": "Use a local disk, or PostgreSQL",
}


def _condition(seen: Stored, found: Condition) -> Iterator[Finding]:
    here = str(seen.sqlite) if seen.sqlite else "PostgreSQL"
    denied = ", ".join(found.forbidden[:3]) + (" and more" if len(found.forbidden) > 3 else "")
    troubles = (
        (
            found.standby,
            "this is a standby, where nothing can be written",
            "Name the primary; with several hosts: target_session_attrs=read-write",
        ),
        (
            found.reads_only and not found.standby,
            "sessions can only read (default_transaction_read_only)",
            "ALTER ROLE … SET default_transaction_read_only = off, or name the primary",
        ),
        (
            bool(found.forbidden),
            f"this role may not {denied}",
            "python -m bot grants ROLE prints the SQL for it; run that as the tables' owner",
        ),
        (
            found.synchronous_commit == "off",
            "synchronous_commit is off: a crash could lose decisions that were acknowledged",
            "Switch it on for this role, and in the pooler",
        ),
        (
            found.fsync == "off",
            "PostgreSQL runs with fsync = off: a power cut can lose what was decided",
            "fsync = on in postgresql.conf",
        ),
    )
    yield from (wrong(NAME, says, cure) for is_so, says, cure in troubles if is_so)
    if found.at_head:
        yield ok("database", f"{here} answers, and its schema is at {found.revision}")
    elif seen.sqlite:
        yield ok(
            "database",
            f"{here} answers; its schema is at {found.revision or 'nothing'}",
            "The next start brings it to head",
        )
    else:
        at, head = found.revision or "nothing", schema.newest()
        yield wrong("database", f"the schema is at {at}, and this version needs {head}", "python -m bot migrate")


def audit(seen: Stored, settings: Settings) -> Iterator[Finding]:
    """The end of the audit chain, which is kept outside the database."""
    for fault in seen.anchor:
        yield wrong("audit", fault, "python -m bot audit verify tells whether the chain itself is whole")
    if seen.condition is not None and seen.condition.at_head and not seen.anchor:
        told = (
            "the kept end of the trail is there, and belongs to it"
            if seen.anchored
            else "no end of the trail is kept yet"
        )
        yield ok(
            "audit", told, "" if settings.audit_key else "Set SAYSO_AUDIT_KEY, so that nobody can change both unnoticed"
        )


def agents(seen: Stored) -> Iterator[Finding]:
    """Whether any agent can ask at all."""
    if seen.condition is None or not seen.condition.at_head:
        if seen.missing:
            yield unseen("agents", "there is no database yet", "python -m bot agent add NAME")
        return
    names = sorted({token.agent for token in seen.tokens})
    if names:
        yield ok("agents", f"{len(names)} with a token that works: {', '.join(names[:5])}")
    else:
        yield wrong("agents", "none has a token that works, so nobody can ask", "python -m bot agent add NAME")
