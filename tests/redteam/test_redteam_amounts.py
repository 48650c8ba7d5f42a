"""An agent writes its amounts and targets so that no limit sees them: what cannot be read is refused, what is the same counts once."""

from __future__ import annotations

from typing import Any

import pytest
from support.agent import Json
from support.files import PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

MISSING = object()
ANYTHING: Json = {"type": "object"}
TEXT: Json = {"type": "object", "properties": {"amount_usd": {"type": "string"}}}
PAY: Json = PLAIN | {
    "describe": "Pay",
    "amount": "params.amount_usd",
    "severity": "low",
    "approval_required": False,
    "params_schema": ANYTHING,
}


def opened(office: Office, **actions: Json) -> Office:
    office.manifest = write_manifest(office.folder, {name: PAY | action for name, action in actions.items()})
    office.open()
    return office


def asked(office: Office, action: str, **params: Any) -> str:
    """What becomes of it; MISSING leaves a parameter out."""
    body = {name: value for name, value in params.items() if value is not MISSING}
    return str(office.agent.ask(action, body)["state"])


NO_AMOUNTS = [
    *[
        MISSING,
        None,
        -1,
        -0.01,
        True,
        False,
        [50],
        {"usd": 50},
        [],
        "",
        "fifty",
        "NaN",
        "1e3",
        "-5",
        "+5",
        "5 ",
        "$5",
        "5,00",
    ],
    *["0x10", "1_000", "\uff15\uff10", "\u0665\u0660", "50000", 1e-9, 5e-324, 1e300],
]


@on_sqlite
@pytest.mark.parametrize(
    "limit",
    [
        {"conditions": {"deny_above_usd": 10_000}},
        {"aggregate": {"window_seconds": 60, "deny_above_usd": 10_000}},
        {"aggregate": {"window_seconds": 60, "total_deny_above_usd": 10_000}},
    ],
    ids=["its own", "a sum's", "the sum of all"],
)
def test_what_is_no_amount_does_not_turn_a_refusal_into_a_question(closed_office: Office, limit: Json) -> None:
    """Text, minus, null, nothing: under a limit all of it is denied at once, and nobody is asked to guess."""
    office = opened(closed_office, pay=limit, free={})
    states = {repr(bad): asked(office, "pay", amount_usd=bad) for bad in NO_AMOUNTS}
    assert states == dict.fromkeys(states, "denied")
    assert asked(office, "pay", amount_usd=50) == "approved", "and all of it left no trace in the sum"
    elsewhere = {repr(bad): asked(office, "free", amount_usd=bad) for bad in NO_AMOUNTS}
    assert elsewhere == dict.fromkeys(elsewhere, "pending"), "without a limit a person looks, whatever runs otherwise"


@on_sqlite
def test_decimals_as_text_count_where_the_schema_says_text(closed_office: Office) -> None:
    """Where amounts are text, "50000" is fifty thousand dollars, and everything but plain decimals is still unreadable."""
    limits = {"conditions": {"auto_approve_below_usd": 50, "deny_above_usd": 10_000}, "params_schema": TEXT}
    office = opened(closed_office, pay=limits | {"approval_required": True})
    assert asked(office, "pay", amount_usd="50000") == "denied"
    assert asked(office, "pay", amount_usd="49.99") == "approved"
    assert asked(office, "pay", amount_usd="50.00") == "pending"
    for bad in ("1e3", " 5", "5\n", "-5", "0x1", "Infinity", "nan", "٥", "5.", ".5", "5.0.0", "1" * 41):
        assert asked(office, "pay", amount_usd=bad) == "denied", bad


@on_sqlite
def test_many_lines_are_one_amount(closed_office: Office) -> None:
    """A hundred lines of $101 are $10,100, also where each alone is small; a line that cannot be read makes all unreadable."""
    office = opened(closed_office, buy={"amount": "params.lines[*].price", "conditions": {"deny_above_usd": 10_000}})
    cheap = [{"price": 101}] * 99
    assert asked(office, "buy", lines=cheap) == "approved", "$9,999 is not"
    assert asked(office, "buy", lines=[*cheap, {"price": 101}]) == "denied"
    for bad in (
        [{"price": 1}, {"cost": 1}],
        [{"price": 1}, {"price": "1"}],
        [{"price": 1}, 1],
        [],
        {"price": 1},
        "x",
        MISSING,
    ):
        assert asked(office, "buy", lines=bad) == "denied"
    assert asked(office, "buy", lines=[{"price": -50}, {"price": 50}]) == "denied", "minus takes nothing off"


@on_sqlite
def test_cents_and_currencies_are_what_the_manifest_says(closed_office: Office) -> None:
    """Minor units are read by their currency's decimals, and a currency without a rate is not taken for dollars."""
    amount = {
        "path": "params.amount",
        "unit": "minor",
        "currency": "params.currency",
        "exchange": {"EUR": 1.1, "JPY": 0.0066, "KWD": 3.25},
    }
    limits = {"conditions": {"auto_approve_below_usd": 50, "deny_above_usd": 1000}, "approval_required": True}
    office = opened(
        closed_office,
        pay=limits | {"amount": amount},
        cents=limits | {"amount": {"path": "params.amount", "unit": "cents"}},
        euros=limits | {"amount": {"path": "params.amount", "currency": "params.currency"}},
    )
    for currency, free, too_much in (
        ("USD", 4999, 100_001),
        ("usd", 4999, 100_001),
        ("EUR", 4545, 90_910),
        ("JPY", 7575, 151_516),
        ("KWD", 15_384, 307_693),
    ):
        assert asked(office, "pay", amount=free, currency=currency) == "approved", currency
        assert asked(office, "pay", amount=too_much, currency=currency) == "denied", currency
    for currency in ("GBP", "BTC", "XAU", "", None, MISSING, 840, "ＵＳＤ", "U\u200bSD", ["USD"]):
        assert asked(office, "pay", amount=1, currency=currency) == "denied", currency
    assert [asked(office, "cents", amount=one) for one in (4999, 5000, 100_001)] == ["approved", "pending", "denied"]
    assert asked(office, "euros", amount=1, currency="EUR") == "denied"
    assert asked(office, "euros", amount=1, currency="USD") == "approved"


ANN = [
    *[
        "ann@example.com",
        "Ann@Example.com",
        " ann@example.com",
        "ann@example.com\t",
        "ann@example.com\n",
        "\u200bann@example.com",
    ],
    *[
        "ann\u00ad@example.com",
        "\uff41nn@example.com",
        "ann@example.com\u2060",
        "ann@ex\u200eample.com",
        "ANN@EXAMPLE.COM\u3000",
    ],
    *[
        "\ufeffann@example.com",
        "ann@example.com\x00".replace("\x00", "\x1f"),
        "ann@exa\ufe0fmple.com",
        "\u1d43nn@example.com",
    ],
]
SEVEN = [7, 7.0, "7", "7.0", "007", " 7 ", "+7", "\uff17", "7e0", "7.00", "\u2077"]
NOBODY = [MISSING, None, True, False, [], ["ann"], {}, {"id": "ann"}, "", "  ", "\u200b", "\u00ad\ufe0f"]


@pytest.mark.parametrize("spellings", [ANN, SEVEN, NOBODY], ids=["text", "numbers", "nobody"])
def test_a_target_is_the_same_however_it_is_spelled(closed_office: Office, spellings: list[object]) -> None:
    """Each spelling adds to one sum: the fourth $49 runs, the fifth asks; somebody else begins anew."""
    sums = {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 200}
    office = opened(closed_office, pay={"aggregate": sums})
    states = [asked(office, "pay", customer=one, amount_usd=49) for one in spellings]
    assert states == ["approved"] * 4 + ["pending"] * (len(spellings) - 4)
    assert asked(office, "pay", customer="somebody else", amount_usd=49) == "approved"


def test_a_sum_over_all_targets_sees_what_each_target_hides(closed_office: Office) -> None:
    """Forty customers who were never there before: over all of them four refunds of $49 run."""
    sums = {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 200, "total_ask_above_usd": 200}
    office = opened(closed_office, pay={"aggregate": sums | {"total_deny_above_usd": 1000}})
    states = [asked(office, "pay", customer=f"customer {number}", amount_usd=49) for number in range(22)]
    assert states == ["approved"] * 4 + ["pending"] * 16 + ["denied"] * 2


def test_refused_and_denied_requests_count_in_no_sum(closed_office: Office) -> None:
    """An agent cannot fill a customer's sum with what was refused, so that honest requests are denied."""
    sums = {"window_seconds": 3600, "per": "params.customer", "deny_above_usd": 1000}
    office = opened(
        closed_office, pay={"aggregate": sums, "conditions": {"deny_above_usd": 600}, "approval_required": True}
    )
    assert [asked(office, "pay", customer="ann", amount_usd=601) for _ in range(3)] == ["denied"] * 3
    rejected = office.agent.ask("pay", {"customer": "ann", "amount_usd": 500})
    form = office.form("U0ALICE", office.card(rejected), "reject").fill("reason", "No")
    assert office.person("U0ALICE").submit(form).ok
    office.agent.cancel(office.agent.ask("pay", {"customer": "ann", "amount_usd": 501}))
    assert asked(office, "pay", customer="ann", amount_usd=502) == "pending"
    assert asked(office, "pay", customer="ann", amount_usd=498) == "pending", "$1,000 is not over the limit"
    assert asked(office, "pay", customer="ann", amount_usd=1) == "denied"


def test_an_amount_that_nobody_could_read_stays_in_the_sum(closed_office: Office) -> None:
    """What a person let through without a figure is not forgotten: while it is in the window, every further one asks."""
    sums = {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 200}
    office = opened(closed_office, pay={"aggregate": sums})
    assert asked(office, "pay", customer="ann", amount_usd=10) == "approved"
    unread = office.agent.ask("pay", {"customer": "ANN", "amount_usd": "10"})
    assert unread["state"] == "pending"
    office.person("U0ALICE").click(office.card(unread), "approve")
    later = office.agent.ask("pay", {"customer": "ann", "amount_usd": 10})
    assert (later["state"], "no sum is known" in later["why"][0]) == ("pending", True)
    assert asked(office, "pay", customer="bob", amount_usd=10) == "approved"
    office.advance(3601)
    assert asked(office, "pay", customer="ann", amount_usd=10) == "approved"


@on_sqlite
def test_an_edit_cannot_make_an_amount_unreadable(closed_office: Office) -> None:
    """A reviewer who empties the amount is refused in the form, as a request without it would be."""
    schema = {"type": "object", "properties": {"amount_usd": {"type": "number"}, "note": {"type": "string"}}}
    limits = {"conditions": {"deny_above_usd": 1000}, "params_schema": schema, "approval_required": True}
    office = opened(closed_office, pay=limits)
    made = office.agent.ask("pay", {"amount_usd": 10})
    form = office.form("U0ALICE", office.card(made), "edit").fill("param:amount_usd", "")
    refused = office.person("U0ALICE").submit(form)
    assert not refused.ok
    assert "amounts have a limit here" in str(refused.errors)
    assert office.agent.see(made)["state"] == "pending"


@on_sqlite
def test_what_is_typed_is_the_amount_that_counts(closed_office: Office) -> None:
    """Where large amounts are typed, cents and lists are typed as the dollars they are, and what cannot be read is
    looked at in full first."""
    lines = {"path": "params.lines[*].cents", "unit": "cents"}
    careful = {"amount": lines, "confirm_amount_above_usd": 100, "approval_required": True, "severity": "high"}
    office = opened(closed_office, buy=careful)
    made = office.agent.ask("buy", {"lines": [{"cents": 6000}, {"cents": 4250}]})
    alice = office.person("U0ALICE")
    form = office.form("U0ALICE", office.card(made), "approve")
    assert "$102.50" in form.text()
    assert not alice.submit(form.fill("amount", "10250")).ok
    assert alice.submit(form.fill("amount", "102.50")).ok
    assert office.agent.see(made)["state"] == "approved"
    unread = office.agent.ask("buy", {"lines": "a lot"})
    full = office.form("U0ALICE", office.card(unread), "approve")
    assert office.agent.see(unread)["state"] == "pending", "one tap does not do"
    assert alice.submit(full).ok
