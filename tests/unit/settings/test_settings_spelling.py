"""What looks like a setting and is none is told, with the one that was meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.settings import load_settings, misspelt


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment and a working directory of the test's own."""
    for name in list(os.environ):
        if name.startswith(("SAYSO_", "SLACK_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "given, meant",
    [
        ("SAYSO_MANIFSET", "SAYSO_MANIFEST"),
        ("SAYSO_DATABSE_URL", "SAYSO_DATABASE_URL"),
        ("SAYSO_DB_URL", "SAYSO_DATABASE_URL"),
        ("SLACK_BOT_TOEKN", "SLACK_BOT_TOKEN"),
        ("SLACK_SIGNING_SECERT", "SLACK_SIGNING_SECRET"),
    ],
)
def test_the_nearest_setting_is_named(given: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment and in `.env` alike."""
    monkeypatch.setenv(given, "x")
    assert misspelt() == [f"{given} is no setting, so it changes nothing: {meant} is one"]
    monkeypatch.delenv(given)
    Path(".env").write_text(f"{given}=x\n")
    assert misspelt() == [f"{given} is no setting, so it changes nothing: {meant} is one"]


def test_what_belongs_to_others_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of agents and clients, and of other programs that use Slack, are no mistakes."""
    for name in (
        "SAYSO_URL",
        "SAYSO_TOKEN",
        "SAYSO_STATE_DIR",
        "SAYSO_PARAM_THING",
        "SLACK_USER_TOKEN",
        "SLACK_WEBHOOK_URL",
    ):
        monkeypatch.setenv(name, "x")
    assert misspelt() == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "  \n", "\t\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_env_file_of_any_editor_is_read(mark: str, end: str, nothing_set: Path) -> None:
    """With a byte order mark or without, line ends of Windows or blanks at the end: the values are the same."""
    lines = ["SAYSO_PORT=9000", 'SAYSO_HOST="127.0.0.2"', "SLACK_BOT_TOKEN=xoxb-x"]
    (nothing_set / ".env").write_bytes((mark + "".join(line + end for line in lines)).encode())
    settings = load_settings()
    assert (settings.port, settings.host, settings.slack_bot_token) == (9000, "127.0.0.2", "xoxb-x")
