"""The Web API as slack_sdk's own client meets it."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from tinybot import CARD, MODAL, text

from playground.kit import Channel, Person, Playground

BIG = [{"type": "section", "text": text("x" * 2900)} for _ in range(5)]


def refusal(call: Any, **args: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**args)
    return str(caught.value.response["error"])


def test_tokens_are_checked(slack: Playground) -> None:
    """No token, a wrong one, the wrong kind and a revoked one each get Slack's own error."""
    assert refusal(WebClient(base_url=slack.api_url).auth_test) == "not_authed"
    assert refusal(WebClient("xoxb-no", base_url=slack.api_url).auth_test) == "invalid_auth"
    client = WebClient(slack.token, base_url=slack.api_url)
    assert refusal(client.apps_connections_open, app_token=slack.token) == "not_allowed_token_type"
    for error in ("token_revoked", "account_inactive"):
        slack.workspace.credentials.revoked = error
        assert refusal(client.auth_test) == error


def test_missing_scopes_are_named(slack: Playground, client: WebClient) -> None:
    """With scopes set, a method outside them is missing_scope and says what it needs."""
    slack.workspace.credentials.scopes = {"chat:write"}
    client.chat_postMessage(channel="#ops", text="x")
    with pytest.raises(SlackApiError) as caught:
        client.users_info(user="U0BOB")
    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "users:read")


def test_unknown_methods_are_refused(client: WebClient) -> None:
    """A method that does not exist is unknown_method."""
    assert refusal(client.api_call, api_method="chat.shout") == "unknown_method"


def test_a_channel_is_found_by_id_name_or_person(slack: Playground, client: WebClient) -> None:
    """Posting works by id, #name and a person's id, which opens the direct message."""
    places = [client.chat_postMessage(channel=where, text="x")["channel"] for where in ("C0OPS", "#ops", "U0BOB")]
    assert places == ["C0OPS", "C0OPS", "D0BOB"]
    assert client.conversations_open(users="U0BOB")["channel"]["id"] == "D0BOB"
    assert [card.text() for card in slack.messages("U0BOB")] == ["x"]


def test_posting_is_refused_with_slacks_names(slack: Playground, client: WebClient) -> None:
    """Each reason not to post has its own error."""
    with slack.workspace.changing():
        slack.workspace.channels["C0OPS"].is_archived = True
        slack.workspace.channels["C0FINANCE"].members.remove("U0SAYSO")
        slack.workspace.add_channel(Channel("C0SECRET", "secret", is_private=True))
    post = client.chat_postMessage
    cases = {
        "channel_not_found": {"channel": "#nowhere", "text": "x"},
        "is_archived": {"channel": "#ops", "text": "x"},
        "not_in_channel": {"channel": "#finance", "text": "x"},
        "no_text": {"channel": "#general", "text": " "},
        "msg_too_long": {"channel": "#general", "text": "x" * 40_001},
        "msg_blocks_too_long": {"channel": "#general", "blocks": BIG, "text": "x"},
        "invalid_blocks_format": {"channel": "#general", "blocks": "[", "text": "x"},
        "invalid_metadata_schema": {"channel": "#general", "text": "x", "metadata": {"event_type": "a"}},
    }
    assert [refusal(post, **args) for args in cases.values()] == list(cases)
    assert refusal(post, channel="C0SECRET", text="x") == "channel_not_found"
    assert refusal(post, channel="U0GONE", text="x") == "channel_not_found"
    assert refusal(client.conversations_open, users="U0GONE") == "user_disabled"
    assert slack.messages("#general") == []


def test_invalid_blocks_say_where(client: WebClient) -> None:
    """invalid_blocks lists each fault with its JSON pointer, in a form body as in JSON."""
    with pytest.raises(SlackApiError) as caught:
        client.api_call(
            "chat.postMessage", data={"channel": "#ops", "text": "x", "blocks": '[{"type":"header","text":{}}]'}
        )
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert any("[json-pointer:/blocks/0/text]" in entry for entry in answer["response_metadata"]["messages"])


def test_update_keeps_what_is_not_given(slack: Playground, client: WebClient) -> None:
    """chat.update changes what it names, keeps the rest, marks the edit, and needs the id rather than the name."""
    metadata = {"event_type": "sayso_card", "event_payload": {"approval_id": "a"}}
    ts = client.chat_postMessage(channel="#ops", text="x", blocks=CARD, metadata=metadata)["ts"]
    client.chat_update(channel="C0OPS", ts=ts, text="new")
    card = slack.cards("#ops")[0]
    assert (card.fallback, len(card.blocks), card.approval_id, card.edited) == ("new", 2, "a", True)
    assert refusal(client.chat_update, channel="#ops", ts=ts, text="x") == "channel_not_found"
    assert refusal(client.chat_update, channel="C0OPS", ts="1.2", text="x") == "message_not_found"
    other = slack.person("U0BOB").post("#ops", "mine")
    assert refusal(client.chat_update, channel="C0OPS", ts=other.ts, text="x") == "cant_update_message"


def test_ephemerals_cannot_be_updated_or_read(slack: Playground, client: WebClient) -> None:
    """An ephemeral is seen by one person, is in no history, and cannot be changed."""
    ts = client.chat_postEphemeral(channel="#ops", user="U0BOB", text="psst")["message_ts"]
    assert slack.person("U0BOB").expect_ephemeral("psst").ts == ts
    assert slack.person("U0ALICE").ephemerals() == []
    assert client.conversations_history(channel="C0OPS")["messages"] == []
    assert refusal(client.chat_update, channel="C0OPS", ts=ts, text="x") == "message_not_found"
    assert refusal(client.chat_postEphemeral, channel="#ops", user="U0GONE", text="x") == "user_not_in_channel"


def test_history_finds_metadata_only_when_asked(client: WebClient) -> None:
    """History is newest first, pages by cursor, folds threads, and gives metadata only with include_all_metadata."""
    metadata = {"event_type": "sayso_card", "event_payload": {"approval_id": "a"}}
    stamps = [client.chat_postMessage(channel="#ops", text=str(n), metadata=metadata)["ts"] for n in range(3)]
    client.chat_postMessage(channel="#ops", text="reply", thread_ts=stamps[0])
    assert "metadata" not in client.conversations_history(channel="C0OPS")["messages"][0]
    page = client.conversations_history(channel="C0OPS", include_all_metadata=True, limit=2)
    assert [entry["text"] for entry in page["messages"]] == ["2", "1"]
    assert page["messages"][0]["metadata"] == metadata
    cursor = page["response_metadata"]["next_cursor"]
    assert [entry["text"] for entry in client.conversations_history(channel="C0OPS", cursor=cursor)["messages"]] == [
        "0"
    ]
    since = client.conversations_history(channel="C0OPS", oldest=stamps[1])["messages"]
    assert [entry["text"] for entry in since] == ["2"]
    thread = client.conversations_replies(channel="C0OPS", ts=stamps[0])["messages"]
    assert [entry["text"] for entry in thread] == ["0", "reply"]


def test_people_and_groups_tell_who_they_are(slack: Playground, client: WebClient) -> None:
    """users.info marks guests, bots, strangers and the deactivated; groups list their members."""
    flags = {
        "U0GUEST": "is_restricted",
        "U0GONE": "deleted",
        "U0SAYSO": "is_bot",
        "U0STRANGER": "is_stranger",
        "U0ADMIN": "is_admin",
    }
    assert all(client.users_info(user=user)["user"][flag] is True for user, flag in flags.items())
    assert client.users_info(user="U0STRANGER")["user"]["team_id"] == "T0OTHER"
    assert refusal(client.users_info, user="U0NOBODY") == "user_not_found"
    assert client.usergroups_users_list(usergroup="S0LEADS")["users"] == ["U0CAROL", "U0DAN"]
    assert refusal(client.usergroups_users_list, usergroup="S0NONE") == "no_such_subteam"
    assert client.users_lookupByEmail(email="Bob@Example.com")["user"]["id"] == "U0BOB"
    slack.workspace.add_person(Person("U0NEW", "new", "New Person"))
    assert "U0NEW" in [entry["id"] for page in client.users_list(limit=2) for entry in page["members"]]


def test_views_guard_against_overwriting(slack: Playground, client: WebClient) -> None:
    """views.update with an old hash is hash_conflict, with a closed view not_found."""
    alice = slack.person("U0ALICE")
    trigger = slack.workspace.tickets.new_trigger("U0ALICE", 3)
    view = client.views_open(trigger_id=trigger, view=MODAL)["view"]
    fresh = client.views_update(view_id=view["id"], hash=view["hash"], view={**MODAL, "title": text("Two")})["view"]
    assert alice.expect_modal().title == "Two"
    assert refusal(client.views_update, view_id=view["id"], hash=view["hash"], view=MODAL) == "hash_conflict"
    alice.close()
    assert refusal(client.views_update, view_id=view["id"], hash=fresh["hash"], view=MODAL) == "not_found"
    trigger = slack.workspace.tickets.new_trigger("U0ALICE", 3)
    assert refusal(client.views_open, trigger_id=trigger, view={"type": "modal", "blocks": []}) == "invalid_arguments"
    client.views_open(trigger_id=trigger, view=MODAL)


def test_files_upload_in_three_steps(slack: Playground, client: WebClient) -> None:
    """slack_sdk's files_upload_v2 stores the bytes and posts them to the channel."""
    client.files_upload_v2(channel="C0OPS", filename="pay.json", content='{"a": 1}', initial_comment="all of it")
    card = slack.expect_message("#ops", "all of it")
    file = slack.workspace.files[card.raw["files"][0]["id"]]
    assert (file.name, file.content) == ("pay.json", b'{"a": 1}')
    assert card.raw["files"][0]["mimetype"] == "text/plain"


def test_an_uploaded_picture_is_shown_as_one(slack: Playground, client: WebClient) -> None:
    """The bytes say that it is an image; the page gets its kind and its alt text, and a browser gets the image."""
    png = b"\x89PNG\r\n\x1a\n" + bytes(8)
    client.files_upload_v2(channel="C0OPS", filename="days.png", content=png, title="Days", alt_txt="three, two, one")
    shown = slack.expect_message("#ops").raw["files"][0]
    assert (shown["mimetype"], shown["title"], shown["alt_txt"]) == ("image/png", "Days", "three, two, one")
    answer = httpx2.get(shown["url_private"])
    assert (answer.headers["content-type"], answer.content) == ("image/png", png)


def test_every_call_is_recorded(slack: Playground, client: WebClient) -> None:
    """calls keeps method, arguments, answer and time of each call, and never the token."""
    client.chat_postMessage(channel="#ops", text="x")
    refusal(client.users_info, user="U0NOBODY")
    post, info = slack.calls
    assert (post.method, post.args["channel"], post.ok, post.status) == ("chat.postMessage", "#ops", True, 200)
    assert (info.method, info.ok, info.response["error"]) == ("users.info", False, "user_not_found")
    assert slack.token not in str(slack.calls)


def test_injected_mentions_are_seen(slack: Playground, client: WebClient) -> None:
    """mentions() reports what would ping: in text, mrkdwn and rich_text; escaped, verbatim and plain text do not."""
    safe = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "&lt;!channel&gt; @channel", "verbatim": True}},
        {"type": "section", "text": text("<!channel> <@U0BOB>")},
    ]
    client.chat_postMessage(channel="#ops", text="&lt;!channel&gt;", blocks=safe)
    assert slack.cards("#ops")[-1].mentions() == []
    loud = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "<@U0BOB> and @channel, `<!here>`"}},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0DAN"}]}],
        },
    ]
    client.chat_postMessage(channel="#ops", text="<!everyone>", blocks=loud)
    assert slack.cards("#ops")[-1].mentions() == ["<!everyone>", "<@U0BOB>", "@channel", "user:U0DAN"]


def test_answers_are_not_held_back(slack: Playground) -> None:
    """A call over an open connection never has to wait the 40 ms that a delayed acknowledgement would cost each time."""
    times = []
    with httpx2.Client(headers={"authorization": f"Bearer {slack.token}"}) as web:
        for _ in range(40):
            started = time.perf_counter()
            web.post(f"{slack.api_url}chat.postMessage", json={"channel": "#ops", "text": "x"}).raise_for_status()
            times.append(time.perf_counter() - started)
    assert min(times[1:]) < 0.03
