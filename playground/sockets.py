"""Socket Mode: connections of the bot, envelopes to any one of them, and their acks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from playground.workspace import Workspace

Json = dict[str, Any]
MOST_CONNECTIONS = 10

# A client may leave at the very moment it is asked to.
GONE = (WebSocketDisconnect, RuntimeError)


class SocketGone(Exception):
    """The connection closed before it acknowledged."""


@dataclass
class Connection:
    """One websocket of the bot."""

    socket: WebSocket
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    draining: bool = False
    delivered: list[str] = field(default_factory=list)
    pending: dict[str, asyncio.Future[Any]] = field(default_factory=dict)


class SocketHub:
    """All open connections; Slack sends a payload to any one of them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.connections: list[Connection] = []

    @property
    def ready(self) -> list[Connection]:
        """Connections that still take payloads."""
        return [entry for entry in self.connections if not entry.draining]

    async def serve(self, socket: WebSocket) -> None:
        """Hold one connection open until either side leaves."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self.workspace.socket_tickets:
            await socket.close(code=4401)
            return
        self.workspace.socket_tickets.discard(ticket)
        await socket.accept()
        connection = Connection(socket)
        if len(self.connections) >= MOST_CONNECTIONS:
            await self._say_goodbye(connection, "too_many_websockets")
            return
        with self.workspace.changing({"kind": "socket"}):
            self.connections.append(connection)
        try:
            await self._hello(connection)
            await self._listen(connection)
        except GONE:
            pass
        finally:
            self._forget(connection)

    async def _hello(self, connection: Connection) -> None:
        hello = {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "playground", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self.workspace.app_id},
        }
        await connection.socket.send_text(json.dumps(hello))

    async def _listen(self, connection: Connection) -> None:
        while True:
            text = await connection.socket.receive_text()
            try:
                message = json.loads(text)
            except ValueError:
                continue
            waiting = connection.pending.pop(str(message.get("envelope_id")), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message.get("payload"))

    def _forget(self, connection: Connection) -> None:
        with self.workspace.changing({"kind": "socket"}):
            if connection in self.connections:
                self.connections.remove(connection)
        for waiting in connection.pending.values():
            if not waiting.done():
                waiting.set_exception(SocketGone())

    async def deliver(self, kind: str, payload: Json, retry: int = 0, reason: str = "") -> Any:
        """Send one envelope and wait for its ack; returns the ack's payload. LookupError without a connection."""
        if not self.ready:
            raise LookupError("no socket is connected")
        connection = random.choice(self.ready)
        name = secrets.token_hex(16)
        envelope: Json = {
            "envelope_id": name,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
            "payload": payload,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": reason}
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection.pending[name] = waiting
        connection.delivered.append(name)
        try:
            await connection.socket.send_text(json.dumps(envelope))
        except GONE:
            # It left at this very moment, and nothing was sent: any other one will do.
            connection.pending.pop(name, None)
            connection.draining = True
            return await self.deliver(kind, payload, retry, reason)
        try:
            return await waiting
        finally:
            connection.pending.pop(name, None)

    async def warn(self) -> None:
        """Announce a refresh on every connection; they stay usable for now, as Slack's do."""
        for connection in list(self.connections):
            await self._tell(connection, "warning")

    async def refresh(self) -> None:
        """Ask every connection to come back, then close it."""
        for connection in list(self.connections):
            connection.draining = True
            await self._say_goodbye(connection, "refresh_requested")

    async def cut(self) -> None:
        """Close every connection without a word."""
        for connection in list(self.connections):
            connection.draining = True
            with contextlib.suppress(*GONE):
                await connection.socket.close(code=1001)

    async def _tell(self, connection: Connection, reason: str) -> None:
        notice = {"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}}
        with contextlib.suppress(*GONE):
            await connection.socket.send_text(json.dumps(notice))

    async def _say_goodbye(self, connection: Connection, reason: str) -> None:
        await self._tell(connection, reason)
        with contextlib.suppress(*GONE):
            await connection.socket.close(code=1000)
