"""Several workers behind one socket: whoever dies, agents and people notice nothing, and everything is done once."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import select
from support.agent import TLS, Agent, Json
from support.marks import on_sqlite
from support.office import Office
from support.servers import ProcessServer, command

from bot.server.workers import LONGEST_PAUSE_SECONDS, pause
from store import tables

COUNT = 3


@pytest.fixture
def crew(closed_office: Office) -> Office:
    """An office whose server has three workers, all of them ready."""
    closed_office.settings |= {"SAYSO_WORKERS": str(COUNT), "SAYSO_SWEEP_SECONDS": "1"}
    server = closed_office.open_process()
    closed_office.until(lambda: f"all {COUNT} workers are ready" in server.log.read_text(), "workers that are ready")
    closed_office.until(lambda: leaders(server), "somebody who leads")
    return closed_office


def workers(server: ProcessServer) -> list[int]:
    """The processes of the workers, oldest first."""
    return sorted(child.pid for child in psutil.Process(server.pid).children())


def leaders(server: ProcessServer) -> list[int]:
    """The slots of those who have led, in their order."""
    return [int(slot) for slot in re.findall(r"worker (\d+) leads", server.log.read_text())]


def figure(server: ProcessServer, name: str) -> float:
    """A figure as whichever worker answers tells it."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", httpx2.get(f"{server.url}/metrics", timeout=20).text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def asked(url: str, token: str, key: str) -> Json:
    """A refund, asked for again until somebody answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        agent = Agent(url, token)
        try:
            return agent.refund(key=key)
        except (httpx2.HTTPError, AssertionError):
            time.sleep(0.05)
        finally:
            agent.close()
    raise AssertionError("nobody answers")


def test_each_killed_in_turn_under_load(crew: Office) -> None:
    """Each worker is killed without a word while agents ask: every request is there once, with one card, and can be decided."""
    office, server = crew, crew.process
    token, stop = office.agent.http.headers["authorization"].removeprefix("Bearer "), threading.Event()
    made: dict[str, Json] = {}

    def ask(name: int) -> None:
        for number in range(8):
            key = f"{name}-{number}"
            made[key] = asked(server.url, token, key)
            if stop.wait(0.1):
                return

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for victim in workers(server):
        os.kill(victim, signal.SIGKILL)
        office.until(lambda: len(workers(server)) == COUNT and victim not in workers(server), "a successor")  # noqa: B023
        time.sleep(0.5)
    for thread in threads:
        thread.join(90)
    office.leases_run_out()
    stop.set()
    assert len(made) == 24
    with office.database.engine.connect() as connection:
        found = connection.execute(select(tables.approvals.c.id)).scalars().all()
    assert sorted(found) == sorted(approval["id"] for approval in made.values()), "each once, and nothing else"
    for approval in made.values():
        card = office.card(approval, timeout=60)
        assert len(office.live_cards(approval)) == 1
        assert office.person("U0ALICE").click(card, "approve").status == 200
        events = office.events(approval)
        assert events.count("requested") == events.count("approved") == 1, events
    office.intact()


def test_another_leads_within_seconds(crew: Office) -> None:
    """One worker leads; when it is killed another does within seconds, and sweeps: nobody else did."""
    office, server = crew, crew.process
    assert len(leaders(server)) == 1
    office.until(lambda: figure(server, "sayso_last_sweep_timestamp_seconds") > 0, "a sweep")
    led = _pid_of_leader(server)
    os.kill(led, signal.SIGKILL)
    killed = time.time()
    office.until(lambda: len(leaders(server)) == 2, "another who leads", timeout=5)
    office.until(lambda: figure(server, "sayso_last_sweep_timestamp_seconds") > killed, "its sweep", timeout=15)
    refund = office.agent.refund()
    office.card(refund)


def _pid_of_leader(server: ProcessServer) -> int:
    found = re.search(r"worker (\d+) leads, process (\d+)", server.log.read_text())
    assert found is not None
    return int(found[2])


def test_a_decision_wakes_whoever_waits_in_any_worker(crew: Office) -> None:
    """Agents wait at all workers for one approval; a tap, whichever worker takes it, wakes all of them at once."""
    office, server = crew, crew.process
    refund = office.agent.refund()
    card = office.card(refund)
    woken: list[float] = []

    def poll() -> None:
        with httpx2.Client(headers=office.agent.http.headers, timeout=90, verify=TLS) as http:
            said = http.get(f"{server.url}/v1/approvals/{refund['id']}?wait=60").json()
        assert said["state"] == "approved"
        woken.append(time.monotonic())

    threads = [threading.Thread(target=poll) for _ in range(12)]
    for thread in threads:
        thread.start()
    office.until(lambda: figure(server, "sayso_waiting_agents") == 12, "long-polls that wait")
    held = [len(psutil.Process(pid).net_connections()) for pid in workers(server)]
    assert office.person("U0ALICE").click(card, "approve").status == 200
    tapped = time.monotonic()
    for thread in threads:
        thread.join(20)
    assert len(woken) == 12, f"connections by worker: {held}"
    assert max(woken) - tapped < 5, [round(moment - tapped, 3) for moment in woken]


@on_sqlite
def test_figures_are_those_of_all_workers(crew: Office) -> None:
    """Whichever worker is asked tells the figures of all, and they do not fall when one dies."""
    office, server = crew, crew.process
    for _ in range(6):
        with httpx2.Client(headers=office.agent.http.headers, timeout=20, verify=TLS) as http:
            agent = Agent(server.url, http.headers["authorization"].removeprefix("Bearer "))
            agent.refund()
            agent.close()
    name = 'sayso_approvals_created_total{route="ask"}'
    assert {figure(server, name) for _ in range(6)} == {6.0}
    for victim in workers(server):
        os.kill(victim, signal.SIGKILL)
    office.until(lambda: len(workers(server)) == COUNT, "successors")
    assert figure(server, name) == 6.0


@on_sqlite
def test_signals_reach_all_workers(crew: Office) -> None:
    """SIGHUP lets every worker read the policy again; SIGTERM ends all of them, and then the server."""
    office, server = crew, crew.process
    path = Path(office.env["SAYSO_MANIFEST"])
    path.write_text(path.read_text() + "\n# looked through\n")
    server.send(signal.SIGHUP)
    office.until(lambda: server.log.read_text().count("policy in force") == COUNT, "three who have read it")
    before = workers(server)
    server.stop()
    assert not any(psutil.pid_exists(pid) for pid in before)


@on_sqlite
def test_workers_do_not_outlive_their_supervisor(crew: Office) -> None:
    """Killed without a word, the supervisor leaves no worker behind that nobody watches."""
    server, before = crew.process, workers(crew.process)
    server.kill()
    crew.until(lambda: not any(_lives(pid) for pid in before), "workers that end")


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@on_sqlite
def test_systemd_hears_of_it_once(closed_office: Office, tmp_path: Path) -> None:
    """READY comes once, when all workers are ready; no worker speaks for itself."""
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(place))
        heard.settimeout(60)
        closed_office.settings |= {"SAYSO_WORKERS": "2", "NOTIFY_SOCKET": str(place)}
        server = closed_office.open_process()
        assert heard.recv(100) == b"READY=1"
        assert "all 2 workers are ready" in server.log.read_text()
        server.stop()
        assert heard.recv(100) == b"STOPPING=1"
        heard.settimeout(0.2)
        with pytest.raises(TimeoutError):
            heard.recv(100)


@on_sqlite
@pytest.mark.parametrize(("count", "words"), [("0", "greater than"), ("many", "integer"), ("65", "less than")])
def test_a_wrong_number_is_one_line(closed_office: Office, count: str, words: str) -> None:
    """A number of workers that cannot be is one line and status 2, before anything is started."""
    ended = command(closed_office.env, "serve", "--workers", count)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "SAYSO_WORKERS" in ended.stderr
    assert words in ended.stderr


@on_sqlite
def test_other_wrong_settings_are_told_once(closed_office: Office) -> None:
    """What is wrong is said by one process, not by each worker."""
    closed_office.settings |= {"SAYSO_WORKERS": "3", "SAYSO_ROSTER": "/nowhere/at-all.yml"}
    ended = command(closed_office.env, "serve")
    assert ended.returncode == 2
    assert ended.stderr.count("SAYSO_ROSTER") == 1
    assert len(ended.stderr.splitlines()) == 1


@on_sqlite
def test_many_workspaces_have_one_worker(closed_office: Office) -> None:
    """With many workspaces there is one worker a server: anything else is refused in one line."""
    many = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s", "SAYSO_TOKEN_KEYS": "A" * 43 + "="}
    env = {name: value for name, value in closed_office.env.items() if name != "SLACK_BOT_TOKEN"} | many
    ended = command(env, "serve", "--workers", "2")
    assert ended.returncode == 2
    assert "SAYSO_WORKERS" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


def test_whoever_dies_again_and_again_waits() -> None:
    """The first successor of a worker that lived comes at once; of those that die soon, later and later, up to ten seconds."""
    pauses = [pause(deaths) for deaths in range(40)]
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert 0 < pauses[1] < 0.5
    assert pauses[-1] == LONGEST_PAUSE_SECONDS == 10
