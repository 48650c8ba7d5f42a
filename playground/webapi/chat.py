"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

from typing import Any

from playground.errors import SlackError
from playground.model import Channel, Message
from playground.webapi.args import Args
from playground.webapi.content import message_blocks, message_metadata, message_text
from playground.webapi.registry import method
from playground.workspace import Workspace

Json = dict[str, Any]


def writable(workspace: Workspace, where: str) -> Channel:
    """The channel the app may write to; `channel_not_found`, `is_archived`, `not_in_channel`, `cannot_dm_bot`."""
    person = workspace.people.get(where)
    if person and person.is_bot:
        raise SlackError("cannot_dm_bot")
    if person and person.deleted:
        raise SlackError("channel_not_found")
    channel = workspace.channel(where)
    if channel.is_archived:
        raise SlackError("is_archived")
    member = channel.is_im or workspace.bot_user in channel.members
    if not member and channel.is_private:
        raise SlackError("channel_not_found")
    anywhere = workspace.credentials.scopes is not None and "chat:write.public" in workspace.credentials.scopes
    if not member and not anywhere:
        raise SlackError("not_in_channel")
    return channel


def draft(workspace: Workspace, channel: Channel, args: Args) -> Message:
    """A message by the app, checked but not stored; `no_text` when it is empty."""
    blocks, text = message_blocks(args), message_text(args)
    if not blocks and not text.strip():
        raise SlackError("no_text")
    return Message(
        channel=channel.id,
        ts=workspace.next_ts(),
        user=workspace.bot_user,
        text=text,
        blocks=blocks or [],
        bot_id=workspace.bot_id,
        app_id=workspace.app_id,
        team=workspace.team.id,
        thread_ts=args.text("thread_ts") or None,
        metadata=message_metadata(args) or None,
        parse=args.text("parse") or "none",
        reply_broadcast=args.flag("reply_broadcast"),
    )


@method("chat.postMessage", 0, "chat:write")
def post_message(workspace: Workspace, args: Args) -> Json:
    """Post to a channel or a person."""
    channel = writable(workspace, args.required("channel"))
    message = workspace.add_message(draft(workspace, channel, args))
    return {"channel": channel.id, "ts": message.ts, "message": message.shown()}


@method("chat.postEphemeral", 4, "chat:write")
def post_ephemeral(workspace: Workspace, args: Args) -> Json:
    """Post what only one person sees."""
    channel = writable(workspace, args.required("channel"))
    user = args.required("user")
    if user not in workspace.people:
        raise SlackError("user_not_found")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    message = draft(workspace, channel, args)
    message.ephemeral_to = user
    workspace.add_message(message)
    return {"message_ts": message.ts}


def own_message(workspace: Workspace, args: Args, refusal: str) -> Message:
    """A message the app may change; ids only, as Slack wants it."""
    where = args.required("channel")
    channel = workspace.channels.get(where)
    if channel is None:
        raise SlackError("channel_not_found")
    if channel.is_archived:
        raise SlackError("is_archived")
    if not channel.is_im and workspace.bot_user not in channel.members:
        raise SlackError("channel_not_found" if channel.is_private else "not_in_channel")
    message = workspace.find_message(where, args.required("ts"))
    if message is None or message.ephemeral_to:
        raise SlackError("message_not_found")
    if message.bot_id != workspace.bot_id:
        raise SlackError(refusal)
    return message


@method("chat.update", 3, "chat:write")
def update(workspace: Workspace, args: Args) -> Json:
    """Change an own message; what is not given stays as it was."""
    message = own_message(workspace, args, "cant_update_message")
    blocks, text, metadata = message_blocks(args), message_text(args), message_metadata(args)
    if blocks is None and not text.strip() and metadata is None:
        raise SlackError("no_text")
    if blocks == [] and not text.strip():
        raise SlackError("no_text")
    with workspace.changing():
        message.text = text or message.text
        message.blocks = message.blocks if blocks is None else blocks
        if metadata is not None:
            message.metadata = metadata or None
        message.edited = {"user": workspace.bot_user, "ts": workspace.next_ts()}
        workspace.message_changed(message)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.shown()}


@method("chat.delete", 3, "chat:write")
def delete(workspace: Workspace, args: Args) -> Json:
    """Delete an own message."""
    message = own_message(workspace, args, "cant_delete_message")
    workspace.delete_message(message)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.getPermalink", 0)
def get_permalink(workspace: Workspace, args: Args) -> Json:
    """A link that opens the message on the page."""
    channel = workspace.channel(args.required("channel"))
    ts = args.required("message_ts")
    if workspace.find_message(channel.id, ts) is None:
        raise SlackError("message_not_found")
    return {"channel": channel.id, "permalink": permalink(workspace, channel.id, ts)}


def permalink(workspace: Workspace, channel: str, ts: str) -> str:
    """`…/archives/C…/p1700000000000100`."""
    return f"{workspace.base_url}/archives/{channel}/p{ts.replace('.', '')}"
