"""A tiny real bot on a real port, and some blocks to send."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Reaction = Callable[[dict[str, Any]], Any]


class TinyBot:
    """Records every request; answers with what `react` returns (None: empty 200; an int: that status)."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes, dict[str, Any]]] = []
        self.react: Reaction = lambda payload: None
        self.delay = 0.0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = Starlette(routes=[Route("/slack/events", self._handle, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [payload for _, _, payload in self.requests]

    async def _handle(self, request: Request) -> Response:
        body = await request.body()
        payload = parse(request.headers.get("content-type", ""), body)
        self.requests.append((dict(request.headers), body, payload))
        await asyncio.sleep(self.delay)
        answer = await asyncio.to_thread(self.react, payload)
        if isinstance(answer, int):
            return PlainTextResponse("", answer)
        if isinstance(answer, str):
            return PlainTextResponse(answer)
        return JSONResponse(answer) if answer is not None else PlainTextResponse("")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(5)
        self._socket.close()


def parse(content_type: str, body: bytes) -> dict[str, Any]:
    if "json" in content_type:
        return json.loads(body)
    form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    return json.loads(form["payload"]) if "payload" in form else form


def text(content: str, kind: str = "plain_text") -> dict[str, Any]:
    return {"type": kind, "text": content}


def button(label: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": text(label), "action_id": action_id, **more}


CARD: list[dict[str, Any]] = [
    {"type": "section", "text": text("*Refund* $40 to <@U0BOB>", "mrkdwn")},
    {
        "type": "actions",
        "block_id": "acts",
        "elements": [
            button("Approve", "approve", value="apr_1", style="primary"),
            button("Reject", "reject", value="apr_1"),
            {
                "type": "overflow",
                "action_id": "more",
                "options": [
                    {"text": text("Edit…"), "value": "edit:apr_1"},
                    {"text": text("Take over"), "value": "apr_1|x"},
                ],
            },
        ],
    },
]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "reject_modal",
    "title": text("Reject"),
    "submit": text("Send"),
    "private_metadata": "apr_1",
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": text("Reason"),
            "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 20},
        },
        {
            "type": "input",
            "block_id": "howmuch",
            "optional": True,
            "label": text("Amount"),
            "element": {"type": "number_input", "action_id": "amount", "is_decimal_allowed": True},
        },
    ],
}
