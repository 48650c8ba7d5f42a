"""Is this worth a person's attention? The route of a request, and every reason for it (docs/rules.md: A1-A12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import zip_longest

from policies import restrictions
from policies.amounts import read_amount
from policies.autonomy import forgiven
from policies.case import Case
from policies.files.manifest import REGULATED_TAGS
from policies.files.policy import OnTimeout, Policy, Severity
from policies.files.tightening import Ratchet
from policies.history import History
from policies.levels import Level, RouteName, RuleResult, asked, denied, runs, strictness
from policies.request import Request
from policies.sentences import usd
from policies.standing import KEY as STANDING
from policies.standing import why_it_runs

__all__ = ["FAILURE_WINDOW_SECONDS", "History", "Level", "Route", "RouteName", "route"]

FAILURES_TO_TAKE_OVER = 2  # within 24 h, A10 and F7
FAILURE_WINDOW_SECONDS = 86_400
REVIEW_ABOVE_USD = Decimal(100)  # A10, A12
MAX_UNCERTAINTY_FACTORS = 2  # A7
SIGNALS_TO_LOOSEN = 3  # of the four signals of evidence


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes: `why` holds every rule that spoke, the deciding one first.

    `role` is the role that is asked first, and differs from the action's own where it escalates at once (docs/rules.md: A7).
    `keys` names, reason for reason, the manifest's key that it rests on (within the action), or None; `lines` where in
    `file` that stands. `standing` is the id of the standing approval that decides, where one does.
    """

    name: RouteName
    level: Level | None
    why: tuple[str, ...]
    role: str | None = None
    escalated: bool = False
    keys: tuple[str | None, ...] = ()
    lines: tuple[int | None, ...] = ()
    file: str = ""
    standing: str | None = None

    @property
    def cited(self) -> tuple[str, ...]:
        """Every reason with the line of the manifest that it rests on, where there is one."""
        return tuple(
            f"{reason} ({self.file}:{line})" if line and self.file else reason
            for reason, line in zip_longest(self.why, self.lines)
        )

    def because(self, reason: str, line: int | None = None) -> Route:
        """The same route with another deciding reason before its own."""
        why, keys, lines = (reason, *self.why), (None, *self.keys), (line, *self.lines)
        return replace(self, why=why, keys=keys, lines=lines, standing=None)

    def also(self, reason: str) -> Route:
        """The same route with one more reason after its own."""
        return replace(self, why=(*self.why, reason), keys=(*self.keys, None), lines=(*self.lines, None))

    @property
    def strictness(self) -> tuple[int, bool]:
        """Orders routes from free to refused."""
        return strictness(self.name, self.level, self.escalated)


_Rule = Callable[[Case], RuleResult | None]


def route(agent: str, request: Request, policy: Policy, history: History) -> Route:
    """The strictest of what the contract's order and the manifest's own restrictions say; all that spoke are in `why`."""
    if not policy.known:
        reason = (
            f"the manifest does not know the action {request.action!r}: it needs classifying before any agent runs it"
        )
        return Route(RouteName.BLOCK, None, (reason,), keys=(None,), lines=(None,))
    case = _case(agent, request, policy, history)
    ordered, own = _speaking(case), list(restrictions.speaking(case))
    strictest = max(_binding(ordered[0], own), key=lambda said: said.strictness, default=ordered[0])
    if strictest.strictness <= ordered[0].strictness:
        return _with_standing(case, _route(policy, [*ordered, *own], escalates=ordered[0].escalate))
    own.remove(strictest)
    return _with_standing(case, _route(policy, [strictest, *ordered, *own], escalates=ordered[0].escalate))


def _binding(first: RuleResult, own: list[RuleResult]) -> list[RuleResult]:
    """The restrictions that hold whatever the order says: a person's standing yes is the yes that the ratchet wants."""
    if first.key != STANDING:
        return own
    return [said for said in own if said.key != "autonomy" or said.level is Level.HUMAN_TAKEOVER]


def _with_standing(case: Case, found: Route) -> Route:
    """The route with the standing approval that decides it; where a person is asked, why the newest one does not."""
    standings = case.history.standings
    if not standings:
        return found
    if found.keys[0] == STANDING and case.covering is not None:
        return replace(found, standing=case.covering.id)
    problem = case.uncovered_by(standings[-1])
    if found.name is not RouteName.ASK or problem is None:
        return found
    return found.also(f"the standing approval of {standings[-1].by} does not cover it: {problem}")


def _case(agent: str, request: Request, policy: Policy, history: History) -> Case:
    reading = read_amount(policy, request.params)
    if reading is None:
        return Case(agent, request, policy, history, None)
    return Case(agent, request, policy, history, reading.usd, reading.problem or None)


def _route(policy: Policy, said: list[RuleResult], *, escalates: bool) -> Route:
    """What the first of `said` says; a restriction that escalates does so whatever decides."""
    first = said[0]
    escalates = escalates or any(entry.escalate and restrictions.is_restriction(entry.key) for entry in said)
    role = policy.escalation_path[0] if escalates and policy.escalation_path else policy.role
    return Route(
        first.name,
        first.level,
        why=tuple(entry.reason for entry in said),
        role=role,
        escalated=role != policy.role,
        keys=tuple(entry.key for entry in said),
        lines=tuple(policy.line_of(entry.key) for entry in said),
        file=policy.file,
    )


def _speaking(case: Case) -> list[RuleResult]:
    said = [said for rule in _RULES if (said := rule(case)) is not None]
    return said or [_otherwise(case)]


def _over_limit(case: Case) -> RuleResult | None:
    limit = case.policy.conditions.deny_above_usd
    if limit is None or case.amount is None or case.amount <= Decimal(str(limit)):
        return None
    reason = f"{usd(case.amount)} is over the limit of {usd(limit)} (deny_above_usd)"
    return denied(reason, "conditions.deny_above_usd")


def _unreadable_denied(case: Case) -> RuleResult | None:
    if case.unreadable is None or not case.policy.denies_amounts:
        return None
    return denied(f"{case.unreadable}, and amounts have a limit here", "amount")


def _over_aggregate_limit(case: Case) -> RuleResult | None:
    aggregate = case.policy.aggregate
    if (
        not aggregate
        or aggregate.deny_above_usd is None
        or case.sum_of_target <= Decimal(str(aggregate.deny_above_usd))
    ):
        return None
    limit = f"the limit of {usd(aggregate.deny_above_usd)} (aggregate.deny_above_usd)"
    reason = f"{usd(case.sum_of_target)} within {aggregate.window_seconds} s is over {limit}"
    return denied(reason, "aggregate.deny_above_usd")


def _over_total_limit(case: Case) -> RuleResult | None:
    aggregate = case.policy.aggregate
    if not aggregate or aggregate.total_deny_above_usd is None:
        return None
    if case.sum_of_all <= Decimal(str(aggregate.total_deny_above_usd)):
        return None
    limit = f"the limit of {usd(aggregate.total_deny_above_usd)} (aggregate.total_deny_above_usd)"
    reason = f"{usd(case.sum_of_all)} to all targets within {aggregate.window_seconds} s is over {limit}"
    return denied(reason, "aggregate.total_deny_above_usd")


def _agent_not_allowed(case: Case) -> RuleResult | None:
    policy, agent = case.policy, case.agent
    if agent in policy.blocked_agents:
        reason = f"the agent {agent!r} is on the block list of this action (blocked_agents)"
        return denied(reason, "blocked_agents")
    if policy.agents is not None and agent not in policy.agents:
        return denied(f"the agent {agent!r} is not on the list of agents allowed this action (agents)", "agents")
    return None


def _recent_failures(case: Case) -> RuleResult | None:
    if case.policy.ratchet is Ratchet.SEQUENTIAL:
        return _under_watch(case)
    failures = case.history.agent_failures_24h
    if failures >= FAILURES_TO_TAKE_OVER:
        reason = f"the agent failed {failures} times within 24 h, silence after a claim included: a person takes over"
        return asked(Level.HUMAN_TAKEOVER, reason)
    return None


def _under_watch(case: Case) -> RuleResult | None:
    lost = case.history.demotion
    if lost is None or not case.history.demoted_24h or forgiven(case.policy.autonomy, case.agent, lost):
        return None
    reason = "this agent lost a level of this action within 24 h (ratchet: sequential): a person takes over"
    return asked(Level.HUMAN_TAKEOVER, reason, "ratchet")


def _always_asked(case: Case) -> RuleResult | None:
    limit = case.policy.conditions.always_approve_above_usd
    if limit is None or case.amount is None or case.amount <= Decimal(str(limit)):
        return None
    reason = f"{usd(case.amount)} is above {usd(limit)} (always_approve_above_usd)"
    return asked(Level.HARD_APPROVAL, reason, "conditions.always_approve_above_usd")


def _aggregate_asked(case: Case) -> RuleResult | None:
    aggregate = case.policy.aggregate
    if not aggregate or aggregate.ask_above_usd is None or case.sum_of_target <= Decimal(str(aggregate.ask_above_usd)):
        return None
    limit = f"{usd(aggregate.ask_above_usd)} (aggregate.ask_above_usd)"
    reason = f"{usd(case.sum_of_target)} within {aggregate.window_seconds} s is above {limit}"
    return asked(Level.HARD_APPROVAL, reason, "aggregate.ask_above_usd")


def _total_asked(case: Case) -> RuleResult | None:
    aggregate = case.policy.aggregate
    if not aggregate or aggregate.total_ask_above_usd is None:
        return None
    if case.sum_of_all <= Decimal(str(aggregate.total_ask_above_usd)):
        return None
    limit = f"{usd(aggregate.total_ask_above_usd)} (aggregate.total_ask_above_usd)"
    reason = f"{usd(case.sum_of_all)} to all targets within {aggregate.window_seconds} s is above {limit}"
    return asked(Level.HARD_APPROVAL, reason, "aggregate.total_ask_above_usd")


def _sum_unknown(case: Case) -> RuleResult | None:
    """An amount that nobody could read is in the sum all the same: while it is, nobody can say how much is left."""
    aggregate = case.policy.aggregate
    if aggregate is None:
        return None
    unread = max(case.history.total_unread, case.history.aggregate_unread)
    if not unread:
        return None
    reason = f"{unread} within {aggregate.window_seconds} s had an amount that could not be read, so no sum is known"
    return asked(Level.HARD_APPROVAL, reason, "aggregate")


def _unreadable_asked(case: Case) -> RuleResult | None:
    if case.unreadable is None or case.policy.denies_amounts:
        return None
    return asked(Level.HARD_APPROVAL, case.unreadable, "amount")


def _recommended(case: Case) -> RuleResult | None:
    if case.request.recommended_review:
        return asked(Level.HARD_APPROVAL, "the agent itself recommends a review")
    return None


def _uncertain(case: Case) -> RuleResult | None:
    count = len(case.request.uncertainty_factors)
    if count > MAX_UNCERTAINTY_FACTORS:
        reason = f"the agent names {count} uncertainties, more than {MAX_UNCERTAINTY_FACTORS}"
        return asked(Level.HARD_APPROVAL, reason, escalate=True)
    return None


def _low_confidence(case: Case) -> RuleResult | None:
    confidence, floor = case.request.effective_confidence, case.policy.escalate_confidence
    if confidence is None or confidence >= floor:
        return None
    reason = f"effective confidence {confidence:.2f} is below {floor:.2f} (escalate_confidence)"
    return asked(Level.HARD_APPROVAL, reason, "thresholds.escalate_confidence", escalate=True)


def _held(case: Case) -> RuleResult | None:
    if case.history.stopped:
        return asked(Level.HARD_APPROVAL, "execution is stopped: nothing runs by policy alone")
    return None


def _held_elsewhere(case: Case) -> RuleResult | None:
    if case.history.held_elsewhere is None:
        return None
    return asked(Level.HARD_APPROVAL, case.history.held_elsewhere)


def _only_a_person_knows(case: Case) -> RuleResult | None:
    if case.request.kind == "confirm":
        return None
    what = "choose one of the candidates" if case.request.kind == "choose" else "answer the question"
    return asked(Level.HARD_APPROVAL, f"only a person can {what}")


def _small_amount(case: Case) -> RuleResult | None:
    limit = case.policy.conditions.auto_approve_below_usd
    if limit is None or case.amount is None or case.amount >= Decimal(str(limit)):
        return None
    if case.request.evidence is not None and case.request.evidence.tool_errored:
        return None
    reason = f"{usd(case.amount)} is below {usd(limit)} (auto_approve_below_usd)"
    return runs(Level.FULL_AUTO, reason, "conditions.auto_approve_below_usd")


def _no_approval_required(case: Case) -> RuleResult | None:
    if case.policy.approval_required:
        return None
    level, reason = Level.FULL_AUTO, "approval_required is false"
    if case.policy.grave:
        level, reason = Level.NOTIFY_ONLY, f"{reason}; severe or irreversible, so people are told"
    return runs(level, reason, "approval_required")


def _standing(case: Case) -> RuleResult | None:
    one = case.covering
    return None if one is None else runs(Level.NOTIFY_ONLY, why_it_runs(one), STANDING)


def _irreversible(case: Case) -> RuleResult | None:
    if case.policy.irreversible:
        return asked(Level.HARD_APPROVAL, "the action is irreversible", "reversibility")
    return None


def _regulated(case: Case) -> RuleResult | None:
    tags = sorted(REGULATED_TAGS.intersection(case.policy.tags))
    return asked(Level.HARD_APPROVAL, f"the action is tagged {', '.join(tags)}", "tags") if tags else None


def _costly(case: Case) -> RuleResult | None:
    if case.amount is not None and case.amount > REVIEW_ABOVE_USD:
        return asked(Level.HARD_APPROVAL, f"{usd(case.amount)} is above {usd(REVIEW_ABOVE_USD)}", "amount")
    return None


def _confident(case: Case) -> RuleResult | None:
    confidence, bar = case.request.effective_confidence, case.policy.auto_approve_confidence
    if confidence is None or confidence < bar or _unproven(case):
        return None
    level = Level.FULL_AUTO if case.policy.severity is Severity.LOW else Level.NOTIFY_ONLY
    reason = f"effective confidence {confidence:.2f} reaches {bar:.2f} (auto_approve_confidence)"
    return runs(level, reason, "thresholds.auto_approve_confidence")


def _unproven(case: Case) -> str | None:
    """Why no confidence loosens this request: evidence is the agent's own word."""
    signals = case.request.evidence.signals if case.request.evidence else 0
    if signals < SIGNALS_TO_LOOSEN:
        return f"rests on {signals} of the {SIGNALS_TO_LOOSEN} signals of evidence that it needs"
    if case.policy.severity is not Severity.LOW and case.policy.trusted_by is None:
        return "is the agent's own word, and nobody answers for trusting it here (thresholds.trust_evidence)"
    return None


def _otherwise(case: Case) -> RuleResult:
    confidence = case.request.effective_confidence
    known = f"effective confidence {confidence:.2f}" if confidence is not None else "confidence is unknown"
    if confidence is not None and confidence >= case.policy.auto_approve_confidence and (why := _unproven(case)):
        known = f"{known} {why}"
    if case.policy.on_timeout is OnTimeout.APPROVE:
        reason = f"{known}; the manifest lets silence consent (on_timeout: approve)"
        return asked(Level.SOFT_APPROVAL, reason, "on_timeout")
    return asked(Level.HARD_APPROVAL, f"{known}; a person decides")


_RULES: tuple[_Rule, ...] = (
    _over_limit,
    _unreadable_denied,
    _over_aggregate_limit,
    _over_total_limit,
    _agent_not_allowed,
    _recent_failures,
    _always_asked,
    _aggregate_asked,
    _total_asked,
    _sum_unknown,
    _unreadable_asked,
    _recommended,
    _uncertain,
    _low_confidence,
    _held,
    _held_elsewhere,
    _only_a_person_knows,
    _small_amount,
    _no_approval_required,
    _standing,
    _irreversible,
    _regulated,
    _costly,
    _confident,
)
