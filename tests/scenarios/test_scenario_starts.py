"""A start that cannot be ends in one line that names the setting; one that waits ends when it is told to."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from support import postgres
from support.marks import on_sqlite
from support.office import Office
from support.servers import command, environment, zygote

SECONDS = 10.0
Prepare = Callable[[Path], object]


@pytest.fixture
def silent() -> Iterator[str]:
    """A host that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def setting(tmp_path: Path, silent: str) -> dict[str, str]:
    """Settings that would do, while Slack is as silent as a host can be."""
    return {
        "SLACK_BOT_TOKEN": "xoxb-x",
        "SLACK_SIGNING_SECRET": "secret",
        "SAYSO_SLACK_API_URL": f"http://{silent}/api/",
        "SAYSO_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "SAYSO_PORT": "0",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


def refused(env: dict[str, str], folder: Path, *words: str) -> str:
    """The one line with which a process ends that cannot start, in time and with status 2."""
    begun = time.monotonic()
    done = command(env, *(words or ("serve",)), folder=folder)
    assert time.monotonic() - begun < SECONDS
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_an_env_file_of_another_encoding_is_named(encoding: str, setting: dict[str, str], tmp_path: Path) -> None:
    """What an editor saved as UTF-16, say, is one line with the file's place."""
    (tmp_path / ".env").write_text("SAYSO_HOST=ä\n", encoding=encoding)
    assert refused(setting, tmp_path) == f"sayso: .env: cannot read {tmp_path / '.env'}: it is not UTF-8 text"


PLACES: dict[str, tuple[str, str, Prepare, str]] = {
    "a data folder under a file": ("DATA_DIR", "{at}/f/data", lambda at: (at / "f").touch(), "{at}/f is not a folder"),
    "a database under a file": (
        "DATABASE_URL",
        "sqlite:///{at}/f/x.db",
        lambda at: (at / "f").touch(),
        "cannot open {at}/f/x.db: Not a directory",
    ),
    "a folder as the database": ("DATABASE_URL", "sqlite:///{at}", lambda at: None, "cannot open {at}: unable to open"),
    "a folder that nobody can make": (
        "DATABASE_URL",
        "sqlite:////proc/sayso/x.db",
        lambda at: None,
        "cannot open /proc/sayso/x.db: No such file or directory (/proc/sayso)",
    ),
    "another file as the database": (
        "DATABASE_URL",
        "sqlite:///{at}/f",
        lambda at: (at / "f").write_text("hello " * 1000),
        "cannot open {at}/f: file is not a database",
    ),
    "an audit end under a file": ("AUDIT_HEAD", "{at}/f/end", lambda at: (at / "f").touch(), "cannot write {at}/f/end"),
}


@pytest.mark.parametrize("name, value, prepare, said", PLACES.values(), ids=PLACES)
def test_a_place_that_cannot_be_used_is_named(
    name: str, value: str, prepare: Prepare, said: str, setting: dict[str, str], tmp_path: Path
) -> None:
    """Folders and files that are not there, and cannot be made, are one line, Slack being down as well."""
    at = tmp_path / "at"
    at.mkdir()
    prepare(at)
    line = refused(setting | {f"SAYSO_{name}": value.format(at=at)}, tmp_path)
    assert line.startswith(f"sayso: SAYSO_{name}: {said.format(at=at)}")


def test_folders_that_are_missing_are_made(setting: dict[str, str], tmp_path: Path) -> None:
    """A data folder of several levels is no reason to refuse, and the database lies in it."""
    data = tmp_path / "a" / "b"
    done = command(setting | {"SAYSO_DATA_DIR": str(data), "SAYSO_DATABASE_URL": "sqlite:///x.db"}, "migrate")
    assert (done.returncode, done.stderr) == (0, "")
    assert (data / "x.db").exists()


@pytest.mark.parametrize("words", [("serve",), ("migrate",), ("agent", "list"), ("policy", "tune")], ids=" ".join)
def test_a_database_that_refuses_is_named(words: tuple[str, ...], setting: dict[str, str], tmp_path: Path) -> None:
    """Nobody listens there: every command says where it looked, and no password."""
    env = setting | {"SAYSO_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x"}
    expected = "sayso: SAYSO_DATABASE_URL: cannot connect to PostgreSQL at 127.0.0.1:1: Connection refused"
    assert refused(env, tmp_path, *words) == expected


@pytest.mark.parametrize("hosts", [1, 3])
def test_a_database_that_is_silent_is_given_up(
    hosts: int, setting: dict[str, str], silent: str, tmp_path: Path
) -> None:
    """A host that swallows what it is sent costs no more than ten seconds, however many of them are listed."""
    host, port = silent.split(":")
    listed = f"?host={','.join([host] * hosts)}&port={','.join([port] * hosts)}"
    line = refused(setting | {"SAYSO_DATABASE_URL": f"postgresql://u:hunter2@/x{listed}"}, tmp_path)
    assert line.startswith("sayso: SAYSO_DATABASE_URL: cannot connect to PostgreSQL")
    assert "hunter2" not in line


def test_a_wrong_password_and_an_unknown_database_are_told_apart(setting: dict[str, str], tmp_path: Path) -> None:
    """What PostgreSQL says of it, behind the setting's name."""
    with postgres.own() as server:
        server.require_password("careful", "right")
        address = make_url(server.url)
        wrong = address.set(username="careful", password="hunter2").render_as_string(hide_password=False)
        line = refused(setting | {"SAYSO_DATABASE_URL": wrong}, tmp_path)
        assert line.endswith('password authentication failed for user "careful"')
        unknown = address.set(database="nowhere").render_as_string(hide_password=False)
        line = refused(setting | {"SAYSO_DATABASE_URL": unknown}, tmp_path)
        assert line.endswith('database "nowhere" does not exist')
        assert line.startswith("sayso: SAYSO_DATABASE_URL: cannot connect to PostgreSQL")


def test_a_password_with_an_at_sign_is_not_repeated(setting: dict[str, str], tmp_path: Path) -> None:
    """Where the rest of a password would be taken for a host, nothing of it is printed."""
    for address in ("postgresql://u:12/34@h/x", "postgresql://u:a#b@h/x", "postgresql://u:p@ss@h/x"):
        line = refused(setting | {"SAYSO_DATABASE_URL": address}, tmp_path)
        assert line.startswith("sayso: SAYSO_DATABASE_URL: ")
        assert not any(part in line for part in ("12", "34", "p@ss", "ss@", "a#b"))


def locked(url: str) -> AbstractContextManager[object]:
    """Hold what a start has to write."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if "postgresql" in url else url)
    connection = engine.connect()
    held = "LOCK TABLE policy_versions IN ACCESS EXCLUSIVE MODE" if "postgresql" in url else "BEGIN EXCLUSIVE"
    connection.execute(text(held))
    return closing(connection)


def test_a_start_that_waits_ends_when_it_is_told_to(closed_office: Office, tmp_path: Path) -> None:
    """SIGTERM while the start waits for a lock: the process is gone within two seconds."""
    env = environment(closed_office.env | {"SAYSO_PORT": "0"})
    with locked(closed_office.database_url):
        child = zygote().fork("support.zygote:serve", env, tmp_path / "log")
        assert not child.ended_within(2.5), (tmp_path / "log").read_text()
        child.send(15)
        assert child.ended_within(2.0)
    assert (tmp_path / "log").read_text().endswith("sayso: stopped while starting\n")


@on_sqlite
def test_a_server_without_slack_ends_when_it_is_told_to(closed_office: Office, silent: str) -> None:
    """With Slack silent the server starts, and SIGTERM ends it all the same."""
    closed_office.settings["SAYSO_SLACK_API_URL"] = f"http://{silent}/api/"
    process = closed_office.open_process()
    process.stop()


@on_sqlite
@pytest.mark.parametrize("slack", [True, False], ids=["Slack answers", "Slack is down"])
def test_a_start_warns_of_nothing_twice(slack: bool, closed_office: Office) -> None:
    """A good start is silent but for the missing audit key; without Slack each thing is said once."""
    if not slack:
        closed_office.settings["SAYSO_SLACK_API_URL"] = "http://127.0.0.1:1/api/"
    process = closed_office.open_process()
    deadline = time.monotonic() + 30
    while not slack and "Slack does not tell" not in process.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.stop()
    said = [line.partition(" ")[2] for line in process.log.read_text().splitlines()]
    warned = [line for line in said if not line.startswith("INFO")]
    assert len(set(warned)) == len(warned), warned
    assert len(warned) == (1 if slack else 3), warned
    assert "SAYSO_AUDIT_KEY" in warned[0]
