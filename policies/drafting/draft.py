"""The draft itself: every tool an action that loads and passes `policy check`, or one line that says why not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from policies import patterns
from policies.drafting import naming, wording, writing
from policies.drafting.caution import Caution, caution
from policies.drafting.tools import Refused, Tool
from policies.errors import BadFile
from policies.files.manifest import load_manifest
from policies.files.params_schema import parts
from policies.files.strict_yaml import MAX_BYTES
from policies.lint.check import lint


@dataclass(frozen=True, slots=True)
class Draft:
    """The manifest's text, how many actions it has, and what was left out."""

    text: str
    actions: int
    refused: tuple[Refused, ...]


def draft(tools: Iterable[Tool | Refused], *, source: str, server: str | None = None) -> Draft:
    """A first manifest for these tools; `source` says where they are from, `server` is what hosts call it."""
    made: dict[str, str] = {}
    refused: list[Refused] = []
    size = 0
    for tool in tools:
        if isinstance(tool, Refused):
            refused.append(_printable(tool.name, tool.why))
            continue
        try:
            name = naming.action_of(tool.name, server)
            if name in made:
                raise ValueError("is listed twice")
            text = _action(name, tool)
            size += len(text.encode())
            if size > MAX_BYTES - 100_000:
                raise ValueError("the manifest would become too large: divide the tools")
            made[name] = text
        except ValueError as error:
            refused.append(_printable(tool.name, str(error)))
    text = "\n".join([_head(source, server), *(_hooks(made) if server else ()), "actions:", *made.values(), ""])
    return Draft(text if made else "", len(made), tuple(refused))


def _printable(name: str, why: str) -> Refused:
    line = " ".join(why.split())[:300]
    return Refused("".join(char if char.isprintable() else "?" for char in name[:100]), line)


def _head(source: str, server: str | None) -> str:
    lines = [
        writing.comment(
            f"A first manifest, drafted from {source}. Tools describe themselves, so read it before you trust it."
        ),
        "# Lines marked DECIDE need a person. What destroys, or is not known, asks one until you say otherwise.",
        "version: 1",
        "defaults:",
        '  channel: "#approvals"   # DECIDE: where the cards appear',
        "  on_timeout: deny        # DECIDE: what silence means",
        "  # required_role: …      # DECIDE: who decides, by a role of the roster; its admins where nothing is said",
    ]
    if server:
        lines.append(
            "  limits: {creates_per_minute: 300}   # DECIDE: how many calls of tools one agent may make in a minute"
        )
        lines.insert(
            2, f"# The gate in front of this server must call it the same: sayso mcp-gate --server {server} -- …"
        )
    return "\n".join(lines)


def _hooks(made: Iterable[str]) -> list[str]:
    rules = [f"    - {{tools: {writing.quoted(name)}, action: {writing.quoted(name)}}}" for name in made]
    return ["hooks:", "  otherwise: deny         # DECIDE: a tool that is not listed is refused", "  rules:", *rules]


def _action(name: str, tool: Tool) -> str:
    """The action's text; raises ValueError where none loads."""
    schema, notes = _usable(tool.schema)
    schema.setdefault("type", "object")
    judged = caution(tool)
    describe = wording.sentence(tool.name, schema)
    problem = ""
    for sentence in (describe, wording.title(tool.name)):
        text = _written(name, tool, judged, sentence, schema, notes)
        problem = _problem(name, text, schema)
        if not problem:
            return text
    raise ValueError(problem)


def _usable(schema: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The schema as a policy can hold it, and what had to be changed for that."""
    try:
        kept = copy.deepcopy(schema)
        found = list(parts(kept))
        json.dumps(kept, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair, which is no text") from None
    except RecursionError:
        raise ValueError("its schema is nested too deep") from None
    notes = []
    for place, _, part in found:
        where = ".".join(str(word) for word in place) or "the schema"
        if isinstance(part.get("pattern"), str) and not _readable(part["pattern"]):
            del part["pattern"]
            notes.append(f"the pattern of {where} cannot be checked in linear time and was left out")
        if part.get("nullable") is not None:
            _without_nullable(part)
    return kept, notes


def _readable(pattern: str) -> bool:
    try:
        patterns.compiled(pattern)
    except ValueError:
        return False
    return True


def _without_nullable(part: dict[str, Any]) -> None:
    """`nullable` of OpenAPI 3.0, said in JSON Schema."""
    if part.pop("nullable") is not True:
        return
    kind = part.get("type")
    if isinstance(kind, str):
        part["type"] = [kind, "null"]
        if isinstance(part.get("enum"), list) and None not in part["enum"]:
            part["enum"] = [*part["enum"], None]
    elif kind is None and part:
        said = dict(part)
        part.clear()
        part["anyOf"] = [said, {"type": "null"}]


def _written(name: str, tool: Tool, judged: Caution, describe: str, schema: dict[str, Any], notes: list[str]) -> str:
    try:
        lines = [
            *([f"  {writing.comment(tool.description)}"] if tool.description.strip() else []),
            *(f"  {writing.comment(f'DECIDE: {note}')}" for note in notes[:5]),
            f"  {writing.quoted(name)}:",
            f"    title: {writing.quoted(wording.title(tool.name))}",
            f"    describe: {writing.quoted(describe)}",
            f"    severity: {judged.severity}  # DECIDE: {judged.decide}",
            f"    reversibility: {judged.reversibility}",
            f"    approval_required: {str(judged.asks).lower()}",
            *(["    tags: [financial]"] if judged.financial else []),
            "    params_schema:",
            writing.block(schema, 6),
        ]
        text = "\n".join(lines)
    except RecursionError:
        raise ValueError("its schema is nested too deep") from None
    return text


def _problem(name: str, text: str, schema: dict[str, Any]) -> str:
    """What the loader or the lint says against an action by itself, in a clause; nothing where it stands."""
    try:
        manifest = load_manifest(f"version: 1\nactions:\n{text}\n")
        if manifest.file.actions[name].params_schema != schema:
            return "its schema holds values that YAML cannot give back"
        errors = [finding for finding in lint(manifest, None) if finding.severity == "error"]
    except BadFile as error:
        return error.problem
    except RecursionError:
        return "its schema is nested too deep"
    return errors[0].message if errors else ""
