"""The command line: `python -m bot …`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from typing import Any

from bot.cli import agent, audit, database, doctor, policy, workspaces
from policies.errors import SaysoError

SWITCH_SECONDS = 0.001


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
    several = "processes behind one address (SAYSO_WORKERS; 1)"
    _command(commands, "serve", _serve, "run the server").add_argument("--workers", metavar="N", help=several)
    database.add_parser(commands, _command)
    _command(commands, "sweep", _sweep, "one sweep now, prints its counts").add_argument("--json", action="store_true")
    doctor.add_options(_command(commands, "doctor", doctor.doctor, "what is wrong, and what to click or set"))
    agent.add_parser(commands, _command)
    policy.add_parser(commands)
    audit.add_parser(commands)
    workspaces.add_parser(commands)
    return parser


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


def _serve(arguments: argparse.Namespace) -> int:
    # What is loaded stays, and looking through it for garbage again and again is a tenth of the start.
    gc.disable()
    from bot.cli import serve

    gc.freeze()
    gc.enable()
    # The loop asks for the interpreter at every turn, and a waiting agent must not stand behind a thread for 5 ms each time.
    sys.setswitchinterval(SWITCH_SECONDS)
    return serve.serve(workers=arguments.workers)


def _sweep(arguments: argparse.Namespace) -> int:
    from bot.cli import serve

    return serve.sweep_once(as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
