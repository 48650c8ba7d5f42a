"""Interactions over signed HTTP, from the button to the bot and back."""

from __future__ import annotations

import time

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from tinybot import CARD, MODAL, TinyBot, text

from playground.kit import Card, Playground


def post(client: WebClient, slack: Playground) -> Card:
    metadata = {"event_type": "sayso_card", "event_payload": {"approval_id": "apr_1"}}
    client.chat_postMessage(channel="#finance", text="Refund", blocks=CARD, metadata=metadata)
    return slack.expect_card(channel="#finance", contains="Refund $40 to @bob", approval_id="apr_1")


def test_a_click_arrives_signed_and_in_full(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """A click is one signed request that Slack's own verifier accepts, with every field a listener reads."""
    card = post(client, slack)
    response = slack.person("U0ALICE").click(card, "approve")
    assert (response.status, response.ok) == (200, True)
    headers, body, payload = bot.requests[0]
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers)
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": "U0ALICE", "username": "alice", "name": "alice", "team_id": "T0PLAY"}
    assert payload["team"] == {"id": "T0PLAY", "domain": "playground"}
    assert payload["enterprise"] is None
    assert payload["is_enterprise_install"] is False
    assert payload["container"]["message_ts"] == card.ts == payload["message"]["ts"]
    assert payload["message"]["metadata"]["event_payload"] == {"approval_id": "apr_1"}
    action = payload["actions"][0]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "acts", "apr_1")
    assert float(action["action_ts"]) > float(card.ts)


def test_overflow_options_are_found_by_value_first_word_or_label(
    slack: Playground, bot: TinyBot, client: WebClient
) -> None:
    """An option inside an overflow is clicked by its first word or by its label, and reports itself as selected."""
    card = post(client, slack)
    alice = slack.person("U0ALICE")
    alice.click(card, "edit")
    alice.click(card, "take_over")
    values = [payload["actions"][0]["selected_option"]["value"] for payload in bot.payloads]
    assert values == ["edit:apr_1", "apr_1|x"]
    assert {payload["actions"][0]["action_id"] for payload in bot.payloads} == {"more"}


def test_a_button_that_is_not_there_cannot_be_clicked(slack: Playground, client: WebClient) -> None:
    """Clicking what the current card does not show fails with a readable transcript."""
    card = post(client, slack)
    client.chat_update(channel=card.channel, ts=card.ts, text="done", blocks=CARD[:1])
    assert slack.expect_update(card).actions() == []
    with pytest.raises(AssertionError, match=r"nothing called 'approve'(.|\n)*#finance"):
        slack.person("U0ALICE").click(card, "approve")


def test_a_stale_click_sends_the_old_copy(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """click_stale sends the click with the blocks as they once were."""
    card = post(client, slack)
    client.chat_update(channel=card.channel, ts=card.ts, text="done", blocks=CARD[:1])
    slack.person("U0ALICE").click_stale(card, "approve")
    assert len(bot.payloads[0]["message"]["blocks"]) == 2


def test_three_seconds_without_an_answer_is_an_error(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """A bot that does not answer within the deadline is reported to the person who clicked."""
    card, bot.delay = post(client, slack), 1.0
    response = slack.person("U0ALICE").click(card, "approve")
    assert response.error == "timeout"
    assert 0.4 < response.elapsed < 0.9
    assert "did not answer within 0.5 seconds" in str(response.refused)


def test_modal_round_trip(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """A modal opens with a fresh trigger, checks its inputs, shows the bot's errors, and closes on an empty answer."""
    card = post(client, slack)
    answers: list[object] = [{"response_action": "errors", "errors": {"why": "Say more"}}, None]

    def react(payload: dict) -> object:
        if payload["type"] == "block_actions":
            client.views_open(trigger_id=payload["trigger_id"], view=MODAL)
            return None
        return answers.pop(0)

    bot.react = react
    alice = slack.person("U0ALICE")
    modal = alice.click(card, "reject").modal
    assert (modal.callback_id, modal.private_metadata, modal.title) == ("reject_modal", "apr_1", "Reject")
    refused = alice.submit(modal)
    assert refused.client_side
    assert refused.errors == {"why": "Please complete this required field."}
    modal.fill("reason", "wrong person").fill("Amount", 12.5)
    assert alice.submit(modal).errors == {"why": "Say more"}
    assert alice.submit(modal).ok
    alice.expect_no_modal()
    values = bot.payloads[-1]["view"]["state"]["values"]
    assert values["why"]["reason"] == {"type": "plain_text_input", "value": "wrong person"}
    assert values["howmuch"]["amount"] == {"type": "number_input", "value": "12.5"}


def test_update_push_and_clear_answers(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """response_action update redraws, push stacks up to three, clear closes all."""
    actions = iter(["push", "update", "push", "clear"])

    def react(payload: dict) -> object:
        if payload["type"] == "block_actions":
            client.views_open(trigger_id=payload["trigger_id"], view=MODAL)
            return None
        action = next(actions)
        return {"response_action": action, "view": {**MODAL, "title": text(action)}}

    bot.react = react
    alice = slack.person("U0ALICE")
    titles = []
    modal = alice.click(post(client, slack), "reject").modal
    for _ in range(3):
        modal.fill("reason", "x")
        modal = alice.submit(modal).modal
        titles.append([entry.title for entry in alice.modals()])
    modal.fill("reason", "x")
    alice.submit(modal)
    assert titles == [["Reject", "push"], ["Reject", "update"], ["Reject", "update", "push"]]
    assert alice.modals() == []


def test_triggers_are_single_use_and_expire(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """A second use is exchanged_trigger_id, a late one expired_trigger_id, a made-up one invalid_trigger_id."""
    seen: list[str] = []
    bot.react = lambda payload: seen.append(payload["trigger_id"])
    alice, card = slack.person("U0ALICE"), post(client, slack)
    slack.workspace.timing.trigger = 0.2
    alice.click(card, "approve")
    alice.click(card, "approve")
    client.views_open(trigger_id=seen[0], view=MODAL)
    errors = [open_error(client, seen[0])]
    time.sleep(0.25)
    errors += [open_error(client, seen[1]), open_error(client, "1.2.x")]
    assert errors == ["exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id"]


def open_error(client: WebClient, trigger: str) -> str:
    from slack_sdk.errors import SlackApiError

    with pytest.raises(SlackApiError) as caught:
        client.views_open(trigger_id=trigger, view=MODAL)
    return str(caught.value.response["error"])


def test_slash_commands_reply_only_to_the_asker(slack: Playground, bot: TinyBot) -> None:
    """A command's plain or JSON answer is shown as an ephemeral, or in the channel when it says so."""
    bot.react = lambda payload: f"you asked {payload['text']}"
    alice = slack.person("U0ALICE")
    assert alice.command("/sayso", "queue").reply.text() == "you asked queue"
    assert alice.expect_ephemeral(contains="you asked queue").channel == "C0GENERAL"
    bot.react = lambda payload: {"response_type": "in_channel", "text": "all see this"}
    alice.command("/sayso", "stats", channel="#ops")
    assert slack.expect_message("#ops", "all see this").ephemeral_to is None
    bot.react = lambda payload: 500
    assert "dispatch_failed" in alice.command("/sayso", "x").reply.text()


def test_response_urls_work_five_times(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """A response url replaces, adds and deletes, five times in all."""
    from slack_sdk.webhook import WebhookClient

    card = post(client, slack)
    slack.person("U0ALICE").click(card, "approve")
    hook = WebhookClient(bot.payloads[0]["response_url"])
    assert hook.send(text="replaced", replace_original=True, blocks=CARD[:1]).body == "ok"
    assert slack.expect_update(card).buttons() == []
    assert hook.send(text="only you").status_code == 200
    assert slack.person("U0ALICE").expect_ephemeral("only you")
    assert hook.send(text="all", response_type="in_channel").status_code == 200
    assert hook.send(text="x" * 40_001).body.startswith('{"ok": false, "error": "msg_too_long"')
    assert hook.send(delete_original=True).status_code == 200
    slack.expect_gone(card)
    assert "used_url" in hook.send(text="once more").body


def test_home_tab_is_published_when_opened(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """Opening the home tab sends app_home_opened and shows what the bot publishes."""
    home = {"type": "home", "blocks": [{"type": "header", "text": text("Your queue")}]}
    bot.react = lambda payload: client.views_publish(user_id=payload["event"]["user"], view=home) and None
    view = slack.person("U0ALICE").open_home()
    assert view.text() == "Your queue"
    event = bot.payloads[0]
    assert (event["type"], event["event"]["type"], event["event"]["tab"]) == (
        "event_callback",
        "app_home_opened",
        "home",
    )


def test_events_are_retried_with_the_same_id(slack: Playground, bot: TinyBot) -> None:
    """An event that is not acknowledged comes again with retry headers and the same event id."""
    slack.workspace.timing.event_retries = (0.0, 0.02, 0.02)
    bot.react = lambda payload: 500
    slack.send_event({"type": "tokens_revoked", "tokens": {"bot": ["U0SAYSO"]}})
    slack.expect(lambda: len(slack.deliveries) == 4, 3, "three retries")
    assert [headers.get("x-slack-retry-num") for headers, _, _ in bot.requests] == [None, "1", "2", "3"]
    assert bot.requests[1][0]["x-slack-retry-reason"] == "http_error"
    assert len({payload["event_id"] for payload in bot.payloads}) == 1


def test_hostile_requests_and_replays_can_be_sent(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """send_signed forges any request; replay repeats one byte for byte."""
    slack.person("U0ALICE").click(post(client, slack), "approve")
    slack.replay()
    assert bot.requests[0][1] == bot.requests[1][1]
    assert bot.requests[0][0]["x-slack-signature"] == bot.requests[1][0]["x-slack-signature"]
    status, _ = slack.send_signed({"type": "x"}, {"x-slack-signature": "v0=ü"}, timestamp=0)
    assert status == 200
    headers, body, _ = bot.requests[-1]
    assert headers["x-slack-request-timestamp"] == "0"
    assert not SignatureVerifier("other").is_valid_request(body, dict(headers))


def test_state_of_message_inputs_travels_with_the_click(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """What a person chose in a message's quiet input block is in state.values of their next click, not another's."""
    options = [{"text": text(name), "value": name} for name in ("a", "b")]
    group = {"type": "checkboxes", "action_id": "batch_select", "options": options}
    blocks = [*CARD, {"type": "input", "block_id": "pick", "label": text("Which"), "element": group}]
    client.chat_postMessage(channel="#finance", text="x", blocks=blocks)
    card = slack.expect_card()
    slack.person("U0ALICE").check(card, "batch_select", ["b"])
    assert bot.requests == []
    slack.person("U0ALICE").click(card, "approve")
    slack.person("U0BOB").click(card, "approve")
    chosen = [payload["state"]["values"]["pick"]["batch_select"]["selected_options"] for payload in bot.payloads]
    assert [[entry["value"] for entry in one] for one in chosen] == [["b"], []]


def test_a_pushed_modal_gives_way_to_the_one_below(slack: Playground, bot: TinyBot, client: WebClient) -> None:
    """Submitting the top of a stack with an empty answer leaves the modal below, which is then the response's modal."""
    trigger = slack.workspace.tickets.new_trigger("U0ALICE", 3)
    below = client.views_open(trigger_id=trigger, view={**MODAL, "title": text("Below")})["view"]
    trigger = slack.workspace.tickets.new_trigger("U0ALICE", 3, slack.workspace.views[below["id"]])
    client.views_push(trigger_id=trigger, view={**MODAL, "title": text("Top")})
    alice = slack.person("U0ALICE")
    top = alice.expect_modal(contains="Top").fill("reason", "x")
    assert alice.submit(top).modal.title == "Below"
    assert not top.open
