"""Which tests get a second try: those with real servers, processes, sockets or browsers, which a busy machine can outlast."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROOMS = ("scenarios", "demo", "migrations", "playground", "redteam", "integrations", "packaging", "client", "hosts")
# Long runs get it only where time ran out: what chance found broken stays found.
TIMED = ("chaos", "soak")
TOO_SLOW = ["gave up", "Timeout", "did not start", "not within", "nobody answered", "ConnectError"]
# Whoever asks for one of these has servers or a browser running, whatever the room; so has whoever is marked `servers`.
FIXTURES = frozenset({"closed_office", "office", "browser"})


def mark(item: pytest.Item) -> None:
    """Give the test its second try, if it gets one; the run names each that needed it."""
    room = item.path.relative_to(TESTS).parts[0]
    fixtures: set[str] = set(getattr(item, "fixturenames", ()))
    if room in ROOMS or FIXTURES & fixtures or item.get_closest_marker("servers"):
        item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2))
    elif room in TIMED:
        item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2, only_rerun=TOO_SLOW))
