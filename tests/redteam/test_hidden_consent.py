"""Somebody tries to say yes to what a card hides from them, or to read what they may not; every path asks the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.agent import Json
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

from playground import payloads

SECRET = "ghp_" + "a1B2c3D4" * 5
OTHER = "AKIA" + "A1B2C3D4E5F6G7H8"


def asked(office: Office, action: str = "change_thing", **body: Any) -> Json:
    """A request whose card hides a token."""
    return office.agent.ask(action, {"thing": "door", "api_key": SECRET}, **body)


def forged(office: Office, user: str, approval: Json, callback_id: str, **inputs: str) -> tuple[int, Any]:
    """A form that was never opened, sent as Slack would sign it."""
    now = office.agent.see(approval)
    values = {
        name.replace("__", ":"): {"x": {"type": "plain_text_input", "value": text}} for name, text in inputs.items()
    }
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": json.dumps({"approval_id": now["id"], "digest": now["digest"]}),
        "blocks": [{"type": "input", "block_id": name} for name in values],
        "state": {"values": values},
    }
    payload = payloads.envelope(office.slack.workspace, "view_submission", user) | {"view": view}
    return office.slack.send_signed(payload)


def pending(office: Office, approval: Json) -> bool:
    return bool(office.agent.see(approval)["state"] == "pending")


def test_approve_opens_what_is_hidden_first(office: Office) -> None:
    """A tap on Approve shows the reviewer what the card hides; only then the next one decides. The look is on record."""
    found = asked(office)
    card = office.card(found)
    assert SECRET not in card.source()
    assert "1 value is hidden" in card.text()
    modal = office.person("U0ALICE").click(card, "approve").modal
    assert modal.callback_id == "show_hidden_modal"
    assert f'api_key: "{SECRET}"' in modal.text()
    assert pending(office, found)
    office.person("U0ALICE").click(modal, "approve")
    assert office.agent.see(found)["decision"]["by"] == "U0ALICE"
    looks = [line for line in office.trail(found) if line["decision"] == "show_hidden"]
    assert [(line["event"], line["actor"], line["hidden"]) for line in looks] == [
        ("gate_presented", "U0ALICE", ["api_key"])
    ]
    office.intact()


def test_show_hidden_and_then_approve(office: Office) -> None:
    """Show hidden stands on the card; after it Approve decides at once."""
    found = asked(office)
    card = office.card(found)
    modal = office.person("U0BOB").click(card, "show_hidden").modal
    assert SECRET in modal.text()
    office.person("U0BOB").close(everything=True)
    office.person("U0BOB").click(card, "approve")
    assert office.agent.see(found)["state"] == "approved"


FORMS: list[tuple[str, dict[str, str]]] = [
    ("approve_modal", {}),
    ("edit_modal", {"param__thing": "window"}),
    ("choose_modal", {"choose": "red"}),
    ("answer_modal", {"answer": "Green"}),
]
CHOICES = [{"id": "blue", "label": "The blue one"}, {"id": "red", "label": "The red one"}]
KINDS: dict[str, Json] = {
    "choose_modal": {"kind": "choose", "choices": CHOICES, "question": "Which?"},
    "answer_modal": {"kind": "input", "question": "Which colour?"},
}


@on_sqlite
@pytest.mark.parametrize(("form", "inputs"), FORMS)
def test_no_form_goes_around_it(office: Office, form: str, inputs: dict[str, str]) -> None:
    """A form that says yes is refused to somebody who was not shown what is hidden, be it opened before or forged."""
    found = asked(office, **KINDS.get(form, {}))
    for user in ("U0ALICE", "U0BOB"):
        status, body = forged(office, user, found, form, **inputs)
        assert status == 200
        assert "Show hidden" in json.dumps(body, ensure_ascii=False)
        assert SECRET not in json.dumps(body)
        assert pending(office, found)
    office.person("U0BOB").click(office.card(found), "show_hidden")
    forged(office, "U0ALICE", found, form, **inputs)
    assert pending(office, found), "what Bob was shown Alice was not"
    forged(office, "U0BOB", found, form, **inputs)
    assert not pending(office, found)


@on_sqlite
@pytest.mark.parametrize("form", ["choose_modal", "answer_modal", "edit_modal"])
def test_every_button_that_leads_to_a_yes_shows_it_first(office: Office, form: str) -> None:
    """Edit, Choose and Answer open what is hidden, not their form, until it was shown."""
    found = asked(office, **KINDS.get(form, {}))
    card = office.card(found)
    verb = {"choose_modal": "choose:red", "answer_modal": "answer", "edit_modal": "edit"}[form]
    verb = verb if card.has(verb) else "choose"
    assert office.person("U0ALICE").click(card, verb).modal.callback_id == "show_hidden_modal"
    assert pending(office, found)
    office.person("U0ALICE").close(everything=True)
    office.person("U0ALICE").click(card, verb)
    if pending(office, found):
        office.person("U0ALICE").expect_modal(form)


@on_sqlite
@pytest.mark.parametrize("user", ["U0CAROL", "U0ADMIN", "U0GUEST", "U0GONE", "U0STRANGER", "U0SAYSO"])
def test_who_may_not_decide_is_shown_nothing(office: Office, user: str) -> None:
    """Others are refused in words, nothing is shown to them anywhere, and the attempt is on record."""
    found = asked(office)
    card = office.card(found)
    person = office.person(user)
    person.click(card, "show_hidden")
    told = person.expect_ephemeral()
    person.click(card, "details")
    shown = told.source() + "".join(modal.source() for modal in person.modals())
    assert SECRET not in shown
    assert [line["actor"] for line in office.trail(found) if line["event"] == "refused"] == [user]
    assert not any(
        line["decision"] == "show_hidden" and line["event"] == "gate_presented" for line in office.trail(found)
    )


@on_sqlite
def test_whom_it_is_for_is_shown_nothing(office: Office) -> None:
    """Not even to the person on whose behalf it is: they cannot decide it."""
    found = asked(office, on_behalf_of="alice@example.com")
    office.person("U0ALICE").click(office.card(found), "show_hidden")
    office.person("U0ALICE").expect_ephemeral("own behalf")
    assert not office.person("U0ALICE").modals()


@on_sqlite
def test_a_list_that_is_turned_by_somebody_else_shows_nothing(office: Office) -> None:
    """Another page of the hidden values is asked for by somebody who may not decide: refused like the first."""
    found = asked(office)
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "show_hidden_modal",
        "hash": "x",
        "private_metadata": json.dumps({"approval_id": found["id"], "digest": found["digest"], "page": 0}),
    }
    payload = payloads.envelope(office.slack.workspace, "block_actions", "U0CAROL") | {
        "container": {"type": "view", "view_id": "V1"},
        "view": view,
        "actions": [{"type": "button", "action_id": "details_page", "block_id": "b", "value": "0"}],
    }
    calls = len(office.slack.calls_to("views.update"))
    assert office.slack.send_signed(payload)[0] == 200
    office.until(lambda: "refused" in office.events(found), "the refusal is on record")
    office.until(lambda: len(office.slack.calls_to("views.update")) > calls, "the answer")
    assert SECRET not in json.dumps([call.args for call in office.slack.calls_to("views.update")], default=str)


def test_each_of_a_quorum_is_shown_it(office: Office) -> None:
    """Where two have to agree, each has to have it shown."""
    found = asked(office, "pay_twice")
    card = office.card(found)
    office.person("U0ALICE").click(card, "show_hidden")
    office.person("U0ALICE").click(card, "approve")
    office.person("U0BOB").click(card, "approve")
    assert pending(office, found)
    office.person("U0BOB").expect_modal("show_hidden_modal", contains=SECRET)
    office.person("U0BOB").click(card, "approve")
    assert office.agent.see(found)["state"] == "approved"


def test_it_is_remembered_on_every_server(office: Office) -> None:
    """What was shown is shown on any server and after a restart."""
    found = asked(office)
    office.person("U0ALICE").click(office.card(found), "show_hidden")
    office.server.stop()
    office.open()
    office.person("U0ALICE").click(office.card(found), "approve")
    assert office.agent.see(found)["state"] == "approved"


@on_sqlite
def test_other_parameters_are_shown_anew(office: Office) -> None:
    """After an edit that another has to confirm, what was shown before does not count any more."""
    found = asked(office, "pay_twice")
    card = office.card(found)
    for user in ("U0ALICE", "U0BOB"):
        office.person(user).click(card, "show_hidden")
        office.person(user).close(everything=True)
    form = office.person("U0ALICE").click(card, "edit").modal
    office.person("U0ALICE").submit(form.fill("param:thing", "window"))
    assert office.agent.see(found)["digest"] != found["digest"]
    card = office.slack.expect_card(approval_id=found["id"], contains="window", timeout=20)
    for user in ("U0BOB", "U0ALICE"):
        office.person(user).click(card, "approve")
        assert pending(office, found)
        office.person(user).expect_modal("show_hidden_modal", contains=SECRET)


@on_sqlite
def test_an_answer_that_hides_something_asks_for_another_look(office: Office) -> None:
    """An agent that is asked, and answers with a token, has changed what is hidden: it has to be shown again."""
    found = asked(office)
    card = office.card(found)
    person = office.person("U0ALICE")
    person.click(card, "show_hidden")
    person.close(everything=True)
    form = person.click(card, "request_info").modal
    person.submit(form.fill("question", "With which key?"))
    office.agent.answer(found, f"With {OTHER}")
    card = office.slack.expect_card(approval_id=found["id"], contains="2 values are hidden", timeout=20)
    person.click(card, "approve")
    assert pending(office, found)
    person.expect_modal("show_hidden_modal", contains=OTHER)


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        {"reason": f"Use {SECRET} for it"},
        {"risks": [f"{SECRET} may be old"]},
        {
            "kind": "choose",
            "question": "Which?",
            "choices": [{"id": "a", "label": SECRET}, {"id": "b", "label": OTHER}],
        },
        {"kind": "input", "question": f"Is {SECRET} right?"},
    ],
)
def test_what_is_hidden_in_words_counts_too(office: Office, body: Json) -> None:
    """A token in the reason, a risk, a candidate or the question is hidden, counted, and shown before a yes."""
    found = office.agent.ask("change_thing", {"thing": "door"}, **body)
    card = office.card(found)
    assert SECRET not in card.source()
    assert "hidden" in card.text()
    for form in ("approve_modal", "choose_modal", "answer_modal"):
        forged(office, "U0ALICE", found, form, choose="a", answer="Yes")
        assert pending(office, found)
    modal = office.person("U0ALICE").click(card, "show_hidden").modal
    assert SECRET in modal.text()


def test_what_the_manifest_hides_needs_no_look(closed_office: Office) -> None:
    """`redact` is the operator's word: counted, shown to who may decide, and no yes waits for it. `reveal` hides nothing."""
    office = closed_office
    change = PLAIN | {"redact": ["params.cards[*].number", "params.note"], "reveal": ["params.commit_token"]}
    office.manifest = write_manifest(office.folder, ACTIONS | {"change_thing": change})
    office.open()
    params = {
        "thing": "door",
        "cards": [{"number": "41-7", "holder": "Eve"}],
        "note": "rm -rf /",
        "commit_token": SECRET,
    }
    found = office.agent.ask("change_thing", params)
    card = office.card(found)
    assert "41-7" not in card.source()
    assert "rm -rf" not in card.source()
    assert SECRET in card.text()
    assert "2 values are hidden" in card.text()
    modal = office.person("U0BOB").click(card, "show_hidden").modal
    assert '"41-7"' in modal.text()
    assert '"rm -rf /"' in modal.text()
    office.person("U0ALICE").click(card, "approve")
    assert office.agent.see(found)["state"] == "approved"


@on_sqlite
def test_a_batch_never_holds_one_that_hides_something(closed_office: Office) -> None:
    """Of look-alikes the one that hides a token is on no shared screen, and a forged tap on several leaves it out."""
    office = closed_office
    tidy = PLAIN | {"severity": "low", "batch": True, "describe": "Tidy {{ params.what }}"}
    office.manifest = write_manifest(office.folder, ACTIONS | {"tidy": tidy})
    office.open()
    office.server.world.gather_seconds = 60.0
    plain = [office.agent.ask("tidy", {"what": f"room {number}"}) for number in range(2)]
    secret = office.agent.ask("tidy", {"what": "room 3", "api_key": SECRET})
    office.advance(61)
    office.server.world.signals.outbox_filled()
    card = office.card(plain[0], has="batch_approve", timeout=20)
    assert secret["id"] not in card.source()
    alone = office.card(secret)
    assert alone.has("show_hidden")
    value = ",".join(f"{one['id']}|{one['digest']}" for one in (*plain, secret))
    payload = payloads.envelope(office.slack.workspace, "block_actions", "U0ALICE") | {
        "container": {"type": "message", "message_ts": card.message.ts, "channel_id": card.message.channel},
        "actions": [{"type": "button", "action_id": "batch_approve", "block_id": "b", "value": value}],
    }
    assert office.slack.send_signed(payload)[0] == 200
    assert pending(office, secret)
    assert not pending(office, plain[0])


@on_sqlite
def test_no_list_and_no_message_tells_it(office: Office) -> None:
    """The sentence hides a token in `/sayso` answers, the home tab, notices and direct messages as it does on the card."""
    found = office.agent.ask("change_thing", {"thing": SECRET}, on_behalf_of="U0DAN")
    office.card(found)
    person = office.person(found["assignee"])
    for words in ("queue", "mine", f"show {found['id']}"):
        reply = person.command("/sayso", words).reply
        assert reply
        assert SECRET not in reply.source()
        assert found["id"] in reply.source()
    assert SECRET not in person.open_home().source()
    form = person.click(office.card(found), "reject").modal
    person.submit(form.fill("reason", f"{SECRET} is old"))
    office.person("U0DAN").expect_dm()
    office.slack.expect_card(approval_id=found["id"], contains="Rejected", timeout=20)
    assert SECRET not in "".join(message.source() for message in office.slack.all_messages())
    reply = office.person("U0ADMIN").command("/sayso", f"audit {found['id']}").reply
    assert reply
    assert SECRET not in reply.source()
