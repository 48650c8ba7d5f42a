"""Faults one can switch on, and Slack's rate limits."""

from __future__ import annotations

import time
from http.client import RemoteDisconnected

import httpx2
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from tinybot import CARD, TinyBot

from playground.kit import Card, Playground
from playground.limits import RateLimits


def post(client: WebClient, slack: Playground) -> Card:
    client.chat_postMessage(channel="#ops", text="x", blocks=CARD)
    return slack.expect_card()


def test_the_next_call_is_rate_limited(slack: Playground, client: WebClient) -> None:
    """An injected 429 hits the named method once, with its Retry-After, and nothing is applied."""
    slack.faults.inject("chat.*", "ratelimited", seconds=7)
    client.auth_test()
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="#ops", text="x")
    response = caught.value.response
    assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "7")
    assert slack.messages("#ops") == []
    client.chat_postMessage(channel="#ops", text="x")


def test_errors_and_500s_by_name(slack: Playground, client: WebClient) -> None:
    """Any Slack error, or a plain 500, can be made the next answer."""
    slack.faults.inject("chat.update", "error", error="edit_window_closed")
    slack.faults.inject("auth.test", "server_error")
    for call, error in (
        (lambda: client.chat_update(channel="C0OPS", ts="1", text="x"), "edit_window_closed"),
        (client.auth_test, "internal_error"),
    ):
        with pytest.raises(SlackApiError) as caught:
            call()
        assert caught.value.response["error"] == error


@pytest.mark.parametrize(("kind", "applied"), [("drop_before", 0), ("drop_after", 1)])
def test_a_cut_connection(slack: Playground, client: WebClient, kind: str, applied: int) -> None:
    """A dropped call ends in a broken connection; drop_after has been applied, drop_before has not."""
    slack.faults.inject("chat.postMessage", kind)
    with pytest.raises((RemoteDisconnected, ConnectionError)):
        client.chat_postMessage(channel="#ops", text="x")
    assert len(slack.messages("#ops")) == applied
    assert [call.fault for call in slack.calls] == [kind]
    client.chat_postMessage(channel="#ops", text="y")


def test_latency(slack: Playground, client: WebClient) -> None:
    """A latency fault delays the answer by its seconds."""
    slack.faults.inject("api.test", "latency", seconds=0.2)
    started = time.perf_counter()
    client.api_test()
    assert time.perf_counter() - started >= 0.2


def test_probability_never_and_always(slack: Playground, client: WebClient) -> None:
    """A fault with probability 0 never strikes; an endless one strikes until cleared."""
    slack.faults.inject("auth.test", "server_error", times=None, probability=0.0)
    client.auth_test()
    slack.faults.inject("auth.test", "server_error", times=None)
    for _ in range(3):
        with pytest.raises(SlackApiError):
            client.auth_test()
    slack.faults.clear()
    client.auth_test()


def test_rate_limits_are_slacks(slack: Playground, client: WebClient) -> None:
    """Switched on, a channel takes its burst and then one message a second; another channel is free."""
    slack.limits.enabled = True
    for _ in range(slack.limits.message_burst):
        client.chat_postMessage(channel="#ops", text="x")
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="#ops", text="x")
    assert caught.value.response.headers["Retry-After"] == "1"
    client.chat_postMessage(channel="#general", text="x")


def test_tiers_count_by_the_minute() -> None:
    """The 21st call of a tier 2 method within a minute waits until the first is a minute old."""
    now = [0.0]
    limits = RateLimits(lambda: now[0])
    limits.enabled = True
    assert [limits.retry_after("usergroups.list", 2, None) for _ in range(20)] == [None] * 20
    now[0] = 10.0
    assert limits.retry_after("usergroups.list", 2, None) == 50
    now[0] = 60.0
    assert limits.retry_after("usergroups.list", 2, None) is None


def test_clicks_late_twice_lost_and_unheard(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """A click can come late, twice, never, or arrive while its answer is lost."""
    card, alice = post(client, slack), slack.person("U0ALICE")
    slack.faults.clicks("late", seconds=0.2)
    started = time.perf_counter()
    assert alice.click(card, "approve").ok
    assert time.perf_counter() - started >= 0.2
    slack.faults.clicks("double")
    assert len(alice.click(card, "approve").duplicates) == 1
    assert len(bot.requests) == 3
    slack.faults.clicks("lost")
    assert alice.click(card, "approve").error == "lost"
    assert len(bot.requests) == 3
    slack.faults.clicks("lost_ack")
    assert alice.click(card, "approve").error == "timeout"
    assert len(bot.requests) == 4


def test_two_clicks_arrive_in_the_other_order(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """reorder holds the first click until the second is there and delivers them backwards."""
    card = post(client, slack)
    slack.faults.clicks("reorder", times=2, seconds=5)
    first = slack.person("U0ALICE").click_later(card, "approve")
    time.sleep(0.05)
    second = slack.person("U0BOB").click_later(card, "reject")
    assert first.result(5).ok
    assert second.result(5).ok
    assert [payload["user"]["id"] for payload in bot.payloads] == ["U0BOB", "U0ALICE"]


def test_acts_can_race(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """together() sends two clicks at the same moment, and both are answered."""
    card = post(client, slack)
    people = [slack.person(user) for user in ("U0ALICE", "U0BOB")]
    results = slack.together(*(lambda who=who: who.click(card, "approve") for who in people))
    assert [entry.ok for entry in results] == [True, True]
    assert {payload["user"]["id"] for payload in bot.payloads} == {"U0ALICE", "U0BOB"}


def test_the_control_api_switches_the_same_faults(slack: Playground) -> None:
    """What the page switches on over HTTP is what the kit sees, and another site's request is refused."""
    with httpx2.Client(base_url=slack.url) as web:
        assert web.post("/playground/faults", json={"method": "chat.*", "kind": "latency", "times": 2}).json()["ok"]
        assert slack.faults.listing()["api"][0]["times"] == 2
        assert web.post("/playground/faults", json={"kind": "nonsense"}).status_code == 400
        hostile = {"origin": "https://evil.example"}
        assert web.post("/playground/faults", json={"limits": True}, headers=hostile).status_code == 403
        assert web.request("DELETE", "/playground/faults").json()["faults"]["api"] == []
