"""`python -m bot agent …`: agents and their tokens, who answers for them, whom they act for and under whom."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bot.server.open_database import last_known, open_database
from bot.server.policybook import load_book
from bot.server.workspace import loaded
from bot.service import enrolling, revoking
from bot.service.context import Book, World
from bot.settings import Settings
from policies.files.manifest import Manifest, ManifestFile
from policies.files.roster import Roster, RosterFile
from policies.files.strict_yaml import Document
from store import agents
from store.engine import Database

Command = Callable[[Any, str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_parser(commands: Any, command: Command) -> None:
    """Add `agent` and its verbs."""
    agent = commands.add_parser("agent", help="agents and their tokens").add_subparsers(required=True, metavar="VERB")
    add = command(agent, "add", _add, "a new token for an agent, shown once")
    add.add_argument("name")
    add.add_argument("--role", help="what this agent is for, in a word")
    add.add_argument("--owner", metavar="U…", help="the Slack user who answers for it, shown on its cards")
    add.add_argument("--for", dest="principal", metavar="PRINCIPAL", help="whom it always acts for: they never decide")
    add.add_argument(
        "--under", metavar="PARENT", help="the agent it always acts under: it never gets more than that one"
    )
    scopes = "some of create,read,claim (default: these three), or label alone"
    add.add_argument("--scopes", type=_scopes, default=agents.EVERYTHING, help=scopes)
    rotate = command(agent, "rotate", _rotate, "a new token, shown once; the old ones end after the overlap")
    rotate.add_argument("name")
    rotate.add_argument("--overlap", type=_overlap, default=3600, help="seconds the old tokens live on (default: 3600)")
    for parser in (add, rotate):
        life = parser.add_mutually_exclusive_group()
        life.add_argument(
            "--days", dest="seconds", type=_days, help="the token's life in days (default: until revoked)"
        )
        life.add_argument("--expires", dest="seconds", type=_spell, help="the same as 90d, 12h or 30m")
    listing = command(agent, "list", _list, "every agent")
    revoke = command(agent, "revoke", _revoke, "end every token of an agent at once, and withdraw what it has open")
    revoke.add_argument("name")
    for parser in (add, rotate, listing, revoke):
        parser.add_argument("--json", action="store_true", help="for machines")


_MOST_DAYS = 3650


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be 1 to {_MOST_DAYS}")
    return int(text) * 86_400


def _spell(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,6})([dhm])", text)
    seconds = int(found[1]) * {"d": 86_400, "h": 3600, "m": 60}[found[2]] if found else 0
    if not 0 < seconds <= _MOST_DAYS * 86_400:
        raise argparse.ArgumentTypeError("must be like 90d, 12h or 30m")
    return seconds


def _overlap(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 30 * 86_400:
        raise argparse.ArgumentTypeError("must be 0 to 2592000 seconds")
    return int(text)


def _scopes(text: str) -> frozenset[agents.Scope]:
    try:
        scopes = frozenset(agents.Scope(word.strip()) for word in text.split(","))
    except ValueError:
        scopes = frozenset()
    if not (scopes and (scopes <= agents.EVERYTHING or scopes == {agents.Scope.LABEL})):
        raise argparse.ArgumentTypeError("must be some of create,read,claim, or label alone")
    return scopes


def _world(settings: Settings, *, needs_book: bool) -> World:
    """What the commands work on. Who names nobody needs no policy file, and a broken one keeps nobody from revoking."""
    book = load_book(settings) if needs_book else _NO_BOOK
    database = open_database(settings)
    return World(database, book, database.read(last_known))


_NO_BOOK = Book(
    Manifest(ManifestFile.model_construct(actions={}), "", Document({})),
    Roster(RosterFile.model_construct(roles={}), ""),
)


def _add(arguments: argparse.Namespace) -> int:
    said = enrolling.Bonds(arguments.role, arguments.owner, arguments.principal, arguments.under)
    world = _world(loaded(), needs_book=bool(said.owner or said.principal))
    made = enrolling.enrol(world, arguments.name, said, seconds=arguments.seconds, scopes=arguments.scopes)
    return _show_token(arguments, world.database, *made)


def _rotate(arguments: argparse.Namespace) -> int:
    options = {"overlap_seconds": arguments.overlap, "seconds": arguments.seconds}
    database = open_database(loaded())
    made = database.run(lambda unit: agents.rotate(unit, arguments.name, **options))
    return _show_token(arguments, database, *made)


def _show_token(arguments: argparse.Namespace, database: Database, agent: agents.Agent, token: str) -> int:
    if arguments.json:
        listed = next(one for one in database.read(agents.listed) if one.id == agent.id)
        said = {name: value for name, value in _plain(listed).items() if not name.endswith("_at")}
        print(json.dumps(said | {"token": token}))
    else:
        print(f"agent {agent.name}: keep this token, it is not shown again\n{token}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    found = open_database(loaded()).read(agents.listed)
    if arguments.json:
        print(json.dumps([_plain(agent) for agent in found]))
        return 0
    for agent in found:
        state = f"revoked {agent.revoked_at:%Y-%m-%d %H:%M} UTC" if agent.revoked_at else "active"
        bonds = [("owner", agent.owner), ("for", agent.principal), ("under", agent.under)]
        told = [f"{word} {value}" for word, value in bonds if value]
        print("\t".join([agent.name, agent.role or "-", state, *told]))
    return 0


def _plain(agent: agents.Listed) -> dict[str, str | None]:
    names = {"principal": "for"}
    values = {names.get(name, name): value for name, value in asdict(agent).items()}
    return {name: value if value is None or isinstance(value, str) else str(value) for name, value in values.items()}


def _revoke(arguments: argparse.Namespace) -> int:
    withdrawn = revoking.revoke(_world(loaded(), needs_book=False), arguments.name)
    if arguments.json:
        print(json.dumps({"name": arguments.name, "revoked": True, "withdrawn": withdrawn}))
    else:
        print(f"agent {arguments.name} revoked, {withdrawn} of its open approvals withdrawn")
    return 0
