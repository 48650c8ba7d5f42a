"""The page in a real browser: a card is clicked, a modal filled, and everything stays live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from tinybot import CARD, MODAL, TinyBot, text

from playground.kit import Playground

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Any, slack: Playground) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{slack.url}/?as=U0ALICE")
    page.get_by_test_id("composer").wait_for()
    yield page
    page.close()
    assert problems == []


def test_a_card_is_rejected_with_a_reason_on_the_page(
    slack: Playground, bot: TinyBot, client: WebClient, page: Any
) -> None:
    """A card appears live; Reject opens the modal; errors show under the input; sending updates the card in place."""

    def react(payload: dict) -> object:
        if payload["type"] == "block_actions":
            client.views_open(trigger_id=payload["trigger_id"], view=MODAL)
            return None
        if payload["view"]["state"]["values"]["why"]["reason"]["value"] == "no":
            return {"response_action": "errors", "errors": {"why": "Please say more"}}
        client.chat_update(channel="C0FINANCE", ts=slack.cards()[0].ts, text="x", blocks=CARD[:1])
        return None

    bot.react = react
    client.chat_postMessage(channel="#finance", text="x", blocks=CARD)
    page.get_by_test_id("channel-finance").get_by_test_id("badge").wait_for()
    page.get_by_test_id("channel-finance").click()
    page.locator('[data-action-id="reject"]').click()
    page.get_by_test_id("modal").wait_for()
    assert page.get_by_test_id("modal").get_attribute("data-callback-id") == "reject_modal"
    page.get_by_test_id("modal-submit").click()
    assert page.get_by_test_id("error-why").inner_text() == "Please complete this required field."
    page.get_by_test_id("action-reason").fill("no")
    page.get_by_test_id("modal-submit").click()
    page.get_by_text("Please say more").wait_for()
    assert page.get_by_test_id("action-reason").input_value() == "no"
    page.get_by_test_id("action-reason").fill("wrong person")
    page.get_by_test_id("modal-submit").click()
    page.get_by_test_id("modal").wait_for(state="detached")
    page.locator('[data-action-id="reject"]').wait_for(state="detached")
    page.get_by_text("(edited)").wait_for()


def test_a_confirm_dialog_stands_before_the_click(
    slack: Playground, bot: TinyBot, client: WebClient, page: Any
) -> None:
    """A button with a confirm sends nothing until confirmed, and Escape is a no."""
    dialog = {"title": text("Sure?"), "text": text("Really"), "confirm": text("Yes"), "deny": text("No")}
    button = {"type": "button", "text": text("Approve"), "action_id": "approve", "confirm": dialog}
    client.chat_postMessage(channel="#approvals", text="x", blocks=[{"type": "actions", "elements": [button]}])
    page.locator('[data-action-id="approve"]').click()
    page.keyboard.press("Escape")
    page.get_by_test_id("confirm").wait_for(state="detached")
    page.locator('[data-action-id="approve"]').click()
    page.get_by_test_id("confirm-ok").click()
    slack.expect(lambda: slack.deliveries, 5, "the click is sent")
    assert len(slack.deliveries) == 1


def test_markup_from_outside_is_only_text(slack: Playground, client: WebClient, page: Any) -> None:
    """HTML in a message is shown as text, an injected mention as a live pill, a javascript: link not as a link."""
    hostile = "<img src=x onerror=alert(1)> &lt;b&gt;x&lt;/b&gt; <!channel> <javascript:alert(1)|click>"
    client.chat_postMessage(channel="#approvals", text=hostile)
    message = page.get_by_test_id("message")
    message.wait_for()
    assert message.locator("img, b, a").count() == 0
    assert message.get_by_test_id("mention").first.get_attribute("data-mention") == "!channel"
    assert "<b>x</b>" in message.inner_text()


def test_a_slow_bot_gives_a_toast(slack: Playground, bot: TinyBot, client: WebClient, page: Any) -> None:
    """When the bot does not answer in time the page says so."""
    bot.delay = 0.8
    client.chat_postMessage(channel="#approvals", text="x", blocks=CARD)
    page.locator('[data-action-id="approve"]').click()
    page.get_by_test_id("toast").wait_for()
    assert "did not answer within" in page.get_by_test_id("toast").inner_text()


def test_another_person_sees_another_screen(slack: Playground, client: WebClient, page: Any) -> None:
    """Switching the person hides the first one's ephemerals and opens the second one's modals."""
    client.chat_postEphemeral(channel="#approvals", user="U0ALICE", text="psst Alice")
    page.get_by_text("psst Alice").wait_for()
    slack.workspace.open_modal("U0BOB", {**MODAL, "blocks": []})
    page.get_by_test_id("person-switcher").click()
    page.get_by_test_id("person-U0BOB").click()
    page.get_by_test_id("modal").wait_for()
    assert page.get_by_text("psst Alice").count() == 0


def test_commands_and_home_from_the_page(slack: Playground, bot: TinyBot, client: WebClient, page: Any) -> None:
    """A slash command typed into the composer is answered only to its author; the home tab opens on a click."""
    home = {"type": "home", "blocks": [{"type": "header", "text": text("Your queue")}]}

    def react(payload: dict) -> object:
        if payload.get("command"):
            return f"asked {payload['text']}"
        client.views_publish(user_id="U0ALICE", view=home)
        return None

    bot.react = react
    page.get_by_test_id("composer").fill("/sayso queue")
    page.keyboard.press("Enter")
    page.locator('[data-ephemeral="true"]', has_text="asked queue").wait_for()
    page.get_by_test_id("app-home").click()
    page.get_by_test_id("home").get_by_text("Your queue").wait_for()


def test_the_page_fits_a_phone(slack: Playground, client: WebClient, browser: Any) -> None:
    """At 390 px nothing is wider than the screen, and the sidebar opens from a button."""
    client.chat_postMessage(channel="#approvals", text="x" * 300, blocks=CARD)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{slack.url}/?as=U0BOB")
    page.get_by_test_id("message").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_test_id("channel-ops").is_hidden()
    page.get_by_test_id("open-sidebar").click()
    page.get_by_test_id("channel-ops").click()
    page.get_by_role("heading", name="#ops").first.wait_for()
    page.close()


def test_the_page_opens_where_somebody_is_called(slack: Playground, client: WebClient, browser: Any) -> None:
    """Whoever opens the page sees the room in which they are mentioned, and one that is open and empty goes there by itself."""
    early = browser.new_page()
    early.goto(f"{slack.url}/?as=U0ALICE")
    early.get_by_test_id("composer").wait_for()
    client.chat_postMessage(channel="#engineering", text="Nothing for you")
    client.chat_postMessage(channel="#finance", text="<@U0ALICE>, a refund waits")
    early.get_by_test_id("message").get_by_text("a refund waits").wait_for()
    late = browser.new_page()
    late.goto(f"{slack.url}/?as=U0ALICE")
    late.get_by_test_id("message").get_by_text("a refund waits").wait_for()
    early.get_by_test_id("channel-engineering").click()
    client.chat_postMessage(channel="#finance", text="<@U0ALICE>, another")
    early.get_by_test_id("message").get_by_text("Nothing for you").wait_for()
    for page in (early, late):
        page.close()
