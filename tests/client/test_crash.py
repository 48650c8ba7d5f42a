"""A real process, killed with SIGKILL, and the next one that goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sayso import MayHaveRun, Sayso, State

from .server import TOKEN, Server

AGENT = Path(__file__).with_name("agent.py")


class Agent:
    """The child process and what it said."""

    def __init__(self, server: Server, tmp_path: Path, stage: str) -> None:
        self.ledger = tmp_path / "ledger"
        env = os.environ | {
            "SAYSO_URL": server.url,
            "SAYSO_TOKEN": TOKEN,
            "SAYSO_STATE_DIR": str(tmp_path / "state"),
        }
        command = [sys.executable, str(AGENT), stage, str(self.ledger)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the agent ended without a word"
        return json.loads(line)  # type: ignore[no-any-return]

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(10) == -signal.SIGKILL

    def finish(self) -> None:
        assert self._process.wait(20) == 0

    def lines(self) -> list[str]:
        return self.ledger.read_text().splitlines() if self.ledger.exists() else []


@pytest.fixture
def survivor(server: Server, tmp_path: Path) -> Sayso:
    return Sayso(server.url, TOKEN, state_dir=tmp_path / "state")


def test_killed_between_ask_and_decision(server: Server, tmp_path: Path, survivor: Sayso) -> None:
    """The next process finds the open request with its checkpoint, and running the agent anew asks nobody twice."""
    agent = Agent(server, tmp_path, "asked")
    approval_id = agent.hear()["asked"]
    agent.kill()
    (record,) = survivor.resume()
    assert (record.approval.id, record.checkpoint["step_index"]) == (approval_id, 2)
    server.book.decide(approval_id, "approved")
    again = Agent(server, tmp_path, "done")
    assert again.hear()["asked"] == approval_id
    again.finish()
    assert len(again.lines()) == 1
    assert server.book.row(approval_id)["state"] == "succeeded"
    assert len(server.book.rows) == 1


def test_killed_between_claim_and_result(server: Server, tmp_path: Path, survivor: Sayso) -> None:
    """The next process claims with the same nonce, gets the same grant, and runs it: once."""
    agent = Agent(server, tmp_path, "claimed")
    approval_id = agent.hear()["asked"]
    server.book.decide(approval_id, "approved")
    digest = agent.hear()["claimed"]
    agent.kill()
    (record,) = survivor.resume()
    assert (record.claimed, record.started, record.approval.state) == (True, False, State.CLAIMED)
    with survivor.execute(record.approval) as grant:
        assert (grant.digest, grant.params["amount_usd"]) == (digest, 120)
    assert len(server.book.nonces) == 2
    assert len(set(server.book.nonces)) == 1
    assert server.book.row(approval_id)["state"] == "succeeded"
    assert list(survivor.resume()) == []


def test_killed_in_mid_action(server: Server, tmp_path: Path, survivor: Sayso) -> None:
    """What may have run is not run again: the next process is told, with the key to look it up downstream."""
    agent = Agent(server, tmp_path, "started")
    approval_id = agent.hear()["asked"]
    server.book.decide(approval_id, "approved")
    key = agent.hear()["started"]
    agent.kill()
    (record,) = survivor.resume()
    assert (record.started, record.idempotency_key) == (True, key)
    with pytest.raises(MayHaveRun, match="started before"):
        survivor.execute(record.approval).__enter__()
    assert key in agent.lines()
    assert survivor.result(record.approval, "succeeded", "found downstream").state is State.SUCCEEDED
    assert list(survivor.resume()) == []


def test_two_processes_cannot_both_run_it(server: Server, tmp_path: Path) -> None:
    """Two agents with one state directory and one approval: one runs, the other is told that it may have run."""
    agents = [Agent(server, tmp_path, "started") for _ in range(2)]
    (approval_id,) = {agent.hear()["asked"] for agent in agents}
    server.book.decide(approval_id, "approved")
    codes: list[int | None] = []
    for agent in agents:
        line = agent._process.stdout.readline() if agent._process.stdout else ""
        codes.append(None if line else agent._process.wait(10))
        agent.kill() if line else None
    assert sorted(codes, key=str) == [1, None]
    assert len(agents[0].lines()) == 1
