"""Shared fixtures: the small server on a socket of its own, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sayso import Sayso

from .server import TOKEN, Server


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server().start()
    yield server
    server.stop()


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Iterator[Sayso]:
    with Sayso(server.url, TOKEN, state_dir=tmp_path / "state", timeout=30) as client:
        yield client
