"""Settings from the environment and `.env`; a wrong one stops the start with a line that names it."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import data_dir, slack_secrets
from bot.service import callback_hosts, callback_signing
from bot.service.mail_servers import mail_server
from policies.errors import SaysoError
from policies.files.strict_yaml import MAX_BYTES
from policies.mailing import is_mail_address
from store import token_keys as sealing

SHIPPED = Path(__file__).resolve().parent.parent / "policies"
SLACK_API = "https://slack.com/api/"
_ROOT_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
ENV_FILE = Path(".env")
# What agents, the client and its hooks are told by the same prefix.
OF_CLIENTS = frozenset(
    {"SAYSO_URL", "SAYSO_TOKEN", "SAYSO_STATE_DIR", "SAYSO_APPROVAL_ID", "SAYSO_IDEMPOTENCY_KEY", "SAYSO_PARAM_ENV"}
)


class BadSetting(SaysoError):
    """A setting is missing or wrong."""


_SECRET: Any = Field(default=None, repr=False)


def _of_bolt(name: str) -> Any:
    return Field(default=None, validation_alias=name, repr=False)


class Settings(BaseSettings):
    """Everything that can be set: `port` is SAYSO_PORT. Seconds are whole; paths are absolute (data_dir.py says where relative ones lie)."""

    model_config = SettingsConfigDict(
        env_prefix="SAYSO_",
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",  # some editors begin a file with a mark of their own
        env_ignore_empty=True,
        extra="ignore",
    )

    # Bolt's own names for what is Slack's.
    slack_bot_token: str | None = _of_bolt("SLACK_BOT_TOKEN")
    slack_signing_secret: str | None = _of_bolt("SLACK_SIGNING_SECRET")
    slack_app_token: str | None = _of_bolt("SLACK_APP_TOKEN")

    # OpenTelemetry's own name for where a collector is.
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    # Bolt's names for an app that many workspaces install.
    slack_client_id: str | None = _of_bolt("SLACK_CLIENT_ID")
    slack_client_secret: str | None = _of_bolt("SLACK_CLIENT_SECRET")
    token_keys: str | None = _SECRET
    workspace: Annotated[str, Field(pattern=r"^[TE][A-Z0-9]{1,30}$")] | None = None

    slack_api_url: str = SLACK_API
    database_url: str = Field(default="sqlite:///sayso.db", repr=False)
    database_listen_url: str | None = _SECRET
    data_dir: Path | None = None
    manifest: Path = SHIPPED / "actions.yml"
    roster: Path = SHIPPED / "reviewers.yml"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8350
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    sweep_seconds: Annotated[int, Field(ge=1, le=300)] = 30
    audit_key: str | None = _SECRET
    audit_head: Path | None = None
    callback_hosts: str = ""
    callback_secret: str | None = _SECRET
    log_format: Literal["text", "json"] = "text"
    root_path: str = ""
    trusted_proxies: str = ""
    shutdown_seconds: Annotated[int, Field(ge=1, le=600)] = 5
    shutdown_delay_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    smtp_url: str | None = _SECRET
    mail_from: str | None = None
    mail_after_seconds: Annotated[int, Field(ge=10, le=86_400)] = 120
    public_url: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_not_set(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        told = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
        return {name: value for name, value in told.items() if value != ""}

    @field_validator("*", mode="before")
    @classmethod
    def _without_quotes(cls, value: Any) -> Any:
        if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            raise ValueError("stands in quotes, which count here: take them away")
        return value

    @field_validator("slack_bot_token", "slack_app_token", "slack_signing_secret")
    @classmethod
    def _of_its_kind(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            slack_secrets.check_kind(str(info.field_name), value)
        return value

    @model_validator(mode="after")
    def _paths_are_absolute(self) -> Settings:
        told, given = vars(self), self.data_dir.expanduser().absolute() if self.data_dir else None
        told["database_url"] = data_dir.database_url(self.database_url, given)
        told["data_dir"] = folder = given or data_dir.default(self.database_url)
        told["manifest"] = data_dir.to_read(self.manifest.expanduser(), given, folder)
        told["roster"] = data_dir.to_read(self.roster.expanduser(), given, folder)
        told["audit_head"] = folder / self.audit_head.expanduser() if self.audit_head else None
        return self

    @property
    def folder(self) -> Path:
        """Where relative paths lie, and what Sayso writes beside its database."""
        assert self.data_dir is not None
        return self.data_dir

    @field_validator("slack_api_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if not _of_http(value):
            raise ValueError("must be an http or https URL")
        return value if value.endswith("/") else value + "/"

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        return None if value is None else cls._url(value).rstrip("/")

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        if "/" in value or value.isspace():
            raise ValueError("is a host or an address such as 127.0.0.1, without http:// and without a path")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        if value is not None and not _of_http(value):
            raise ValueError("must be an http or https URL")
        return value

    @field_validator("data_dir")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None:
            data_dir.check(value.expanduser().absolute())
        return value

    @field_validator("callback_hosts")
    @classmethod
    def _hosts(cls, value: str) -> str:
        callback_hosts.listed(value)
        return value

    @field_validator("callback_secret")
    @classmethod
    def _secrets(cls, value: str | None) -> str | None:
        if value is not None:
            callback_signing.keys(value)
        return value

    @field_validator("root_path")
    @classmethod
    def _prefix(cls, value: str) -> str:
        path = value.rstrip("/")
        if value and path and not _ROOT_PATH.fullmatch(path):
            raise ValueError("must be a path such as /sayso: letters, digits and . _ - ~ between slashes")
        return path

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, value: str) -> str:
        for one in _listed(value):
            try:
                network = ip_network(one)
            except ValueError:
                raise ValueError(f"{one!r} is no address or network, such as 10.0.0.7 or 10.1.0.0/16") from None
            if network.prefixlen == 0:
                raise ValueError(f"{one} is everybody: whoever asks could say who they are")
        return value

    @property
    def proxies(self) -> list[str]:
        """Addresses and networks whose word on who asks, and how, is taken."""
        return _listed(self.trusted_proxies)

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str | None) -> str | None:
        if value is not None:
            mail_server(value)
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str | None) -> str | None:
        if value is not None and not is_mail_address(value):
            raise ValueError("must be an e-mail address like sayso@example.com")
        return value

    @field_validator("token_keys")
    @classmethod
    def _keys(cls, value: str | None) -> str | None:
        if value is not None:
            sealing.keys(value)
        return value

    @property
    def several(self) -> bool:
        """Whether many workspaces install this app."""
        return self.slack_client_id is not None

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached over Socket Mode."""
        return self.slack_app_token is not None

    def require_slack(self) -> None:
        """Raise BadSetting unless everything that serving needs is set."""
        if self.several:
            self._require_installable()
        elif self.slack_bot_token is None:
            raise BadSetting("SLACK_BOT_TOKEN: is not set", field="SLACK_BOT_TOKEN")
        if not self.socket_mode and self.slack_signing_secret is None:
            raise BadSetting(
                "SLACK_SIGNING_SECRET: is not set (needed unless SLACK_APP_TOKEN is)", field="SLACK_SIGNING_SECRET"
            )
        if callback_hosts.listed(self.callback_hosts).places and self.callback_secret is None:
            raise BadSetting(
                "SAYSO_CALLBACK_SECRET: is not set (needed with SAYSO_CALLBACK_HOSTS)", field="SAYSO_CALLBACK_SECRET"
            )
        if (self.smtp_url is None) != (self.mail_from is None):
            missing, there = ("SAYSO_MAIL_FROM", "SAYSO_SMTP_URL")[:: 1 if self.smtp_url else -1]
            raise BadSetting(f"{missing}: is not set (needed with {there})", field=missing)

    def _require_installable(self) -> None:
        for name, value in (("SLACK_CLIENT_SECRET", self.slack_client_secret), ("SAYSO_TOKEN_KEYS", self.token_keys)):
            if value is None:
                raise BadSetting(f"{name}: is not set (needed with SLACK_CLIENT_ID)", field=name)
        for name, given in (("SLACK_BOT_TOKEN", self.slack_bot_token), ("SLACK_APP_TOKEN", self.slack_app_token)):
            if given is not None:
                raise BadSetting(f"{name}: is for one workspace, SLACK_CLIENT_ID for many", field=name)


def _of_http(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _listed(value: str) -> list[str]:
    return [one.strip() for one in value.split(",") if one.strip()]


def environment_name(field: str) -> str:
    """The variable that sets a field, which pydantic names by the field or by Bolt's name for it."""
    return field if field.startswith(("SLACK_", "OTEL_")) else f"SAYSO_{field.upper()}"


def load_settings(**words: str) -> Settings:
    """The settings of this process, `words` of the command line before all others; raises BadSetting naming the first wrong one."""
    try:
        return read_settings(**words)
    except ExceptionGroup as wrong:
        raise wrong.exceptions[0] from None


def read_settings(**words: str) -> Settings:
    """The settings of this process; raises a group of BadSetting, one for each that is wrong."""
    try:
        _require_env_file()
        return Settings(**words)  # type: ignore[arg-type]
    except (OSError, UnicodeDecodeError) as error:
        path = Path(getattr(error, "filename", None) or ENV_FILE)
        raise ExceptionGroup("settings", [_unreadable(path.name, path, error)]) from None
    except ValidationError as error:
        raise ExceptionGroup("settings", [_named(problem) for problem in error.errors(include_url=False)]) from None


def _require_env_file() -> None:
    if ENV_FILE.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(ENV_FILE))


def _named(problem: Any) -> BadSetting:
    name = environment_name(str(problem["loc"][0])) if problem["loc"] else "settings"
    return BadSetting(f"{name}: {str(problem['msg']).removeprefix('Value error, ')}", field=name)


def misspelt() -> list[str]:
    """Variables that look like settings and are none, each with the name that was meant, where one is near."""
    known = {str(field.validation_alias or environment_name(name)) for name, field in Settings.model_fields.items()}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        given = {name.upper() for name in {**os.environ, **dotenv_values(ENV_FILE, encoding="utf-8-sig")}}
        return [told for name in sorted(given - known - OF_CLIENTS) if (told := _nearest(name, known))]
    return []


def _nearest(name: str, known: set[str]) -> str | None:
    ours = name.startswith("SAYSO_") and not name.startswith(("SAYSO_PARAM_", "SAYSO_TEST_"))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7 if ours else 0.9)
    if near:
        return f"{name} is no setting, so it changes nothing: {near[0]} is one"
    return f"{name} is no setting, so it changes nothing" if ours else None


def read_file(name: str, path: Path) -> str:
    """The text of a file that a setting names; raises BadSetting naming the setting."""
    try:
        with path.open(
            encoding="utf-8-sig"
        ) as file:  # a device has no end; what is too long is said where it is parsed
            return file.read(MAX_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, path, error) from None


def _unreadable(name: str, path: Path, error: OSError | UnicodeDecodeError) -> BadSetting:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return BadSetting(f"{name}: cannot read {path.absolute()}: {reason}", field=name)
