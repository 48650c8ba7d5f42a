"""Figures for Prometheus (CONTRACT: /metrics)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """One server's figures, in a registry of their own."""

    def __init__(self) -> None:
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
        self.callbacks_waiting = Gauge("sayso_callbacks_waiting", "Callbacks that wait to be sent", registry=make)
        self.swept = Counter("sayso_swept", "What sweeps did, by kind", ["kind"], registry=make)
        self.backlog = Gauge("sayso_outbox_backlog", "Messages that wait to be shown", ["kind"], registry=make)
        self.backlog_age = Gauge(
            "sayso_outbox_oldest_seconds",
            "For how long the oldest waiting message has been due",
            ["kind"],
            registry=make,
        )
        self.policy_bad = Gauge(
            "sayso_policy_file_bad",
            "1 while the file on disk cannot be used and an older one is in force",
            ["file"],
            registry=make,
        )
        self.waiting = Gauge("sayso_waiting_agents", "Long-polls open now", registry=make)
        self.tap_seconds = Histogram(
            "sayso_tap_seconds",
            "From Slack's request to our answer, in seconds",
            registry=make,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3),
        )

    def text(self) -> bytes:
        """The figures as Prometheus reads them."""
        return generate_latest(self.registry)
