"""Servers and agents killed with SIGKILL under load; afterwards nothing is lost, nothing doubled, nothing claimed twice.

Load: clients that create, tap, claim, execute into a ledger and report, each step repeated until it is answered; and
agents that use the published client and are killed too. Every life of a server ends with SIGKILL, at a random moment
(also while it starts) or at a named step (failpoints.py). At the end every promise is checked in the database, in the
ledger and in the Slack workspace.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import socket
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx2
from sqlalchemy import select, update
from support.files import PLAIN, write_manifest, write_roster
from support.servers import free_port
from support.zygote import Child, Zygote

from playground.kit import Playground
from playground.model import Channel
from playground.signing import signed_headers
from store import agents as agent_rows
from store import outbox, schema, verification
from store.engine import Database
from store.tables import approvals as rows
from store.tables import audit as trail
from store.tables import decisions
from store.tables import outbox as messages
from tests.chaos import roles
from tests.chaos.agents import Ledger
from tests.chaos.failpoints import MIGRATION, STEPS
from tests.chaos.places import Report, command_line, database_url

Json = dict[str, Any]
SERVERS = {"sqlite": 2, "postgresql": 3}
CHANNELS = 12
PATIENCE_SECONDS = 300.0
UNSEEN = "settled before it was shown"  # what the courier notes where there was nothing left to post


@dataclass
class Seen:
    """What the clients were told: each of these words must hold afterwards."""

    created: dict[str, Json] = field(default_factory=dict)
    taps: list[tuple[str, str]] = field(default_factory=list)
    grants: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    results: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Arena:
    """A database, a Slack workspace, a zygote, and the addresses at which servers come and go."""

    def __init__(self, url: str, folder: Path, zygote: Zygote, kind: str, seed: int) -> None:
        self.database = Database(url, pool_size=4)
        self.folder, self.zygote, self.seed = folder, zygote, seed
        self.slack = Playground.start(bot_url="http://127.0.0.1:1")
        members = list(self.slack.workspace.people)
        for number in range(CHANNELS):
            self.slack.workspace.add_channel(Channel(f"C0CHAOS{number}", f"chaos{number}", members=list(members)))
        plain = PLAIN | {"sla_seconds": 2}
        actions = {"change_thing": PLAIN} | {f"thing{n}": plain | {"channel": f"#chaos{n}"} for n in range(CHANNELS)}
        many = {"creates_per_minute": 1_000_000, "pending": 1_000_000}
        self.env = self.slack.env | {
            "SAYSO_DATABASE_URL": url,
            "SAYSO_MANIFEST": str(write_manifest(folder, actions, limits=many)),
            "SAYSO_ROSTER": str(write_roster(folder)),
            "SAYSO_SWEEP_SECONDS": "1",
            "CHAOS_POST_INTERVAL": "0.1",
        }
        self.ports = [free_port() for _ in range(SERVERS[kind])]
        self.ledger = Ledger(folder / "ledger")
        self.token = self.database.run(lambda unit: agent_rows.add(unit, "clients"))[1]
        self.seen = Seen()
        self.kills: Counter[str] = Counter()
        self.stopping = threading.Event()
        self.last_moment = float("inf")

    def server(self, slot: int, failpoint: str = "", **more: str) -> Child:
        """Start a server at that address, with `more` settings."""
        env = self.env | {"SAYSO_PORT": str(self.ports[slot]), "CHAOS_FAILPOINT": failpoint} | more
        return self.zygote.fork(roles.SERVE, env, self.folder / f"server{slot}.log")

    def close(self) -> None:
        """Stop Slack and let go of the database."""
        self.slack.stop()
        self.database.close()


# --- the load --------------------------------------------------------------------------------------------------------


class Caller:
    """One client: every call goes to whichever server answers, again and again until one does."""

    def __init__(self, arena: Arena, random_: random.Random) -> None:
        self._arena, self._random = arena, random_
        self.http = httpx2.Client(timeout=10, headers={"Authorization": f"Bearer {arena.token}"})

    def call(self, path: str, *, content: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
        """One answered request; a lost one is sent again, byte for byte."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            port = self._random.choice(self._arena.ports)
            try:
                answer = self.http.post(f"http://127.0.0.1:{port}{path}", content=content, headers=headers)
                if answer.status_code < 500:
                    return answer
            except httpx2.HTTPError:
                time.sleep(0.01 + self._random.random() * 0.05)
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody answered {path} for {PATIENCE_SECONDS} s")

    def post(self, path: str, body: Json, **headers: str) -> tuple[int, Json]:
        """A call of the agent's API."""
        answer = self.call(f"/v1{path}", content=json.dumps(body).encode(), headers=headers)
        return answer.status_code, answer.json()

    def tap(self, approval: Json, user: str) -> int:
        """A person taps Approve on the card."""
        body, headers = signed_tap(self._arena, approval, user)
        return self.call("/slack/events", content=body, headers=headers).status_code


def signed_tap(arena: Arena, approval: Json, user: str) -> tuple[bytes, dict[str, str]]:
    """The body and the headers with which Slack says that `user` tapped Approve."""
    body = f"payload={quote_plus(json.dumps(payload(approval, user)))}".encode()
    kind = "application/x-www-form-urlencoded"
    return body, signed_headers(arena.slack.signing_secret, str(int(time.time())), body, kind)


def payload(approval: Json, user: str) -> Json:
    """What Slack posts when `user` taps Approve."""
    button = {"type": "button", "action_id": "approve", "value": f"{approval['id']}|{approval['digest']}"}
    return {
        "type": "block_actions",
        "user": {"id": user, "team_id": "T0PLAY"},
        "team": {"id": "T0PLAY"},
        "api_app_id": "A0PLAY",
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0OPS"},
        "channel": {"id": "C0OPS"},
        "trigger_id": "1.2.3",
        "state": {"values": {}},
        "actions": [button | {"block_id": "b", "action_ts": "1.1"}],
        "message": {"type": "message", "ts": "1.1", "blocks": [], "text": ""},
    }


def lifecycle(caller: Caller, arena: Arena, random_: random.Random) -> None:
    """Ask, tap, claim, act, report: one approval from beginning to end, whatever dies meanwhile."""
    key, seen = secrets.token_hex(8), arena.seen
    body = {"action": f"thing{random_.randrange(CHANNELS)}", "params": {"thing": key}}
    status, approval = caller.post("/approvals", body, **{"Idempotency-Key": key})
    if status not in (200, 201):
        seen.problems.append(f"a create was answered {status}")
        return
    seen.created[approval["id"]] = approval
    if random_.random() < 0.2:
        arena.stopping.wait(2.2 * random_.random())  # long enough for a reminder or another reviewer
    if random_.random() < 0.1:
        return  # nobody ever taps
    _decided(caller, arena, approval, random_.choice(("U0ALICE", "U0BOB")))
    _executed(caller, arena, approval, random_)


def _decided(caller: Caller, arena: Arena, approval: Json, user: str) -> None:
    for _ in range(20):
        if caller.tap(approval, user) != 200:
            continue
        arena.seen.taps.append((approval["id"], user))
        # This column only: the database may still be at an older schema (rolling.py).
        query = select(rows.c.state).where(rows.c.id == approval["id"])
        if arena.database.read(lambda unit: unit.execute(query).scalar_one()) != "pending":  # noqa: B023
            return
    arena.seen.problems.append(f"{approval['id']} could not be decided")


def _executed(caller: Caller, arena: Arena, approval: Json, random_: random.Random) -> None:
    nonces = [secrets.token_hex(8) for _ in range(2 if random_.random() < 0.3 else 1)]
    path = f"/approvals/{approval['id']}"
    granted = []
    for nonce in nonces:
        status, grant = caller.post(f"{path}/claim", {"nonce": nonce})
        if status == 200:
            arena.seen.grants[approval["id"]].add(nonce)
            granted.append((nonce, grant))
    if not granted:
        arena.seen.problems.append(f"{approval['id']} was decided and cannot be claimed")
        return
    nonce, grant = granted[0]
    arena.ledger.add(grant["idempotency_key"])
    status, _ = caller.post(f"{path}/result", {"nonce": nonce, "outcome": "succeeded"})
    if status == 200:
        arena.seen.results.append(approval["id"])


def client(arena: Arena, seed: int) -> None:
    """Lifecycles, one after another, until told to stop."""
    random_ = random.Random(seed)
    caller = Caller(arena, random_)
    while not arena.stopping.is_set():
        try:
            lifecycle(caller, arena, random_)
        except Exception as error:
            arena.seen.problems.append(f"a client gave up: {error!r}")
            return


def reviewer(arena: Arena) -> None:
    """Approves what the agents with the published client ask, as long as the arena is open."""
    caller = Caller(arena, random.Random(arena.seed))
    query = select(rows.c.id, rows.c.digest).where(rows.c.action == "change_thing", rows.c.state == "pending")
    while not arena.stopping.wait(0.1):
        for row in arena.database.read(lambda unit: unit.execute(query).all()):
            if caller.tap({"id": row.id, "digest": row.digest}, "U0BOB") == 200:
                arena.seen.taps.append((row.id, "U0BOB"))


# --- the killing -----------------------------------------------------------------------------------------------------


def lives(arena: Arena, slot: int, count: int) -> None:
    """`count` lives of the server at one address, each ended by SIGKILL: by its failpoint, or from here."""
    try:
        _lives(arena, slot, count)
    except Exception as error:
        arena.seen.problems.append(f"the killer at address {slot} gave up: {error!r}")


def _lives(arena: Arena, slot: int, count: int) -> None:
    random_ = random.Random(f"{arena.seed} {slot}")
    for _ in range(count):
        if time.monotonic() > arena.last_moment:
            return
        failpoint = f"{random_.choice(STEPS)}#{random_.randint(1, 2)}" if random_.random() < 0.5 else ""
        child = arena.server(slot, failpoint)
        moment = "while it starts"
        if random_.random() < 0.1:
            child.ended_within(random_.random() * 0.5)
        else:
            moment = "at a random moment"
            begun = time.monotonic()
            listens(arena.ports[slot], child)
            # On a slow machine lives are longer, or nobody would ever be answered.
            life = max(0.4, time.monotonic() - begun)
            child.ended_within(max(3.0, 5 * life) if failpoint else random_.random() * life)
        if child.kill():
            arena.kills[moment] += 1
        elif failpoint:
            arena.kills[failpoint.partition("#")[0]] += 1
        else:
            arena.seen.problems.append(f"the server at address {slot} ended by itself")


def listens(port: int, child: Child) -> None:
    """Wait until the server takes connections, or is dead already."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not child.ended_within(0.02) and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return


def agent_lives(arena: Arena, number: int) -> None:
    """An agent with the published client: killed and born again until the arena closes."""
    random_ = random.Random(f"{arena.seed} agent {number}")
    name = f"agent{number}"
    token = arena.database.run(lambda unit: agent_rows.add(unit, name))[1]
    env = {
        "SAYSO_URL": f"http://127.0.0.1:{arena.ports[number % len(arena.ports)]}",
        "SAYSO_TOKEN": token,
        "SAYSO_STATE_DIR": str(arena.folder / name),
        "CHAOS_LEDGER": str(arena.ledger.path),
        "CHAOS_NAME": name,
    }
    while not arena.stopping.is_set():
        child = arena.zygote.fork(roles.AGENT, env, arena.folder / f"{name}.log")
        arena.stopping.wait(0.5 + 4 * random_.random())
        if child.kill():
            arena.kills["agent"] += 1


def migrations(arena: Arena, kind: str, count: int, report: Report) -> None:
    """Killed in the middle of bringing a schema up: the next start brings it to head."""
    random_ = random.Random(f"{arena.seed} migrations")
    for _ in range(count):
        with database_url(kind, arena.folder, empty=True) as url:
            env = {"SAYSO_DATABASE_URL": url, "CHAOS_FAILPOINT": f"{MIGRATION}#{random_.randint(4, 60)}"}
            log = arena.folder / "migrate.log"
            assert arena.zygote.fork(roles.MIGRATE, env, log).ended_within(60)
            arena.kills[MIGRATION] += 1
            assert arena.zygote.fork(roles.MIGRATE, env | {"CHAOS_FAILPOINT": ""}, log).ended_within(60)
            database = Database(url, pool_size=1)
            faults = database.snapshot(verification.verify).told
            report.require(schema.current(database) == schema.newest(), "a killed migration did not reach head")
            report.require(faults == [], f"after a killed migration: {faults}")
            database.close()


def under_fire(arena: Arena, kills: int, clients: int, agents: int, *, hurry: bool) -> None:
    """Run the load while every server lives its lives; then let everything come to rest under one server that stays.

    In a hurry, the half minute for which a dead courier holds its messages is made to pass while no server runs.
    """
    threads = [threading.Thread(target=client, args=(arena, arena.seed * 1000 + n)) for n in range(clients)]
    threads += [threading.Thread(target=agent_lives, args=(arena, n)) for n in range(agents)]
    threads += [threading.Thread(target=reviewer, args=(arena,))]
    share, more = divmod(kills, len(arena.ports))
    killers = [
        threading.Thread(target=lives, args=(arena, slot, share + (slot < more))) for slot in range(len(arena.ports))
    ]
    for thread in threads + killers:
        thread.start()
    for thread in killers:
        thread.join()
    if hurry:
        held = update(messages).where(messages.c.lease.is_not(None))
        arena.database.run(lambda unit: unit.execute(held.values(next_at=unit.now)))
    survivor = arena.server(0)
    listens(arena.ports[0], survivor)
    arena.stopping.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS * 2)
    _rest(arena)
    survivor.kill()


def _rest(arena: Arena) -> None:
    """Until Slack shows everything: what a dead courier held is anybody's after half a minute."""
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        if not arena.database.read(outbox.backlog):
            return
        time.sleep(0.25)
    arena.seen.problems.append(f"still waiting for Slack: {arena.database.read(outbox.backlog)}")


# --- the reckoning ---------------------------------------------------------------------------------------------------


def reckon(arena: Arena, report: Report) -> None:
    """Every promise, against what is there now."""
    seen, database = arena.seen, arena.database
    report.violations += seen.problems
    states = {row.id: row for row in database.read(lambda unit: unit.execute(select(rows)).all())}
    events: dict[str, Counter[str]] = defaultdict(Counter)
    refused: set[tuple[str, str]] = set()
    for row in database.read(lambda unit: unit.execute(select(trail.c.approval_id, trail.c.line)).all()):
        line = json.loads(row.line)
        events[str(row.approval_id)][str(line.get("event"))] += 1
        if line.get("event") == "refused":
            refused.add((str(row.approval_id), str(line["actor"])))
    votes = Counter((row.approval_id, row.by) for row in database.read(lambda u: u.execute(select(decisions)).all()))
    _nothing_lost(report, seen, states, votes, refused)
    _nothing_doubled(report, seen, states, events, votes)
    _ledger_fits(report, arena, states)
    _slack_fits(report, arena)
    faults = database.snapshot(verification.verify).told
    report.violations += faults
    kills = sum(arena.kills.values())
    report.figures |= {
        "kills": kills,
        "server kills": kills - arena.kills["agent"],
        "approvals": len(states),
        "acknowledged taps": len(seen.taps),
        "claims": sum(len(nonces) for nonces in seen.grants.values()),
        "executions": len(arena.ledger.lines()),
        "audit rows": sum(sum(counts.values()) for counts in events.values()),
        "kills by step": dict(sorted(arena.kills.items())),
    }


def _nothing_lost(
    report: Report, seen: Seen, states: dict[str, Any], votes: Counter[tuple[str, str]], refused: set[tuple[str, str]]
) -> None:
    for name in seen.created:
        report.require(name in states, f"{name} was acknowledged and is gone")
    deciders = {name for name, _ in votes}
    for name, user in seen.taps:
        report.require(
            name in deciders and (votes[name, user] > 0 or (name, user) in refused),
            f"a tap of {user} on {name} was acknowledged and left no trace",
        )
    for name in seen.results:
        report.require(states[name].state == "succeeded", f"the result of {name} was acknowledged and is gone")


def _nothing_doubled(
    report: Report,
    seen: Seen,
    states: dict[str, Any],
    events: dict[str, Counter[str]],
    votes: Counter[tuple[str, str]],
) -> None:
    per_approval = Counter(name for name, _ in votes.elements())
    for name in states:
        counts = events[name]
        report.require(counts["requested"] == 1, f"{name} was requested {counts['requested']} times")
        report.require(per_approval[name] <= 1, f"{name} was decided {per_approval[name]} times")
        for event in ("approved", "resumed", "result"):
            report.require(counts[event] <= 1, f"{name}: {event} is recorded {counts[event]} times")
        report.require(counts["approved"] == per_approval[name], f"{name}: decisions and trail differ")
    for name, nonces in seen.grants.items():
        report.require(len(nonces) == 1, f"{name} was granted to {len(nonces)} nonces")


def _ledger_fits(report: Report, arena: Arena, states: dict[str, Any]) -> None:
    claimed = {f"sayso-{name}-{row.digest[:16]}" for name, row in states.items() if row.claimed_at is not None}
    for key, count in Counter(arena.ledger.lines()).items():
        report.require(count == 1, f"{key} was executed {count} times")
        report.require(key in claimed, f"{key} was executed without a claim")


def _slack_fits(report: Report, arena: Arena) -> None:
    """Each wanted card is in Slack once, and shows what it should; of what was settled before it was posted there is none."""
    rows = arena.database.read(lambda u: u.execute(select(messages).where(messages.c.kind == "card")).all())
    wanted = [row for row in rows if row.slack_ts is not None or row.last_error != UNSEEN]
    cards: Counter[str] = Counter()
    for message in [one for known in arena.slack.workspace.messages.values() for one in known]:
        metadata = message.metadata or {}
        if metadata.get("event_type") == "sayso_card":
            cards[metadata["event_payload"]["approval_id"]] += 1
    rounds = Counter(row.approval_id for row in wanted)
    for row in wanted:
        report.require(row.slack_ts is not None and row.shown == row.wanted, f"a card of {row.approval_id} is missing")
    for name, count in rounds.items():
        report.require(cards[name] >= count, f"{name} has {cards[name]} cards in Slack instead of {count}")
    report.figures |= {"cards": sum(rounds.values()), "cards posted twice": sum((cards - rounds).values())}


def run(
    url: str,
    folder: Path,
    kind: str,
    *,
    n: int,
    seed: int = 1,
    clients: int = 6,
    agents: int = 2,
    hurry: bool = False,
    minutes: float = 0,
) -> Report:
    """`n` kills of servers, or as many as fit into `minutes` (agents and migrations on top), then the reckoning."""
    report = Report(f"kills on {kind}")
    with roles.zygote() as zygote:
        arena = Arena(url, folder, zygote, kind, seed)
        if minutes:
            arena.last_moment = time.monotonic() + minutes * 60
        try:
            migrations(arena, kind, max(1, n // 50), report)
            under_fire(arena, n, clients, agents, hurry=hurry)
            reckon(arena, report)
        finally:
            arena.close()
    return report


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url(arguments.database, folder) as url:
        return run(url, folder, arguments.database, n=arguments.n, seed=arguments.seed, minutes=arguments.minutes)


if __name__ == "__main__":
    command_line(_work, n=2000, minutes=0.0)
