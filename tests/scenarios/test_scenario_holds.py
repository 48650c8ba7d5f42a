"""Stop and pause are seen where people look: in the operations channel, on the cards they hold, and gone when they end."""

from __future__ import annotations

from typing import Any

from support.marks import on_sqlite
from support.office import Office

Json = dict[str, Any]


def said(office: Office, words: str) -> str:
    """What an admin is told after `/sayso words`."""
    reply = office.person("U0ADMIN").command("/sayso", words).reply
    assert reply is not None
    return reply.text()


def alerts(office: Office, channel: str) -> list[str]:
    """What stands in the operations channel."""
    return [message.text() for message in office.slack.all_messages() if message.channel == channel]


def test_a_stop_is_told_and_taken_back_in_one_message(office: Office) -> None:
    """Stop stands in operations and on what waits or may run; start says in the same message that it is over."""
    waiting = office.agent.refund(customer="w@example.com")
    granted = office.agent.refund(customer="g@example.com")
    cards = [office.card(waiting), office.card(granted)]
    office.person("U0ALICE").click(cards[1], "approve")
    office.slack.expect_update(cards[1], contains="Approved")
    said(office, "stop")
    for card in cards:
        office.slack.expect_update(card, contains="Everything is stopped by @admin")
    told = office.slack.expect_message(channel="#ops", contains="Everything is stopped by @admin")
    assert not told.mentions(), "nobody is called for it"
    office.agent.claim(granted, status=423)
    said(office, "start")
    for card in cards:
        office.until(lambda card=card: "stopped" not in office.slack.refresh(card).text(), "the card says so no more")
    office.until(lambda: "Started again by @admin" in office.slack.refresh(told).text(), "the same message is resolved")
    assert len([text for text in alerts(office, told.channel) if "top" in text or "tart" in text]) == 1
    assert office.agent.claim(granted)["params"]["customer"] == "g@example.com"


@on_sqlite
def test_a_pause_is_told_on_the_sessions_cards_alone(office: Office) -> None:
    """A paused session is announced once, its cards say so, and those of others do not; resuming resolves it in place."""
    office.agent.beat("night-shift", "Night shift")
    held = office.agent.refund(customer="h@example.com", session_id="night-shift")
    free = office.agent.refund(customer="f@example.com")
    card, other = office.card(held), office.card(free)
    said(office, "pause night-shift")
    office.slack.expect_update(card, contains="session is paused by @admin")
    told = office.slack.expect_message(channel="#ops", contains="Session night-shift is paused by @admin")
    assert "paused" not in office.slack.refresh(other).text()
    said(office, "pause night-shift")
    said(office, "resume night-shift")
    office.until(lambda: "was resumed by @admin" in office.slack.refresh(told).text(), "the same message is resolved")
    office.until(lambda: "paused" not in office.slack.refresh(card).text(), "the card says so no more")
    assert len([text for text in alerts(office, told.channel) if "night-shift" in text]) == 1
    said(office, "pause night-shift")
    office.until(
        lambda: len([text for text in alerts(office, told.channel) if "night-shift" in text]) == 2,
        "a new pause is told anew",
    )


@on_sqlite
def test_an_unknown_session_is_answered_with_those_that_run(office: Office) -> None:
    """Who mistypes a session reads which there are."""
    assert "No session is running now." in said(office, "pause night-shfit")
    office.agent.beat("night-shift", "Night shift")
    office.agent.beat("day-shift", "Day shift")
    assert "Running now: day-shift, night-shift." in said(office, "pause night-shfit")


@on_sqlite
def test_the_takeover_package_reads_as_sentences(office: Office) -> None:
    """Whoever takes over reads the agent's state in words, not as JSON."""
    state = {"order_id": "A-1009", "asked_customer": True, "tried": ["card", "voucher"], "owed": {"usd": 480}}
    refund = office.agent.refund(checkpoint=state)
    form = office.form("U0ALICE", office.card(refund), "take_over")
    assert office.person("U0ALICE").submit(form).ok
    told = office.slack.expect_message(channel="#ops", contains="Taken over").text()
    assert "order id: A-1009" in told
    assert "asked customer: yes" in told
    assert "tried: card and voucher" in told
    assert "owed: usd 480" in told
    assert "{" not in told
