"""Lint of standing approvals: bounds that can never hold, and doors that they leave open."""

from __future__ import annotations

from collections.abc import Iterator

from policies import paths, quorum
from policies.lint.findings import Case, Finding
from policies.param_presence import Presence, declared
from policies.sentences import usd


def _useless(case: Case) -> Iterator[Finding]:
    policy, bounds = case.policy, case.policy.standing
    if bounds is None:
        return
    if quorum.total(policy.approvers) > 1:
        message = "no standing approval can ever be given, because several people have to agree to each (approvers)"
        yield case.error("standing", message, "Remove it, or ask one person")
    if not policy.approval_required:
        message = "standing changes nothing, because approval_required is false"
        yield case.warning("standing", message, "Remove one of the two")
    if bounds.max_total_usd == 0:
        yield case.warning("standing.max_total_usd", "standing.max_total_usd: 0 lets nothing run", "Raise it")
    deny = policy.conditions.deny_above_usd
    auto = policy.conditions.auto_approve_below_usd
    if bounds.max_total_usd is not None and auto is not None and bounds.max_total_usd <= auto:
        message = f"standing.max_total_usd ({usd(bounds.max_total_usd)}) lets nothing run that does not run by itself"
        yield case.warning("standing.max_total_usd", message, "Raise it above auto_approve_below_usd")
    if deny is not None and bounds.max_total_usd is not None and bounds.max_total_usd > deny * bounds.max_uses:
        message = f"standing.max_total_usd is never reached by {bounds.max_uses} uses of at most {usd(deny)}"
        yield case.warning("standing.max_total_usd", message, "Lower it")


def _same(case: Case) -> Iterator[Finding]:
    policy, bounds = case.policy, case.policy.standing
    if bounds is None:
        return
    if not bounds.same:
        message = "a standing approval lets any parameters run, because standing.same names none"
        yield case.warning("standing.same", message, "Name what has to stay the same, such as the customer")
    for index, path in enumerate(bounds.same):
        key = f"standing.same.{index}"
        told = declared(policy.params_schema, path).presence if policy.params_schema is not None else None
        if told is Presence.IMPOSSIBLE:
            message = f"standing.same names {path}, which params_schema does not allow"
            yield case.error(key, message, "Correct the path: as it stands nothing is ever covered")
        elif told is Presence.UNDECLARED:
            message = f"standing.same names {path}, which params_schema does not declare"
            yield case.warning(key, message, "Correct the path, or declare the parameter")
        elif told is Presence.OPTIONAL:
            message = f"standing.same names {path}, which a request may leave out: then no standing approval is offered"
            yield case.warning(key, message, "Require it")
        if any(paths.overlap(path, hidden) for hidden in policy.redact):
            message = f"redact hides {path} from the reviewer who says that it stays the same"
            yield case.error(key, message, "Take it out of one of the two")
    yield from _target(case)


def _target(case: Case) -> Iterator[Finding]:
    policy, bounds = case.policy, case.policy.standing
    per = policy.aggregate.per if policy.aggregate else None
    if bounds is None or not bounds.same or per is None:
        return
    if not any(paths.overlap(path, per) for path in bounds.same):
        message = f"a standing approval lets any {per} be named, because standing.same does not hold it"
        yield case.warning("standing.same", message, f"Add {per}")


RULES = (_useless, _same)
