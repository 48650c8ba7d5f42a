"""The end of the audit chain, kept outside the database: whoever cuts the tail there does not cut it here.

A small file beside the SQLite database, or where SAYSO_AUDIT_HEAD says; signed with SAYSO_AUDIT_KEY where that is set.
It moves on at each sweep and when the server stops, so what a cut could hide is at most one sweep old; it never moves over a
gap: a database that was rolled back, cut or written anew is told of until an operator accepts it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import socket
from pathlib import Path

from bot.settings import BadSetting, Settings
from policies.digest import canonical
from policies.errors import SaysoError
from store import audit, private_files, switches, verification
from store.audit import Entry, Head
from store.engine import Database
from store.unit import Unit

log = logging.getLogger("sayso.audit")


class Unkept(SaysoError):
    """The place of the kept end cannot be written: logged, and harms nobody but who cuts the trail meanwhile."""


def keep(settings: Settings, database: Database) -> list[str]:
    """As `advance`, for whom a place that cannot be written makes no difference."""
    try:
        return advance(settings, database)
    except Unkept:
        return []


def advance(settings: Settings, database: Database) -> list[str]:
    """Move the kept end on to the chain's present one, and only over rows that follow it without a gap.

    Gives what is wrong: then the end stays where it was. Raises Unkept, and logs it, where its place cannot be written.
    """
    marks, faults = known(settings, database)
    if faults:
        return faults
    end, chain, faults = database.read(lambda unit: (audit.head(unit), audit.first_hash(unit), _since(unit, marks)))
    if faults or chain is None or marks == [end]:
        return faults
    _write(settings, database, {"chain": chain, "seq": end.seq, "hash": end.hash})
    return []


def require_place(settings: Settings, database: Database) -> None:
    """Raise BadSetting where an operator chose a place that cannot be written."""
    name = "SAYSO_AUDIT_HEAD" if settings.audit_head else "SAYSO_DATA_DIR"
    if name == "SAYSO_DATA_DIR" and "data_dir" not in settings.model_fields_set:
        return
    path = place(settings, database)
    try:
        private_files.make_folder(path.parent)
    except OSError as error:
        raise BadSetting(f"{name}: cannot make {path.parent}: {error.strerror}", field=name) from None
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadSetting(f"{name}: cannot write {path}", field=name)


def _since(unit: Unit, marks: list[Head]) -> list[str]:
    return verification.since(unit, marks[0]) if marks else []


def accept(settings: Settings, database: Database, why: str) -> Head:
    """Keep the chain's present end whatever was kept before, and record in the trail that an operator said so."""
    database.run(lambda unit: unit.record(Entry("anchored", unit.now, "operator", rationale=why)))
    end, chain = database.read(lambda unit: (audit.head(unit), audit.first_hash(unit)))
    _write(settings, database, {"chain": chain, "seq": end.seq, "hash": end.hash})
    return end


def _write(settings: Settings, database: Database, body: dict[str, object]) -> None:
    path = place(settings, database)
    try:
        private_files.replace(path, (json.dumps(body | {"mac": _mac(settings, body)}) + "\n").encode("ascii"))
    except OSError as error:
        log.warning("the end of the audit chain could not be kept in %s: %s", path, error.strerror)
        raise Unkept(f"the end of the audit chain could not be kept in {path}: {error.strerror}") from None
    where = _remembered(path)
    if database.read(lambda unit: switches.value(unit, where)) is None:
        database.run(lambda unit: switches.note(unit, where, str(path)))


def known(settings: Settings, database: Database) -> tuple[list[Head], list[str]]:
    """The end that was kept of this chain, and what is wrong with the note of it."""
    path = place(settings, database)
    try:
        said = json.loads(path.read_text(encoding="ascii"))
        body = {"chain": str(said["chain"]), "seq": int(said["seq"]), "hash": str(said["hash"])}
        mac = said.get("mac")
    except FileNotFoundError:
        kept = database.read(lambda unit: switches.value(unit, _remembered(path)))
        return [], [f"{path} is gone: the end of the chain was kept there ({_ACCEPT})"] if kept is not None else []
    except (OSError, ValueError, KeyError, TypeError):
        return [], [f"{path} cannot be read as the end of a chain"]
    if settings.audit_key is None and mac is not None:
        return [], [f"{path} is signed, and no SAYSO_AUDIT_KEY is set to check it with"]
    if settings.audit_key is not None and not hmac.compare_digest(str(mac), str(_mac(settings, body))):
        return [], [f"{path} is not signed with SAYSO_AUDIT_KEY"]
    if body["chain"] != database.read(audit.first_hash):
        return [], [f"{path} belongs to another history: this one begins with a different row ({_ACCEPT})"]
    return [Head(int(str(body["seq"])), str(body["hash"]))], []


_ACCEPT = "if that is right, say so with python -m bot audit accept WHY"
UNSIGNED = "SAYSO_AUDIT_KEY is not set: whoever can write both the database and the kept end of the audit chain can change both unnoticed"


def _remembered(path: Path) -> str:
    """Under what name the database remembers that this host kept an end there: who removes the file is noticed."""
    return "audit-end:" + hashlib.sha256(f"{socket.gethostname()}:{path}".encode()).hexdigest()[:24]


def place(settings: Settings, database: Database) -> Path:
    """Where the end is kept: the same wherever a command is started."""
    return settings.audit_head or settings.folder / f"{_name(database)}.audit-head"


def _name(database: Database) -> str:
    url = database.url
    if database.sqlite:
        return Path(str(url.database)).name
    host, port = (url.host or url.query.get("host") or "local"), (url.port or url.query.get("port") or 5432)
    return "sayso-" + re.sub(r"[^A-Za-z0-9._-]+", "_", f"{host}-{port}-{url.database}")


def _mac(settings: Settings, body: dict[str, object]) -> str | None:
    if settings.audit_key is None:
        return None
    return hmac.new(settings.audit_key.encode(), canonical(body).encode(), hashlib.sha256).hexdigest()
