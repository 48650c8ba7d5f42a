"""What the store's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk

from store.engine import Database


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """An agent and a reviewer, on each database in turn."""
    return Desk(database, tmp_path)
