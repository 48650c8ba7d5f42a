"""Ten thousand workspaces: what they would ask of Slack, databases and machines, from unit costs measured here."""

import sys
from pathlib import Path

_TESTS = str(Path(__file__).resolve().parents[1])
if _TESTS not in sys.path:  # what the tests stand on is imported as `support`, here as under pytest
    sys.path.insert(0, _TESTS)
