"""The fake's server side: the agent HTTP API in memory, on a clock that flies when somebody waits."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import unquote

from sayso.effects import Lost, Reply, Request
from sayso.states import State
from sayso.testing.case import DECIDE_WITHIN, REVIEWER, Case, Verdict

PATIENCE_SECONDS = 3 * 86_400.0
PAGE = 20


class Speaks(Protocol):
    """A rule: whether it speaks for a request, and what it says (see `script.Rule`)."""

    def breadth(self) -> int: ...
    def matches(self, action: str, params: dict[str, Any]) -> bool: ...
    def next(self, used: bool) -> Verdict: ...


class WouldWaitForever(AssertionError):
    """Nothing scripted would ever end this wait; script a decision, or pass a timeout."""


class Refused(Exception):
    """An answer that is a problem document."""

    def __init__(self, status: int, title: str, **more: Any) -> None:
        super().__init__(title)
        self.status = status
        self.problem = {"type": "about:blank", "title": title, "status": status, **more}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the fake received it; `body` is all of it."""

    action: str
    params: dict[str, Any]
    reason: str
    body: dict[str, Any]
    idempotency_key: str
    approval_id: str


class Desk:
    """Receives requests and answers them as the real server would. Share one to pretend several agents' processes."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.asked: list[Asked] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self.stopped = False
        self.lose = 0
        self.rules: list[Speaks] = []
        self._keys: dict[str, Asked] = {}
        self._steps: dict[str, str | None] = {}
        self._clock = 0.0
        self._last_change = 0.0
        self._epoch = datetime.now(UTC)
        self._mutex = threading.RLock()

    def seconds(self) -> float:
        """The fake's own monotonic clock."""
        return self._clock

    def moment(self) -> datetime:
        """The fake's own time of day."""
        return self._epoch + timedelta(seconds=self._clock)

    def sleep(self, seconds: float) -> None:
        """Let time pass at once. Raises WouldWaitForever when nothing has happened for three days."""
        self._clock += seconds
        if self._clock - self._last_change > PATIENCE_SECONDS:
            raise WouldWaitForever("nothing scripted would ever end this wait; script a decision or pass a timeout")

    def receive(self, request: Request) -> Reply:
        """One request, one answer; or Lost, after applying it, where a test asked for that."""
        with self._mutex:
            if request.method == "POST":  # looking and beating change nothing
                self._last_change = self._clock
            try:
                status, body = self._dispatch(request)
            except Refused as refused:
                status, body = refused.status, refused.problem
            if self.lose > 0:
                self.lose -= 1
                raise Lost("the answer was lost, as scripted")
            return Reply(status, {"content-type": "application/json"}, json.dumps(body).encode())

    def case(self, approval_id: str) -> Case:
        """The approval behind an id, its deadlines up to date."""
        case = self.cases.get(approval_id)
        if case is None:
            raise Refused(404, "No such approval")
        case.tick(self.moment())
        return case

    def set_session(self, session_id: str, state: str) -> None:
        """What a person does to a session."""
        self.sessions[session_id] = {"id": session_id, "state": state, "by": "U0ADMIN", "at": self._stamp()}
        self._last_change = self._clock

    def _dispatch(self, request: Request) -> tuple[int, Any]:
        body = json.loads(request.content) if request.content else {}
        match [request.method, *(unquote(part) for part in request.path.strip("/").split("/")[1:])]:
            case ["POST", "approvals"]:
                return self._create(body, request.headers.get("Idempotency-Key", ""), request.headers.get("Sayso-Step"))
            case ["GET", "approvals"]:
                return 200, self._list(request.query)
            case ["GET", "approvals", approval_id]:
                return 200, self._look(approval_id, request.hold)
            case ["GET", "approvals", approval_id, "checkpoint"]:
                return 200, self.case(approval_id).body.get("checkpoint")
            case ["POST", "approvals", approval_id, verb]:
                return 200, self._act(self.case(approval_id), verb, body)
            case ["POST", "route"]:
                case = Case("none", body, self.moment(), self._verdict(body, used=False))
                return 200, {name: case.as_json()[name] for name in ("route", "level", "why")}
            case ["GET" | "PUT" as method, "sessions", session_id]:
                return 200, self._session(method, session_id)
        raise Refused(404, "No such path")

    def _create(self, body: dict[str, Any], key: str, step: str | None) -> tuple[int, Any]:
        if not key:
            raise Refused(400, "Idempotency-Key is required", field="Idempotency-Key")
        known = self._keys.get(key)
        if known is not None and known.body != body:
            raise Refused(422, "This Idempotency-Key was used with another body", field="Idempotency-Key")
        if known is not None:
            return 200, self.case(known.approval_id).as_json()
        _check_choices(body)
        meant = self._meant(body, step)
        case = meant or self._open(body)
        self._steps.setdefault(case.id, step)
        asked = Asked(body["action"], body["params"], body.get("reason", ""), body, key, case.id)
        self._keys[key] = asked
        self.asked.append(asked)
        return 200 if meant else 201, case.as_json()

    def _meant(self, body: dict[str, Any], step: str | None) -> Case | None:
        """The same request that is open: it is meant again, unless it is asked at another step."""
        waiting = (self.case(case.id) for case in list(self.cases.values()))
        return next((case for case in waiting if case.state.pending and self._same(case, body, step)), None)

    def _same(self, case: Case, body: dict[str, Any], step: str | None) -> bool:
        if any(case.body.get(name) != body.get(name) for name in _MEANT):
            return False
        other = self._steps.get(case.id)
        if step is not None or other is not None:
            return step == other
        return any(case.body.get(name) == body.get(name) for name in ("session_id", "completed_steps"))

    def _open(self, body: dict[str, Any]) -> Case:
        now = self.moment()
        verdict = self._verdict(body, used=True)
        case = Case(f"fake-{len(self.cases) + 1}", body, now, verdict, params=body["params"])
        case.expires_at = now + DECIDE_WITHIN
        self.cases[case.id] = case
        if verdict.at_once and not self._held_by_stop(verdict):
            case.decide(verdict, now)
        return case

    def _verdict(self, body: dict[str, Any], *, used: bool) -> Verdict:
        ranked = sorted(self.rules, key=lambda rule: rule.breadth())
        rule = next((rule for rule in ranked if rule.matches(body["action"], body["params"])), None)
        return rule.next(used) if rule else Verdict(State.PENDING)

    def _held_by_stop(self, verdict: Verdict) -> bool:
        return self.stopped and verdict.state is State.APPROVED

    def _look(self, approval_id: str, hold: float) -> Any:
        case = self.case(approval_id)
        before = case.version
        if not (case.verdict.at_once and self.stopped):
            case.look(self.moment())
        if hold and case.version == before and case.state.pending:
            self.sleep(hold)
            case.tick(self.moment())
        return case.as_json()

    def _list(self, query: Mapping[str, str]) -> Any:
        cases = [case for case in reversed(self.cases.values()) if _fits(case, query)]
        begin = int(query.get("cursor") or 0)
        rest = begin + PAGE < len(cases)
        page = [self.case(case.id).as_json() for case in cases[begin : begin + PAGE]]
        return {"approvals": page, "next_cursor": str(begin + PAGE) if rest else None}

    def _act(self, case: Case, verb: str, body: dict[str, Any]) -> Any:
        match verb:
            case "claim":
                return self._claim(case, body["nonce"])
            case "result":
                self._result(case, body["nonce"], body["outcome"])
            case "answer":
                _require(case.state.pending and case.info is not None, case, "No information was asked for")
                case.told(body["text"], self.moment())
            case "cancel" if case.state is not State.CANCELLED:
                _require(case.state.pending or case.state.approved, case, "It can no longer be cancelled")
                case.withdraw()
            case "delegate":
                _require(case.state.approved or case.state is State.CLAIMED, case, f"It is {case.state.value}")
                case.delegates.append(body["agent"])
            case "label":
                case.labelled(body["label"], body.get("detail"), self.moment())
        return case.as_json()

    def _claim(self, case: Case, nonce: str) -> Any:
        if self.stopped:
            raise Refused(423, "Sayso is stopped", state=case.state.value)
        if case.state.approved and self._by_hand(case.body.get("session_id")):
            raise Refused(423, "A person took over in this session", state=case.state.value)
        _require(case.undo is None, case, "A person undid this")
        if case.state is State.EXPIRED:
            raise Refused(410, "Too late", state=case.state.value)
        if case.state is State.CLAIMED:
            _require(case.nonce == nonce, case, "Claimed with another nonce")
        else:
            _require(case.state.approved, case, f"It is {case.state.value}")
        return case.claim(nonce, self.moment())

    def _result(self, case: Case, nonce: str, outcome: str) -> None:
        _require(case.nonce is not None and case.nonce == nonce, case, "Claimed with another nonce, or not at all")
        if case.outcome == outcome:
            return
        _require(case.state is State.CLAIMED, case, f"It is {case.state.value}")
        case.conclude(outcome)

    def _session(self, method: str, session_id: str) -> Any:
        if session_id not in self.sessions:
            if method == "GET":
                raise Refused(404, "No such session")
            self.sessions[session_id] = {"id": session_id, "state": "running", "by": None, "at": self._stamp()}
        return self.sessions[session_id] | {"taken_over_by": self._by_hand(session_id)}

    def _by_hand(self, session_id: str | None) -> str | None:
        """Who does one of the session's requests by hand now."""
        cases = (case for case in self.cases.values() if session_id and case.body.get("session_id") == session_id)
        taken = next((case for case in cases if case.state is State.TAKEN_OVER), None)
        return REVIEWER if taken else None

    def _stamp(self) -> str:
        return self.moment().isoformat()


# What the same request has in common; session and step say whether it is another one all the same.
_MEANT = ("action", "params", "kind", "question", "choices", "on_behalf_of", "delegated_from")


def _require(holds: bool, case: Case, title: str) -> None:
    if not holds:
        raise Refused(409, title, state=case.state.value)


def _fits(case: Case, query: Mapping[str, str]) -> bool:
    undone = query.get("undone")
    if (undone is not None and case.undo is None) or (undone == "open" and not case.roll_back_owed):
        return False
    return query.get("state") in {None, case.state.value} and query.get("session_id") in {
        None,
        case.body.get("session_id"),
    }


def _check_choices(body: dict[str, Any]) -> None:
    ids = [choice.get("id") for choice in body.get("choices", [])]
    if len(set(ids)) != len(ids):
        raise Refused(422, "Choice ids must be unique", field="choices")
    if body.get("kind") == "choose" and not ids:
        raise Refused(422, "A choose request needs choices", field="choices")
