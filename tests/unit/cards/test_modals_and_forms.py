"""What people are asked in modals, and how their answers become values again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from bot.acts.registry import form
from bot.render import forms, modals
from bot.render.editing import editable
from bot.render.parameters import changes, value_text
from playground.blockkit import check_view
from policies.approval import Approval, Vote
from policies.files.policy import unknown
from policies.hidden import leaves_of
from tests.unit.cards.looking import buttons, everything, objects
from tests.unit.cards.samples import FULL_REQUEST, NOW, approval, read
from tests.unit.cards.test_cards import PARAMS, choices

ALL = [
    "details", "approve", "reject", "edit", "take_over", "hand_back", "request_info", "escalate", "choose", "answer", "undo",
]  # fmt: skip


def inputs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Input blocks by block_id."""
    return {item["block_id"]: item for item in view["blocks"] if item["type"] == "input"}


def as_left(view: dict[str, Any]) -> dict[str, Any]:
    """The state Slack would send if the person changed nothing."""
    values: dict[str, Any] = {}
    for block_id, block in inputs(view).items():
        element = block["element"]
        held = {
            "type": element["type"],
            "value": element.get("initial_value"),
            "selected_option": element.get("initial_option"),
        }
        values[block_id] = {element["action_id"]: held}
    return {"values": values}


def typed(view: dict[str, Any], **texts: str | None) -> dict[str, Any]:
    """The state after somebody wrote `texts` into the inputs of those parameters (or blocks)."""
    state = as_left(view)
    for name, text in texts.items():
        block_id = name if name in state["values"] else f"param:{name}"
        for element in state["values"][block_id].values():
            option = element["type"] in ("static_select", "radio_buttons")
            element.update({"selected_option": {"value": text}} if option else {"value": text})
    return state


def edited(found: Approval, **texts: str | None) -> dict[str, Any]:
    """The parameters after an edit."""
    return forms.read_edit(found, typed(form("edit", found), **texts))


@pytest.mark.parametrize("word", ALL)
def test_modals_are_what_slack_takes(word: str) -> None:
    """Every modal keeps Slack's limits, has its callback id, and remembers approval, digest and card."""
    found = approval(request={**FULL_REQUEST, **(choices(3) if word == "choose" else {})})
    view = form(word, found, channel="C1", ts="12.5")
    assert check_view(view) == []
    assert view["callback_id"] == f"{word}_modal"
    noted = modals.read_metadata(view)
    assert (noted["approval_id"], noted["digest"], noted["channel"], noted["ts"]) == (
        found.id,
        found.digest,
        "C1",
        "12.5",
    )
    assert "Refund $4,800 to alice@x.com" in everything(view)


def test_small_modals_are_what_slack_takes() -> None:
    """A notice and the loading view keep Slack's limits, and a notice says how things stand."""
    view = modals.notice_modal("Not for you", "Only <finance> may", approval())
    assert check_view(view) == []
    assert "Only &lt;finance&gt; may" in everything(view)
    assert check_view(modals.loading_modal()) == []
    assert modals.read_metadata({"private_metadata": "nonsense"}) == {}


def test_details_hold_everything() -> None:
    """Details show every leaf, every word of the agent and every vote, over as many pages as it takes."""
    params = {f"k{index}": f"value {index} " + "x" * 180 for index in range(1000)}
    found = approval(params, request={**FULL_REQUEST, "reason": "why " * 1900}, votes=(Vote("U0BOB", "finance", NOW),))
    shown, page, pages = "", 0, 1
    while page < pages:
        view = form("details", found, page=page)
        assert check_view(view) == []
        shown += everything(view) + "\n"
        pages += int(any(item.get("block_id") == "next_page" for item in view["blocks"]))
        page += 1
    assert pages > 1
    joined = shown.replace("\n  ┊ ", "")
    for name, value in params.items():
        assert f'{name}: "{value}"' in joined
    assert shown.count("why why") > 900
    assert "<@U0BOB>" in shown


def test_pages_turn() -> None:
    """The page buttons carry the page they lead to, in both kinds of full view."""
    found = approval({f"k{index}": "x" * 250 for index in range(1000)})
    first = form("approve", found, channel="C1", ts="1.5")
    assert "submit" not in first
    assert buttons(first)["details_page"]["value"] == "1"
    second = form("approve", found, channel="C1", ts="1.5", page=1)
    assert modals.read_metadata(second) == {**modals.read_metadata(first), "page": 1}
    assert second["callback_id"] == "approve_modal"


def test_approve_stands_after_everything() -> None:
    """The review can be submitted on its last page only."""
    found = approval({f"k{index}": "x" * 250 for index in range(1000)})
    views = [form("approve", found, page=page) for page in range(9)]
    last = next(index for index, view in enumerate(views) if "submit" in view)
    assert last > 0
    assert views[last]["submit"]["text"] == "Approve"
    assert all("submit" not in view for view in views[:last])


@pytest.mark.parametrize(
    "text, right",
    [("250000", True), ("$250,000", True), ("250,000.00", True), ("25000", False), ("", False), ("x", False)],
)
def test_the_amount_has_to_be_typed(text: str, right: bool) -> None:
    """A large amount is approved only by typing it; other spellings of the same amount count."""
    found = approval({"customer": "a", "amount_usd": 250_000})
    view = form("approve", found)
    state = typed(view, amount=text or None, note="ok")
    if right:
        assert read("approve", state, found) == "ok"
    else:
        with pytest.raises(forms.FormErrors) as raised:
            read("approve", state, found)
        assert set(raised.value.errors) == {"amount"}


def test_no_amount_is_asked_below_the_threshold() -> None:
    """Below the threshold the review has no amount and a note is optional."""
    view = form("approve", approval())
    assert "amount" not in inputs(view)
    assert read("approve", as_left(view), approval()) is None


def test_an_edited_amount_has_to_be_typed_too() -> None:
    """Editing is no way around the threshold: the new amount is confirmed, a small one is not."""
    found = approval()
    with pytest.raises(forms.FormErrors) as raised:
        edited(found, amount_usd="150000")
    assert set(raised.value.errors) == {"amount"}
    assert edited(found, amount_usd="150000", amount="$150,000")["amount_usd"] == 150_000
    assert edited(found, amount_usd="10")["amount_usd"] == 10


@pytest.mark.parametrize(
    "word, more",
    [("approve", {}), ("edit", {}), ("choose", choices(3)), ("answer", {"kind": "input", "question": "What?"})],
)
def test_no_way_around_the_full_view(word: str, more: dict[str, Any]) -> None:
    """Whatever decides on parameters that did not fit the card shows all of them before it can be submitted."""
    found = approval({f"k{index}": "x" * 250 for index in range(1000)}, request=more)
    view = form(word, found, channel="C1", ts="1.5")
    assert "submit" not in view
    shown = everything(view)
    for page in range(1, 9):
        view = form(word, found, channel="C1", ts="1.5", page=page)
        assert check_view(view) == []
        shown += everything(view)
    assert "submit" in view
    assert all(f'k{index}: "' in shown for index in range(1000))


def test_a_rejection_needs_a_reason() -> None:
    """A common reason, words, or both; neither is told at the input."""
    view = form("reject", approval())
    assert read("reject", typed(view, reject_reason="done")) == "Already done"
    assert read("reject", typed(view, reason=" because ")) == "because"
    assert read("reject", typed(view, reject_reason="done", reason="see A-1")) == "Already done. see A-1"
    assert read("reject", {"values": {"reason": {"reason": {"value": "x"}}}}) == "x"
    with pytest.raises(forms.FormErrors) as raised:
        read("reject", typed(view, reason="  "))
    assert set(raised.value.errors) == {"reason"}


def test_handing_back_lists_the_steps() -> None:
    """Steps are read one a line, blank lines left out."""
    view = form("hand_back", approval())
    assert read("hand_back", typed(view, steps="called her\n\n paid \n", state="done")) == (
        ["called her", "paid"],
        "done",
    )
    with pytest.raises(forms.FormErrors):
        read("hand_back", as_left(view))


def test_a_choice_modal_offers_all() -> None:
    """All candidates are there with their ids, as radio buttons up to ten."""
    for count, kind in ((10, "radio_buttons"), (100, "static_select")):
        view = form("choose", approval(request=choices(count)))
        assert check_view(view) == []
        element = inputs(view)["choose"]["element"]
        assert element["type"] == kind
        assert [item["value"] for item in element["options"]] == [f"c{index}" for index in range(count)]


@settings(max_examples=60, deadline=None)
@given(params=PARAMS)
def test_an_edit_that_changes_nothing_changes_nothing(params: dict[str, Any]) -> None:
    """Submitting the form untouched gives the very same parameters, whatever they are."""
    found = approval(params, action="delete_branch")
    view = form("edit", found)
    assert check_view(view) == []
    assert json.dumps(forms.read_edit(found, as_left(view))) == json.dumps(params)


def test_inputs_have_the_schemas_types() -> None:
    """Numbers, enums, booleans, lists and objects are asked for as such, and what is absent but allowed can be added."""
    elements = {name: item["element"] for name, item in inputs(form("edit", approval())).items()}
    kinds = {name: element["type"] for name, element in elements.items()}
    assert kinds == {
        "param:customer": "plain_text_input",
        "param:amount_usd": "number_input",
        "param:order_id": "plain_text_input",
        "param:currency": "static_select",
        "param:notify": "static_select",
        "param:lines": "plain_text_input",
        "param:meta": "plain_text_input",
        "amount": "plain_text_input",
        "note": "plain_text_input",
    }
    assert {item["action_id"] for name, item in elements.items() if name.startswith("param:")} == {"edit_value"}
    assert elements["param:amount_usd"]["initial_value"] == "4800"


def test_edits_are_read_with_their_types() -> None:
    """Each kind of input becomes the JSON value it stands for."""
    result = edited(approval(), amount_usd="480", currency="1", notify="0", lines="[1, 2]", meta='{"a": null}')
    assert result == {
        "customer": "alice@x.com",
        "amount_usd": 480,
        "order_id": "A-1009",
        "currency": "EUR",
        "notify": True,
        "lines": [1, 2],
        "meta": {"a": None},
    }
    assert isinstance(result["amount_usd"], int)
    assert edited(approval(), amount_usd="480.5")["amount_usd"] == 480.5


def test_what_is_emptied_goes_away_or_is_empty() -> None:
    """An emptied text that the schema does not require is left out; where there is no schema it is an empty text."""
    assert edited(approval(), order_id=None) == {"customer": "alice@x.com", "amount_usd": 4800}
    assert edited(approval({"branch": "x"}, action="delete_branch"), branch=None) == {"branch": ""}


@pytest.mark.parametrize(
    "name, text",
    [("amount_usd", "x"), ("amount_usd", "-1"), ("amount_usd", "NaN"), ("amount_usd", None), ("currency", "7"), ("lines", "[1"),
     ("lines", "{}"), ("meta", '1, "other": 2'), ("meta", '{"a": 1, "a": 2}'), ("lines", "[NaN]"), ("customer", None)],
)  # fmt: skip
def test_faults_are_told_at_their_input(name: str, text: str | None) -> None:
    """What cannot be a value, or breaks the schema, is an error at the input it was written in."""
    with pytest.raises(forms.FormErrors) as raised:
        edited(approval(), **{name: text})
    assert list(raised.value.errors) == [f"param:{name}"]
    assert all(message for message in raised.value.errors.values())


def test_secrets_cannot_be_edited_and_stay() -> None:
    """A redacted parameter has no input, is not in the modal, and is the same after the edit."""
    params = {"customer": "a", "amount_usd": 5, "card_number": "4000056655665556", "password": "hunter2hunter2"}
    found = approval(params)
    view = form("edit", found)
    assert "param:card_number" not in inputs(view)
    assert "param:password" not in inputs(view)
    assert "hunter2" not in json.dumps(view)
    assert edited(found, amount_usd="6") == {**params, "amount_usd": 6}
    forged = typed(view, amount_usd="6")
    forged["values"]["param:password"] = {"edit_value": {"value": "mine"}}
    assert forms.read_edit(found, forged)["password"] == "hunter2hunter2"


def test_hidden_characters_are_edited_as_json() -> None:
    """A text that an input would not give back unchanged is offered as JSON, where its hidden characters are escapes."""
    found = approval({"branch": "a\u202eb"}, action="delete_branch")
    assert inputs(form("edit", found))["param:branch"]["element"]["initial_value"] == '"a\\u202eb"'
    assert edited(found, branch='"ab"') == {"branch": "ab"}


def test_many_and_long_parameters_stay_as_they_are() -> None:
    """What a modal cannot hold is not editable, is listed, and survives an edit of the others."""
    params = {f"k{index}": index for index in range(200)} | {"body": "x" * 50_000, "a": "b"}
    found = approval(params, action="delete_branch")
    view = form("edit", found)
    assert check_view(view) == []
    assert len(inputs(view)) == 61
    assert "Unchanged" in everything(view)
    result = forms.read_edit(found, typed(view, k0="7"))
    assert result == {**params, "k0": 7}


def test_changes_name_every_leaf_that_differs() -> None:
    """Before and after list changed, added and removed leaves with their types; secrets as fingerprints."""
    before = {"a": 1, "b": {"c": "x", "d": [1]}, "gone": None, "token": "a1b2c3d4e5f6"}
    after = {"a": "1", "b": {"c": "x", "d": [1, 2]}, "new": True, "token": "g7h8i9j0k1l2"}
    found = {str(change.path): (change.before, change.after) for change in changes(before, after)}
    assert list(found) == ["a", "gone", "token", "b.d[1]", "new"]
    assert found["a"] == ("1", '"1"')
    assert found["gone"] == ("null", None)
    assert found["new"] == (None, "true")
    assert "a1b2c3d4e5f6" not in str(found)


def test_the_edit_form_follows_the_frozen_policy() -> None:
    """Without a policy or schema the inputs follow the values at hand."""
    found = replace(approval({"n": 1, "t": "x", "b": True, "z": None, "l": []}), policy=unknown("pay"))
    reads = {item.name: item.reads for item in editable(found)}
    assert reads == {"n": "number", "t": "text", "b": "pick", "z": "json", "l": "json"}
    assert len(leaves_of(found)) == 5
    assert value_text(leaves_of(found)[2]) == "true"
    assert list(objects(form("edit", found)))
