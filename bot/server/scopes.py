"""What the Slack app has to be allowed, and what does not work without: the same scopes that manifest.yml asks for."""

from __future__ import annotations

NEEDED = {
    "chat:write": "no card can be posted",
    "chat:write.public": "cards come only to channels that Sayso was invited to",
    "commands": "/sayso does not exist",
    "im:write": "nobody can be told directly when a channel is gone",
    "users:read": "nobody can be recognised, so nobody may decide",
    "users:read.email": "a person who decides their own request under another account is not noticed",
    "usergroups:read": "roles from user groups have no members",
    "channels:read": "a channel's name does not lead to the channel",
    "channels:history": "a card that was lost on its way is posted twice",
    "groups:read": "private channels that are called by name are not found",
    "groups:history": "a card that was lost on its way to a private channel is posted twice",
    "im:history": "a message that was lost on its way to a person is sent twice",
    "files:write": "/sayso stats has no picture",
}
