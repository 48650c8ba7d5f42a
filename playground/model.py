"""The nouns of a workspace: people, groups, channels, messages, views, files."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Team:
    """One Slack workspace, perhaps inside an enterprise."""

    id: str = "T0PLAY"
    name: str = "Playground"
    domain: str = "playground"
    enterprise_id: str | None = None
    enterprise_name: str | None = None
    organisation: bool = False
    """Whether the app is installed for the whole enterprise."""

    def enterprise(self) -> Json | None:
        """The payload's `enterprise`, or nothing."""
        if self.enterprise_id is None:
            return None
        return {"id": self.enterprise_id, "name": self.enterprise_name or self.enterprise_id}


@dataclass
class Person:
    """A user of the workspace; bots are people too."""

    id: str
    name: str
    real_name: str
    colour: str = "4a154b"
    email: str | None = None
    title: str = ""
    tz: str = "Europe/Berlin"
    tz_offset: int = 3600
    team_id: str = "T0PLAY"
    deleted: bool = False
    is_bot: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    bot_id: str | None = None

    @property
    def initials(self) -> str:
        """One or two letters for an avatar."""
        words = [word for word in self.real_name.split() if word]
        return "".join(word[0] for word in words[:2]).upper() or "?"

    def profile(self) -> Json:
        """The `profile` part of users.info."""
        shown: Json = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "title": self.title,
            "status_text": "",
            "status_emoji": "",
            "team": self.team_id,
        }
        if self.email:
            shown["email"] = self.email
        if self.bot_id:
            shown["bot_id"] = self.bot_id
        return shown

    def info(self) -> Json:
        """The user object of users.info."""
        shown: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "color": self.colour,
            "real_name": self.real_name,
            "profile": self.profile(),
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 0,
        }
        if self.is_stranger:
            shown["is_stranger"] = True
        if not self.deleted:
            shown |= {
                "tz": self.tz,
                "tz_label": self.tz,
                "tz_offset": self.tz_offset,
                "is_admin": self.is_admin,
                "is_owner": False,
                "is_primary_owner": False,
                "is_restricted": self.is_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
                "is_email_confirmed": True,
            }
        return shown


@dataclass
class UserGroup:
    """A user group such as @leads."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False

    def info(self, team: str, *, users: bool) -> Json:
        """The user group object of usergroups.list."""
        body: Json = {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "handle": self.handle,
            "description": "",
            "is_external": False,
            "date_create": 0,
            "date_update": 0,
            "date_delete": 1 if self.disabled else 0,
            "user_count": len(self.users),
        }
        return {**body, "users": list(self.users)} if users else body


@dataclass
class Channel:
    """A public or private channel, or a direct message (`user` set)."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    user: str | None = None
    topic: str = ""

    @property
    def is_im(self) -> bool:
        """True for a direct message."""
        return self.user is not None

    def info(self) -> Json:
        """The channel object of conversations.info."""
        if self.is_im:
            return {"id": self.id, "is_im": True, "user": self.user, "is_archived": self.is_archived, "created": 0}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "created": 0,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }


@dataclass
class Message:
    """One message; `ephemeral_to` names the only person who sees it."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    bot_id: str | None = None
    app_id: str | None = None
    team: str = "T0PLAY"
    thread_ts: str | None = None
    metadata: Json | None = None
    edited: Json | None = None
    ephemeral_to: str | None = None
    deleted: bool = False
    mrkdwn: bool = True
    parse: str = "none"
    files: list[Json] = field(default_factory=list)
    revision: int = 1
    reply_broadcast: bool = False

    def shown(self, metadata: bool = True) -> Json:
        """The message object as Slack sends it."""
        body: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": self.team}
        if self.bot_id:
            body |= {"bot_id": self.bot_id, "app_id": self.app_id}
        for key in ("blocks", "thread_ts", "edited", "files"):
            if getattr(self, key):
                body[key] = copy.deepcopy(getattr(self, key))
        if metadata and self.metadata:
            body["metadata"] = copy.deepcopy(self.metadata)
        return body


@dataclass
class View:
    """A modal or a home tab as one person has it open."""

    id: str
    user: str
    body: Json
    hash: str
    team_id: str
    app_id: str
    bot_id: str
    root_view_id: str
    previous_view_id: str | None = None
    state: Json = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    open: bool = True

    @property
    def callback_id(self) -> str:
        """The view's callback id, or an empty string."""
        return str(self.body.get("callback_id") or "")

    @property
    def blocks(self) -> list[Json]:
        """The view's blocks."""
        blocks: list[Json] = self.body["blocks"]
        return blocks

    def shown(self) -> Json:
        """The view object as Slack sends it."""
        kind = self.body["type"]
        body: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "type": kind,
            "blocks": copy.deepcopy(self.blocks),
            "private_metadata": self.body.get("private_metadata") or "",
            "callback_id": self.callback_id,
            "state": {"values": copy.deepcopy(self.state)},
            "hash": self.hash,
            "title": self.body.get("title"),
            "clear_on_close": bool(self.body.get("clear_on_close")),
            "notify_on_close": bool(self.body.get("notify_on_close")),
            "close": self.body.get("close"),
            "submit": self.body.get("submit"),
            "previous_view_id": self.previous_view_id,
            "root_view_id": self.root_view_id,
            "app_id": self.app_id,
            "external_id": self.body.get("external_id") or "",
            "app_installed_team_id": self.team_id,
            "bot_id": self.bot_id,
        }
        return body


@dataclass
class File:
    """An uploaded file; `content` is None until the bytes arrived."""

    id: str
    name: str
    length: int
    title: str = ""
    alt_text: str = ""
    content: bytes | None = None
    shared: bool = False

    @property
    def mimetype(self) -> str:
        """What the bytes are, as far as the page shows it: an image or text."""
        content = self.content or b""
        return next((kind for start, kind in _IMAGES.items() if content.startswith(start)), "text/plain")


_IMAGES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
