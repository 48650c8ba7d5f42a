"""How much of people's attention requests cost: real calls, the real server and the playground as Slack, on a simulated clock."""

import sys
from pathlib import Path

_TESTS = str(Path(__file__).resolve().parents[1])
if _TESTS not in sys.path:  # what the tests stand on is imported as `support`, here as under pytest
    sys.path.insert(0, _TESTS)
