"""What the trail keeps of a row: a sum of it after each move, of it before, and of what was put beside it.

An approval and its votes, labels and the like are ordinary rows, which whoever has the database's password can change.
Each move's audit row therefore holds the sum of the approval as it then stood (its seal) and as it was found (`was`):
a change by hand shows as a row that fits no seal, and after the next move as two seals that do not fit each other.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table

from policies.digest import canonical, rfc3339
from store.tables import approvals

if TYPE_CHECKING:
    from store.audit import Entry

DOMAIN = b"sayso/row/v1\x00"
# When somebody is reminded, or looked at next, is put off without a row. Undo's end has a rule of its own (evidence.py).
# The parameters are in the digest, which is sealed. Others have sums of their own: the checkpoint, which is not read with
# its approval, and what a card names of its like, which an open approval is told without moving on.
ASIDE = ("checkpoint", "again")
UNSEALED = frozenset(
    {"clock_remind_at", "clock_hush_until", "clock_reminders", "clock_undo_until", "wake_at", "params", *ASIDE}
)


def seal(values: Mapping[str, Any]) -> str:
    """The sum of an approval's row; a column that is empty or as the database fills it counts as not there.

    So that a later version's new column changes no earlier sum.
    """
    body = {}
    for name, value in values.items():
        if value is None or name in UNSEALED or (name in _DEFAULTS and value == _DEFAULTS[name]):
            continue
        if isinstance(value, datetime):
            body[name] = rfc3339(value)
        else:
            body[name] = _SUMMED[name](value) if name in _SUMMED else value
    return hashlib.sha256(DOMAIN + canonical(body).encode()).hexdigest()


def sum_of(table: str, values: Mapping[str, Any]) -> str:
    """A row of another table as its name and its sum, without the number that the database gave it."""
    body = {name: _plain(value) for name, value in values.items() if value is not None and name != "id"}
    return f"{table}:{hashlib.sha256(DOMAIN + canonical(body).encode()).hexdigest()}"


def sum_aside(value: Any) -> str | None:
    """The sum of a value that is kept beside the seal; None of nothing."""
    return None if value is None else hashlib.sha256(DOMAIN + canonical(value).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value


def _summed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# Long texts, which are not written out a second time to be summed. Policies are few.
_SUMMED: dict[str, Callable[[str], str]] = {"request": _summed, "policy": lru_cache(maxsize=512)(_summed)}


def _default(text: str) -> Any:
    plain = text.strip("()'")
    known = {"true": True, "false": False}
    return known.get(plain.lower(), int(plain) if plain.lstrip("-").isdigit() else plain)


_DEFAULTS = {
    column.name: _default(str(getattr(column.server_default.arg, "text", column.server_default.arg)))  # type: ignore[attr-defined]
    for column in approvals.c
    if column.server_default is not None
}


class Seals:
    """The rows that a unit of work has read and written, and what its audit rows owe the trail."""

    def __init__(self) -> None:
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._sums: dict[str, str] = {}
        self._owed: dict[str, dict[str, Any]] = {}

    def seen(self, values: Mapping[str, Any]) -> None:
        """An approval as the database has it."""
        self._rows[values["id"]] = values
        self._sums.pop(values["id"], None)

    def row(self, approval_id: str) -> Mapping[str, Any] | None:
        """An approval as it was last read or written; None where this unit has not."""
        return self._rows.get(approval_id)

    def made(self, values: Mapping[str, Any]) -> None:
        """An approval that is new."""
        approval_id = values["id"]
        self.seen(values)
        owed = self._of(approval_id)
        owed["row"] = self._told(approval_id, None)
        for name in ASIDE:
            if values.get(name) is not None:
                self.told(approval_id, name, values[name])

    def changed(self, approval_id: str, values: Mapping[str, Any]) -> None:
        """An approval in which `values` are now others; it was read before."""
        was = self.sum(approval_id)
        if "again" in values and values["again"] != self._rows[approval_id].get("again"):
            self.told(approval_id, "again", values["again"])
        self.seen({**self._rows[approval_id], **values})
        if self.sum(approval_id) == was:
            return
        owed = self._of(approval_id)
        # Of two moves in one unit, the trail's row tells from the first to the last.
        owed["row"] = self._told(approval_id, owed["row"].get("was") if "row" in owed else was)

    def told(self, approval_id: str, name: str, value: Any) -> None:
        """A column beside the seal that is now another."""
        self._of(approval_id)[name] = sum_aside(value)

    def sum(self, approval_id: str) -> str:
        """The sum of an approval as it was last read or written."""
        found = self._sums.get(approval_id)
        if found is None:
            found = self._sums[approval_id] = seal(self._rows[approval_id])
        return found

    def _told(self, approval_id: str, was: str | None) -> dict[str, Any]:
        values = self._rows[approval_id]
        told = {"version": values["version"], "state": values["state"], "seal": self.sum(approval_id)}
        if values.get("clock_undo_until") is not None:
            told["undo_until"] = rfc3339(values["clock_undo_until"])
        return told if was is None else told | {"was": was}

    def beside(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows that were added about approvals."""
        for values in rows:
            self._of(values["approval_id"]).setdefault("kept", []).append(sum_of(table.name, values))

    def gone(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows about approvals that were taken away."""
        for values in rows:
            self._of(values["approval_id"]).setdefault("dropped", []).append(sum_of(table.name, values))

    def changed_beside(self, table: Table, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """A row about an approval that became another."""
        self.gone(table, [before])
        self.beside(table, [after])

    def _of(self, approval_id: str) -> dict[str, Any]:
        return self._owed.setdefault(approval_id, {})

    def attached(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries, of each approval the last that moved it with what is owed of it.

        Raises AssertionError where something was changed and no entry tells of it.
        """
        told, about = list(entries), defaultdict[str | None, list[int]](list)
        for index, entry in enumerate(told):
            about[entry.approval_id].append(index)
        for approval_id in self._owed.keys() & about.keys():
            moving = [index for index in about[approval_id] if told[index].moves]
            owed, last = self._owed.pop(approval_id), (moving or about[approval_id])[-1]
            for index in moving[:-1]:
                told[index] = replace(told[index], extra=told[index].extra | {"row": {}})
            told[last] = replace(told[last], extra=told[last].extra | owed)
        if self._owed:
            raise AssertionError(f"changed without a row in the trail: {', '.join(self._owed)}")
        return told

    def kept(self) -> Seals:
        """The same as it is now, to go back to."""
        found = copy(self)
        found._rows, found._sums = dict(self._rows), dict(self._sums)
        found._owed = {name: _copied(owed) for name, owed in self._owed.items()}
        return found


def _copied(owed: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in owed.items()}
