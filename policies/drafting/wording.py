"""The words of a drafted action: its title, and the sentence that a reviewer reads."""

from __future__ import annotations

import json
import re
from typing import Any

from policies.drafting.naming import words_of
from policies.files.params_schema import resolved
from policies.param_presence import required_names

MOST_NAMED = 10
_LONG = re.compile(
    r"(?:content|body|text|message|description|code|data|html|markdown|prompt|query|script|patch|diff)s?$", re.I
)


def title(name: str) -> str:
    """A few words from a tool's name. Its own title is not used: a tool could call itself anything."""
    words = words_of(name) or name
    return (words[:1].upper() + words[1:])[:120]


def sentence(name: str, schema: dict[str, Any]) -> str:
    """The template of a sentence: the title, then every parameter that must be there; a few that may, where none must."""
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    required = sorted(
        dict.fromkeys(one for one in required_names(schema) if one in known and _speakable(one)),
        key=lambda one: _weight(one, known[one], schema),
    )
    if required:
        told = ", ".join(f"{words_of(one)} {{{{ {_path(one)} }}}}" for one in required[:MOST_NAMED])
        return f"{title(name)}: {told}"
    optional = [one for one in known if _speakable(one)][:3]
    told = "".join(
        f"{{% if {_path(one)} is defined %}}, {words_of(one)} {{{{ {_path(one)} }}}}{{% endif %}}" for one in optional
    )
    return title(name) + told


def _speakable(name: str) -> bool:
    """Whether the check can follow the name: of any other the card shows the value all the same."""
    return bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,59}", name)) and bool(words_of(name))


def _path(name: str) -> str:
    """How a template reaches a parameter of any name."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
    return f"params.{name}" if plain else f"params[{json.dumps(name)}]"


def _weight(name: str, schema: Any, root: dict[str, Any]) -> int:
    """Short values come first, so that long ones cut nothing off."""
    try:
        meant = resolved(root, schema["$ref"]) if isinstance(schema, dict) and "$ref" in schema else schema
    except ValueError:
        meant = schema
    kind = meant.get("type") if isinstance(meant, dict) else None
    return 2 if kind in ("object", "array") or kind is None else 1 if _LONG.search(name) else 0
