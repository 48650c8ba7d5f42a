"""The kills of `make chaos`, a few of them: under load, at random moments and at named steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.servers import ROOT

from tests.chaos import failpoints, kills


@pytest.mark.timeout(300)
def test_a_few_kills_under_load(database_url: str, database_kind: str, tmp_path: Path) -> None:
    """Servers and an agent killed under load lose nothing, double nothing and claim nothing twice."""
    report = kills.run(database_url, tmp_path, database_kind, n=5, clients=3, agents=1, hurry=True)
    assert report.violations == []
    assert report.figures["server kills"] >= 5
    assert report.figures["executions"] > 0


def test_every_step_can_be_armed() -> None:
    """Each named step belongs to a family that knows how to reach it, and what it wraps is there."""
    steps = (*failpoints.STEPS, failpoints.MIGRATION)
    words = f"from tests.chaos import failpoints\nfor step in {steps!r}: failpoints.arm(step)"
    armed = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert armed.returncode == 0, armed.stderr
