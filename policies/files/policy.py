"""What one action's policy is, with every default filled in, and how bad and how final an action is."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field

from policies.deadlines import SlaClock
from policies.files.limits import DAY, Aggregate, Amount, Conditions
from policies.files.schema import Strict, one_of
from policies.files.standing_bounds import StandingBounds
from policies.files.tiers import Tier
from policies.files.tightening import Autonomy, FirstUses, Quota, Ratchet, Rule
from policies.kinds import Kind


class Severity(StrEnum):
    """How bad it is when the action turns out wrong (docs/rules.md: A2)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Reversibility(StrEnum):
    """Whether it can be undone; judged before anything else (docs/rules.md: A3)."""

    REVERSIBLE = "reversible"
    PARTIALLY = "partially_reversible"
    IRREVERSIBLE = "irreversible"


class OnTimeout(StrEnum):
    """What silence means at the final expiry (docs/rules.md: B4)."""

    DENY = "deny"
    ESCALATE = "escalate"
    HOLD = "hold"
    APPROVE = "approve"


def harmless(severity: Severity, reversibility: Reversibility) -> bool:
    """Whether silence may ever consent to such an action (policies/silence.py)."""
    return severity is Severity.LOW and reversibility is Reversibility.REVERSIBLE


Kinds = Annotated[list[Annotated[Kind, one_of(Kind)]], Field(min_length=1, max_length=len(Kind))]


class Policy(Strict):
    """One action's policy with every default filled in: what is frozen into an approval (docs/rules.md: I6)."""

    action: str
    title: str
    describe: str
    severity: Severity
    reversibility: Reversibility
    tags: list[str]
    approval_required: bool
    role: str
    escalation_path: list[str]
    approvers: int | dict[str, int]
    sla_seconds: int
    soft_timeout_seconds: int
    hard_timeout_seconds: int
    claim_seconds: int
    execution_seconds: int
    on_timeout: OnTimeout
    amount: str | Amount | None
    conditions: Conditions
    aggregate: Aggregate | None
    auto_approve_confidence: float
    escalate_confidence: float
    params_schema: dict[str, Any] | None
    batch: bool
    sample_review: float
    undo_window_seconds: int
    redact: list[str]
    channel: str
    agents: list[str] | None
    blocked_agents: list[str]
    owner: str | None
    owner_reason: str | None
    confirm_amount_above_usd: float | None
    line: int | None
    ask_above_risk: float | None = None
    trust_evidence: bool = False
    rules: list[Rule] = []
    first_uses: FirstUses = FirstUses()
    checkpoint_every: int | None = None
    quota: Quota | None = None
    autonomy: Autonomy | None = None
    ratchet: Ratchet = Ratchet.CLASSIC
    tier: Tier | None = None
    sla_clock: SlaClock = SlaClock.ALWAYS
    reveal: list[str] = []
    kinds: Kinds = [Kind.CONFIRM]
    editable: list[str] | None = None
    resubmit_seconds: int = DAY
    standing: StandingBounds | None = None
    file: str = ""
    lines: dict[str, int] = {}
    known: bool = True
    """Whether the manifest has the action."""

    def line_of(self, key: str | None) -> int | None:
        """Where the file says so: the key's own line, or the action's where a default speaks; None where no key does."""
        return None if key is None else self.lines.get(key, self.line)

    @property
    def fingerprint(self) -> str:
        """The sum of what the policy says, wherever in its file it says so."""
        said = self.model_dump_json(exclude={"file", "line", "lines"}, exclude_defaults=True)
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    @property
    def irreversible(self) -> bool:
        """Whether nothing can take it back."""
        return self.reversibility is Reversibility.IRREVERSIBLE

    @property
    def grave(self) -> bool:
        """Whether one mistake is one too many: of high severity, or nothing takes it back."""
        return self.severity is Severity.HIGH or self.irreversible

    @property
    def denies_amounts(self) -> bool:
        """Whether some amount is refused at once, by itself or in a sum: then one that cannot be read is too."""
        sums = self.aggregate
        limits = [self.conditions.deny_above_usd, *([sums.deny_above_usd, sums.total_deny_above_usd] if sums else [])]
        return any(limit is not None for limit in limits)

    @property
    def trusted_by(self) -> str | None:
        """Who answers for trusting the agent's evidence above low severity; None where nobody does."""
        return self.owner if self.trust_evidence and self.owner and self.owner.strip() else None


SOFT_TIMEOUT, HARD_TIMEOUT = 300, DAY  # B4


@lru_cache(maxsize=1024)
def unknown(action: str) -> Policy:
    """The policy of an action that the manifest does not know: no agent may run it, and it counts as the worst (docs/rules.md: A4)."""
    return Policy(
        action=action,
        title=action,
        describe="",
        severity=Severity.HIGH,
        reversibility=Reversibility.IRREVERSIBLE,
        tags=[],
        approval_required=True,
        role="",
        escalation_path=[],
        approvers=1,
        sla_seconds=SOFT_TIMEOUT,
        soft_timeout_seconds=SOFT_TIMEOUT,
        hard_timeout_seconds=HARD_TIMEOUT,
        claim_seconds=0,
        execution_seconds=0,
        on_timeout=OnTimeout.DENY,
        amount=None,
        conditions=Conditions(),
        aggregate=None,
        auto_approve_confidence=1.0,
        escalate_confidence=1.0,
        params_schema=None,
        batch=False,
        sample_review=0.0,
        undo_window_seconds=0,
        redact=[],
        channel="",
        agents=None,
        blocked_agents=[],
        owner=None,
        owner_reason=None,
        confirm_amount_above_usd=None,
        line=None,
        kinds=list(Kind),
        known=False,
    )
