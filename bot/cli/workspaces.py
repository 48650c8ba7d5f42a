"""`python -m bot workspaces list | reseal`: where the app is installed, for a server of many workspaces."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bot.server.workspace import path_of
from bot.settings import BadSetting, Settings, load_settings


def add_parser(commands: Any) -> None:
    """Add the commands."""
    words = "where the app is installed (SLACK_CLIENT_ID)"
    verbs = commands.add_parser("workspaces", help=words).add_subparsers(required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="every workspace and organisation, and the path of its agents")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(run=_list)
    reseal = verbs.add_parser("reseal", help="seal every stored token with the first of SAYSO_TOKEN_KEYS")
    reseal.set_defaults(run=_reseal)


def _list(arguments: argparse.Namespace) -> int:
    from bot.server import installed  # Slack's stores take a while to load

    with installed.opened(_of_many()) as store:
        found = [
            {
                "id": one.id,
                "name": one.name,
                "installed_at": f"{one.installed_at:%Y-%m-%d %H:%M} UTC",
                "path": path_of(one.id),
            }
            for one in store.workspaces()
        ]
    if arguments.json:
        print(json.dumps(found))
        return 0
    for one in found:
        print(f"{one['id']}  {one['path']}  installed {one['installed_at']}  {one['name']}")
    return 0


def _reseal(arguments: argparse.Namespace) -> int:
    from bot.server import installed

    with installed.opened(_of_many()) as store:
        count = store.reseal()
    print(f"{count} rows sealed with the first key; older keys can go once every server has the new one")
    return 0


def _of_many() -> Settings:
    settings = load_settings()
    if not settings.several:
        raise BadSetting("SLACK_CLIENT_ID: is not set (needed for many workspaces)", field="SLACK_CLIENT_ID")
    return settings
