"""Changes to a manifest's text that leave all else as it is, to the byte."""

from __future__ import annotations

import difflib

import yaml


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


def difference(before: str, after: str, path: str) -> str:
    """A unified diff that `patch -p0` and reviewers read."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), path, path)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


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
