"""Standing approvals: one yes of a person that lets the like of a request run too, within what its words say.

What it lets run is decided here: the same agent, action and person it is for, the same values where the manifest says so,
and nothing in the parameters that its words do not name. What counts uses is in the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from policies import paths, quorum
from policies.amounts import read_amount
from policies.digest import canonical
from policies.files.policy import Policy
from policies.files.standing_bounds import Scope, StandingBounds
from policies.kinds import Kind
from policies.leaves import By, leaves
from policies.request import Request
from policies.sentences import usd

KEY = "standing"
BY_HAND = "a person ended it"
MOST_FREE = 20  # parameters that may differ: more cannot be read on a phone
MOST_SAME_CHARACTERS = 300  # of all the values that stay the same
MOST_NAME = 80
Place = tuple[str | None, ...]
"""Where a value stands: names, and None for any place in a list."""


class Sort(StrEnum):
    """What a value is: another sort of value is another thing."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "yes or no"
    NOTHING = "nothing"
    LIST = "an empty list"
    OBJECT = "an empty object"


@dataclass(frozen=True, slots=True)
class Same:
    """A path and the values at it, as canonical JSON: every request that is covered has exactly these there."""

    path: str
    values: str


@dataclass(frozen=True, slots=True)
class Free:
    """A place whose value may differ, and the sort of value it has."""

    place: Place
    sort: Sort

    @property
    def name(self) -> str:
        """The place as the manifest writes paths."""
        return "params" + "".join("[*]" if step is None else f".{step}" for step in self.place)


@dataclass(frozen=True, slots=True)
class Standing:
    """One standing approval, and what was used of it: `uses` further requests, worth `spent` dollars."""

    id: str
    approval_id: str
    agent_id: str
    agent: str
    action: str
    entry: str  # the manifest's own name of the action, which may be a pattern
    sentence: str  # of the request that it was given with
    session_id: str | None  # None: every session of the agent
    principal: str | None
    roles: tuple[str, ...]  # who may have given it, and may end it
    same: tuple[Same, ...]
    free: tuple[Free, ...]
    max_uses: int
    max_total_usd: Decimal | None
    channel: str
    fingerprint: str  # of the policy that it was given under
    by: str
    at: datetime
    until: datetime
    uses: int = 0
    spent: Decimal = Decimal(0)
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_why: str | None = None

    @property
    def left(self) -> int:
        """How many further requests it may still let run."""
        return max(0, self.max_uses - self.uses)

    @property
    def used_up(self) -> bool:
        """Whether nothing is left of it: all its uses, or all its money."""
        return self.left == 0 or (self.max_total_usd is not None and self.spent >= self.max_total_usd)

    @property
    def so_far(self) -> str:
        """How much of it was used."""
        money = f", {usd(self.spent)} of {usd(self.max_total_usd)}" if self.max_total_usd is not None else ""
        return f"{self.uses} of {self.max_uses}{money}"


def never(policy: Policy, request: Request) -> str | None:
    """Why no standing approval may be given with such a request, nor cover it; None where one may."""
    if policy.standing is None:
        return "the manifest allows no standing approval of this action (standing)"
    if policy.grave and not (policy.owner and policy.owner.strip()):
        return "it is severe or irreversible, and no owner answers for standing approvals of it (owner)"
    if quorum.total(policy.approvers) > 1:
        return "several people have to agree to each (approvers)"
    if request.kind != Kind.CONFIRM.value:
        return "only a person can choose or answer"
    if request.delegated_from is not None:
        return "the agent asks for another one"
    if request.recommended_review:
        return "the agent itself recommends a review"
    if request.evidence is not None and request.evidence.tool_errored:
        return "the agent reports an error of a tool"
    return _amount_out_of_reach(policy, request)


def _amount_out_of_reach(policy: Policy, request: Request) -> str | None:
    reading = read_amount(policy, request.params)
    if reading is None:
        return None
    if reading.usd is None:
        return reading.problem
    limit = policy.conditions.always_approve_above_usd
    if limit is not None and reading.usd > Decimal(str(limit)):
        return f"{usd(reading.usd)} is above {usd(limit)} (always_approve_above_usd)"
    return None


def unsayable(policy: Policy, request: Request) -> str | None:
    """Why the words of a standing approval given with this request could not say all of it; None where they can."""
    bounds = policy.standing
    assert bounds is not None
    if bounds.scope is Scope.SESSION and request.session_id is None:
        return "it is for one session, and the request belongs to none (standing.scope)"
    missing = next((path for path in bounds.same if _values(path, request.params) is None), None)
    if missing is not None:
        return f"{missing} has to stay the same, and the request has none (standing.same)"
    if sum(len(one.values) for one in same_of(bounds, request.params)) > MOST_SAME_CHARACTERS:
        return "what has to stay the same is too long to be read at a glance (standing.same)"
    free = free_of(bounds, request.params)
    if len(free) > MOST_FREE or any(len(one.name) > MOST_NAME for one in free):
        return "too many parameters may differ to be read at a glance (standing.same)"
    return None


def same_of(bounds: StandingBounds, params: dict[str, Any]) -> tuple[Same, ...]:
    """What stays the same, with the values that it has in `params`."""
    return tuple(Same(path, _values(path, params) or "") for path in bounds.same)


def free_of(bounds: StandingBounds, params: dict[str, Any]) -> tuple[Free, ...]:
    """Every place in `params` that is not held the same, once each."""
    held = [paths.steps(path) for path in bounds.same]
    found = (_free(at, value) for at, value in _placed(params) if not any(paths.covers(one, at) for one in held))
    return tuple(dict.fromkeys(found))


def uncovered(one: Standing, agent: str, request: Request, policy: Policy) -> str | None:
    """Why `one` does not let this request run; None where it does. Its time and whether it ended are the store's to say."""
    refusal = never(policy, request) or _another(one, agent, request) or _unlike(one, request.params)
    if refusal is not None:
        return refusal
    if one.fingerprint != policy.fingerprint:
        return "the policy of the action has changed since it was given"
    if one.left == 0:
        return f"all {one.max_uses} of its uses are used"
    return _hidden(one, request, policy) or _too_much(one, request, policy)


def _another(one: Standing, agent: str, request: Request) -> str | None:
    if (one.agent, one.action) != (agent, request.action):
        return "it is for another agent or action"
    if one.session_id is not None and one.session_id != request.session_id:
        return "it is for another session"
    if one.principal != request.on_behalf_of:
        return "it is for somebody else"
    return None


def _unlike(one: Standing, params: dict[str, Any]) -> str | None:
    for same in one.same:
        found = _values(same.path, params)
        if found is None:
            return f"{same.path} is missing"
        if found != same.values:
            return f"{same.path} is not the same"
    held, free = [paths.steps(same.path) for same in one.same], set(one.free)
    for at, value in _placed(params):
        if not any(paths.covers(steps, at) for steps in held) and _free(at, value) not in free:
            return f"its words do not name {_free(at, value).name[:MOST_NAME]}, or name it as another sort of value"
    return None


def _hidden(one: Standing, request: Request, policy: Policy) -> str | None:
    """What a pattern hides, nobody has seen, unless it is what stays the same."""
    held = [paths.steps(same.path) for same in one.same]
    for leaf in leaves(request.params, policy.redact, policy.reveal):
        if leaf.by is By.PATTERN and not any(paths.covers(steps, leaf.path) for steps in held):
            return "something in it is hidden, and nobody has seen it"
    return None


def _too_much(one: Standing, request: Request, policy: Policy) -> str | None:
    reading = read_amount(policy, request.params)
    if reading is None or one.max_total_usd is None:
        return None if reading is None and one.max_total_usd is None else "its amount cannot be summed"
    if reading.usd is None:
        return reading.problem
    if one.spent + reading.usd > one.max_total_usd:
        left = max(Decimal(0), one.max_total_usd - one.spent)
        return f"{usd(reading.usd)} is more than the {usd(left)} that are left of {usd(one.max_total_usd)}"
    return None


def _values(path: str, params: dict[str, Any]) -> str | None:
    """The values at a path as canonical JSON; None where one of them is missing, or there is none."""
    found = paths.values_at(path, params)
    if not found or any(value is paths.ABSENT for value in found):
        return None
    return canonical(found)


def _placed(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every leaf with where it stands; an empty container is one, but for the parameters as a whole."""
    if isinstance(value, dict) and (value or not at):
        for key, child in value.items():
            yield from _placed(child, (*at, key))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _placed(child, (*at, index))
    else:
        yield at, value


def _free(at: tuple[str | int, ...], value: Any) -> Free:
    return Free(tuple(None if isinstance(step, int) else step for step in at), _sort(value))


def _sort(value: Any) -> Sort:
    match value:
        case bool():
            return Sort.TRUTH
        case int() | float():
            return Sort.NUMBER
        case str():
            return Sort.TEXT
        case dict():
            return Sort.OBJECT
        case list():
            return Sort.LIST
        case _:
            return Sort.NOTHING


def why_it_runs(one: Standing, giver: str | None = None) -> str:
    """Why a request that it covers runs, in words."""
    until = one.until.strftime("%Y-%m-%d %H:%M UTC")
    return f"a standing approval of {giver or one.by} covers it ({one.so_far} used before it, until {until})"
