"""The checklist and the ledger on the demo's page: looks at what is so, and puts it there when it has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from guide import Seen, steps
from orders import Entry, Orders
from stage import named

from sayso import Approval
from store import audit
from store.engine import Database

TITLE = "Try it"
ROWS = 20


class Trail:
    """The server's audit trail, read as it grows."""

    def __init__(self, database: Path) -> None:
        self._database = Database(f"sqlite:///{database}", pool_size=1)
        self._rows: list[Mapping[str, Any]] = []

    def rows(self) -> list[Mapping[str, Any]]:
        """Every row so far."""
        last = self._rows[-1]["seq"] if self._rows else 0
        self._rows += self._database.read(lambda unit: list(audit.lines(unit, after=last)))
        return self._rows

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


class Board:
    """What stands beside the channels of the playground at `url`."""

    def __init__(self, url: str, trail: Trail, orders: Orders) -> None:
        self._url, self._trail, self._orders = url, trail, orders
        self._client = httpx2.Client(trust_env=False)
        self._shown: dict[str, Any] = {}

    def show(self, approvals: Iterable[Approval], gone: Iterable[str] = ()) -> Seen:
        """Bring the page up to date; returns what was seen. `gone`: branches that were deleted, oldest first."""
        seen = Seen(approvals, self._trail.rows(), datetime.now(UTC))
        body = {"title": TITLE, "steps": [step.shown() for step in steps(seen)]}
        body["ledger"] = ledger(self._orders.ledger(), gone)
        if body != self._shown:
            self._client.put(f"{self._url}/playground/guide", json=body).raise_for_status()
            self._shown = body
        return seen

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
        self._trail.close()


def ledger(entries: list[Entry], gone: Iterable[str] = ()) -> dict[str, Any]:
    """The ledger for the page, newest first: each row says how often it is there for its approval."""
    times = Counter(entry.approval_id for entry in entries)
    rows = [_row(entry, times[entry.approval_id]) for entry in reversed(entries)]
    branches = [{"id": f"branch-{name}", "text": f"git branch {name}", "note": "deleted once"} for name in gone]
    return {"title": f"The agents' ledger ({len(rows) + len(branches)})", "rows": [*rows, *branches][:ROWS]}


def _row(entry: Entry, times: int) -> dict[str, Any]:
    at = datetime.fromisoformat(entry.written_at).astimezone().strftime("%H:%M:%S")
    often = "ran once" if times == 1 else f"ran {times} times"
    return {
        "id": str(entry.id),
        "text": f"{entry.told} · order {entry.order_id}, {entry.customer}"[:200],
        "note": named(f"{at} · {'taken back' if entry.taken_back else often} · decided by {entry.decided_by}"),
    }
