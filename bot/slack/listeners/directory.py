"""What Slack tells by itself of people and user groups: who left or was deactivated counts for nothing from that moment on."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.listeners.desk import Desk

Event = dict[str, Any]


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear of people and user groups that change (manifest.yml subscribes to these)."""
    people = desk.people

    async def members_changed(ack: AsyncAck, event: Event) -> None:
        removed = event.get("removed_users")
        without = removed if isinstance(removed, list) else []
        people.group_changed(str(event.get("subteam_id")), without=[str(user) for user in without])
        await ack()

    async def group_updated(ack: AsyncAck, event: Event) -> None:
        group = event.get("subteam")
        if isinstance(group, dict):
            people.group_changed(str(group.get("id")), gone=bool(group.get("date_delete")), only=group.get("users"))
        await ack()

    async def person_changed(ack: AsyncAck, event: Event) -> None:
        person = event.get("user")
        if isinstance(person, dict) and isinstance(person.get("id"), str):
            people.person_changed(person["id"], person)
        await ack()

    app.event("subteam_members_changed")(members_changed)
    app.event("subteam_updated")(group_updated)
    app.event("subteam_created")(group_updated)
    app.event("user_change")(person_changed)
    app.event("team_join")(person_changed)
