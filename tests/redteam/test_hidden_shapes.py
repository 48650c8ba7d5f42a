"""Signed bodies of odd shape: null where a text belongs, lists where objects do, keys that are missing. Never a 5xx."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.agent import Json
from support.office import Office

CHOICES = [{"id": "blue", "label": "The blue one"}, {"id": "red", "label": "The red one"}]
Path_ = tuple[str | int, ...]


class Recorded:
    """A server, its recorded deliveries, and the requests that must stay as they are."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.asked = [
            office.agent.refund(),
            office.agent.ask("change_thing", {"thing": "door"}, kind="choose", choices=CHOICES, question="Which?"),
            office.agent.ask("change_thing", {"thing": "door"}, kind="input", question="Which?"),
            office.agent.ask("change_thing", {"thing": "door", "api_key": "ghp_" + "a1B2c3D4" * 5}),
        ]
        self.bodies = list(_acts(office, self.asked))

    def states(self) -> list[str]:
        return [self.office.agent.see(found)["state"] for found in self.asked]


def _acts(office: Office, asked: list[Json]) -> Iterator[Json]:
    """What Slack sends of acts that decide nothing: taps, forms with something wrong, a closed one, the home tab."""
    begun = len(office.slack.deliveries)
    person = office.person("U0ALICE")
    for found in asked:
        card = office.card(found)
        for verb in ("details", "reject", "edit", "choose", "answer", "request_info", "show_hidden"):
            if card.has(verb):
                modal = person.click(card, verb).modal
                if modal.callback_id in ("reject_modal", "request_info_modal", "answer_modal"):
                    person.submit(modal, force=True)
                person.close(everything=True)
    person.open_home()
    for answer in office.slack.deliveries[begun:]:
        content = answer.sent.body.decode()
        yield json.loads(parse_qs(content)["payload"][0]) if content.startswith("payload=") else json.loads(content)


@pytest.fixture(scope="module")
def recorded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """One server for all of them: nothing may come of any."""
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "sayso.db").write_bytes(sqlite_template.read_bytes())
    office = Office(f"sqlite:///{folder / 'sayso.db'}", folder)
    office.open()
    yield Recorded(office)
    office.close()


def places(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Every place in a JSON value."""
    yield at
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*at, key))


def changed(body: Json, at: Path_, value: Any) -> Any:
    """The body with something else in one place; `...` takes it out."""
    if not at:
        return value
    made = copy.deepcopy(body)
    node: Any = made
    for key in at[:-1]:
        node = node[key]
    if value is ...:
        del node[at[-1]]
    else:
        node[at[-1]] = value
    return made


DEEP: Any = "x"
for _ in range(40):
    DEEP = {"x": [DEEP]}
ODD = [
    None,
    [],
    {},
    "",
    0,
    -1,
    1.5,
    True,
    "x",
    "\0",
    "|",
    "a|b|c",
    ",|,",
    "x" * 5000,
    [None],
    [[]],
    {"id": None},
    {"x": {}},
    DEEP,
    ...,
]
ODD_TEXTS = [
    "[" * 3000,
    "{" * 3000,
    '{"approval_id": 7}',
    '{"approval_id": null, "page": {}}',
    "null",
    "[]",
    '"x"',
    "\u202e",
    "9" * 400,
]


def refused_or_answered(recorded: Recorded, body: Any) -> None:
    status, answer = recorded.office.slack.send_signed(
        body if isinstance(body, dict) else f"payload={json.dumps(body)}"
    )
    assert status < 500, (body, answer)


def test_every_place_of_every_body_may_be_null_or_missing(recorded: Recorded) -> None:
    """One place at a time: null, gone, a list or an object in the place of whatever Slack sends there."""
    seen: set[tuple[Any, ...]] = set()
    for body in recorded.bodies:
        kind = (body.get("type"), *[action.get("action_id") for action in body.get("actions", [])])
        for at in places(body):
            shape = (*kind, *(key if isinstance(key, str) else 0 for key in at))
            inside = any(key in ("blocks", "message") for key in at[:-1]) and len(at) > 4
            if shape in seen or inside or not at:
                continue
            seen.add(shape)
            for odd in (None, ..., [], {"x": None}):
                refused_or_answered(recorded, changed(body, at, odd))
    assert set(recorded.states()) == {"pending"}


@settings(max_examples=300)
@given(data=st.data())
def test_odd_shapes_are_refused_and_no_accident(recorded: Recorded, data: st.DataObject) -> None:
    """Up to three places of a real body hold anything at all: it is refused or answered."""
    body: Any = data.draw(st.sampled_from(recorded.bodies))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(list(places(body))))
        if at:
            body = changed(body, at, data.draw(st.sampled_from([*ODD, *ODD_TEXTS])))
    refused_or_answered(recorded, body)  # a form that becomes a good one may decide


@settings(max_examples=100)
@given(fields=st.dictionaries(st.sampled_from(["command", "text", "user_id", "team_id", "x"]), st.text(max_size=30)))
def test_commands_of_odd_fields_are_no_accident(recorded: Recorded, fields: dict[str, str]) -> None:
    """A slash command with any fields is refused or answered."""
    from urllib.parse import urlencode

    named = {"command": "/sayso", **fields}
    text = urlencode({name: value.encode("utf-8", "ignore") for name, value in named.items()})
    assert recorded.office.slack.send_signed(text)[0] < 500


@pytest.mark.parametrize(
    "action_id", ["approve", "reject", "edit", "details", "show_hidden", "batch_approve", "batch_reject", "away_toggle"]
)
@pytest.mark.parametrize("value", [None, 7, [], {}, "", "|", "\0|\0", "x" * 9000, ",,,", "a|b,c"])
def test_a_button_may_carry_anything(recorded: Recorded, action_id: str, value: Any) -> None:
    """Whatever a signed button carries, somebody who taps it gets an answer, and nothing is decided."""
    before = recorded.states()
    tap = next(body for body in recorded.bodies if body["type"] == "block_actions")
    body = copy.deepcopy(tap)
    body["actions"] = [{**body["actions"][0], "action_id": action_id, "value": value}]
    refused_or_answered(recorded, body)
    assert recorded.states() == before
