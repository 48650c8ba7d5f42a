"""What it means for a command to read or write what an argument names."""

from __future__ import annotations

import re

from policies.shell import places
from policies.shell.call import Call
from policies.shell.classes import Effect, Finding
from policies.shell.expand import HOLE, Arg
from policies.shell.secrets import holds_secrets

_FILE_NAME = re.compile(
    r"(?!(?:data|file|https?|blob|npm|jsr|node):)[\w ./@+:,=~-]+"
)  # no address, such as data:text/javascript
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def read(call: Call, arg: Arg, *, deep: bool = False) -> Finding:
    """Reading the file `arg`, or everything below it where `deep`."""
    if arg.text == "-":
        return Finding(Effect.READ, "reads its input")
    if _URL.match(arg.text):
        return Finding(Effect.OUTWARD, f"reads {arg.text}")
    if arg.known:
        return places.reading(call.absolute(arg), call.places, glob=arg.glob, deep=deep)
    if secret := holds_secrets(arg.text.replace(HOLE, "x")):
        return Finding(Effect.SECRETS, f"reads a file where secrets are kept ({secret})")
    if arg.trusted:
        return Finding(Effect.READ, "reads files that another command names")
    return Finding(Effect.UNKNOWN, "reads a file whose name is only known when it runs")


def write(call: Call, arg: Arg, *, fresh: bool = False) -> Finding:
    """Writing, making or changing the file `arg`; `fresh`: with content that comes from this command, so it must not be run by it."""
    if not arg.known and arg.editable:
        return Finding(Effect.LOCAL, "writes source files that another command names")
    if not arg.known:
        return Finding(Effect.UNKNOWN, "writes a file whose name is only known when it runs")
    path = call.absolute(arg)
    found = places.writing(path, call.places, glob=arg.glob)
    if fresh and path is not None:
        call.around.written.add(path)
    return found


def where(call: Call, arg: Arg) -> places.Where:
    """Where the file `arg` lies."""
    return call.places.where(call.absolute(arg))


def script(call: Call, arg: Arg) -> Finding:
    """Running the file `arg` as a program: only a file of the work tree, which was not written in the same breath."""
    if not arg.known or arg.glob or arg.text == "-" or not _FILE_NAME.fullmatch(arg.text):
        return Finding(Effect.UNKNOWN, "runs a program whose name is only known when it runs")
    path = call.absolute(arg)
    if path is None or call.places.where(path) is not places.Where.INSIDE:
        return Finding(Effect.UNKNOWN, f"runs {arg.text}, a program from outside the work tree")
    if path in call.around.written:
        return Finding(Effect.UNKNOWN, f"runs {call.places.relative(path)}, which this very command wrote")
    inside = places.reading(path, call.places)
    return inside if inside.effect is not Effect.READ else Finding(Effect.LOCAL, f"runs {call.places.relative(path)}")
