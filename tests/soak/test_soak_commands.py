"""What `make soak` starts can be started: by its name, from the project's folder, with nothing set for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.__main__ import RUNS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.servers
@pytest.mark.parametrize("name", sorted({name for name, *_ in RUNS}))
def test_each_long_run_starts_as_its_guide_says(name: str) -> None:
    """`python -m tests.soak.NAME` finds what it stands on without a path of pytest's."""
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", f"tests.soak.{name}", "--help"]
    told = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False, timeout=120)
    assert told.returncode == 0, told.stderr
    assert "usage:" in told.stdout
