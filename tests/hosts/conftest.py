"""A place for agents of real frameworks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.frameworks import Place, hosts_python
from support.office import Office


@pytest.fixture(scope="session", autouse=True)
def python() -> Path:
    """Everything here needs the other venv; before any database or server is started for it."""
    return hosts_python()


@pytest.fixture
def place(python: Path, office: Office, tmp_path: Path) -> Iterator[Place]:
    """An office with its server, and a folder for agents."""
    opened = Place(office, tmp_path / "work")
    yield opened
    opened.close()
