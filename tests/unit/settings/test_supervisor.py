"""What systemd is told: nothing fails where there is none."""

from __future__ import annotations

import os

import pytest

from bot.server import supervisor


@pytest.mark.parametrize("address", ["", "nonsense", "/nowhere/at/all", "@sayso-nobody-listens"])
def test_no_supervisor_is_no_trouble(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without systemd, or with one that has gone, nothing is told and nothing fails."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    supervisor.tell(supervisor.READY)


@pytest.mark.parametrize(
    "given, seconds", [({}, None), ({"WATCHDOG_USEC": "x"}, None), ({"WATCHDOG_USEC": "20000000"}, 10.0)]
)
def test_a_watchdog_hears_twice_in_its_time(
    given: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the time that the unit sets; nothing where the watchdog is another process's."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert supervisor.alive_seconds() == seconds
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert supervisor.alive_seconds() is None
