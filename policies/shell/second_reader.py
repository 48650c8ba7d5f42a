"""A second opinion on where commands begin: tree-sitter's grammar of bash, which shares no line with our own reader.

Neither reader is trusted alone. Ours refuses what it does not know; tree-sitter reads everything somehow (it is made for editors:
it takes backticks in a here-document for text, and `coproc` for a program). Where the two do not find the same commands at the
same places, one of them is wrong, and a person is asked.
"""

from __future__ import annotations

from functools import lru_cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from policies.shell.tree import Script, Unreadable, commands

_BEGINS = frozenset({"command_name", "declaration_command", "unset_command", "test_command"})


@lru_cache(maxsize=1)
def _language() -> Language:
    return Language(tree_sitter_bash.language())


def agrees(text: str, script: Script) -> bool:
    """Whether tree-sitter finds the commands of `script` in `text`, and no other. Raises Unreadable as `beginnings` does."""
    ours = [command.at for command in commands(script) if command.words]
    theirs = beginnings(text)
    known = [at for at in ours if at is not None]
    return len(ours) == len(theirs) and set(known) <= set(theirs)


def beginnings(text: str) -> list[int]:
    """Where each command begins, in characters, in order. Raises Unreadable where the grammar does not fit."""
    raw = text.encode()
    root = Parser(_language()).parse(raw).root_node
    if root.has_error:
        raise Unreadable("the shell's grammar does not fit")
    offsets = sorted(_offsets(root))
    return [len(raw[:offset].decode()) for offset in offsets]


def _offsets(root: Node) -> list[int]:
    found, waiting = list[int](), [root]
    while waiting:
        node = waiting.pop()
        if node.is_missing:
            raise Unreadable("the shell's grammar does not fit")
        if node.type in _BEGINS and not (node.text or b"").startswith((b"[[", b"((")):
            found.append(node.start_byte)
        waiting.extend(node.children)
    return found
