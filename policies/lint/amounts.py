"""Lint of amounts: limits that contradict or hide each other, and automatic approval that nobody answers for."""

from __future__ import annotations

from collections.abc import Iterator

from policies.currencies import DECIMALS, USD
from policies.files.limits import amount_named
from policies.lint.findings import Case, Finding
from policies.param_presence import Declared, Presence, declared
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
        yield case.warning(_AUTO, message, "Say why in owner_reason")
    if limit == 0:
        yield case.warning(_AUTO, "auto_approve_below_usd: 0 never applies", "Raise it, or remove it")
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
    if aggregate.unlimited:
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
    named = amount_named(case.policy.amount)
    if named is None:
        return
    if case.policy.params_schema is None:
        message = f"nothing says that {named.path} is there and a number"
        yield case.warning("amount", message, "Add a params_schema that requires it")
        return
    told = declared(case.policy.params_schema, named.path)
    if told.presence in (Presence.IMPOSSIBLE, Presence.UNDECLARED):
        message = f"the amount {named.path} is not in params_schema"
        yield case.error("amount", message, "Correct the path, or declare the parameter")
    elif told.presence is Presence.OPTIONAL:
        what = "is denied" if case.policy.denies_amounts else "always asks"
        message = f"the amount {named.path} is not required, and a request without it {what}"
        yield case.warning("params_schema.required", message, "Add it to required; a list needs minItems: 1")
    yield from _type(case, named.path, told)


def _type(case: Case, path: str, told: Declared) -> Iterator[Finding]:
    if told.numeric or told.presence not in (Presence.REQUIRED, Presence.OPTIONAL):
        return
    if told.numeric is None:
        message = f"params_schema does not say that {path} is a number"
        yield case.warning("amount", message, "Declare it as type: number, or type: string for decimals as text")
    elif not told.text:
        message = f"the amount {path} is neither a number nor text in params_schema"
        yield case.error("amount", message, "Declare it as type: number, or type: string for decimals as text")


def _currency(case: Case) -> Iterator[Finding]:
    named = amount_named(case.policy.amount)
    if named is None:
        return
    key = "amount" if isinstance(case.policy.amount, str) else "amount.currency"
    if named.currency is None:
        yield from _currency_unread(case, named.path)
    elif named.currency in DECIMALS:
        if named.currency != USD and named.currency not in named.exchange:
            message = f"no amount in {named.currency} can be compared with limits in dollars"
            yield case.error(key, message, f"Give a rate: exchange: {{{named.currency}: 1.1}}")
    elif case.policy.params_schema is not None:
        told = declared(case.policy.params_schema, named.currency)
        if told.presence in (Presence.IMPOSSIBLE, Presence.UNDECLARED):
            message = f"the currency {named.currency} is not in params_schema, so no amount can be read"
            yield case.error(key, message, "Correct the path, or declare the parameter")
    if named.exchange and named.currency is None:
        yield case.warning("amount.exchange", "exchange changes nothing without a currency", "Name the currency")


_CURRENCY_NAMES = frozenset({"currency", "currency_code", "currencycode", "iso_currency", "ccy"})


def _currency_unread(case: Case, path: str) -> Iterator[Finding]:
    beside = path.rpartition(".")[0]
    for parent in dict.fromkeys([beside, "params"]):
        node = case.policy.params_schema if parent == "params" else declared(case.policy.params_schema, parent).schema
        for name in (node or {}).get("properties", {}):
            if name.casefold() in _CURRENCY_NAMES:
                message = f"{path} counts as dollars whatever {parent}.{name} says"
                suggestion = f"Say amount: {{path: {path}, currency: {parent}.{name}}}"
                yield case.warning("amount", message, suggestion)


def _per(case: Case) -> Iterator[Finding]:
    per = case.policy.aggregate.per if case.policy.aggregate else None
    if per is None or case.policy.params_schema is None:
        return
    told = declared(case.policy.params_schema, per)
    if told.presence in (Presence.IMPOSSIBLE, Presence.UNDECLARED):
        message = f"the aggregate counts per {per}, which is not in params_schema"
        yield case.error("aggregate.per", message, "Correct the path, or declare the parameter")
        return
    if told.presence is Presence.OPTIONAL:
        message = f"the aggregate counts per {per}, which a request may leave out"
        yield case.warning("aggregate.per", message, "Require it, or targets without it count together")
    if told.numeric is False and not told.text:
        message = f"{per} is neither text nor a number in params_schema, so all of its values count as one target"
        yield case.warning("aggregate.per", message, "Name a parameter that is one, such as an id inside it")


def _doors(case: Case) -> Iterator[Finding]:
    """Lines that let amounts through which nothing looks at."""
    policy, sums = case.policy, case.policy.aggregate
    if policy.amount is not None and not policy.denies_amounts:
        message = "no amount is too large to approve, and one that cannot be read only asks a person"
        yield case.warning("amount", message, "Give conditions.deny_above_usd")
    if policy.conditions.auto_approve_below_usd and sums is None:
        message = (
            "any number of amounts below auto_approve_below_usd run without a person, because nothing adds them up"
        )
        yield case.warning(_AUTO, message, "Add aggregate: {window_seconds: 3600, ask_above_usd: …}")
    if (
        sums is not None
        and sums.per is not None
        and sums.total_ask_above_usd is None
        and sums.total_deny_above_usd is None
    ):
        message = f"sums are limited for each {sums.per} alone: naming another one starts from zero"
        yield case.warning("aggregate", message, "Give total_ask_above_usd, total_deny_above_usd, or both")


def _totals(case: Case) -> Iterator[Finding]:
    sums = case.policy.aggregate
    if sums is None:
        return
    for name, total, one in (
        ("ask_above_usd", sums.total_ask_above_usd, sums.ask_above_usd),
        ("deny_above_usd", sums.total_deny_above_usd, sums.deny_above_usd),
    ):
        if total is not None and one is not None and total < one:
            message = f"aggregate.{name} ({usd(one)}) is never reached: over all targets the limit is {usd(total)}"
            yield case.warning(f"aggregate.{name}", message, f"Lower it, or raise total_{name}")
    ask, deny = sums.total_ask_above_usd, sums.total_deny_above_usd
    if ask is not None and deny is not None and ask > deny:
        message = f"aggregate.total_ask_above_usd ({usd(ask)}) is above aggregate.total_deny_above_usd ({usd(deny)})"
        yield case.error("aggregate.total_ask_above_usd", message, "Ask at a smaller sum than the one that is refused")


RULES = (_auto, _hidden, _sums, _totals, _path, _currency, _per, _doors)
