"""The database's address is what PostgreSQL's own library reads: nothing of it is dropped, and nothing secret is repeated."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from support import pgbouncer, postgres
from support.marks import on_postgresql
from support.servers import free_port
from support.tls import self_signed

from store import database_url, schema
from store.database_url import BadDatabaseUrl
from store.engine import Database, StoreUnavailable

ADDRESSES = [
    "postgresql://u:p@h/db",
    "postgresql://u:p%40%2F@h:5433/db?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=3",
    "postgresql://u@h1:1,h2:2,h3/db?target_session_attrs=read-write",
    "postgresql://u@/db?host=/var/run/postgresql&port=5433&application_name=mine",
    "postgresql://[::1]:5433/db",
    "postgresql:///?service=sayso",
    "postgresql://h/db?options=-csearch_path%3Done%2Ctwo%20-cwork_mem%3D8MB",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_everything_arrives(address: str) -> None:
    """What libpq reads in an address is what it is told by us, also after the address was printed and read again."""
    url = database_url.read(address)
    expected = {name: str(value) for name, value in conninfo_to_dict(address).items()}
    assert database_url.parameters_of(url) == expected
    again = database_url.read(_printed(url))
    assert database_url.parameters_of(again) == expected
    assert expected.items() <= database_url.arguments(url).items()


def _printed(url: URL) -> str:
    # SQLAlchemy writes a blank as a plus, which libpq takes for one.
    return url.render_as_string(hide_password=False).replace("+", "%20").replace("postgresql%20", "postgresql+")


def test_several_hosts_in_sqlalchemys_spelling() -> None:
    """`?host=a:1&host=b:2` means both, as it does to SQLAlchemy."""
    found = database_url.parameters_of(database_url.read("postgresql://u@/db?host=a:1&host=b:2"))
    assert (found["host"], found["port"]) == ("a,b", "1,2")


@pytest.mark.parametrize(
    "address, said",
    [
        ("postgresql://h/db?search_path=x", "search_path is no option of PostgreSQL"),
        ("postgresql://h:many/db", "not a database URL"),
        ("postgresql://u:se%zzcret@h/db", "not a database URL"),
        ("postgresql://u:se@cret@h/db", "percent-encode"),
    ],
)
def test_what_cannot_be_read_is_one_line(address: str, said: str) -> None:
    """It names the setting and the option, and repeats nothing that may be a password."""
    with pytest.raises(BadDatabaseUrl, match=said) as caught:
        database_url.read(address)
    assert str(caught.value).startswith("SAYSO_DATABASE_URL: ")
    assert "cret" not in str(caught.value)


NAMES = st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True).filter(lambda name: name not in database_url.SESSION)
VALUES = st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=1, max_size=12)


@given(settings=st.dictionaries(NAMES, VALUES, max_size=4), form=st.sampled_from(["-c {}={}", "-c{}={}", "--{}={}"]))
def test_options_are_parted_as_postgresql_parts_them(settings: dict[str, str], form: str) -> None:
    """Whatever a value holds, blanks and backslashes too: each is set as it was given, after ours."""
    escaped = {
        name: "".join(f"\\{c}" if c.isspace() or c == "\\" else c for c in value) for name, value in settings.items()
    }
    written = " ".join(form.format(name, value) for name, value in escaped.items())
    url = database_url.read(f"postgresql://h/db?options={quote(written, safe='')}")
    assert database_url.session_settings(url) == {**database_url.SESSION, **settings}


@on_postgresql
def test_options_of_the_address_hold(empty_database_url: str) -> None:
    """`?options=-csearch_path=…`: the tables land there and nowhere else, and our own timeouts hold beside it."""
    plain = Database(empty_database_url, pool_size=1)
    plain.run(lambda unit: unit.execute(text("CREATE SCHEMA elsewhere")))
    url = make_url(empty_database_url).update_query_dict({"options": "-csearch_path=elsewhere -c work_mem=8MB"})
    chosen = Database(_printed(url), pool_size=1)
    schema.upgrade(chosen)
    schema.require_head(chosen)
    names = ("search_path", "work_mem", "lock_timeout")
    shown = [chosen.read(lambda unit, name=name: unit.execute(text(f"SHOW {name}")).scalar_one()) for name in names]
    assert shown == ["elsewhere", "8MB", "4s"]
    found = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('approvals', 'audit', 'alembic_version')"
    assert plain.read(lambda unit: unit.execute(text(found)).scalars().all()) == ["elsewhere"]
    chosen.close()
    plain.close()


def test_our_name_is_only_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """`application_name` and `connect_timeout` of the address or the environment come before ours."""
    ours = database_url.arguments(database_url.read("postgresql://h/db"))
    assert (ours["fallback_application_name"], ours["connect_timeout"]) == ("sayso", 5)
    theirs = database_url.arguments(database_url.read("postgresql://h/db?application_name=x&connect_timeout=9"))
    assert (theirs["application_name"], theirs["connect_timeout"]) == ("x", "9")
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")
    assert "connect_timeout" not in database_url.arguments(database_url.read("postgresql://h/db"))


@pytest.mark.servers
def test_a_password_file_a_service_and_several_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGPASSFILE, a service file and a list of hosts of which the first is dead: all lead to the same database."""
    with postgres.own() as server:
        server.require_password("careful", "s:ecret")
        host, name = make_url(server.url).query["host"], make_url(server.url).database
        passwords = tmp_path / "pgpass"
        passwords.write_text("*:*:*:careful:s\\:ecret\n")
        passwords.chmod(stat.S_IRUSR | stat.S_IWUSR)
        services = tmp_path / "services"
        told = {"host": host, "user": "careful", "dbname": name, "options": "-c work_mem=8MB"}
        services.write_text("[sayso]\n" + "".join(f"{key}={value}\n" for key, value in told.items()))
        monkeypatch.setenv("PGSERVICEFILE", str(services))
        address = f"postgresql://careful@/{name}?host={host}"
        with pytest.raises(StoreUnavailable):
            _asked(address)
        monkeypatch.setenv("PGPASSFILE", str(passwords))
        assert _asked(address) == ["careful", "4MB", "4s"]
        assert _asked("postgresql:///?service=sayso") == ["careful", "8MB", "4s"]
        assert _asked(f"postgresql://careful@/{name}?host=/nowhere,{host}&port=5432,5432") == ["careful", "4MB", "4s"]


def _asked(address: str) -> list[str]:
    database = Database(address, pool_size=1)
    query = text("SELECT current_user, current_setting('work_mem'), current_setting('lock_timeout')")
    try:
        return list(database.read(lambda unit: unit.execute(query).one()))
    finally:
        database.close()


@on_postgresql
@pytest.mark.servers
@pytest.mark.skipif(not pgbouncer.there(), reason="NOT TESTED: TLS needs PgBouncer, which is not here")
def test_tls_is_as_strict_as_the_address_says(database: Database, tmp_path: Path) -> None:
    """With `sslmode=verify-full` the server's own certificate is needed; without TLS this one lets nobody in."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sayso-tls-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        certificate, key = self_signed(place, "localhost")
        key.chmod(0o644)
        other, _ = self_signed(place, "elsewhere")
        tls = {"client_tls_sslmode": "require", "client_tls_key_file": str(key)}
        tls |= {"client_tls_cert_file": str(certificate), "listen_addr": "127.0.0.1", "listen_port": str(port)}
        pooler = pgbouncer.PgBouncer(database.url, place / "pgbouncer", **tls)
        address = f"postgresql://careful@localhost:{port}/{database.url.database}"
        sure = Database(f"{address}?sslmode=verify-full&sslrootcert={certificate}", pool_size=1)
        with sure.engine.connect() as connection:
            assert connection.connection.driver_connection.pgconn.ssl_in_use  # type: ignore[union-attr]
        sure.close()
        for refused in (f"sslmode=verify-full&sslrootcert={other}", "sslmode=disable"):
            unsure = Database(f"{address}?{refused}", pool_size=1)
            with pytest.raises(StoreUnavailable):
                unsure.check()
            unsure.close()
        pooler.stop()


@on_postgresql
def test_a_primary_that_became_a_standby_is_left(database: Database) -> None:
    """While nobody may write, work is refused as while the database is away; then it goes on by itself, on new connections."""
    name = database.url.database

    def write() -> None:
        database.run(lambda unit: unit.execute(text("CREATE TABLE written ()")))

    assert database.read(lambda unit: unit.execute(text("SELECT 1")).scalar_one()) == 1
    with psycopg.connect(_direct(database), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        _end_others(admin)
        with pytest.raises(StoreUnavailable):
            write()
        admin.execute(b"SET default_transaction_read_only = off")
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
    write()


def _direct(database: Database) -> str:
    return make_conninfo(**database_url.parameters_of(database.url))


def _end_others(admin: psycopg.Connection) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
    admin.execute(f"{others} pg_backend_pid()".encode())


@given(
    password=st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=12),
    own=st.booleans(),
)
def test_a_schema_of_its_own_leaves_the_rest_of_an_address_alone(password: str, own: bool) -> None:
    """One workspace's address is the whole server's, with its tables elsewhere: password, host and options stay."""
    given_ = f"postgresql://sayso:{quote(password, safe='')}@db.example:5433/sayso"
    given_ += "?options=-c%20lock_timeout%3D9000" if own else ""
    before = database_url.parameters_of(database_url.read(given_))
    within = database_url.in_schema(given_, "sayso_t0one")
    after = database_url.parameters_of(database_url.read(within))
    assert after.pop("options").endswith("-c search_path=sayso_t0one")
    before.pop("options", None)
    assert after == before
    settings = database_url.session_settings(database_url.read(within))
    assert settings["search_path"] == "sayso_t0one"
    assert settings["lock_timeout"] == ("9000" if own else "4000")
