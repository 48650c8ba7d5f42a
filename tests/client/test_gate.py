"""The decorator: a function runs only as a person granted it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sayso import (
    AlreadyExecuted,
    Blocked,
    Cancelled,
    Denied,
    Expired,
    Grant,
    NotApproved,
    NotRestorable,
    Rejected,
    StillPending,
    TakenOver,
)
from sayso.testing import AsyncFakeSayso, FakeSayso


@pytest.fixture
def fake() -> FakeSayso:
    return FakeSayso()


def test_an_approved_call_returns_its_value(fake: FakeSayso) -> None:
    """The function's arguments are what is shown, and its value comes back."""
    fake.approve_all()

    @fake.gate(reason=lambda customer, amount=5: f"for {customer}")
    def refund(customer: str, amount: int = 5) -> str:
        """Pay."""
        return f"{customer}:{amount}"

    assert refund("alice") == "alice:5"
    fake.assert_asked("refund", {"customer": "alice", "amount": 5}, times=1)
    fake.assert_executed("refund")
    assert fake.asked[0].reason == "for alice"
    assert (refund.__name__, refund.__doc__) == ("refund", "Pay.")


def test_an_edit_changes_the_arguments(fake: FakeSayso) -> None:
    """What the person wrote is what runs: positional, keyword and catch-all arguments alike."""
    fake.on("refund").edit({"customer": "alice", "amount": 3, "note": "half"})

    @fake.gate()
    def refund(customer: str, /, amount: int, **more: Any) -> Any:
        return customer, amount, more

    assert refund("bob", 9, note="all") == ("alice", 3, {"note": "half"})


def test_a_method_and_its_unshown_arguments_pass_through(fake: FakeSayso) -> None:
    """With `params` only some arguments are shown; the others reach the function untouched."""
    fake.on("pay").edit({"amount": 1})

    class Desk:
        @fake.gate("pay", params=lambda self, bank, amount: {"amount": amount})
        def refund(self, bank: object, amount: int) -> Any:
            return self, bank, amount

    desk, bank = Desk(), object()
    assert desk.refund(bank, amount=7) == (desk, bank, 1)


def test_params_under_other_names_need_the_grant(fake: FakeSayso) -> None:
    """An edit must never be lost: names that are no arguments are refused unless the function takes the grant."""
    fake.on("refund").edit({"amount_usd": 1})

    def shown(amount: int) -> dict[str, int]:
        return {"amount_usd": amount}

    @fake.gate(params=shown)
    def refund(amount: int) -> int:
        return amount

    with pytest.raises(TypeError, match="amount_usd"):
        refund(5)
    fake.assert_not_asked()

    @fake.gate("refund", params=shown)
    def with_grant(amount: int, *, grant: Grant) -> Any:
        return grant.params["amount_usd"]

    assert with_grant(5) == 1  # type: ignore[call-arg]


def test_missing_arguments_ask_nobody(fake: FakeSayso) -> None:
    """A call that could not run is a TypeError before anyone is bothered (docs/rules.md: A1)."""

    @fake.gate()
    def refund(amount: int) -> int:
        return amount

    with pytest.raises(TypeError, match="amount"):
        refund()  # type: ignore[call-arg]
    with pytest.raises(NotRestorable, match=r"params\.amount"):
        refund({1})  # type: ignore[arg-type]
    fake.assert_not_asked()


@pytest.mark.parametrize(
    "verdict, error",
    [
        ("reject", Rejected),
        ("deny", Denied),
        ("block", Blocked),
        ("expire", Expired),
        ("cancel", Cancelled),
        ("take_over", TakenOver),
    ],
)
def test_every_refusal_is_typed(fake: FakeSayso, verdict: str, error: type[NotApproved]) -> None:
    """A refusal raises its own NotApproved, carries the approval and feedback for the agent, and runs nothing."""
    getattr(fake.on("refund"), verdict)()
    ran = []

    @fake.gate()
    def refund(amount: int) -> None:
        ran.append(amount)

    with pytest.raises(error) as caught:
        refund(5)
    assert isinstance(caught.value, NotApproved)
    assert caught.value.feedback.startswith("refund ")
    assert caught.value.approval.action == "refund"
    assert ran == []


def test_the_functions_own_error_is_reported_and_raised(fake: FakeSayso) -> None:
    """An exception inside, even StopIteration, comes out unchanged, and the approval ends as failed."""
    fake.approve_all()

    @fake.gate()
    def refund(amount: int) -> None:
        raise (ValueError("no bank") if amount else StopIteration("odd"))

    with pytest.raises(ValueError, match="no bank"):
        refund(5)
    with pytest.raises(StopIteration):
        refund(0)
    assert [case.outcome for case in fake.desk.cases.values()] == ["failed", "failed"]


def test_an_interrupt_leaves_a_question(fake: FakeSayso) -> None:
    """Ctrl-C may strike anywhere, so it is not reported as failed: resume() shows it as started."""
    fake.approve_all()

    @fake.gate()
    def refund(amount: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refund(5)
    (record,) = fake.restarted().resume()
    assert record.started


def test_a_step_runs_once(fake: FakeSayso) -> None:
    """Within a session and step the second call is told that it has been done; the next step runs."""
    fake.approve_all()
    ran = []

    @fake.gate(session_id="s-1", step=lambda amount, step=0: step, params=lambda amount, step=0: {"amount": amount})
    def refund(amount: int, step: int = 0) -> None:
        ran.append(step)

    refund(5)
    with pytest.raises(AlreadyExecuted):
        refund(5)
    refund(5, step=1)
    assert ran == [0, 1]


def test_a_timeout_leaves_it_open(fake: FakeSayso) -> None:
    """Silence within `timeout` raises StillPending, and a later call of the same step goes on with that approval."""

    @fake.gate(session_id="s-1", timeout=30)
    def refund(amount: int) -> int:
        return amount

    with pytest.raises(StillPending) as caught:
        refund(5)
    fake.decide(caught.value.approval).approve()
    assert refund(5) == 5
    fake.assert_asked("refund", times=1)


def test_async_functions_on_the_async_client() -> None:
    """A coroutine function stays one, and is awaited with the granted arguments."""
    fake = AsyncFakeSayso()
    fake.on("refund").edit({"amount": 2}).reject("enough")

    @fake.gate()
    async def refund(amount: int) -> int:
        await asyncio.sleep(0)
        return amount

    assert asyncio.run(refund(5)) == 2
    with pytest.raises(Rejected, match="enough"):
        asyncio.run(refund(5))


def test_a_plain_function_on_the_async_client_runs_in_a_thread() -> None:
    """A blocking function behind the async client does not block the event loop."""
    import threading

    fake = AsyncFakeSayso()
    fake.approve_all()

    @fake.gate()
    def where() -> int:
        return threading.get_ident()

    assert asyncio.run(where()) != threading.get_ident()


def test_async_functions_on_the_plain_client(fake: FakeSayso) -> None:
    """The plain client gates coroutine functions too, waiting in a thread so that the event loop stays free."""
    fake.on("refund").edit({"amount": 2})
    loops = []

    @fake.gate()
    async def refund(amount: int) -> int:
        loops.append(asyncio.get_running_loop())
        return amount

    async def main() -> int:
        value = await refund(5)
        assert loops == [asyncio.get_running_loop()]
        return value

    assert asyncio.run(main()) == 2


def test_a_cancelled_task_leaves_a_question() -> None:
    """Cancelling the task in mid-action reports nothing: whether it took effect is not known."""
    fake = AsyncFakeSayso()
    fake.approve_all()

    @fake.gate()
    async def refund(amount: int) -> None:
        await asyncio.sleep(60)

    async def main() -> list[bool]:
        task = asyncio.create_task(refund(5))
        while not any(case.nonce for case in fake.desk.cases.values()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [record.started async for record in fake.restarted().resume()]

    assert asyncio.run(main()) == [True]
