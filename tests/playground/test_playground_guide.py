"""The guide beside the channels: what a program puts there is what stands on the page, and a click leads to its card."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from slack_sdk import WebClient
from tinybot import CARD, TinyBot

from playground.kit import Playground

STEP = {"id": "first", "title": "Approve", "text": "Tap Approve.", "done": False, "mark": "apr_1"}
GUIDE = {"title": "Try it", "steps": [STEP]}
NOTED = {"event_type": "card", "event_payload": {"approval_ids": "apr_0,apr_1"}}


def put(slack: Playground, body: Any, method: str = "PUT") -> tuple[int, dict[str, Any]]:
    """What the playground answers to a guide."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{slack.url}/playground/guide", data, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def test_a_guide_is_kept_until_it_is_taken_away(slack: Playground) -> None:
    """What was put is what the page is told, with its empty fields; DELETE takes it away."""
    status, kept = put(slack, GUIDE)
    assert (status, kept["guide"]["steps"]) == (200, [STEP | {"users": [], "more": False}])
    assert slack.workspace.guide == kept["guide"]
    assert put(slack, {}, "DELETE")[1]["guide"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        ([], "guide"),
        ({"title": "Try it"}, "steps"),
        ({"title": "Try it", "steps": []}, "steps"),
        ({"title": "", "steps": [STEP]}, "title"),
        ({"title": "Try it", "steps": [STEP | {"done": "yes"}]}, "steps.0.done"),
        ({"title": "Try it", "steps": [STEP | {"text": "x" * 201}]}, "steps.0.text"),
        ({"title": "Try it", "steps": [STEP | {"colour": "red"}]}, "steps.0.colour"),
        ({"title": "Try it", "steps": [STEP] * 41}, "steps"),
        (GUIDE | {"ledger": {"title": "Ledger", "rows": [{"id": "1", "text": "paid"}]}}, "ledger.rows.0.note"),
    ],
)
def test_a_bad_guide_is_one_error_that_names_the_field(slack: Playground, body: Any, field: str) -> None:
    """Nothing of a guide that cannot be shown is kept."""
    put(slack, GUIDE)
    before = slack.workspace.guide
    status, told = put(slack, body)
    assert (status, told["ok"]) == (400, False)
    assert told["error"].startswith(field)
    assert slack.workspace.guide == before


@pytest.mark.browser
def test_the_page_opens_at_the_first_card_and_stays_there(slack: Playground, client: WebClient, browser: Any) -> None:
    """Whoever opens the page sees the first item's card, wherever others are called, and later messages do not push it away."""
    put(slack, GUIDE)
    page = browser.new_page(viewport={"width": 1280, "height": 700})
    page.goto(f"{slack.url}/?as=U0ALICE")
    page.get_by_test_id("guide-first").wait_for()
    client.chat_postMessage(channel="#finance", text="<@U0ALICE>, something else")
    for number in range(12):
        client.chat_postMessage(channel="#approvals", text=f"before {number}", blocks=CARD)
    client.chat_postMessage(channel="#approvals", text="the card", blocks=CARD, metadata=NOTED)
    for number in range(12):
        client.chat_postMessage(channel="#approvals", text=f"after {number}", blocks=CARD)
    page.get_by_role("heading", name="#approvals").first.wait_for()
    sought = next(card for card in slack.cards("#approvals") if "apr_1" in json.dumps(card.metadata))
    page.wait_for_function(
        "([ts, count]) => { const all = [...document.querySelectorAll('[data-testid=message]')];"
        " const at = all.find((node) => node.dataset.ts === ts)?.getBoundingClientRect();"
        " return all.length === count && at.top >= 0 && at.bottom <= innerHeight; }",
        arg=[sought.ts, 25],
        timeout=15_000,
    )
    page.close()


@pytest.mark.browser
def test_a_click_before_its_card_is_there_leads_to_it_when_it_comes(
    slack: Playground, client: WebClient, browser: Any
) -> None:
    """The item says that the card is on its way, becomes the person who is meant, and goes there by itself."""
    put(slack, {"title": "Try it", "steps": [STEP | {"users": ["U0BOB"]}]})
    page = browser.new_page()
    page.goto(f"{slack.url}/?as=U0ALICE")
    page.get_by_test_id("guide-first").get_by_text("Go there as Bob Brandt").wait_for()
    page.get_by_test_id("guide-first").click()
    page.get_by_test_id("toast").get_by_text("on the way").wait_for()
    client.chat_postMessage(channel="#ops", text="the card", blocks=CARD, metadata=NOTED)
    page.get_by_role("heading", name="#ops").first.wait_for()
    assert "Bob Brandt" in page.get_by_test_id("person-switcher").inner_text()
    page.close()


@pytest.mark.browser
def test_a_page_misses_nothing_between_its_first_look_and_its_first_notice(
    slack: Playground, bot: TinyBot, client: WebClient, browser: Any
) -> None:
    """What is posted after the page has looked and before it listens stands there all the same."""
    page = browser.new_page()

    def late(route: Any) -> None:
        client.chat_postMessage(channel="#approvals", text="came in between")
        route.continue_()

    page.route("**/playground/stream*", late)
    page.goto(f"{slack.url}/?as=U0ALICE")
    page.get_by_text("came in between").wait_for(timeout=15_000)
    page.close()


@pytest.mark.browser
def test_a_guide_is_text_and_nothing_else(slack: Playground, browser: Any) -> None:
    """Markup in a guide is shown as it is written."""
    hostile = '<img src=x onerror="alert(1)">'
    rows = [{"id": "1", "text": hostile, "note": hostile}]
    put(
        slack,
        {
            "title": hostile,
            "steps": [STEP | {"title": hostile, "text": hostile}],
            "ledger": {"title": "L", "rows": rows},
        },
    )
    page = browser.new_page()
    page.goto(f"{slack.url}/?as=U0ALICE")
    page.get_by_test_id("ledger-row").get_by_text(hostile).first.wait_for()
    assert page.locator("#guide img").count() == 0
    page.close()
