"""Parameters on the command line: `name=text`, or `name:=JSON` for numbers, lists and the like."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def add_request(parser: argparse.ArgumentParser) -> None:
    """The options of a request for approval."""
    parser.add_argument("action", metavar="ACTION", help="the action's name in the manifest")
    parser.add_argument(
        "--param",
        "-p",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="a parameter; NAME:=JSON for what is not text, such as amount:=12.50",
    )
    parser.add_argument("--reason", default="", help="why, for the reviewer")
    parser.add_argument("--session", metavar="ID", help="the session or job that asks")
    parser.add_argument("--step", help="what to call this step: asking again with the same finds the same approval")
    parser.add_argument("--urgency", choices=["low", "normal", "high"])
    parser.add_argument("--on-behalf-of", metavar="WHO", help="the person it is for")


def details(args: argparse.Namespace) -> dict[str, Any]:
    """What else a request carries, where it was given."""
    given = {"session_id": args.session, "urgency": args.urgency, "on_behalf_of": args.on_behalf_of}
    return {name: value for name, value in given.items() if value is not None}


def read_params(texts: Sequence[str]) -> dict[str, Any]:
    """The parameters in `texts`; raises ValueError naming the one that cannot be read."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        as_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not _NAME.fullmatch(name):
            raise ValueError(f"--param {text}: must be NAME=TEXT or NAME:=JSON")
        if name in found:
            raise ValueError(f"--param {name} is given twice")
        found[name] = _json(name, value) if as_json else value
    return found


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"--param {name}: is not JSON ({error})") from None


def as_text(value: Any) -> str:
    """A value as one argument or variable: a text as it is, anything else as JSON. Raises ValueError for what none can hold."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if "\0" in text:
        raise ValueError("a granted value holds a character that no argument can")
    return text


def environment(params: Mapping[str, Any]) -> dict[str, str]:
    """`SAYSO_PARAM_…` for each parameter. Raises ValueError where two would share a name."""
    found: dict[str, str] = {}
    for name, value in params.items():
        key = f"SAYSO_PARAM_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}"
        if key in found:
            raise ValueError(f"two parameters would be {key}")
        found[key] = as_text(value)
    return found


def filled(command: Sequence[str], names: Sequence[str], params: Mapping[str, Any]) -> list[str]:
    """The command with each `{name}` of `names` replaced by the granted value, within its argument, never through a shell.

    Braces around anything else stay as they are. Raises ValueError where the grant has no such parameter.
    """
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(f"{{{name}}}") for name in longest) or r"(?!)")

    def value(found: re.Match[str]) -> str:
        name = found.group()[1:-1]
        if name not in params:
            raise ValueError(f"the grant has no parameter {name}, which the command needs")
        return as_text(params[name])

    return [pattern.sub(value, word) for word in command]
