"""Conditions over a request in CEL, checked when the file loads: typed, total, no loops, no regexes, no side effects."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from cel_expr_python import cel

from policies.typical import typical

MAX_LENGTH = 500
_TYPES: dict[str, Any] = {
    "params": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "agent": cel.Type.STRING,
    "action": cel.Type.STRING,
    # Numbers, or null where they are unknown.
    "amount": cel.Type.DYN,
    "confidence": cel.Type.DYN,
    "risk_score": cel.Type.DYN,
    "evidence": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "urgency": cel.Type.STRING,
    "on_behalf_of": cel.Type.STRING,
}
NAMES = tuple(_TYPES)
# Loops could be nested, and a regex is a language of its own: without both, an evaluation is as short as its text.
_CONFIG = """
name: sayso
stdlib:
  exclude_macros: [all, exists, exists_one, map, filter]
  exclude_functions:
    - {name: matches}
    - {name: _+_}
    - {name: _-_}
    - {name: _*_}
    - {name: _/_}
    - {name: _%_}
    - {name: _<_}
    - {name: _<=_}
    - {name: _>_}
    - {name: _>=_}
    - {name: _==_}
    - {name: "_!=_"}
    - {name: "@in"}
    - {name: "_?_:_"}
"""


_WHOLE, _DECIMAL, _TEXT, _TRUTH = cel.Type.INT, cel.Type.DOUBLE, cel.Type.STRING, cel.Type.BOOL
_ANY, _LIST, _MAP = cel.Type.DYN, cel.Type.LIST, cel.Type.MAP
_MIXED = ((_WHOLE, _DECIMAL), (_DECIMAL, _WHOLE))
_ORDERED = (_TRUTH, _WHOLE, cel.Type.UINT, _DECIMAL, _TEXT, cel.Type.BYTES, cel.Type.TIMESTAMP, cel.Type.DURATION)
_COMPARED = (*_ORDERED, cel.Type.NULL, _LIST, _MAP)


def _arithmetic() -> list[Any]:
    """Sums, differences, products, quotients and remainders in which whole numbers and decimals mix, as JSON writes both.

    The engine itself knows how to treat two of a kind; only the mixed ones are ours, and the remainder of decimals.
    """
    found = []
    for name, word, work in _OPERATORS:
        mixed = partial(_in_decimals, work)
        overloads = [
            cel.Overload(f"{word}_int64", _WHOLE, [_WHOLE, _WHOLE]),
            *(cel.Overload(_named(word, *pair), _DECIMAL, list(pair), impl=mixed) for pair in _MIXED),
        ]
        ours = {"impl": mixed} if word == "modulo" else {}
        overloads.append(cel.Overload(f"{word}_double", _DECIMAL, [_DECIMAL, _DECIMAL], **ours))
        if name == "_+_":
            overloads += [
                cel.Overload("add_string", _TEXT, [_TEXT, _TEXT]),
                cel.Overload("add_list", _LIST, [_LIST, _LIST]),
            ]
        found.append(cel.FunctionDecl(name, overloads))
    return found


def _comparisons() -> list[Any]:
    """Whatever compares two values or chooses one: the engine treats 3 and 3.0 as one number, so the checker lets both meet."""
    found = []
    for name, word, types in (
        *((name, word, _ORDERED) for name, word in _ORDERS),
        ("_==_", "equals", _COMPARED),
        ("_!=_", "not_equals", _COMPARED),
    ):
        pairs = [*((kind, kind) for kind in types), *_MIXED]
        found.append(cel.FunctionDecl(name, [cel.Overload(_named(word, *pair), _TRUTH, list(pair)) for pair in pairs]))
    pairs = [*((kind, kind) for kind in _COMPARED), *_MIXED]
    chosen = [
        cel.Overload(_named("conditional", *pair), pair[0] if pair[0] == pair[1] else _ANY, [_TRUTH, *pair])
        for pair in pairs
    ]
    lists = [cel.Overload(_named("in_list", *pair), _TRUTH, [pair[0], cel.Type.List(pair[1])]) for pair in pairs]
    maps = [
        cel.Overload(_named("in_map", kind, kind), _TRUTH, [kind, cel.Type.Map(kind, _ANY)])
        for kind in (_TRUTH, _WHOLE, _TEXT)
    ]
    return [*found, cel.FunctionDecl("_?_:_", chosen), cel.FunctionDecl("@in", [*lists, *maps])]


def _named(word: str, left: Any, right: Any) -> str:
    """The name of an overload, which no other has."""
    return f"{word}_{_spelled(left)}_{_spelled(right)}"


def _spelled(kind: Any) -> str:
    return "".join(char if char.isalnum() else "_" for char in repr(kind).lower())


_OPERATORS = (
    ("_+_", "add", operator.add),
    ("_-_", "subtract", operator.sub),
    ("_*_", "multiply", operator.mul),
    ("_/_", "divide", operator.truediv),
    ("_%_", "modulo", math.fmod),
)
_ORDERS = (("_<_", "less"), ("_<=_", "less_equals"), ("_>_", "greater"), ("_>=_", "greater_equals"))


def _in_decimals(work: Callable[[float, float], float], left: float, right: float) -> float:
    return work(float(left), float(right))


_TYPICAL: dict[str, Any] = {
    "params": {},
    "agent": "agent",
    "action": "action",
    "amount": 1.0,
    "confidence": 0.5,
    "risk_score": 0.5,
    "evidence": {},
    "urgency": "normal",
    "on_behalf_of": "",
}
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_WRONG_TYPES = "No matching overload"


class CannotTell(Exception):
    """The condition has no answer for this request, such as where it names a parameter that is not there."""


@lru_cache(maxsize=1)
def _environment() -> Any:
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_CONFIG), variables=_TYPES, functions=_arithmetic() + _comparisons()
    )


@lru_cache(maxsize=4096)
def _compiled(source: str) -> Any:
    return _environment().compile(source)


def checked(source: str) -> str:
    """`source` itself; raises ValueError in one line where it is not a condition over NAMES."""
    if not source.isprintable() and not all(char.isprintable() or char in "\n\t" for char in source):
        raise ValueError("holds characters that cannot be seen")
    try:
        told = _compiled(source).return_type()
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"not a condition: {_problem(str(error))}") from None
    if told not in (cel.Type.BOOL, cel.Type.DYN):
        raise ValueError(f"must be true or false, and is {told.name().lower()}")
    # The checker takes an unknown number for anything: a typical request shows what it is.
    try:
        holds(source, _TYPICAL)
    except CannotTell as error:
        if _WRONG_TYPES in str(error):
            raise ValueError(f"not a condition: {_overload(str(error))}") from None
    return source


def check_with_schema(source: str, schema: dict[str, Any]) -> None:
    """Raise ValueError where types cannot meet for parameters as `schema` has them: such a rule would always ask."""
    params = _declared_only(typical(schema, lambda: _UNKNOWN))
    try:
        holds(source, _TYPICAL | {"params": params if isinstance(params, dict) else {}})
    except CannotTell as error:
        if _WRONG_TYPES in str(error):
            raise ValueError(f"not a condition: {_overload(str(error))}") from None


_UNKNOWN = object()


def _declared_only(value: Any) -> Any:
    """`value` without what the schema says nothing of: a condition about that cannot be tried."""
    if isinstance(value, dict):
        return {name: _declared_only(child) for name, child in value.items() if child is not _UNKNOWN}
    if isinstance(value, list):
        return [_declared_only(child) for child in value if child is not _UNKNOWN]
    return value


def holds(source: str, values: Mapping[str, Any]) -> bool:
    """Whether the condition holds for `values`; raises CannotTell where it has no answer."""
    try:
        result = _compiled(source).eval(data=dict(values))
        answer = result.value()
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise CannotTell(str(error)) from None
    if result.type() != cel.Type.BOOL or not isinstance(answer, bool):
        raise CannotTell(str(answer) if result.type() == cel.Type.ERROR else "the answer is neither true nor false")
    return answer


def _problem(text: str) -> str:
    found = _PLACE.search(text)
    if found is None:
        return "nested too deep" if "recursion" in text else text.partition("\n")[0][:200]
    line, column, said = found.groups()
    place = f"column {column}" if line == "1" else f"line {line}, column {column}"
    said = said.removesuffix(" [INVALID_ARGUMENT]").replace(" (in container '')", "")
    return f"{place}: {said.partition(' expecting {')[0]}"


def _overload(text: str) -> str:
    return "types that do not go together" + text.partition(":")[2].partition(":")[2].rstrip(".")


_NAMED = re.compile(r"\bparams(?:\.[A-Za-z_][A-Za-z0-9_]*)+(?!\w*\()")
_HAS = re.compile(r"\bhas\(\s*(params(?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*\)")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")


def named(source: str) -> dict[str, bool]:
    """The parameter paths that a condition names, and whether each is asked for with has() too."""
    bare = _QUOTED.sub("''", source)
    guarded = set(_HAS.findall(bare))
    # A name before an opening bracket is a function: params.note.contains('x') is about params.note.
    return {path: path in guarded for path in dict.fromkeys(_NAMED.findall(bare))}
