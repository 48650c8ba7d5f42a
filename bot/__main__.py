"""The command line: `python -m bot …` (CONTRACT: Commands)."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bot import audit_cli, opening, policy_cli
from bot.opening import open_database
from bot.settings import Settings, load_settings
from policies.errors import SaysoError
from store import agents, schema
from store.engine import Database


def main(argv: list[str] | None = None) -> int:
    """Run one command; what is wrong is one line on standard error, and the exit status says so."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except SaysoError as error:
        print(f"sayso: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Sayso: agents ask, people decide, once.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "serve", _serve, "run the server")
    _command(commands, "migrate", _migrate, "bring the database's schema to head")
    _command(commands, "sweep", _sweep, "one sweep now, prints its counts").add_argument("--json", action="store_true")
    _agent_commands(commands)
    policy_cli.add_parser(commands)
    audit_cli.add_parser(commands)
    return parser


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


def _agent_commands(commands: Any) -> None:
    agent = commands.add_parser("agent", help="agents and their tokens").add_subparsers(required=True, metavar="VERB")
    add = _command(agent, "add", _agent_add, "a new token for an agent, shown once")
    add.add_argument("name")
    add.add_argument("--role", help="what this agent is for, in a word")
    add.add_argument("--scopes", type=_scopes, default=agents.EVERYTHING, help="create,read,claim (default: all)")
    rotate = _command(agent, "rotate", _agent_rotate, "a new token, shown once; the old ones end after the overlap")
    rotate.add_argument("name")
    rotate.add_argument("--overlap", type=_overlap, default=3600, help="seconds the old tokens live on (default: 3600)")
    for parser in (add, rotate):
        life = parser.add_mutually_exclusive_group()
        life.add_argument(
            "--days", dest="seconds", type=_days, help="the token's life in days (default: until revoked)"
        )
        life.add_argument("--expires", dest="seconds", type=_spell, help="the same as 90d, 12h or 30m")
    listing = _command(agent, "list", _agent_list, "every agent")
    revoke = _command(agent, "revoke", _agent_revoke, "end every token of an agent at once")
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
        return frozenset(agents.Scope(word.strip()) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be some of {','.join(agents.Scope)}") from None


def _serve(arguments: argparse.Namespace) -> int:
    from bot import serving  # as late as this: no other command waits for the server's libraries

    return serving.serve()


def _migrate(arguments: argparse.Namespace) -> int:
    opening.migrate(load_settings())
    print(f"schema at {schema.head()}")
    return 0


def _sweep(arguments: argparse.Namespace) -> int:
    from bot import serving

    return serving.sweep_once(as_json=arguments.json)


def _database(settings: Settings | None = None) -> Database:
    return open_database(settings or load_settings())


def _agent_add(arguments: argparse.Namespace) -> int:
    options = {"role": arguments.role, "seconds": arguments.seconds, "scopes": arguments.scopes}
    return _show_token(arguments, *_database().run(lambda unit: agents.add(unit, arguments.name, **options)))


def _agent_rotate(arguments: argparse.Namespace) -> int:
    options = {"overlap_seconds": arguments.overlap, "seconds": arguments.seconds}
    return _show_token(arguments, *_database().run(lambda unit: agents.rotate(unit, arguments.name, **options)))


def _show_token(arguments: argparse.Namespace, agent: agents.Agent, token: str) -> int:
    if arguments.json:
        print(json.dumps({"id": agent.id, "name": agent.name, "role": agent.role, "token": token}))
    else:
        print(f"agent {agent.name}: keep this token, it is not shown again\n{token}")
    return 0


def _agent_list(arguments: argparse.Namespace) -> int:
    found = _database().read(agents.listed)
    if arguments.json:
        print(json.dumps([{name: _plain(value) for name, value in asdict(agent).items()} for agent in found]))
        return 0
    for agent in found:
        state = f"revoked {agent.revoked_at:%Y-%m-%d %H:%M} UTC" if agent.revoked_at else "active"
        print(f"{agent.name}\t{agent.role or '-'}\t{state}")
    return 0


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str) else str(value)


def _agent_revoke(arguments: argparse.Namespace) -> int:
    _database().run(lambda unit: agents.revoke(unit, arguments.name))
    print(
        json.dumps({"name": arguments.name, "revoked": True}) if arguments.json else f"agent {arguments.name} revoked"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
