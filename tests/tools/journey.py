"""A value's way: asked, shown on a card, opened in the edit form and sent back as it stands, approved, claimed."""

from __future__ import annotations

import json
from dataclasses import dataclass

import yaml
from support.agent import Json
from support.office import Office

from policies.drafting import writing
from policies.drafting.draft import Draft

REVIEWER = "U0ALICE"
PAGES = 200


@dataclass(frozen=True)
class Way:
    """What became of a value: `claimed` to the byte or not, and whether the edit `form` gave it back as it was."""

    claimed: bool
    form: str
    """same, changed, refused or none"""
    told: str = ""


def manifest(drafts: dict[str, Draft]) -> str:
    """One manifest of many drafts, in which a person of the office is asked about everything."""
    actions: Json = {}
    for made in drafts.values():
        for name, action in yaml.safe_load(made.text)["actions"].items():
            actions[name] = action | {"approval_required": True, "required_role": "finance", "channel": "#finance"}
    limits = {"creates_per_minute": 1_000_000, "pending": 1_000_000}
    # Of an irreversible action one person may change nothing alone, which is not what is tried here.
    for action in actions.values():
        action["reversibility"] = "partially_reversible"
    document = {"version": 1, "defaults": {"limits": limits}, "actions": actions}
    return writing.block(document, 0)


def walk(office: Office, action: str, params: Json) -> Way:
    """Ask, open the form, send it back untouched, approve, claim."""
    approval = office.agent.ask(action, params)
    assert approval["state"] == "pending", f"{approval['state']}: {approval['why']}"
    form, told = _form(office, approval)
    if office.agent.see(approval)["state"] == "pending":
        _approve(office, approval)
    claimed = office.agent.claim(approval)["params"]
    return Way(_bytes(claimed) == _bytes(params), form, told or f"{claimed!r:.300} of {params!r:.300}")


def _bytes(params: Json) -> str:
    """As the digest reads them: an object has no order of its own."""
    return json.dumps(params, sort_keys=True)


def _form(office: Office, approval: Json) -> tuple[str, str]:
    person, card = office.person(REVIEWER), office.card(approval)
    if not card.has("edit"):
        return "none", "the card offers no edit"
    modal = person.click(card, "edit").modal
    if not modal.fields:
        person.close(True)
        return "none", "the form has no field for it"
    sent = person.submit(modal)
    person.close(True)
    if not sent.errors:
        after = office.agent.see(approval)
        return "changed", f"{approval['params']!r:.300} became {after['params']!r:.300}"
    told = str(sent.errors)
    return ("same", "") if "nothing was changed" in told else ("refused", told[:300])


def _approve(office: Office, approval: Json) -> None:
    """Approve, through the full view where it comes first."""
    person = office.person(REVIEWER)
    person.click(office.card(approval), "approve")
    if office.agent.see(approval)["state"] != "pending":
        return
    form = person.expect_modal()
    for _ in range(PAGES):
        if "Next page" not in form.buttons():
            break
        form = person.click(form, "Next page").modal
    sent = person.submit(form)
    assert sent.ok, sent.errors
    person.close(True)
