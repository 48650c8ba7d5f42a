"""What the present task works on: for whom, and which approvals. Log lines carry it, and traces are made of it.

Whoever begins something (a request, a tap, a message, a row of a sweep) opens one; whoever meets an approval inside says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from policies.approval import Approval


@dataclass
class Activity:
    """One thing under way. `caller` is the `traceparent` of whoever asked, `keeps` the one that a new approval is kept with."""

    request_id: str | None = None
    client: str | None = None
    caller: str | None = None
    keeps: str | None = None
    approval_id: str | None = None
    met: dict[str, Approval] = field(default_factory=dict)
    made: str | None = None  # the approval that was made here
    moved: set[str] = field(default_factory=set)  # those that moved on here
    woken_ns: int | None = None
    timed: list[tuple[str, int, int]] = field(default_factory=list)
    started_ns: int = field(default_factory=time.time_ns)

    @property
    def approval(self) -> Approval | None:
        """The approval that this is about, as it was met last."""
        return self.met.get(self.approval_id or "")


_current: ContextVar[Activity | None] = ContextVar("activity", default=None)


def current() -> Activity | None:
    """What is under way here."""
    return _current.get()


def take_up(activity: Activity) -> Activity:
    """Work on this from now on, to the end of the task."""
    _current.set(activity)
    return activity


@contextmanager
def begun(approval_id: str | None = None) -> Iterator[Activity]:
    """Work on something inside of what is under way."""
    outer = _current.get() or Activity()
    inner = Activity(outer.request_id, outer.client, outer.caller, approval_id=approval_id or outer.approval_id)
    token = _current.set(inner)
    try:
        yield inner
    finally:
        _current.reset(token)


def names(approval_id: str) -> None:
    """This approval is meant."""
    activity = _current.get()
    if activity is not None and approval_id:
        activity.approval_id = approval_id


def meets(approval: Approval, *, made: bool = False, moved: bool = False) -> Approval:
    """It is about this approval, as it is now."""
    activity = _current.get()
    if activity is not None:
        activity.approval_id = approval.id
        activity.met[approval.id] = approval
        activity.made = approval.id if made else activity.made
        if moved:
            activity.moved.add(approval.id)
    return approval


def kept_trace() -> str | None:
    """The `traceparent` with which an approval that is made here is kept."""
    activity = _current.get()
    return activity.keeps if activity is not None else None


def woken() -> None:
    """Whoever waited here was woken."""
    activity = _current.get()
    if activity is not None and activity.woken_ns is None:
        activity.woken_ns = time.time_ns()


@contextmanager
def timed(name: str) -> Iterator[None]:
    """How long a part of it took."""
    activity, started = _current.get(), time.time_ns()
    yield
    if activity is not None:
        activity.timed.append((name, started, time.time_ns()))
