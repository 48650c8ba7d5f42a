"""Files and folders that only their owner may read, whatever the umask says."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# What SQLite writes beside its file; new ones take over the file's own mode.
_BESIDE = ("-wal", "-shm", "-journal")


def make_folder(path: Path) -> None:
    """The folder and those above it that are missing, each for its owner only; what is there already stays as it is."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):
            one.mkdir(mode=0o700)


def make_database(path: Path) -> None:
    """The (empty) file of a SQLite database and its folder where they are missing; what is wider open is narrowed."""
    make_folder(path.parent)
    # Only where it is not there: closing a file that SQLite has open takes its locks away, whoever opened it, and another
    # process then removes the write-ahead log from under us.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    for name in ("", *_BESIDE):
        narrow(path.with_name(path.name + name))


def narrow(path: Path) -> None:
    """Take from a file what others may do with it; one that is not there, or belongs to somebody else, stays as it is."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS)


def is_exposed(path: Path) -> bool:
    """Whether others than its owner may read or write a file."""
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def replace(path: Path, content: bytes) -> None:
    """Make `content` the whole file, at once and durably; whoever reads it meanwhile sees it as it was before.

    The new file has one fixed name until it takes the old one's place: what a killed process leaves is written over by
    the next, and of two who write at once the second waits. Raises OSError.
    """
    make_folder(path.parent)
    aside = path.with_name(path.name + ".new")
    file = _alone(aside)
    try:
        os.ftruncate(file, 0)
        os.write(file, content)
        os.fsync(file)
        aside.replace(path)
    finally:
        os.close(file)


def _alone(path: Path) -> int:
    """The file, open and locked: where another writer has just moved it to its place, the next one."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.fchmod(file, 0o600)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), path.stat()):
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
