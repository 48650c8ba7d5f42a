"""What Slack answers when it refuses."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """A refusal with Slack's own error name; `extra` joins the JSON answer."""

    def __init__(self, error: str, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The JSON Slack would send."""
        return {"ok": False, "error": self.error, **self.extra}


def invalid(error: str, messages: list[str]) -> SlackError:
    """A refusal that lists its reasons where the SDKs look for them."""
    return SlackError(error, errors=[_bare(entry) for entry in messages], response_metadata={"messages": messages})


def _bare(message: str) -> str:
    return message.removeprefix("[ERROR] ")
