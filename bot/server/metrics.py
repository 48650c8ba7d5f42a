"""Figures for Prometheus."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

MOST_WORDS = 100
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,39}")


class Metrics:
    """One server's figures, in a registry of their own; where it has several workers, all of theirs in a folder they share."""

    def __init__(self, *, shared: Path | None = None) -> None:
        self._shared = shared
        self.registry = CollectorRegistry()
        make = self.registry
        self.created = Counter("sayso_approvals_created", "Requests accepted, by route", ["route"], registry=make)
        self.taps = Counter("sayso_taps", "What people did, by verb and outcome", ["verb", "outcome"], registry=make)
        self.claims = Counter("sayso_claims", "Claims, by outcome", ["outcome"], registry=make)
        self.sent = Counter(
            "sayso_slack_calls", "Calls to Slack, by method and outcome", ["method", "outcome"], registry=make
        )
        self.callbacks = Counter(
            "sayso_callbacks", "Callbacks to agents' addresses, by outcome", ["outcome"], registry=make
        )
        self.callbacks_waiting = Gauge(
            "sayso_callbacks_waiting", "Callbacks that wait to be sent", registry=make, multiprocess_mode="mostrecent"
        )
        self.mails = Counter(
            "sayso_mails", "Letters to people Slack does not reach, by outcome", ["outcome"], registry=make
        )
        self.swept = Counter("sayso_swept", "What sweeps did, by kind", ["kind"], registry=make)
        self.backlog = Gauge(
            "sayso_outbox_backlog",
            "Messages that wait to be shown",
            ["kind"],
            registry=make,
            multiprocess_mode="mostrecent",
        )
        self.backlog_age = Gauge(
            "sayso_outbox_oldest_seconds",
            "For how long the oldest waiting message has been due",
            ["kind"],
            registry=make,
            multiprocess_mode="mostrecent",
        )
        self.policy_bad = Gauge(
            "sayso_policy_file_bad",
            "1 while the file on disk cannot be used and an older one is in force",
            ["file"],
            registry=make,
            multiprocess_mode="max",
        )
        self.waiting = Gauge("sayso_waiting_agents", "Long-polls open now", registry=make, multiprocess_mode="sum")
        self.connections = Gauge(
            "sayso_http_connections", "HTTP connections open now", registry=make, multiprocess_mode="sum"
        )
        self.refused = Counter(
            "sayso_http_refused", "Requests and connections refused, by reason", ["why"], registry=make
        )
        self.responses = Counter("sayso_http_responses", "HTTP answers, by status", ["code"], registry=make)
        self.overdue = Gauge(
            "sayso_approvals_overdue",
            "Requests that nobody decided in time",
            registry=make,
            multiprocess_mode="mostrecent",
        )
        self.overdue_age = Gauge(
            "sayso_approvals_overdue_seconds",
            "For how long the oldest of them has been overdue",
            registry=make,
            multiprocess_mode="mostrecent",
        )
        self.unknown = Counter(
            "sayso_outcomes_unknown", "Claims of which nobody reported what became of them", registry=make
        )
        self.stopped = Gauge(
            "sayso_stopped_seconds",
            "For how long everything has been stopped; 0 while things run",
            registry=make,
            multiprocess_mode="mostrecent",
        )
        self.database_up = Gauge(
            "sayso_database_up", "1 while the database answers", registry=make, multiprocess_mode="mostrecent"
        )
        self.slack_up = Gauge(
            "sayso_slack_up", "1 while Slack answers and takes our token", registry=make, multiprocess_mode="mostrecent"
        )
        self.sweep_ended = Gauge(
            "sayso_last_sweep_timestamp_seconds",
            "When this server last finished a sweep",
            registry=make,
            multiprocess_mode="max",
        )
        self.audit_faults = Gauge(
            "sayso_audit_faults",
            "What is wrong with the audit chain since its kept end",
            registry=make,
            multiprocess_mode="mostrecent",
        )
        self.audit_kept = Gauge(
            "sayso_audit_kept_timestamp_seconds",
            "When the end of the audit chain was last found whole",
            registry=make,
            multiprocess_mode="max",
        )
        self._words: set[str] = set()
        self._refused_before: dict[str, int] = {}
        self.tap_seconds = Histogram(
            "sayso_tap_seconds",
            "From Slack's request to our answer, in seconds",
            registry=make,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3),
        )

    def tapped(self, verb: str, outcome: str) -> None:
        """Somebody did something; the verb is a payload's word."""
        self.taps.labels(self._word(verb), outcome).inc()

    def called(self, method: str, outcome: str) -> None:
        """Slack was called; the outcome is its own word."""
        self.sent.labels(method, self._word(outcome)).inc()

    def _word(self, word: str) -> str:
        """A word that came from outside, as a label: each is a series for ever, so there may be only so many."""
        if word not in self._words:
            if len(self._words) >= MOST_WORDS or not _WORD.fullmatch(word):
                return "other"
            self._words.add(word)
        return word

    def count_refused(self, refused: Mapping[str, int]) -> None:
        """Take over what the edge has counted."""
        for why, count in refused.items():
            self.refused.labels(why).inc(count - self._refused_before.get(why, 0))
            self._refused_before[why] = count

    def text(self) -> bytes:
        """The figures as Prometheus reads them."""
        if self._shared is None:
            return generate_latest(self.registry)
        every = CollectorRegistry()
        MultiProcessCollector(every, str(self._shared))  # type: ignore[no-untyped-call]
        return generate_latest(every)


def share(folder: Path, slot: int) -> None:
    """From now on this process keeps its figures in `folder`; whoever has the slot after it goes on counting from there."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
