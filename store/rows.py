"""An approval as a row, and a row as an approval."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from math import ceil
from typing import Any

from sqlalchemy import Integer, Text, and_, literal_column, not_
from sqlalchemy.engine import Row

from policies.amounts import aggregate_of, amount_of
from policies.approval import Approval, Decided, Decision, InfoRequest, Planted, Review, Seat, Undo, Vote
from policies.chain import Link
from policies.deadlines import Clock
from policies.digest import canonical, rfc3339
from policies.earlier import Again, Earlier, What
from policies.edits import Edit
from policies.files.policy import Policy, unknown
from policies.lifecycle import State
from policies.principals import Principal, of_old
from policies.request import Request
from policies.routing import Level, RouteName
from store.tables import approvals
from store.types import UtcDateTime

MICROS = 1_000_000
# More than any limit a manifest can name: what is beyond it is beyond them all, and sums still fit the column.
LARGEST_USD = Decimal(10**12 + 1)
# What reading a row raises that Sayso never wrote.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
columns = [column for column in approvals.c if column.name != "checkpoint"]


# Written out and not bound: PostgreSQL takes a partial index only where the statement itself says `state = 'pending'`.
PENDING, FAILED, UNKNOWN, TAKEN_OVER = (
    approvals.c.state == literal_column(f"'{state}'")
    for state in (State.PENDING, State.FAILED, State.OUTCOME_UNKNOWN, State.TAKEN_OVER)
)

DECIDED_BY_A_PERSON = and_(
    approvals.c.decided_by.is_not(None),
    approvals.c.decided_by != "policy",
    not_(approvals.c.decided_by.startswith("agent:")),
)
# Written out, as above: figures of what agents ask and people decide hold no tests.
NO_TEST = approvals.c.planted.is_(None)

# Fields that a column of the same name holds as they are; what becomes something else in a row is written out below.
_PLAIN_TYPES, _CONVERTED = (
    (Text, Integer, UtcDateTime),
    {"request", "params", "state", "level", "route", "policy", "asked_as"},
)
PLAIN = tuple(
    part.name
    for part in fields(Approval)
    if part.name in approvals.c
    and isinstance(approvals.c[part.name].type, _PLAIN_TYPES)
    and part.name not in _CONVERTED
)


@lru_cache(maxsize=512)
def policy_of(text: str) -> Policy:
    """The policy that an approval was judged by, as its row keeps it."""
    return Policy.model_validate_json(text)


def from_row(row: Row[Any], votes: Sequence[Vote] = ()) -> Approval:
    """The approval of a row."""
    request = Request.model_validate_json(row.request)
    return Approval(
        **{name: getattr(row, name) for name in PLAIN},
        request=request,
        params=json.loads(row.params),
        state=State(row.state),
        level=Level(row.level) if row.level else None,
        route=RouteName(row.route),
        why=tuple(row.why),
        chain=tuple(Link(agent, approval_id) for agent, approval_id in row.chain or ()),
        principals=_principals(row.principals, request),
        policy=policy_of(row.policy) if row.policy else unknown(request.action),
        clock=Clock(
            due_at=row.clock_due_at,
            remind_at=row.clock_remind_at,
            expires_at=row.clock_expires_at,
            claim_by=row.clock_claim_by,
            paused_at=row.clock_paused_at,
            undo_until=row.clock_undo_until,
            roll_back_by=row.clock_roll_back_by,
            review_by=row.clock_review_by,
            hush_until=row.clock_hush_until,
            reminders=row.clock_reminders or 0,
        ),
        reached_roles=tuple(row.reached_roles),
        asked=tuple(row.asked),
        info_request=_info(row.info_request),
        exchange=tuple((question, answer) for question, answer in row.exchange),
        votes=tuple(votes),
        decision=decision_of_row(row.decision),
        undo=_undo(row.undo),
        review=_review(row.review),
        edits=tuple(Edit(**edit | {"at": datetime.fromisoformat(edit["at"])}) for edit in row.edits or ()),
        seats=tuple(Seat(*seat) for seat in row.seats or ()),
        asked_as=row.asked_as or "",
        again=again_of(row.again),
        planted=Planted(**row.planted) if row.planted else None,
    )


def _principals(stored: list[list[str]] | None, request: Request) -> tuple[Principal, ...]:
    """Whom it is for; of a row that an older server wrote, by what the request says."""
    if stored is None:
        return of_old(request.on_behalf_of)
    return tuple(Principal(names[0], frozenset(names)) for names in stored)


def principal_columns(approval: Approval) -> dict[str, Any]:
    """The values that say whom it is for: each with all their names, the one that counts first."""
    principals = approval.principals or of_old(approval.request.on_behalf_of)
    return {
        "principal": principals[0].name if principals else None,
        "principals": [[one.name, *sorted(one.names - {one.name})] for one in principals],
        "owner": approval.owner,
    }


def again_of(value: dict[str, Any] | None) -> Again | None:
    """What a row keeps of having been asked before."""
    if value is None:
        return None
    earlier = [
        Earlier(
            **one
            | {
                "what": What(one["what"]),
                "at": datetime.fromisoformat(one["at"]),
                "differs": tuple(one.get("differs", ())),
            }
        )
        for one in value["earlier"]
    ]
    return Again(tuple(earlier), value["role"], tuple(value["reviewers"]))


def again_json(again: Again | None) -> dict[str, Any] | None:
    """What is kept of having been asked before."""
    if again is None:
        return None
    earlier = [
        {part.name: value for part in fields(one) if (value := getattr(one, part.name)) not in (None, "", (), False)}
        | {"what": one.what.value, "at": rfc3339(one.at)}
        for one in again.earlier
    ]
    return {"earlier": earlier, "role": again.role, "reviewers": list(again.reviewers)}


def _review(value: dict[str, Any] | None) -> Review | None:
    if value is None:
        return None
    at = value["at"] and datetime.fromisoformat(value["at"])
    return Review(**value | {"asked": tuple(value["asked"]), "at": at})


def _undo(value: dict[str, Any] | None) -> Undo | None:
    if value is None:
        return None
    reverted = value["reverted_at"] and datetime.fromisoformat(value["reverted_at"])
    return Undo(**value | {"at": datetime.fromisoformat(value["at"]), "reverted_at": reverted})


def decision_of_row(value: dict[str, Any] | None) -> Decision | None:
    """The decision that a row keeps."""
    if not value:
        return None
    return Decision(**value | {"kind": Decided(value["kind"]), "at": datetime.fromisoformat(value["at"])})


def _info(value: dict[str, Any] | None) -> InfoRequest | None:
    return InfoRequest(**value | {"at": datetime.fromisoformat(value["at"])}) if value else None


def _dated(value: Decision | Edit | InfoRequest | Undo | None) -> dict[str, Any] | None:
    if value is None:
        return None
    # Not asdict, which copies every value to its depth: it is made text at once.
    return {part.name: getattr(value, part.name) for part in fields(value)} | {"at": rfc3339(value.at)}


def _as_it_is(name: str, approval: Approval) -> dict[str, Any]:
    return {name: getattr(approval, name)}


# What each field of an approval is in its row: a change writes the columns of the fields that changed, and no others.
_COLUMNS_OF: dict[str, Callable[[Approval], dict[str, Any]]] = {
    **{name: partial(_as_it_is, name) for name in PLAIN},
    "params": lambda it: {"params": canonical(it.params)} | _summed_columns(it),
    "state": lambda it: {"state": it.state.value},
    "level": lambda it: {"level": it.level.value if it.level else None},
    "why": lambda it: {"why": list(it.why)},
    "reached_roles": lambda it: {"reached_roles": list(it.reached_roles)},
    "asked": lambda it: {"asked": list(it.asked)},
    "clock": lambda it: clock_columns(it.clock),
    "info_request": lambda it: {"info_request": _dated(it.info_request)},
    "exchange": lambda it: {"exchange": [list(pair) for pair in it.exchange]},
    "decision": lambda it: _decision_columns(it.decision),
    "undo": lambda it: _undo_columns(it.undo),
    "review": lambda it: _review_columns(it.review),
    "edits": lambda it: {"edits": [_dated(edit) for edit in it.edits] or None},
    "seats": lambda it: {"seats": [[seat.role, seat.user, seat.named] for seat in it.seats] or None},
    "again": lambda it: {"again": again_json(it.again)},
    "planted": lambda it: {"planted": asdict(it.planted) if it.planted else None},
}


def _summed_columns(approval: Approval) -> dict[str, Any]:
    amount, aggregate = amount_of(approval.policy, approval.params), aggregate_of(approval.policy, approval.params)
    # Rounded up: what is paid in splinters counts too.
    return {
        "amount_micros": ceil(min(amount, LARGEST_USD) * MICROS) if amount is not None else None,
        "aggregate_key": aggregate.key if aggregate else None,
    }


def _review_columns(review: Review | None) -> dict[str, Any]:
    if review is None:
        return {"review": None, "reviewer": None}
    written = {part.name: getattr(review, part.name) for part in fields(review)}
    return {"review": written | {"at": review.at and rfc3339(review.at)}, "reviewer": review.reviewer}


def _undo_columns(undo: Undo | None) -> dict[str, Any]:
    written = _dated(undo)
    if undo is None or written is None:
        return {"undo": None, "undone_at": None, "reverted_at": None}
    reverted = rfc3339(undo.reverted_at) if undo.reverted_at else None
    return {"undo": written | {"reverted_at": reverted}, "undone_at": undo.at, "reverted_at": undo.reverted_at}


def clock_columns(clock: Clock) -> dict[str, Any]:
    """The values of every moment that an approval waits for."""
    return {
        "clock_due_at": clock.due_at,
        "clock_remind_at": clock.remind_at,
        "clock_expires_at": clock.expires_at,
        "clock_claim_by": clock.claim_by,
        "clock_paused_at": clock.paused_at,
        "clock_undo_until": clock.undo_until,
        "clock_roll_back_by": clock.roll_back_by,
        "clock_review_by": clock.review_by,
        "clock_hush_until": clock.hush_until,
        "clock_reminders": clock.reminders,
        "wake_at": clock.wake_at,
    }


def _decision_columns(decision: Decision | None) -> dict[str, Any]:
    return {
        "decision": _dated(decision),
        "decided_by": decision.by if decision else None,
        "decided_at": decision.at if decision else None,
    }


def columns_of(approval: Approval, before: Approval | None = None) -> dict[str, Any]:
    """The values to write: of every field, or of those that are not what they were in `before`."""
    values: dict[str, Any] = {}
    for name, write in _COLUMNS_OF.items():
        if before is None or getattr(approval, name) is not getattr(before, name):
            values |= write(approval)
    return values
