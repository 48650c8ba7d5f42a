"""Lint of amounts: limits that contradict or hide each other, and automatic approval that nobody answers for."""

from __future__ import annotations

from collections.abc import Iterator

from policies.declared import Presence, declared
from policies.findings import Case, Finding
from policies.sentences import usd

_AUTO, _ALWAYS = "conditions.auto_approve_below_usd", "conditions.always_approve_above_usd"
_DENY = "conditions.deny_above_usd"


def _auto(case: Case) -> Iterator[Finding]:
    policy, limit = case.policy, case.policy.conditions.auto_approve_below_usd
    if limit is None:
        return
    if policy.owner is None:
        message = f"amounts below {usd(limit)} run without a person, and no owner answers for it"
        yield case.warning(_AUTO, message, "Name the owner (owner: Head of finance)")
    elif policy.irreversible and policy.owner_reason is None:
        message = (
            f"amounts below {usd(limit)} run without a person though the action is irreversible, and no reason is given"
        )
        yield case.warning(_AUTO, message, "Say why in owner_reason (A10)")
    if limit == 0:
        yield case.warning(_AUTO, "auto_approve_below_usd: 0 never speaks", "Raise it, or remove it")
    elif not policy.approval_required:
        message = "auto_approve_below_usd changes nothing, because approval_required is false"
        yield case.warning(_AUTO, message, "Remove one of the two")


def _hidden(case: Case) -> Iterator[Finding]:
    conditions, shown = case.policy.conditions, case.policy.confirm_amount_above_usd
    always, deny = conditions.always_approve_above_usd, conditions.deny_above_usd
    if always is not None and always == deny:
        message = "always_approve_above_usd never decides, because deny_above_usd is the same amount"
        yield case.warning(_ALWAYS, message, "Lower the one or raise the other")
    if shown is not None and deny is not None and shown >= deny:
        message = f"confirm_amount_above_usd ({usd(shown)}) is never reached, because {usd(deny)} is the limit"
        yield case.warning("confirm_amount_above_usd", message, "Lower it")


def _sums(case: Case) -> Iterator[Finding]:
    aggregate, conditions = case.policy.aggregate, case.policy.conditions
    if aggregate is None:
        return
    ask, deny = aggregate.ask_above_usd, aggregate.deny_above_usd
    if ask is None and deny is None:
        message = "the aggregate has no limit, so it does nothing"
        yield case.warning("aggregate", message, "Give ask_above_usd, deny_above_usd, or both")
    if ask is not None and deny is not None and ask > deny:
        message = f"aggregate.ask_above_usd ({usd(ask)}) is above aggregate.deny_above_usd ({usd(deny)})"
        yield case.error("aggregate.ask_above_usd", message, "Ask at a smaller sum than the one that is refused")
    lowest = min((limit for limit in (ask, deny) if limit is not None), default=None)
    auto = conditions.auto_approve_below_usd
    if lowest is not None and auto is not None and lowest < auto:
        key = "aggregate.ask_above_usd" if lowest == ask else "aggregate.deny_above_usd"
        message = f"{key} ({usd(lowest)}) stops single amounts that auto_approve_below_usd ({usd(auto)}) lets run"
        yield case.error(key, message, f"Raise it to {usd(auto)} or more, or lower auto_approve_below_usd")
    if deny is not None and conditions.deny_above_usd is not None and deny < conditions.deny_above_usd:
        message = f"deny_above_usd ({usd(conditions.deny_above_usd)}) is never reached: the aggregate refuses above {usd(deny)}"
        yield case.warning(_DENY, message, "Lower it, or raise aggregate.deny_above_usd")


def _path(case: Case) -> Iterator[Finding]:
    path = case.policy.amount
    if path is None:
        return
    if case.policy.params_schema is None:
        message = f"nothing says that {path} is there and a number"
        yield case.warning("amount", message, "Add a params_schema that requires it")
        return
    told = declared(case.policy.params_schema, path)
    if told.presence in (Presence.IMPOSSIBLE, Presence.UNDECLARED):
        message = f"the amount {path} is not in params_schema"
        yield case.error("amount", message, "Correct the path, or declare the parameter")
    elif told.presence is Presence.OPTIONAL:
        message = f"the amount {path} is not required, so a request without it always asks"
        yield case.warning("params_schema.required", message, "Add it to required")
    if told.numeric is False:
        yield case.error("amount", f"the amount {path} is not a number in params_schema", "Declare it as type: number")
    elif told.numeric is None and told.presence in (Presence.REQUIRED, Presence.OPTIONAL):
        yield case.warning(
            "amount", f"params_schema does not say that {path} is a number", "Declare it as type: number"
        )


def _per(case: Case) -> Iterator[Finding]:
    per = case.policy.aggregate.per if case.policy.aggregate else None
    if per is None or case.policy.params_schema is None:
        return
    told = declared(case.policy.params_schema, per)
    if told.presence in (Presence.IMPOSSIBLE, Presence.UNDECLARED):
        message = f"the aggregate counts per {per}, which is not in params_schema"
        yield case.error("aggregate.per", message, "Correct the path, or declare the parameter")
    elif told.presence is Presence.OPTIONAL:
        message = f"the aggregate counts per {per}, which a request may leave out"
        yield case.warning("aggregate.per", message, "Require it, or targets without it count together")


RULES = (_auto, _hidden, _sums, _path, _per)
