"""SQLite, PostgreSQL and the model in step: the same calls get the same answers and leave the same states and trails."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import postgres

from tests.chaos import lockstep


@pytest.mark.timeout(300)
def test_both_databases_and_the_model_agree(
    postgresql: postgres.Postgres, sqlite_template: Path, tmp_path: Path
) -> None:
    """Whatever is called in whatever order, both databases answer as the model says and record the same events."""
    with postgresql.fresh() as url:
        lockstep.run({"sqlite": f"sqlite:///{tmp_path}/lockstep.db", "postgresql": url}, tmp_path, n=6, steps=15)
