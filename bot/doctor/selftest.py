"""Our own address, tried from outside as Slack tries it: a signed question that changes nothing and is answered at the door."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from bot.doctor import pages
from bot.doctor.findings import Finding, ok, unseen, wrong
from bot.server import arrivals
from bot.settings import Settings

SECONDS = 3.0
LATELY = timedelta(minutes=6)  # the longest pause between two sweeps, and a minute


@dataclass(frozen=True, slots=True)
class Server:
    """The server at SAYSO_HOST and SAYSO_PORT: whether somebody answers, and whether that is Sayso."""

    answers: bool = False
    sayso: bool = False
    troubles: tuple[str, ...] = ()


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    patience, name = aiohttp.ClientTimeout(total=SECONDS), {"user-agent": arrivals.DOCTOR}
    async with aiohttp.ClientSession(timeout=patience, headers=name) as session:
        yield session


def local(settings: Settings) -> str:
    """Where a server of these settings answers on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104 - where it listens
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.root_path}"


async def ask_server(settings: Settings) -> Server:
    """Ask the server itself, where one runs."""
    try:
        async with _session() as session, session.get(f"{local(settings)}/readyz") as answer:
            body = await answer.json(content_type=None)
    except aiohttp.ClientConnectorError:
        return Server()
    except (aiohttp.ClientError, TimeoutError, ValueError, UnicodeError):
        return Server(answers=True)
    known = isinstance(body, dict) and body.get("status") in ("ready", "not ready")
    troubles = body.get("troubles", {}) if known else {}
    return Server(True, known, tuple(f"{part} {said}" for part, said in troubles.items()))


def server(found: Server, settings: Settings, swept: timedelta | None) -> Finding:
    """Whether the server runs, as far as this machine can tell; `swept` is how long ago any server of this database did."""
    if not found.answers and swept is not None and swept < LATELY:
        return ok(
            "server", f"one on another machine swept {swept.total_seconds():.0f} s ago; none runs at {local(settings)}"
        )
    if not found.answers:
        return unseen("server", f"none runs at {local(settings)}", "Start it: python -m bot serve")
    if not found.sayso:
        cure = "Set SAYSO_PORT to one that is free (ss -ltnp tells who has this one)"
        return wrong("SAYSO_PORT", f"what listens at {local(settings)} does not answer as Sayso does", cure)
    if found.troubles:
        return wrong("server", f"runs, and is not ready: {', '.join(found.troubles)}", "See what is said of these here")
    return ok("server", f"runs at {local(settings)}, and is ready")


async def address(settings: Settings, base: str, *, public: bool) -> Finding:
    """Whether Slack's way in leads to a server with our signing secret."""
    name = "request URL" if public else "signing secret"
    url, challenge = f"{base.rstrip('/')}{pages.PATH}", secrets.token_hex(8)
    body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
    try:
        async with _session() as session, session.post(url, data=body, headers=_signed(settings, body)) as answer:
            status, text = answer.status, (await answer.content.read(4096)).decode("utf-8", "replace")
    except (aiohttp.ClientError, TimeoutError, ValueError, UnicodeError) as error:
        why = "does not answer" if isinstance(error, TimeoutError) else f"cannot be reached ({type(error).__name__})"
        cure = f"Slack must reach it: DNS, certificate, firewall, proxy. It stands in {pages.INTERACTIVITY} and {pages.EVENTS}"
        return wrong(name, f"{url} {why}", cure)
    if status == 200 and challenge in text:
        return ok(name, f"{url} leads to a server with this SLACK_SIGNING_SECRET")
    if status == 401:
        return wrong(
            name,
            f"the server at {url} has another SLACK_SIGNING_SECRET",
            f"Copy {pages.SECRET} to every server, and restart",
        )
    if status == 404:
        why = "that server uses Socket Mode, or the path is changed on the way"
        return wrong(
            name,
            f"{url} answers 404: {why}",
            "Unset SLACK_APP_TOKEN there, or let the proxy pass /slack/events as it is",
        )
    return wrong(
        name,
        f"{url} answers {status}, and not as Sayso does",
        "Let the proxy pass POST /slack/events to SAYSO_HOST:SAYSO_PORT, unchanged",
    )


def _signed(settings: Settings, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    secret = (settings.slack_signing_secret or "").encode()
    signature = hmac.new(secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={signature}",
    }
