"""An agent in a process of its own, to be killed. Prints one JSON line for each thing it has done."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from sayso import Sayso

PARAMS = {"customer": "alice@example.com", "amount_usd": 120}


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def hang() -> None:
    time.sleep(60)


def main(stage: str, ledger: Path) -> None:
    client = Sayso()
    checkpoint = {"workflow_id": "w-1", "step_index": 2}
    approval = client.ask("process_refund", PARAMS, session_id="s-1", checkpoint=checkpoint)
    say(asked=approval.id)
    if stage == "asked":
        hang()
    approval = client.wait(approval, timeout=60)
    if stage == "claimed":
        say(claimed=client.claim(approval).digest)
        hang()
    with client.execute(approval) as grant:
        with ledger.open("a") as file:
            file.write(f"{grant.idempotency_key}\n")
        say(started=grant.idempotency_key)
        if stage == "started":
            hang()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
