"""A long record is read page by page; `python -m tests.learning.scale` fills it with 1,000,000 requests and judges the time too."""

from __future__ import annotations

from pathlib import Path

from tests.learning import scale


def test_tune_and_replay_read_a_long_record(database_url: str, tmp_path: Path) -> None:
    """Every action is told of, the first page fits a terminal, and a replay keeps none of the calls; here of 3,000 requests."""
    report = scale.run(database_url, tmp_path, n=3_000, timed=False)
    assert not report.violations, report.violations
