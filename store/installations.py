"""Where the app is installed, with its tokens: Slack's own tables, in which no token can be read without our keys."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography.fernet import InvalidToken, MultiFernet
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from sqlalchemy import MetaData, Table, Text, select, update

from store.engine import Database
from store.token_keys import SETTING, BadTokenKeys

STATE_SECONDS = 600
_SEALED = "sealed:"
_Kind = TypeVar("_Kind", Bot, Installation)
_SECRETS = ("bot_token", "bot_refresh_token", "user_token", "user_refresh_token", "incoming_webhook_url")


@dataclass(frozen=True, slots=True)
class Workspace:
    """One place where the app is installed: a workspace (T…) or a whole organisation (E…)."""

    id: str
    name: str
    token: str
    enterprise_id: str | None
    team_id: str | None
    installed_at: datetime

    @property
    def organisation(self) -> bool:
        """Whether it is installed for every workspace of an organisation."""
        return self.team_id is None


class Installations(SQLAlchemyInstallationStore):
    """Slack's installation store, with every token sealed before it reaches the database and opened behind it."""

    def __init__(self, database: Database, client_id: str, sealing: MultiFernet) -> None:
        super().__init__(client_id=client_id, engine=database.engine)
        self._sealing = sealing

    @classmethod
    def build_bots_table(cls, metadata: MetaData, table_name: str) -> Table:
        """As Slack's, with room for sealed tokens."""
        return _roomy(super().build_bots_table(metadata, table_name))

    @classmethod
    def build_installations_table(cls, metadata: MetaData, table_name: str) -> Table:
        """As Slack's, with room for sealed tokens."""
        return _roomy(super().build_installations_table(metadata, table_name))

    def save(self, installation: Installation) -> None:
        """Keep a new or renewed installation."""
        super().save(self._sealed(installation))

    def save_bot(self, bot: Bot) -> None:
        """Keep a new or renewed bot token."""
        super().save_bot(self._sealed(bot))

    def find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        """The newest bot of a place."""
        found = super().find_bot(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise_install
        )
        return None if found is None else self._opened(found)

    def find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """The newest installation of a place."""
        found = super().find_installation(
            enterprise_id=enterprise_id,
            team_id=team_id,
            user_id=user_id,
            is_enterprise_install=is_enterprise_install,
        )
        return None if found is None else self._opened(found)

    def workspaces(self) -> list[Workspace]:
        """Every place with its newest token, by id. Raises BadTokenKeys where no key opens one."""
        column = self.bots.c
        query = select(self.bots).where(column.client_id == self.client_id, column.bot_token.is_not(None))
        found: dict[str, Workspace] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(query.order_by(column.installed_at, column.id)):
                place = row.enterprise_id if row.is_enterprise_install else row.team_id
                name = (row.enterprise_name if row.is_enterprise_install else row.team_name) or place
                team = None if row.is_enterprise_install else row.team_id
                token = self._open(row.bot_token)
                found[place] = Workspace(place, name, token, row.enterprise_id, team, row.installed_at)
        return [found[place] for place in sorted(found)]

    def remove(self, workspace: Workspace) -> None:
        """Forget a place: it was uninstalled, or its token revoked."""
        self.delete_all(enterprise_id=workspace.enterprise_id, team_id=workspace.team_id)

    def reseal(self) -> int:
        """Seal every token with the first key, so that older keys can go; how many rows there are."""
        count = 0
        for table in (self.bots, self.installations):
            names = [name for name in _SECRETS if name in table.c]
            with self.engine.begin() as connection:
                for row in connection.execute(select(table)).mappings().all():
                    values = {name: self._seal(self._open(row[name])) for name in names if row[name]}
                    connection.execute(update(table).where(table.c.id == row["id"]).values(**values))
                    count += 1
        return count

    def _sealed(self, one: _Kind) -> _Kind:
        return self._with(one, self._seal)

    def _opened(self, one: _Kind) -> _Kind:
        return self._with(one, self._open)

    def _with(self, one: _Kind, change: Callable[[str], str]) -> _Kind:
        changed = copy.copy(one)
        for name in _SECRETS:
            if getattr(changed, name, None):
                setattr(changed, name, change(getattr(changed, name)))
        return changed

    def _seal(self, token: str) -> str:
        return token if token.startswith(_SEALED) else _SEALED + self._sealing.encrypt(token.encode()).decode()

    def _open(self, token: str) -> str:
        if not token.startswith(_SEALED):
            raise BadTokenKeys(f"{SETTING}: a stored token is not sealed: install the app again", field=SETTING)
        try:
            return self._sealing.decrypt(token.removeprefix(_SEALED)).decode()
        except InvalidToken:
            raise BadTokenKeys(f"{SETTING}: none of the keys opens a stored token", field=SETTING) from None


class States(SQLAlchemyOAuthStateStore):
    """Who began an installation: each word is good once, for ten minutes."""

    def __init__(self, database: Database) -> None:
        super().__init__(expiration_seconds=STATE_SECONDS, engine=database.engine)


def make_tables(installations: Installations, states: States) -> None:
    """Make the tables where they are missing."""
    installations.metadata.create_all(installations.engine)
    states.metadata.create_all(states.engine)


def _roomy(table: Table) -> Table:
    for name in _SECRETS:
        if name in table.c:
            table.c[name].type = Text()
    return table
