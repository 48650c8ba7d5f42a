"""What an approval promises, as a value: every call's possible answers, and what it is afterwards. Pure.

This is written from the contract, not from the code: a second opinion that implementations are held against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

GRANTED = ("approved", "edited")
REVIEWERS = ("U0ALICE", "U0BOB")


@dataclass(frozen=True, slots=True)
class Op:
    """One call: `who` is a person or a nonce, `what` what else it brings."""

    verb: str
    who: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One approval. `state` is empty before it was asked for; `decided` is (kind, by) of the recorded decision."""

    needs: int = 1
    state: str = ""
    body: str = ""
    decided: tuple[str, str] = ("", "")
    voters: frozenset[str] = frozenset()
    nonce: str = ""
    question: bool = False


Answers = list[tuple[str, Model]]


def answers(model: Model, op: Op) -> Answers:
    """Every answer that `op` may get now, each with what the approval is afterwards."""
    if not model.state and op.verb != "create":
        return [("NotFound" if op.verb != "get" else "", model)] if op.verb != "sweep" else [("swept", model)]
    return _SPEC[op.verb](model, op)


def _create(model: Model, op: Op) -> Answers:
    if not model.state:
        return [("created:pending", replace(model, state="pending", body=op.what))]
    return [(f"found:{model.state}" if op.what == model.body else "KeyReused", model)]


def _by_person(model: Model, op: Op, kind: str, from_state: str = "pending") -> str:
    """The answer that needs no change, or nothing where the verb may go on."""
    if op.who not in REVIEWERS:
        return "NotAllowed"
    if model.decided == (kind, op.who):
        return f"ok:{model.state}"
    return "" if model.state == from_state else f"Lost:{model.state}"


def _approve(model: Model, op: Op) -> Answers:
    refused = _by_person(model, op, "approved")
    if refused:
        return [(refused, model)]
    if op.who in model.voters:
        return [("AlreadyVoted", model)]
    voters = model.voters | {op.who}
    if len(voters) < model.needs:
        return [("ok:pending", replace(model, voters=voters))]
    return [("ok:approved", _ended(model, "approved", "approved", op.who))]


def _ended(model: Model, state: str, kind: str, by: str) -> Model:
    return replace(model, state=state, decided=(kind, by), question=False)


def _closing(kind: str, from_state: str = "pending") -> Callable[[Model, Op], Answers]:
    def close(model: Model, op: Op) -> Answers:
        refused = _by_person(model, op, kind, from_state)
        return [(refused, model)] if refused else [(f"ok:{kind}", _ended(model, kind, kind, op.who))]

    return close


def _edit(model: Model, op: Op) -> Answers:
    refused = _by_person(model, op, "")
    return [(refused, model)] if refused else [("ok:edited", _ended(model, "edited", "edited", op.who))]


def _request_info(model: Model, op: Op) -> Answers:
    refused = _by_person(model, op, "")
    if refused or model.question:
        return [(refused or "InvalidInput", model)]
    return [("ok:pending", replace(model, question=True))]


def _answer_info(model: Model, op: Op) -> Answers:
    if model.state != "pending" or not model.question:
        return [("Settled", model)]
    return [("ok:pending", replace(model, question=False))]


def _claim(model: Model, op: Op) -> Answers:
    if model.state == "claimed":
        return [("granted" if model.nonce == op.who else "WrongNonce", model)]
    if model.state in GRANTED:
        return [("granted", replace(model, state="claimed", nonce=op.who))]
    return [("TooLate" if model.state == "expired" else "NotClaimable", model)]


def _result(model: Model, op: Op) -> Answers:
    if not model.nonce:
        return [("NotClaimable", model)]
    if model.nonce != op.who:
        return [("WrongNonce", model)]
    if model.state in ("succeeded", "failed"):
        return [(f"ok:{model.state}" if model.state == op.what else "OutcomeConflict", model)]
    if model.state != "claimed":
        return [("Settled", model)]
    return [(f"ok:{op.what}", replace(model, state=op.what))]


def _cancel(model: Model, op: Op) -> Answers:
    if model.state == "cancelled":
        return [("ok:cancelled", model)]
    if model.state != "pending" and model.state not in GRANTED:
        return [("Settled", model)]
    return [("ok:cancelled", _ended(model, "cancelled", "cancelled", "agent"))]


def _sweep(model: Model, op: Op) -> Answers:
    """A sweep by a clock that is far ahead ends what waits; another sweeper at work may leave it nothing to do."""
    return [("swept", model), ("swept", overdue(model))]


def overdue(model: Model) -> Model:
    """The approval when every deadline has passed and was acted on; while a question is open the clock stands still."""
    if model.state == "pending" and not model.question:
        return _ended(model, "expired", "expired", "policy")
    if model.state in GRANTED:
        return replace(model, state="expired")
    return replace(model, state="outcome_unknown") if model.state == "claimed" else model


def _get(model: Model, op: Op) -> Answers:
    return [(model.state, model)]


_SPEC: dict[str, Callable[[Model, Op], Answers]] = {
    "create": _create,
    "approve": _approve,
    "reject": _closing("rejected"),
    "take_over": _closing("taken_over"),
    "hand_back": _closing("handed_back", "taken_over"),
    "edit": _edit,
    "request_info": _request_info,
    "answer_info": _answer_info,
    "claim": _claim,
    "result": _result,
    "cancel": _cancel,
    "sweep": _sweep,
    "get": _get,
}
