"""What `policy tune`, `policy replay` and `audit export` cost on a long record; exit 1 where a goal is missed: `--n 1000000`.

Ninety days of requests of twenty actions by five agents: each decided by one of five people and carried out, every tenth labelled.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from sqlalchemy import text

from bot.service import tuning
from policies.approval import Approval
from policies.files.manifest import load_manifest
from store.audit import entry_of
from store.engine import Database
from store.unit import Unit
from tests.bench import material
from tests.chaos.places import Report, command_line, database_url

TUNE_SECONDS, PAGE_LINES, REPLAY_MB = 2.0, 40, 200
DAYS, ACTIONS = 90, 20
TRAIL_SHARE, TRAIL_AT_ONCE = 5, 2_000  # rows of the trail: one for so many requests, as the chain takes them one by one
ROOT = Path(__file__).parents[2]
MEASURED = """
import contextlib, io, json, sys, time
from bot.__main__ import main
class Told(io.TextIOBase):  # counts and keeps nothing: what a command prints is no memory of its own
    lines = size = 0
    def write(self, text):
        self.lines, self.size = self.lines + text.count(chr(10)), self.size + len(text)
        return len(text)
told = Told()
began, cpu = time.perf_counter(), time.process_time()
with contextlib.redirect_stdout(told):
    code = main(sys.argv[1:])
seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
status = open("/proc/self/status").read()  # getrusage counts what the parent held when it forked
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps({"code": code, "mb": peak, "seconds": seconds, "cpu": cpu, "lines": told.lines, "size": told.size}))
"""


def manifest() -> str:
    """Twenty actions; JSON is YAML too."""
    base = {"title": "T", "describe": "D", "severity": "low", "reversible": True}
    return json.dumps({"version": 1, "actions": {f"action_{number}": base for number in range(ACTIONS)}}, indent=1)


def fill(database: Database, count: int) -> None:
    """So many requests, with all that the record has of them."""
    world = material.world_on(database)
    template = material.one_pending(world, material.agent_token(database))
    step = DAYS * 86_400 / count
    at = {
        "sqlite": f"strftime('%Y-%m-%dT%H\\:%M\\:%fZ', 'now', '-' || ({step} * n) || ' seconds')",
        "postgresql": f"now() - n * interval '{step} seconds'",
    }[database.engine.dialect.name]
    stated = r'"confidence"\:0.9,"evidence"\:{"retrieval_hits"\:3,"schema_ok"\:true}'
    number = "CAST(n AS TEXT)"
    request = (
        rf"""'{{"action"\:"action_' || CAST(n % 20 AS TEXT) || '","params"\:{{"n"\:' || {number} || '}},{stated}}}'"""
    )
    changed = {
        "action": "'action_' || CAST(n % 20 AS TEXT)",
        "agent": "'agent_' || CAST(n % 5 AS TEXT)",
        "request": request,
        "state": "'succeeded'",
        "wake_at": "NULL",
        "decided_by": "'U0BOB'",
        **dict.fromkeys(("created_at", "updated_at", "decided_at", "claimed_at", "finished_at"), at),
    }
    material.many(database, template, "apr_s", count, changed=changed)
    series = f"WITH RECURSIVE series(n) AS (SELECT {count - 1} UNION ALL SELECT n - 1 FROM series WHERE n > 0) "
    name = "'apr_s' || CAST(n AS TEXT)"
    decisions = (
        "INSERT INTO decisions (approval_id, digest, verb, by, role, at, latency_ms) "
        f"{series}SELECT {name}, 'd', CASE WHEN n % 50 = 7 THEN 'reject' ELSE 'approve' END, "
        f"'U' || CAST(n % 5 AS TEXT), 'finance', {at}, 40000 FROM series"
    )
    labels = (
        f"INSERT INTO labels (approval_id, label, by, at) {series}SELECT {name}, "
        f"CASE WHEN n % 400 = 0 THEN 'incident' ELSE 'correct' END, 'U9', {at} FROM series WHERE n % 10 = 0"
    )
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.execute(text(decisions))
        connection.execute(text(labels))
    for first in range(0, count // TRAIL_SHARE, TRAIL_AT_ONCE):
        database.run(partial(_lengthened, template, min(TRAIL_AT_ONCE, count // TRAIL_SHARE - first)))
    material.settled(database)


def _lengthened(template: Approval, count: int, unit: Unit) -> None:
    """So many rows more in the trail, each as long as a decision's."""
    for number in range(count):
        why = f"The parcel arrived crushed, and the photograph shows it: case {number}."
        unit.record(entry_of(template, "approved", unit.now, "U0BOB", decision="approved", rationale=why))


def run(url: str, folder: Path, *, n: int, timed: bool = True) -> Report:
    """`tune` and `replay` on `n` requests; `timed` also judges the time."""
    report = Report(f"tune and replay on {n:,} requests")
    database = Database(url, pool_size=2)
    fill(database, n)
    found = database.read(lambda unit: tuning.report(unit, load_manifest(manifest()), None))
    report.require(len(found.actions) == ACTIONS, f"{len(found.actions)} of {ACTIONS} actions are told of")
    database.close()
    path = folder / "actions.yml"
    path.write_text(manifest(), encoding="utf-8")
    environment = os.environ | {"SAYSO_DATABASE_URL": url, "SAYSO_MANIFEST": str(path)}
    bare, tune, replay, export = (
        _measured(environment, *words)
        for words in (
            ("policy", "check", str(path)),
            ("policy", "tune"),
            ("policy", "replay", str(path)),
            ("audit", "export"),
        )
    )
    seconds = tune["seconds"] - bare["seconds"]
    report.require(seconds <= TUNE_SECONDS or not timed, f"tune took {seconds:.2f} s beside the start")
    report.require(tune["lines"] <= PAGE_LINES, f"its first page has {tune['lines']} lines")
    report.require(replay["mb"] <= REPLAY_MB, f"replay took {replay['mb']:.0f} MB")
    report.require(export["mb"] <= REPLAY_MB, f"export took {export['mb']:.0f} MB")
    report.figures |= {
        "rows": n,
        "tune": f"{seconds:.2f} s ({tune['cpu'] - bare['cpu']:.2f} s of this process's processor), "
        f"first page {tune['lines']:.0f} lines",
        "replay": f"{replay['seconds']:.0f} s ({replay['cpu']:.0f} s of processor)",
        "export": f"{export['seconds']:.0f} s, {export['lines']:.0f} rows, {export['size'] / 1e6:.0f} MB written",
        "most memory": f"check {bare['mb']:.0f} MB, tune {tune['mb']:.0f} MB, replay {replay['mb']:.0f} MB, export {export['mb']:.0f} MB",
    }
    return report


def _measured(environment: dict[str, str], *words: str) -> dict[str, float]:
    """Seconds, the most memory in MB, and lines of a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    assert found["code"] == 0, done.stderr
    return found


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    with database_url(arguments.database, folder) as url:
        return run(url, folder, n=arguments.n)


if __name__ == "__main__":
    command_line(_work, n=1_000_000)
