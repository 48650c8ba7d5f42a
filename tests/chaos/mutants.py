"""Mutation testing: small faults are put into a module, one at a time, and the tests that guard it must notice.

A warmed process forks for each mutant; the child reads the module with the fault in it and runs the module's tests
until the first one fails. What survives is either a missing test or changes nothing that anybody could see; the
latter are listed in EQUIVALENT, each with its reason.
"""

from __future__ import annotations

import argparse
import ast
import copy
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.places import Report, command_line
from tests.chaos.planting import ROOT, Fault, caught, warm

UNIT, STORE = "tests/unit/policies", "tests/store"
# Each module with the tests that guard it, the quickest first.
GUARDED: dict[str, tuple[str, ...]] = {
    "policies/lifecycle.py": (f"{UNIT}/test_policy_lifecycle.py", f"{UNIT}/test_policy_approval.py"),
    "policies/permissions.py": (f"{UNIT}/test_policy_permissions.py",),
    "policies/digest.py": (f"{UNIT}/test_policy_digest.py",),
    "bot/service/execute.py": (f"{STORE}/test_store_execute.py", f"{STORE}/test_store_labels.py"),
    "store/audit.py": (f"{STORE}/test_store_audit.py",),
}
AUDIT, CLAIM = "store/audit.py", "bot/service/execute.py"
READ_AT_ONCE = "how many rows are fetched at once, which costs and changes nothing"
_CLAIMED = 'return _grant(advance(ctx, approval, claimed, outcome.event, f"agent:{agent.name}", put_off=True))'
STILL_TEXT = "a Python text is a text to both databases, named or not"
# (module, line's text, what it became): why nobody could tell the difference.
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "policies/digest.py",
        '_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode',
        "without ensure_ascii",
    ): "it is the library's default too; it is written because the digest depends on it",
    (
        AUDIT,
        '_last = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1).subquery("last")',
        "'lastX'",
    ): "the name of a subquery inside one statement",
    **{
        (CLAIM, _CLAIMED, became): "the same writes, in one round trip with the audit row or before it"
        for became in ("without put_off", "False")
    },
    **{
        (AUDIT, line, became): READ_AT_ONCE
        for line in ("for row in unit.execute(query.execution_options(yield_per=1000)):",)
        for became in ("without yield_per", "1001")
    },
    **{
        (AUDIT, line, "without type_"): STILL_TEXT
        for line in (
            '_line = bindparam("line", type_=Text)',
            'bindparam("approval_id", type_=Text),',
            'bindparam("session_id", type_=Text),',
            'bindparam("approval_ids", type_=_texts),',
            'bindparam("session_ids", type_=_texts),',
            'func.string_to_array(bindparam("lines", type_=Text), literal("\\n")),',
            'bindparam("texts", type_=Text),',
            'func.string_to_array(bindparam("texts", type_=Text), literal("\\n"), literal("")),',
        )
    },
}

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


CHANGED = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Constant, ast.If, ast.Return, ast.Expr, ast.Call)


@dataclass(frozen=True)
class Mutant(Fault):
    """A fault with its place: what the line was, and what became of it."""

    line: int
    was: str
    became: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.module}:{self.line}: {self.was} -> {self.became}"


def mutants_of(module: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    source = (ROOT / module).read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    for index, (original, function) in enumerate(_walk(tree)):
        for change in range(4 if isinstance(original, CHANGED) else 0):
            mutated = copy.deepcopy(tree)
            node = next(itertools.islice(_walk(mutated), index, None))[0]
            line = getattr(node, "lineno", 0)
            became = _mutate(node, change)
            if became is None:
                break
            was = lines[line - 1].strip() if line else ""
            yield Mutant(module, function, ast.fix_missing_locations(mutated), line, was, became)


def _walk(tree: ast.AST, path: str = "", function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """What is worth changing, with the function it is in: no docstrings, annotations, imports, types or assertions."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _left_alone(child):
                continue
            inner, inside = path, function
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                inner = f"{path}.{child.name}" if path else child.name
            if isinstance(tree, ast.FunctionDef) and name == "body" and not function:
                inside = path
            yield child, inside
            yield from _walk(child, inner, inside)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return True
    # An assertion states what the types cannot; it decides nothing.
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Assert)


def _mutate(node: ast.AST, change: int) -> str | None:
    """Change the node in place, in its `change`-th way; what became of it, or None where there is no such way."""
    if isinstance(node, ast.Compare) and change == 0:
        node.ops[0] = COMPARISONS[type(node.ops[0])]()
        return ast.unparse(node)
    if isinstance(node, ast.BoolOp) and change == 0:
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return ast.unparse(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and change == 0:
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        return ast.unparse(node)
    if isinstance(node, ast.BinOp) and change == 0 and isinstance(node.op, ast.Add | ast.Sub):
        node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return ast.unparse(node)
    if isinstance(node, ast.Constant) and change == 0:
        return _other_constant(node)
    if isinstance(node, ast.If) and change < 2:
        node.test = ast.Constant(bool(change))
        return f"if {bool(change)}"
    if isinstance(node, ast.Return) and node.value is not None and change == 0:
        if isinstance(node.value, ast.Constant) and node.value.value is None:
            return None
        node.value = ast.Constant(None)
        return "return None"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and change == 0:
        node.value = ast.Constant(None)
        return "nothing is called"
    if isinstance(node, ast.Call) and node.keywords and change < len(node.keywords) and node.keywords[change].arg:
        removed = node.keywords.pop(change)
        return f"without {removed.arg}"
    return None


def _other_constant(node: ast.Constant) -> str | None:
    match node.value:
        case bool():
            node.value = not node.value
        case int() | float():
            node.value = node.value + 1
        case str() if node.value and " " not in node.value:  # a sentence is for people, who read past a letter
            node.value = node.value + "X"
        case bytes():
            node.value = node.value + b"X"
        case _:
            return None
    return repr(node.value)


# --- running one -----------------------------------------------------------------------------------------------------


def run(modules: list[str], *, n: int = 0, verbose: bool = False) -> Report:
    """Every mutant (or every k-th, so that about `n` are left) of these modules."""
    report = Report("mutants")
    for module in modules:
        report.require(not caught(None, GUARDED[module]), f"{module}: its tests fail without any fault")
        found = list(mutants_of(module))
        chosen = found[:: max(1, len(found) // n)] if n else found
        survivors = []
        for mutant in chosen:
            if (mutant.module, mutant.was, mutant.became) in EQUIVALENT:
                continue
            if not caught(mutant, GUARDED[module]):
                survivors.append(mutant.name)
                if verbose:
                    print(f"survived: {mutant.name}", file=sys.stderr, flush=True)
        judged = [one for one in chosen if (one.module, one.was, one.became) not in EQUIVALENT]
        score = 100 * (1 - len(survivors) / len(judged))
        report.figures[module] = f"{score:.1f} % of {len(judged)}"
        report.require(score >= 95, f"{module}: {score:.1f} %: {json.dumps(survivors)}")
    report.figures["equivalent"] = len(EQUIVALENT)
    return report


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    os.chdir(ROOT)
    warm()
    begun = time.monotonic()
    report = run([arguments.module] if arguments.module else list(GUARDED), n=arguments.n, verbose=True)
    report.figures["minutes"] = round((time.monotonic() - begun) / 60, 1)
    return report


if __name__ == "__main__":
    command_line(_work, n=0, databases=False, module="")
