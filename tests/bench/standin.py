"""A Slack that costs next to nothing: it knows everybody, and puts every message off as Slack does at its limits.

So the courier waits as it has to in a burst, and what is measured is the decision and not the drawing of cards.
`python -m tests.bench.standin PORT`
"""

from __future__ import annotations

import json
import sys

import uvicorn
from starlette.types import Receive, Scope, Send

TEAM, BOT_USER, BOT = "T0BENCH", "U0SAYSO", "B0SAYSO"


def _answer(method: str, user: str) -> tuple[int, dict[str, object], list[tuple[bytes, bytes]]]:
    if method == "auth.test":
        return 200, {"ok": True, "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT}, []
    if method == "users.info":
        return 200, {"ok": True, "user": {"id": user, "team_id": TEAM, "name": user, "profile": {}}}, []
    if method == "usergroups.users.list":
        return 200, {"ok": True, "users": ["U0CAROL"]}, []
    return 429, {"ok": False, "error": "ratelimited"}, [(b"retry-after", b"600")]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """One call of the Web API."""
    if scope["type"] != "http":
        return
    raw = (await receive()).get("body", b"")
    try:
        user = json.loads(raw).get("user", "")
    except ValueError:
        user = raw.decode().partition("user=")[2].partition("&")[0]
    status, body, headers = _answer(scope["path"].rpartition("/")[2], user)
    content = json.dumps(body).encode()
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off")
