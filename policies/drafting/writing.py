"""The draft as YAML that the strict loader reads back as it was meant."""

from __future__ import annotations

import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z$][A-Za-z0-9_$]*(?:[ ./-][A-Za-z0-9_$]+)*")
# What YAML, or somebody who reads it, could take for something else than a text.
_WORDS = re.compile(r"(?:y|n|yes|no|on|off|true|false|null|none|inf|nan)", re.IGNORECASE)


class _Dumper(yaml.SafeDumper):
    """Block style without anchors; a text is quoted wherever it could be read as anything else."""

    def ignore_aliases(self, data: Any) -> bool:
        """The strict loader takes none."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists are indented under their key."""
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    plain = _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value) and len(value) < 200
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def quoted(text: str) -> str:
    """A text as one YAML scalar on one line."""
    return _dumped([text])[2:]


def block(value: Any, indent: int) -> str:
    """A value as a block of lines, indented."""
    lines = _dumped(value).split("\n")
    return "\n".join(" " * indent + line for line in lines)


def _dumped(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, width=10**9, allow_unicode=True, default_flow_style=False
    )
    return text.rstrip("\n")


def comment(text: str, most: int = 110) -> str:
    """Somebody else's words as one line of a comment, with nothing that ends it."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text[: most * 4]).split())
    return f"# {shown[: most - 1]}…" if len(shown) > most else f"# {shown}"
