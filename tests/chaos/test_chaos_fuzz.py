"""Hostile input at every entrance ends in a refusal, never in a server error."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.marks import on_sqlite

from tests.chaos import fuzz


@on_sqlite
@pytest.mark.timeout(300)
def test_hostile_input_is_refused(database_url: str, tmp_path: Path) -> None:
    """A thousand mutated requests, payloads, manifests and parameters: no 5xx, no unexpected exception."""
    report = fuzz.run(database_url, tmp_path, n=1000)
    assert report.violations == []
    assert report.figures["2xx"] > 30, "some of it was good enough to be taken"
    assert report.figures["4xx"] > 300
