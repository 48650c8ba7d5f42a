"""The proofs of `make soak` about sweeping and dealing out, small enough for every run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.marks import on_postgresql

from tests.chaos.places import database_url as fresh
from tests.soak import fairness, sweepcost, sweepers


@on_postgresql
@pytest.mark.timeout(300)
def test_a_server_killed_in_the_middle_of_a_sweep(database_url: str, tmp_path: Path) -> None:
    """Of three servers one is killed mid-sweep; the others do what is left, and every row is handled exactly once."""
    report = sweepers.killed_mid_sweep(database_url, tmp_path, n=700)
    assert report.violations == []


@on_postgresql
@pytest.mark.timeout(300)
def test_taps_at_the_very_deadline(database_url: str, tmp_path: Path) -> None:
    """Two people tap while three servers sweep the same card: no deadlock, no error, one outcome."""
    report = sweepers.against_taps(database_url, tmp_path, n=30)
    assert report.violations == []
    assert report.figures["taps"] == 60


def test_a_day_is_dealt_out_evenly(database_url: str) -> None:
    """Nobody has more than one card more than the ideal, and nobody absent is asked; dealing in turn is far from that (docs/rules.md: E2)."""
    report, table = fairness.run(database_url, n=200)
    assert report.violations == []
    assert report.figures["round-robin, worst"] > 1, table
    assert report.figures["least recently assigned, worst"] > 1, table


def test_a_sweep_with_nothing_due_reads_no_more_among_many_rows(
    database_url: str, database_kind: str, tmp_path: Path
) -> None:
    """All its statements together read as much among 20,000 rows as among 1,000: counted, not timed."""
    with fresh(database_kind, tmp_path) as second:
        report = sweepcost.run((database_url, second), database_kind, n=20_000, timed=False)
    assert report.violations == []
