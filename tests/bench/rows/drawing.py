"""Drawing: from an approval's row to the JSON of its card."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import Any

from bot.acts.registry import approval_card
from bot.service import submit
from bot.service.context import World
from playground.blockkit import check_message
from policies.approval import Approval
from store import agents, approvals
from tests.bench import material
from tests.bench.stack import Stack
from tests.bench.table import Row

CALLS = 200
LEAVES = 1000


def card(stack: Stack) -> list[Row]:
    """An ordinary request, and the largest that is accepted."""
    database = stack.sqlite()
    world, token = material.world_on(database), material.agent_token(database)
    body: dict[str, Any] = json.loads(material.ask_body())
    body["params"]["lines"] = [f"line {number}" for number in range(LEAVES - 9)]  # the whole body counts
    large = submit.submit(world, agents.token_hash(token), "large", json.dumps(body).encode()).approval
    small = material.one_pending(world, token)
    rows = []
    for name, goal, approval in (("card from row to JSON", 1.0, small), (f"… with {LEAVES:,} leaves", 3.0, large)):
        drawn, read = _median_ms(world, approval)
        rows.append(Row(name, goal, drawn, "ms", False, f"reading the row {read:.2f} ms of it", f"{drawn:.2f} ms"))
    return rows


def _median_ms(world: World, approval: Approval) -> tuple[float, float]:
    """(all of it, reading alone): the row is read and decoded, the card drawn and written as JSON."""

    def read() -> Approval:
        found: Approval | None = world.database.read(lambda unit: approvals.load(unit, approval.id))
        assert found is not None
        return found

    assert check_message(approval_card(read()).blocks) == [], "the card is not Slack's Block Kit"
    whole, reading = [], []
    for _ in range(CALLS):
        begun = time.perf_counter()
        found = read()
        middle = time.perf_counter()
        json.dumps(approval_card(found).blocks)
        whole.append((time.perf_counter() - begun) * 1000)
        reading.append((middle - begun) * 1000)
    return median(whole), median(reading)
