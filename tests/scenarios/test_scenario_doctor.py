"""The doctor names what is wrong with an installation, and what to click or set: each cause is brought about here.

docs/troubleshooting.md tells the same causes by what people see; a test compares the two.
"""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text, update
from sqlalchemy.engine import make_url
from support import postgres
from support.files import PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office
from support.servers import ROOT, command, free_port, zygote

from bot.doctor import machine
from bot.doctor.findings import State
from bot.server import arrivals, scopes
from playground.kit import Channel
from store import agents
from store.tables import outbox

SECONDS = 10.0
DOCS = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


@dataclass
class Installation:
    """One that is sound until a test breaks it; `opened` is closed at the end."""

    office: Office
    folder: Path
    opened: ExitStack
    env: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Any:
        """Slack's side of it."""
        return self.office.slack.workspace

    def channel(self, name: str) -> Channel:
        """A channel, to be changed."""
        found: Channel = self.workspace.channel(name)
        return found

    def examine(self, *words: str) -> tuple[int, list[dict[str, str]], float]:
        """The exit status, the findings, and how long it took."""
        begun = time.monotonic()
        done = command(self.office.env | self.env, "doctor", "--json", *words, folder=self.folder)
        assert done.stderr == "", done.stderr
        return done.returncode, json.loads(done.stdout)["findings"], time.monotonic() - begun


@pytest.fixture
def sound(closed_office: Office, tmp_path: Path) -> Iterator[Installation]:
    """Installed from manifest.yml, with policy files of its own, an agent, and a database at head."""
    zygote()  # which takes its own time to load
    office, folder = closed_office, tmp_path / "at"
    folder.mkdir()
    office.slack.install(yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8")))
    office.manifest = write_manifest(tmp_path, {"change_thing": PLAIN})
    office.roster = write_roster(tmp_path, ROSTER | {"roles": ROSTER["roles"] | {"leads": {"usergroup": "S0LEADS"}}})
    office.database.run(lambda unit: agents.add(unit, "demo"))
    with ExitStack() as opened:
        yield Installation(office, folder, opened, {"SAYSO_PORT": str(free_port()), "XDG_STATE_HOME": str(tmp_path)})


Break = Callable[[Installation], object]


@dataclass(frozen=True)
class Case:
    """How it is brought about, and what the doctor has to say of it: which thing, the cause, and the cure."""

    cause: Break
    name: str
    says: str
    cure: str
    state: State = State.WRONG


def setting(**values: str) -> Break:
    """These settings."""
    return lambda at: at.env.update(values)


def without(*names: str) -> Break:
    """Without these scopes."""
    return lambda at: at.workspace.credentials.scopes.difference_update(names)


def out_of(channel: str, **changes: Any) -> Break:
    """Sayso is not in the channel."""

    def work(at: Installation) -> None:
        found = at.channel(channel)
        members = [user for user in found.members if user != at.workspace.bot_user]
        at.workspace.channels[found.id] = replace(found, members=members, **changes)

    return work


def roster(**changes: Any) -> Break:
    """Another roster."""
    return lambda at: write_roster(at.office.folder, ROSTER, **changes)


def manifest(**changes: Any) -> Break:
    """Another manifest."""
    return lambda at: write_manifest(at.office.folder, {"change_thing": PLAIN | changes})


def person(user: str, **changes: Any) -> Break:
    """Somebody changed."""
    return lambda at: at.workspace.people.update({user: replace(at.workspace.people[user], **changes)})


def group(**changes: Any) -> Break:
    """The user group changed."""

    def work(at: Installation) -> None:
        write_roster(at.office.folder, ROSTER, roles=ROSTER["roles"] | {"finance": {"usergroup": "S0LEADS"}})
        if changes:
            at.workspace.groups["S0LEADS"] = replace(at.workspace.groups["S0LEADS"], **changes)
        else:
            at.workspace.groups.clear()

    return work


def silent(at: Installation) -> str:
    """A host that takes connections and says nothing."""
    listener = at.opened.enter_context(socket.create_server(("127.0.0.1", 0)))
    return f"127.0.0.1:{listener.getsockname()[1]}"


def slack_is_silent(at: Installation) -> None:
    at.env["SAYSO_SLACK_API_URL"] = f"http://{silent(at)}/api/"


def port_is_taken(at: Installation) -> None:
    at.env["SAYSO_PORT"] = silent(at).rpartition(":")[2]


def served(at: Installation, **env: str) -> None:
    """A server runs there."""
    at.office.settings.update(env)
    at.env["SAYSO_PORT"] = at.office.open().url.rpartition(":")[2]
    for name in env:
        del at.office.settings[name]


def another_secret(at: Installation) -> None:
    served(at, SLACK_SIGNING_SECRET="another")


def public_address_elsewhere(at: Installation) -> None:
    at.env["SAYSO_PUBLIC_URL"] = f"{at.office.slack.url}/nowhere"


def socket_mode(at: Installation) -> None:
    at.env["SLACK_APP_TOKEN"] = at.office.slack.app_token
    at.workspace.switches.socket_mode = True


def socket_mode_off(at: Installation) -> None:
    socket_mode(at)
    at.workspace.switches.socket_mode = False


def app_token_revoked(at: Installation) -> None:
    socket_mode(at)
    at.office.slack.faults.inject("apps.connections.open", "error", times=None, error="invalid_auth")


def app_token_too_narrow(at: Installation) -> None:
    socket_mode(at)
    at.office.slack.faults.inject("apps.connections.open", "error", times=None, error="missing_scope")


def taps_never_come(at: Installation) -> None:
    """Interactivity is off: somebody taps on a card, Slack shows an error, and two hours later nothing has arrived."""
    at.workspace.switches.interactivity = False
    at.office.open()
    card = at.office.card(at.office.agent.ask("change_thing", {"thing": "x"}))
    assert at.office.person("U0ALICE").click(card, "approve").error == "off"
    at.office.until(lambda: at.office.database.read(lambda unit: posted(unit)), "the card is known to be posted")
    at.office.database.run(lambda unit: unit.execute(update(outbox).values(created_at=unit.now - timedelta(hours=2))))


def posted(unit: Any) -> bool:
    return unit.execute(outbox.select().where(outbox.c.slack_ts.is_not(None))).first() is not None


def wrong_secret_for_long(at: Installation) -> None:
    """The server has another secret than Slack: every tap was refused."""
    served(at, SLACK_SIGNING_SECRET="another")
    assert at.office.person("U0ALICE").command("/sayso", "help", "#ops").status == 401
    at.office.server.stop()


def clocks_differ(at: Installation) -> None:
    at.workspace.clock = lambda: time.time() + 400


def no_database_file(at: Installation) -> None:
    (at.folder / "f").write_text("hello " * 1000)
    at.env["SAYSO_DATABASE_URL"] = f"sqlite:///{at.folder}/f"


def database_is_locked(at: Installation) -> None:
    at.office.database.close()
    connection = at.opened.enter_context(closing(sqlite3.connect(at.office.folder / "sayso.db", isolation_level=None)))
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")


def database_is_open_to_all(at: Installation) -> None:
    (at.office.folder / "sayso.db").chmod(0o644)


def file_gone(name: str) -> Break:
    return lambda at: (at.office.folder / name).unlink()


def file_holds(name: str, content: bytes) -> Break:
    return lambda at: (at.office.folder / name).write_bytes(content)


def folder_for_manifest(at: Installation) -> None:
    at.env["SAYSO_MANIFEST"] = str(at.folder)


def audit_end_is_gone(at: Installation) -> None:
    at.office.open()
    at.office.agent.ask("change_thing", {"thing": "x"})
    at.office.server.stop()
    (at.office.folder / "sayso.db.audit-head").unlink()


def agents_are_revoked(at: Installation) -> None:
    at.office.database.run(lambda unit: agents.revoke(unit, "demo"))


def env_file(content: bytes, mode: int = 0o600) -> Break:
    def work(at: Installation) -> None:
        (at.folder / ".env").write_bytes(content)
        (at.folder / ".env").chmod(mode)

    return work


APP = "api.slack.com/apps → Sayso → "
SQLITE: dict[str, Case] = {
    # --- Slack -------------------------------------------------------------------------------------------------------
    "a scope is missing": Case(
        without("usergroups:read"), "scope usergroups:read", "user groups have no members", f"{APP}OAuth & Permissions"
    ),
    "the app was removed": Case(
        lambda at: setattr(at.workspace.credentials, "revoked", "token_revoked"),
        "SLACK_BOT_TOKEN",
        "token_revoked",
        f"{APP}Install App → Reinstall",
    ),
    "the bot token is another app's": Case(
        setting(SLACK_BOT_TOKEN="xoxb-another"), "SLACK_BOT_TOKEN", "invalid_auth", "Bot User OAuth Token"
    ),
    "the two tokens are swapped": Case(
        setting(SLACK_BOT_TOKEN="xapp-1"), "SLACK_BOT_TOKEN", "belongs into SLACK_APP_TOKEN", "Correct SLACK_BOT_TOKEN"
    ),
    "a person's token is used": Case(
        setting(SLACK_BOT_TOKEN="xoxp-1"), "SLACK_BOT_TOKEN", "is a person's token", "Correct SLACK_BOT_TOKEN"
    ),
    "Slack cannot be reached": Case(
        setting(SAYSO_SLACK_API_URL="http://127.0.0.1:1/api/"), "Slack", "does not answer", "proxy, firewall, DNS"
    ),
    "Slack does not answer": Case(slack_is_silent, "Slack", "does not answer", "status.slack.com"),
    "the clock is wrong": Case(clocks_differ, "clock", "400 s behind Slack's", "timedatectl"),
    "a channel is archived": Case(
        lambda at: setattr(at.channel("#finance"), "is_archived", True), "channel #finance", "is archived", "Unarchive"
    ),
    "a channel does not exist": Case(
        manifest(channel="#fnance"), "channel #fnance", "none that Sayso can see", "action change_thing in actions.yml"
    ),
    "a channel's id is wrong": Case(
        manifest(channel="C0NOWHERE"), "channel C0NOWHERE", "none that Sayso can see", "correct the name"
    ),
    "Sayso is not in a private channel": Case(
        out_of("#finance", is_private=True), "channel #finance", "none that Sayso can see", "/invite @sayso"
    ),
    "Sayso is not in a public channel": Case(
        lambda at: (without("chat:write.public")(at), out_of("#finance")(at)),
        "channel #finance",
        "is not in it",
        "/invite @sayso",
    ),
    "private channels may not be read": Case(
        lambda at: (
            without("groups:read")(at),
            at.workspace.channels.update(C0FINANCE=replace(at.channel("#finance"), is_private=True)),
        ),
        "channel #finance",
        "none that Sayso can see",
        "groups:read",
    ),
    "a user group is disabled": Case(group(disabled=True), "user group S0LEADS", "is disabled", "@leads → Enable"),
    "a user group is empty": Case(group(users=[]), "user group S0LEADS", "has no members", "Edit members"),
    "a user group is gone": Case(group(), "user group S0LEADS", "none with this id", "Copy group ID"),
    "a reviewer left": Case(person("U0ALICE", deleted=True), "person U0ALICE", "is deactivated", "Correct the roster"),
    "a reviewer is a guest": Case(person("U0ALICE", is_restricted=True), "person U0ALICE", "is a guest", "the roster"),
    "a reviewer's id is wrong": Case(
        roster(roles=ROSTER["roles"] | {"finance": {"members": ["U0NOBODY", "U0BOB"]}}),
        "person U0NOBODY",
        "knows nobody",
        "Copy member ID",
    ),
    "a role has nobody left": Case(
        lambda at: (person("U0ALICE", deleted=True)(at), person("U0BOB", deleted=True)(at)),
        "role finance",
        "nobody who is active",
        "Add a member",
    ),
    "addresses are not told": Case(
        without("users:read.email"), "scope users:read.email", "under another account", "OAuth & Permissions"
    ),
    "Socket Mode is off": Case(
        socket_mode_off, "SLACK_APP_TOKEN", "no connection can be opened", f"{APP}Socket Mode → Enable"
    ),
    "the app token is revoked": Case(app_token_revoked, "SLACK_APP_TOKEN", "invalid_auth", f"{APP}Basic Information"),
    "the app token may not connect": Case(
        app_token_too_narrow, "SLACK_APP_TOKEN", "connections:write", "Generate Token"
    ),
    "interactivity is off": Case(
        taps_never_come,
        "interactivity",
        "no tap has ever arrived",
        f"{APP}Interactivity & Shortcuts → Interactivity on",
    ),
    "the command is not there": Case(
        lambda at: at.workspace.commands.clear(), "/sayso", "no command has ever", f"{APP}Slash Commands", State.UNSEEN
    ),
    "events are off": Case(
        lambda at: at.workspace.bot_events.clear(),
        "events",
        "none has ever arrived",
        "Event Subscriptions",
        State.UNSEEN,
    ),
    "the server has another signing secret": Case(
        another_secret, "signing secret", "another SLACK_SIGNING_SECRET", "App Credentials → Signing Secret"
    ),
    "what Slack sends was refused": Case(
        wrong_secret_for_long, "SLACK_SIGNING_SECRET", "another signature was refused", "Signing Secret"
    ),
    "the public address leads elsewhere": Case(
        public_address_elsewhere, "request URL", "answers 404", "let the proxy pass"
    ),
    "the public address is dead": Case(
        setting(SAYSO_PUBLIC_URL="https://127.0.0.1:1"), "request URL", "cannot be reached", "DNS, certificate"
    ),
    # --- the machine -------------------------------------------------------------------------------------------------
    "a setting is missing": Case(
        setting(SLACK_SIGNING_SECRET=""), "SLACK_SIGNING_SECRET", "is not set", "Correct SLACK_SIGNING"
    ),
    "a setting is misspelt": Case(setting(SAYSO_MANIFSET="x"), "SAYSO_MANIFSET", "SAYSO_MANIFEST is one", "Rename it"),
    "a setting stands in quotes": Case(
        setting(SAYSO_PORT='"8350"'), "SAYSO_PORT", "stands in quotes", "Correct SAYSO_PORT"
    ),
    "a setting is of the wrong kind": Case(
        setting(SAYSO_PORT="many"), "SAYSO_PORT", "valid integer", "Correct SAYSO_PORT"
    ),
    "the host has a scheme": Case(
        setting(SAYSO_HOST="http://0.0.0.0"), "SAYSO_HOST", "without http://", "Correct SAYSO_HOST"
    ),
    ".env has another encoding": Case(env_file("SAYSO_HOST=ä".encode("utf-16")), ".env", "not UTF-8", "Correct .env"),
    ".env is open to all": Case(
        env_file(b"SAYSO_LOG_FORMAT=json\n", 0o644), ".env", "others on this machine", "chmod 600"
    ),
    "the manifest is gone": Case(file_gone("actions.yml"), "SAYSO_MANIFEST", "No such file", "policy check"),
    "the manifest is a folder": Case(folder_for_manifest, "SAYSO_MANIFEST", "Is a directory", "policy check"),
    "the manifest has a tab": Case(
        file_holds("actions.yml", b"version: 1\nactions:\n\tx: 1\n"),
        "SAYSO_MANIFEST",
        r"actions.yml:3: .*\\t",
        "policy check",
    ),
    "the roster is wrong": Case(roster(admin=["U0ADMIN"]), "SAYSO_ROSTER", "admin", "policy check"),
    "an action asks a role that nobody has": Case(
        manifest(required_role="finanse"), "policy", "finanse", "Add it to the roster"
    ),
    "no operations channel is named": Case(
        roster(operations=None), "operations channel", "none is named", "operations:"
    ),
    "the port is taken": Case(port_is_taken, "SAYSO_PORT", "does not answer as Sayso does", "ss -ltnp"),
    "no agent has a token": Case(agents_are_revoked, "agents", "none has a token", "agent add"),
    # --- the database ------------------------------------------------------------------------------------------------
    "the database refuses": Case(
        setting(SAYSO_DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/x"),
        "SAYSO_DATABASE_URL",
        "refused",
        "Start PostgreSQL",
    ),
    "the database's address is none": Case(
        setting(SAYSO_DATABASE_URL="mysql://db/x"),
        "SAYSO_DATABASE_URL",
        "mysql is not supported",
        "Correct SAYSO_DATABASE_URL",
    ),
    "another file is named as the database": Case(
        no_database_file, "SAYSO_DATABASE_URL", "not a database", "another file"
    ),
    "the database is locked": Case(database_is_locked, "SAYSO_DATABASE_URL", "locked", "fuser"),
    "the database is open to all": Case(
        database_is_open_to_all, "SAYSO_DATABASE_URL", "others on this machine", "chmod 600"
    ),
    "the end of the trail is gone": Case(audit_end_is_gone, "audit", "is gone", "audit verify"),
}


@on_sqlite
@pytest.mark.parametrize("name", SQLITE)
def test_each_cause_is_named_with_its_cure(name: str, sound: Installation) -> None:
    """Within ten seconds, whatever else is down; 1 where something is wrong, 0 where it only cannot be seen."""
    case = SQLITE[name]
    case.cause(sound)
    status, found, took = sound.examine()
    assert took < SECONDS
    named = [one for one in found if one["name"] == case.name and one["state"] == case.state]
    fits = [one for one in named if re.search(case.says, one["says"]) and re.search(re.escape(case.cure), one["cure"])]
    assert fits, json.dumps(found, indent=1, ensure_ascii=False)
    assert status == (1 if case.state is State.WRONG else 0)
    assert "hunter2" not in json.dumps(found)


@on_sqlite
def test_a_sound_installation_is_green(sound: Installation) -> None:
    """Everything is ok, or cannot be seen before the first tap; nothing is posted, made or changed, and no secret told."""
    before = {path: path.stat().st_mtime_ns for path in sound.office.folder.rglob("*")}
    status, found, _ = sound.examine()
    assert (status, [one for one in found if one["state"] == "not ok"]) == (0, [])
    assert {one["name"] for one in found if one["state"] != "ok"} == {"server", "interactivity", "/sayso", "events"}
    assert {path: path.stat().st_mtime_ns for path in sound.office.folder.rglob("*")} == before
    reads = ("auth.test", "conversations.list", "conversations.info", "usergroups.list", "users.info")
    assert {call.method for call in sound.office.slack.calls} <= set(reads)
    assert not any(
        secret in json.dumps(found) for secret in (sound.office.slack.token, sound.office.slack.signing_secret)
    )


@on_sqlite
def test_what_arrived_is_known(sound: Installation) -> None:
    """After a tap, a command and a look at the home tab nothing is left unseen; each finding is one line."""
    served(sound)
    office = sound.office
    card = office.card(office.agent.ask("change_thing", {"thing": "x"}))
    office.person("U0ALICE").click(card, "details")
    office.person("U0ALICE").command("/sayso", "help", "#ops")
    office.person("U0ALICE").open_home()
    office.advance(1)
    deadline = time.monotonic() + 20
    while True:
        done = command(office.env | sound.env, "doctor", folder=sound.folder)
        lines = done.stdout.splitlines()
        if not any(line.startswith("cannot") for line in lines) or time.monotonic() > deadline:
            break
    assert done.returncode == 0, done.stdout
    assert re.fullmatch(r"\d+ ok", lines[-1]), done.stdout
    assert all(line.startswith("ok: ") for line in lines[:-1])
    assert "ok: interactivity: a tap came" in done.stdout


@on_sqlite
def test_a_message_is_posted_only_when_asked_for(sound: Installation) -> None:
    """`--post` puts a line into each channel and takes it away again."""
    status, found, _ = sound.examine("--post")
    assert status == 0
    said = {one["name"]: one["says"] for one in found if one["name"].startswith("a message")}
    assert said == {f"a message in {name}": "came, and is gone again" for name in ("#finance", "#ops")}
    assert len(sound.office.slack.calls_to("chat.postMessage")) == 2
    assert [sound.office.slack.messages(name) for name in ("#ops", "#finance")] == [[], []]


@on_sqlite
def test_everything_down_still_ends_in_time(sound: Installation) -> None:
    """Slack, database and public address swallow what they are sent: ten seconds, and all three are named."""
    hole = silent(sound)
    sound.env |= {
        "SAYSO_SLACK_API_URL": f"http://{hole}/api/",
        "SAYSO_DATABASE_URL": f"postgresql://u:p@{hole}/x",
        "SAYSO_PUBLIC_URL": f"http://{hole}",
    }
    status, found, took = sound.examine()
    assert status == 1
    assert took < SECONDS
    assert {one["name"] for one in found if one["state"] == "not ok"} == {"Slack", "SAYSO_DATABASE_URL", "request URL"}


@on_sqlite
def test_every_wrong_setting_is_told(sound: Installation) -> None:
    """Not only the first of them."""
    sound.env |= {"SAYSO_PORT": "x", "SAYSO_SWEEP_SECONDS": "0", "SAYSO_LOG_FORMAT": "xml"}
    names = {one["name"] for one in sound.examine()[1] if one["state"] == "not ok"}
    assert names == {"SAYSO_PORT", "SAYSO_SWEEP_SECONDS", "SAYSO_LOG_FORMAT"}


@pytest.mark.parametrize("free, said", [(50_000_000, State.WRONG), (500_000_000, State.OK)])
def test_a_full_disk_is_told(free: int, said: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Under 100 MB is wrong, under 1 GB is worth a word."""
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    (found,) = machine.folders(type("S", (), {"folder": tmp_path})(), None)  # type: ignore[arg-type]
    assert (found.state, bool(found.cure)) == (said, True)


def test_the_scopes_are_those_of_the_slack_app() -> None:
    """manifest.yml asks for what the doctor looks for, no more and no less."""
    app = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    assert set(app["oauth_config"]["scopes"]["bot"]) == set(scopes.NEEDED)
    events = app["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in events} == set(arrivals.EVENTS)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    """A PostgreSQL server of these tests' own."""
    with postgres.own() as found:
        yield found


@pytest.fixture
def on_postgres(sound: Installation, server: postgres.Postgres) -> Installation:
    """The same installation with its database there, at head."""
    sound.env["SAYSO_DATABASE_URL"] = server.url
    assert command(sound.office.env | sound.env, "migrate", folder=sound.folder).returncode == 0
    assert command(sound.office.env | sound.env, "agent", "add", "demo", folder=sound.folder).returncode == 0
    return sound


def sql(url: str, *statements: str) -> None:
    """As the database's owner."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def address(url: str, **changes: str) -> str:
    return make_url(url).set(**changes).render_as_string(hide_password=False)


def wrong_password(at: Installation, server: postgres.Postgres) -> None:
    server.require_password("careful", "right")
    at.env["SAYSO_DATABASE_URL"] = address(server.url, username="careful", password="hunter2")


def unknown_database(at: Installation, server: postgres.Postgres) -> None:
    at.env["SAYSO_DATABASE_URL"] = address(server.url, database="nowhere")


def schema_is_behind(at: Installation, server: postgres.Postgres) -> None:
    sql(server.url, "CREATE DATABASE fresh")
    at.env["SAYSO_DATABASE_URL"] = address(server.url, database="fresh")


def role_may_not_write(at: Installation, server: postgres.Postgres) -> None:
    sql(server.url, "CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    at.env["SAYSO_DATABASE_URL"] = address(server.url, username="reader")


def sessions_only_read(at: Installation, server: postgres.Postgres) -> None:
    name = make_url(server.url).database
    over = ("SET default_transaction_read_only = off", f'ALTER DATABASE "{name}" RESET ALL')
    at.opened.callback(sql, server.url, *over)
    sql(server.url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')


PostgresBreak = Callable[[Installation, postgres.Postgres], object]
POSTGRESQL: dict[str, tuple[PostgresBreak, str, str, str]] = {
    "the database's password is wrong": (
        wrong_password,
        "SAYSO_DATABASE_URL",
        "password authentication failed",
        "pgpass",
    ),
    "the database does not exist": (unknown_database, "SAYSO_DATABASE_URL", '"nowhere" does not exist', "createdb"),
    "the schema is behind": (schema_is_behind, "database", "this version needs", "python -m bot migrate"),
    "the database's role may not write": (
        role_may_not_write,
        "SAYSO_DATABASE_URL",
        "may not DELETE",
        "python -m bot grants",
    ),
    "the database can only be read": (sessions_only_read, "SAYSO_DATABASE_URL", "can only read", "default_transaction"),
}


@on_sqlite  # the office's own; the database that is looked at is PostgreSQL
@pytest.mark.parametrize("name", POSTGRESQL)
def test_each_cause_in_postgresql_is_named(name: str, on_postgres: Installation, server: postgres.Postgres) -> None:
    """The same for what only a server can have."""
    cause, thing, says, cure = POSTGRESQL[name]
    _, before, _ = on_postgres.examine()
    # The tests' server keeps nothing through a power cut, and the doctor says so.
    assert ["fsync" in one["says"] for one in before if one["state"] == "not ok"] == [True], before
    cause(on_postgres, server)
    status, found, took = on_postgres.examine()
    assert (status, took < SECONDS) == (1, True)
    fits = [one for one in found if one["name"] == thing and says in one["says"] and cure in one["cure"]]
    assert fits, json.dumps(found, indent=1, ensure_ascii=False)


def test_the_handbook_tells_every_cause() -> None:
    """Each row of docs/troubleshooting.md is a case here, and each case a row there, with the command that shows it."""
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| ([^|]+) \|$", DOCS, flags=re.MULTILINE)
    told = {cause.strip(): way for cause, way in rows if cause.strip() not in ("cause", "---")}
    assert set(told) == SQLITE.keys() | POSTGRESQL.keys()
    assert all("`" in way for way in told.values())
