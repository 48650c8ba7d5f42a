"""Too few people are left: a request that nobody can bring together any more says so, on its card and to operations."""

from __future__ import annotations

from bot.service import ballots, notices, staffing
from bot.service.context import Context, World
from policies.approval import Approval
from policies.frozen_values import replace


def marked(ctx: Context, approval: Approval) -> Approval:
    """The approval with what it lacks now, and operations told where that is new. The caller saves it."""
    lacking = found(ctx.world, approval)
    if lacking is not None and lacking != approval.lacking:
        notices.too_few(ctx, approval, lacking)
    return replace(approval, lacking=lacking)


def found(world: World, approval: Approval) -> str | None:
    """Why nobody can bring the quorum together any more, in words; None where somebody can, or where that is not known."""
    policy = approval.policy
    if not approval.pending:
        return None
    ahead = staffing.roles_ahead(policy, policy.role)
    if not _known(world, [*approval.roles_that_decide, *ahead]):
        return None
    standing = ballots.standing(world, approval, ahead)
    hopeless = standing.hopeless
    if hopeless is None:
        return DIVIDED if approval.votes and standing.divided else None
    if hopeless.unfilled:
        roles = " and ".join(f"{count} of {role}" for role, count in hopeless.unfilled.items())
        return f"{roles} would have to agree, and nobody is left who could"
    need = hopeless.missing
    return f"{need} more {'person' if need == 1 else 'people'} would have to agree, and nobody is left who could"


DIVIDED = "everybody who can has said yes, but not to the same thing: somebody has to change their choice, or reject it"


def _known(world: World, roles: list[str]) -> bool:
    """Whether it is known who holds these roles: of a user group that Slack has not told of, nothing is."""
    defined = world.book.roster.roles
    groups = [defined[role].usergroup for role in roles if role in defined]
    return all(group is None or group in world.directory.groups for group in groups)
