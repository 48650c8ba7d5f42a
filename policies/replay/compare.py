"""What another manifest would have done with the calls that were made: pure, so that it can be tried before it is used."""

from __future__ import annotations

from collections.abc import Iterable
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
    return replay_in_time(in_time(calls), old, new, minutes_per_decision=minutes_per_decision)


def replay_in_time(
    calls: Iterable[Call],
    old: Manifest | None,
    new: Manifest,
    *,
    minutes_per_decision: float = MINUTES_PER_DECISION,
) -> Report:
    """The same for calls that come in the order of their times: each is judged and let go of, however many there are."""
    after, before, moved = _Tally(new), _Tally(old) if old else None, _Moved(new, old)
    for call in calls:
        now = after.judged(call)
        if before is not None:
            moved.add(call, before.judged(call), now)
    return Report(
        calls=after.calls,
        labelled_incidents=after.wrong,
        minutes_per_decision=minutes_per_decision,
        new=after.side(minutes_per_decision),
        old=before.side(minutes_per_decision) if before else None,
        moves=moved.moves(),
        incidents_newly_let_through=moved.let_through,
        incidents_newly_stopped=moved.stopped,
    )


def in_time(calls: Iterable[Call]) -> list[Call]:
    """The calls in the order of their times; those without one stay in their order, at the end."""
    listed = list(calls)
    return sorted(listed, key=lambda call: call.at.timestamp() if call.at else float("inf"))


def judge(calls: Iterable[Call], manifest: Manifest) -> list[Judged]:
    """What `manifest` does with each call, in order."""
    tally = _Tally(manifest)
    return [tally.judged(call) for call in calls]


class _Tally:
    """One manifest, and what became of the calls so far."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest, self._past = manifest, Past()
        self._outcomes = dict.fromkeys(OUTCOMES, 0)
        self._people, self._usd, self._let_through = 0, Decimal(0), 0
        self.calls = self.wrong = 0

    def judged(self, call: Call) -> Judged:
        """What the manifest does with the next call."""
        found = _judged(call, self._manifest.policy(call.request.action), self._past)
        self.calls, self.wrong = self.calls + 1, self.wrong + call.went_wrong
        self._outcomes[found.outcome] += 1
        self._people += found.people
        if found.runs:
            self._usd += _money(call, self._manifest)
            self._let_through += call.went_wrong
        return found

    def side(self, minutes: float) -> Side:
        """The sums over all of them."""
        return Side(
            version=self._manifest.version,
            outcomes=self._outcomes,
            decisions=self._people,
            person_hours=round(self._people * minutes / 60, 2),
            usd_unseen=float(self._usd),
            incidents_let_through=self._let_through,
        )


@dataclass(slots=True)
class _Group:
    """Calls of one action that moved the same way: how many, how much, and the reason of the first."""

    reason: str
    calls: int = 0
    usd: Decimal = Decimal(0)


class _Moved:
    """What ends differently under two manifests."""

    def __init__(self, new: Manifest, old: Manifest | None) -> None:
        self._manifests = (new, old) if old else (new,)
        self._groups: dict[tuple[str, str, str], _Group] = {}
        self.let_through = self.stopped = 0

    def add(self, call: Call, then: Judged, now: Judged) -> None:
        """One call, and what both did with it."""
        self.let_through += call.went_wrong and now.runs and not then.runs
        self.stopped += call.went_wrong and then.runs and not now.runs
        if then.outcome == now.outcome:
            return
        group = self._groups.setdefault((call.request.action, then.outcome, now.outcome), _Group(now.reason))
        group.calls += 1
        group.usd += _money(call, *self._manifests)

    def moves(self) -> tuple[Move, ...]:
        """By what loosens most."""
        found = [
            Move(action, then, now, group.calls, float(group.usd), _looser(then, now), group.reason)
            for (action, then, now), group in self._groups.items()
        ]
        return tuple(
            sorted(found, key=lambda move: (not move.looser, -move.calls, move.action, move.before, move.after))
        )


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


def _money(call: Call, *manifests: Manifest) -> Decimal:
    """The call's amount, by the first manifest that knows where it stands, else as given beside the parameters."""
    for manifest in manifests:
        policy = manifest.policy(call.request.action)
        amount = amount_of(policy, with_amount(call, policy).params)
        if amount is not None:
            return amount
    return Decimal(str(call.amount_usd)) if call.amount_usd is not None and call.amount_usd >= 0 else Decimal(0)


def _looser(before: str, after: str) -> bool:
    return OUTCOMES.index(after) < OUTCOMES.index(before)
