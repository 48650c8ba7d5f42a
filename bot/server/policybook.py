"""The manifest and roster in force: loaded at the start, and again when a file changes; a bad file never replaces a good one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from bot.server.runtime import Runtime
from bot.service import alarms, notices, standing_ends
from bot.service.context import Book, Context, World
from bot.settings import BadSetting, Settings, read_file
from policies.errors import BadFile
from policies.files.manifest import Manifest, load_manifest
from policies.files.roster import Roster, load_roster
from policies.messages import AlertFacts, Cause, Lasting
from store import directory

log = logging.getLogger("sayso.policy")
LOOK_SECONDS = 0.5
P = TypeVar("P", Manifest, Roster)


def load_book(settings: Settings) -> Book:
    """The policy in force; raises BadSetting or BadFile naming what is wrong."""
    return Book(load_manifest_of(settings), load_roster_of(settings))


def load_manifest_of(settings: Settings) -> Manifest:
    """The manifest that the settings name; raises BadSetting or BadFile."""
    return load_manifest(read_file("SAYSO_MANIFEST", settings.manifest), path=str(settings.manifest))


def load_roster_of(settings: Settings) -> Roster:
    """The roster that the settings name; raises BadSetting or BadFile."""
    return load_roster(read_file("SAYSO_ROSTER", settings.roster), path=str(settings.roster))


@dataclass
class _File(Generic[P]):
    """One of the two files: where it is, how it is read, and what was last seen of it."""

    setting: str
    path: Path
    load: Callable[..., P]
    seen: object = None
    judged: object = None
    bad: str | None = None

    def settled(self) -> bool:
        """Whether it changed since it was judged, and then stood still for one look: an editor may be half-way through."""
        now = _signature(self.path)
        still, self.seen = now == self.seen, now
        return still and now != self.judged

    def read(self, current: P) -> P:
        """The file's policy: `current` itself where the text is the same. Raises BadSetting or BadFile."""
        self.judged = self.seen = _signature(self.path)
        text = read_file(self.setting, self.path)
        return current if text == current.document.text else self.load(text, path=str(self.path))


def _signature(path: Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class PolicyBook:
    """Watches both files and swaps the world's book as a whole. Blocking: called in the thread pool, by one caller at a time."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._manifest = _File("SAYSO_MANIFEST", settings.manifest, load_manifest)
        self._roster = _File("SAYSO_ROSTER", settings.roster, load_roster)

    @property
    def bad(self) -> dict[str, bool]:
        """Which of the files on disk cannot be used, so that an older one is in force."""
        return {"manifest": self._manifest.bad is not None, "roster": self._roster.bad is not None}

    def look(self, *, at_once: bool = False) -> bool:
        """Take over what changed; `at_once` does not wait for a file to stand still. Whether the book was swapped."""
        try:
            return self._look(at_once)
        except Exception:
            # The database did not take it: what was read is to be judged again at the next look.
            self._manifest.judged = self._roster.judged = None
            raise

    def _look(self, at_once: bool) -> bool:
        manifest = self._renewed(self._manifest, self._world.book.manifest, at_once)
        roster = self._renewed(self._roster, self._world.book.roster, at_once)
        book = Book(manifest, roster)
        if book == self._world.book:
            return False
        remember(self._world, book.manifest)
        self._world.book = book
        log.info("policy in force: manifest %s, roster %s", manifest.version, roster.version)
        standing_ends.end_standings_over(self._world)
        return True

    def _renewed(self, file: _File[P], current: P, at_once: bool) -> P:
        if not at_once and not file.settled():
            return current
        try:
            found = file.read(current)
        except (BadFile, BadSetting) as error:
            self._refuse(file, str(error))
            return current
        file.bad = None
        alarms.say_over(self._world, _cause(file), "it can be read again")
        return found

    def _refuse(self, file: _File[Any], problem: str) -> None:
        if problem != file.bad:
            self._world.run(lambda ctx: _tell(ctx, problem, _cause(file)))
            file.bad = problem


def remember(world: World, manifest: Manifest) -> None:
    """Keep the manifest's text under its version, before anything is decided by it."""
    text = manifest.document.text
    world.database.run(lambda unit: directory.remember_policy(unit, manifest.version, text))


def _cause(file: _File[Any]) -> Cause:
    return Cause(Lasting.POLICY_FILE, (file.setting,))


def _tell(ctx: Context, problem: str, cause: Cause) -> None:
    """Said once for each way of being bad: every replica sees the same file, and each of them tells."""
    key = hashlib.sha256(f"{ctx.manifest.version} {ctx.roster.version} {problem}".encode()).hexdigest()
    text = f"{problem}\nThe policy before it stays in force (manifest {ctx.manifest.version})."
    notices.operations(ctx, f"policy:{key[:16]}", AlertFacts("A policy file cannot be used", text), cause=cause)
    ctx.unit.after_commit(ctx.world.signals.outbox_filled)


async def watch(runtime: Runtime, changed: Callable[[], object]) -> None:
    """Look at the files for ever, and at once on SIGHUP; `changed` is called after each swap."""
    book = PolicyBook(runtime.world, runtime.settings)
    hangup = asyncio.Event()
    with _on_hangup(hangup.set):
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(hangup.wait(), LOOK_SECONDS)
            asked = hangup.is_set()
            hangup.clear()
            try:
                if await runtime.call(book.look, at_once=asked):
                    changed()
            except Exception:
                log.exception("the policy files could not be looked at; the next look tries again")
            for name, bad in book.bad.items():
                runtime.metrics.policy_bad.labels(name).set(bad)


@contextlib.contextmanager
def _on_hangup(callback: Callable[[], None]) -> Iterator[None]:
    """SIGHUP calls `callback`, where this is the main thread of a system that knows the signal."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGHUP, callback)
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
