"""Settings that are set to nothing, and where relative paths lie: never where a command happens to be started."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.server import audit_anchor
from bot.settings import SHIPPED, BadSetting, environment_name, load_settings
from store.engine import Database

EVERY = [
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "SAYSO_SLACK_API_URL",
    "SAYSO_DATABASE_URL",
    "SAYSO_DATABASE_LISTEN_URL",
    "SAYSO_DATA_DIR",
    "SAYSO_MANIFEST",
    "SAYSO_ROSTER",
    "SAYSO_HOST",
    "SAYSO_PORT",
    "SAYSO_WORKERS",
    "SAYSO_SWEEP_SECONDS",
    "SAYSO_AUDIT_KEY",
    "SAYSO_AUDIT_HEAD",
    "SAYSO_CALLBACK_HOSTS",
    "SAYSO_CALLBACK_SECRET",
    "SAYSO_LOG_FORMAT",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SAYSO_TOKEN_KEYS",
    "SAYSO_WORKSPACE",
    "SAYSO_SMTP_URL",
    "SAYSO_MAIL_FROM",
    "SAYSO_MAIL_AFTER_SECONDS",
    "SAYSO_PUBLIC_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "SAYSO_ROOT_PATH",
    "SAYSO_TRUSTED_PROXIES",
    "SAYSO_SHUTDOWN_SECONDS",
    "SAYSO_SHUTDOWN_DELAY_SECONDS",
]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A working directory and an environment of the test's own."""
    for name in EVERY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("nothing", ["", " ", "\t\n"])
def test_what_is_set_to_nothing_is_not_set(nothing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting that is empty or blank has its default, also where it wants a number or a path."""
    plain = load_settings()
    for name in EVERY:
        monkeypatch.setenv(name, nothing)
    assert load_settings() == plain
    assert load_settings().model_fields_set == set()
    assert plain.manifest == SHIPPED / "actions.yml"


def test_what_is_set_to_nothing_leaves_what_the_file_says(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable hides nothing of `.env`, and an empty line there is no setting either."""
    (nothing_set / ".env").write_text("SAYSO_PORT=9000\nSAYSO_AUDIT_HEAD=\nSAYSO_HOST=\n")
    monkeypatch.setenv("SAYSO_PORT", "")
    settings = load_settings()
    assert (settings.port, settings.audit_head, settings.host) == (9000, None, "127.0.0.1")


def test_every_setting_is_listed_here() -> None:
    """A new setting is held to the same."""
    fields = type(load_settings()).model_fields
    known = {str(field.validation_alias or environment_name(name)) for name, field in fields.items()}
    assert known == set(EVERY)


@pytest.mark.parametrize("address", ["sqlite:///{folder}/data/sayso.db", "postgresql://u:p@db.example/sayso"])
def test_the_mark_lies_in_one_place(address: str, nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started in two folders, two commands keep the chain's end in the same file."""
    monkeypatch.setenv("SAYSO_DATABASE_URL", address.format(folder=nothing_set))
    monkeypatch.setenv("XDG_STATE_HOME", str(nothing_set / "state"))
    found = set()
    for name in ("here", "there"):
        (nothing_set / name).mkdir()
        monkeypatch.chdir(nothing_set / name)
        settings = load_settings()
        database = Database(settings.database_url, pool_size=1)
        found.add(audit_anchor.place(settings, database))
        database.close()
    (place,) = found
    expected = "data/sayso.db" if "sqlite" in address else "state/sayso/sayso-db.example-5432-sayso"
    assert place == nothing_set / f"{expected}.audit-head"


def test_without_a_state_folder_of_ones_own_it_is_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PostgreSQL without SAYSO_DATA_DIR: ~/.local/state/sayso, also where XDG_STATE_HOME is relative."""
    monkeypatch.setenv("SAYSO_DATABASE_URL", "postgresql://db.example/sayso")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert load_settings().folder == tmp_path / ".local" / "state" / "sayso"


def test_relative_paths_lie_in_the_data_folder(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SAYSO_DATA_DIR every relative path does, whatever the working directory."""
    values = {"DATABASE_URL": "sqlite:///sayso.db", "MANIFEST": "actions.yml", "AUDIT_HEAD": "end", "ROSTER": "r/r.yml"}
    for name, value in values.items():
        monkeypatch.setenv(f"SAYSO_{name}", value)
    monkeypatch.setenv("SAYSO_DATA_DIR", str(nothing_set / "data"))
    (nothing_set / "actions.yml").touch()
    settings = load_settings()
    data = nothing_set / "data"
    assert settings.database_url == f"sqlite:///{data}/sayso.db"
    assert (settings.manifest, settings.roster, settings.audit_head) == (
        data / "actions.yml",
        data / "r/r.yml",
        data / "end",
    )


def test_without_it_they_lie_beside_the_database(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the SQLite file; a policy file that is not there is looked for in the working directory."""
    data = nothing_set / "data"
    data.mkdir()
    (data / "actions.yml").touch()
    monkeypatch.setenv("SAYSO_DATABASE_URL", f"sqlite:///{data}/sayso.db")
    monkeypatch.setenv("SAYSO_MANIFEST", "actions.yml")
    monkeypatch.setenv("SAYSO_ROSTER", "reviewers.yml")
    monkeypatch.setenv("SAYSO_AUDIT_HEAD", "end")
    settings = load_settings()
    assert (settings.manifest, settings.audit_head) == (data / "actions.yml", data / "end")
    assert settings.roster == nothing_set / "reviewers.yml"


def test_a_data_folder_that_is_none_is_refused(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line that names the setting."""
    (nothing_set / "file").touch()
    monkeypatch.setenv("SAYSO_DATA_DIR", str(nothing_set / "file"))
    with pytest.raises(BadSetting, match=r"^SAYSO_DATA_DIR: .* is not a folder$"):
        load_settings()


def test_settings_say_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown in a log or a debugger, the settings hold no token, key or password."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SAYSO_AUDIT_KEY"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("SAYSO_DATABASE_URL", "postgresql://u:hunter2@host/db")
    assert "hunter2" not in repr(load_settings())
    assert "hunter2" not in str(load_settings())
