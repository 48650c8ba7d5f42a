"""The composition root: settings in, a running server out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import FastAPI
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.routing import Route as WebRoute

from bot.api import aap, hooks, routes
from bot.api.admission import Admission
from bot.api.callback_sender import CallbackSender, Resolve, by_name
from bot.api.prefix import Prefixed
from bot.api.watching import Watching
from bot.server import arrivals, audit_anchor, health, tracing
from bot.server.leaving import Leaving
from bot.server.letterbox import Letterbox
from bot.server.metrics import Metrics
from bot.server.open_database import open_database
from bot.server.policybook import load_book, remember, watch
from bot.server.relay import Relay
from bot.server.runtime import Runtime
from bot.server.signals import LiveSignals
from bot.server.slack_client import Slack
from bot.server.startup_check import check_all
from bot.server.ticker import Ticker
from bot.server.tracing import Spans
from bot.service import callback_hosts, integrity, morning_digest
from bot.service.context import Book, World
from bot.service.mail_servers import mail_server
from bot.service.sweep import sweep
from bot.settings import Settings
from bot.slack import listeners
from bot.slack.courier import Courier
from bot.slack.ingress import Ingress
from bot.slack.listeners.desk import Desk
from bot.slack.listeners.listed import Listed
from bot.slack.people import People
from store import approvals, durability
from store.engine import Database, StoreUnavailable
from store.unit import Unit

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
        async with _running(app, settings, world, spans, post_interval=post_interval, resolve=resolve):
            yield

    app = FastAPI(
        title="Sayso",
        version=VERSION,
        summary="Agents ask, people decide, once.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
    )
    routes.install(app)
    app.include_router(hooks.router)
    app.include_router(aap.router)
    app.add_middleware(Admission)
    app.add_middleware(Watching)
    app.add_middleware(Prefixed, prefix=settings.root_path)
    return app


@contextlib.asynccontextmanager
async def _running(
    app: FastAPI, settings: Settings, world: World, spans: Spans, *, post_interval: float, resolve: Resolve
) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    signals = LiveSignals(loop)
    world.signals = signals
    metrics = Metrics()
    pool = ThreadPoolExecutor(world.database.pool_size, thread_name_prefix="store")
    leaving = Leaving(settings.shutdown_delay_seconds, settings.shutdown_seconds)
    runtime = Runtime(settings, world, signals, Slack(settings, metrics), pool, metrics, leaving, spans)
    app.state.runtime = runtime
    await runtime.slack.open()
    people = app.state.people = People(runtime)
    await people.load()
    await runtime.call(remember, world, world.book.manifest)
    bolt = app.state.bolt = _bolt(runtime, people)
    letterbox = _letterbox(runtime)
    watched = health.Health(runtime, letterbox)
    health.install(app, watched)
    ticker = Ticker(partial(_sweep, runtime), settings.sweep_seconds)
    courier, callbacks = Courier(runtime, post_interval), CallbackSender(runtime, resolve=resolve)
    tasks = [
        people.run(),
        _alarm(runtime, ticker),
        watch(runtime, people.look_again),
    ]
    if not world.database.sqlite:
        tasks.append(Relay(world.database, signals).run())
    if letterbox is not None:
        tasks.append(letterbox.run())
    if settings.socket_mode:
        tasks.append(_socket(bolt, settings))
    elif settings.slack_signing_secret:
        # In front of all others, which would be asked first.
        ingress = Ingress(bolt, settings.slack_signing_secret, note=runtime.arrivals.note)
        app.router.routes.insert(0, WebRoute("/slack/events", ingress.receive, methods=["POST"]))
    sending = [asyncio.create_task(courier.run()), asyncio.create_task(callbacks.run())]
    running = [asyncio.create_task(task) for task in tasks]
    ticker.start()
    try:
        yield
    finally:
        await ticker.stop()
        await runtime.drain(leaving.left)
        courier.close()
        callbacks.close()
        await asyncio.wait(sending, timeout=leaving.left)
        for task in (*sending, *running):
            task.cancel()
        await asyncio.gather(*sending, *running, return_exceptions=True)
        await asyncio.to_thread(spans.close, min(SPANS_SECONDS, leaving.left))
        await people.close()
        await runtime.slack.close()
        watched.close()
        with contextlib.suppress(StoreUnavailable):
            await _keep_arrivals(runtime)
        await runtime.call(audit_anchor.keep, settings, world.database)
        pool.shutdown(wait=True)
        world.database.close()
        gc.collect()  # calls that were cut off end while their loop still runs


def _letterbox(runtime: Runtime) -> Letterbox | None:
    settings = runtime.settings
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    return Letterbox(runtime, mail_server(settings.smtp_url), settings.mail_from)


def _bolt(runtime: Runtime, people: People) -> AsyncApp:
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
    listeners.register(bolt, Desk(runtime, people))
    return bolt


async def _socket(bolt: AsyncApp, settings: Settings) -> None:
    handler = AsyncSocketModeHandler(bolt, settings.slack_app_token)
    try:
        while True:
            try:
                await handler.connect_async()  # type: ignore[no-untyped-call]
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("Socket Mode does not connect: %s", error)
                await asyncio.sleep(2.0)
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _sweep(runtime: Runtime) -> None:
    try:
        await _swept(runtime)
    except StoreUnavailable as error:
        log.warning("no sweep, the next one tries again: %s", error)
    except Exception:
        log.exception("a sweep failed; the next one tries again")


async def _swept(runtime: Runtime) -> None:
    counts = await runtime.call(sweep, runtime.world)
    runtime.arrivals.note(arrivals.SWEPT)
    await _keep_arrivals(runtime)
    for kind in counts.__dataclass_fields__:
        runtime.metrics.swept.labels(kind).inc(getattr(counts, kind))
    runtime.metrics.unknown.inc(counts.lapsed)
    if counts.total:
        log.info("swept %s", counts)
    runtime.metrics.sweep_ended.set_to_current_time()
    faults = await _trail_kept(runtime)
    if faults:
        await runtime.call(integrity.tell_of_the_trail, runtime.world, faults)
    for moment in await runtime.call(runtime.world.database.read, partial(_following, runtime.world)):
        if moment is not None:
            runtime.signals.deadline_set(moment)


async def _keep_arrivals(runtime: Runtime) -> None:
    found = runtime.arrivals.take()
    if found:
        await runtime.call(runtime.world.database.run, partial(arrivals.write_down, names=found))


async def _trail_kept(runtime: Runtime) -> list[str]:
    """Move the kept end of the trail on; gives what is wrong with the trail."""
    try:
        faults = await runtime.call(audit_anchor.advance, runtime.settings, runtime.world.database)
    except audit_anchor.Unkept:
        return []
    runtime.metrics.audit_faults.set(len(faults))
    if not faults:
        runtime.metrics.audit_kept.set_to_current_time()
    return faults


def _following(world: World, unit: Unit) -> tuple[datetime | None, datetime | None]:
    return approvals.next_wake(unit), morning_digest.upcoming(world, unit.now)


async def _alarm(runtime: Runtime, ticker: Ticker) -> None:
    """Move the next sweep to the nearest deadline, in this machine's time."""
    while True:
        await runtime.signals.deadline.wait()
        nearest = runtime.signals.take_nearest_deadline()
        if nearest is None:
            continue
        now = await runtime.call(runtime.world.database.read, lambda unit: unit.now)
        ticker.wake_at(datetime.now(UTC) + max(nearest - now, _AT_ONCE))


_AT_ONCE = datetime.resolution * 20_000  # 20 ms: never a busy loop over a row that stays due
