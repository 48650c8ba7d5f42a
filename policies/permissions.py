"""Who may do what: asked again inside every deciding transaction (E5; CONTRACT, guarantee 4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person as Slack names them: (enterprise, team, user), what the directory says of them, and their roles."""

    user: str
    team: str | None = None
    enterprise: str | None = None
    known: bool = True
    active: bool = True
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    principals: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    admin: bool = False


def may_decide(actor: Actor, *, roles: Collection[str], on_behalf_of: str | None) -> str | None:
    """None when `actor` may decide an approval that needs one of `roles`; otherwise why not, in words for them."""
    identity = genuine(actor)
    if identity is not None:
        return identity
    if not actor.roles.intersection(roles):
        return f"Only members of {' or '.join(sorted(roles))} can decide this."
    if on_behalf_of is not None and _same(actor, on_behalf_of):
        return "This was asked on your own behalf, so somebody else has to decide it."
    return None


def may_administer(actor: Actor) -> str | None:
    """None when `actor` may steer Sayso; otherwise why not."""
    identity = genuine(actor)
    if identity is not None:
        return identity
    return None if actor.admin else "Only Sayso's admins can do this."


def genuine(actor: Actor) -> str | None:
    """None when `actor` is an active, full member of the home team; otherwise why they count for nothing here."""
    if not actor.known:
        return "Slack could not confirm who you are just now, so nothing was done. Please try again in a moment."
    if actor.stranger:
        return "You belong to another Slack workspace, so you cannot decide here."
    if not actor.active:
        return "Your Slack account is deactivated, so you cannot decide."
    if actor.bot:
        return "Bots cannot decide."
    if actor.guest:
        return "Guests cannot decide."
    return None


def _same(actor: Actor, principal: str) -> bool:
    mine = {name.strip().casefold() for name in (*actor.principals, actor.user)}
    return principal.strip().casefold() in mine
