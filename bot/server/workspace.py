"""One workspace of several: its own database, roster and end of the trail, found from the settings of the whole server."""

from __future__ import annotations

from pathlib import Path

from bot.settings import BadSetting, Settings, load_settings
from store import database_url

FOLDER = "workspaces"


def settings_of(settings: Settings, place: str, token: str | None = None) -> Settings:
    """The settings of one workspace (`T…`, or `E…` for a whole organisation); `token` is its bot's."""
    folder = settings.folder / FOLDER / place
    if settings.database_url.startswith("sqlite"):
        address = f"sqlite:///{folder / 'sayso.db'}"
    else:
        address = database_url.in_schema(settings.database_url, schema_of(place))
    own = {
        "workspace": place,
        # From here on it is a server of one: what installs the app is the whole server's.
        "slack_client_id": None,
        "slack_client_secret": None,
        "token_keys": None,
        "slack_bot_token": token,
        "database_url": address,
        "data_dir": folder,
        "manifest": _own_file(settings.manifest, place),
        "roster": _own_file(settings.roster, place),
        "audit_head": settings.audit_head and settings.audit_head.with_name(f"{settings.audit_head.name}.{place}"),
        "root_path": f"{settings.root_path}{path_of(place)}",
    }
    return settings.model_copy(update=own)


def path_of(place: str) -> str:
    """Where its agents reach it: below this path of the server's address."""
    return f"/w/{place}"


def schema_of(place: str) -> str:
    """The PostgreSQL schema that is its own."""
    return f"sayso_{place.lower()}"


def chosen(settings: Settings) -> Settings:
    """What a command works with: the workspace that SAYSO_WORKSPACE names, where there are several. Raises BadSetting."""
    if settings.several and settings.workspace is None:
        text = "is not set: which workspace, of those that `workspaces` lists"
        raise BadSetting(f"SAYSO_WORKSPACE: {text}", field="SAYSO_WORKSPACE")
    if settings.workspace is None:
        return settings
    if not settings.several:
        text = "SAYSO_WORKSPACE: is for several workspaces, which needs SLACK_CLIENT_ID"
        raise BadSetting(text, field="SAYSO_WORKSPACE")
    return settings_of(settings, settings.workspace)


def loaded() -> Settings:
    """The settings that a command works with. Raises BadSetting."""
    return chosen(load_settings())


def _own_file(path: Path, place: str) -> Path:
    """A folder has a file for each workspace; a file is everybody's."""
    return path / f"{place}.yml" if path.is_dir() else path
