"""Faults one can switch on: in the Web API, and on the way from a click to the bot."""

from __future__ import annotations

import random
import threading
from dataclasses import asdict, dataclass
from typing import Any, Literal

ApiKind = Literal["ratelimited", "server_error", "drop_before", "drop_after", "latency", "error"]
ClickKind = Literal["late", "double", "reorder", "lost", "lost_ack"]
API_KINDS = ("ratelimited", "server_error", "drop_before", "drop_after", "latency", "error")
CLICK_KINDS = ("late", "double", "reorder", "lost", "lost_ack")


@dataclass
class Fault:
    """One fault. `times` counts down (None: for ever); `probability` is between 0 and 1; `seconds` where time matters."""

    kind: str
    method: str = "*"
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 1.0
    error: str = "internal_error"
    hits: int = 0

    def fits(self, method: str) -> bool:
        """True for this method, or for `chat.*` and `*`."""
        if self.method.endswith("*"):
            return method.startswith(self.method[:-1])
        return method == self.method


class Faults:
    """The list of faults now switched on; safe to use from any thread."""

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._api: list[Fault] = []
        self._clicks: list[Fault] = []

    def inject(
        self,
        method: str = "*",
        kind: ApiKind = "server_error",
        *,
        times: int | None = 1,
        probability: float = 1.0,
        seconds: float = 1.0,
        error: str = "internal_error",
    ) -> Fault:
        """Make the next `times` calls of `method` fail (or each with `probability`, when times is None).

        `seconds` is Retry-After for `ratelimited` and the delay for `latency`; `error` is the answer of `error`.
        """
        if kind not in API_KINDS:
            raise ValueError(f"kind must be one of {API_KINDS}")
        fault = Fault(kind, method, times, probability, seconds, error)
        with self._lock:
            self._api.append(fault)
        return fault

    def clicks(self, kind: ClickKind, *, times: int | None = 1, seconds: float = 1.0) -> Fault:
        """Disturb the next `times` interactions on their way to the bot.

        `late` waits `seconds`; `double` delivers twice; `reorder` holds `times` clicks and delivers them backwards
        (or after `seconds` when fewer come); `lost` never arrives; `lost_ack` arrives but its answer is lost.
        """
        if kind not in CLICK_KINDS:
            raise ValueError(f"kind must be one of {CLICK_KINDS}")
        fault = Fault(kind, "*", times, 1.0, seconds)
        with self._lock:
            self._clicks.append(fault)
        return fault

    def take(self, method: str) -> list[Fault]:
        """The faults that hit this Web API call, each counted."""
        with self._lock:
            hit = [fault for fault in self._api if fault.fits(method) and self._strikes(fault)]
            self._api = [fault for fault in self._api if fault.times != 0]
        return hit

    def take_click(self) -> Fault | None:
        """The fault that hits this interaction, counted."""
        with self._lock:
            hit = next((fault for fault in self._clicks if self._strikes(fault)), None)
            self._clicks = [fault for fault in self._clicks if fault.times != 0]
        return hit

    def clear(self) -> None:
        """Switch everything off."""
        with self._lock:
            self._api.clear()
            self._clicks.clear()

    def listing(self) -> dict[str, list[dict[str, Any]]]:
        """What is switched on, for the page."""
        with self._lock:
            return {"api": [asdict(entry) for entry in self._api], "clicks": [asdict(entry) for entry in self._clicks]}

    def _strikes(self, fault: Fault) -> bool:
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return False
        if fault.times is not None:
            if fault.times < 1:
                return False
            fault.times -= 1
        fault.hits += 1
        return True
