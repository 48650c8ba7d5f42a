"""What a store would have known, had the replayed calls been made under this manifest: sums, uses, quotas, checkpoints."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from policies.amounts import aggregate_of, amount_of
from policies.files.policy import Policy
from policies.history import History
from policies.replay.calls import Call
from policies.request import Request, principal_of

_DAY = timedelta(hours=24)
_Key = tuple[str, ...]


class Past:
    """The history before each call, from the calls replayed so far that the same manifest did not refuse."""

    def __init__(self) -> None:
        self._sums = _Sums()
        self._uses: Counter[_Key] = Counter()
        self._asked: defaultdict[_Key, deque[datetime]] = defaultdict(deque)
        self._unseen: Counter[_Key] = Counter()

    def before(self, call: Call, request: Request, policy: Policy) -> History:
        """What was known when this call came."""
        action, principal = policy.action, principal_of(request) or ""
        sums = self._sums.before(call, request, policy)
        return History(
            aggregate_usd=sums.of_target.usd,
            total_usd=sums.of_all.usd,
            aggregate_unread=sums.of_target.unread,
            total_unread=sums.of_all.unread,
            agent_uses=self._uses["agent", action, call.agent],
            tool_uses=self._uses["tool", action],
            user_uses=self._uses["user", action, principal],
            requests_24h=self._today(call, action),
            unseen_in_row=self._unseen[call.agent, action],
        )

    def add(self, call: Call, request: Request, policy: Policy, *, seen: bool) -> None:
        """Count this call from now on; `seen` where a person was asked. Every call counts as used."""
        self._sums.add(call, request, policy)
        action, principal = policy.action, principal_of(request) or ""
        self._uses.update([("agent", action, call.agent), ("tool", action), ("user", action, principal)])
        if call.at is not None:
            self._asked[call.agent, action].append(call.at)
        self._unseen[call.agent, action] = 0 if seen else self._unseen[call.agent, action] + 1

    def _today(self, call: Call, action: str) -> int:
        if call.at is None:
            return 0
        moments = self._asked[call.agent, action]
        while moments and moments[0] <= call.at - _DAY:
            moments.popleft()
        return len(moments)


@dataclass(slots=True)
class _Sum:
    """A running sum, and how many amounts in it could not be read."""

    usd: Decimal = Decimal(0)
    unread: int = 0

    def add(self, amount: Decimal | None, sign: int = 1) -> None:
        if amount is None:
            self.unread += sign
        else:
            self.usd += sign * amount


@dataclass(frozen=True, slots=True)
class _Both:
    of_target: _Sum
    of_all: _Sum


class _Sums:
    """Running sums of amounts per agent, action and target, and over all targets, within each action's window."""

    def __init__(self) -> None:
        self._entries: defaultdict[_Key, deque[tuple[datetime, Decimal | None]]] = defaultdict(deque)
        self._sums: defaultdict[_Key, _Sum] = defaultdict(_Sum)

    def before(self, call: Call, request: Request, policy: Policy) -> _Both:
        """The sums of the earlier amounts that lie within the window before this call."""
        keys = self._keys(call, request, policy)
        if keys is None or policy.aggregate is None or call.at is None:
            return _Both(_Sum(), _Sum())
        oldest = call.at - timedelta(seconds=policy.aggregate.window_seconds)
        for key in keys:
            entries = self._entries[key]
            while entries and entries[0][0] <= oldest:
                self._sums[key].add(entries.popleft()[1], -1)
        return _Both(*(self._sums[key] for key in keys))

    def add(self, call: Call, request: Request, policy: Policy) -> None:
        """Count this call from now on."""
        keys = self._keys(call, request, policy)
        if keys is None or call.at is None:
            return
        amount = amount_of(policy, request.params)
        for key in keys:
            self._entries[key].append((call.at, amount))
            self._sums[key].add(amount)

    @staticmethod
    def _keys(call: Call, request: Request, policy: Policy) -> tuple[_Key, _Key] | None:
        aggregate = aggregate_of(policy, request.params)
        return aggregate and ((call.agent, policy.action, aggregate.key), (call.agent, policy.action))
