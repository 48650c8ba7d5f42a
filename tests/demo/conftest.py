"""The examples are scripts that stand beside each other; the tests stand beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sayso.testing import FakeSayso

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))


@pytest.fixture
def sayso(tmp_path: Path) -> Iterator[FakeSayso]:
    """A reviewer that does what the test says; `sayso.restarted()` is the agent's next process."""
    with FakeSayso(state_dir=tmp_path / "state") as fake:
        yield fake
