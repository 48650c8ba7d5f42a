"""What a flow may ask of the outside world. Flows are generators; the drivers in `drive` perform their effects."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from sayso.journal import Journal

T = TypeVar("T")


class Lost(Exception):
    """No answer came: refused, reset, timed out or cut off. The request may have been applied."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to send; `timeout` in seconds covers connecting and reading."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    hold: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; `doubtful` when an earlier attempt may have been applied without an answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request within `timeout` seconds; gives a Reply or raises Lost."""

    request: Request
    timeout: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """Do something on the local disk."""

    work: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call the user's code, which may be a coroutine function; gives a Ran, whatever it raised."""

    work: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Ran:
    """How the user's code ended."""

    value: Any = None
    error: Exception | None = None

    def unwrap(self) -> Any:
        """The value, or raise what was raised."""
        if self.error is not None:
            raise self.error
        return self.value


Effect: TypeAlias = Send | Sleep | Run | Invoke
Flow: TypeAlias = Generator[Effect, Any, T]


@dataclass(slots=True)
class Core:
    """What every flow knows: where the server is, how patient to be, and where the journal lies. Seconds."""

    url: str
    journal: Journal
    timeout: float = 10.0
    retry_for: float = 60.0
    now: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    # Final answers on their way to the caller: the next call is the proof that they arrived.
    told: set[str] = field(default_factory=set)
