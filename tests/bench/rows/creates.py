"""Creating: POST /v1/approvals to the real server, against the database alone."""

from __future__ import annotations

from statistics import median

from sqlalchemy import insert

from bot.service import submit
from store import agents
from store.engine import Database
from store.tables import agents as agent_rows
from tests.bench import load, material
from tests.bench.load import Result
from tests.bench.stack import Process, Stack
from tests.bench.statements import Bench, Log, captured, pgbench, script
from tests.bench.table import Row

ROUNDS = 3
AT_ONCE = 16
CREATES = 640  # a round
AGENTS = 64  # so that each has as few approvals open as an agent has


def postgresql(stack: Stack) -> list[Row]:
    """16 at once on PostgreSQL."""
    database = stack.postgres()
    tokens = [material.agent_token(database, f"bench-{number}") for number in range(AGENTS)]
    text, trips = floor_script(database)
    server = stack.serve(database)
    _creates(server, tokens, "hot", 320)
    floors: list[Bench] = []
    ours: list[Result] = []
    for number in range(ROUNDS):
        base, each = number * CREATES, CREATES // AT_ONCE
        floors.append(pgbench(database, stack.folder, text, at_once=AT_ONCE, each=each, base=base))
        ours.append(_creates(server, tokens, f"r{number}-", CREATES))
    server.stop()
    return [
        Row(
            name="create → 201, PostgreSQL, 16 at once",
            goal=0.60,
            measured=median(one.rate / floor.rate for one, floor in zip(ours, floors, strict=True)),
            unit="× pgbench",
            at_least=True,
            floor=f"{median(floor.rate for floor in floors):,.0f}/s pgbench, {trips} round trips",
            ours=f"{median(one.rate for one in ours):,.0f}/s, p99 {median(one.p99 for one in ours) * 1000:.0f} ms",
        )
    ]


def _creates(process: Process, tokens: list[str], prefix: str, count: int) -> Result:
    return load.run(process.port, material.creates(tokens, prefix, count), AT_ONCE).require(201)


def floor_script(database: Database) -> tuple[str, int]:
    """The statements of one create, its agent, key, customer and id replaced by numbers."""
    world, token = material.world_on(database), material.agent_token(database, "floor")
    hashed = agents.token_hash(token)
    for number in range(8):
        submit.submit(world, hashed, f"warm{number}", material.ask_body(f"warm{number}@x"))
    made: list[str] = []

    def one() -> None:
        approval = submit.submit(world, hashed, "floor-key", material.ask_body("floor-customer")).approval
        made.extend((approval.id, approval.asked_as))

    log = captured(database, one)
    agent = database.read(lambda unit: agents.authenticate(unit, hashed))
    assert agent is not None
    rows = [{"id": f"agt_f{n}", "name": f"floor {n}"} for n in range(AGENTS)]
    database.run(lambda unit: unit.execute(insert(agent_rows), [row | {"created_at": unit.now} for row in rows]))
    markers = {
        made[0]: "E'apr_f' || (:n)::text",
        made[1]: "E'asked' || (:n)::text",
        "floor-key": "E'key' || (:n)::text",
        "floor-customer": "E'customer' || (:n)::text",
        agent.id: "E'agt_f' || (:a)::text",
        # The lock under which one agent's requests are counted: with a single one all of them would queue.
        str(_turn(log)): ":a",
    }
    return script(log, markers, rf"\set a :n % {AGENTS}"), log.round_trips


def _turn(log: Log) -> int:
    """The lock that the recorded create took for its agent."""
    keys = {values["_key"] for one in log.transactions for sql, values in one if "pg_advisory_xact_lock" in sql}
    (key,) = keys
    return int(key)
