"""What a test says in advance (`on`), afterwards (`decide`), and what it asserts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

from sayso.models import Approval
from sayso.states import State
from sayso.testing.case import Verdict
from sayso.testing.desk import Asked, Desk

EVERY = "*"


class Verdicts:
    """The reviewer's and the policy's possible answers."""

    def _take(self, verdict: Verdict) -> Self:
        raise NotImplementedError

    def approve(self, note: str | None = None) -> Self:
        """A person approves exactly what was asked."""
        return self._take(Verdict(State.APPROVED, note))

    def edit(self, params: Mapping[str, Any], note: str | None = None) -> Self:
        """A person changes the parameters (all of them are replaced) and approves that."""
        return self._take(Verdict(State.EDITED, note, params=dict(params)))

    def reject(self, note: str | None = None) -> Self:
        """A person says no, and why."""
        return self._take(Verdict(State.REJECTED, note))

    def choose(self, choice: str, note: str | None = None) -> Self:
        """A person picks the candidate with this id."""
        return self._take(Verdict(State.CHOSEN, note, choice=choice))

    def answer(self, text: str) -> Self:
        """A person answers the open question."""
        return self._take(Verdict(State.ANSWERED, answer=text))

    def take_over(self, note: str | None = None) -> Self:
        """A person does it by hand."""
        return self._take(Verdict(State.TAKEN_OVER, note))

    def auto(self) -> Self:
        """Policy approves at once."""
        return self._take(Verdict(State.APPROVED, by="policy"))

    def deny(self, note: str | None = None) -> Self:
        """Policy refuses at once."""
        return self._take(Verdict(State.DENIED, note, by="policy"))

    def block(self) -> Self:
        """The manifest does not know the action."""
        return self._take(Verdict(State.BLOCKED, by="policy"))

    def expire(self) -> Self:
        """Nobody decides in time."""
        return self._take(Verdict(State.EXPIRED, by=""))

    def cancel(self) -> Self:
        """A person withdraws it."""
        return self._take(Verdict(State.CANCELLED))


class Rule(Verdicts):
    """What becomes of one action's requests: each verdict serves one request, the last one all that follow."""

    def __init__(self, action: str, where: Callable[[dict[str, Any]], bool] | None) -> None:
        self.action = action
        self._where = where
        self._verdicts: list[Verdict] = []
        self._info: str | None = None

    def pending(self) -> Self:
        """Nobody decides, until the test does so with `decide`."""
        return self._take(Verdict(State.PENDING))

    def request_info(self, question: str) -> Self:
        """A reviewer asks this first; the next verdict follows the answer."""
        self._info = question
        return self

    def breadth(self) -> int:
        """0 with a condition, 1 for an action, 2 for everything: the narrower rule speaks first."""
        return 2 if self.action == EVERY else int(self._where is None)

    def matches(self, action: str, params: dict[str, Any]) -> bool:
        """Whether this rule speaks for such a request."""
        return self.action in {EVERY, action} and (self._where is None or self._where(params))

    def next(self, used: bool) -> Verdict:
        """The verdict for the next request; it is consumed when `used` and not the last."""
        if self._info is not None:
            return Verdict(State.PENDING, info=self._info)
        if not self._verdicts:
            return Verdict(State.PENDING)
        return self._verdicts.pop(0) if used and len(self._verdicts) > 1 else self._verdicts[0]

    def _take(self, verdict: Verdict) -> Self:
        self._verdicts.append(replace(verdict, info=self._info))
        self._info = None
        return self


class Decision(Verdicts):
    """A decision taken now, on one approval. Raises ValueError where it is no longer open."""

    def __init__(self, desk: Desk, approval_id: str) -> None:
        self._desk = desk
        self._id = approval_id

    def request_info(self, question: str) -> Self:
        """A reviewer wants to know more."""
        self._desk.case(self._id).ask_back(question)
        return self

    def hand_back(self, steps: list[str], note: str | None = None) -> Self:
        """The person who took over is done, and says what was done."""
        return self._take(Verdict(State.HANDED_BACK, note, steps=steps))

    def _take(self, verdict: Verdict) -> Self:
        self._desk.case(self._id).decide(verdict, self._desk.moment())
        return self


class Script:
    """The part of a fake that tests talk to."""

    desk: Desk

    def on(self, action: str, where: Callable[[dict[str, Any]], bool] | None = None) -> Rule:
        """Say what becomes of an action's requests (those `where(params)` holds). Narrower and later rules go first."""
        rule = Rule(action, where)
        self.desk.rules.insert(0, rule)
        return rule

    def approve_all(self) -> Rule:
        """A person approves whatever no other rule speaks for."""
        return self.on(EVERY).approve()

    def decide(self, approval: Approval | str) -> Decision:
        """Decide one approval now."""
        return Decision(self.desk, approval if isinstance(approval, str) else approval.id)

    def undo(self, approval: Approval | str, note: str | None = None) -> None:
        """A person undoes what was allowed. Raises ValueError where it cannot be undone."""
        case = self.desk.case(approval if isinstance(approval, str) else approval.id)
        case.undone(note, self.desk.moment())

    def stop(self) -> None:
        """The global stop: nothing can be claimed (423) and nothing runs by policy alone."""
        self.desk.stopped = True

    def start(self) -> None:
        """End the global stop."""
        self.desk.stopped = False

    def set_session(self, session_id: str, state: str) -> None:
        """A person sets a session to running, paused or cancelled."""
        self.desk.set_session(session_id, state)

    def lose_answers(self, count: int = 1) -> None:
        """The next answers are lost on the way, after their requests were applied."""
        self.desk.lose = count

    @property
    def asked(self) -> list[Asked]:
        """Every distinct request, in order."""
        return list(self.desk.asked)

    def assert_asked(self, action: str, params: Mapping[str, Any] | None = None, times: int | None = None) -> None:
        """At least once (or exactly `times`), with exactly these params where given."""
        hits = [one for one in self.asked if one.action == action and params in (None, one.params)]
        wanted = len(hits) >= 1 if times is None else len(hits) == times
        if not wanted:
            raise AssertionError(f"{action} was asked {len(hits)} times with {params!r}; all asked: {self._summary()}")

    def assert_not_asked(self, action: str | None = None) -> None:
        """Nobody was asked (about this action)."""
        if any(action in (None, one.action) for one in self.asked):
            raise AssertionError(f"nothing should have been asked, but: {self._summary()}")

    def assert_executed(self, action: str, times: int = 1) -> None:
        """Exactly so many executions were reported as succeeded."""
        done = sum(c.state is State.SUCCEEDED and c.body["action"] == action for c in self.desk.cases.values())
        if done != times:
            raise AssertionError(f"{action} succeeded {done} times, not {times}; all asked: {self._summary()}")

    def assert_nothing_open(self) -> None:
        """Every request was decided, and everything granted was executed and reported."""
        if any(not case.state.final for case in self.desk.cases.values()):
            raise AssertionError(f"something is unfinished: {self._summary()}")

    def _summary(self) -> str:
        cases = self.desk.cases.values()
        return ", ".join(f"{c.body['action']}({c.body['params']!r}) → {c.state.value}" for c in cases) or "nothing"
