"""Agents and their tokens: 256 random bits, stored hashed, shown once (DESIGN rule 12)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, or_, select, update

from policies.errors import InvalidInput, NotFound
from store import ids
from store.tables import agent_tokens, agents
from store.types import database_now
from store.unit import Unit

PREFIX = "sayso_"


class Scope(StrEnum):
    """What a token may be used for (DESIGN rule 12); it can never decide."""

    CREATE = "create"
    READ = "read"
    CLAIM = "claim"


EVERYTHING = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that may ask."""

    id: str
    name: str
    role: str | None = None
    scopes: frozenset[Scope] = EVERYTHING


@dataclass(frozen=True, slots=True)
class Listed:
    """An agent as an operator sees it."""

    id: str
    name: str
    role: str | None
    created_at: datetime
    revoked_at: datetime | None


def token_hash(token: str) -> str:
    """How a token is stored and found: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def add(
    unit: Unit,
    name: str,
    *,
    role: str | None = None,
    seconds: float | None = None,
    scopes: frozenset[Scope] = EVERYTHING,
) -> tuple[Agent, str]:
    """A new token for `name`, and the agent if it is new; earlier tokens stay valid until they are rotated or revoked.

    `seconds` limits the token's life. Raises InvalidInput for a name that is empty or longer than 80 characters.
    """
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise InvalidInput("must be 1 to 80 printable characters", field="name")
    statement = unit.insert(agents)
    revived = {"revoked_at": None, "role": func.coalesce(statement.excluded.role, agents.c.role)}
    row = unit.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=revived).returning(agents.c.id, agents.c.role),
        {"id": ids.new("agt", unit.now), "name": name, "role": role, "created_at": unit.now},
    ).one()
    return Agent(row.id, name, row.role, scopes), _issue(unit, row.id, seconds, scopes)


def _issue(unit: Unit, agent_id: str, seconds: float | None, scopes: frozenset[Scope]) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    unit.execute(
        agent_tokens.insert(),
        {
            "token_hash": token_hash(token),
            "agent_id": agent_id,
            "created_at": unit.now,
            "expires_at": unit.now + timedelta(seconds=seconds) if seconds is not None else None,
            "scopes": None if scopes == EVERYTHING else " ".join(sorted(scopes)),
        },
    )
    return token


def rotate(unit: Unit, name: str, *, overlap_seconds: float, seconds: float | None = None) -> tuple[Agent, str]:
    """A new token for a living agent; its other tokens end `overlap_seconds` from now, if they live so long.

    It may do what the newest of them may. Raises NotFound.
    """
    row = unit.execute(select(agents).where(agents.c.name == name, agents.c.revoked_at.is_(None))).one_or_none()
    if row is None:
        raise NotFound(f"there is no active agent called {name!r}", field="name")
    of_agent = and_(agent_tokens.c.agent_id == row.id, agent_tokens.c.revoked_at.is_(None))
    newest = select(agent_tokens.c.scopes).where(of_agent).order_by(agent_tokens.c.created_at.desc()).limit(1)
    scopes = _scopes(unit.execute(newest).scalar_one_or_none())
    end = unit.now + timedelta(seconds=overlap_seconds)
    living = or_(agent_tokens.c.expires_at.is_(None), agent_tokens.c.expires_at > end)
    unit.execute(update(agent_tokens).where(of_agent, living).values(expires_at=end))
    return Agent(row.id, row.name, row.role, scopes), _issue(unit, row.id, seconds, scopes)


def _scopes(stored: str | None) -> frozenset[Scope]:
    return EVERYTHING if stored is None else frozenset(Scope(word) for word in stored.split())


def authenticate(unit: Unit, hashed: str) -> Agent | None:
    """The agent whose living token hashes to `hashed`; brings the database's time along."""
    row = unit.execute(_living(unit.clock.seconds), {"_hashed": hashed}).one_or_none()
    if row is None:
        return None
    unit.now = row.database_time
    return Agent(row.id, row.name, row.role, _scopes(row.scopes))


@lru_cache(maxsize=8)
def _living(clock_shift: float) -> Select[Any]:
    clock = database_now(clock_shift)
    return (
        select(agents.c.id, agents.c.name, agents.c.role, agent_tokens.c.scopes, clock.label("database_time"))
        .join(agent_tokens, agent_tokens.c.agent_id == agents.c.id)
        .where(agent_tokens.c.token_hash == bindparam("_hashed"))
        .where(agent_tokens.c.revoked_at.is_(None), agents.c.revoked_at.is_(None))
        .where(or_(agent_tokens.c.expires_at.is_(None), agent_tokens.c.expires_at > clock))
    )


def named(unit: Unit, names: Iterable[str]) -> dict[str, Agent]:
    """The living agents of these names."""
    query = select(agents).where(agents.c.name.in_(list(names)), agents.c.revoked_at.is_(None))
    return {row.name: Agent(row.id, row.name, row.role) for row in unit.execute(query)}


def revoke(unit: Unit, name: str) -> None:
    """End every token of `name` at once; raises NotFound."""
    row = unit.execute(select(agents.c.id).where(agents.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"there is no agent called {name!r}", field="name")
    unit.execute(update(agents).where(agents.c.id == row.id).values(revoked_at=unit.now))
    living = agent_tokens.c.revoked_at.is_(None)
    unit.execute(update(agent_tokens).where(agent_tokens.c.agent_id == row.id, living).values(revoked_at=unit.now))


def listed(unit: Unit) -> list[Listed]:
    """Every agent by name."""
    rows = unit.execute(select(agents).order_by(agents.c.name))
    return [Listed(row.id, row.name, row.role, row.created_at, row.revoked_at) for row in rows]
