"""What a request is about in dollars, and under which key its sum is kept: the one reading of amounts that there is."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Any, NamedTuple

from policies import paths
from policies.currencies import DECIMALS, USD, code_of
from policies.digest import canonical
from policies.files.limits import Amount, Unit, amount_named
from policies.files.policy import Policy
from policies.param_presence import declared
from policies.spelling import folded

MAX_KEY = 500
_DECIMAL = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?")
# A figure beyond these is no amount: nobody pays so much, and less than a millionth is counted nowhere.
_SMALLEST, _LARGEST = Decimal("0.000001"), Decimal(10) ** 16
_EXACT = Context(prec=120)


@dataclass(frozen=True, slots=True)
class Reading:
    """An amount in dollars; None where it cannot be read, and then why, in words."""

    usd: Decimal | None = None
    problem: str = ""


def read_amount(policy: Policy, params: dict[str, Any]) -> Reading | None:
    """The amount of these parameters; None where the policy names none.

    Unreadable is whatever is missing, negative, no number, or in a currency without a rate: it is never taken for small.
    """
    named = amount_named(policy.amount)
    if named is None:
        return None
    figures = _figures(named.path, params, policy.params_schema)
    worths = _worths(named, params)
    problem = next((said for worth, said in worths if worth is None), "")
    if problem:
        return Reading(problem=problem)
    if figures is None:
        return Reading(problem=f"the amount at {named.path} is missing or not an amount")
    each = worths if len(worths) == len(figures) else worths[:1] * len(figures)
    with localcontext(_EXACT):
        return Reading(
            sum((figure * (worth or 0) for figure, (worth, _) in zip(figures, each, strict=True)), Decimal(0))
        )


def amount_of(policy: Policy, params: dict[str, Any]) -> Decimal | None:
    """The amount in dollars, or None where there is none or it cannot be read."""
    reading = read_amount(policy, params)
    return reading.usd if reading else None


def unreadable(policy: Policy, params: dict[str, Any]) -> str | None:
    """Why the amount cannot be read; None where it can, and where the policy names none."""
    reading = read_amount(policy, params)
    return reading.problem if reading and reading.usd is None else None


def to_type(policy: Policy, params: dict[str, Any]) -> Decimal | None:
    """The amount that a reviewer has to type before saying yes (confirm_amount_above_usd); None where they need not."""
    if policy.confirm_amount_above_usd is None:
        return None
    amount = amount_of(policy, params)
    return amount if amount is not None and amount > Decimal(str(policy.confirm_amount_above_usd)) else None


def _figures(path: str, params: dict[str, Any], schema: dict[str, Any] | None) -> list[Decimal] | None:
    """Every figure at `path`; None where one of them is none, or where there is not one."""
    as_text = declared(schema, path).text
    found = [_figure(value, as_text=as_text) for value in paths.values_at(path, params)]
    figures = [figure for figure in found if figure is not None]
    return figures if figures and len(figures) == len(found) else None


def _figure(value: object, *, as_text: bool) -> Decimal | None:
    if isinstance(value, str):
        figure = Decimal(value) if as_text and _DECIMAL.fullmatch(value) else None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        figure = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    else:
        figure = None
    if figure is None or not figure.is_finite():
        return None
    return figure if figure == 0 or _SMALLEST <= figure <= _LARGEST else None


def _worths(named: Amount, params: dict[str, Any]) -> list[tuple[Decimal | None, str]]:
    """What one of the counted units is worth: once for all figures, or for each where each has its own currency."""
    if named.currency is None:
        return [_worth(named, USD)]
    if not named.currency.startswith("params."):
        return [_worth(named, named.currency)]
    return [_worth(named, code_of(value)) for value in paths.values_at(named.currency, params)]


def _worth(named: Amount, code: str | None) -> tuple[Decimal | None, str]:
    """What one of the counted units is worth in dollars; None where nobody can say, and why."""
    if code is None:
        return None, f"the currency at {named.currency} is missing or not a currency"
    if code != USD and code not in named.exchange:
        return (
            None,
            f"the amount is in {code}, and the manifest has no rate to compare it with dollars (amount.exchange)",
        )
    decimals = {Unit.USD: 0, Unit.CENTS: 2, Unit.MINOR: DECIMALS[code]}[named.unit]
    rate = Decimal(1) if code == USD else Decimal(str(named.exchange[code]))
    return rate.scaleb(-decimals, _EXACT), ""


class SumOf(NamedTuple):
    """The sum that a request counts in: its target's key, the window, and whether all targets are summed too."""

    key: str
    window_seconds: int
    all_targets: bool = False


def aggregate_of(policy: Policy, params: dict[str, Any]) -> SumOf | None:
    """The sum that these parameters count in; None where nothing is summed."""
    if policy.aggregate is None:
        return None
    sums = policy.aggregate
    target = target_of(paths.value_at(sums.per, params)) if sums.per else None
    all_targets = sums.total_ask_above_usd is not None or sums.total_deny_above_usd is not None
    return SumOf(canonical(target)[:MAX_KEY], sums.window_seconds, all_targets)


def target_of(value: object) -> str | None:
    """A sum's target, however it is spelled: 1, 1.0 and "1" are one, as are Ann and ＡＮＮ; None is the unknown target."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = _folded(value if isinstance(value, str) else repr(value))
    return _plain(text) if _NUMBER.fullmatch(text) else text or None


def _folded(text: str) -> str:
    """The same without control characters and with every run of blanks as one."""
    seen = "".join(one for one in folded(text) if one.isspace() or unicodedata.category(one) != "Cc")
    return " ".join(seen.split())


_NUMBER = re.compile(r"[+-]?[0-9]{1,60}(?:\.[0-9]{0,60})?(?:e[+-]?[0-9]{1,2})?")


def _plain(text: str) -> str:
    """A number written out, without zeros that change nothing."""
    number = Decimal(text)
    written = f"{number:f}" if number else "0"
    return written.rstrip("0").rstrip(".") if "." in written else written
