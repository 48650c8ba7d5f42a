"""Log lines for people, or one JSON object a line for machines; never a token or a parameter's value.

A line that concerns an approval says so in a field of its own, whoever writes it: what the task works on is known
(`bot/service/activity.py`), and a line about another one names it itself (`extra`).
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from bot.service import activity
from policies.trace_context import trace_id


class Json(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; what is not known is left out."""
        body = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_about(record),
        }
        if record.exc_info:
            body["exception"] = self.formatException(record.exc_info)
        return json.dumps(body, ensure_ascii=True)


class _ToStderr(logging.Handler):
    """To whatever standard error is when a line is written."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def _about(record: logging.LogRecord) -> dict[str, str]:
    own = activity.current() or activity.Activity()
    approval_id = getattr(record, "approval_id", None) or own.approval_id
    met = own.met.get(approval_id or "")
    trace = getattr(record, "trace", None) or (met.trace if met else None) or own.caller
    found = {
        "approval_id": approval_id,
        "trace_id": trace_id(trace),
        "request_id": own.request_id,
        "client": own.client,
    }
    return {name: value for name, value in found.items() if value}


def configure(log_format: str) -> None:
    """Send every log line to standard error, in one form."""
    handler = _ToStderr()
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(Json() if log_format == "json" else plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sayso").setLevel(logging.INFO)
    # Bolt warns that it ignores SLACK_BOT_TOKEN from the environment: we hand it the client that has it.
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
