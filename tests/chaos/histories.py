"""Concurrent clients on three replicas over one PostgreSQL: is every approval's history linearizable?

Three processes, each a replica with its own connections and two clients, make calls on the same approvals through the
use cases behind the HTTP API and the Slack listeners. Each writes down when a call began, when it was answered and
what the answer was. Under faults a replica is killed with SIGKILL in the middle of its calls, or the network between
the replicas and PostgreSQL is cut, also just before and just after a COMMIT; a call whose answer nobody heard may have
taken effect at any time, or never.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select
from support.tcpproxy import TcpProxy
from support.zygote import Child, Zygote

from bot.service.context import World
from store import agents, verification
from store.engine import Database
from store.tables import approvals as rows
from tests.chaos import roles
from tests.chaos.doing import FAR_AHEAD_SECONDS, Doer, world_in
from tests.chaos.linear import Call, linearizable, overlapping
from tests.chaos.model import Model, Op
from tests.chaos.places import Report, command_line, database_url

REPLICAS, CLIENTS = 3, 2
BLOCK = 6  # histories between two moments at which all replicas meet
Plan = dict[int, list[Op]]


def plan(seed: int, number: int) -> tuple[str, Plan]:
    """The action of a history, and what each client will do in it; clients are numbered through all replicas."""
    random_ = random.Random(f"{seed} {number}")
    clients = random_.sample(range(REPLICAS * CLIENTS), random_.randint(2, 4))
    found = {client: [Op("create", what=random_.choice("aaaaab"))] for client in clients}
    for client in clients:
        found[client] += [_an_op(random_) for _ in range(random_.randint(1, 3))]
    return random_.choice(("one", "one", "two")), found


def _an_op(random_: random.Random) -> Op:
    verb = random_.choices(
        ("approve", "reject", "claim", "result", "cancel", "request_info", "answer_info", "take_over", "sweep", "get"),
        (9, 2, 8, 5, 2, 1, 1, 1, 0.5, 1),
    )[0]
    match verb:
        case "claim" | "result":
            return Op(verb, random_.choice(("nonce-one", "nonce-two")), "succeeded" if verb == "result" else "")
        case "approve" | "reject" | "request_info" | "take_over":
            return Op(verb, random_.choice(("U0ALICE", "U0BOB", "U0ALICE", "U0BOB", "U0DAN")))
    return Op(verb)


# --- inside a replica ------------------------------------------------------------------------------------------------


def replica() -> None:
    """Play one's part in each block of histories that is called out, and write down what happened."""
    env = os.environ
    first, seed = int(env["CHAOS_REPLICA"]) * CLIENTS, int(env["CHAOS_SEED"])
    folder = Path(env["CHAOS_FOLDER"]) / f"replica{first}-{os.getpid()}"
    folder.mkdir()
    database = Database(env["SAYSO_DATABASE_URL"], pool_size=4)
    ahead = Database(env["SAYSO_DATABASE_URL"], pool_size=2, shift_seconds=FAR_AHEAD_SECONDS)
    world = world_in(folder, database)
    doers = [Doer(world, ahead=World(ahead, world.book, world.directory)) for _ in range(CLIENTS)]
    log = os.open(env["CHAOS_NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with socket.create_connection(("127.0.0.1", int(env["CHAOS_PORT"]))) as line, line.makefile("rw") as orders:
        print(first // CLIENTS, file=orders, flush=True)
        for order in orders:
            start, *tokens = order.split()
            block = dict(enumerate(tokens, int(start)))
            threads = [
                threading.Thread(target=_play, args=(doer, first + index, seed, block, log))
                for index, doer in enumerate(doers)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            print("done", file=orders, flush=True)


def _play(doer: Doer, client: int, seed: int, block: dict[int, str], log: int) -> None:
    """`block` has the token of each history's agent."""
    for number, token in block.items():
        doer.act_as(token)
        action, found = plan(seed, number)
        key = f"history-{seed}-{number}"
        for place, op in enumerate(found.get(client, ())):
            if place and key not in doer.ids and op.verb != "sweep":
                break  # the answer to the create was lost, so nothing is known to act on
            name = f"{number} {client} {place}"
            os.write(log, f"{name} {time.monotonic_ns()}\n".encode())
            answer = doer.do(key, action, op)
            if answer is not None:
                os.write(log, f"{name} {time.monotonic_ns()} {answer}\n".encode())


# --- who calls the blocks out ----------------------------------------------------------------------------------------


class Stage:
    """The replicas, their notes, and the faults."""

    def __init__(self, url: str, folder: Path, zygote: Zygote, seed: int, proxy: TcpProxy | None) -> None:
        self.folder, self.zygote, self.seed, self.proxy = folder, zygote, seed, proxy
        self.database = Database(url, pool_size=2)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._env = {
            "SAYSO_DATABASE_URL": proxy.url if proxy else url,
            "CHAOS_SEED": str(seed),
            "CHAOS_PORT": str(self._listener.getsockname()[1]),
            "CHAOS_FOLDER": str(folder),
        }
        self.children: dict[int, Child] = {}
        self._lines: dict[int, socket.socket] = {}
        self._read: Counter[Path] = Counter()
        for number in range(REPLICAS):
            self.enter(number)

    def enter(self, number: int) -> None:
        """A replica begins, or begins anew after it was killed."""
        env = self._env | {"CHAOS_REPLICA": str(number), "CHAOS_NOTES": str(self.folder / f"notes{number}")}
        self.children[number] = self.zygote.fork(roles.REPLICA, env, self.folder / f"replica{number}.log")
        self._listener.settimeout(120)
        self._lines[number], _ = self._listener.accept()
        self._lines[number].settimeout(300)
        assert self._lines[number].recv(10)

    def play(self, first: int, kill: int | None, pause: float) -> None:
        """One block; `kill` names the replica that dies `pause` seconds after its start."""
        # An agent that fails twice is taken over from: each history has its own.
        names = [f"historian {self.seed} {number}" for number in range(first, first + BLOCK)]
        tokens = self.database.run(lambda unit: [agents.add(unit, name)[1] for name in names])
        for number in range(REPLICAS):
            self._lines[number].sendall(f"{first} {' '.join(tokens)}\n".encode())
        if kill is not None:
            time.sleep(pause)
            self.children[kill].kill()
        for number in range(REPLICAS):
            try:
                heard = self._lines[number].recv(10)
            except ConnectionError:
                heard = b""
            if not heard:
                assert number == kill, (self.folder / f"replica{number}.log").read_text()[-3000:]
                self._lines[number].close()
        if kill is not None:
            self._lines[kill].close()
            self.enter(kill)

    def notes(self) -> list[list[str]]:
        """What was written down since the last time."""
        found = []
        for number in range(REPLICAS):
            path = self.folder / f"notes{number}"
            if path.exists():
                with path.open() as file:
                    file.seek(self._read[path])
                    found += [line.split() for line in file.read().splitlines()]
                    self._read[path] = file.tell()
        return found

    def states(self, numbers: range) -> dict[int, tuple[float, float, str]]:
        """How the block's approvals stand, and when that was asked."""
        keys = {f"history-{self.seed}-{number}": number for number in numbers}
        query = select(rows.c.idempotency_key, rows.c.state).where(rows.c.idempotency_key.in_(keys))
        begun = time.monotonic_ns()
        found = {row[0]: row[1] for row in self.database.read(lambda unit: unit.execute(query).all())}
        ended = time.monotonic_ns()
        return {number: (begun, ended, found.get(key, "")) for key, number in keys.items()}

    def close(self) -> None:
        """Everybody leaves."""
        for child in self.children.values():
            child.kill()
        for line in self._lines.values():
            line.close()
        self._listener.close()
        self.database.close()


def calls_of(seed: int, block: range, notes: list[list[str]]) -> dict[int, list[Call]]:
    """Every history's calls. A sweep takes everything that is due, so it is a call on each approval of its block."""
    begun: dict[tuple[int, int, int], float] = {}
    ended: dict[tuple[int, int, int], tuple[float, str]] = {}
    for words in notes:
        name = (int(words[0]), int(words[1]), int(words[2]))
        begun.setdefault(name, float(words[3]))
        if len(words) == 5:
            ended[name] = (float(words[3]), words[4])
    found: dict[int, list[Call]] = defaultdict(list)
    for name, moment in begun.items():
        number, client, place = name
        op = plan(seed, number)[1][client][place]
        over = ended.get(name)
        call = Call(op, moment, *over) if over else Call(op, moment)
        for at in block if op.verb == "sweep" else (number,):
            found[at].append(call)
    return found


def run(url: str, folder: Path, *, n: int, seed: int = 1, faults: bool = False, minutes: float = 0) -> Report:
    """`n` histories (or as many as fit into `minutes`), each checked."""
    report = Report(f"histories{' under faults' if faults else ''}")
    random_, counts, happened = random.Random(seed), Counter[str](), Counter[str]()
    limit = time.monotonic() + minutes * 60 if minutes else float("inf")
    with ExitStack() as stack:
        zygote = stack.enter_context(roles.zygote())
        proxy = None
        if faults and not url.startswith("sqlite"):
            proxy = TcpProxy(url)
            stack.callback(proxy.close)
        stage = Stage(url, folder, zygote, seed, proxy)
        stack.callback(stage.close)
        for first in range(0, n, BLOCK):
            if time.monotonic() > limit:
                break
            _play_block(stage, first, random_ if faults else None, happened)
            _check(report, stage, range(first, first + BLOCK), counts)
        broken = stage.database.snapshot(verification.verify).told
        report.violations += broken
    report.figures |= dict(counts) | dict(happened)
    return report


def _play_block(stage: Stage, first: int, random_: random.Random | None, happened: Counter[str]) -> None:
    if random_ is None:
        stage.play(first, None, 0)
        return
    kind = random_.choice(("kill", "lose", "cut")) if stage.proxy else "kill"
    happened[{"kill": "replicas killed", "lose": "commits cut", "cut": "networks cut"}[kind]] += 1
    pause = random_.random() * 0.08
    if kind == "kill" or stage.proxy is None:
        stage.play(first, random_.randrange(REPLICAS), pause)
        return
    if kind == "lose":
        stage.proxy.lose_commits(random_.randint(1, 2), applied=random_.random() < 0.5)
        stage.play(first, None, 0)
        return
    timer = threading.Timer(pause, stage.proxy.cut)
    timer.start()
    stage.play(first, None, 0)
    timer.join()


def _check(report: Report, stage: Stage, block: range, counts: Counter[str]) -> None:
    found = calls_of(stage.seed, block, stage.notes())
    states = stage.states(block)
    for number in block:
        begun, over, state = states[number]
        calls = [*found[number], Call(Op("get"), begun, over, state)]
        start = Model(needs=2 if plan(stage.seed, number)[0] == "two" else 1)
        counts["histories"] += 1
        counts["calls"] += len(calls)
        counts["unanswered calls"] += sum(call.answer is None for call in calls)
        counts["histories with calls at once"] += overlapping(found[number])
        report.require(linearizable(calls, start), f"history {number} is not linearizable: {_shown(calls)}")


def _shown(calls: list[Call]) -> str:
    first = min(call.begun for call in calls)
    lines = [
        f"{(call.begun - first) / 1e6:.2f}-{(call.ended - first) / 1e6:.2f} {call.op.verb} {call.op.who} -> {call.answer}"
        for call in sorted(calls, key=lambda call: call.begun)
    ]
    return json.dumps(lines)


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url(arguments.database, folder) as url:
        return run(
            url,
            folder,
            n=arguments.n,
            seed=arguments.seed,
            faults=bool(arguments.faults),
            minutes=arguments.minutes,
        )


if __name__ == "__main__":
    command_line(_work, n=50_000, faults=0, minutes=0.0)
