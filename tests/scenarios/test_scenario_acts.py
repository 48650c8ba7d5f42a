"""Every act of a person, through signed HTTP, and the agent's next process that goes on accordingly."""

from __future__ import annotations

import pytest
from support.acts import CHOICES, THING
from support.agent import Json
from support.marks import on_sqlite
from support.office import Office
from support.played import played

from playground.kit import Card, Modal


class Signed:
    """A person's hand, over signed HTTP."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def press(self, user: str, approval_id: str, action: str) -> None:
        assert self.office.person(user).click(self._card(approval_id, action), action).ok

    def fill(self, user: str, approval_id: str, action: str, values: dict[str, str]) -> None:
        form = self.office.form(user, self._card(approval_id, action), action)
        assert form.callback_id == f"{action}_modal"
        for name, value in values.items():
            form.fill(name, value)
        assert self.office.person(user).submit(form).ok

    def read(self, user: str, approval_id: str, action: str) -> str:
        return self.office.form(user, self._card(approval_id, action), action).text()

    def _card(self, approval_id: str, action: str) -> Card:
        return self.office.slack.expect_card(approval_id=approval_id, has=action, timeout=30)


def test_every_act_reaches_the_agents_next_process(office: Office) -> None:
    """One process asks and ends; whatever people do with each request, a second process is told and acts accordingly."""
    played(office, Signed(office))


FORMS: dict[str, Json] = {
    "reject": {"reason": "No"},
    "edit": {"param:amount_usd": "300"},
    "take_over": {},
    "escalate": {},
    "request_info": {"question": "Why?"},
}
QUESTIONS: dict[str, Json] = {
    "choose": THING | {"kind": "choose", "choices": CHOICES},
    "answer": THING | {"kind": "input", "question": "Which colour?"},
}


def test_what_is_stale_decides_nothing_and_says_how_things_are(office: Office) -> None:
    """For each act that decides: a form or a card from before somebody else's decision is refused with the present state shown."""
    for number, name in enumerate(("approve", *FORMS, *QUESTIONS)):
        asks = QUESTIONS.get(name)
        made = office.agent.ask(**asks) if asks else office.agent.refund(480, f"customer-{number}")
        card = office.card(made, timeout=30)
        form = _opened(office, card, name)
        veto = office.form("U0ALICE", card, "reject").fill("reason", "Decided elsewhere")
        assert office.person("U0ALICE").submit(veto).ok
        decided = office.agent.see(made)
        if form is not None:
            shown = office.person("U0BOB").submit(form, force=True).modal
            assert "Already rejected by @alice" in shown.text(), (name, shown.text())
            office.person("U0BOB").close(everything=True)
        office.person("U0BOB").click_stale(card, "choose:red" if name == "choose" else name)
        office.person("U0BOB").expect_ephemeral("Already rejected", timeout=20)
        assert office.agent.see(made) == decided, name
    office.intact()


def _opened(office: Office, card: Card, name: str) -> Modal | None:
    """The form of an act, filled in and not yet sent; None for what needs none."""
    if name in ("approve", "choose"):
        return None
    form = office.form("U0BOB", card, name)
    values = {"answer": "Green"} if name == "answer" else FORMS[name]
    for field, value in values.items():
        form.fill(field, value)
    return form


@on_sqlite
@pytest.mark.parametrize("name", ["approve", *FORMS])
def test_what_changed_meanwhile_decides_nothing(office: Office, name: str) -> None:
    """For each act: a form or card drawn before a colleague's riskier edit is refused, and the new parameters stand."""
    made = office.agent.refund(480)
    card = office.card(made)
    form = _opened(office, card, name)
    change = office.form("U0ALICE", card, "edit").fill("param:amount_usd", "900")
    assert office.person("U0ALICE").submit(change).ok
    waiting = office.agent.see(made)
    assert (waiting["state"], waiting["params"]["amount_usd"]) == ("pending", 900)
    if form is not None:
        shown = office.person("U0BOB").submit(form, force=True).modal
        assert "still waiting for a decision" in shown.text()
        assert "$900" in shown.text()
        office.person("U0BOB").close(everything=True)
    office.person("U0BOB").click_stale(card, name)
    office.person("U0BOB").expect_ephemeral("changed after your card", timeout=20)
    assert office.agent.see(made) == waiting
