"""The two ports that speak HTTP, on httpx2. It is imported at the first request: importing `sayso` stays quick (so is asyncio)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from sayso import tracing
from sayso.effects import Lost, Reply, Request
from sayso.errors import SaysoError

if TYPE_CHECKING:
    import asyncio

    import httpx2


def headers_for(token: str | None) -> dict[str, str]:
    """The headers of every request. Raises SaysoError where no token is known."""
    if not token:
        raise SaysoError("no agent token: pass token=… or set SAYSO_TOKEN")
    return {"Authorization": f"Bearer {token}", "Accept": "application/json, application/problem+json"}


class HttpPort:
    """Blocking HTTP through one pooled client; a client handed in by the caller is left open on close."""

    def __init__(self, url: str, token: str | None, http: httpx2.Client | None) -> None:
        self._url = url
        self._token = token
        self._http = http
        self._owned = http is None
        self._mutex = threading.Lock()

    def send(self, request: Request, timeout: float) -> Reply:
        """Send once. Raises Lost when no whole answer comes within `timeout` seconds per step."""
        import httpx2

        client = self._client()
        try:
            return _reply(client.request(**_arguments(self._url, self._token, request, timeout)))
        except httpx2.RequestError as error:  # also what cannot be unpacked
            raise _lost(error) from error

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the pool, if it is ours."""
        with self._mutex:
            if self._owned and self._http is not None:
                self._http.close()
                self._http = None

    def _client(self) -> httpx2.Client:
        import httpx2

        with self._mutex:
            if self._http is None:
                self._http = httpx2.Client(follow_redirects=False)
            return self._http


class AsyncHttpPort:
    """HTTP on the running event loop; a pool belongs to its loop, so a new loop gets a new pool."""

    def __init__(self, url: str, token: str | None, http: httpx2.AsyncClient | None) -> None:
        self._url = url
        self._token = token
        self._http = http
        self._owned = http is None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: Request, timeout: float) -> Reply:
        """Send once. Raises Lost when no whole answer comes within `timeout` seconds per step."""
        import httpx2

        client = self._client()
        try:
            return _reply(await client.request(**_arguments(self._url, self._token, request, timeout)))
        except httpx2.RequestError as error:  # also what cannot be unpacked
            raise _lost(error) from error

    async def sleep(self, seconds: float) -> None:
        """Let others run."""
        import asyncio

        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the pool, if it is ours and its loop still runs."""
        import asyncio

        http, self._http = self._http, (None if self._owned else self._http)
        if self._owned and http is not None and self._loop is asyncio.get_running_loop():
            await http.aclose()

    def _client(self) -> httpx2.AsyncClient:
        import asyncio

        import httpx2

        loop = asyncio.get_running_loop()
        if self._http is None or (self._owned and self._loop is not loop):
            self._http, self._loop = httpx2.AsyncClient(follow_redirects=False), loop
        return self._http


def _arguments(url: str, token: str | None, request: Request, timeout: float) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": url + request.path,
        "params": dict(request.query) or None,
        "headers": {**headers_for(token), **tracing.headers(), **request.headers},
        "content": request.content,
        "timeout": timeout,
        "follow_redirects": False,
    }


def _reply(response: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def _lost(error: httpx2.RequestError) -> Exception:
    import httpx2

    if isinstance(error, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)):
        return SaysoError(f"the request cannot be sent: {error}")
    return Lost(f"{type(error).__name__}: {error}".rstrip(": "))
