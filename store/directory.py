"""The last good copy of what Slack says of people and user groups, and who is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, select

from store.tables import absences, people, policy_versions, usergroups
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Copy:
    """A fact and when Slack last confirmed it."""

    value: Any
    fetched_at: datetime


def _upsert(unit: Unit, table: Table, key: str, values: dict[str, Any], *, unless_newer: str | None = None) -> None:
    statement = unit.insert(table)
    rest = {name: statement.excluded[name] for name in values if name != key}
    no_older = statement.excluded[unless_newer] >= table.c[unless_newer] if unless_newer else None
    unit.execute(statement.on_conflict_do_update(index_elements=[key], set_=rest, where=no_older), values)


def save_person(unit: Unit, user: str, facts: dict[str, Any], fetched_at: datetime) -> None:
    """Keep what Slack said of a person, unless it said something later."""
    values = {"user_id": user, "facts": facts, "fetched_at": fetched_at}
    _upsert(unit, people, "user_id", values, unless_newer="fetched_at")


def save_usergroup(unit: Unit, group: str, members: list[str], fetched_at: datetime) -> None:
    """Keep who Slack said is in a user group, unless it said something later."""
    values = {"id": group, "members": members, "fetched_at": fetched_at}
    _upsert(unit, usergroups, "id", values, unless_newer="fetched_at")


def saved_people(unit: Unit) -> dict[str, Copy]:
    """Every person's last good copy."""
    return {row.user_id: Copy(row.facts, row.fetched_at) for row in unit.execute(select(people))}


def saved_usergroups(unit: Unit) -> dict[str, Copy]:
    """Every user group's last good copy."""
    return {row.id: Copy(row.members, row.fetched_at) for row in unit.execute(select(usergroups))}


def set_away(unit: Unit, user: str, until: datetime | None, delegate: str | None = None) -> None:
    """`user` takes no new approvals until then; None means until they are back. `delegate` takes their turns."""
    values = {"user_id": user, "since": unit.now, "until": until, "delegate": delegate}
    _upsert(unit, absences, "user_id", values)


def set_back(unit: Unit, user: str) -> bool:
    """`user` takes approvals again; False when they were not away."""
    return unit.execute(delete(absences).where(absences.c.user_id == user)).rowcount == 1


def away(unit: Unit) -> dict[str, datetime | None]:
    """Who is away, and until when."""
    query = select(absences).where((absences.c.until.is_(None)) | (absences.c.until > unit.clock))
    return {row.user_id: row.until for row in unit.execute(query)}


def remember_policy(unit: Unit, version: str, manifest: str) -> None:
    """Keep the text of a manifest under its version, so that a decision can be read with the policy that made it."""
    known = unit.execute(select(policy_versions.c.version).where(policy_versions.c.version == version)).one_or_none()
    if known is None:
        values = {"version": version, "manifest": manifest, "first_seen_at": unit.now}
        unit.execute(unit.insert(policy_versions).on_conflict_do_nothing(), values)
