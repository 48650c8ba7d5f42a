"""The three secrets that Slack gives an app look different, so that one in the other's place is told at once."""

from __future__ import annotations

_KINDS = {
    "xoxb-": ("a bot token", "SLACK_BOT_TOKEN"),
    "xapp-": ("an app-level token", "SLACK_APP_TOKEN"),
    "xoxp-": ("a person's token", None),
    "xoxa-": ("an old workspace token", None),
    "xoxe": ("a token that is exchanged for others (token rotation)", None),
    "sayso_": ("an agent's token", None),
    "whsec_": ("a secret that signs callbacks", "SAYSO_CALLBACK_SECRET"),
}
_WANTED = {"slack_bot_token": "xoxb-", "slack_app_token": "xapp-"}


def check_kind(field: str, value: str) -> None:
    """Raise ValueError where it cannot be what this setting needs; never repeats it."""
    if not value.isascii() or any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError("has a blank, a line break or a letter in it that no token has: copy it again")
    wanted = _WANTED.get(field)
    for prefix, (kind, belongs) in _KINDS.items():
        if value.startswith(prefix) and prefix != wanted:
            where = f", which belongs into {belongs}" if belongs else ""
            raise ValueError(f"is {kind}{where}; {_needs(wanted)}")


def _needs(prefix: str | None) -> str:
    return f"what is needed begins with {prefix}" if prefix else "what is needed is the app's signing secret"
