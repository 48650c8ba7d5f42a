"""What the page needs to draw the workspace as one person sees it."""

from __future__ import annotations

from typing import Any

from playground.model import Channel, Message, Person, View
from playground.workspace import Call, Workspace

Json = dict[str, Any]


def state(workspace: Workspace, user: str) -> Json:
    """Everything `user` may see."""
    with workspace.lock:
        return {
            "team": {"id": workspace.team.id, "name": workspace.team.name},
            "bot": workspace.bot_user,
            "you": user,
            "ack_seconds": workspace.timing.ack,
            "people": [person(entry) for entry in workspace.people.values()],
            "groups": [{"id": entry.id, "handle": entry.handle} for entry in workspace.groups.values()],
            "channels": [channel(entry) for entry in workspace.channels.values() if _sees(entry, user)],
            "messages": {
                entry.id: messages(workspace, entry.id, user)
                for entry in workspace.channels.values()
                if _sees(entry, user)
            },
            "guide": workspace.guide,
            "commands": [{"name": name, **about} for name, about in workspace.commands.items()],
            **person_views(workspace, user),
        }


def _sees(entry: Channel, user: str) -> bool:
    if entry.is_im:
        return entry.user == user
    return not entry.is_private or user in entry.members


def person(entry: Person) -> Json:
    """A person for the page."""
    flags = {
        "deactivated": entry.deleted,
        "guest": entry.is_restricted or entry.is_ultra_restricted,
        "external": entry.is_stranger,
        "admin": entry.is_admin,
        "bot": entry.is_bot,
    }
    return {
        "id": entry.id,
        "name": entry.name,
        "real_name": entry.real_name,
        "initials": entry.initials,
        "colour": entry.colour,
        "title": entry.title,
        "bot": entry.is_bot,
        "tags": [name for name, on in flags.items() if on and name != "bot"],
    }


def channel(entry: Channel) -> Json:
    """A channel for the page."""
    return {
        "id": entry.id,
        "name": entry.name,
        "topic": entry.topic,
        "im": entry.user,
        "private": entry.is_private,
        "archived": entry.is_archived,
        "members": len(entry.members),
    }


def messages(workspace: Workspace, where: str, user: str) -> list[Json]:
    """The messages of a channel that `user` may see, oldest first (the newest 500)."""
    kept = [
        entry
        for entry in workspace.messages.get(where, [])[-500:]
        if not entry.deleted and entry.ephemeral_to in (None, user)
    ]
    return [message(workspace, entry, user) for entry in kept]


def message(workspace: Workspace, entry: Message, user: str) -> Json:
    """One message, with what this person chose in its menus."""
    return entry.shown() | {
        "channel": entry.channel,
        "ephemeral": entry.ephemeral_to is not None,
        "parse": entry.parse,
        "revision": entry.revision,
        "state": workspace.message_state(entry, user) if entry.blocks and user else {},
    }


def view(entry: View) -> Json:
    """A view with its errors."""
    return entry.shown() | {"errors": entry.errors}


def person_views(workspace: Workspace, user: str) -> Json:
    """The modal stack and the home tab of one person."""
    with workspace.lock:
        home = workspace.homes.get(user)
        return {
            "modals": [view(entry) for entry in workspace.modals.get(user, [])],
            "home": view(home) if home else None,
        }


def call(entry: Call) -> Json:
    """One recorded Web API call."""
    return {
        "method": entry.method,
        "at": entry.at,
        "status": entry.status,
        "ok": entry.ok,
        "error": entry.response.get("error"),
        "fault": entry.fault,
    }
