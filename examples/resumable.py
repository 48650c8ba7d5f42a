"""An agent whose work is cut in two by a person's decision: one process asks and exits, a later one acts.

Only `sayso` and the standard library. What has to survive lies in three places: the request and its checkpoint on
the server, the grant's nonce in SAYSO_STATE_DIR, and the work itself in the agent's own database or repository.
"""

from __future__ import annotations

import argparse
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum, auto
from typing import Any, ClassVar

from sayso import (
    AgentSession,
    AlreadyExecuted,
    Approval,
    Checkpoint,
    Conflict,
    Gone,
    Grant,
    InformationRequested,
    MayHaveRun,
    NotApproved,
    Pending,
    Sayso,
    SaysoError,
    SessionCancelled,
    StillPending,
    Stopped,
)

ROUND_SECONDS = 1.0  # how long the oldest request is waited for before the others are looked at again
CANCELLED_STATUS = 3


class CannotAct(Exception):
    """Things have changed since the agent asked. Nothing was done."""


class Step(Enum):
    """How far one request came in this process."""

    WAITS = auto()
    MOVED = auto()
    ENDED = auto()


def say(text: str) -> None:
    """One line for whoever watches, at once."""
    print(text, flush=True)


class ResumableAgent(ABC):
    """Asks, forgets everything, and carries on in another process. Subclasses say what there is to do."""

    session_id: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, client: Sayso) -> None:
        self.client = client
        self.session = client.session(self.session_id, self.title)

    @abstractmethod
    def work(self, limit: int) -> int:
        """Look at up to `limit` new tasks and ask where asking is due; returns how many were looked at."""

    @abstractmethod
    def act(self, grant: Grant, context: Mapping[str, Any]) -> str:
        """Do exactly what was granted; returns the receipt. Raises CannotAct.

        It may be called again with the same `grant.idempotency_key` after a crash, and must then change nothing.
        """

    @abstractmethod
    def explain(self, question: str, context: Mapping[str, Any]) -> str:
        """What the agent answers to a reviewer's question."""

    def roll_back(self, approval: Approval) -> str:
        """A person undid what was done: take it back; returns what was taken back. May be called again, and then changes nothing."""
        raise NotImplementedError(f"{approval.action} cannot be taken back")

    @abstractmethod
    def accept(self, approval: Approval, context: Mapping[str, Any]) -> None:
        """It will not be done by this agent: keep `approval.feedback` and go on without it."""

    @abstractmethod
    def failed(self, why: str, context: Mapping[str, Any]) -> None:
        """It was approved, and could not be done."""

    def story(self, context: Mapping[str, Any]) -> AgentSession:
        """The session that a task belongs to: cards of one session stand together, so what belongs together shares one."""
        return self.session

    def ask(self, action: str, params: Mapping[str, Any], task: str, context: dict[str, Any], **details: Any) -> None:
        """Ask about one task. The same task is asked about once, however often a process dies here."""
        steps = details.get("completed_steps", [])
        checkpoint = Checkpoint(
            workflow_id=task,
            step_index=len(steps),
            completed_steps=steps,
            pending_action=action,
            context=context,
        )
        approval = self.story(context).ask(action, params, step=task, checkpoint=checkpoint.model_dump(), **details)
        if approval.final:
            self._refused(approval, context)
        elif approval.pending:
            say(f"{context['about']}: asked for {action}")

    def resume(self, wait: float = 0.0) -> int:
        """Act on what was decided; returns how many requests are still open.

        Where nothing was decided yet, waits up to `wait` seconds for the first decision.
        """
        end = time.monotonic() + wait
        self._take_back()
        while True:
            acted, still_open = self._round()
            left = end - time.monotonic()
            if acted or not still_open or left <= 0:
                return len(still_open)
            if self._hold(still_open[0], min(left, ROUND_SECONDS)):
                return len(still_open) - 1

    def _take_back(self) -> None:
        for approval in self.client.undone():
            told = self.roll_back(approval)
            self.client.label(approval, "reverted", told)
            say(f"{approval.action}: undone by a person, {told}")

    def _round(self) -> tuple[bool, list[Pending]]:
        steps = [(self._carry_on(record), record) for record in self.client.resume()]
        still_open = [record for step, record in steps if step is not Step.ENDED]
        return any(step is not Step.WAITS for step, _ in steps), still_open

    def _hold(self, record: Pending, seconds: float) -> bool:
        """Wait for one request; True when that ended it. What was approved is left to the next round."""
        if record.approval.approved:  # decided, but people have pressed stop
            time.sleep(seconds)
            return False
        try:
            decided = self.client.wait(record.approval, seconds, through_takeover=True)
        except (StillPending, InformationRequested):
            return False
        if decided.final:  # heard here, so resume() will not bring it again
            self._refused(decided, record.checkpoint["context"])
        return decided.final

    def _carry_on(self, record: Pending) -> Step:
        approval, context = record.approval, record.checkpoint["context"]
        if approval.info_request is not None:
            return self._answer(approval, context)
        if approval.pending or approval.state == "taken_over":
            return Step.WAITS
        if approval.final:
            self._refused(approval, context)
            return Step.ENDED
        return self._execute(record, context)

    def _answer(self, approval: Approval, context: Mapping[str, Any]) -> Step:
        answer = self.explain(str(approval.info_request), context)
        with suppress(Conflict):  # decided, or answered by another process, in the meantime
            self.client.answer(approval, answer)
            say(f"{context['about']}: {approval.info_request} → {answer}")
        return Step.MOVED

    def _execute(self, record: Pending, context: Mapping[str, Any]) -> Step:
        about = context["about"]
        self._respect_people()
        try:
            # `again`: an earlier process may have died in the middle, and the idempotency key makes that harmless.
            with self.client.execute(record.approval, again=record.started) as grant:
                receipt = self.act(grant, context)
                grant.report(receipt)
        except CannotAct as problem:
            self.failed(str(problem), context)
            say(f"{about}: approved, but not done: {problem}")
        except Stopped:
            say(f"{about}: approved, but everything is stopped; a later process looks again")
            return Step.WAITS
        except (AlreadyExecuted, MayHaveRun, Conflict):
            say(f"{about}: another process is on it")
        except (NotApproved, Gone):
            self._refused(self.client.get(record.approval), context)
        else:
            say(f"{about}: {receipt}")
        return Step.ENDED

    def _refused(self, approval: Approval, context: Mapping[str, Any]) -> None:
        note = approval.decision.note if approval.decision else None
        state = approval.state.value.replace("_", " ")
        say(f"{context['about']}: {state}" + (f": {note}" if note else ""))
        self.accept(approval, context)

    def _respect_people(self) -> None:
        if self.session.beat().state == "paused":
            say(f"{self.title} is paused; waiting until somebody resumes it")
        self.session.checkpoint()


def command_line(words: str | None) -> argparse.ArgumentParser:
    """The command line that every agent here has: `work` and `resume`."""
    parser = argparse.ArgumentParser(description=(words or "").partition("\n")[0])
    parser.add_argument("verb", choices=("work", "resume"))
    parser.add_argument("--limit", type=int, default=100, help="work: how many new tasks to look at")
    parser.add_argument("--wait", type=float, default=0.0, help="resume: seconds to wait for the first decision")
    return parser


def run(options: argparse.Namespace, build: Callable[[Sayso], ResumableAgent]) -> int:
    """Run one verb with the client that SAYSO_URL, SAYSO_TOKEN and SAYSO_STATE_DIR describe; the exit status."""
    try:
        with Sayso() as client:
            agent = build(client)
            if options.verb == "work":
                agent.work(options.limit)
            still_open = agent.resume(options.wait if options.verb == "resume" else 0.0)
    except SessionCancelled as cancelled:
        say(str(cancelled))
        return CANCELLED_STATUS
    except SaysoError as error:
        print(f"cannot go on: {error}", file=sys.stderr)
        return 1
    say(f"exiting with {still_open} open")
    return 0
