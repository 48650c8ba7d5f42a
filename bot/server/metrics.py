"""Figures for Prometheus."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

MOST_WORDS = 100
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,39}")

Mode = Literal["mostrecent", "max", "sum"]


class Metrics:
    """One server's figures, in a registry of their own; where it has several workers, all of theirs in a folder they share."""

    def __init__(self, *, shared: Path | None = None) -> None:
        self._shared = shared
        self.registry = CollectorRegistry()
        self.created = self._counter("sayso_approvals_created", "Requests accepted, by route", "route")
        self.taps = self._counter("sayso_taps", "What people did, by verb and outcome", "verb", "outcome")
        self.claims = self._counter("sayso_claims", "Claims, by outcome", "outcome")
        self.sent = self._counter("sayso_slack_calls", "Calls to Slack, by method and outcome", "method", "outcome")
        self.callbacks = self._counter("sayso_callbacks", "Callbacks to agents' addresses, by outcome", "outcome")
        self.callbacks_waiting = self._gauge("sayso_callbacks_waiting", "Callbacks that wait to be sent", "mostrecent")
        self.mails = self._counter("sayso_mails", "Letters to people Slack does not reach, by outcome", "outcome")
        self.swept = self._counter("sayso_swept", "What sweeps did, by kind", "kind")
        self.backlog = self._gauge("sayso_outbox_backlog", "Messages that wait to be shown", "mostrecent", "kind")
        self.backlog_age = self._gauge(
            "sayso_outbox_oldest_seconds", "For how long the oldest waiting message has been due", "mostrecent", "kind"
        )
        self.policy_bad = self._gauge(
            "sayso_policy_file_bad",
            "1 while the file on disk cannot be used and an older one is in force",
            "max",
            "file",
        )
        self.waiting = self._gauge("sayso_waiting_agents", "Long-polls open now", "sum")
        self.connections = self._gauge("sayso_http_connections", "HTTP connections open now", "sum")
        self.refused = self._counter("sayso_http_refused", "Requests and connections refused, by reason", "why")
        self.responses = self._counter("sayso_http_responses", "HTTP answers, by status", "code")
        self.overdue = self._gauge("sayso_approvals_overdue", "Requests that nobody decided in time", "mostrecent")
        self.overdue_age = self._gauge(
            "sayso_approvals_overdue_seconds", "For how long the oldest of them has been overdue", "mostrecent"
        )
        self.unknown = self._counter("sayso_outcomes_unknown", "Claims of which nobody reported what became of them")
        self.stopped = self._gauge(
            "sayso_stopped_seconds", "For how long everything has been stopped; 0 while things run", "mostrecent"
        )
        self.database_up = self._gauge("sayso_database_up", "1 while the database answers", "mostrecent")
        self.slack_up = self._gauge("sayso_slack_up", "1 while Slack answers and takes our token", "mostrecent")
        self.sweep_ended = self._gauge(
            "sayso_last_sweep_timestamp_seconds", "When this server last finished a sweep", "max"
        )
        self.audit_faults = self._gauge(
            "sayso_audit_faults", "What is wrong with the audit chain since its kept end", "mostrecent"
        )
        self.audit_kept = self._gauge(
            "sayso_audit_kept_timestamp_seconds", "When the end of the audit chain was last found whole", "max"
        )
        self._words: set[str] = set()
        self._refused_before: dict[str, int] = {}
        self.tap_seconds = Histogram(
            "sayso_tap_seconds",
            "From Slack's request to our answer, in seconds",
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3),
        )

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, mode: Mode, *labels: str) -> Gauge:
        """`mode` says what several workers' figures are together."""
        return Gauge(name, words, labels, registry=self.registry, multiprocess_mode=mode)

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
