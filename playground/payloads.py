"""What Slack sends to an app, in full: interactions, slash commands and events."""

from __future__ import annotations

import copy
import json
import secrets
from typing import Any
from urllib.parse import quote_plus

from playground.model import Channel, Json, Message, View
from playground.state_values import FIELDS
from playground.workspace import Workspace

_COPIED = ("text", "value", "style", "confirm", "placeholder", "url", "accessibility_label")


def encoded(payload: Json) -> bytes:
    """The body of an interaction request."""
    return f"payload={quote_plus(json.dumps(payload))}".encode()


def envelope(workspace: Workspace, kind: str, user: str) -> Json:
    """The fields that every interaction payload has."""
    person = workspace.person(user)
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": workspace.app_id,
        "token": "playground-verification-token",
        "team": {"id": workspace.team.id, "domain": workspace.team.domain},
        "enterprise": workspace.team.enterprise(),
        "is_enterprise_install": workspace.team.organisation,
    }


def channel_part(channel: Channel) -> Json:
    """`channel` as an interaction names it."""
    name = "directmessage" if channel.is_im else "privategroup" if channel.is_private else channel.name
    return {"id": channel.id, "name": name}


def action(workspace: Workspace, block: Json, element: Json, held: Json | None, chosen: Json | None) -> Json:
    """One entry of `actions`: `held` is the element's state, `chosen` an overflow's option."""
    entry: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": workspace.next_ts(),
    }
    for key, value in element.items():
        if key in _COPIED or key.startswith("initial_"):
            entry[key] = copy.deepcopy(value)
    if chosen is not None:
        entry["selected_option"] = chosen
    elif held is not None and element["type"] in FIELDS:
        entry |= copy.deepcopy(held)
    return entry


def from_message(
    workspace: Workspace, user: str, message: Message, shown: Json, actions: list[Json], values: Json
) -> Json:
    """block_actions from a message; `shown` is the copy the person looked at."""
    channel = workspace.channels[message.channel]
    timing = workspace.timing
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    secret = workspace.tickets.new_response(user, channel.id, timing.response_url, timing.response_url_uses, message)
    payload = envelope(workspace, "block_actions", user) | {
        "container": container,
        "trigger_id": workspace.tickets.new_trigger(user, timing.trigger),
        "channel": channel_part(channel),
        "state": {"values": values},
        "response_url": f"{workspace.base_url}/actions/{workspace.team.id}/{secret}",
        "actions": actions,
    }
    if message.ephemeral_to is None:
        payload["message"] = shown
    return payload


def from_view(workspace: Workspace, view: View, actions: list[Json]) -> Json:
    """block_actions from a modal or a home tab."""
    return envelope(workspace, "block_actions", view.user) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": workspace.tickets.new_trigger(view.user, workspace.timing.trigger, view),
        "view": view.shown(),
        "actions": actions,
    }


def view_submission(workspace: Workspace, view: View) -> Json:
    """A modal being sent."""
    return envelope(workspace, "view_submission", view.user) | {
        "trigger_id": workspace.tickets.new_trigger(view.user, workspace.timing.trigger, view),
        "view": view.shown(),
        "response_urls": [],
    }


def view_closed(workspace: Workspace, view: View, cleared: bool) -> Json:
    """A modal being dismissed."""
    return envelope(workspace, "view_closed", view.user) | {"view": view.shown(), "is_cleared": cleared}


def slash_command(workspace: Workspace, user: str, channel: Channel, name: str, text: str) -> dict[str, str]:
    """A slash command's form fields."""
    person, timing, team = workspace.person(user), workspace.timing, workspace.team
    secret = workspace.tickets.new_response(user, channel.id, timing.response_url, timing.response_url_uses, None)
    fields = {
        "token": "playground-verification-token",
        "team_id": team.id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": channel_part(channel)["name"],
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": str(team.organisation).lower(),
        "response_url": f"{workspace.base_url}/commands/{team.id}/{secret}",
        "trigger_id": workspace.tickets.new_trigger(user, timing.trigger),
    }
    if team.enterprise_id:
        fields |= {"enterprise_id": team.enterprise_id, "enterprise_name": team.enterprise_name or team.enterprise_id}
    return fields


def event_callback(workspace: Workspace, event: Json) -> Json:
    """An event with its wrapper; the same event_id is kept through retries."""
    team = workspace.team
    return {
        "token": "playground-verification-token",
        "team_id": team.id,
        "api_app_id": workspace.app_id,
        "event": {"event_ts": workspace.next_ts(), **event},
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(workspace.clock()),
        "authorizations": [
            {
                "enterprise_id": team.enterprise_id,
                "team_id": team.id,
                "user_id": workspace.bot_user,
                "is_bot": True,
                "is_enterprise_install": team.organisation,
            }
        ],
        "is_ext_shared_channel": False,
    }


def home_opened(workspace: Workspace, user: str) -> Json:
    """The app_home_opened event."""
    event: dict[str, Any] = {
        "type": "app_home_opened",
        "user": user,
        "channel": workspace.direct_message(user).id,
        "tab": "home",
    }
    view = workspace.homes.get(user)
    if view:
        event["view"] = view.shown()
    return event_callback(workspace, event)
