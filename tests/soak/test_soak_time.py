"""Nobody answers for hours and for a year: what the clock owes happens once, in time, whatever is restarted."""

from __future__ import annotations

from tests.soak import simulation


def test_twelve_simulated_hours(database_url: str) -> None:
    """Nobody answers, and the server restarts all the time: each step of each request happens once, in time (docs/rules.md: G1)."""
    assert simulation.twelve_hours(database_url, requests=4) >= 16


def test_a_simulated_year_with_its_changes_of_clocks(database_url: str) -> None:
    """SLAs in the working hours of Berlin and New York, over every change of their clocks within a year."""
    assert simulation.a_year(database_url, step_days=120) >= 11 * 4
