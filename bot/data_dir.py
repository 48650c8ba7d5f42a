"""Where files lie: never where a command happens to be started."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError


def database_url(given: str, data_dir: Path | None) -> str:
    """The database's address, with the path of a SQLite file made absolute: in `data_dir`, else in the working directory."""
    url = _sqlite(given)
    if url is None:
        return given
    path = (data_dir or Path.cwd()) / Path(str(url.database)).expanduser()
    return url.set(database=str(path)).render_as_string(hide_password=False)


def default(url: str) -> Path:
    """Where relative paths lie while SAYSO_DATA_DIR is not set: beside the SQLite file, else in the user's own state."""
    file = _sqlite(url)
    return Path(str(file.database)).parent if file is not None else _state()


def check(folder: Path) -> None:
    """Raise ValueError unless the folder is there, or can be made where it is missing."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise ValueError(f"{there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"{there} may not be written to by this user")


def to_read(path: Path, data_dir: Path | None, otherwise: Path) -> Path:
    """A file that an operator wrote. While SAYSO_DATA_DIR is not set, the working directory is looked through too."""
    if data_dir is None and not (otherwise / path).exists():
        return Path.cwd() / path
    return (data_dir or otherwise) / path


def _sqlite(given: str) -> URL | None:
    """The address of a SQLite file, None for anything else; whether it can be used at all, the database says."""
    try:
        url = make_url(given)
        found = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    except (SQLAlchemyError, ValueError):
        return None
    return url if found and not str(url.database).startswith("file:") else None


def _state() -> Path:
    try:
        home = Path.home()
    except RuntimeError:
        return Path("/var/lib/sayso")
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (given if given.is_absolute() else home / ".local" / "state") / "sayso"
