"""Lint of what tightens: rules of one's own, first uses, checkpoints, quotas and the ratchet, where they cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies import expressions
from policies.files.policy import OnTimeout, Severity
from policies.files.tightening import Ratchet, Rule, Then
from policies.levels import Level
from policies.lint.findings import Case, Finding
from policies.param_presence import Presence, declared

# Below these a person should look, whatever the manifest says (docs/rules.md: A8).
_STAKES = {Severity.LOW: 0.40, Severity.MEDIUM: 0.65, Severity.HIGH: 0.85}


def _rules(case: Case) -> Iterator[Finding]:
    written = [(f"rules.{index}", rule) for index, rule in enumerate(case.action.rules)]
    inherited = case.manifest.file.defaults.rules
    seen: list[Rule] = list(inherited)
    for key, rule in written:
        if rule.when in {other.when for other in seen}:
            yield case.warning(key, "the same condition stands in an earlier rule", "Keep the stricter one")
        seen.append(rule)
        yield from _rule(case, key, rule)


def _rule(case: Case, key: str, rule: Rule) -> Iterator[Finding]:
    said = _constant(rule.when)
    if said is False:
        yield case.warning(key, f"the rule {rule.reason!r} never holds", "Correct its condition, or remove it")
    if rule.then is Then.NOTIFY and not case.runs_by_policy:
        message = f"the rule {rule.reason!r} never decides: every request asks a person, because {case.always_asks}"
        yield case.warning(key, message, "Remove it, or demand more")
    if rule.then is Then.ESCALATE and not case.policy.escalation_path:
        message = f"the rule {rule.reason!r} escalates, and there is no escalation_path"
        yield case.error(key, message, "Give an escalation_path, or say ask")
    yield from _named(case, key, rule)


def _constant(source: str) -> bool | None:
    """What a condition without any name says; None where it looks at the request."""
    if any(name in source for name in expressions.NAMES):
        return None
    try:
        return expressions.holds(source, {})
    except expressions.CannotTell:
        return None


def _named(case: Case, key: str, rule: Rule) -> Iterator[Finding]:
    if case.policy.params_schema is None:
        return
    for path, guarded in expressions.named(rule.when).items():
        told = declared(case.policy.params_schema, path)
        if told.presence in (Presence.IMPOSSIBLE, Presence.UNDECLARED):
            message = f"the rule {rule.reason!r} looks at {path}, which is not in params_schema"
            yield case.error(key, message, "Correct the path, or declare the parameter")
        elif told.presence is Presence.OPTIONAL and not guarded:
            message = f"the rule {rule.reason!r} looks at {path}, which a request may leave out: then it always asks"
            yield case.warning(key, message, f"Require it, or begin with has({path}) &&")


def _never_free(case: Case) -> Iterator[Finding]:
    if case.runs_by_policy:
        return
    given: dict[str, Any] = {
        "first_uses": case.action.model_fields_set & {"first_uses"},
        "checkpoint_every": case.policy.checkpoint_every,
        "thresholds.ask_above_risk": case.policy.ask_above_risk,
    }
    for key, value in given.items():
        if value:
            message = (
                f"{key.rpartition('.')[2]} changes nothing: every request asks a person, because {case.always_asks}"
            )
            yield case.warning(key, message, "Remove it")


def _figures(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.ask_above_risk == 1:
        message = "ask_above_risk: 1 only asks where no risk score is given, because no score is above 1"
        yield case.warning("thresholds.ask_above_risk", message, "Lower it")
    if policy.quota and policy.quota.per_day < (policy.first_uses.agent or 0):
        message = (
            f"the quota of {policy.quota.per_day} a day is used up before the first {policy.first_uses.agent} uses are"
        )
        yield case.warning("quota", message, "Raise the quota, or show a person fewer first uses")
    least, bar = _STAKES[policy.severity], policy.auto_approve_confidence
    if case.action.thresholds.auto_approve_confidence is not None and bar < least:
        message = f"auto_approve_confidence ({bar:g}) is below {least:g}, too little for {policy.severity} severity"
        yield case.warning("thresholds.auto_approve_confidence", message, f"Ask for {least:g} or more")


def _ratchet(case: Case) -> Iterator[Finding]:
    rules = case.policy.autonomy
    if rules is None:
        return
    if case.policy.owner is None:
        message = "agents can earn autonomy here, and no owner accepts it"
        yield case.warning("autonomy", message, "Name the owner (owner: Head of finance)")
    if case.policy.ratchet is Ratchet.CLASSIC:
        message = "the preset classic is rough: an agent that fails one time in ten gets ten in a row by luck, one time in three"
        yield case.note("autonomy", message, "Say ratchet: sequential, which proposes a level where it is proven")
    granted = {entry.level for entry in rules.agents.values()} | {rules.start}
    if Level.SOFT_APPROVAL in granted and case.policy.on_timeout is not OnTimeout.APPROVE:
        message = "soft_approval is hard_approval here, because on_timeout: approve is not declared"
        yield case.warning("autonomy", message, "Say hard_approval, or let silence consent where that is legal")
    free = [name for name, entry in rules.agents.items() if entry.level.rank <= Level.NOTIFY_ONLY.rank]
    if free and not case.runs_by_policy:
        message = (
            f"{', '.join(free)} cannot use what was granted: every request asks a person, because {case.always_asks}"
        )
        yield case.warning("autonomy", message, "Remove the entry")


RULES = (_rules, _never_free, _figures, _ratchet)
