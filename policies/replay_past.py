"""What a store would have known, had the replayed calls been made under this manifest: sums, uses, quotas, checkpoints."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from datetime import datetime, timedelta
from decimal import Decimal

from policies import paths
from policies.calls import Call
from policies.history import History
from policies.manifest import Policy
from policies.request import Request

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
        action, principal = policy.action, request.on_behalf_of
        return History(
            aggregate_usd=self._sums.before(call, request, policy),
            agent_uses=self._uses["agent", action, call.agent],
            tool_uses=self._uses["tool", action],
            user_uses=self._uses["user", action, principal or ""],
            requests_24h=self._today(call, action),
            unseen_in_row=self._unseen[_session(call, request)],
        )

    def add(self, call: Call, request: Request, policy: Policy, *, seen: bool) -> None:
        """Count this call from now on; `seen` where a person was asked. Every call counts as used."""
        self._sums.add(call, request, policy)
        action, principal = policy.action, request.on_behalf_of
        self._uses.update([("agent", action, call.agent), ("tool", action), ("user", action, principal or "")])
        if call.at is not None:
            self._asked[call.agent, action].append(call.at)
        session = _session(call, request)
        self._unseen[session] = 0 if seen else self._unseen[session] + 1

    def _today(self, call: Call, action: str) -> int:
        if call.at is None:
            return 0
        moments = self._asked[call.agent, action]
        while moments and moments[0] <= call.at - _DAY:
            moments.popleft()
        return len(moments)


def _session(call: Call, request: Request) -> _Key:
    return call.agent, request.action, request.session_id or ""


class _Sums:
    """Running sums of amounts per agent, action and target within each action's window."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, str], deque[tuple[datetime, Decimal]]] = defaultdict(deque)
        self._totals: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)

    def before(self, call: Call, request: Request, policy: Policy) -> Decimal:
        """The sum of the earlier amounts that lie within the window before this call."""
        if policy.aggregate is None or call.at is None:
            return Decimal(0)
        key = self._key(call, request, policy)
        oldest, entries = call.at - timedelta(seconds=policy.aggregate.window_seconds), self._entries[key]
        while entries and entries[0][0] <= oldest:
            self._totals[key] -= entries.popleft()[1]
        return self._totals[key]

    def add(self, call: Call, request: Request, policy: Policy) -> None:
        """Count this call from now on."""
        amount = paths.amount_at(policy.amount, request.params)
        if policy.aggregate is None or call.at is None or amount is None:
            return
        key = self._key(call, request, policy)
        self._entries[key].append((call.at, amount))
        self._totals[key] += amount

    @staticmethod
    def _key(call: Call, request: Request, policy: Policy) -> tuple[str, str, str]:
        per = policy.aggregate.per if policy.aggregate else None
        return call.agent, policy.action, repr(paths.value_at(per, request.params)) if per else ""
