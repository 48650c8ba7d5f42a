"""Whether the database keeps what it says it keeps: asked once at the start, and refused in one line where it does not."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from policies.errors import SaysoError
from store import private_files
from store.engine import Database, StoreUnavailable

MOUNTS = Path("/proc/self/mounts")
# File systems over a network, whose locks SQLite cannot trust; FUSE too, but for those that keep their files here.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "beegfs"})
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.fuse2fs"})
_ESCAPED = re.compile(r"\\([0-7]{3})")


class NotDurable(SaysoError):
    """The database may lose what it was told to keep."""


class ReadOnly(SaysoError):
    """SAYSO_DATABASE_URL: {what}: nothing can be written there; name the primary (with several hosts: target_session_attrs=read-write)."""


def require_writable(database: Database) -> None:
    """Raise ReadOnly where PostgreSQL lets nobody write: a standby, or a database that is set so."""
    if database.sqlite:
        return
    if _said(database, "SELECT pg_is_in_recovery()::text") == "true":
        raise ReadOnly(what="PostgreSQL is a read-only standby", field="SAYSO_DATABASE_URL")
    if _said(database, "SHOW transaction_read_only") == "on":
        raise ReadOnly(what="transactions are read-only", field="SAYSO_DATABASE_URL")


def require(database: Database, mounts: Path = MOUNTS) -> None:
    """Raise NotDurable where a committed decision could be lost, and StoreUnavailable where nobody can say."""
    if database.sqlite:
        require_local(Path(str(database.url.database)), mounts)
        return
    if _said(database, "SHOW synchronous_commit") == "off":
        raise NotDurable(
            "SAYSO_DATABASE_URL: synchronous_commit is off in our sessions although we set it on (a pooler, or a login "
            "trigger?), so a crash could lose decisions that were acknowledged",
            field="SAYSO_DATABASE_URL",
        )


def doubts(database: Database) -> list[str]:
    """What an operator should know of and may have meant."""
    if database.sqlite:
        path = Path(str(database.url.database))
        open_wide = private_files.is_exposed(path)
        return [f"{path} can be read by others and is not ours to change: chmod 600 it"] if open_wide else []
    if _said(database, "SHOW fsync") != "off":
        return []
    return ["PostgreSQL runs with fsync = off: a power cut can lose or damage what was decided"]


def _said(database: Database, question: str) -> str:
    try:
        with database.engine.connect() as connection:
            return str(connection.execute(text(question)).scalar_one())
    except SQLAlchemyError as error:
        raise StoreUnavailable() from error


def require_local(path: Path, mounts: Path = MOUNTS) -> None:
    """Raise NotDurable where a SQLite file is, or would be, on a file system over a network."""
    kind = file_system(path, mounts)
    if kind in _REMOTE or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE):
        raise NotDurable(
            f"SAYSO_DATABASE_URL: {path} is on a network file system ({kind}), where SQLite cannot lock safely: "
            "use a local disk, or PostgreSQL",
            field="SAYSO_DATABASE_URL",
        )


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The kind of file system that a file is on, or will be; empty where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    folder = path.expanduser().resolve().parent
    found = [(Path(_unescaped(fields[1])), fields[2]) for fields in (line.split() for line in lines) if len(fields) > 2]
    holding = [(len(place.parts), kind) for place, kind in found if folder.is_relative_to(place)]
    # Of two at the same place the later one is on top.
    return max(reversed(holding), key=lambda one: one[0], default=(0, ""))[1]


def _unescaped(place: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), place)
