"""Beside the courier: while Slack does not show people what waits, letters go out, each round those that are due."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from bot.render.letters import Letter, Reading, to_operations, to_reviewer
from bot.server import mail
from bot.server.mail import MailTrouble, Refused
from bot.server.runtime import Runtime
from bot.service import letters
from bot.service.letters import Parcel
from bot.service.mail_servers import MailServer
from store.engine import StoreUnavailable

log = logging.getLogger("sayso.mail")


class Letterbox:
    """Sends what is due. Any number may run: each letter is one server's for a while."""

    def __init__(self, runtime: Runtime, server: MailServer, sender: str) -> None:
        self._runtime, self._server, self._sender = runtime, server, sender
        # A thread of its own: a mail server that does not answer keeps no connection of the store's from anybody.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mail")

    async def run(self) -> None:
        """Look for ever, as often as the sweep."""
        try:
            while True:
                await asyncio.sleep(self._runtime.settings.sweep_seconds)
                try:
                    await self.round()
                except StoreUnavailable as error:
                    log.warning("no letters, the next round tries again: %s", error)
                except Exception:
                    log.exception("a round of letters failed; the next one tries again")
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def round(self) -> None:
        """Send every letter that is due, one after another; where the mail server is gone the rest waits."""
        runtime = self._runtime
        due = await runtime.call(letters.owed, runtime.world, runtime.settings.mail_after_seconds)
        trouble: MailTrouble | None = None
        for parcel in due:
            trouble = trouble or await self._sent(parcel)
            await runtime.call(letters.let_go if trouble else letters.written, runtime.world, parcel)

    async def check(self) -> str | None:
        """What is wrong with the mail server; None where nothing is."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, mail.check, self._server)
        except MailTrouble as error:
            return str(error)
        return None

    async def _sent(self, parcel: Parcel) -> MailTrouble | None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(
                self._thread, mail.send, self._server, self._sender, parcel.address, letter_of(parcel)
            )
        except Refused:
            log.error("the mail server refuses the address of %s: see it in the roster", parcel.turn.reader)
            self._runtime.metrics.mails.labels("refused").inc()
            return None  # the same letter again would be refused again
        except MailTrouble as error:
            log.error("a letter to %s was not taken: %s", parcel.turn.reader, error)
            self._runtime.metrics.mails.labels("failed").inc()
            return error
        self._runtime.metrics.mails.labels("sent").inc()
        log.info("%s was written to: Slack does not show what waits", parcel.turn.reader)
        return None


def letter_of(parcel: Parcel) -> Letter:
    """Its words."""
    reading = Reading(parcel.now, parcel.zone)
    if parcel.reviewer:
        return to_reviewer(parcel.waiting, parcel.since, reading)
    return to_operations(parcel.news, parcel.waiting, parcel.since, reading)
