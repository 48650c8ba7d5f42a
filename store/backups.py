"""A copy of a SQLite database, made while servers work on it, and looked through before it counts as one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from sqlalchemy import text

from policies.errors import SaysoError
from store import private_files, verification
from store.engine import Database
from store.verification import Findings, Tell


class CannotBackUp(SaysoError):
    """There is no backup."""


def back_up(database: Database, file: Path, tell: Tell) -> Findings:
    """Copy everything as it is at one moment into a new file, for its owner only; gives what a verification of it found.

    Raises CannotBackUp, and where anything fails leaves no file behind.
    """
    if not database.sqlite:
        raise CannotBackUp("SAYSO_DATABASE_URL: is PostgreSQL: back it up with pg_dump", field="SAYSO_DATABASE_URL")
    if file.exists():
        raise CannotBackUp(f"{file} is there already", field="FILE")
    aside = file.with_name(file.name + ".new")
    try:
        private_files.make_folder(file.parent)
        aside.unlink(missing_ok=True)
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise CannotBackUp(f"cannot write {aside}: {error.strerror}", field="FILE") from None
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.execute(text("VACUUM INTO :file"), {"file": str(aside)})
        found = _looked_through(aside, tell)
        _kept(aside, file)
    except BaseException:
        for name in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                aside.with_name(aside.name + name).unlink()
        raise
    return found


def _looked_through(file: Path, tell: Tell) -> Findings:
    copy = Database(f"sqlite:///{file}", pool_size=1)
    try:
        return copy.snapshot(lambda unit: verification.verify(unit, tell=tell))
    finally:
        copy.close()


def _kept(aside: Path, file: Path) -> None:
    for path in (aside, aside.parent):
        opened = os.open(path, os.O_RDONLY)
        os.fsync(opened)
        os.close(opened)
    aside.rename(file)
