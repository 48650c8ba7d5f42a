"""Who may do what: asked again inside every deciding transaction (docs/rules.md: E5)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from policies.files.policy import Policy
from policies.principals import Principal, own


@dataclass(frozen=True, slots=True)
class Actor:
    """A person as Slack names them: (enterprise, team, user), what the directory says of them, and their roles.

    `names` are all by which the person is known, whichever of their `accounts` tapped; who is not `identified` is known
    by nothing but the account. `unsure` are roles that they had when Slack last said who is in a user group.
    """

    user: str
    team: str | None = None
    enterprise: str | None = None
    known: bool = True
    active: bool = True
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    names: frozenset[str] = frozenset()
    accounts: tuple[str, ...] = ()
    identified: bool = True
    roles: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    admin: bool = False


NOT_IDENTIFIED = (
    "This was asked on somebody's behalf, and neither Slack nor the roster says who you are, so you cannot decide it. "
    "An admin can add you to the roster with a principal."
)


def may_decide(actor: Actor, *, roles: Collection[str], principals: Collection[Principal] = ()) -> str | None:
    """None when `actor` may decide what needs one of `roles` and is for `principals`; otherwise why not, in words for them."""
    identity = genuine(actor)
    if identity is not None:
        return identity
    if not actor.roles.intersection(roles) and actor.unsure.intersection(roles):
        return (
            f"Slack has not said for a while who is in {' or '.join(sorted(actor.unsure.intersection(roles)))}, so nobody of "
            "it can decide until it does. Please try again in a few minutes."
        )
    if not actor.roles.intersection(roles):
        return f"Only members of {' or '.join(sorted(roles))} can decide this."
    if own(actor.names, principals):
        return "This was asked on your own behalf, so somebody else has to decide it."
    if principals and not actor.identified:
        return NOT_IDENTIFIED
    return None


def may_act(policy: Policy, agent: str) -> str | None:
    """None when `agent` may use the action of `policy`; otherwise why not."""
    if agent in policy.blocked_agents:
        return f"the agent {agent!r} is on the block list of this action (blocked_agents)"
    if policy.agents is not None and agent not in policy.agents:
        return f"the agent {agent!r} is not on the list of agents allowed this action (agents)"
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
