"""What the name of a tool tells: `mcp__github__get_issue` looks, `…__delete_file` deletes."""

from __future__ import annotations

import re

from policies.shell.classes import Effect, Finding

_READS = frozenset(
    "get list search read fetch find query resolve describe show view check count lookup snapshot screenshot"
    " inspect status diff whoami ping health"
    " stats history logs log console docs explain summarize validate lint compare preview navigate browse tabs info"
    " version help capabilities"
    " metadata schema tree blame grep glob ls cat head tail wait hover scroll back forward".split()
)
_ACTS = frozenset(
    "create update add set post send publish push merge upload reply comment react invite assign close submit"
    " approve request edit rename move transfer"
    " write insert upsert put patch deploy start stop run execute trigger schedule cancel enable disable import"
    " export share save store append replace"
    " modify change make call invoke do perform apply sync commit fork clone star subscribe unsubscribe lock unlock"
    " archive restore resize install"
    " click type press fill drag select evaluate key login logout register book order pay buy refund charge sign vote".split()
)
_DELETES = frozenset(
    "delete remove destroy drop purge clear revoke terminate kill wipe truncate unpublish erase uninstall reset"
    " flush rollback".split()
)
_SECRETS = frozenset(
    "secret secrets password passwords credential credentials token tokens apikey keychain vault env environment".split()
)
_VAULTS = frozenset(
    "vault 1password onepassword bitwarden keychain keyring secrets secretsmanager lastpass doppler infisical".split()
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")


def of_name(tool: str) -> Finding:
    """What a tool does as far as its name tells."""
    server, name = _parts(tool)
    words = [word.casefold() for word in _WORD.findall(name)]
    if _VAULTS & set(re.split(r"[^a-z0-9]+", server.casefold())) or _SECRETS & set(words):
        return Finding(Effect.SECRETS, f"{tool} by its name works with secrets")
    if _DELETES & set(words):
        return Finding(Effect.DESTRUCTIVE, f"{tool} by its name deletes")
    first = next((word for word in words if word in _READS | _ACTS), None)
    if first is None:
        return Finding(Effect.UNKNOWN, f"{tool} is a tool that Sayso does not know")
    acts = first in _ACTS or ("and" in words and bool(_ACTS & set(words)))
    if acts:
        return Finding(Effect.OUTWARD, f"{tool} by its name acts")
    return Finding(Effect.READ, f"{tool} by its name looks")


def _parts(tool: str) -> tuple[str, str]:
    """Server and name of `mcp__server__name`, or of names such as `server/tool`."""
    if tool.startswith("mcp__"):
        server, _, name = tool[5:].partition("__")
        return server, name or server
    server, _, name = tool.replace(".", "/").rpartition("/")
    return server, name
