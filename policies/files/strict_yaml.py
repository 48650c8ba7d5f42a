"""YAML with no surprises: one document of plain mappings, lists and scalars, every error with its line (docs/rules.md: I14)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from policies.errors import BadFile

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
# YAML 1.1 reads these as booleans; people mean words, so they must say which.
_SURPRISES = re.compile(r"^(?:y|n|yes|no|on|off)$", re.IGNORECASE)
_OPENS = (
    yaml.BlockMappingStartToken
    | yaml.BlockSequenceStartToken
    | yaml.FlowMappingStartToken
    | yaml.FlowSequenceStartToken
)
_CLOSES = yaml.BlockEndToken | yaml.FlowMappingEndToken | yaml.FlowSequenceEndToken
_NUMBER_LOOKALIKE = re.compile(r"^[-+]?(?:0[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|0b[01]+|\d[\d_]*_[\d_]*|\d+(?::\d+)+)$")

# Ten times as fast, where PyYAML has it, as its wheels do.
_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# It takes a tab for a blank where the other one refuses it, and a byte order mark for one anywhere.
_READ_OTHERWISE = "\t\ufeff"

Path = tuple[str | int, ...]


@dataclass
class Document:
    """A parsed file: its plain value, for each path the line (from 1) where it stands, and the text itself."""

    value: dict[str, Any]
    lines: dict[Path, int] = field(default_factory=dict)
    text: str = ""

    def line(self, path: Path) -> int | None:
        """The line of `path`, or of its nearest ancestor that the file has."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)


def dotted(path: Path) -> str:
    """A path as people write it: actions.process_refund.escalation_path[1]."""
    text = ""
    for part in path:
        named = part if isinstance(part, int) else part or '""'
        text += f"[{named}]" if isinstance(named, int) else f".{named}" if text else named
    return text


def parse(text: str, *, path: str) -> Document:
    """Read one strict YAML mapping; raises BadFile naming file, line and key."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadFile(f"larger than {MAX_BYTES} bytes", path=path)
    root = _compose(text, path)
    if not isinstance(root, yaml.MappingNode):
        raise BadFile("must be a mapping at the top", path=path, line=1)
    document = Document({}, text=text)
    document.value = _mapping(root, (), document, path)
    return document


def _compose(text: str, path: str) -> yaml.Node | None:
    if any(character in text for character in _READ_OTHERWISE):
        return _composed_or_told(text, path)
    try:
        return _composed(text, path, _FASTEST)
    except (yaml.YAMLError, RecursionError, ValueError):
        return _composed_or_told(text, path)


def _composed(text: str, path: str, loader: Any) -> yaml.Node | None:
    _check_tokens(text, path, loader)
    return yaml.compose(text, Loader=loader)


def _composed_or_told(text: str, path: str) -> yaml.Node | None:
    """By the slower loader, whose errors name the character and its place."""
    try:
        return _composed(text, path, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise BadFile(f"not valid YAML: {said}", path=path, line=line) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadFile(f"a character YAML forbids: U+{ord(text[error.position]):04X}", path=path, line=line) from None
    except (RecursionError, ValueError) as error:
        raise BadFile(f"not valid YAML: {type(error).__name__}", path=path) from None


def _check_tokens(text: str, path: str, loader: Any) -> None:
    """Refuse aliases before a bomb could unfold, and depth before anything could recurse: both show in the tokens."""
    depth = 0
    for token in yaml.scan(text, Loader=loader):
        line = token.start_mark.line + 1
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > MAX_DEPTH:
            raise BadFile(f"nested deeper than {MAX_DEPTH}", path=path, line=line)
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
            what = "tag" if isinstance(token, yaml.TagToken) else "anchor or alias"
            raise BadFile(f"a YAML {what} is not allowed", path=path, line=line)


def _value(node: yaml.Node, at: Path, document: Document, path: str) -> Any:
    line = node.start_mark.line + 1
    document.lines[at] = document.lines.get(at, line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, at, document, path)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*at, index), document, path) for index, child in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(node, at, path)


def _mapping(node: yaml.MappingNode, at: Path, document: Document, path: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            named = (*at, key_node.value) if isinstance(key_node, yaml.ScalarNode) else at
            raise BadFile("a key must be a plain word", path=path, line=line, field=dotted(named) or None)
        key = key_node.value
        if key in result:
            raise BadFile("given twice", path=path, line=line, field=dotted((*at, key)))
        if not key_node.style and _SURPRISES.match(key):
            raise BadFile(f"put quotes around the key {key!r}", path=path, line=line, field=dotted((*at, key)))
        document.lines[(*at, key)] = line
        result[key] = _value(value_node, (*at, key), document, path)
    return result


def _scalar(node: yaml.ScalarNode, at: Path, path: str) -> Any:
    text, line = node.value, node.start_mark.line + 1
    if node.style:
        return text
    if _SURPRISES.match(text):
        raise BadFile(f"write true or false, or put quotes around {text!r}", path=path, line=line, field=dotted(at))
    if _NUMBER_LOOKALIKE.match(text):
        raise BadFile(f"{text!r} reads as an odd number: put quotes around it", path=path, line=line, field=dotted(at))
    try:
        return _typed(node.tag.rpartition(":")[2], text)
    except ValueError as error:
        raise BadFile(str(error), path=path, line=line, field=dotted(at)) from None


def _typed(tag: str, text: str) -> Any:
    match tag:
        case "bool":
            return text.lower() == "true"
        case "null":
            return None
        case "int":
            return _number(int, text)
        case "float":
            number = _number(float, text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            if not math.isfinite(number):
                raise ValueError("must be a finite number")
            return number
        case _:
            return text  # dates too: they are text, as in JSON


def _number(kind: type[int] | type[float], text: str) -> float:
    if len(text) > 30:
        raise ValueError("a number too long to be meant")
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{text!r} reads as an odd number: put quotes around it") from None
