"""A session's requests share a thread where they are more than two, and nobody misses one for it (docs/rules.md: D4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.files import ACTIONS, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

from playground.kit import Card

POST = "chat.postMessage"
SESSION = "case-118"
Json = dict[str, Any]


def asked(office: Office, thing: str, session: str = SESSION, action: str = "change_thing", **more: Any) -> Json:
    """One more request of the session, with its card in Slack."""
    made = office.agent.ask(action, {"thing": thing}, session_id=session, **more)
    office.card(made, timeout=20)
    return made


def seen(office: Office, card: Card) -> bool:
    """Whether it stands in the channel, or under a message that does."""
    heads = {one.ts for one in office.slack.messages("#finance") if one.thread_ts is None}
    return card.thread_ts is None or card.thread_ts in heads


def test_the_third_request_of_a_session_goes_under_its_first_card(office: Office) -> None:
    """Two cards stand in the channel; the third and fourth stand under the first, mention who is asked, and are decided there;
    another session and requests without one stay apart."""
    first, second, third, fourth = (asked(office, thing) for thing in ("one", "two", "three", "four"))
    cards = [office.card(made) for made in (first, second, third, fourth)]
    assert [card.thread_ts for card in cards] == [None, None, cards[0].ts, cards[0].ts]
    assert all("<@U0" in " ".join(card.mentions()) for card in cards[2:])
    assert not any(card.message.reply_broadcast for card in cards[2:]), "the mention is enough"
    other, alone = asked(office, "five", session="case-119"), office.agent.ask("change_thing", {"thing": "six"})
    assert office.card(other).thread_ts is None
    assert office.card(alone, timeout=20).thread_ts is None
    office.person(third["assignee"]).click(cards[2], "approve")
    assert office.agent.see(third)["state"] == "approved"
    office.slack.expect_update(cards[2], contains="Approved")
    office.intact()


@on_sqlite
def test_the_history_of_a_card_in_a_thread_stands_in_that_thread(office: Office) -> None:
    """A reminder of the third request stands beside its card, in the thread of the first: Slack knows no thread in a thread."""
    root = office.card(asked(office, "one"))
    asked(office, "two")
    third = asked(office, "three")
    office.card(third)
    office.advance(700)
    office.advance(1)
    found = office.until(
        lambda: [
            one
            for one in office.slack.messages("#finance")
            if "still waits for you" in one.text() and "three" in one.text()
        ],
        "the reminder",
    )
    assert [one.thread_ts for one in found] == [root.ts]


@on_sqlite
def test_who_is_asked_next_is_asked_in_the_channel_too(office: Office) -> None:
    """A card that was passed on stands in the thread and in the channel, and names the next reviewer."""
    root = office.card(asked(office, "one"))
    asked(office, "two")
    third = asked(office, "three")
    office.person(third["assignee"]).click(office.card(third), "request_info")
    office.person(third["assignee"]).close(everything=True)
    office.advance(1000)
    office.advance(1)
    moved = office.until(
        lambda: (
            [card for card in office.live_cards(third) if card.ts != office.card(third).ts]
            or [card for card in office.live_cards(third) if card.message.reply_broadcast]
        ),
        "the next card",
    )
    assert moved[-1].thread_ts == root.ts
    assert moved[-1].message.reply_broadcast
    assert office.agent.see(third)["assignee"] in " ".join(moved[-1].mentions())


@on_sqlite
def test_a_card_that_mentions_nobody_is_seen_in_the_channel(closed_office: Office) -> None:
    """In quiet hours nobody is mentioned: the card stands in the channel as well, or nobody would come across it."""
    office = closed_office
    night = {"timezone": "Europe/Berlin", "quiet": "20:00-08:00"}
    write_roster(office.folder, roles=ROSTER["roles"] | {"finance": {"members": ["U0ALICE"]}}, defaults=night)
    office.open()
    now = office.server.database.read(lambda unit: unit.now)
    office.advance((datetime(now.year + 1, 7, 7, 2, tzinfo=UTC) - now).total_seconds())
    for thing in ("one", "two"):
        asked(office, thing)
    third = office.card(asked(office, "three"))
    assert third.thread_ts is not None
    assert third.message.reply_broadcast


@on_sqlite
def test_a_card_that_others_may_join_is_seen_in_the_channel(closed_office: Office) -> None:
    """A rolling card in a thread stands in the channel too: requests of other sessions join it, and it is one card."""
    office = closed_office
    write_manifest(office.folder, ACTIONS | {"tidy": PLAIN | {"severity": "low", "batch": True}})
    office.open()
    for thing in ("one", "two"):
        asked(office, thing)
    third = asked(office, "three", action="tidy")
    rolling = office.card(third)
    assert rolling.thread_ts is not None
    assert rolling.message.reply_broadcast
    office.agent.ask("tidy", {"thing": "four"}, session_id="case-119")
    both = office.slack.expect_update(rolling, contains="four", timeout=20)
    assert both.has("batch_approve")
    office.person(third["assignee"]).click(both, "batch_approve")
    office.until(lambda: office.agent.see(third)["state"] == "approved", "both are decided")


@on_sqlite
@pytest.mark.parametrize("kind", ["server_error", "drop_before", "drop_after"])
def test_a_lost_post_in_a_thread_is_found_there(office: Office, kind: str) -> None:
    """A post whose outcome is unknown is looked for in its thread before it is sent again: never two cards."""
    root = office.card(asked(office, "one"))
    asked(office, "two")
    posts = len(office.slack.calls_to(POST))
    office.slack.faults.inject(POST, kind, times=1)  # type: ignore[arg-type]
    third = asked(office, "three")
    office.until(lambda: "gate_presented" in office.events(third), "the card is known")
    assert [card.thread_ts for card in office.slack.cards(approval_id=third["id"])] == [root.ts]
    assert len(office.slack.calls_to(POST)) - posts == (1 if kind == "drop_after" else 2)
    assert office.slack.calls_to("conversations.replies"), "it was looked for in the thread"


@on_sqlite
def test_nothing_goes_under_a_card_that_was_deleted(office: Office) -> None:
    """What goes under a deleted message is seen by nobody: later cards go elsewhere, and what still waited on the deleted one
    is posted anew."""
    first = asked(office, "one")
    asked(office, "two")
    root = office.card(first)
    with office.slack.workspace.changing():
        office.slack.workspace.delete_message(root.message)
    third = office.card(asked(office, "three"))
    assert third.thread_ts != root.ts
    assert seen(office, third)
    again = office.until(
        lambda: [card for card in office.slack.cards(approval_id=first["id"]) if card.ts != root.ts], "anew"
    )
    assert again[-1].has("approve")
    assert seen(office, again[-1])
    fourth = office.card(asked(office, "four"))
    assert fourth.thread_ts not in (None, root.ts)
    assert seen(office, fourth)


@on_sqlite
@pytest.mark.parametrize("word", ["thread_not_found", "cannot_reply_to_message"])
def test_a_thread_that_takes_no_reply_hides_no_card(office: Office, word: str) -> None:
    """Where Slack refuses the reply, the card stands elsewhere; once, and that thread is left alone."""
    first = office.card(asked(office, "one"))
    asked(office, "two")
    office.slack.faults.inject(POST, "error", times=1, error=word)
    for thing in ("three", "four"):
        card = office.card(asked(office, thing))
        assert card.thread_ts != first.ts
        assert seen(office, card)


@on_sqlite
def test_yesterdays_thread_is_not_taken_up_again(office: Office) -> None:
    """A card under one that scrolled away a day ago would be found by nobody: a session that goes on stands in the channel again."""
    for thing in ("one", "two"):
        asked(office, thing, action="hold_thing")
    office.advance(25 * 3600)
    assert office.card(asked(office, "three", action="hold_thing")).thread_ts is None
