"""An agent with the published client, made to be killed: asks, waits, executes into a ledger, reports, and begins anew.

The ledger is the world outside: one line for each execution. Whatever may have run is looked up there first.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from sayso import AlreadyExecuted, Approval, MayHaveRun, NotApproved, Sayso, SaysoError

ACTION = "change_thing"


class Ledger:
    """A file that only grows, one line for each effect; a write of one short line is never torn."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, key: str) -> None:
        """The effect happens."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(handle, f"{key}\n".encode())
        finally:
            os.close(handle)

    def lines(self) -> list[str]:
        """Every effect so far."""
        return self.path.read_text().splitlines() if self.path.exists() else []

    def holds(self, key: str) -> bool:
        """Whether this effect happened."""
        return key in self.lines()


def run_once(client: Sayso, approval: Approval, ledger: Ledger) -> None:
    """Execute what was granted; what may have run before is looked up instead of run again."""
    try:
        with client.execute(approval) as grant:
            ledger.add(grant.idempotency_key)
    except AlreadyExecuted:
        return
    except MayHaveRun:
        key = f"sayso-{approval.id}-{approval.digest[:16]}"
        if ledger.holds(key):
            client.result(approval, "succeeded", "found in the ledger")
            return
        with client.execute(approval, again=True) as grant:
            ledger.add(grant.idempotency_key)


def go_on(client: Sayso, ledger: Ledger) -> None:
    """Finish what an earlier life began."""
    for record in client.resume():
        approval = client.wait(record.approval, timeout=60) if record.approval.pending else record.approval
        try:
            run_once(client, approval, ledger)
        except NotApproved:
            continue


def main() -> None:
    """Live until killed."""
    ledger, folder = Ledger(Path(os.environ["CHAOS_LEDGER"])), Path(os.environ["SAYSO_STATE_DIR"])
    name, life = os.environ["CHAOS_NAME"], time.monotonic_ns()
    step = 0
    with Sayso(state_dir=folder, timeout=5.0, retry_for=20.0) as client:
        while True:
            try:
                go_on(client, ledger)
                approval = client.ask(
                    ACTION, {"thing": f"{name} {life} {step}"}, session_id=name, step=f"{life}-{step}"
                )
                step += 1
                run_once(client, client.wait(approval, timeout=60), ledger)
            except NotApproved:
                continue
            except SaysoError as error:
                print(f"goes on after {error!r}", flush=True)
                time.sleep(0.2)
