"""Putting a fault into one process's copy of a module, and seeing whether tests notice.

A warmed process forks for each fault; the child runs the tests until the first one fails. Files are left as they are.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.abc
import importlib.util
import inspect
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 180


@dataclass(frozen=True)
class Fault:
    """A module as it should be read; `function` is the one that differs, empty where it is none."""

    module: str
    function: str
    tree: ast.Module


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the module with the fault to whoever imports it."""

    def __init__(self, fault: Fault) -> None:
        self._name = _dotted(fault.module)
        self._tree, self._path = fault.tree, str(ROOT / fault.module)

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: Any) -> None:
        exec(compile(self._tree, self._path, "exec"), module.__dict__)


def _dotted(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


def _plant(fault: Fault) -> None:
    """Put the fault into what is imported already; what is not in a function means importing everything of ours anew."""
    if fault.function:
        found: Any = importlib.import_module(_dotted(fault.module))
        for name in fault.function.split("."):
            found = getattr(found, name)
        found = found.fget if isinstance(found, property) else inspect.unwrap(found)
        found.__code__ = _code(compile(fault.tree, found.__code__.co_filename, "exec"), fault.function)
        return
    sys.meta_path.insert(0, _Planted(fault))
    for module in list(sys.modules):
        if module.partition(".")[0] in ("bot", "store", "policies", "support", "playground"):
            del sys.modules[module]


def _code(within: CodeType, function: str) -> CodeType:
    for constant in within.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == function:
                return constant
            if function.startswith(constant.co_qualname + "."):
                return _code(constant, function)
    raise LookupError(function)


def caught(fault: Fault | None, tests: tuple[str, ...]) -> bool:
    """Whether the tests notice; one that hangs is noticed too."""
    pid = os.fork()
    if pid == 0:
        _run_tests(fault, tests)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def _run_tests(fault: Fault | None, tests: tuple[str, ...]) -> None:
    status = 1
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(BaseException),
    ):
        if fault is not None:
            _plant(fault)
        from support import postgres

        postgres.begin_run = postgres.end_run = lambda: None  # one server for all faults
        arguments = ["-x", "-q", "-p", "no:xdist", "--no-header", "--tb=no", "--hypothesis-profile=faults"]
        arguments += [f"--timeout={SECONDS}"]
        status = int(pytest.main([*arguments, *(str(ROOT / test) for test in tests)]))
    os._exit(status)


def warm() -> None:
    """Import what every test needs, once; an example that fails is not made smaller."""
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("faults", deadline=None, database=None, derandomize=True, phases=phases)
    for name in ("support.office", "bot.__main__", "alembic.command"):
        importlib.import_module(name)
