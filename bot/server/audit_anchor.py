"""The end of the audit chain, kept outside the database: whoever cuts the tail there does not cut it here.

A small file beside the SQLite database, or where SAYSO_AUDIT_HEAD says; signed with SAYSO_AUDIT_KEY where that is set.
It is written at each sweep and when the server stops, so what a cut could hide is at most one sweep old.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from pathlib import Path

from sqlalchemy import select

from bot.settings import Settings
from policies.digest import canonical
from store import audit, private_files
from store.audit import Head
from store.engine import Database
from store.tables import audit as rows
from store.unit import Unit

log = logging.getLogger("sayso.audit")


def keep(settings: Settings, database: Database) -> None:
    """Note the chain's present end; a place that cannot be written is logged and harms nobody."""
    end, chain = database.read(lambda unit: (audit.head(unit), _chain(unit)))
    if chain is None:
        return
    body = {"chain": chain, "seq": end.seq, "hash": end.hash}
    path = place(settings, database)
    try:
        private_files.replace(path, (json.dumps(body | {"mac": _mac(settings, body)}) + "\n").encode("ascii"))
    except OSError as error:
        log.warning("the end of the audit chain could not be kept in %s: %s", path, error.strerror)


def known(settings: Settings, database: Database) -> tuple[list[Head], list[str]]:
    """The end that was kept of this chain, and what is wrong with the note of it."""
    path = place(settings, database)
    try:
        said = json.loads(path.read_text(encoding="ascii"))
        body = {"chain": str(said["chain"]), "seq": int(said["seq"]), "hash": str(said["hash"])}
        mac = said.get("mac")
    except FileNotFoundError:
        return [], []
    except (OSError, ValueError, KeyError, TypeError):
        return [], [f"{path} cannot be read as the end of a chain"]
    if settings.audit_key is not None and not hmac.compare_digest(str(mac), str(_mac(settings, body))):
        return [], [f"{path} is not signed with SAYSO_AUDIT_KEY"]
    if body["chain"] != database.read(_chain):
        # Another database used this place; if it was this one, its approvals miss their rows.
        return [], []
    return [Head(int(str(body["seq"])), str(body["hash"]))], []


def place(settings: Settings, database: Database) -> Path:
    """Where the end is kept: the same wherever a command is started."""
    return settings.audit_head or settings.folder / f"{_name(database)}.audit-head"


def _name(database: Database) -> str:
    url = database.url
    if database.sqlite:
        return Path(str(url.database)).name
    host, port = (url.host or url.query.get("host") or "local"), (url.port or url.query.get("port") or 5432)
    return "sayso-" + re.sub(r"[^A-Za-z0-9._-]+", "_", f"{host}-{port}-{url.database}")


def _chain(unit: Unit) -> str | None:
    """What tells one chain from another: its first row."""
    found: str | None = unit.execute(select(rows.c.hash).where(rows.c.seq == 1)).scalar_one_or_none()
    return found


def _mac(settings: Settings, body: dict[str, object]) -> str | None:
    if settings.audit_key is None:
        return None
    return hmac.new(settings.audit_key.encode(), canonical(body).encode(), hashlib.sha256).hexdigest()
