"""Whether a standing approval may be given with an approval, and what it then says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from policies.approval import Approval
from policies.errors import InvalidInput
from policies.files.standing_bounds import Scope, StandingBounds
from policies.levels import Level
from policies.sentences import usd
from policies.standing import Standing, free_of, never, same_of, unsayable

# The fields of the form.
UNTIL, USES, TOTAL = "standing_until", "standing_uses", "standing_total"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far a reviewer wants the like to run: within the manifest's bounds."""

    seconds: int
    uses: int
    total_usd: Decimal | None = None


def withheld(approval: Approval) -> str | None:
    """Why none may be given with this approval, in words for a person; None where one may."""
    policy = approval.policy
    if not approval.pending:
        return f"it is {approval.state.value}"
    if approval.level is Level.HUMAN_TAKEOVER:
        return "a person has to take it over"
    if approval.chain:
        return "the agent asks for another one"
    if approval.edits:
        return "it was changed: approve it by itself"
    asked = approval.request.model_copy(update={"params": approval.params})
    return never(policy, asked) or unsayable(policy, asked)


def bounds_of(approval: Approval) -> StandingBounds:
    """How far its manifest lets a reviewer go; only where nothing is withheld."""
    assert approval.policy.standing is not None
    return approval.policy.standing


def require_within(approval: Approval, wanted: Wanted) -> None:
    """Raise InvalidInput, naming the field, where more is wanted than the manifest allows."""
    bounds = bounds_of(approval)
    if not 1 <= wanted.seconds <= bounds.max_seconds:
        raise InvalidInput(f"at most {bounds.max_seconds} s are allowed", field=UNTIL)
    if not 1 <= wanted.uses <= bounds.max_uses:
        raise InvalidInput(f"from 1 to {bounds.max_uses} are allowed", field=USES)
    if (wanted.total_usd is None) != (bounds.max_total_usd is None):
        raise InvalidInput("say up to how much in all", field=TOTAL)
    if bounds.max_total_usd is None or wanted.total_usd is None:
        return
    most = Decimal(str(bounds.max_total_usd))
    if not (wanted.total_usd.is_finite() and 0 < wanted.total_usd <= most):
        raise InvalidInput(f"more than nothing and at most {usd(most)} are allowed", field=TOTAL)


def drafted(approval: Approval, wanted: Wanted, standing_id: str, by: str, now: datetime) -> Standing:
    """The standing approval that is given with this one by `by`."""
    bounds, policy = bounds_of(approval), approval.policy
    return Standing(
        id=standing_id,
        approval_id=approval.id,
        agent_id=approval.agent_id,
        agent=approval.agent,
        action=approval.action,
        entry=policy.action,
        sentence=approval.sentence,
        session_id=approval.request.session_id if bounds.scope is Scope.SESSION else None,
        principal=approval.request.on_behalf_of,
        roles=approval.roles_that_decide,
        same=same_of(bounds, approval.params),
        free=free_of(bounds, approval.params),
        max_uses=wanted.uses,
        max_total_usd=wanted.total_usd,
        channel=policy.channel,
        fingerprint=policy.fingerprint,
        by=by,
        at=now,
        until=now + timedelta(seconds=wanted.seconds),
    )


def widest(approval: Approval, now: datetime) -> Standing:
    """The furthest that its manifest lets a reviewer go: what the form says before anything is chosen."""
    bounds = bounds_of(approval)
    total = None if bounds.max_total_usd is None else Decimal(str(bounds.max_total_usd))
    return drafted(approval, Wanted(bounds.max_seconds, bounds.max_uses, total), "", "", now)
