"""An agent in a process of its own: it asks and ends; the next process goes on and prints what it was told.

worker.py ask REQUESTS.json     asks each of them with a checkpoint, prints their ids, and ends
worker.py resume                goes on with what was left, answers questions, prints what it was told, one JSON line each
worker.py steps SESSION FOLDER  a step at a time under a session, each step kept on disk before the next
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sayso import Approval, Pending, Sayso, SessionCancelled

STEPS = 6


def say(**facts: Any) -> None:
    """One line for whoever listens."""
    print(json.dumps(facts), flush=True)


def ask(client: Sayso, path: str) -> None:
    """Ask everything in the file, each with a checkpoint that names it."""
    for number, body in enumerate(json.loads(Path(path).read_text(encoding="utf-8"))):
        checkpoint = {"workflow_id": "w-1", "step_index": number}
        made = client.ask(body.pop("action"), body.pop("params"), checkpoint=checkpoint, step=number, **body)
        say(asked=made.id)


def resume(client: Sayso) -> None:
    """Go on with each record, oldest first."""
    for record in client.resume():
        say(**told(client, record))


def told(client: Sayso, record: Pending) -> dict[str, Any]:
    """What became of it, and what was run where it was granted."""
    approval = record.approval
    facts: dict[str, Any] = {"id": approval.id, "step": record.checkpoint["step_index"]}
    if approval.info_request is not None:
        facts["question"] = str(approval.info_request)
        client.answer(approval, "It is order 7")
        approval = client.wait(approval, timeout=60)
    facts |= seen(approval)
    if approval.approved:
        with client.execute(approval) as grant:
            facts |= {"ran": grant.params, "edited": grant.edited, "choice": grant.choice, "answer": grant.answer}
    return facts


def seen(approval: Approval) -> dict[str, Any]:
    """The state and the words for the agent."""
    steps = approval.decision.human_steps if approval.decision else None
    return {"state": str(approval.state.value), "feedback": approval.feedback, "human_steps": steps}


def steps(client: Sayso, name: str, folder: Path) -> None:
    """Each step once, whatever happens to the process between two of them."""
    path = folder / "steps"
    session = client.session(name, "Six steps")
    say(started=True)
    done = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    try:
        for step in range(len(done), STEPS):
            session.checkpoint()
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{step}\n")
            say(did=step)
            sys.stdin.readline()  # the next step when somebody says so
    except SessionCancelled as stopped:
        say(cancelled=str(stopped))
        return
    say(finished=True)


def main(verb: str, *rest: str) -> None:
    """Do one of the three."""
    with Sayso() as client:
        if verb == "ask":
            ask(client, rest[0])
        elif verb == "resume":
            resume(client)
        else:
            steps(client, rest[0], Path(rest[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
