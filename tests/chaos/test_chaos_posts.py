"""While Slack fails one call in five, every message arrives, and what arrives twice does nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.marks import on_postgresql

from tests.chaos import posts


@on_postgresql
@pytest.mark.timeout(300)
def test_posts_arrive_whatever_fails(database_url: str, tmp_path: Path) -> None:
    """Thirty cards through 429, 500 and lost answers: all there, and taps on copies decide once."""
    report = posts.run(database_url, tmp_path, n=30, channels=5)
    assert report.violations == []
    assert report.figures["posts that arrived"] >= 30
    assert report.figures["faults"] > 0
    assert report.figures["approvals with more than one card"] > 0
