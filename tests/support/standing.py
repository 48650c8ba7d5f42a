"""A standing approval in a test: an action that allows one, a reviewer who gives it, and what runs by it."""

from __future__ import annotations

from typing import Any

from playground.kit import Card, Modal
from playground.kit_people import Response
from support.agent import Agent, Json
from support.files import ACTIONS, PLAIN, write_manifest
from support.office import Office

BOUNDS: Json = {
    "max_seconds": 3600,
    "max_uses": 3,
    "max_total_usd": 200,
    "same": ["params.customer"],
    "scope": "session",
}
SHIPPING: Json = PLAIN | {
    "title": "Refund shipping",
    "describe": "Refund {{ params.amount_usd | usd }} of shipping to {{ params.customer }}",
    "amount": "params.amount_usd",
    "escalation_path": ["finance_lead"],
    "standing": BOUNDS,
}
PLAIN_LIKE: Json = PLAIN | {
    "standing": {"max_seconds": 3600, "max_uses": 50, "same": ["params.thing"], "scope": "agent"}
}
ANN = "ann@example.com"


def opened(office: Office, **shipping: Any) -> Office:
    """The office with the action `refund_shipping`, and `change_like`, which has no amount."""
    write_manifest(office.folder, ACTIONS | {"refund_shipping": SHIPPING | shipping, "change_like": PLAIN_LIKE})
    office.open()
    return office


def shipping(agent: Agent, amount: float = 12, customer: str = ANN, session: str | None = "s1", **body: Any) -> Json:
    """One request of the kind that a standing approval may cover."""
    params = {"customer": customer, "amount_usd": amount, **body.pop("params", {})}
    return agent.ask("refund_shipping", params, session_id=session, **body)


def form(office: Office, approval: Json, user: str = "U0ALICE") -> Modal:
    """The form, as that reviewer sees it."""
    return office.form(user, office.card(approval, has="approve_standing"), "approve_standing")


def give(office: Office, approval: Json, user: str = "U0ALICE", **values: str) -> Response:
    """Approve it and let the like run; `values` change what the form says."""
    sheet = form(office, approval, user)
    for name, value in values.items():
        sheet = sheet.fill(name, value)
    return office.person(user).submit(sheet)


def given(office: Office, user: str = "U0ALICE", **values: str) -> Json:
    """A standing approval that holds, given with a first request."""
    first = shipping(office.agent)
    assert give(office, first, user, **values).ok
    assert office.agent.see(first)["state"] == "approved"
    return first


def count(office: Office, contains: str = "Standing approval") -> Card:
    """The one message that counts."""
    return office.slack.expect_card(channel="#finance", contains=contains, has=None)


def by_standing(approval: Json) -> bool:
    """Whether it runs by a standing approval."""
    return approval["state"] == "approved" and "a standing approval of" in approval["why"][0]
