"""conversations.*: channels, direct messages and their history."""

from __future__ import annotations

from typing import Any

from playground.errors import SlackError
from playground.model import Channel, Message
from playground.webapi.args import Args
from playground.webapi.registry import method, require
from playground.workspace import Workspace

Json = dict[str, Any]
READ = ("channels:read", "groups:read", "im:read")
HISTORY = ("channels:history", "groups:history", "im:history")


def visible(workspace: Workspace, where: str) -> Channel:
    """A channel by id that the app can see."""
    channel = workspace.channels.get(where)
    if channel is None or (channel.is_private and workspace.bot_user not in channel.members):
        raise SlackError("channel_not_found")
    return channel


def _info(workspace: Workspace, channel: Channel) -> Json:
    member = channel.is_im or workspace.bot_user in channel.members
    return {**channel.info(), "is_member": member} if not channel.is_im else channel.info()


@method("conversations.open", 3, "im:write", "channels:manage")
def conversations_open(workspace: Workspace, args: Args) -> Json:
    """Open the direct message with one person."""
    if "channel" in args:
        return {"channel": {"id": visible(workspace, args.text("channel")).id}}
    users = [user.strip() for user in args.required("users").split(",") if user.strip()]
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    person = workspace.people.get(users[0])
    if person is None:
        raise SlackError("user_not_found")
    if person.is_bot:
        raise SlackError("cannot_dm_bot")
    if person.deleted:
        raise SlackError("user_disabled")
    known = any(entry.user == person.id for entry in workspace.channels.values())
    channel = workspace.direct_message(person.id)
    body = _info(workspace, channel) if args.flag("return_im") else {"id": channel.id}
    return {"channel": body, **({"no_op": True, "already_open": True} if known else {})}


@method("conversations.info", 3, *READ)
def conversations_info(workspace: Workspace, args: Args) -> Json:
    """One channel."""
    channel = visible(workspace, args.required("channel"))
    require(workspace, f"{_SCOPES[_type(channel)]}:read")
    return {"channel": _info(workspace, channel)}


@method("conversations.list", 2, *READ)
def conversations_list(workspace: Workspace, args: Args) -> Json:
    """The channels of the asked types (public ones by default), each type with its own scope."""
    types = {name.strip() for name in (args.text("types") or "public_channel").split(",")}
    if not types <= set(_SCOPES):
        raise SlackError("invalid_types")
    require(workspace, *(f"{_SCOPES[name]}:read" for name in sorted(types)))
    found = [
        channel
        for channel in workspace.channels.values()
        if _type(channel) in types
        and not (args.flag("exclude_archived") and channel.is_archived)
        and not (channel.is_private and workspace.bot_user not in channel.members)
    ]
    page, cursor = args.page(found)
    return {
        "channels": [_info(workspace, channel) for channel in page],
        "response_metadata": {"next_cursor": cursor},
    }


_SCOPES = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}


def _type(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


@method("conversations.members", 4, *READ)
def conversations_members(workspace: Workspace, args: Args) -> Json:
    """Who is in a channel."""
    page, cursor = args.page(visible(workspace, args.required("channel")).members)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


@method("conversations.join", 3, "channels:join")
def conversations_join(workspace: Workspace, args: Args) -> Json:
    """Join a public channel."""
    channel = visible(workspace, args.required("channel"))
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_im or channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    with workspace.changing({"kind": "directory"}):
        if workspace.bot_user not in channel.members:
            channel.members.append(workspace.bot_user)
    return {"channel": _info(workspace, channel)}


def _readable(workspace: Workspace, args: Args) -> list[Message]:
    channel = visible(workspace, args.required("channel"))
    require(workspace, f"{_SCOPES[_type(channel)]}:history")
    if not channel.is_im and workspace.bot_user not in channel.members:
        raise SlackError("not_in_channel")
    kept = workspace.messages.get(channel.id, [])
    return [message for message in kept if not message.deleted and message.ephemeral_to is None]


def _between(args: Args, messages: list[Message]) -> list[Message]:
    oldest, latest, inclusive = args.text("oldest"), args.text("latest"), args.flag("inclusive")

    def inside(ts: str) -> bool:
        if inclusive and ts in {oldest, latest}:
            return True
        return float(ts) > float(oldest or 0) and (not latest or float(ts) < float(latest))

    try:
        return [message for message in messages if inside(message.ts)]
    except ValueError:
        raise SlackError("invalid_ts_latest") from None


def _shown(message: Message, args: Args) -> Json:
    return message.shown(metadata=args.flag("include_all_metadata"))


@method("conversations.history", 3, *HISTORY)
def conversations_history(workspace: Workspace, args: Args) -> Json:
    """Messages, newest first, threads folded away."""
    top = [
        message
        for message in _readable(workspace, args)
        if message.thread_ts in (None, message.ts) or message.reply_broadcast
    ]
    page, cursor = args.page(_between(args, top)[::-1], most=999)
    body: Json = {"messages": [_shown(message, args) for message in page], "has_more": bool(cursor), "pin_count": 0}
    if cursor:
        body["response_metadata"] = {"next_cursor": cursor}
    return body


@method("conversations.replies", 3, *HISTORY)
def conversations_replies(workspace: Workspace, args: Args) -> Json:
    """A thread, oldest first; `thread_not_found`."""
    ts = args.required("ts")
    thread = [message for message in _readable(workspace, args) if ts in (message.ts, message.thread_ts)]
    if not thread:
        raise SlackError("thread_not_found")
    page, cursor = args.page(_between(args, thread), most=1000)
    body: Json = {"messages": [_shown(message, args) for message in page], "has_more": bool(cursor)}
    if cursor:
        body["response_metadata"] = {"next_cursor": cursor}
    return body
