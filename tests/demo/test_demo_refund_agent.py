"""The refund agent, process by process, with its real database and a scripted reviewer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from orders import Deed, NotAllowed, Orders
from refund_agent import RefundAgent

from sayso import Approval, SessionCancelled, State
from sayso.testing import FakeSayso

PHONE_CASE, HEADPHONES, CAMERA = 1041, 1042, 1043


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    return Orders(tmp_path / "orders.db")


def asked(sayso: FakeSayso, orders: Orders, limit: int = 2) -> dict[int, str]:
    """One process asks and ends; approval ids by order."""
    agent = RefundAgent(sayso, orders)
    agent.work(limit)
    agent.resume()
    return {one.params["order_id"]: one.approval_id for one in sayso.asked}


def resumed(sayso: FakeSayso, orders: Orders) -> int:
    """A new process with nothing in memory; how many requests it leaves open."""
    return RefundAgent(sayso.restarted(), Orders(orders.path)).resume()


def paid(orders: Orders) -> list[tuple[int, int]]:
    return [(entry.order_id, entry.amount_cents) for entry in orders.ledger()]


def state_of(sayso: FakeSayso, approval_id: str) -> State:
    return sayso.get(approval_id).state


class DiesAfterPaying(Orders):
    """The process is gone between the ledger row and the report."""

    def record(self, *arguments: Any, **more: Any) -> int:
        super().record(*arguments, **more)
        raise SystemExit


def test_pays_what_was_approved_once_however_many_processes_resume(sayso: FakeSayso, orders: Orders) -> None:
    """An approved refund is one ledger row, and a second resuming process adds none."""
    ids = asked(sayso, orders)
    assert paid(orders) == []
    sayso.decide(ids[HEADPHONES]).approve()
    assert resumed(sayso, orders) == 1
    assert resumed(sayso, orders) == 1
    assert paid(orders) == [(HEADPHONES, 18000)]
    assert state_of(sayso, ids[HEADPHONES]) is State.SUCCEEDED
    assert orders.ledger()[0].decided_by == "U0REVIEWER"


def test_a_process_that_dies_after_paying_is_made_good_by_the_next(sayso: FakeSayso, orders: Orders) -> None:
    """A row that was written but never reported is found by its key: reported, and not written again."""
    ids = asked(sayso, orders)
    sayso.decide(ids[HEADPHONES]).approve()
    with pytest.raises(SystemExit):
        RefundAgent(sayso.restarted(), DiesAfterPaying(orders.path)).resume()
    assert state_of(sayso, ids[HEADPHONES]) is State.CLAIMED
    resumed(sayso, orders)
    assert paid(orders) == [(HEADPHONES, 18000)]
    assert state_of(sayso, ids[HEADPHONES]) is State.SUCCEEDED


def test_asks_once_though_it_dies_before_it_can_note_that_it_asked(
    sayso: FakeSayso, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complaint that was asked about but not marked is asked under the same key, so there is one approval."""

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Orders, "asked", die)
        with pytest.raises(SystemExit):
            asked(sayso, orders)
    ids = asked(sayso.restarted(), orders)
    sayso.assert_asked("process_refund", times=2)
    assert set(ids) == {PHONE_CASE, HEADPHONES}


def test_policy_alone_is_enough_for_the_process_that_asks(sayso: FakeSayso, orders: Orders) -> None:
    """What policy approves is paid at once, by the process that asked."""
    sayso.on("process_refund", where=lambda params: params["amount_usd"] < 50).auto()
    asked(sayso, orders)
    assert paid(orders) == [(PHONE_CASE, 1200)]


def test_pays_what_the_reviewer_made_of_it(
    sayso: FakeSayso, orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    """An edited amount is what goes into the ledger, and the agent says that it was changed."""
    ids = asked(sayso, orders)
    sayso.decide(ids[HEADPHONES]).edit(
        {"order_id": HEADPHONES, "customer": "jonas@example.com", "amount_usd": 90.5}, "half, they keep them"
    )
    resumed(sayso, orders)
    assert paid(orders) == [(HEADPHONES, 9050)]
    assert "$90.50 refunded instead of $180.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"amount_usd": 180.01}, "$180.00 of order 1042 are left"),
        ({"amount_usd": 10.005}, "not a whole number of cents"),
        ({"customer": "mallory@example.com"}, "has no order 1042"),
        ({"order_id": 9999}, "has no order 9999"),
    ],
)
def test_does_not_pay_what_the_order_does_not_allow(
    sayso: FakeSayso, orders: Orders, edit: dict[str, Any], why: str
) -> None:
    """An edit that does not fit the order writes nothing and is reported as failed, with the reason kept."""
    ids = asked(sayso, orders)
    wish = {"order_id": HEADPHONES, "customer": "jonas@example.com", "amount_usd": 180.0}
    sayso.decide(ids[HEADPHONES]).edit(wish | edit)
    resumed(sayso, orders)
    assert paid(orders) == []
    assert state_of(sayso, ids[HEADPHONES]) is State.FAILED
    assert why in orders.note(HEADPHONES)


def test_two_approvals_cannot_pay_one_order_twice(orders: Orders) -> None:
    """Another key for the same order is refused once everything was paid back."""
    deed = Deed(HEADPHONES, "refunded", 18000, "one", 2, "apr_1", "U0ALICE")
    orders.record(deed, "jonas@example.com", within=True)
    assert orders.record(deed, "jonas@example.com", within=True) == 1
    with pytest.raises(NotAllowed, match=r"\$0\.00 of order 1042 are left"):
        orders.record(replace(deed, key="two", cents=100), "jonas@example.com", within=True)
    assert paid(orders) == [(HEADPHONES, 18000)]


def test_takes_a_rejection_to_heart(sayso: FakeSayso, orders: Orders) -> None:
    """A reason is kept with the complaint, nothing is paid, and nobody is asked again."""
    ids = asked(sayso, orders)
    sayso.decide(ids[HEADPHONES]).reject("Repair it first")
    assert resumed(sayso, orders) == 1
    asked(sayso.restarted(), orders, limit=0)
    assert "Repair it first" in orders.note(HEADPHONES)
    assert paid(orders) == []
    sayso.assert_asked("process_refund", times=2)


@pytest.mark.parametrize("verdict", ["deny", "block"])
def test_accepts_what_policy_refuses(sayso: FakeSayso, orders: Orders, verdict: str) -> None:
    """Denied or blocked is final for the agent: nothing is paid and nothing stays open."""
    getattr(sayso.on("process_refund"), verdict)()
    ids = asked(sayso, orders)
    assert paid(orders) == []
    assert not orders.new_cases(2) or orders.new_cases(1)[0].order_id not in ids
    assert resumed(sayso, orders) == 0


def test_asks_once_more_when_nobody_decided_in_time(sayso: FakeSayso, orders: Orders) -> None:
    """An expired request is asked again once, and then left to people."""
    for _ in range(2):
        RefundAgent(sayso.restarted(), orders).work(1)
        sayso.decide(sayso.asked[-1].approval_id).expire()
        resumed(sayso, orders)
    assert [one.params["order_id"] for one in sayso.asked] == [PHONE_CASE, PHONE_CASE]
    assert orders.new_cases(1)[0].order_id == HEADPHONES
    assert paid(orders) == []


@pytest.mark.parametrize(("verdict", "rows"), [("approve", [(PHONE_CASE, 1200)]), ("reject", [])])
def test_hears_a_decision_that_falls_while_it_waits(
    sayso: FakeSayso, orders: Orders, monkeypatch: pytest.MonkeyPatch, verdict: str, rows: list[tuple[int, int]]
) -> None:
    """A waiting process acts on the decision at once, and on a refusal as well."""
    ids = asked(sayso, orders, limit=1)
    later = sayso.restarted()
    wait = later.wait

    def decided_meanwhile(*arguments: Any, **more: Any) -> Approval:
        getattr(sayso.decide(ids[PHONE_CASE]), verdict)("said while it waited")
        return wait(*arguments, **more)

    monkeypatch.setattr(later, "wait", decided_meanwhile)
    assert RefundAgent(later, orders).resume(wait=5) == 0
    assert paid(orders) == rows
    assert ("said while it waited" in orders.note(PHONE_CASE)) == (verdict == "reject")


ABOUT = {
    "amount": "$180.00 were paid for order 1042",
    "who": "jonas@example.com",
    "why": "The left side is silent",
    "risk": "does not come back",
    "what": "Wireless headphones",
    "when": "is of 2",
    "before": "in the ledger 0 times",
    "instead": "Offer an exchange",
}


@pytest.mark.parametrize(
    ("question", "topics"),
    [
        ("How much did they pay?", {"amount"}),
        ("what was the price", {"amount"}),
        ("Who is this customer?", {"who"}),
        ("Why do they want it back?", {"why"}),
        ("What if it goes wrong?", {"risk"}),
        ("Can this be undone?", {"risk"}),
        ("Which item is it?", {"what"}),
        ("When did they order?", {"when"}),
        ("Did we refund them before?", {"before"}),
        ("Is there an alternative?", {"instead"}),
        ("How much, and why?", {"amount", "why"}),
        ("Hm.", set(ABOUT)),
    ],
)
def test_answers_a_reviewer_to_the_point(sayso: FakeSayso, orders: Orders, question: str, topics: set[str]) -> None:
    """A question hears what the orders database knows of it and nothing else, and the request stays open."""
    ids = asked(sayso, orders)
    sayso.decide(ids[HEADPHONES]).request_info(question)
    assert resumed(sayso, orders) == 2
    assert sayso.get(ids[HEADPHONES]).info_request is None
    told = RefundAgent(sayso.restarted(), orders).explain(question, {"case_id": 2})
    assert {topic for topic, words in ABOUT.items() if words in told} >= topics
    if len(topics) < len(ABOUT):
        others = {topic for topic in set(ABOUT) - topics if topic not in ("who",)}  # a name may stand in any sentence
        assert not {topic for topic in others if ABOUT[topic] in told}


def test_pays_nothing_while_people_have_pressed_stop(sayso: FakeSayso, orders: Orders) -> None:
    """An approved refund waits for the end of a stop, and is then paid by a later process."""
    ids = asked(sayso, orders)
    sayso.decide(ids[HEADPHONES]).approve()
    sayso.stop()
    assert resumed(sayso, orders) == 2
    assert paid(orders) == []
    sayso.start()
    resumed(sayso, orders)
    assert paid(orders) == [(HEADPHONES, 18000)]


def test_keeps_off_what_a_person_took_over(sayso: FakeSayso, orders: Orders) -> None:
    """A refund that a person does by hand is not paid by the agent, and closed when it is handed back."""
    ids = asked(sayso, orders)
    sayso.decide(ids[HEADPHONES]).take_over()
    assert resumed(sayso, orders) == 2
    sayso.decide(ids[HEADPHONES]).hand_back(["paid at the counter"])
    assert resumed(sayso, orders) == 1
    assert paid(orders) == []
    assert orders.note(HEADPHONES)


def test_ends_when_its_session_was_cancelled(sayso: FakeSayso, orders: Orders) -> None:
    """A cancelled session pays nothing, though the refund was approved."""
    ids = asked(sayso, orders)
    sayso.decide(ids[HEADPHONES]).approve()
    sayso.set_session("refund-desk", "cancelled")
    with pytest.raises(SessionCancelled):
        resumed(sayso, orders)
    assert paid(orders) == []
