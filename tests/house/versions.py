"""Where the code raises an approval's version or saves one, read from its syntax alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def bumps(tree: ast.AST) -> Iterator[int]:
    """The lines that add to something called `version`, or give a copy another one."""
    for node in ast.walk(tree):
        if _raised(node) == "version":
            yield node.lineno
        elif isinstance(node, ast.Call) and _called(node.func) == "replace" and not _added(node):
            yield from (word.value.lineno for word in node.keywords if word.arg == "version")


def saves(tree: ast.AST) -> Iterator[int]:
    """The lines that save an approval."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in ("save", "save_later")
            and _called(node.value) == "approvals"
        ):
            yield node.lineno


def absences(tree: ast.AST, name: str) -> Iterator[int]:
    """The lines that compare something of this name with None."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and _called(node.left) == name:
            yield from (
                node.lineno for other in node.comparators if isinstance(other, ast.Constant) and not other.value
            )


def _raised(node: ast.AST) -> str | None:
    """The name of what this adds to."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _called(node.left)
    return _called(node.target) if isinstance(node, ast.AugAssign) else None


def _added(call: ast.Call) -> bool:
    """Whether the version it gives is a sum, which counts as a bump by itself."""
    return any(word.arg == "version" and isinstance(word.value, ast.BinOp) for word in call.keywords)


def _called(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
