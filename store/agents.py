"""Agents and their tokens: 256 random bits, stored hashed, shown once (docs/rules.md: I12)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, or_, select, update
from sqlalchemy.engine import Row

from policies.errors import InvalidInput, NotFound, Revoked
from store import ids
from store.tables import agent_tokens, agents
from store.types import database_now
from store.unit import Unit

PREFIX = "sayso_"
# Whose approvals tests of reviewers are: nobody, so that no agent has them. No name that `add` takes is like it, and it gets no token.
PLANTER, _PLANTER_NAME = "agt_planter", "\x1fplanter"


class Scope(StrEnum):
    """What a token may be used for (docs/rules.md: I12); it can never decide."""

    CREATE = "create"
    READ = "read"
    CLAIM = "claim"
    LABEL = "label"  # what turned out to be true of any approval, and nothing else: never beside another scope


EVERYTHING = frozenset({Scope.CREATE, Scope.READ, Scope.CLAIM})
"""All that an agent does for itself."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that may ask. `owner` (a Slack user id) answers for it; it always acts for `principal` and under the agent
    `parent_id`, where it has them. `token` is the hash of the one it came with."""

    id: str
    name: str
    role: str | None = None
    scopes: frozenset[Scope] = EVERYTHING
    owner: str | None = None
    principal: str | None = None
    parent_id: str | None = None
    token: str | None = None

    @property
    def labels(self) -> bool:
        """Whether it says what turned out to be true of others' work, and does nothing else."""
        return Scope.LABEL in self.scopes


@dataclass(frozen=True, slots=True)
class Listed:
    """An agent as an operator sees it; `under` is its parent's name."""

    id: str
    name: str
    role: str | None
    created_at: datetime
    revoked_at: datetime | None
    owner: str | None
    principal: str | None
    under: str | None


def token_hash(token: str) -> str:
    """How a token is stored and found: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def add(
    unit: Unit,
    name: str,
    *,
    role: str | None = None,
    owner: str | None = None,
    principal: str | None = None,
    parent_id: str | None = None,
    seconds: float | None = None,
    scopes: frozenset[Scope] = EVERYTHING,
) -> tuple[Agent, str]:
    """A new token for `name`, and the agent if it is new; earlier tokens stay valid until they are rotated or revoked.

    Of an agent that is there already, None leaves what was said of it and an empty text takes it back. `seconds` limits
    the token's life. Raises InvalidInput for a name that is empty or longer than 80 characters, and for a token that
    would label beside asking: nobody judges their own work.
    """
    if Scope.LABEL in scopes and len(scopes) > 1:
        raise InvalidInput("label stands alone: who asks must not say how right it was", field="scopes")
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise InvalidInput("must be 1 to 80 printable characters", field="name")
    said = {"role": role, "owner": owner, "principal": principal, "parent_id": parent_id}
    values = {field: value or None for field, value in said.items() if value is not None}
    statement = unit.insert(agents).on_conflict_do_update(index_elements=["name"], set_=values | {"revoked_at": None})
    new = {"id": ids.new("agt", unit.now), "name": name, "created_at": unit.now, **values}
    row = unit.execute(statement.returning(*_columns), new).one()
    return _agent(row, scopes), _issue(unit, row.id, seconds, scopes)


_columns = [agents.c[field] for field in ("id", "name", "role", "owner", "principal", "parent_id")]


def _agent(row: Row[Any], scopes: frozenset[Scope] = EVERYTHING, token: str | None = None) -> Agent:
    return Agent(row.id, row.name, row.role, scopes, row.owner, row.principal, row.parent_id, token)


def keep_planter(unit: Unit) -> None:
    """Have the row that tests of reviewers belong to."""
    once = unit.insert(agents).on_conflict_do_nothing(index_elements=["id"])
    unit.execute(once, {"id": PLANTER, "name": _PLANTER_NAME, "created_at": unit.now})


def _issue(unit: Unit, agent_id: str, seconds: float | None, scopes: frozenset[Scope]) -> str:
    if agent_id == PLANTER:
        raise InvalidInput("is no agent that could ask for anything", field="name")
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
    return _agent(row, scopes), _issue(unit, row.id, seconds, scopes)


def _scopes(stored: str | None) -> frozenset[Scope]:
    return EVERYTHING if stored is None else frozenset(Scope(word) for word in stored.split())


def authenticate(unit: Unit, hashed: str) -> Agent | None:
    """The agent whose living token hashes to `hashed`; brings the database's time along."""
    found = unit.rows(living(unit.clock.seconds), {"_hashed": hashed})
    if not found:
        return None
    unit.now = found[0].database_time
    return authenticated(found[0], hashed)


def authenticated(row: Row[Any], hashed: str) -> Agent:
    """The agent of a row of `living`."""
    return _agent(row, _scopes(row.scopes), hashed)


@lru_cache(maxsize=8)
def living(clock_shift: float) -> Select[Any]:
    """The agent whose living token hashes to `_hashed`: one row or none."""
    clock = database_now(clock_shift)
    return (
        select(*_columns, agent_tokens.c.scopes, clock.label("database_time"))
        .join(agent_tokens, agent_tokens.c.agent_id == agents.c.id)
        .where(agent_tokens.c.token_hash == bindparam("_hashed"))
        .where(agent_tokens.c.revoked_at.is_(None), agents.c.revoked_at.is_(None))
        .where(or_(agent_tokens.c.expires_at.is_(None), agent_tokens.c.expires_at > clock))
    )


def seeming(row: Row[Any]) -> Agent:
    """The agent of a row of its table, which asks for nothing itself here: it has no token."""
    return _agent(row)


def named(unit: Unit, names: Iterable[str]) -> dict[str, Agent]:
    """The living agents of these names."""
    query = select(agents).where(agents.c.name.in_(list(names)), agents.c.revoked_at.is_(None))
    return {row.name: _agent(row) for row in unit.execute(query)}


def by_id(unit: Unit, agent_id: str) -> Agent:
    """The agent of this id, revoked or not."""
    return _agent(unit.execute(select(agents).where(agents.c.id == agent_id)).one())


def above(unit: Unit, agent: Agent, most: int) -> list[Agent]:
    """Under whom an operator put this agent: its parent, the parent's parent and so on, nearest first, at most `most`.

    Raises Revoked where one of them no longer lives.
    """
    found: list[Agent] = []
    parent_id = agent.parent_id
    while parent_id is not None and len(found) < most and parent_id not in {agent.id, *(one.id for one in found)}:
        row = unit.execute(select(agents).where(agents.c.id == parent_id)).one()
        if row.revoked_at is not None:
            raise Revoked(name=row.name)
        found.append(_agent(row))
        parent_id = row.parent_id
    return found


def revoked_among(unit: Unit, names: Iterable[str]) -> str | None:
    """One of these agents that is revoked, by name; None where all live."""
    gone = select(agents.c.name).where(agents.c.name.in_(sorted(set(names))), agents.c.revoked_at.is_not(None))
    found: str | None = unit.execute(gone.order_by(agents.c.name).limit(1)).scalar_one_or_none()
    return found


def called(unit: Unit, name: str) -> Agent:
    """The agent of this name, revoked or not; raises NotFound."""
    row = unit.execute(select(agents).where(agents.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"there is no agent called {name!r}", field="name")
    return _agent(row)


def revoke(unit: Unit, name: str) -> None:
    """End every token of `name` at once; raises NotFound."""
    found = called(unit, name)
    unit.execute(update(agents).where(agents.c.id == found.id).values(revoked_at=unit.now))
    living = agent_tokens.c.revoked_at.is_(None)
    unit.execute(update(agent_tokens).where(agent_tokens.c.agent_id == found.id, living).values(revoked_at=unit.now))


def listed(unit: Unit) -> list[Listed]:
    """Every agent by name."""
    parent = agents.alias("parent")
    query = select(agents, parent.c.name.label("under")).outerjoin(parent, parent.c.id == agents.c.parent_id)
    names = [part.name for part in fields(Listed)]
    query = query.where(agents.c.id != PLANTER).order_by(agents.c.name)
    return [Listed(*(getattr(row, name) for name in names)) for row in unit.execute(query)]
