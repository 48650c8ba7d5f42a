"""Harnesses that break things for real, each runnable as `python -m tests.chaos.NAME --n N --seed S --database KIND`."""

import sys
from pathlib import Path

_TESTS = str(Path(__file__).resolve().parents[1])
if _TESTS not in sys.path:  # what the tests stand on is imported as `support`, here as under pytest
    sys.path.insert(0, _TESTS)
