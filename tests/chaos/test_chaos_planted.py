"""The tests notice faults: each planted bug still fits the code it is for, and is caught."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys

import pytest

from tests.chaos import mutants, planted
from tests.chaos.planting import ROOT, _code


@pytest.mark.parametrize("bug", planted.BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_fits_the_code(bug: planted.Bug) -> None:
    """The code that a bug changes is there once, inside its function, and the test that should notice is there too."""
    fault = bug.fault()
    before = compile((ROOT / bug.module).read_text(encoding="utf-8"), bug.module, "exec")
    assert _code(compile(fault.tree, bug.module, "exec"), bug.function) != _code(before, bug.function)
    path, _, name = bug.test.partition("::")
    assert f"def {name}" in (ROOT / "tests" / path).read_text(encoding="utf-8")


def test_mutants_are_of_what_decides() -> None:
    """Each guarded module has its faults, and every fault that nobody could see still stands where it is explained."""
    explained = {module for module, _, _ in mutants.EQUIVALENT}
    for module in mutants.GUARDED:
        faults = mutants.mutants_of(module)
        found = list(faults if module in explained else itertools.islice(faults, 25))
        assert len(found) >= 25
        known = {(fault.module, fault.was, fault.became) for fault in found}
        assert {entry for entry in mutants.EQUIVALENT if entry[0] == module} <= known


@pytest.mark.timeout(300)
def test_a_planted_bug_is_caught() -> None:
    """A bug put into the lifecycle is caught by the test that is named for it, which passes without."""
    line = [sys.executable, "-m", "tests.chaos.planted", "--module", "policies/lifecycle.py"]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(line, cwd=ROOT, env=env | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["caught"] == "1 of 1"
