"""What a manifest may demand on top of the contract's order: each of these only ever tightens (docs/rules.md: A13, F7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies import autonomy, expressions
from policies.case import Case
from policies.expressions import CannotTell
from policies.files.policy import OnTimeout, Policy
from policies.files.tightening import Rule, Then
from policies.levels import Level, RouteName, RuleResult, asked, denied, route_of
from policies.request import principal_of

_LEVELS = {
    Then.NOTIFY: Level.NOTIFY_ONLY,
    Then.ASK: Level.HARD_APPROVAL,
    Then.ESCALATE: Level.HARD_APPROVAL,
    Then.TAKEOVER: Level.HUMAN_TAKEOVER,
}


def speaking(case: Case) -> Iterator[RuleResult]:
    """Every restriction that has something to say of this request."""
    yield from _quota(case)
    yield from _risk(case)
    yield from _first_uses(case)
    yield from _checkpoint(case)
    yield from _ratchet(case)
    yield from _rules(case)


def _quota(case: Case) -> Iterator[RuleResult]:
    quota = case.policy.quota
    if quota is not None and case.history.requests_24h >= quota.per_day:
        reason = f"the agent asked {case.history.requests_24h} times within 24 h, and {quota.per_day} are its quota"
        yield denied(f"{reason} (quota.per_day)", "quota.per_day")


def _risk(case: Case) -> Iterator[RuleResult]:
    limit, score = case.policy.ask_above_risk, case.request.risk_score
    if limit is None or (score is not None and score <= limit):
        return
    said = "no risk score is given" if score is None else f"risk score {score:.2f} is above {limit:.2f}"
    yield asked(Level.HARD_APPROVAL, f"{said} (ask_above_risk)", "thresholds.ask_above_risk")


def _first_uses(case: Case) -> Iterator[RuleResult]:
    first, history = case.policy.first_uses, case.history
    # A request that names no principal is for the unknown one: leaving the name out spares nobody the first look.
    principal = "this principal" if principal_of(case.request) is not None else "nobody who is named"
    for name, limit, uses, whose in (
        ("agent", first.agent, history.agent_uses, "of this action by this agent"),
        ("tool", first.tool, history.tool_uses, "of this action"),
        ("user", first.user, history.user_uses, f"of this action for {principal}"),
    ):
        if limit is not None and uses < limit:
            reason = f"only {uses} uses {whose} so far, and a person sees the first {limit} (first_uses.{name})"
            yield asked(Level.HARD_APPROVAL, reason, f"first_uses.{name}")


def _checkpoint(case: Case) -> Iterator[RuleResult]:
    every, unseen = case.policy.checkpoint_every, case.history.unseen_in_row
    if every is not None and unseen >= every - 1:
        reason = f"{unseen} ran since a person last decided one of this agent's (checkpoint_every: {every})"
        yield asked(Level.HARD_APPROVAL, reason, "checkpoint_every")


def _ratchet(case: Case) -> Iterator[RuleResult]:
    rules = case.policy.autonomy
    if rules is None:
        return
    standing = autonomy.standing(rules, case.agent, case.history.demotion)
    if standing.level is Level.FULL_AUTO:
        return
    level = _consented(case.policy, standing.level)
    yield RuleResult(route_of(level), level, f"{standing.why}: at least {level.value} (autonomy)", "autonomy")


def _consented(policy: Policy, level: Level) -> Level:
    """Silence consents only where the manifest lets it; elsewhere the next stricter level holds (docs/rules.md: B4)."""
    silent = level is Level.SOFT_APPROVAL and policy.on_timeout is not OnTimeout.APPROVE
    return Level.HARD_APPROVAL if silent else level


def _rules(case: Case) -> Iterator[RuleResult]:
    if not case.policy.rules:
        return
    values = _values(case)
    for index, rule in enumerate(case.policy.rules):
        said = _rule(rule, f"rules.{index}", values)
        if said is not None:
            yield said


def _rule(rule: Rule, key: str, values: dict[str, Any]) -> RuleResult | None:
    try:
        if not expressions.holds(rule.when, values):
            return None
    except CannotTell:
        # What a rule cannot judge, a person does: it is there because somebody worried.
        reason = f"the rule {rule.reason!r} cannot judge this request, so a person does"
        return asked(Level.HARD_APPROVAL, reason, key)
    if rule.then is Then.DENY:
        return denied(rule.reason, key)
    level = _LEVELS[rule.then]
    return RuleResult(route_of(level), level, rule.reason, key, escalate=rule.then is Then.ESCALATE)


def _values(case: Case) -> dict[str, Any]:
    request = case.request
    evidence = request.evidence.model_dump(exclude_none=True) if request.evidence else {}
    return {
        "params": request.params,
        "agent": case.agent,
        "action": request.action,
        "amount": _number(case),
        "confidence": request.effective_confidence,
        "risk_score": request.risk_score,
        "evidence": evidence,
        "urgency": request.urgency,
        "on_behalf_of": request.on_behalf_of or "",
    }


def _number(case: Case) -> float | None:
    try:
        return None if case.amount is None else float(case.amount)
    except OverflowError:
        return float("inf")


def is_restriction(key: str | None) -> bool:
    """Whether a reason with this key is one of these."""
    return key is not None and key.partition(".")[0] in _ROOTS


_ROOTS = frozenset({"quota", "first_uses", "checkpoint_every", "autonomy", "rules"})
__all__ = ["RouteName", "is_restriction", "speaking"]
