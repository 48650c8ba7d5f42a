"""Another user of the same machine looks for what Sayso wrote, and reads none of it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.servers import ROOT, environment

from bot.server import audit_anchor
from store import agents, private_files, schema
from store.engine import Database


def for_others(folder: Path) -> dict[str, str]:
    """What others than the owner could read or list there, by path."""
    found = {path: path.stat().st_mode for path in [folder, *folder.rglob("*")]}
    open_ = {path: mode for path, mode in found.items() if mode & 0o077}
    return {str(path.relative_to(folder)): stat.filemode(mode) for path, mode in open_.items()}


@pytest.fixture
def careless() -> Iterator[None]:
    """A process whose umask hides nothing from anybody."""
    before = os.umask(0)
    yield
    os.umask(before)


@on_sqlite
@pytest.mark.usefixtures("careless")
def test_what_a_server_writes_is_its_owners(closed_office: Office, tmp_path: Path) -> None:
    """Database, write-ahead log, shared memory and mark, in folders that it made: nothing of them is for others."""
    office, data = closed_office, tmp_path / "var" / "sayso"
    office.database_url = f"sqlite:///{data / 'sayso.db'}"
    office.settings["SAYSO_AUDIT_HEAD"] = str(data / "far" / "end.json")
    database = Database(office.database_url)
    schema.upgrade(database)
    office.database.close()
    office.database = database
    server = office.open()
    office.agent.refund()
    audit_anchor.keep(server.settings, server.database)
    written = {path.name for path in data.rglob("*") if path.is_file()}
    assert written == {"sayso.db", "sayso.db-wal", "sayso.db-shm", "end.json"}
    assert for_others(tmp_path / "var") == {}


@on_sqlite
@pytest.mark.usefixtures("careless")
def test_what_lay_open_is_narrowed(database_url: str) -> None:
    """Files of an earlier version, that all could read, are their owner's from the next start on."""
    path = Path(database_url.removeprefix("sqlite:///"))
    first = Database(database_url)
    first.run(lambda unit: agents.add(unit, "demo"))
    beside = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    for one in beside:
        one.chmod(0o666)
    second = Database(database_url)
    second.check()
    assert [stat.filemode(one.stat().st_mode) for one in beside] == ["-rw-------"] * 3
    first.close()
    second.close()


@pytest.mark.parametrize(
    "words", [("migrate",), ("agent", "add", "demo"), ("sweep",), ("audit", "verify")], ids=lambda words: words[0]
)
def test_what_a_command_writes_is_its_owners(words: tuple[str, ...], tmp_path: Path) -> None:
    """Whichever command comes first on a machine makes the database for its owner only."""
    url = f"sqlite:///{tmp_path / 'var' / 'new' / 'sayso.db'}"
    line = f"umask 0; exec {sys.executable} -m bot {' '.join(words)}"
    done = subprocess.run(
        ["sh", "-c", line], env=environment({"SAYSO_DATABASE_URL": url}), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "var" / "new" / "sayso.db").exists()
    assert for_others(tmp_path / "var") == {}


@on_postgresql
@pytest.mark.usefixtures("careless")
def test_the_mark_of_a_shared_database_is_its_owners(closed_office: Office, tmp_path: Path) -> None:
    """On PostgreSQL too, in a folder that was not there, and nothing is left in the working directory."""
    office = closed_office
    office.settings["SAYSO_DATA_DIR"] = str(tmp_path / "data")
    before = set(Path.cwd().glob("*.audit-head*"))
    server = office.open()
    office.agent.refund()
    audit_anchor.keep(server.settings, server.database)
    assert [path.suffix for path in (tmp_path / "data").iterdir()] == [".audit-head"]
    assert for_others(tmp_path / "data") == {}
    assert set(Path.cwd().glob("*.audit-head*")) == before


@pytest.mark.usefixtures("careless")
def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """What a killed writer left half written is gone with the next, and the file is its owner's from its first byte."""
    path = tmp_path / "new" / "end"
    private_files.replace(path, b"one")
    path.with_name("end.new").write_bytes(b"half of a much longer text")
    path.with_name("end.new").chmod(0o666)
    private_files.replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert [one.name for one in path.parent.iterdir()] == ["end"]
    assert for_others(path.parent) == {}


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """Somebody who may write in that folder cannot have another file overwritten by a link under the temporary name."""
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "end.new").symlink_to(other)
    with pytest.raises(OSError):
        private_files.replace(tmp_path / "end", b"two")
    assert other.read_text() == "mine"
