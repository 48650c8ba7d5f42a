"""The composition root: settings in, a running server out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from fastapi import FastAPI
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.routing import Route as WebRoute

from bot.api import aap, hooks, routes
from bot.api.admission import Admission
from bot.api.callback_sender import CallbackSender, Resolve, by_name
from bot.api.watching import Watching
from bot.duties import Duties, keep_arrivals
from bot.server import audit_anchor, health, tracing
from bot.server.colleagues import Colleagues
from bot.server.leaving import Leaving
from bot.server.letterbox import Letterbox
from bot.server.metrics import Metrics
from bot.server.open_database import open_database
from bot.server.policybook import load_book, remember, watch
from bot.server.prefix import Prefixed
from bot.server.relay import Relay
from bot.server.runtime import Runtime
from bot.server.signals import LiveSignals
from bot.server.slack_client import Slack
from bot.server.startup_check import check_all
from bot.server.tracing import Spans
from bot.service import callback_hosts
from bot.service.context import Book, World
from bot.service.mail_servers import mail_server
from bot.settings import Settings
from bot.slack import listeners
from bot.slack.courier import Courier
from bot.slack.ingress import PATH, Entrance, Ingress
from bot.slack.listeners.desk import Desk
from bot.slack.listeners.listed import Listed
from bot.slack.people import People
from bot.slack.reception import Reception
from store import durability
from store.engine import Database, StoreUnavailable

log = logging.getLogger("sayso")
VERSION = "0.1.0"
SPANS_SECONDS = 3.0


def build(
    settings: Settings,
    *,
    book: Book | None = None,
    database: Database | None = None,
    post_interval: float = 1.0,
    resolve: Resolve = by_name,
    colleagues: Colleagues | None = None,
) -> FastAPI:
    """The ASGI app: agent API, Slack's ingress, health pages; courier, callbacks, sweeper and directory live with it."""
    book = book or load_book(settings)
    check_all()
    spans = tracing.spans(settings, VERSION)
    store = database or open_database(settings)
    for doubt in durability.doubts(store):
        log.warning(doubt)
    world = World(store, book, callback_hosts=callback_hosts.listed(settings.callback_hosts))

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _running(
            app, settings, world, spans, post_interval=post_interval, resolve=resolve, colleagues=colleagues
        ):
            yield

    app = FastAPI(
        title="Sayso",
        version=VERSION,
        summary="Agents ask, people decide, once.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
        # As they are: a router that is included builds its routes again at the first request, while everybody waits,
        # and looks each request up twice.
        routes=[*routes.router.routes, *hooks.router.routes, *aap.router.routes],
    )
    routes.install(app)
    app.add_middleware(Admission)
    app.add_middleware(Entrance)
    app.add_middleware(Watching)
    app.add_middleware(Prefixed, prefix=settings.root_path)
    return app


@contextlib.asynccontextmanager
async def _running(
    app: FastAPI,
    settings: Settings,
    world: World,
    spans: Spans,
    *,
    post_interval: float,
    resolve: Resolve,
    colleagues: Colleagues | None,
) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    signals = LiveSignals(loop)
    world.signals = signals
    metrics = Metrics(shared=colleagues.figures if colleagues else None)
    pool = ThreadPoolExecutor(world.database.pool_size, thread_name_prefix="store")
    leaving = Leaving(settings.shutdown_delay_seconds, settings.shutdown_seconds)
    runtime = Runtime(settings, world, signals, Slack(settings, metrics), pool, metrics, leaving, spans)
    app.state.runtime = runtime
    await runtime.slack.open()
    people = app.state.people = People(runtime)
    await people.load()
    await runtime.call(remember, world, world.book.manifest)
    desk = Desk(runtime, people)
    bolt = _bolt(runtime, desk)
    reception = app.state.reception = Reception(bolt, desk)
    letterbox = _letterbox(runtime)
    watched = health.Health(runtime, letterbox)
    health.install(app, watched)
    duties = Duties(runtime, Courier(runtime, post_interval), CallbackSender(runtime, resolve=resolve), letterbox)
    tasks = [
        people.run(),
        watch(runtime, people.look_again),
    ]
    if not world.database.sqlite:
        tasks.append(Relay(world.database, signals).run())
    if settings.socket_mode:
        duties.connect(bolt)
    elif settings.slack_signing_secret:
        ingress = app.state.ingress = Ingress(reception, settings.slack_signing_secret, note=runtime.arrivals.note)
        app.router.routes.append(WebRoute(PATH, ingress.receive, methods=["POST"]))  # tells others that it takes a POST
    if colleagues is None:
        duties.begin()
    else:
        tasks.append(colleagues.run(signals, duties.begin, partial(health.take_stock, app)))
    running = [asyncio.create_task(task) for task in tasks]
    try:
        yield
    finally:
        await duties.end()
        await runtime.drain(leaving.left)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.to_thread(spans.close, min(SPANS_SECONDS, leaving.left))
        await people.close()
        await runtime.slack.close()
        watched.close()
        with contextlib.suppress(StoreUnavailable):
            await keep_arrivals(runtime)
        await runtime.call(audit_anchor.keep, settings, world.database)
        pool.shutdown(wait=True)
        world.database.close()
        gc.collect()  # calls that were cut off end while their loop still runs


def _letterbox(runtime: Runtime) -> Letterbox | None:
    settings = runtime.settings
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    return Letterbox(runtime, mail_server(settings.smtp_url), settings.mail_from)


def _bolt(runtime: Runtime, desk: Desk) -> AsyncApp:
    async def authorize(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
        # auth.test on every request costs more than the tap itself; who we are does not change.
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=runtime.settings.slack_bot_token,
            bot_id=runtime.slack.identity.bot if runtime.slack.identity else None,
            bot_user_id=runtime.slack.identity.user if runtime.slack.identity else None,
        )

    bolt = AsyncApp(
        client=runtime.slack.client,
        authorize=authorize,
        logger=logging.getLogger("slack_bolt"),  # whose level Bolt's own loggers take over
        # The ack goes out after the listener, so after the commit (docs/rules.md: I2).
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    bolt.use(Listed(runtime.arrivals))
    listeners.register(bolt, desk)
    return bolt
