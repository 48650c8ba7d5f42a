"""The demo in the browser: keeps the agents' processes coming, and tells what really happened."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import httpx2
from board import Board, Trail
from guide import Seen, wanted
from orders import Orders
from repository import Repository, Throwaway, git_is_here
from resumable import CANCELLED_STATUS
from stage import EXAMPLES, Agent, Run, Stage, Trouble, named, port_near

from playground.workspace import Credentials
from sayso import Approval, Sayso, State, Unreachable

LOOK_SECONDS = 0.4
LOOK_AT = 60  # the newest requests of an agent; more are never open at once
TRY_AGAIN_SECONDS = 5.0
FIRST_CASES = 12  # every complaint that is there at the start
OPEN_CASES = 4  # a new complaint waits while so many refunds are open
AGAIN_SECONDS = 5.0  # between two complaints of one sort
# What a process of the agent has to hear about. What was denied or blocked it heard when it asked.
NEWS = frozenset({"rejected", "expired", "cancelled", "handed_back", "outcome_unknown"})
WORDS = {"edited": "approved with changes", "chosen": "decided", "taken_over": "taken over"}

GUIDE = """
Sayso is running. Open

    {url}

  It opens at the first card, with what to try beside it: Approve, Edit, Batch, Two people, Undo, Standing. Each ticks
  itself when it has happened in the server; a click on it leads to its card, as whoever may decide it. Below stands the
  agents' ledger: what really ran. The process that asked is long gone by then; a new one acts, once.
  Take your time: a card waits an hour. Only the urgent refund, which comes when you have approved the first one, moves
  on to Carol or Dan after 2 minutes, as it says.
  #engineering   {branches}
  /sayso help    queue, stats, away; `/sayso pause refund-desk`; as Ada Minister: `/sayso stop`, `/sayso start`

Ctrl-C stops everything. Files: {directory}
"""
BRANCHES = "become Carol or Dan and approve: the branch of a real git repository is gone."
NO_BRANCHES = "stays empty: git is not installed, so the branch agent is skipped."


class Live:
    """Everything that runs, until somebody stops it."""

    def __init__(self, stage: Stage, port: int, bot_port: int, every: float) -> None:
        self._stage, self._port, self._bot_port, self._every = stage, port, bot_port, every
        self._orders = Orders(stage.directory / "orders.db")
        self._repository = _repository(stage.directory / "shop")
        self._branches = BranchNews(self._repository) if self._repository else None
        self._agents: list[Supervised] = []
        self._called: dict[str, float] = {}

    def play(self) -> None:
        """Start, guide, and supervise until interrupted. Raises Trouble when a server stops."""
        url = self._open()
        branches = BRANCHES if self._repository else NO_BRANCHES
        board = Board(url, Trail(self._stage.directory / "sayso.db"), self._orders)
        try:
            board.show([])
            print(GUIDE.format(url=url, directory=self._stage.directory, branches=branches), flush=True)
            for agent in self._agents:
                agent.work(FIRST_CASES)
            self._supervise(board)
        finally:
            board.close()

    def _open(self) -> str:
        port = port_near(self._stage.bot_port or self._bot_port)
        if self._stage.bot_port not in (None, port):
            raise Trouble(f"port {self._stage.bot_port}, where the agents left their requests, is taken (--keep)")
        shared = Credentials()
        url = self._stage.start_playground(self._port, f"http://127.0.0.1:{port}")
        slack = {
            "SLACK_BOT_TOKEN": shared.bot_token,
            "SLACK_SIGNING_SECRET": shared.signing_secret,
            "SAYSO_SLACK_API_URL": f"{url}/api/",
        }
        self._stage.configure(slack, port, EXAMPLES / "actions.yml", EXAMPLES / "reviewers.yml")
        # A visitor waits: the agents get their tokens while the server starts.
        with ThreadPoolExecutor() as beside:
            tokens = [beside.submit(self._stage.token, name) for name in ("refunds", "branches")]
            self._stage.start_server()
            for token in tokens:
                token.result()
        self._agents = self._supervised()
        return url

    def _supervised(self) -> list[Supervised]:
        orders = ["--orders", str(self._orders.path)]
        found = [self._agent("refunds", "refund_agent.py", orders, LedgerNews(self._orders))]
        if self._repository and self._branches:
            options = ["--repository", str(self._repository.path)]
            found.append(self._agent("branches", "branch_agent.py", options, self._branches))
        return found

    def _agent(self, name: str, script: str, options: list[str], news: Callable[[], list[str]]) -> Supervised:
        token = self._stage.token(name)
        client = Sayso(
            self._stage.bot_url,
            token,
            state_dir=self._stage.directory / "demo-state",
            retry_for=2,
            http=httpx2.Client(trust_env=False),
        )
        return Supervised(name, self._stage, self._stage.agent(name, script, options), client, news)

    def _supervise(self, board: Board) -> None:
        next_case = time.monotonic() + self._every
        while True:
            self._stage.check()
            for agent in self._agents:
                agent.look()
            gone = self._branches.gone if self._branches else []
            self._keep_guide_playable(board.show([one for agent in self._agents for one in agent.known], gone))
            if time.monotonic() >= next_case:
                next_case = time.monotonic() + self._every
                self._another_case()
            time.sleep(LOOK_SECONDS)

    def _another_case(self) -> None:
        desk = self._agents[0]
        if desk.idle and desk.open("process_refund") < OPEN_CASES:
            self._orders.call("refund")
            desk.work(1)

    def _keep_guide_playable(self, seen: Seen) -> None:
        """Let come what the checklist still needs: a card that was used up otherwise is asked again."""
        desk, now = self._agents[0], time.monotonic()
        if not desk.idle:
            return
        if not self._orders.new_cases(1):
            calm = [wish for wish in wanted(seen) if now - self._called.get(wish, 0.0) >= AGAIN_SECONDS]
            for wish in calm:
                self._orders.call(wish)
                self._called[wish] = now
        desk.work(len(self._orders.new_cases(FIRST_CASES)))


class Need(NamedTuple):
    """A reason to start a process: what about, why, and whether it may be left lying (by a stop, by a crash)."""

    approval_id: str
    why: str
    approved: bool


class Supervised:
    """One agent: at most one process at a time, started when there is something for it to do."""

    def __init__(self, name: str, stage: Stage, agent: Agent, client: Sayso, news: Callable[[], list[str]]) -> None:
        self.name = name
        self._stage, self._agent, self._client, self._news = stage, agent, client, news
        self._known: dict[str, Approval] = {}
        self._run: Run | None = None
        self._heard_of: set[Need] = set()
        self._again_at = 0.0
        self._began = datetime.now(UTC)
        self._cancelled = False

    @property
    def known(self) -> list[Approval]:
        """The agent's requests as last seen."""
        return list(self._known.values())

    @property
    def idle(self) -> bool:
        """Whether a process could be started now."""
        return self._run is None and not self._cancelled

    def open(self, action: str) -> int:
        """How many requests for an action wait for a person."""
        return sum(approval.pending for approval in self._known.values() if approval.action == action)

    def work(self, limit: int) -> None:
        """Start a process that looks at new tasks, if none is running and there are any."""
        if self.idle and limit:
            self._start("work", "--limit", str(limit))

    def look(self) -> None:
        """Tell what changed, and start a process when something was decided."""
        self._reap()
        try:
            approvals = list(islice(self._client.list(), LOOK_AT))
        except Unreachable:
            return  # the server's own process is checked elsewhere
        for approval in reversed(approvals):
            known = self._known.get(approval.id)
            if known or approval.created_at is None or approval.created_at >= self._began:  # no old news after --keep
                for line in changes(known, approval):
                    tell(f"{self.name}: {line}")
            self._known[approval.id] = approval
        if self.idle:
            self._wake({need for approval in approvals for need in needs(approval)})

    def _wake(self, wanted: set[Need]) -> None:
        """Start a process for what no earlier one has heard of, or for what one had to leave lying."""
        left_lying = any(need.approved for need in wanted) and time.monotonic() >= self._again_at
        if left_lying or wanted - self._heard_of:
            self._heard_of = wanted
            self._again_at = time.monotonic() + TRY_AGAIN_SECONDS
            self._start("resume")

    def _start(self, verb: str, *more: str) -> None:
        self._run = self._stage.running(self._agent.start(self._heard, verb, *more))

    def _heard(self, pid: int, line: str) -> None:
        tell(f"{self.name}[{pid}]: {line}")

    def _reap(self) -> None:
        if self._run is None or self._run.status is None:
            return
        run, self._run = self._run, None
        status = run.wait(LOOK_SECONDS + TRY_AGAIN_SECONDS)
        for line in self._news():
            tell(line)
        if status == CANCELLED_STATUS:
            self._cancelled = True
        elif status:
            tell(f"{self.name}[{run.pid}]: stopped with exit status {status}; the next process looks again")


class LedgerNews:
    """What is new in the ledger since the last look."""

    def __init__(self, orders: Orders) -> None:
        self._orders, self._seen = orders, len(orders.ledger())

    def __call__(self) -> list[str]:
        """One line for each new row, with how many rows its order has."""
        rows = self._orders.ledger()
        fresh, self._seen = rows[self._seen :], len(rows)
        counts = {entry.order_id: sum(row.order_id == entry.order_id for row in rows) for entry in fresh}
        return [
            f"ledger: {counts[entry.order_id]} {'row' if counts[entry.order_id] == 1 else 'rows'} for order "
            f"{entry.order_id}: {entry.told}, decided by {entry.decided_by}"
            for entry in fresh
        ]


class BranchNews:
    """Which branches are gone since the last look."""

    def __init__(self, repository: Repository) -> None:
        self._repository, self._seen = repository, repository.branches()
        self.gone: list[str] = []

    def __call__(self) -> list[str]:
        """One line where something is gone."""
        before, self._seen = self._seen, self._repository.branches()
        gone = [branch for branch in before if branch not in self._seen]
        self.gone += gone
        return [f"git branch: {', '.join(self._seen)} ({', '.join(gone)} gone)"] if gone else []


def changes(known: Approval | None, approval: Approval) -> Iterator[str]:
    """What happened to a request between two looks, for people. What policy decided the agent has said itself."""
    subject, decision = about(approval), approval.decision
    if known and approval.pending and approval.assignee != known.assignee:
        overdue = known.due_at is not None and known.due_at <= datetime.now(UTC)
        why = "nobody decided in time" if overdue else "handed on"
        yield f"{subject}: {why}, moved from {known.assignee} to {approval.assignee}"
    if approval.info_request and not (known and known.info_request):
        yield f"{subject}: {approval.info_request.by} asks: {approval.info_request}"
    if approval.undo and not (known and known.undo):
        yield f"{subject}: undone by {approval.undo.by}"
    if decision and (known is None or known.decision is None) and not (known is None and decision.by == "policy"):
        yield f"{subject}: {WORDS.get(decision.kind, decision.kind)} by {decision.by}"


def needs(approval: Approval) -> Iterator[Need]:
    """What a process of the agent has to do about a request as it stands."""
    unfinished = approval.approved or approval.state is State.CLAIMED
    if unfinished or approval.state in NEWS:
        yield Need(approval.id, approval.state, unfinished)
    if approval.undo and approval.undo.reverted_at is None and approval.state is State.SUCCEEDED:
        yield Need(approval.id, "undone", False)
    if approval.pending and approval.info_request:
        yield Need(approval.id, str(approval.info_request), False)


def about(approval: Approval) -> str:
    """A request in a few words."""
    if "order_id" in approval.params:
        return f"order {approval.params['order_id']}"
    return f"branch {approval.params['branch']}" if "branch" in approval.params else approval.action


def tell(line: str) -> None:
    """One line of the story, with the time of day and people's names."""
    with _mouth:
        print(f"{time.strftime('%H:%M:%S')}  {named(line)}", flush=True)


_mouth = threading.Lock()


def _repository(path: Path) -> Repository | None:
    if not git_is_here():
        return None
    return Repository(path) if path.exists() else Throwaway.create(path)
