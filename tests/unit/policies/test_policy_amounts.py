"""Amounts in many currencies and spellings: read exactly, or not at all, and then a person is asked or nobody may."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.amounts import amount_of, unreadable
from policies.errors import BadFile
from policies.files.manifest import load_manifest
from policies.files.policy import Policy

MANIFEST = """
version: 1
actions:
  pay:
    title: Pay
    describe: Pay
    severity: medium
    reversible: true
    required_role: finance
    owner: Head of finance
    amount: AMOUNT
    conditions: {auto_approve_below_usd: 50, always_approve_above_usd: 100, deny_above_usd: 1000}
    params_schema:
      type: object
      properties:
        amount: {type: [string, number]}
        currency: {type: string}
        items: {type: array, items: {type: object, properties: {price: {type: number}, currency: {type: string}}}}
"""
EACH = '{path: "params.items[*].price", currency: "params.items[*].currency", exchange: {EUR: 2, JPY: 0.01}}'


def paying(amount: str = "{path: params.amount, currency: params.currency, exchange: {EUR: 2}}") -> Policy:
    """The policy of an action whose amount is read so."""
    return load_manifest(MANIFEST.replace("AMOUNT", amount)).policy("pay")


def priced(*entries: tuple[float, str | None]) -> dict[str, Any]:
    """A list of prices, each in a currency or in none."""
    return {"items": [{"price": price, **({"currency": code} if code else {})} for price, code in entries]}


@pytest.mark.parametrize(
    "spelled",
    ["1e3", "1E3", "１０００", "1,000", "1.000,00", "1 000", "1\u00a0000", "1_000", "1'000", "+10", "-0", "-5", " 10", "10 ", "10\n",
     "0x10", "1e400", "NaN", "Infinity", "$10", "10 USD", "10.", ".5", "٣", "¹", "½", "", True, None, [10], {"a": 1}, -0.01, 1e308, 10**19],
)  # fmt: skip
def test_no_other_spelling_is_an_amount(spelled: Any) -> None:
    """Exponents, other digits, separators, signs and blanks are read as nothing, in words, and so are never small."""
    params = {"amount": spelled, "currency": "USD"}
    assert amount_of(paying(), params) is None
    assert unreadable(paying(), params) == "the amount at params.amount is missing or not an amount"


@pytest.mark.parametrize("spelled", [0, 0.0, -0.0, "0", "0.00", "00"])
def test_nothing_is_nothing_however_it_is_spelled(spelled: Any) -> None:
    """Zero is zero, with the sign that a computer may give it too."""
    assert amount_of(paying(), {"amount": spelled, "currency": "USD"}) == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [("JPY", "in JPY, and the manifest has no rate"), ("KWD", "in KWD, and the manifest has no rate")]
    + [(code, "missing or not a currency") for code in ("BTC", "XAU", "ＵＳＤ", "US", "", None, 5, "USD,EUR", "€")],
)
def test_an_amount_without_a_rate_is_not_read(code: Any, said: str) -> None:
    """What no rate compares with dollars says so, however small its figure is."""
    params = {"amount": 1, "currency": code}
    assert amount_of(paying(), params) is None
    assert said in (unreadable(paying(), params) or "")


def test_each_figure_of_a_list_has_its_own_currency() -> None:
    """Ten dollars, ten euros and a thousand yen are forty dollars, in any order."""
    assert amount_of(paying(EACH), priced((10, "USD"), (10, "EUR"), (1000, "JPY"))) == 40
    assert amount_of(paying(EACH), priced((1000, "JPY"), (10, "EUR"), (10, "usd"))) == 40


@pytest.mark.parametrize(
    "params",
    [priced((10, "USD"), (1, "GBP")), priced((10, "USD"), (1, None)), priced((1, None), (10, "USD")), priced(),
     priced((-1, "USD"), (10, "USD")), {"items": 5}, {"items": [5]}, {}],
)  # fmt: skip
def test_one_figure_that_nobody_can_compare_leaves_the_sum_unread(params: dict[str, Any]) -> None:
    """A sum is never short of an entry: without a rate, a currency or a figure for one of them there is none."""
    assert amount_of(paying(EACH), params) is None
    assert unreadable(paying(EACH), params)


@pytest.mark.parametrize("currency", ["params.lines[*].currency", "params.items[*].more[*].currency"])
def test_a_currency_of_another_list_is_refused(currency: str) -> None:
    """Which currency belongs to which figure must be plain: the path goes through the same list."""
    with pytest.raises(BadFile, match="does not go through the list of"):
        paying(f'{{path: "params.items[*].price", currency: "{currency}"}}')


prices = st.lists(
    st.tuples(st.integers(0, 10**6).map(lambda cents: cents / 100), st.sampled_from(["USD", "EUR", "JPY"])),
    min_size=1,
    max_size=8,
)


@given(prices)
def test_a_sum_over_currencies_is_exact(entries: list[tuple[float, str]]) -> None:
    """Whatever stands in the list, the sum is that of its entries to the last digit."""
    rates = {"USD": Decimal(1), "EUR": Decimal(2), "JPY": Decimal("0.01")}
    expected = sum(Decimal(str(price)) * rates[code] for price, code in entries)
    assert amount_of(paying(EACH), priced(*entries)) == expected
