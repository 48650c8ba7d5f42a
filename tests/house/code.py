"""The code as modules, rooms and arrows, read from its syntax alone."""

from __future__ import annotations

import ast
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TOP = ("policies", "store", "bot", "sayso", "playground")


@dataclass(frozen=True)
class Function:
    """A function: its dotted name, its lines, and how many arguments it takes by position (without self)."""

    name: str
    lines: int
    positional: int


@dataclass(frozen=True)
class Module:
    """One file of the product."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        """Its source."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.text.count("\n")

    @property
    def room(self) -> str:
        """The folder it stands in, two names deep; the door of a package, `__main__`, is no part of any room."""
        parts = self.name.split(".")
        if parts[-1] == "__main__":
            return self.name
        inside = self.path.parent.name != parts[0] and len(parts) > 1
        return ".".join(parts[:2]) if inside else parts[0]


def modules(root: Path) -> list[Module]:
    """Every module of the product, migrations left out."""
    found = []
    for top in TOP:
        for path in sorted((root / top).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            found.append(Module(name, path))
    return found


def rooms(found: list[Module]) -> dict[str, list[str]]:
    """Module names by room."""
    by_room: dict[str, list[str]] = defaultdict(list)
    for module in found:
        by_room[module.room].append(module.name)
    return by_room


def imports(found: list[Module]) -> dict[str, set[str]]:
    """Which modules of the product each module imports."""
    known = {module.name for module in found}
    return {module.name: _imported(module, known) - {module.name} for module in found}


def _imported(module: Module, known: set[str]) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names & known


def arrows(found: list[Module]) -> set[tuple[str, str]]:
    """(importing room, imported room), each once."""
    room_of = {module.name: module.room for module in found}
    pairs = {(room_of[one], room_of[other]) for one, others in imports(found).items() for other in others}
    return {(one, other) for one, other in pairs if one != other}


def backward(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Arrows whose opposite exists too, each pair of rooms once."""
    return {(one, other) for one, other in pairs if one < other and (other, one) in pairs}


def depth(found: list[Module]) -> int:
    """The longest chain of imports, counted in modules; a cycle counts once."""
    graph, known = imports(found), {}

    def floors(name: str, above: frozenset[str]) -> int:
        if name in above:
            return 0
        if name not in known:
            known[name] = 1 + max((floors(other, above | {name}) for other in graph[name]), default=0)
        return known[name]

    return max(floors(module.name, frozenset()) for module in found)


def fan_in(found: list[Module]) -> list[tuple[str, int]]:
    """How many modules import each, most first."""
    return Counter(other for others in imports(found).values() for other in others).most_common()


def functions(found: list[Module]) -> list[Function]:
    """Every function and method."""
    return [_function(module, node) for module in found for node in ast.walk(module.tree) if _is_function(node)]


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _function(module: Module, node: ast.AST) -> Function:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    taken = [one.arg for one in [*node.args.posonlyargs, *node.args.args]]
    if taken[:1] in (["self"], ["cls"]):
        taken = taken[1:]
    return Function(f"{module.name}.{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1, len(taken))


# Names that mean the same thing in every module of their room, since one caller goes through all of them.
PROTOCOLS = {
    ("bot.cli", "add_parser"): "bot.__main__ lets each module add the commands that it has",
    ("bot.slack", "register"): "listeners.register lets each module say what it hears",
    ("sayso.cli", "add"): "sayso.cli calls it of whichever command was named",
    ("sayso.cli", "run"): "and then this",
    (
        "sayso.integrations",
        "SaysoGate",
    ): "each module of a host offers its gate by one name, which is the one to import",
    ("sayso.integrations", "go_on"): "and what lets its paused calls look again",
    ("store", "add"): "each module keeps one noun, and inserts one of it",
    ("store", "get"): "or reads one",
    ("store", "listed"): "or several",
    **{
        ("store", name): "outbox and callbacks are queues that are worked off alike"
        for name in ("backlog", "give_up", "lease", "next_due", "retry")
    },
    **{
        ("policies", name): "a condition, a template and a path are little languages, checked alike"
        for name in ("check_with_schema", "checked", "named")
    },
}


def named_twice(found: list[Module]) -> dict[str, list[str]]:
    """Public names that two modules of one room define at their top level, but PROTOCOLS."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for module in found:
        for node in module.tree.body:
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named and not node.name.startswith("_") and (module.room, node.name) not in PROTOCOLS:  # type: ignore[union-attr]
                places[module.room, node.name].append(module.name)  # type: ignore[union-attr]
    return {f"{room}: {name}": where for (room, name), where in places.items() if len(where) > 1}


def median(values: list[int]) -> int:
    """The middle value."""
    return int(statistics.median(values))
