"""What every Sayso must do, whoever is behind it: the fake, the small test server, or the real one.

Subclass `Conformance`, and give it a fixture `rig`. The actions below are those of the contract's example manifest.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from sayso import (
    AlreadyExecuted,
    Approval,
    AsyncSayso,
    Blocked,
    Cancelled,
    Conflict,
    Denied,
    InformationRequested,
    MayHaveRun,
    NotFound,
    Rejected,
    Sayso,
    SessionCancelled,
    State,
    StillPending,
    Stopped,
    TakenOver,
    Unprocessable,
)


class Reviewer(Protocol):
    """A person: decides now, and only returns once the server has it."""

    def approve(self, approval_id: str, note: str | None = None) -> None: ...
    def edit(self, approval_id: str, params: dict[str, Any], note: str | None = None) -> None: ...
    def reject(self, approval_id: str, note: str) -> None: ...
    def choose(self, approval_id: str, choice: str) -> None: ...
    def answer(self, approval_id: str, text: str) -> None: ...
    def request_info(self, approval_id: str, question: str) -> None: ...
    def take_over(self, approval_id: str) -> None: ...
    def stop(self) -> None: ...
    def start(self) -> None: ...
    def set_session(self, session_id: str, state: str) -> None: ...


@dataclass
class Rig:
    """A client, a reviewer, and how to be born again: a new process with the same state directory.

    `elsewhere` makes a client of the same agent with a state directory of its own.
    """

    client: Any
    reviewer: Reviewer
    reborn: Callable[[], Any]
    elsewhere: Callable[[], Any]


class Blocking:
    """An `AsyncSayso` behind the plain client's face, so that one suite serves both."""

    def __init__(self, client: AsyncSayso, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        return (lambda *args, **kwargs: self._plain(value(*args, **kwargs))) if callable(value) else value

    def _plain(self, value: Any) -> Any:
        if asyncio.iscoroutine(value):
            return self._plain(self._wait(value))
        if hasattr(value, "__anext__"):
            return self._iterate(value)
        if hasattr(value, "__aenter__"):
            return _BlockingContext(value, self._wait)
        return Blocking(value, self._loop) if hasattr(value, "checkpoint") and hasattr(value, "beat") else value

    def _iterate(self, values: Any) -> Iterator[Any]:
        while True:
            try:
                yield self._wait(values.__anext__())
            except StopAsyncIteration:
                return

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


class _BlockingContext:
    def __init__(self, context: Any, wait: Callable[[Any], Any]) -> None:
        self._context = context
        self._wait = wait

    def __enter__(self) -> Any:
        return self._wait(self._context.__aenter__())

    def __exit__(self, *error: Any) -> Any:
        return self._wait(self._context.__aexit__(*error))


def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop of its own, for the length of a test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


ACTION = "process_refund"
ASK = {"customer": "alice@example.com", "amount_usd": 120}
AUTO = {"customer": "alice@example.com", "amount_usd": 12}
OVER = {"customer": "alice@example.com", "amount_usd": 20_000}


class Conformance:
    """One suite, run on every kind of Sayso."""

    @pytest.fixture
    def client(self, rig: Rig) -> Any:
        return rig.client

    @pytest.fixture
    def reviewer(self, rig: Rig) -> Reviewer:
        return rig.reviewer

    def test_ask_returns_a_pending_approval_at_once(self, client: Sayso) -> None:
        """Asking never blocks: what needs a person comes back as pending, with its parameters."""
        approval = client.ask(ACTION, ASK, reason="late parcel")
        assert (approval.state, approval.pending, approval.params) == (State.PENDING, True, ASK)
        assert approval.route == "ask"
        assert approval.version >= 1

    def test_an_approval_is_executed_once_and_reported(self, client: Sayso, reviewer: Reviewer) -> None:
        """What a person approved runs with exactly the parameters asked, and ends as succeeded."""
        approval = client.ask(ACTION, ASK)
        reviewer.approve(approval.id)
        with client.execute(client.wait(approval, timeout=60)) as grant:
            assert (grant.params, grant.edited) == (ASK, False)
            grant.report("receipt 7")
        assert client.get(approval).state is State.SUCCEEDED
        assert grant.reported

    def test_an_exception_is_reported_as_failed_and_raised(self, client: Sayso, reviewer: Reviewer) -> None:
        """A block that raises ends the approval as failed, and the caller still sees the exception."""
        approval = client.ask(ACTION, ASK)
        reviewer.approve(approval.id)
        with pytest.raises(ZeroDivisionError), client.execute(client.wait(approval, timeout=60)):
            _ = 1 / 0
        assert client.get(approval).state is State.FAILED

    def test_an_edit_changes_what_runs(self, client: Sayso, reviewer: Reviewer) -> None:
        """The grant carries the reviewer's parameters and note, not the agent's."""
        approval = client.ask(ACTION, ASK)
        reviewer.edit(approval.id, {**ASK, "amount_usd": 100}, note="the parcel came half")
        decided = client.wait(approval, timeout=60)
        assert decided.state is State.EDITED
        with client.execute(decided) as grant:
            assert (grant.params["amount_usd"], grant.edited, grant.note) == (100, True, "the parcel came half")

    def test_a_rejection_reaches_the_agent_with_its_reason(self, client: Sayso, reviewer: Reviewer) -> None:
        """A no is final, typed, and its feedback holds the reviewer's reason (docs/rules.md: B6)."""
        approval = client.ask(ACTION, ASK)
        reviewer.reject(approval.id, "wrong customer")
        decided = client.wait(approval, timeout=60)
        assert decided.final
        with pytest.raises(Rejected) as caught:
            client.execute(decided).__enter__()
        assert caught.value.approval == decided
        assert decided.decision is not None
        assert decided.decision.note == "wrong customer"

    def test_small_amounts_need_nobody(self, client: Sayso) -> None:
        """What policy approves alone is claimed like any other (docs/rules.md: G5)."""
        approval = client.ask(ACTION, AUTO)
        assert (approval.state, approval.route) == (State.APPROVED, "auto")
        with client.execute(approval) as grant:
            assert grant.params == AUTO

    def test_too_much_is_denied_at_once(self, client: Sayso) -> None:
        """Over the limit nobody is asked: denied, final, never executable (docs/rules.md: G5)."""
        approval = client.ask(ACTION, OVER)
        assert (approval.state, approval.final) == (State.DENIED, True)
        with pytest.raises(Denied):
            client.execute(approval).__enter__()

    def test_an_unknown_action_is_blocked(self, client: Sayso) -> None:
        """What the manifest does not know cannot run (docs/rules.md: A4, G5)."""
        approval = client.ask("launch_rocket", {})
        assert approval.state is State.BLOCKED
        with pytest.raises(Blocked):
            client.execute(approval).__enter__()

    def test_silence_is_still_pending(self, client: Sayso) -> None:
        """A wait that times out raises StillPending and leaves the approval open."""
        approval = client.ask(ACTION, ASK)
        with pytest.raises(StillPending):
            client.wait(approval, timeout=0.3)
        assert client.get(approval).pending

    def test_the_same_key_is_the_same_approval(self, client: Sayso) -> None:
        """Asking again with the same key finds the first approval; another body under it is refused."""
        first = client.ask(ACTION, ASK, idempotency_key="order-17")
        assert client.ask(ACTION, ASK, idempotency_key="order-17").id == first.id
        with pytest.raises(Unprocessable):
            client.ask(ACTION, {**ASK, "amount_usd": 130}, idempotency_key="order-17")

    def test_session_and_step_make_the_key(self, client: Sayso) -> None:
        """Within a session the same ask is the same approval, whatever its wording; another step is another one."""
        first = client.ask(ACTION, ASK, session_id="s-1", reason="because")
        assert client.ask(ACTION, ASK, session_id="s-1", reason="since").id == first.id
        assert client.ask(ACTION, ASK, session_id="s-1", step=2).id != first.id

    def test_the_same_again_while_it_is_open_is_the_same_approval(self, client: Sayso, reviewer: Reviewer) -> None:
        """Asked again without a step, what still waits is found again, and runs once; decided, it is asked anew."""
        first, again = client.ask(ACTION, ASK), client.ask(ACTION, ASK)
        assert again.id == first.id
        assert client.ask(ACTION, ASK, step="elsewhere").id != first.id
        reviewer.approve(first.id)
        with client.execute(client.wait(first, timeout=60)):
            pass
        with pytest.raises((AlreadyExecuted, Conflict)):
            client.execute(client.wait(again, timeout=60)).__enter__()
        assert client.ask(ACTION, ASK).id != first.id

    def test_a_second_execution_is_refused(self, client: Sayso, reviewer: Reviewer) -> None:
        """One approval authorises one execution, also for who still holds the old object (docs/rules.md: B2)."""
        approval = client.ask(ACTION, ASK)
        reviewer.approve(approval.id)
        decided = client.wait(approval, timeout=60)
        with client.execute(decided):
            pass
        with pytest.raises((AlreadyExecuted, Conflict)):
            client.execute(decided).__enter__()
        with pytest.raises(AlreadyExecuted):
            client.execute(approval.id).__enter__()

    def test_another_nonce_gets_no_grant(self, rig: Rig) -> None:
        """A process with another state directory, hence another nonce, is told 409 and the state."""
        approval = rig.client.ask(ACTION, ASK)
        rig.reviewer.approve(approval.id)
        rig.client.claim(approval)
        with pytest.raises(Conflict) as caught:
            rig.elsewhere().claim(approval.id)
        assert caught.value.state in (None, "claimed")

    def test_a_new_process_gets_the_same_grant(self, rig: Rig) -> None:
        """Claiming again from the same state directory gives the same parameters, digest and key."""
        approval = rig.client.ask(ACTION, ASK)
        rig.reviewer.approve(approval.id)
        first, second = rig.client.claim(approval), rig.reborn().claim(approval.id)
        assert (first.params, first.digest) == (second.params, second.digest)
        assert first.idempotency_key == second.idempotency_key

    def test_a_started_action_is_not_run_again_by_itself(self, rig: Rig) -> None:
        """After a death in mid-action the next process is told so, and only `again` runs it (docs/rules.md: I8)."""
        approval = rig.client.ask(ACTION, ASK)
        rig.reviewer.approve(approval.id)
        key = rig.client.execute(approval).__enter__().idempotency_key  # and then it dies
        reborn = rig.reborn()
        (record,) = reborn.resume()
        assert (record.started, record.claimed, record.idempotency_key) == (True, True, key)
        with pytest.raises(MayHaveRun):
            reborn.execute(record.approval).__enter__()
        with reborn.execute(record.approval, again=True) as grant:
            assert grant.idempotency_key == key
        assert list(rig.reborn().resume()) == []

    def test_an_unknown_end_can_be_settled_by_hand(self, rig: Rig) -> None:
        """Who has looked downstream reports the result without running anything."""
        approval = rig.client.ask(ACTION, ASK)
        rig.reviewer.approve(approval.id)
        rig.client.execute(approval).__enter__()
        assert rig.reborn().result(approval, "failed", "never reached the bank").state is State.FAILED
        assert list(rig.reborn().resume()) == []

    def test_resume_finds_what_was_asked_with_its_checkpoint(self, rig: Rig) -> None:
        """A new process gets every open approval of the old one, with the checkpoint saved along (docs/rules.md: B1, B5)."""
        saved = {"step": 3, "done": ["looked up", "drafted"], "ö": [1.5, None, True]}
        approval = rig.client.ask(ACTION, ASK, checkpoint=saved, session_id="s-9")
        (record,) = rig.reborn().resume()
        assert (record.approval.id, record.checkpoint, record.session_id) == (approval.id, saved, "s-9")
        assert (record.claimed, record.started) == (False, False)
        rig.reviewer.reject(approval.id, "no")
        (record,) = rig.reborn().resume()
        assert record.approval.state is State.REJECTED
        assert list(rig.reborn().resume()) == []

    def test_a_question_is_answered_and_the_wait_goes_on(self, client: Sayso, reviewer: Reviewer) -> None:
        """A reviewer's question raises without a callback; with one its text is sent back (docs/rules.md: C1)."""
        approval = client.ask(ACTION, ASK)
        reviewer.request_info(approval.id, "Which order?")
        with pytest.raises(InformationRequested) as caught:
            client.wait(approval, timeout=60)
        assert caught.value.question == "Which order?"
        questions = []

        def tell(asked: Approval) -> str:
            questions.append(str(asked.info_request))
            return "Order 17"

        with pytest.raises(StillPending):
            client.wait(approval, timeout=1, on_info_request=tell)
        assert questions == ["Which order?"]
        assert client.get(approval).info_request is None
        reviewer.approve(approval.id)
        assert client.wait(approval, timeout=60).state is State.APPROVED

    def test_a_chosen_candidate_is_in_the_grant(self, client: Sayso, reviewer: Reviewer) -> None:
        """Of several candidates the person's choice reaches the executor."""
        choices = [{"id": "card", "label": "Back to the card"}, {"id": "voucher", "label": "A voucher"}]
        approval = client.ask(ACTION, ASK, kind="choose", question="How?", choices=choices)
        reviewer.choose(approval.id, "voucher")
        decided = client.wait(approval, timeout=60)
        assert decided.state is State.CHOSEN
        assert client.claim(decided).choice == "voucher"

    def test_an_open_question_is_answered(self, client: Sayso, reviewer: Reviewer) -> None:
        """An input request comes back with the person's own words."""
        approval = client.ask(ACTION, ASK, kind="input", question="What shall we write?")
        reviewer.answer(approval.id, "We are sorry.")
        decided = client.wait(approval, timeout=60)
        assert decided.state is State.ANSWERED
        assert decided.decision is not None
        assert decided.decision.answer == "We are sorry."

    def test_takeover_makes_the_agent_read_only(self, client: Sayso, reviewer: Reviewer) -> None:
        """What a person does by hand cannot be executed by the agent (docs/rules.md: C4)."""
        approval = client.ask(ACTION, ASK)
        reviewer.take_over(approval.id)
        with pytest.raises(TakenOver):
            client.execute(client.wait(approval, timeout=60)).__enter__()

    def test_takeover_holds_the_session(self, client: Sayso, reviewer: Reviewer) -> None:
        """While a person does one request of a session by hand, its checkpoint says so and its other grants wait (docs/rules.md: C4)."""
        session = client.session("s-taken", "Refund desk")
        assert session.checkpoint().taken_over_by is None
        by_hand, other = (session.ask(ACTION, ASK, step=step) for step in (1, 2))
        reviewer.approve(other.id)
        reviewer.take_over(by_hand.id)
        held = session.checkpoint()
        assert (held.state, bool(held.taken_over_by)) == ("running", True)
        with pytest.raises(Stopped):
            client.execute(client.wait(other, timeout=60)).__enter__()

    def test_cancelled_is_final(self, client: Sayso) -> None:
        """What the agent withdraws is never executed."""
        approval = client.ask(ACTION, ASK)
        assert client.cancel(approval).state is State.CANCELLED
        with pytest.raises(Cancelled):
            client.execute(approval.id).__enter__()

    def test_stop_holds_claims_but_not_asking(self, client: Sayso, reviewer: Reviewer) -> None:
        """While people hold everything a claim is refused as Stopped; afterwards the same claim works."""
        approval = client.ask(ACTION, ASK)
        reviewer.stop()
        reviewer.approve(approval.id)
        with pytest.raises(Stopped):
            client.execute(client.wait(approval, timeout=60)).__enter__()
        reviewer.start()
        with client.execute(approval.id) as grant:
            assert grant.params == ASK

    def test_labels_come_later(self, client: Sayso, reviewer: Reviewer) -> None:
        """What turned out to be true can be said after the fact (docs/rules.md: F2)."""
        approval = client.ask(ACTION, ASK)
        reviewer.approve(approval.id)
        with client.execute(client.wait(approval, timeout=60)):
            pass
        assert client.label(approval, "correct", "customer confirmed").id == approval.id

    def test_an_agent_gives_its_word_while_it_holds(self, client: Sayso, reviewer: Reviewer) -> None:
        """What is approved can be passed on to another agent, again and again; what is not cannot."""
        approval = client.ask(ACTION, ASK)
        with pytest.raises(Conflict):
            client.delegate(approval, "helper")
        reviewer.approve(approval.id)
        assert [client.delegate(approval.id, "helper").id for _ in range(2)] == [approval.id] * 2
        with pytest.raises(NotFound):
            client.delegate("apr_none", "helper")

    def test_route_stores_nothing(self, client: Sayso) -> None:
        """A dry run tells the route and why, and leaves no approval behind."""
        assert client.route(ACTION, OVER).route == "deny"
        assert client.route(ACTION, AUTO).route == "auto"
        assert client.route(ACTION, ASK).why
        assert list(client.list()) == []

    def test_list_is_newest_first_over_all_pages(self, client: Sayso) -> None:
        """The list runs through every page, and filters by state and session."""
        ids = [client.ask(ACTION, ASK, session_id=f"s-{n % 2}", step=n).id for n in range(5)]
        client.cancel(ids[0])
        assert [one.id for one in client.list()] == ids[::-1]
        assert [one.id for one in client.list(state="pending")] == ids[:0:-1]
        assert [one.id for one in client.list(session_id="s-1")] == [ids[3], ids[1]]

    def test_a_checkpoint_comes_back_as_it_was(self, client: Sayso) -> None:
        """Any JSON saved with a request is given back unchanged; without one there is None."""
        for step, saved in enumerate(({"checkpoint": {"n": 1}}, [1, "zwei", None], "text", 0, False)):
            assert client.checkpoint_of(client.ask(ACTION, ASK, step=step, checkpoint=saved)) == saved
        assert client.checkpoint_of(client.ask(ACTION, ASK)) is None

    def test_unknown_ids_are_not_found(self, client: Sayso) -> None:
        """An id that is not this agent's is NotFound, on every call."""
        for call in (client.get, client.wait, client.cancel, client.claim, client.checkpoint_of):
            with pytest.raises(NotFound):
                call("no such id?")

    def test_a_session_checks_in_and_can_be_cancelled(self, client: Sayso, reviewer: Reviewer) -> None:
        """A running session passes its checkpoints; a cancelled one raises at the next (docs/rules.md: C3)."""
        session = client.session("s-1", "Refund desk")
        assert session.checkpoint().state == "running"
        reviewer.set_session("s-1", "cancelled")
        with pytest.raises(SessionCancelled):
            session.checkpoint()
