"""A reply in a thread counts for its writer alone, as it was shown, on what it was written for, once, and only when confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office

from bot.acts.written import order_of
from bot.render.line_diff import TextChange
from bot.slack.typed_message import typed
from playground.kit import Card
from playground.payloads import event_callback

Json = dict[str, Any]
ITEMS = [{"sku": f"A-{number}", "count": number} for number in range(200)]
SCHEMA = {
    "type": "object",
    "properties": {"thing": {"type": "string"}, "items": {"type": "array"}, "total_usd": {"type": "number"}},
}
SEND = PLAIN | {"describe": "Send {{ params.thing }}", "params_schema": SCHEMA, "amount": "params.items[*].count"}
DENY = {"when": "params.items.size() == 1", "then": "deny", "reason": "never one alone"}


@pytest.fixture
def house(closed_office: Office) -> Office:
    """An office whose policy refuses a list of one."""
    write_manifest(closed_office.folder, ACTIONS | {"send": SEND | {"rules": [DENY], "amount": None}})
    closed_office.open()
    return closed_office


@pytest.fixture
def case(house: Office) -> tuple[Office, Json, Card]:
    """A request with a list that no form holds."""
    made = house.agent.ask("send", {"thing": "door", "items": ITEMS})
    return house, made, house.card(made, timeout=8)


def written(items: Any) -> str:
    return f"edit items\n{json.dumps(items)}"


def reply(office: Office, user: str, card: Card, items: Any) -> Card:
    """What a reviewer wrote, as they were shown it."""
    before = len(changes(office, user))
    office.person(user).post("#finance", written(items), thread_ts=card.ts)
    return office.until(lambda: changes(office, user)[before:], "the change is shown", 8)[-1]


def changes(office: Office, user: str) -> list[Card]:
    kept = [one for entries in office.slack.workspace.messages.values() for one in entries]
    mine = [one for one in kept if one.ephemeral_to == user and "Your change to" in str(one.blocks)]
    return [Card(office.slack, one) for one in sorted(mine, key=lambda one: float(one.ts))]


def told(office: Office, user: str, words: str) -> None:
    """That the person hears these words."""
    kept = office.slack.workspace.messages

    def found() -> bool:
        return any(words in one.text for entries in list(kept.values()) for one in entries if one.ephemeral_to == user)

    office.until(found, words, 8)


def refused(office: Office, act: Callable[[], object]) -> None:
    """What Alice does is answered with one more refusal."""
    kept = office.slack.workspace.messages

    def count() -> int:
        said = [one.text for entries in list(kept.values()) for one in entries if one.ephemeral_to == "U0ALICE"]
        return sum("That reply no longer counts" in text for text in said)

    before = count()
    act()
    office.until(lambda: count() == before + 1, "it is refused", 8)


def button(change: Card, begins: str = "edit:") -> str:
    found = [item for block in change.blocks for item in block.get("elements", []) if "action_id" in item]
    return next(str(item["action_id"]) for item in found if item["action_id"].startswith(begins))


def at_the_end(office: Office, user: str, form: Any) -> Any:
    """The form at its last page, where it can be sent."""
    person = office.person(user)
    for _ in range(30):
        turns = [
            item for block in form.blocks for item in block.get("elements", []) if "Next page" in str(item.get("text"))
        ]
        if not turns:
            return form
        person.click(form, "details_page", turns[0]["value"])
        form = person.expect_modal(timeout=8)
    return form


def pending(office: Office, made: Json) -> bool:
    seen = office.agent.see(made)
    return bool(seen["state"] == "pending" and seen["params"]["items"] == ITEMS)


@on_sqlite
def test_who_may_not_decide_changes_nothing_by_a_reply(case: tuple[Office, Json, Card]) -> None:
    """Somebody without the role is refused, and a bot is not heard."""
    office, made, card = case
    office.person("U0DAN").post("#finance", written(ITEMS[:2]), thread_ts=card.ts)
    told(office, "U0DAN", "Only members of finance can decide this")
    assert changes(office, "U0DAN") == []
    event = {"type": "message", "user": "U0ALICE", "bot_id": "B1", "text": written(ITEMS[:2]), "thread_ts": card.ts}
    deliver(office, event | {"ts": "1.1", "channel": card.channel})
    deliver(office, {**event, "bot_id": None, "subtype": "bot_message", "ts": "1.2", "channel": card.channel})
    assert changes(office, "U0ALICE") == []
    assert pending(office, made)


def deliver(office: Office, event: Json) -> None:
    """An event as Slack would send it."""
    office.slack.run(office.slack.app.delivery.event(event_callback(office.slack.workspace, event)))


@on_sqlite
def test_a_reply_is_its_writers_alone(case: tuple[Office, Json, Card]) -> None:
    """Another reviewer, who may decide as well, can neither confirm nor discard it."""
    office, made, card = case
    change = reply(office, "U0ALICE", card, ITEMS[:2])
    for begins in ("edit:", "discard_reply:"):
        office.person("U0BOB").click(change, button(change, begins))
        told(office, "U0BOB", "That reply no longer counts")
    assert pending(office, made)
    assert office.person("U0ALICE").click(change, button(change)).modal is not None, "it is still there for its writer"


@on_sqlite
def test_what_is_changed_after_it_was_shown_does_not_count(case: tuple[Office, Json, Card]) -> None:
    """The message is rewritten after the change was shown: confirmed is what was shown, and nothing else is shown for it."""
    office, made, card = case
    person = office.person("U0ALICE")
    message = person.post("#finance", written(ITEMS[:2]), thread_ts=card.ts)
    change = office.until(lambda: changes(office, "U0ALICE"), "the change is shown", 8)[-1]
    person.rewrite(message, written(ITEMS[:3]))
    form = at_the_end(office, "U0ALICE", person.click(change, button(change)).modal)
    assert person.submit(form).ok
    assert office.agent.claim(made)["params"]["items"] == ITEMS[:2]
    assert len(changes(office, "U0ALICE")) == 1


@on_sqlite
def test_a_replay_is_shown_once(case: tuple[Office, Json, Card]) -> None:
    """Slack delivers the same message again: the change is not shown, and not kept, a second time."""
    office, _, card = case
    event = {"type": "message", "user": "U0ALICE", "text": written(ITEMS[:2]), "thread_ts": card.ts, "ts": "5.5"}
    for _ in range(3):
        deliver(office, event | {"channel": card.channel})
    office.until(lambda: changes(office, "U0ALICE"), "it is shown", 8)
    deliver(office, event | {"channel": card.channel, "text": written(ITEMS[:3])})
    reply(office, "U0BOB", card, ITEMS[:5])
    assert len(changes(office, "U0ALICE")) == 1


@on_sqlite
def test_only_the_newest_reply_of_a_person_counts(case: tuple[Office, Json, Card]) -> None:
    """An older change that stands in the thread still cannot be confirmed once there is a newer one."""
    office, made, card = case
    older, newer = reply(office, "U0ALICE", card, ITEMS[:2]), reply(office, "U0ALICE", card, ITEMS[:3])
    person = office.person("U0ALICE")
    person.click(older, button(older))
    told(office, "U0ALICE", "That reply no longer counts")
    form = at_the_end(office, "U0ALICE", person.click(newer, button(newer)).modal)
    assert person.submit(form).ok
    assert office.agent.claim(made)["params"]["items"] == ITEMS[:3]


@on_sqlite
def test_a_stale_version_is_not_confirmed(case: tuple[Office, Json, Card]) -> None:
    """Somebody else decides while the form of a reply is open: sent or tapped later, it changes nothing."""
    office, made, card = case
    change = reply(office, "U0ALICE", card, ITEMS[:2])
    form = at_the_end(office, "U0ALICE", office.person("U0ALICE").click(change, button(change)).modal)
    bob = office.person("U0BOB")
    reject = office.form("U0BOB", card, "reject").fill("reason", "no")
    bob.submit(reject)
    office.person("U0ALICE").submit(form)
    office.person("U0ALICE").close(everything=True)
    office.person("U0ALICE").click(change, button(change))
    assert office.agent.see(made)["state"] == "rejected"
    assert office.agent.see(made)["params"]["items"] == ITEMS
    office.intact()


@on_sqlite
def test_the_policy_judges_what_was_replied(case: tuple[Office, Json, Card]) -> None:
    """A change that policy denies is refused in the form, in words."""
    office, made, card = case
    change = reply(office, "U0ALICE", card, ITEMS[:1])
    person = office.person("U0ALICE")
    form = at_the_end(office, "U0ALICE", person.click(change, button(change)).modal)
    assert "never one alone" in str(person.submit(form).errors)
    assert pending(office, made)


@on_sqlite
def test_a_forged_key_is_nothing(case: tuple[Office, Json, Card]) -> None:
    """The key of another value, an unknown one, or one for another request opens no form and changes nothing."""
    office, made, card = case
    change = reply(office, "U0ALICE", card, ITEMS[:2])
    name, person = button(change), office.person("U0ALICE")
    reply_id, _, seal = name.removeprefix("edit:").partition(".")
    other = office.agent.ask("send", {"thing": "roof", "items": ITEMS})
    there = office.card(other, timeout=8)
    for key in (f"{reply_id}.{'0' * len(seal)}", f"rpl_0.{seal}", "x", f"{reply_id}."):
        with office.slack.workspace.changing():
            for block in change.message.blocks:
                for item in block.get("elements", []):
                    if str(item.get("action_id", "")).startswith("edit:"):
                        item["action_id"] = f"edit:{key}"
        refused(office, lambda key=key: person.click(change, f"edit:{key}"))  # type: ignore[misc]
    with office.slack.workspace.changing():
        for block in there.message.blocks:
            for item in block.get("elements", []):
                if item.get("action_id") == "approve":
                    item["action_id"] = name
    refused(office, lambda: person.click(there, name))
    assert pending(office, made)
    assert pending(office, other)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_message_is_read_without_an_error(text: str) -> None:
    """Whatever people write in a thread, it is an order by its first line or none at all."""
    found = order_of(typed(text))
    assert found is None or typed(text).lstrip().casefold().startswith("edit")


@given(
    st.lists(st.text(alphabet="ab \t", max_size=4), max_size=40),
    st.lists(st.text(alphabet="ab \t", max_size=4), max_size=40),
)
@settings(max_examples=300, deadline=None)
def test_a_change_shows_every_line_that_goes_or_comes(old: list[str], new: list[str]) -> None:
    """The lines with a minus are gone from the old text, those with a plus make the new one: with what stays and the count of
    what is left out, both texts have exactly their lines."""
    change = TextChange("x", "\n".join(old), "\n".join(new))
    shown = change.lines
    left_out = sum(int(line.split()[1]) for line in shown if line.startswith("…"))
    kept = sum(line.startswith(" ") for line in shown)
    assert sum(line.startswith("-") for line in shown) + kept + left_out == len(change.before.split("\n"))
    assert sum(line.startswith("+") for line in shown) + kept + left_out == len(change.after.split("\n"))
    assert (change.before == change.after) == (not any(line[0] in "-+" for line in shown))


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("edit a\n&lt;b&gt; &amp;amp;", "edit a\n<b> &amp;"),
        ("<https://example.com|example.com>", "example.com"),
        ("<https://example.com/a?b=1&amp;c=2>", "https://example.com/a?b=1&c=2"),
        ("<mailto:ann@example.com|ann@example.com>", "ann@example.com"),
        ("<https://evil.example|https://good.example>", "https://evil.example"),
        ("<#C0OPS|ops> <!here>", "#ops @here"),
        ("<@U0ALICE>", "<@U0ALICE>"),
    ],
)
def test_what_slack_makes_of_a_message_is_taken_apart(sent: str, meant: str) -> None:
    """Entities, links and channels are again what was typed; a link that says something else than its address is its address."""
    assert typed(sent) == meant
