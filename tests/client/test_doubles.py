"""What only the fakes can do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sayso import AsyncSayso, Expired, Gone, MayHaveRun, Sayso, State, StillPending, Stopped
from sayso.testing import AsyncFakeSayso, FakeSayso


@pytest.fixture
def fake() -> FakeSayso:
    return FakeSayso()


def test_verdicts_are_served_in_turn(fake: FakeSayso) -> None:
    """Each verdict of a rule serves one request; the last serves all that follow."""
    fake.on("a").reject("first").approve()
    states = [fake.wait(fake.ask("a", {})).state for _ in range(3)]
    assert states == [State.REJECTED, State.APPROVED, State.APPROVED]


def test_the_later_and_the_narrower_rule_win(fake: FakeSayso) -> None:
    """A rule with a condition goes before one for the action, that before approve_all; later before earlier."""
    fake.on("a", where=lambda params: params["n"] > 5).approve()
    fake.on("a").approve()
    fake.on("a").reject()
    fake.approve_all()
    assert fake.wait(fake.ask("a", {"n": 9})).state is State.APPROVED
    assert fake.wait(fake.ask("a", {"n": 1})).state is State.REJECTED
    assert fake.wait(fake.ask("b", {})).state is State.APPROVED


def test_a_scripted_question_comes_before_the_verdict(fake: FakeSayso) -> None:
    """request_info is asked first, and the verdict follows the answer."""
    fake.on("a").request_info("Which?").approve()
    approval = fake.wait(fake.ask("a", {}), on_info_request=lambda asked: "That one")
    assert approval.state is State.APPROVED


def test_silence_expires_after_a_day_in_no_time(fake: FakeSayso) -> None:
    """Waiting costs no time: an hour is still pending, a day is expired (docs/rules.md: B4, G3)."""
    approval = fake.ask("a", {})
    with pytest.raises(StillPending):
        fake.wait(approval, timeout=3600)
    with pytest.raises(Expired), fake.execute(fake.wait(approval)):
        pass


def test_an_approval_that_is_not_used_expires(fake: FakeSayso) -> None:
    """Approved but unclaimed for 15 minutes is too late to claim (docs/rules.md: I13)."""
    fake.approve_all()
    approval = fake.wait(fake.ask("a", {}))
    fake.desk.sleep(901)
    with pytest.raises(Gone):
        fake.claim(approval)


def test_a_claim_without_a_result_becomes_unknown(fake: FakeSayso) -> None:
    """A grant that is never reported on ends as outcome_unknown, and is never executable again."""
    fake.approve_all()
    approval = fake.wait(fake.ask("a", {}))
    fake.claim(approval)
    fake.desk.sleep(901)
    assert fake.get(approval).state is State.OUTCOME_UNKNOWN
    with pytest.raises(MayHaveRun):
        fake.execute(approval.id).__enter__()


def test_a_handover_back_can_be_waited_for(fake: FakeSayso) -> None:
    """through_takeover waits past the takeover for what the person did by hand (docs/rules.md: C1)."""
    approval = fake.ask("a", {})
    fake.decide(approval).take_over("I will do it")
    assert fake.wait(approval).state is State.TAKEN_OVER
    with pytest.raises(StillPending):
        fake.wait(approval, timeout=60, through_takeover=True)
    fake.decide(approval).hand_back(["called the bank"])
    back = fake.wait(approval, through_takeover=True)
    assert back.state is State.HANDED_BACK
    assert back.decision is not None
    assert back.decision.human_steps == ["called the bank"]


def test_a_handover_back_lets_the_session_go_on(fake: FakeSayso) -> None:
    """What a takeover held of the same session can be claimed once it is handed back (docs/rules.md: C4)."""
    session = fake.session("run-1")
    by_hand, other = (session.ask("a", {}, step=step) for step in (1, 2))
    fake.decide(other).approve()
    fake.decide(by_hand).take_over()
    with pytest.raises(Stopped):
        fake.claim(other)
    fake.decide(by_hand).hand_back(["called the bank"])
    assert session.checkpoint().taken_over_by is None
    assert fake.claim(other).params == {}


def test_lost_answers_double_nothing(fake: FakeSayso) -> None:
    """With every first answer lost, there is still one request and one execution."""
    fake.approve_all()
    fake.lose_answers(3)
    approval = fake.wait(fake.ask("a", {}))
    fake.lose_answers(1)
    with fake.execute(approval):
        fake.lose_answers(2)
    fake.assert_asked("a", times=1)
    fake.assert_executed("a", times=1)
    fake.assert_nothing_open()


def test_a_new_process_resumes(fake: FakeSayso) -> None:
    """restarted() is a new process: it knows what the journal and the server know."""
    fake.ask("a", {}, checkpoint={"n": 1})
    (record,) = fake.restarted().resume()
    assert record.checkpoint == {"n": 1}


def test_it_stands_in_for_a_module_level_client(fake: FakeSayso, tmp_path: Path) -> None:
    """Gated functions bound to a real client talk to the fake inside the block, and only there."""
    real = Sayso("http://127.0.0.1:9", "token", state_dir=tmp_path)

    @real.gate()
    def refund(amount: int) -> int:
        return amount

    fake.on("refund").edit({"amount": 1})
    with fake.stands_in_for(real):
        assert refund(5) == 1
    assert real.url == "http://127.0.0.1:9"
    assert not list(tmp_path.iterdir())


def test_the_async_fake_stands_in_too(tmp_path: Path) -> None:
    """The same for the async client."""
    real, fake = AsyncSayso("http://127.0.0.1:9", "token", state_dir=tmp_path), AsyncFakeSayso()
    fake.approve_all()

    async def main() -> State:
        with fake.stands_in_for(real):
            return (await real.wait(await real.ask("a", {}))).state

    assert asyncio.run(main()) is State.APPROVED


@pytest.mark.parametrize(
    "assertion",
    [
        lambda fake: fake.assert_asked("b"),
        lambda fake: fake.assert_asked("a", {"n": 2}),
        lambda fake: fake.assert_asked("a", times=2),
        lambda fake: fake.assert_not_asked("a"),
        lambda fake: fake.assert_not_asked(),
        lambda fake: fake.assert_executed("a"),
        lambda fake: fake.assert_nothing_open(),
    ],
)
def test_assertions_fail_with_a_summary(fake: FakeSayso, assertion: object) -> None:
    """A failing assertion lists what was asked and how it stands."""
    fake.ask("a", {"n": 1})
    with pytest.raises(AssertionError, match=r"a\(\{'n': 1\}\) → pending"):
        assertion(fake)  # type: ignore[operator]


def test_assertions_hold(fake: FakeSayso) -> None:
    """And they pass when they should."""
    fake.assert_not_asked()
    fake.ask("a", {"n": 1})
    fake.assert_asked("a", {"n": 1}, times=1)
    fake.assert_not_asked("b")
    fake.assert_executed("a", times=0)


def test_deciding_twice_is_a_mistake_in_the_test(fake: FakeSayso) -> None:
    """A decision on what is decided raises, so a test cannot script the impossible."""
    approval = fake.ask("a", {})
    fake.decide(approval).reject()
    with pytest.raises(ValueError, match="rejected"):
        fake.decide(approval).approve()


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_block_is_neither_success_nor_failure(fake: FakeSayso, interrupt: type[BaseException]) -> None:
    """An interrupt inside `execute` reports nothing; the next process is told that the action was started."""
    fake.approve_all()
    with pytest.raises(interrupt), fake.execute(fake.ask("a", {})):
        raise interrupt
    (record,) = fake.restarted().resume()
    assert (record.started, record.approval.state) == (True, State.CLAIMED)
