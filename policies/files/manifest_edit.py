"""Changes to a manifest's text that leave all else as it is, to the byte."""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Mapping

import yaml

WIDTH = 44
_WORDS_OF_YAML = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def with_key(text: str, action: str, key: str, value: str) -> str:
    """The manifest's text with `key: value` in `action`; `value` is YAML on one line and takes the place of an older one."""
    node = child(child(yaml.compose(text, Loader=yaml.SafeLoader), "actions"), action)
    assert isinstance(node, yaml.MappingNode)
    for name, old in node.value:
        if name.value == key:
            return text[: old.start_mark.index] + value + text[end(old) :]
    first = node.value[0][0].start_mark
    separator = ", " if node.flow_style else "\n" + " " * first.column
    return f"{text[: first.index]}{key}: {value}{separator}{text[first.index :]}"


def with_entry(text: str, pattern: str, name: str) -> str:
    """The manifest's text with an entry `name` behind that of `pattern`, which says the same word for word."""
    actions = child(yaml.compose(text, Loader=yaml.SafeLoader), "actions")
    assert isinstance(actions, yaml.MappingNode)
    key, value = next(pair for pair in actions.value if pair[0].value == pattern)
    copied = f"{_quoted(name)}{text[key.end_mark.index : end(value)]}".rstrip("\n")
    if actions.flow_style:
        return f"{text[: end(value)]}, {copied}{text[end(value) :]}"
    at = _line_end(text, end(value))
    return f"{text[:at]}\n{' ' * key.start_mark.column}{copied}{text[at:]}"


def with_item(text: str, action: str, key: str, item: Mapping[str, str]) -> str:
    """The manifest's text with one item more at the end of the list `key` of `action`; what stands there stays as it is."""
    node = child(child(yaml.compose(text, Loader=yaml.SafeLoader), "actions"), action)
    assert isinstance(node, yaml.MappingNode)
    first = node.value[0][0].start_mark
    old = next((value for name, value in node.value if name.value == key), None)
    if old is None and node.flow_style:
        deep = _indent(text, first.index) + " " * 4
        return f"{text[: first.index]}{key}: [{_flow(item, deep)}],\n{deep}{text[first.index :]}"
    if old is None:
        indent = " " * first.column
        return f"{text[: first.index]}{key}:\n{_block(item, indent + '  ')}\n{indent}{text[first.index :]}"
    if not old.flow_style:
        at = _line_end(text, end(old))
        return f"{text[:at]}\n{_block(item, ' ' * old.start_mark.column)}{text[at:]}"
    deep, closing = _indent(text, old.start_mark.index) + " " * 4, old.end_mark.index - 1
    comma = f",\n{deep}" if old.value else ""
    return f"{text[:closing]}{comma}{_flow(item, deep)}{text[closing:]}"


# What YAML refuses in a text, or takes for the end of a line; JSON's escapes of it are YAML's too.
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def _line_end(text: str, index: int) -> int:
    """Where the line ends that `index` ends: behind its comment. A block of text ends with its line."""
    if text[index - 1] == "\n":
        return index - 1
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _indent(text: str, index: int) -> str:
    line = text[text.rfind("\n", 0, index) + 1 :]
    return line[: len(line) - len(line.lstrip(" "))]


def _flow(item: Mapping[str, str], deep: str) -> str:
    return "{" + f",\n{deep}".join(f"\n{deep}  ".join(_wrapped(*pair)) for pair in item.items()) + "}"


def _block(item: Mapping[str, str], lead: str) -> str:
    lines = [line if at == 0 else f"  {line}" for pair in item.items() for at, line in enumerate(_wrapped(*pair))]
    return "\n".join(lead + ("  " if number else "- ") + line for number, line in enumerate(lines))


def _wrapped(key: str, value: str) -> list[str]:
    """The pair over several lines, none longer than a phone shows: a quoted text that goes on below has a space there."""
    said = f"{key}: {_quoted(value)}"
    if "  " in value or value != value.strip():
        return [said]  # a line that begins or ends in spaces loses them
    return textwrap.wrap(said, WIDTH, break_long_words=False, break_on_hyphens=False)


def _quoted(value: str) -> str:
    if value.isascii() and value.isidentifier() and value.lower() not in _WORDS_OF_YAML:
        return value
    return _UNPRINTED.sub(lambda found: json.dumps(found[0])[1:-1], json.dumps(value, ensure_ascii=False))


def difference(before: str, after: str, path: str) -> str:
    """A unified diff that `patch -p0` and reviewers read."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), path, path)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def applied(before: str, diff: str) -> str:
    """`before` with a diff that `difference` made of it; raises ValueError where it is of another text."""
    lines, found, at = before.splitlines(True), list[str](), 0
    for line in diff.splitlines(True)[2:]:
        hunk = _HUNK.match(line)
        if hunk:
            start = int(hunk[1]) - (hunk[2] != "0")
            found += lines[at:start]
            at = start
        elif line.startswith("+"):
            found.append(line[1:])
        else:
            if at >= len(lines) or lines[at].rstrip("\n") != line[1:].rstrip("\n"):
                raise ValueError(f"the diff is of another text: line {at + 1}")
            found += [lines[at]] if line.startswith(" ") else []
            at += 1
    return "".join([*found, *lines[at:]])


_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? ")


def child(node: yaml.Node | None, key: str) -> yaml.Node:
    """The value of `key` in a mapping that has it."""
    assert isinstance(node, yaml.MappingNode)
    found: yaml.Node = next(value for name, value in node.value if name.value == key)
    return found


def end(node: yaml.Node) -> int:
    """Where a node's own text ends: a block's end mark lies beyond the comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return end(last[1] if isinstance(last, tuple) else last)
