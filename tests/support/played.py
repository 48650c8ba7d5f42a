"""The whole story of every act: asked by one process, acted on by people, gone on with by another."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from support.acts import ACTS, Hand, check
from support.office import Office
from support.workers import Worker

__all__ = ["played"]


def asked(office: Office) -> dict[str, str]:
    """A process asks for one of each and ends; the approval of each act."""
    path = office.folder / "requests.json"
    path.write_text(json.dumps([act.request(number) for number, act in enumerate(ACTS)]))
    said = Worker(office, "ask", str(path)).ended()
    return {act.name: one["asked"] for act, one in zip(ACTS, said, strict=True)}


def told(office: Office, made: dict[str, str], approve: Callable[[str], object]) -> dict[str, dict[str, Any]]:
    """What the agent's next process is told of each; the question is answered by it, then somebody approves."""
    worker = Worker(office, "resume")
    question = {"id": made["request_info"]}
    office.until(lambda: "info_answered" in office.events(question), "the agent answers", timeout=60)
    office.card(question, contains="It is order 7", has="approve", timeout=60)
    approve(made["request_info"])
    said = {one["id"]: one for one in worker.ended()}
    return {name: said[approval_id] for name, approval_id in made.items()}


def played(office: Office, hand: Hand) -> None:
    """The whole story: asked by one process, acted on by people, gone on with by another."""
    made = asked(office)
    for act in ACTS:
        act.play(hand, made[act.name])
    said = told(office, made, lambda approval_id: hand.press("U0BOB", approval_id, "approve"))
    for number, act in enumerate(ACTS):
        check(act, said[act.name])
        assert said[act.name]["step"] == number, "its own checkpoint came back"
    office.intact()
