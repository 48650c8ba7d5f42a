"""Tests of reviewers in an office: a manifest that plants, enough decisions to bring one about, and the one that came."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from policies.approval import Approval
from store import approvals, planting
from store.tables import approvals as rows
from support.agent import Json
from support.files import ACTIONS, write_manifest
from support.office import Office

ONE_IN = 10
TELL = "The order is of another customer, and it was paid back in May already."
PARAMS: Json = {"customer": "mallory@example.com", "amount_usd": 481}
BAD: Json = {"tell": TELL, "params": PARAMS, "reason": "The parcel arrived crushed."}
ACTION = "process_refund"
LONGEST = 2 * 3600 + 60  # seconds after the decision that brings one about


def planting_manifest(office: Office, *, on: bool = True, changes: Json | None = None, **section: Any) -> None:
    """Write a manifest that plants BAD among the refunds."""
    planted = {"one_in": ONE_IN, "requests": [BAD]} | section
    refund = ACTIONS[ACTION] | {"planted": planted} | (changes or {})
    write_manifest(office.folder, ACTIONS | {ACTION: refund}, planted=on)


def decide_some(office: Office, number: int = 2 * ONE_IN, who: str = "U0BOB") -> None:
    """Let the agent ask so often, and somebody say yes each time."""
    for at in range(number):
        made = office.agent.refund(300 + at, f"c{at}@example.com", reason="The parcel arrived crushed.")
        office.person(who).click(office.card(made), "approve")


def found(office: Office) -> list[Approval]:
    """Every test there is or was, the oldest first."""
    query = select(rows.c.id).where(planting.PLANTED).order_by(rows.c.created_at, rows.c.id)

    def work(unit: Any) -> list[Approval]:
        loaded = (approvals.load(unit, key) for key in unit.execute(query).scalars().all())
        return [one for one in loaded if one is not None]

    return office.database.read(work)


def planted(office: Office) -> Json:
    """Bring one about, and give it as its card's finder takes it."""
    decide_some(office)
    return planted_now(office)


def planted_now(office: Office) -> Json:
    """The newest one, after as long as it takes: it may be the turn of somebody who was tested of late."""
    office.advance(LONGEST)
    for _ in range(4):
        waiting = [one for one in found(office) if one.pending]
        if waiting:
            return {"id": waiting[-1].id, "assignee": waiting[-1].assignee}
        decide_some(office, 1)
        office.advance(1)
    raise AssertionError("no test came")
