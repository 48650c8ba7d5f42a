"""What another manifest would have done with the calls that were made: pure, so that it can be tried before it is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from policies import paths, quorum
from policies.amounts import amount_of
from policies.currencies import USD
from policies.errors import InvalidInput
from policies.files.limits import Unit, amount_named
from policies.files.manifest import Manifest
from policies.files.policy import Policy
from policies.kinds import check_kind
from policies.param_presence import declared
from policies.replay.calls import Call
from policies.replay.past import Past
from policies.request import Request, check_params
from policies.routing import Level, RouteName, route

MINUTES_PER_DECISION = 4.0
# From free to refused: further down is stricter.
OUTCOMES = (*(level.value for level in Level), "denied", "blocked", "malformed")
_BY_POLICY = frozenset({Level.FULL_AUTO.value, Level.NOTIFY_ONLY.value})
_BY_A_PERSON = frozenset(level.value for level in Level) - _BY_POLICY


@dataclass(frozen=True, slots=True)
class Judged:
    """What one manifest does with one call: an outcome of OUTCOMES, the people it costs, and the deciding reason."""

    outcome: str
    people: int
    reason: str

    @property
    def runs(self) -> bool:
        """Whether it runs without anybody having agreed."""
        return self.outcome in _BY_POLICY


@dataclass(frozen=True, slots=True)
class Side:
    """One manifest over all calls: how many ended how, what that costs people, and what went wrong unseen."""

    version: str
    outcomes: dict[str, int]
    decisions: int
    person_hours: float
    usd_unseen: float
    incidents_let_through: int


@dataclass(frozen=True, slots=True)
class Move:
    """Calls of one action that end differently; `looser` where people would see less of them than before."""

    action: str
    before: str
    after: str
    calls: int
    usd: float
    looser: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """A replay's result; `old` is None where one manifest was replayed by itself. Money is in US dollars."""

    calls: int
    labelled_incidents: int
    minutes_per_decision: float
    new: Side
    old: Side | None = None
    moves: tuple[Move, ...] = ()
    incidents_newly_let_through: int = 0
    incidents_newly_stopped: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)

    @property
    def moved(self) -> int:
        """How many calls end differently."""
        return sum(move.calls for move in self.moves)


def replay(
    calls: Iterable[Call],
    old: Manifest | None,
    new: Manifest,
    *,
    minutes_per_decision: float = MINUTES_PER_DECISION,
) -> Report:
    """Judge every call by both manifests and compare.

    Sums, quotas, first uses and checkpoints count the earlier replayed calls that the same manifest did not refuse, by
    the calls' own times; a call without a time has no sum and no quota. Failures, the ratchet and delegation are not replayed.
    """
    ordered = in_time(calls)
    wrong = [call.went_wrong for call in ordered]
    after = judge(ordered, new)
    side = _side(ordered, after, new, minutes_per_decision)
    if old is None:
        return Report(len(ordered), sum(wrong), minutes_per_decision, side)
    before = judge(ordered, old)
    pairs = list(zip(wrong, before, after, strict=True))
    return Report(
        calls=len(ordered),
        labelled_incidents=sum(wrong),
        minutes_per_decision=minutes_per_decision,
        new=side,
        old=_side(ordered, before, old, minutes_per_decision),
        moves=_moves(ordered, before, after, old=old, new=new),
        incidents_newly_let_through=sum(bad and now.runs and not then.runs for bad, then, now in pairs),
        incidents_newly_stopped=sum(bad and then.runs and not now.runs for bad, then, now in pairs),
    )


def in_time(calls: Iterable[Call]) -> list[Call]:
    """The calls in the order of their times; those without one stay in their order, at the end."""
    listed = list(calls)
    return sorted(listed, key=lambda call: call.at.timestamp() if call.at else float("inf"))


def judge(calls: Sequence[Call], manifest: Manifest) -> list[Judged]:
    """What `manifest` does with each call, in order."""
    past = Past()
    return [_judged(call, manifest.policy(call.request.action), past) for call in calls]


def _judged(call: Call, policy: Policy, past: Past) -> Judged:
    if not policy.known:
        return Judged("blocked", 0, "not in the manifest")
    request = with_amount(call, policy)
    # An amount that stands beside the parameters may fill a place that the schema requires, or one it does not know.
    problem = _problem(policy, call.request, call.kind) and _problem(policy, request, call.kind)
    if problem:
        return Judged("malformed", 0, problem)
    went = route(call.agent, request, policy, past.before(call, request, policy))
    if went.name is RouteName.DENY or went.level is None:
        return Judged("denied", 0, went.why[0])
    asked = went.name is RouteName.ASK
    past.add(call, request, policy, seen=asked)
    return Judged(went.level.value, quorum.total(policy.approvers) if asked else 0, went.why[0])


def _problem(policy: Policy, request: Request, kind: str) -> str | None:
    try:
        check_kind(policy.kinds, kind)
        check_params(policy.params_schema, request.params)
    except InvalidInput as error:
        return f"{error.field}: {error}"
    return None


def with_amount(call: Call, policy: Policy) -> Request:
    """The request, with the call's `amount_usd` at the policy's amount path where the parameters have nothing there."""
    named = amount_named(policy.amount)
    if (
        named is None
        or call.amount_usd is None
        or not all(isinstance(step, str) for step in paths.steps(named.path))
        or named.currency not in (None, USD)
    ):
        return call.request
    if paths.value_at(named.path, call.request.params) is not paths.ABSENT:
        return call.request
    figure = call.amount_usd if named.unit is Unit.USD else round(call.amount_usd * 100)
    only_text = declared(policy.params_schema, named.path).numeric is False
    params = _put(
        call.request.params, [str(step) for step in paths.steps(named.path)], str(figure) if only_text else figure
    )
    return call.request if params is None else call.request.model_copy(update={"params": params})


def _put(params: dict[str, Any], steps: list[str], value: float | str) -> dict[str, Any] | None:
    if len(steps) == 1:
        return {**params, steps[0]: value}
    inner = params.get(steps[0], {})
    put = _put(inner, steps[1:], value) if isinstance(inner, dict) else None
    return None if put is None else {**params, steps[0]: put}


def _side(calls: Sequence[Call], judged: Sequence[Judged], manifest: Manifest, minutes: float) -> Side:
    outcomes = dict.fromkeys(OUTCOMES, 0)
    for one in judged:
        outcomes[one.outcome] += 1
    people = sum(one.people for one in judged)
    unseen = [call for call, one in zip(calls, judged, strict=True) if one.runs]
    return Side(
        version=manifest.version,
        outcomes=outcomes,
        decisions=people,
        person_hours=round(people * minutes / 60, 2),
        usd_unseen=float(sum((_money(call, manifest) for call in unseen), Decimal(0))),
        incidents_let_through=sum(call.went_wrong for call in unseen),
    )


def _money(call: Call, *manifests: Manifest) -> Decimal:
    """The call's amount, by the first manifest that knows where it stands, else as given beside the parameters."""
    for manifest in manifests:
        policy = manifest.policy(call.request.action)
        amount = amount_of(policy, with_amount(call, policy).params)
        if amount is not None:
            return amount
    return Decimal(str(call.amount_usd)) if call.amount_usd is not None and call.amount_usd >= 0 else Decimal(0)


def _moves(
    calls: Sequence[Call], before: Sequence[Judged], after: Sequence[Judged], *, old: Manifest, new: Manifest
) -> tuple[Move, ...]:
    groups: dict[tuple[str, str, str], list[tuple[Decimal, str]]] = defaultdict(list)
    for call, then, now in zip(calls, before, after, strict=True):
        if then.outcome != now.outcome:
            groups[call.request.action, then.outcome, now.outcome].append((_money(call, new, old), now.reason))
    moves = [
        Move(action, then, now, len(found), float(sum(usd for usd, _ in found)), _looser(then, now), found[0][1])
        for (action, then, now), found in groups.items()
    ]
    return tuple(sorted(moves, key=lambda move: (not move.looser, -move.calls, move.action, move.before, move.after)))


def _looser(before: str, after: str) -> bool:
    return OUTCOMES.index(after) < OUTCOMES.index(before)
