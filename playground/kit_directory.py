"""Who is in the workspace and its user groups, changed by a test; the bot hears of it as it would from Slack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.delivery import Answer
from playground.model import Person

if TYPE_CHECKING:
    from playground.kit import Playground


class DirectoryKit:
    """Each returns the bot's answer to the event; None where `workspace.bot_events` does not subscribe to it."""

    def __init__(self, slack: Playground) -> None:
        self._slack = slack
        self._changes = slack.app.changes

    def deactivate(self, user: str) -> Answer | None:
        """Deactivate an account."""
        return self.change(user, deleted=True)

    def reactivate(self, user: str) -> Answer | None:
        """Let somebody in again."""
        return self.change(user, deleted=False)

    def change(self, user: str, **fields: Any) -> Answer | None:
        """Change fields of a person, such as `is_restricted=True` for a guest."""
        return self._slack.run(self._changes.person(user, **fields))

    def join(self, person: Person) -> Answer | None:
        """Somebody new."""
        return self._slack.run(self._changes.join(person))

    def enter(self, group: str, *users: str) -> Answer | None:
        """Put people into a user group."""
        return self._slack.run(self._changes.members(group, add=users))

    def leave(self, group: str, *users: str) -> Answer | None:
        """Take people out of a user group."""
        return self._slack.run(self._changes.members(group, remove=users))

    def disable(self, group: str) -> Answer | None:
        """Disable a user group; its members stay with it."""
        return self._slack.run(self._changes.disable(group))

    def enable(self, group: str) -> Answer | None:
        """Enable it again."""
        return self._slack.run(self._changes.disable(group, disabled=False))

    def delete(self, group: str) -> Answer | None:
        """Take a user group away for good."""
        return self._slack.run(self._changes.delete(group))
