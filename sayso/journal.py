"""What this agent asked for and has not finished, on disk: one small JSON file per approval, safe against kill -9."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sayso.errors import AlreadyExecuted, JournalDamaged, MayHaveRun, NotClaimed

if sys.platform != "win32":
    import fcntl

NONCE_BYTES = 32


class Entry(BaseModel):
    """One approval's file. `body` is kept only until the server's answer is known; the nonce until the end."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    format: Literal[1] = 1
    url: str
    key: str
    fingerprint: str
    action: str
    asked_at: datetime
    session_id: str | None = None
    step: str | None = None
    has_checkpoint: bool = False
    body: dict[str, Any] | None = None
    approval_id: str | None = None
    nonce: str | None = None
    started: bool = False
    execution_key: str | None = None
    outcome: Literal["succeeded", "failed"] | None = None
    detail: str = ""

    @property
    def name(self) -> str:
        """The file's name, fixed by the idempotency key."""
        return entry_name(self.url, self.key)


def entry_name(url: str, key: str) -> str:
    """The name of the file for an idempotency key of a server."""
    return hashlib.sha256(f"{url}\n{key}".encode()).hexdigest()[:40] + ".json"


class Journal:
    """The state directory: `open/` holds what is unfinished, `done/` what is finished.

    Every change is written to a new file, synced and renamed, under a lock that other processes respect.
    Raises JournalDamaged, naming the file, for one that cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open = root / "open"
        self._done = root / "done"
        self._mutex = threading.Lock()

    def intend(self, entry: Entry) -> Entry:
        """Remember an ask before it is sent. A key seen before gives the entry it had, wherever that now lies."""
        with self._locked():
            known = self._read(self._open / entry.name) or self._read(self._done / entry.name)
            if known is not None:
                return known
            return self._write(entry)

    def known(self, url: str, key: str) -> Entry | None:
        """What is remembered under a key, finished or not."""
        name = entry_name(url, key)
        with self._locked():
            return self._read(self._open / name) or self._read(self._done / name)

    def learn(self, entry: Entry, approval_id: str) -> Entry:
        """The server answered: from now on the id stands for the body."""
        with self._locked():
            current = self._read(self._open / entry.name)
            if current is None:
                return entry
            return self._write(current.model_copy(update={"approval_id": approval_id, "body": None}))

    def discard(self, entry: Entry) -> None:
        """The server refused and stored nothing: forget the ask."""
        with self._locked():
            current = self._read(self._open / entry.name)
            if current is not None and current.approval_id is None:
                (self._open / entry.name).unlink()
                _sync_directory(self._open)

    def with_nonce(self, url: str, approval_id: str, action: str, now: datetime) -> Entry:
        """The approval's entry holding a nonce (256 random bits), on disk before anyone sees it."""
        with self._locked():
            entry = self._find(url, approval_id)
            if entry is None:
                key = f"id:{approval_id}"
                entry = Entry(url=url, key=key, fingerprint="", action=action, asked_at=now, approval_id=approval_id)
            if entry.nonce is not None:
                return entry
            return self._write(entry.model_copy(update={"nonce": secrets.token_hex(NONCE_BYTES)}))

    def start(self, url: str, approval_id: str, execution_key: str, *, again: bool) -> Entry:
        """Mark the action as started, once among all processes that share this directory.

        Raises MayHaveRun when it was started before (unless `again`), AlreadyExecuted when it has ended.
        """
        with self._locked():
            entry = self._claimed(url, approval_id)
            _check_startable(entry, again)
            return self._write(entry.model_copy(update={"started": True, "execution_key": execution_key}))

    def conclude(self, url: str, approval_id: str, outcome: Literal["succeeded", "failed"], detail: str) -> Entry:
        """Keep how it ended, before the server is told. A result that is already there stays."""
        with self._locked():
            entry = self._claimed(url, approval_id)
            if entry.outcome is not None:
                return entry
            return self._write(entry.model_copy(update={"outcome": outcome, "detail": detail}))

    def retire(self, url: str, approval_id: str) -> None:
        """Nothing more to do for this approval."""
        with self._locked():
            found = [entry for entry in self._entries(url) if entry.approval_id == approval_id]
            if not found:
                return
            self._done.mkdir(mode=0o700, exist_ok=True)
            for entry in found:
                os.replace(self._open / entry.name, self._done / entry.name)
            _sync_directory(self._done)
            _sync_directory(self._open)

    def check_startable(self, url: str, approval_id: str, *, again: bool) -> None:
        """Raise what `start` would raise, before anything is claimed."""
        with self._locked():
            entry = self._find(url, approval_id)
        if entry is not None:
            _check_startable(entry, again)

    def unfinished(self, url: str) -> tuple[Entry, ...]:
        """Every open entry of this server, oldest first; of several keys of one approval, one."""
        with self._locked():
            ordered = sorted(self._entries(url), key=lambda entry: (entry.nonce is None, entry.asked_at))
            first = {entry.approval_id or entry.name: entry for entry in reversed(ordered)}
            return tuple(sorted(first.values(), key=lambda entry: entry.asked_at))

    def prune(self, older_than_seconds: float) -> int:
        """Delete finished files and torn leftovers older than this; returns how many."""
        limit, count = time.time() - older_than_seconds, 0
        with self._locked():
            for path in [*self._done.glob("*.json"), *self.root.glob("*/.*.tmp")]:
                if path.stat().st_mtime <= limit:
                    path.unlink()
                    count += 1
        return count

    def _claimed(self, url: str, approval_id: str) -> Entry:
        entry = self._find(url, approval_id)
        if entry is None or entry.nonce is None:
            raise NotClaimed(f"{approval_id} was not claimed from {self.root}")
        return entry

    def _find(self, url: str, approval_id: str) -> Entry | None:
        """The approval's entry; of several keys that found one open approval, the one that claimed it."""
        found = [entry for entry in self._entries(url) if entry.approval_id == approval_id]
        return next((entry for entry in found if entry.nonce is not None), found[0] if found else None)

    def _entries(self, url: str) -> Iterator[Entry]:
        for path in sorted(self._open.glob("*.json")):
            entry = self._read(path)
            if entry is not None and entry.url == url:
                yield entry

    def _read(self, path: Path) -> Entry | None:
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            entry = Entry.model_validate(json.loads(text))
        except ValidationError as error:
            first = error.errors()[0]
            raise JournalDamaged(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except ValueError as error:
            raise JournalDamaged(path, str(error)) from None
        if entry.name != path.name:
            raise JournalDamaged(path, "its name does not fit its content")
        return entry

    def _write(self, entry: Entry) -> Entry:
        self._open.mkdir(mode=0o700, exist_ok=True)
        path = self._open / entry.name
        draft = path.with_name(f".{entry.name}.{secrets.token_hex(4)}.tmp")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                # A client from before knows no step: what has none stays readable to it.
                file.write(entry.model_dump_json(exclude={"step"} if entry.step is None else None).encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync_directory(self._open)
        return entry

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mutex:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if sys.platform != "win32":
                    fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)


def _check_startable(entry: Entry, again: bool) -> None:
    if entry.outcome is not None:
        raise AlreadyExecuted(f"{entry.action} ({entry.approval_id}) has already {entry.outcome}")
    if entry.started and not again:
        raise MayHaveRun(
            f"{entry.action} ({entry.approval_id}) was started before and its end is not known: find out whether it "
            "took effect, then report the result, or execute again if the downstream honours the idempotency key"
        )


def _sync_directory(path: Path) -> None:
    with suppress(OSError):  # not every file system can sync a directory; the rename itself is atomic regardless
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
