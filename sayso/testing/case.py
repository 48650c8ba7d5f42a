"""One approval inside the fake: what was asked, how it stands, and what the pretended reviewer will say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sayso.plain import fingerprint
from sayso.states import State

REVIEWER = "U0REVIEWER"
DECIDE_WITHIN = timedelta(seconds=86_400)  # B4: the hard timeout
CLAIM_WITHIN = timedelta(seconds=900)  # docs/rules.md: I13
_KINDS = {
    State.APPROVED: "approve",
    State.EDITED: "edit",
    State.REJECTED: "reject",
    State.CHOSEN: "choose",
    State.ANSWERED: "answer",
    State.TAKEN_OVER: "take_over",
}
_WORDS = {
    State.APPROVED: "was approved",
    State.EDITED: "was approved with changed parameters",
    State.CHOSEN: "was decided: one candidate was chosen",
    State.ANSWERED: "was answered",
    State.REJECTED: "was rejected",
    State.TAKEN_OVER: "was taken over by a person; do not continue it",
    State.HANDED_BACK: "was done by a person and handed back",
    State.EXPIRED: "expired before anyone decided",
    State.CANCELLED: "was cancelled",
    State.BLOCKED: "is not in the manifest and was blocked",
    State.DENIED: "was denied by policy",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request: a state, and what goes with it. `info` is asked first."""

    state: State
    note: str | None = None
    params: dict[str, Any] | None = None
    choice: str | None = None
    answer: str | None = None
    steps: list[str] | None = None
    by: str = REVIEWER
    info: str | None = None

    @property
    def at_once(self) -> bool:
        """Policy decides alone, before the asker hears anything."""
        return self.by == "policy"


@dataclass(slots=True)
class Case:
    """An approval's whole life. `moment` arguments are the fake's own time."""

    id: str
    body: dict[str, Any]
    created_at: datetime
    verdict: Verdict
    state: State = State.PENDING
    version: int = 1
    params: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] | None = None
    info: str | None = None
    informed: bool = False
    expires_at: datetime | None = None
    nonce: str | None = None
    outcome: str | None = None
    labels: list[str] = field(default_factory=list)
    delegates: list[str] = field(default_factory=list)
    undo: dict[str, Any] | None = None

    @property
    def digest(self) -> str:
        """Stands for the parameters as shown."""
        return fingerprint([self.id, self.body["action"], self.params])

    def tick(self, moment: datetime) -> None:
        """Let deadlines pass. The clock stands still while information is awaited (docs/rules.md: C1)."""
        if self.info is not None or self.expires_at is None or moment < self.expires_at:
            return
        if self.state.pending or self.state.approved:
            self._move(State.EXPIRED, None)
        elif self.state is State.CLAIMED:
            self._move(State.OUTCOME_UNKNOWN, None)

    def look(self, moment: datetime) -> None:
        """The reviewer gets round to it: asks first where the script says so, then decides."""
        if not self.state.pending or self.info is not None:
            return
        if self.verdict.info and not self.informed:
            self.ask_back(self.verdict.info)
        elif not self.verdict.state.pending:
            self.decide(self.verdict, moment)

    def ask_back(self, question: str) -> None:
        """A reviewer wants to know more."""
        self.info, self.informed = question, True
        self.version += 1

    def told(self, text: str, moment: datetime) -> None:
        """The agent answered; the clock goes on."""
        self.info = None
        self.version += 1
        self.expires_at = moment + DECIDE_WITHIN

    def decide(self, verdict: Verdict, moment: datetime) -> None:
        """Record a decision. Raises ValueError where none is open."""
        allowed = State.TAKEN_OVER if verdict.state is State.HANDED_BACK else State.PENDING
        if self.state is not allowed:
            raise ValueError(f"{self.id} is {self.state.value}, so it cannot become {verdict.state.value}")
        if verdict.params is not None:
            self.params = verdict.params
        kind = _KINDS.get(verdict.state, verdict.state.value)
        self.decision = {
            "kind": kind,
            "by": verdict.by or None,
            "at": moment.isoformat(),
            "note": verdict.note,
            "edited_params": verdict.params,
            "choice": verdict.choice,
            "answer": verdict.answer,
            "human_steps": verdict.steps,
            "latency_ms": round((moment - self.created_at).total_seconds() * 1000),
        }
        self.info = None
        self._move(verdict.state, moment + CLAIM_WITHIN)

    def claim(self, nonce: str, moment: datetime) -> dict[str, Any]:
        """The grant, for the first nonce only; the caller has checked the state."""
        if self.nonce is None:
            self.nonce = nonce
            self._move(State.CLAIMED, moment + CLAIM_WITHIN)
        return {
            "params": self.params,
            "digest": self.digest,
            "note": (self.decision or {}).get("note"),
            "edited": (self.decision or {}).get("edited_params") is not None,
            "claim_expires_at": self.expires_at.isoformat() if self.expires_at else None,
        }

    def conclude(self, outcome: str) -> None:
        """The result came."""
        self.outcome = outcome
        self._move(State(outcome), None)

    def undone(self, note: str | None, moment: datetime) -> None:
        """A person undoes it. Raises ValueError where nothing was allowed, it failed, or it was undone before."""
        if self.undo is not None or not (self.state.approved or self.state in {State.CLAIMED, State.SUCCEEDED}):
            raise ValueError(f"{self.id} is {self.state.value}, so it cannot be undone")
        self.undo = {"by": REVIEWER, "at": moment.isoformat(), "note": note, "reverted_at": None}
        self._move(State.CANCELLED if self.state.approved else self.state, self.expires_at)

    def labelled(self, label: str, detail: str | None, moment: datetime) -> None:
        """The agent says what turned out to be true; `reverted` reports a roll-back."""
        self.labels.append(label)
        if label == "reverted" and self.roll_back_owed and self.undo is not None:
            self.undo |= {"reverted_at": moment.isoformat(), "reverted_detail": detail}

    @property
    def roll_back_owed(self) -> bool:
        """Undone after it was claimed, and not reported as rolled back."""
        return self.undo is not None and self.nonce is not None and self.undo["reverted_at"] is None

    def withdraw(self) -> None:
        """The agent no longer needs it."""
        self.info = None
        self._move(State.CANCELLED, None)

    def as_json(self) -> dict[str, Any]:
        """The approval object of the agent HTTP API."""
        policy = self.verdict.at_once
        route = {State.DENIED: "deny", State.BLOCKED: "block"}.get(self.verdict.state, "auto" if policy else "ask")
        return {
            "id": self.id,
            "action": self.body["action"],
            "params": self.params,
            "state": self.state.value,
            "version": self.version,
            "level": "full_auto" if route == "auto" else "hard_approval",
            "route": route,
            "why": ["scripted by a test"],
            "digest": self.digest,
            "policy_version": "fake",
            "assignee": None if policy else REVIEWER,
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "created_at": self.created_at.isoformat(),
            "decision": self.decision,
            "info_request": {"text": self.info, "by": REVIEWER} if self.info is not None else None,
            "undo": self.undo,
            "feedback": self._feedback(),
        }

    def _feedback(self) -> str | None:
        words = _WORDS.get(self.state) if self.undo is None else "was undone by a person"
        note = (self.undo or self.decision or {}).get("note")
        return f"{self.body['action']} {words}" + (f": {note}" if note else ".") if words else None

    def _move(self, state: State, expires_at: datetime | None) -> None:
        self.state, self.expires_at = state, expires_at
        self.version += 1
