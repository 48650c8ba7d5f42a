"""Which automatic actions are reviewed afterwards."""

from __future__ import annotations

from policies.learning.sampling import sampled


def test_the_share_is_kept_and_nobody_can_foretell_it() -> None:
    """About the declared share is drawn, the same each time with the same key, and others with another key."""
    ids = [f"apr_{number}" for number in range(4000)]
    drawn = {one for one in ids if sampled(b"key", one, "d", 0.25)}
    assert 900 < len(drawn) < 1100
    assert drawn == {one for one in ids if sampled(b"key", one, "d", 0.25)}
    other = {one for one in ids if sampled(b"another", one, "d", 0.25)}
    assert 180 < len(drawn & other) < 330
    assert all(sampled(b"key", one, "d", 1.0) and not sampled(b"key", one, "d", 0.0) for one in ids)
