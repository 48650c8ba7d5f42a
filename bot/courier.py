"""From the outbox to Slack: leased, paced, posted once, updated to the newest revision (DESIGN rule 4)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot import cards
from bot.cards import Face, Message
from bot.notices import Notice, alert, notice
from bot.runtime import Runtime
from bot.slack import ChannelGone, MessageGone, OutcomeUnknown, RateLimited, SlackTrouble, TokenTrouble
from policies.approval import Approval
from policies.routing import RouteName
from store import approvals, outbox
from store.audit import entry_of
from store.outbox import Item
from store.unit import Unit

log = logging.getLogger("sayso.courier")
BATCH = 20
POST_INTERVAL_SECONDS = 1.0  # Slack: one post a second and channel
IDLE_SECONDS = 5.0
MAX_BACKOFF_SECONDS = 300
HISTORY_PAGES = 3


class Courier:
    """Shows what the outbox wants shown. Any number may run: a lease keeps them apart."""

    def __init__(self, runtime: Runtime, post_interval: float = POST_INTERVAL_SECONDS) -> None:
        self._runtime = runtime
        self._interval = post_interval
        self._next_post: dict[str, float] = defaultdict(float)
        self._blocked_until = 0.0

    async def run(self) -> None:
        """Send for ever: at once when something is put in, and now and then in case another server died."""
        signal = self._runtime.signals.outbox
        while True:
            signal.clear()
            try:
                pause = await self.turn()
            except Exception:
                log.exception("the courier stumbled")
                pause = 1.0
            if pause > 0:
                await _heard_within(signal, pause)

    async def turn(self) -> float:
        """One round: send what is due; the seconds until the next one is worth making (0: at once)."""
        wait = self._blocked_until - _clock()
        if wait > 0:
            return wait
        paced = [channel for channel, moment in self._next_post.items() if moment > _clock()]
        items = await self._write(lambda unit: outbox.lease(unit, BATCH, skip_channels=paced))
        one_each, back = self._one_post_a_channel(items)
        if back:
            await self._write(lambda unit: _put_back(unit, back))
        await asyncio.gather(*(self._deliver(item) for item in one_each))
        if one_each:
            return 0.0
        return await self._until_next()

    def _one_post_a_channel(self, items: list[Item]) -> tuple[list[Item], list[Item]]:
        """Updates all go; of the posts, one a channel: the rest keep their place in the queue."""
        now, going, back = _clock(), [], []
        for item in items:
            if item.posted:
                going.append(item)
            elif self._next_post[item.channel] <= now:
                self._next_post[item.channel] = now + self._interval
                going.append(item)
            else:
                back.append(item)
        return going, back

    async def _until_next(self) -> float:
        now = _clock()
        paced = [moment - now for moment in self._next_post.values() if moment > now]
        due, database_now = await self._write(lambda unit: (outbox.next_due(unit), unit.now))
        later = (due - database_now).total_seconds() if due is not None else IDLE_SECONDS
        soonest = max(later, min(paced, default=0.0) if later <= 0 else 0.0)
        return min(max(soonest, 0.02), IDLE_SECONDS)

    async def _deliver(self, item: Item) -> None:
        try:
            await self._show(item)
        except RateLimited as error:
            self._next_post[item.channel] = max(self._next_post[item.channel], _clock() + error.seconds)
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
        approval = await self._approval(item)
        message = _drawn(item, approval)
        revision = approval.version if item.kind == "card" and approval else item.wanted
        if item.posted:
            await self._update(item, message)
            await self._shown(item, approval, revision, item.slack_channel, item.slack_ts)
            return
        known = await self._find(item) if item.unsure else None
        channel, ts = known or await self._post(item, message)
        await self._shown(item, approval, 0 if known else revision, channel, ts)

    async def _post(self, item: Item, message: Message) -> tuple[str, str]:
        root = await self._thread(item)
        arguments: dict[str, Any] = {
            "channel": root[0] if root else item.channel,
            "blocks": message.blocks,
            "text": message.text,
            "metadata": _metadata(item, message),
            "unfurl_links": False,
            "unfurl_media": False,
            "parse": "none",
        }
        if root:
            arguments["thread_ts"] = root[1]
        said = await self._runtime.slack.call("chat.postMessage", **arguments)
        return str(said.get("channel", item.channel)), str(said["ts"])

    async def _update(self, item: Item, message: Message) -> None:
        await self._runtime.slack.call(
            "chat.update",
            channel=item.slack_channel,
            ts=item.slack_ts,
            blocks=message.blocks,
            text=message.text,
            metadata=_metadata(item, message),
            parse="none",
        )

    async def _find(self, item: Item) -> tuple[str, str] | None:
        """Look for a post whose outcome is unknown by its metadata, before it is sent again."""
        root = await self._thread(item)
        channel = root[0] if root else await self._channel_id(item.channel)
        if channel is None:
            return None
        known = await self._write(lambda unit: outbox.posted_timestamps(unit, item.approval_id))
        method = "conversations.replies" if root else "conversations.history"
        arguments: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": 100}
        if root:
            arguments["ts"] = root[1]
        cursor = ""
        for _ in range(HISTORY_PAGES):
            said = await self._runtime.slack.call(method, **arguments, **({"cursor": cursor} if cursor else {}))
            for message in said.get("messages", []):
                if _is_ours(message, item) and message.get("ts") not in known:
                    return channel, str(message["ts"])
            cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return None

    async def _channel_id(self, channel: str) -> str | None:
        """A channel's id: Slack takes names for posting, but not for looking back."""
        if not channel.startswith("#"):
            if channel[0] in "UW":
                said = await self._runtime.slack.call("conversations.open", users=channel)
                return str(said["channel"]["id"])
            return channel
        found: str | None = await self._write(lambda unit: outbox.known_channel_id(unit, channel))
        if found is not None:
            return found
        said = await self._runtime.slack.call("conversations.list", limit=1000, exclude_archived=True)
        ids = {entry.get("name"): entry.get("id") for entry in said.get("channels", [])}
        return ids.get(channel[1:])

    async def _thread(self, item: Item) -> tuple[str, str] | None:
        if item.thread_of is None:
            return None
        approval_id = item.thread_of
        root: tuple[str, str] | None = await self._write(lambda unit: outbox.thread_root(unit, approval_id))
        if root is None:
            raise SlackTrouble("its card is not posted yet")
        return root

    async def _approval(self, item: Item) -> Approval | None:
        approval_id = item.approval_id
        if approval_id is None:
            return None
        database = self._runtime.world.database
        return await self._runtime.call(database.read, lambda unit: approvals.load(unit, approval_id))

    async def _shown(
        self, item: Item, approval: Approval | None, revision: int, channel: str | None, ts: str | None
    ) -> None:
        def work(unit: Unit) -> None:
            held = outbox.shown(unit, item, revision=revision, channel=channel, ts=ts)
            asked = item.kind == "card" and approval is not None and approval.route is RouteName.ASK
            if held and not item.posted and asked and approval is not None:
                unit.record(entry_of(approval, "gate_presented", unit.now, "system", rationale=channel))

        await self._write(work)

    async def _retry(self, item: Item, seconds: float, error: Exception, **more: Any) -> None:
        log.warning("message %s waits %.1f s: %s", item.id, seconds, error)

        def work(unit: Unit) -> None:
            outbox.retry(unit, item, at=unit.now + timedelta(seconds=seconds), error=str(error), **more)

        await self._write(work)

    async def _give_up(self, item: Item, error: MessageGone) -> None:
        """A message that is gone is posted anew while somebody still has to decide on it; else it may rest."""
        approval = await self._approval(item)
        log.warning("message %s can no longer be changed: %s", item.id, error)
        if approval is not None and approval.pending and item.kind == "card" and item.face == "live":
            await self._write(lambda unit: outbox.redirect(unit, item, item.channel, item.facts))
            self._runtime.signals.outbox.set()
            return
        await self._write(lambda unit: outbox.give_up(unit, item, error=error.error))

    async def _fall_back(self, item: Item, error: ChannelGone) -> None:
        """The channel is gone: operations get the card, else the assignee does; each is tried once."""
        operations = self._runtime.world.book.roster.operations
        approval = await self._approval(item)
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
                alarm = {"notice": "alert", "title": f"Channel {item.channel} cannot be used", "text": text}
                outbox.put_notice(unit, key, channel=operations, facts=alarm, urgency=3)

        await self._write(work)
        self._runtime.signals.outbox.set()

    async def _write(self, work: Callable[[Unit], Any]) -> Any:
        return await self._runtime.call(self._runtime.world.database.run, work)


def _drawn(item: Item, approval: Approval | None) -> Message:
    if item.kind == "card":
        assert approval is not None
        undo_until = approval.clock.undo_until
        if approval.route is RouteName.AUTO:
            return notice(Notice.DONE, approval, undo_until=undo_until)
        moved_to = item.facts.get("moved_to")
        return cards.approval_card(approval, face=Face(item.face), moved_to=moved_to, undo_until=undo_until)
    if approval is None or item.facts["notice"] == "alert":
        return alert(item.facts["title"], item.facts["text"])
    return notice(item.facts["notice"], approval)


def _metadata(item: Item, message: Message) -> dict[str, Any]:
    if item.kind == "card":
        return message.metadata
    return {"event_type": "sayso_notice", "event_payload": {"key": item.dedupe_key}}


def _is_ours(message: dict[str, Any], item: Item) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if item.kind == "card":
        return metadata.get("event_type") == "sayso_card" and payload.get("approval_id") == item.approval_id
    return metadata.get("event_type") == "sayso_notice" and payload.get("key") == item.dedupe_key


def _put_back(unit: Unit, items: list[Item]) -> None:
    for item in items:
        outbox.retry(unit, item, at=unit.now, error="", counts=False, unsure=item.unsure)


def _backoff(item: Item) -> float:
    return float(min(2 ** min(item.attempts - 1, 10), MAX_BACKOFF_SECONDS))


def _clock() -> float:
    return asyncio.get_running_loop().time()


async def _heard_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
