"""The database's address: a SQLite file, or PostgreSQL with every option that its own library (libpq) knows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from policies.errors import SaysoError

SETTING, LISTEN_SETTING = "SAYSO_DATABASE_URL", "SAYSO_DATABASE_LISTEN_URL"
_POSTGRESQL = re.compile(r"^postgres(?:ql)?(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
_NO_OPTION = re.compile(r'invalid URI query parameter: "([A-Za-z0-9_]{1,40})"')
# What every session of ours has. Of the address's own `options` each comes after these, and wins.
SESSION = {"lock_timeout": "4000", "statement_timeout": "15000", "synchronous_commit": "on", "timezone": "UTC"}
# A server that vanished without a word is noticed after ten seconds, not after the system's quarter of an hour.
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
# One host may take five seconds to answer; the first contact with several has to fit into the same time (first_contact.py).
_CONNECT_SECONDS, _SEVERAL_SECONDS = 5, 2


class BadDatabaseUrl(SaysoError):
    """The database's address cannot be used."""


def read(text: str, setting: str = SETTING) -> URL:
    """The address; raises BadDatabaseUrl, which never repeats what may be part of a password."""
    if _POSTGRESQL.match(text):
        return _shown(_parameters(text, setting))
    try:
        parsed = make_url(text)
        backend = parsed.get_backend_name()
    except (SQLAlchemyError, ValueError):
        raise _bad("not a database URL", setting) from None
    if setting == LISTEN_SETTING:
        raise _bad("must be a postgresql:// address", setting)
    if backend != "sqlite":
        raise _bad(f"{backend} is not supported", setting)
    if parsed.database in (None, "", ":memory:"):
        raise _bad("SQLite needs a file", setting)
    path = str(Path(str(parsed.database)).expanduser())
    return parsed.set(drivername="sqlite+pysqlite", database=path)


def _bad(what: str, setting: str) -> BadDatabaseUrl:
    return BadDatabaseUrl(f"{setting}: {what}", field=setting)


def _parameters(text: str, setting: str) -> dict[str, str]:
    plain = _POSTGRESQL.sub("postgresql://", text)
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(plain).items()}
    except psycopg.Error as error:
        unknown = _NO_OPTION.search(str(error))
        raise _bad(f"{unknown[1]} is no option of PostgreSQL" if unknown else "not a database URL", setting) from None
    if "@" in f"{found.get('host', '')}{found.get('dbname', '')}":
        raise _bad("percent-encode the @, /, : and # of the password", setting)
    found |= _hosts_apart(plain)
    if not all(port.isdigit() for port in found.get("port", "").split(",") if port):
        raise _bad("not a database URL", setting)
    return found


def _hosts_apart(plain: str) -> dict[str, str]:
    """Several hosts as SQLAlchemy spells them (`?host=a:1&host=b:2`), of which libpq would take the last one alone."""
    try:
        hosts = make_url(plain).query.get("host", "")
    except (SQLAlchemyError, ValueError):
        return {}
    if isinstance(hosts, str):
        return {}
    pairs = [host.rpartition(":") if ":" in host else (host, "", "") for host in hosts]
    return {"host": ",".join(pair[0] for pair in pairs), "port": ",".join(pair[2] for pair in pairs)}


_PARTS = {"user": "username", "password": "password", "dbname": "database"}


def _shown(parameters: Mapping[str, str]) -> URL:
    """The same as SQLAlchemy's value; what is no plain host stands among its options."""
    host, port = parameters.get("host", ""), parameters.get("port", "")
    plain = bool(host) and not set(",/@") & set(host) and "," not in port
    rest = {name: value for name, value in parameters.items() if name not in _PARTS}
    if plain:
        rest = {name: value for name, value in rest.items() if name not in ("host", "port")}
    return URL.create(
        "postgresql+psycopg",
        **{part: parameters.get(name) for name, part in _PARTS.items()},
        host=host if plain else None,
        port=int(port) if plain and port else None,
        query=rest,
    )


def parameters_of(url: URL) -> dict[str, str]:
    """What libpq is told of an address."""
    named = {"user": url.username, "password": url.password, "dbname": url.database}
    named |= {"host": url.host, "port": str(url.port) if url.port else None}
    return {name: value for name, value in named.items() if value} | {
        name: str(value) for name, value in url.query.items()
    }


def in_schema(text: str, schema: str) -> str:
    """The same address, with tables in a schema of their own."""
    parameters = parameters_of(read(text))
    parameters["options"] = f"{parameters.get('options', '')} -c search_path={schema}".strip()
    return f"postgresql:///?{urlencode(parameters, quote_via=quote)}"  # libpq reads a + as it stands


def arguments(url: URL) -> dict[str, Any]:
    """The same with what we add where neither the address nor the environment says otherwise; without session settings."""
    given = parameters_of(url)
    added: dict[str, Any] = {"fallback_application_name": "sayso", **_KEEPALIVE}
    if "PGCONNECT_TIMEOUT" not in os.environ:
        added["connect_timeout"] = _SEVERAL_SECONDS if "," in given.get("host", "") else _CONNECT_SECONDS
    return {**added, **given}


def own_options(url: URL) -> str:
    """The `options` of the address, else of the environment."""
    return parameters_of(url).get("options") or os.environ.get("PGOPTIONS", "")


def session_settings(url: URL) -> dict[str, str]:
    """Our session's settings and those of the address's options, by name."""
    words = iter(_words(own_options(url)))
    found = dict(SESSION)
    for word in words:
        said = next(words, "") if word == "-c" else word.removeprefix("-c").removeprefix("--")
        name, given, value = said.partition("=")
        if given:
            found[name.replace("-", "_").lower()] = value
    return found


def _words(options: str) -> list[str]:
    """As PostgreSQL parts them: at white space that no backslash stands before."""
    return [re.sub(r"(?s)\\(.)", r"\1", word) for word in re.findall(r"(?s)(?:\\.|\S)+", options)]
