"""What an app may answer: replies to commands, response urls, and `response_action`s of a modal."""

from __future__ import annotations

from typing import Any

from playground.errors import SlackError
from playground.model import Json, Message, View
from playground.webapi.args import Args
from playground.webapi.chat import draft
from playground.webapi.content import checked_view
from playground.webapi.views import refuse_taken_external_id
from playground.workspace import Workspace

SLACKBOT = "USLACKBOT"


def reply(workspace: Workspace, user: str, channel: str, body: Any) -> Message | None:
    """Show a command's reply: plain text or `{response_type, text, blocks}`; None when there is nothing to show."""
    if isinstance(body, str) and body.strip():
        body = {"text": body}
    if not isinstance(body, dict) or not (body.get("text") or body.get("blocks")):
        return None
    message = draft(workspace, workspace.channels[channel], Args(body))
    if body.get("response_type") != "in_channel":
        message.ephemeral_to = user
    return workspace.add_message(message)


def slackbot_says(workspace: Workspace, user: str, channel: str, text: str) -> Message:
    """Slack's own word, only to one person."""
    return workspace.add_message(
        Message(channel=channel, ts=workspace.next_ts(), user=SLACKBOT, text=text, ephemeral_to=user)
    )


def use_response_url(workspace: Workspace, secret: str, body: Json) -> None:
    """An app's answer through a response url: replace, delete or add; raises SlackError."""
    with workspace.lock:
        ticket = workspace.tickets.use_response(secret)
        message = ticket.message
        if body.get("delete_original") and message is not None:
            workspace.delete_message(message)
        elif body.get("replace_original") and message is not None:
            _replace(workspace, message, body)
        elif reply(workspace, ticket.user, ticket.channel, body) is None:
            raise SlackError("no_text")


def _replace(workspace: Workspace, message: Message, body: Json) -> None:
    fresh = draft(workspace, workspace.channels[message.channel], Args(body))
    with workspace.changing():
        message.text, message.blocks = fresh.text, fresh.blocks
        if "metadata" in body:
            message.metadata = fresh.metadata
        message.edited = {"user": workspace.bot_user, "ts": fresh.ts}
        workspace.message_changed(message)


def follow(workspace: Workspace, view: View, answer: Json) -> None:
    """Do what a view_submission's answer asks for; SlackError when Slack would refuse it."""
    action = answer.get("response_action")
    if action in (None, ""):
        workspace.close_top(view.user)
    elif action == "clear":
        workspace.close_all(view.user)
    elif action == "errors":
        _show_errors(workspace, view, answer.get("errors"))
    elif action in ("update", "push"):
        body = checked_view(answer.get("view"), "modal")
        refuse_taken_external_id(workspace, body, view)
        if action == "push":
            workspace.push_modal(view.user, body)
        else:
            workspace.replace_view(view, body)
    else:
        raise SlackError("invalid_response_action")


def _show_errors(workspace: Workspace, view: View, errors: Any) -> None:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise SlackError("invalid_errors", known=sorted(inputs))
    with workspace.changing({"kind": "views", "user": view.user}):
        view.errors = {block_id: str(text) for block_id, text in errors.items()}
