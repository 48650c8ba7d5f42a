"""From the outbox to Slack: leased, paced, posted once, updated to the newest revision (docs/rules.md: I4)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from bot.render.cards import Message
from bot.server.runtime import Runtime
from bot.server.slack_client import ChannelGone, MessageGone, OutcomeUnknown, RateLimited, SlackTrouble, TokenTrouble
from bot.service import activity, alarms
from bot.slack import diagrams, links, lookup, outbox_messages, sharing, threads
from bot.slack.outbox_messages import Scene
from bot.slack.rate_limits import POST_INTERVAL_SECONDS, RateLimits
from policies.approval import Approval
from policies.lifecycle import State
from policies.messages import AlertFacts, Cause, Lasting, MorningFacts, ReviewFacts, SharedFacts, Sharing, WeeklyFacts
from policies.routing import RouteName
from store import batches, outbox
from store import threads as kept_threads
from store.audit import entry_of
from store.outbox import Item
from store.unit import Unit

log = logging.getLogger("sayso.courier")
BATCH = 20
IDLE_SECONDS = 5.0
MAX_BACKOFF_SECONDS = 300
ROUND = 0.05  # of a post interval: what is put in within it goes out in one round
CROWD = 10  # cards that wait for one channel: up to so many seconds, each still gets a message of its own


class Courier:
    """Shows what the outbox wants shown. Any number may run: a lease keeps them apart."""

    def __init__(self, runtime: Runtime, post_interval: float = POST_INTERVAL_SECONDS) -> None:
        self._runtime = runtime
        self._limits = RateLimits(_clock, post_interval)
        self._round_seconds = post_interval * ROUND
        self._blocked_until = 0.0
        self._closing = False
        self._crowded: set[str] = set()  # channels in a burst: digests until nothing waits there

    async def run(self) -> None:
        """Send for ever: at once when something is put in, and now and then in case another server died."""
        signal = self._runtime.signals.outbox
        while not self._closing:
            signal.clear()
            following = _clock() + self._round_seconds
            try:
                pause = await self.turn()
            except Exception:
                log.exception("the courier stumbled")
                pause = 1.0
            if pause > 0:
                await _heard_within(signal, pause)
                await asyncio.sleep(following - _clock())

    def close(self) -> None:
        """Take nothing more; what is on its way goes out, and `run` ends."""
        self._closing = True
        self._runtime.signals.outbox.set()

    async def turn(self) -> float:
        """One round: send what is due; the seconds until something is due or may go again (0: at once)."""
        wait = self._blocked_until - _clock()
        if wait > 0:
            return wait
        rest = self._limits.soonest()  # asked first: whatever rests below has its end in it
        resting, updates = self._limits.resting(), self._limits.updates_left()

        def work(unit: Unit) -> tuple[list[Item], float]:
            items = _taken(unit, resting, updates, self._crowded)
            due = None if items else outbox.next_due(unit, skip_channels=resting, updates=updates > 0)
            return items, IDLE_SECONDS if due is None else (due - unit.now).total_seconds()

        items, later = await self._write(work)
        for item in items:
            if item.posted:
                self._limits.updated()
            else:
                self._limits.posted(item.channel)
                self._notice_crowd(item)
        try:
            await asyncio.gather(*(self._deliver(item) for item in items))
        except asyncio.CancelledError:
            await self._write(partial(_let_go, items=items))
            raise
        return 0.0 if items else min(max(min(later, rest or IDLE_SECONDS), 0.02), IDLE_SECONDS)

    def _notice_crowd(self, item: Item) -> None:
        if item.screen and item.told == SharedFacts(Sharing.DIGEST):
            self._crowded.add(item.channel)
        elif item.card:
            self._crowded.discard(item.channel)

    async def _deliver(self, item: Item) -> None:
        with activity.begun(item.approval_id):
            await self._delivered(item)

    async def _delivered(self, item: Item) -> None:
        try:
            await self._show(item)
        except RateLimited as error:
            self._limits.slow_down(None if item.posted else item.channel, error.seconds)
            await self._retry(item, error.seconds, error, counts=False)
        except ChannelGone as error:
            await self._fall_back(item, error)
        except MessageGone as error:
            await self._give_up(item, error)
        except TokenTrouble as error:
            log.error("Slack refuses our token: %s", error)
            self._blocked_until = _clock() + 5.0
            await self._retry(item, 5.0, error, counts=False)
        except OutcomeUnknown as error:
            await self._retry(item, _backoff(item), error, unsure=not item.posted)
        except SlackTrouble as error:
            await self._retry(item, _backoff(item), error)
        except Exception as error:  # a card that cannot be drawn must not stop the others
            log.exception("message %s could not be shown", item.id)
            await self._retry(item, _backoff(item), error)

    async def _show(self, item: Item) -> None:
        scene = await self._scene(item)
        if _settled_unseen(item, scene):
            await self._write(lambda unit: outbox.give_up(unit, item, error="settled before it was shown"))
            return
        link = await links.to_card(self._runtime, item, scene.one)
        # Up to 250 kB of parameters are read for a card: not where every tap waits.
        message = await self._runtime.call(outbox_messages.drawn, item, scene, link.url, self._name)
        revision = outbox_messages.revision(item, scene)
        if item.posted:
            await self._update(item, message)
            await self._shown(item, scene, revision, item.slack_channel, item.slack_ts, early=link.early)
            return
        root = await self._thread(item)
        if root is None and item.thread_of is not None:
            if scene.one is None or not _needs_nobody(scene.one):
                raise SlackTrouble("its card is not posted yet")
            await self._write(lambda unit: outbox.give_up(unit, item, error="what it belongs to was never shown"))
            return
        started = time.time_ns()
        known = (
            await lookup.find(self._runtime, item, outbox_messages.metadata(item, message), root)
            if item.unsure
            else None
        )
        if known is None and threads.root_of(item) is not None:
            assert root is not None
            await threads.require(self._runtime, root)
        channel, ts = known or await self._post(item, message, root, shown=threads.broadcast(item, scene.one))
        await self._shown(item, scene, 0 if known else revision, channel, ts)
        if isinstance(item.told, WeeklyFacts) and not known:
            await diagrams.post(self._runtime.slack, item.told, channel, ts)
        for approval in scene.approvals if item.card else ():
            self._runtime.spans.record("sayso.card", approval, started, "client")

    def _name(self, user: str) -> str | None:
        return self._runtime.world.directory.name(user)

    async def _post(
        self, item: Item, message: Message, root: tuple[str, str] | None, *, shown: bool
    ) -> tuple[str, str]:
        """`shown` where a card in its session's thread is to be seen in the channel too."""
        arguments: dict[str, Any] = {
            "channel": root[0] if root else item.channel,
            "blocks": message.blocks,
            "text": message.text,
            "metadata": outbox_messages.metadata(item, message),
            "unfurl_links": False,
            "unfurl_media": False,
            "parse": "none",
        }
        if root:
            arguments["thread_ts"] = root[1]
            if shown and item.thread_ts is not None:
                arguments["reply_broadcast"] = True
        said = await self._runtime.slack.call("chat.postMessage", **arguments)
        return str(said.get("channel", item.channel)), str(said["ts"])

    async def _update(self, item: Item, message: Message) -> None:
        await self._runtime.slack.call(
            "chat.update",
            channel=item.slack_channel,
            ts=item.slack_ts,
            blocks=message.blocks,
            text=message.text,
            metadata=outbox_messages.metadata(item, message),
            parse="none",
        )

    async def _thread(self, item: Item) -> tuple[str, str] | None:
        if item.thread_of is None:
            return threads.root_of(item)
        approval_id = item.thread_of
        root: tuple[str, str] | None = await self._write(lambda unit: outbox.thread_root(unit, approval_id))
        return root

    async def _scene(self, item: Item) -> Scene:
        database = self._runtime.world.database
        scene = await self._runtime.call(database.glance, lambda unit: outbox_messages.scene(unit, item))
        if scene.one is not None:
            activity.meets(scene.one)
        return scene

    async def _shown(
        self, item: Item, scene: Scene, revision: int, channel: str | None, ts: str | None, *, early: bool = False
    ) -> None:
        """Keep what Slack shows now; `early` where it had to do without the link to a card that was not posted yet."""

        def work(unit: Unit) -> None:
            # The entries before the screen: a decision locks them in that order too.
            first = batches.presented(unit, item.id, [one.id for one in scene.approvals]) if item.screen else None
            held = outbox.mark_shown(unit, item, revision=revision, channel=channel, ts=ts)
            if held and early and scene.one:
                _catch_up(unit, scene.one.id)
            if not item.posted:
                alarms.say_over_if_lasting(self._runtime.world, unit, _unusable(item), "messages arrive there again")
            if not item.card or (first is None and (item.posted or not held)):
                return
            new = [one for one in scene.approvals if first is None or one.id in first]
            for approval in new:
                if len(approval.asked) > 1:
                    outbox.relink(unit, approval.id)
                if approval.route is RouteName.ASK:
                    unit.record(entry_of(approval, "gate_presented", unit.now, "system", rationale=channel))

        await self._write(work)

    async def _retry(self, item: Item, seconds: float, error: Exception, **more: Any) -> None:
        log.warning("message %s waits %.1f s: %s", item.id, seconds, error)

        def work(unit: Unit) -> None:
            outbox.retry(unit, item, at=unit.now + timedelta(seconds=seconds), error=str(error), **more)

        await self._write(work)

    async def _give_up(self, item: Item, error: MessageGone) -> None:
        """A message that is gone is posted anew while somebody still has to decide on it, or may end what it counts."""
        if not item.posted and threads.root_of(item) is not None:
            log.warning("message %s: the thread it was to stand in is gone: %s", item.id, error)
            await self._write(lambda unit: _unthreaded(unit, item))
            self._runtime.signals.outbox.set()
            return
        scene = await self._scene(item)
        log.warning("message %s can no longer be changed: %s", item.id, error)
        waits = scene.one is not None and scene.one.pending and item.live
        if waits or (scene.standing is not None and scene.standing.ended_at is None):
            await self._write(lambda unit: outbox.redirect(unit, item, item.channel, item.facts))
            self._runtime.signals.outbox.set()
            return
        await self._write(lambda unit: outbox.give_up(unit, item, error=error.error))

    async def _fall_back(self, item: Item, error: ChannelGone) -> None:
        """The channel is gone: operations get the card, else the assignee does; each is tried once.

        A list for one person is nobody else's, and is old tomorrow.
        """
        if isinstance(item.told, MorningFacts) or (isinstance(item.told, WeeklyFacts) and item.channel[:1] in "UW"):
            log.warning("%s cannot be told in the morning: %s", item.channel, error)
            await self._write(lambda unit: outbox.give_up(unit, item, error=error.error))
            return
        operations = self._runtime.world.book.roster.operations
        approval = (await self._scene(item)).one
        choices = [operations, approval.assignee if approval else None]
        tried = {item.channel, *item.facts.get("tried", [])}
        following = next((choice for choice in choices if choice and choice not in tried), None)
        log.error("channel %s cannot be used (%s); falling back to %s", item.channel, error, following)
        if following is None:
            await self._retry(item, _backoff(item), error)
            return
        facts = item.facts | {"tried": sorted(tried)}

        def work(unit: Unit) -> None:
            if outbox.redirect(unit, item, following, facts) and item.channel != operations and operations:
                key = f"notice-channel:{item.channel}:{unit.now:%Y%m%d%H}"
                text = f"Slack says {error.error}. What belongs there is shown here instead."
                alarm, cause = AlertFacts(f"Channel {item.channel} cannot be used", text), _unusable(item)
                outbox.put_notice(unit, key, channel=operations, facts=alarm, urgency=3, cause=cause)

        await self._write(work)
        self._runtime.signals.outbox.set()

    async def _write(self, work: Callable[[Unit], Any]) -> Any:
        return await self._runtime.call(self._runtime.world.database.run, work)


def _taken(unit: Unit, resting: list[str], updates: int, bursting: set[str]) -> list[Item]:
    """What goes out now, leased: of the posts one a channel, of the updates as many as Slack takes.

    The rest keeps its place in the queue, and cards that share a screen become one post.
    """
    leased = outbox.lease(unit, BATCH, skip_channels=resting, updates=updates > 0)
    found = [item for item in leased if not sharing.joined(unit, item)]
    going: list[Item] = []
    taken: set[str] = set()
    for item in found:
        if item.posted:
            fits = updates > 0
            updates -= 1
        else:
            fits = item.channel not in taken
            taken.add(item.channel)
        if fits:
            going.append(item)
    outbox.put_back(unit, [item for item in found if item not in going])
    waiting = Counter(item.channel for item in found if item.card and not item.posted)
    crowded = {name for name, cards in waiting.items() if cards > (1 if name in bursting else CROWD)}
    return [threads.placed(unit, sharing.group(unit, item, crowded=item.channel in crowded)) for item in going]


def _unusable(item: Item) -> Cause:
    return Cause(Lasting.CHANNEL, (item.channel,))


def _unthreaded(unit: Unit, item: Item) -> None:
    kept_threads.gone(unit, item.slack_channel, item.thread_ts)
    outbox.redirect(unit, item, item.channel, item.facts)


def _let_go(unit: Unit, items: list[Item]) -> None:
    """Leave to the next server what this one has no time for; whether Slack had a post already is looked up there first."""
    for item in items:
        unsure = item.unsure or not item.posted
        outbox.retry(unit, item, at=unit.now, error="the server went", counts=False, unsure=unsure)


def _settled_unseen(item: Item, scene: Scene) -> bool:
    """Whether all that it would show was settled before Slack had it, by whomever: nobody needs to see it any more."""
    reviews = isinstance(item.told, ReviewFacts)
    if item.posted or item.unsure or not item.card or reviews or not scene.approvals:
        return False
    return all(_needs_nobody(one) or one.id in scene.moved for one in scene.approvals)


def _needs_nobody(one: Approval) -> bool:
    """Whether a request that people were asked for leaves them nothing to do: no decision, no hand-back, no undoing."""
    if one.route is not RouteName.ASK or one.pending or one.state is State.TAKEN_OVER:
        return False
    return one.undo is None and one.clock.undo_until is None


def _catch_up(unit: Unit, approval_id: str) -> None:
    """Lead moved cards to the new one where it was posted while they were in flight: nobody could wake them then."""
    card = outbox.newest_card(unit, approval_id)
    if card is not None and card.ts is not None:
        outbox.relink(unit, approval_id)


def _backoff(item: Item) -> float:
    return float(min(2 ** min(item.attempts - 1, 10), MAX_BACKOFF_SECONDS))


def _clock() -> float:
    return asyncio.get_running_loop().time()


async def _heard_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
