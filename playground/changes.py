"""What an administrator of the workspace changes: people and user groups, and the events the app hears of it."""

from __future__ import annotations

from typing import Any

from playground import payloads
from playground.delivery import Answer, Delivery
from playground.errors import SlackError
from playground.model import Json, Person, UserGroup
from playground.workspace import Workspace


class Changes:
    """Each changes the workspace and then tells the app, where it has subscribed to it (`workspace.bot_events`)."""

    def __init__(self, workspace: Workspace, delivery: Delivery) -> None:
        self.workspace = workspace
        self.delivery = delivery

    async def person(self, user: str, **fields: Any) -> Answer | None:
        """Change fields of a person: `deleted`, `is_restricted`, `email` …; `user_not_found`."""
        person = self.workspace.person(user)
        self._set(person, fields)
        return await self._tell({"type": "user_change", "user": person.info()})

    async def join(self, person: Person) -> Answer | None:
        """Somebody new in the workspace."""
        self.workspace.add_person(person)
        return await self._tell({"type": "team_join", "user": person.info()})

    async def members(self, group: str, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> Answer | None:
        """People enter or leave a user group; `no_such_subteam`."""
        found = self._group(group)
        added = [self.workspace.person(user).id for user in add if user not in found.users]
        removed = [user for user in remove if user in found.users]
        with self.workspace.changing({"kind": "directory"}):
            found.users = [user for user in found.users if user not in removed] + added
        event = {
            "type": "subteam_members_changed",
            "subteam_id": found.id,
            "team_id": self.workspace.team.id,
            "date_previous_update": 0,
            "date_update": int(self.workspace.clock()),
            "added_users": added,
            "added_users_count": len(added),
            "removed_users": removed,
            "removed_users_count": len(removed),
        }
        return await self._tell(event)

    async def disable(self, group: str, *, disabled: bool = True) -> Answer | None:
        """Disable a user group, or enable it again with the members it had; `no_such_subteam`."""
        found = self._group(group)
        self._set(found, {"disabled": disabled})
        return await self._tell({"type": "subteam_updated", "subteam": found.info(self.workspace.team.id, users=True)})

    async def delete(self, group: str) -> Answer | None:
        """Take a user group away; `no_such_subteam`."""
        found = self._group(group)
        with self.workspace.changing({"kind": "directory"}):
            del self.workspace.groups[group]
        gone = found.info(self.workspace.team.id, users=True) | {"date_delete": int(self.workspace.clock())}
        return await self._tell({"type": "subteam_updated", "subteam": gone})

    def _group(self, group: str) -> UserGroup:
        if group not in self.workspace.groups:
            raise SlackError("no_such_subteam")
        return self.workspace.groups[group]

    def _set(self, thing: Person | UserGroup, fields: Json) -> None:
        unknown = [name for name in fields if not hasattr(thing, name)]
        if unknown:
            raise ValueError(f"no such field: {', '.join(unknown)}")
        with self.workspace.changing({"kind": "directory"}):
            for name, value in fields.items():
                setattr(thing, name, value)

    async def _tell(self, event: Json) -> Answer | None:
        if event["type"] not in self.workspace.bot_events:
            return None
        return await self.delivery.event(payloads.event_callback(self.workspace, event))
