"""One trace from the agent's ask to its result, across the sleep; and a collector that is down harms nobody."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from support.agent import NONCE, Agent, Json
from support.collector import Collector
from support.marks import on_sqlite
from support.office import Office
from support.receiver import SECRET, receiving
from support.servers import ROOT, environment

from bot.settings import load_settings
from policies.trace_context import trace_id, traceparent
from sayso import Sayso

THERE = importlib.util.find_spec("opentelemetry.sdk") is not None
needed = pytest.mark.skipif(not THERE, reason="NOT TESTED: traces need the extra otel (make setup)")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
ELSEWHERE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that takes everything."""
    found = Collector()
    yield found
    found.close()


def traced(office: Office, url: str) -> Office:
    """An office whose server sends its spans there, in batches of a tenth of a second."""
    office.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
    office.open()
    return office


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that nobody waits for."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")


def asked(agent: Agent, parent: str | None = PARENT, **body: object) -> Json:
    """A refund, asked for in a trace."""
    headers = {"Idempotency-Key": f"key-{time.monotonic_ns()}"} | ({"traceparent": parent} if parent else {})
    sent = {"action": "process_refund", "params": {"customer": "ann@example.com", "amount_usd": 480}, **body}
    answer = agent.raw("POST", "/approvals", json=sent, headers=headers)
    assert answer.status_code == 201
    return {**answer.json(), "traceparent": answer.headers.get("traceparent")}


@needed
@on_sqlite
def test_one_trace_across_the_sleep(closed_office: Office, collector: Collector) -> None:
    """Ask, policy, card, tap, decision, wake, claim and result are one trace: the one that the agent began, and it slept between."""
    office = traced(closed_office, collector.url)
    refund = asked(office.agent, reason="The parcel arrived crushed.")
    card = office.card(refund)
    server = office.server
    office.open()  # another server: what goes on is in the row, not in a process
    office.person("U0ALICE").click(card, "approve")
    asleep = Agent(office.server.url, office.agent.token)
    claimed = asleep.raw(
        "POST", f"/approvals/{refund['id']}/claim", json={"nonce": NONCE}, headers={"traceparent": ELSEWHERE}
    )
    assert claimed.status_code == 200
    assert trace_id(claimed.headers["traceparent"]) == TRACE
    asleep.result(refund)
    asleep.close()
    wanted = ["sayso.ask", "sayso.policy", "sayso.card", "sayso.tap", "sayso.decision", "sayso.claim", "sayso.result"]
    collector.until(lambda: all(collector.named(name) for name in wanted))
    spans = [span for span in collector.spans if span.facts["sayso.approval_id"] == refund["id"]]
    assert {span.trace_id for span in spans} == {TRACE}
    (ask,) = collector.named("sayso.ask")
    assert (ask.parent, ask.span_id) == (SPAN, str(traceparent(refund["traceparent"])).split("-")[2])
    parents = {span.name: span.parent for span in spans if span.name not in ("sayso.ask", "sayso.decision")}
    assert set(parents.values()) == {ask.span_id}
    (decision,), (tap,) = collector.named("sayso.decision"), collector.named("sayso.tap")
    assert decision.parent == tap.span_id
    (claim,) = collector.named("sayso.claim")
    assert claim.links == (("a" * 32, "b" * 16),), "whoever claimed was in a trace of its own"
    assert claim.facts["sayso.state"] == "claimed"
    assert all(span.started <= span.ended for span in spans)
    assert server is not office.server


@needed
@on_sqlite
def test_a_long_poll_that_is_woken_is_in_the_trace(closed_office: Office, collector: Collector) -> None:
    """Who waits in the agent's own trace is woken there: a child of the very span that waits."""
    office = traced(closed_office, collector.url)
    refund = asked(office.agent)
    waiting = "00-" + TRACE + "-" + "c" * 16 + "-01"

    def wait() -> Json:
        found: Json = office.agent.raw(
            "GET", f"/approvals/{refund['id']}?wait=30", headers={"traceparent": waiting}
        ).json()
        return found

    card = office.card(refund)

    def tap() -> Json:
        time.sleep(0.5)
        office.person("U0ALICE").click(card, "approve")
        return {}

    said, _ = office.slack.together(wait, tap)
    assert said["state"] == "approved"
    collector.until(lambda: bool(collector.named("sayso.wake")))
    (wake,) = collector.named("sayso.wake")
    assert (wake.trace_id, wake.parent) == (TRACE, "c" * 16)
    (decision,) = collector.named("sayso.decision")
    assert wake.started >= decision.started


@needed
@on_sqlite
def test_without_a_parent_the_trace_begins_here(closed_office: Office, collector: Collector) -> None:
    """An agent without traces gets one anyway, and what policy decides alone is in it as well."""
    office = traced(closed_office, collector.url)
    first = asked(office.agent, None)
    small = office.agent.refund(12)
    collector.until(lambda: len(collector.named("sayso.ask")) == 2)
    one, other = collector.named("sayso.ask")
    assert one.trace_id == trace_id(first["traceparent"]) != other.trace_id
    assert (one.parent, other.parent, other.facts["sayso.approval_id"]) == ("", "", small["id"])


@needed
@on_sqlite
def test_spans_tell_no_secrets(closed_office: Office, collector: Collector) -> None:
    """No parameter, text, token, person or address is in anything that a collector gets."""
    office = traced(closed_office, collector.url)
    refund = asked(office.agent, reason="It arrived crushed.", checkpoint={"card": "4111111111111111"})
    form = office.form("U0ALICE", office.card(refund), "reject").fill("reason", "Too much for Ann.")
    office.person("U0ALICE").submit(form)
    office.agent.see(refund)
    collector.until(lambda: any(tap.facts["sayso.verb"] == "reject" for tap in collector.named("sayso.tap")))
    collector.until(lambda: bool(collector.named("sayso.decision")))
    said = " ".join(span.raw for span in collector.spans)
    for secret in ("ann@", "480", "crushed", "4111", "Too much", "U0ALICE", "sayso_", "Alice", "127.0.0.1"):
        assert secret not in said.replace(office.agent.token[:6] + "approval", ""), secret


@needed
@on_sqlite
def test_an_unsampled_trace_is_not_sent(closed_office: Office, collector: Collector) -> None:
    """Where the agent's trace is not sampled, nothing of it is sent, and the flag is kept."""
    office = traced(closed_office, collector.url)
    refund = asked(office.agent, PARENT[:-1] + "0")
    assert refund["traceparent"].endswith("-00")
    office.person("U0ALICE").click(office.card(refund), "approve")
    asked(office.agent, None)
    collector.until(lambda: bool(collector.named("sayso.ask")))
    assert TRACE not in {span.trace_id for span in collector.spans}


@needed
@on_sqlite
@pytest.mark.parametrize("how", ["nobody listens", "it hangs", "it fails"])
def test_a_collector_that_is_down_harms_nobody(closed_office: Office, how: str) -> None:
    """With a collector that is gone, silent or broken, every call answers as quickly as ever, and the server ends in time."""
    collector = Collector(seconds=30 if how == "it hangs" else 0, status=503 if how == "it fails" else 200)
    url = "http://127.0.0.1:9" if how == "nobody listens" else collector.url
    office = closed_office
    office.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
    server = office.open_process()
    slowest = 0.0
    for amount in range(6):
        begun = time.monotonic()
        refund = office.agent.refund(480 + amount)
        office.agent.see(refund)
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 2.0
    office.person("U0ALICE").click(office.card(refund), "approve")
    assert office.agent.claim(refund)["id"] == refund["id"]
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 8
    assert "opentelemetry" not in server.log.read_text().lower()
    collector.close()


@on_sqlite
def test_without_a_collector_the_trace_is_passed_on(closed_office: Office) -> None:
    """Nothing is sent, and the agent's own `traceparent` is kept: answers and callbacks carry it, whatever becomes of it."""
    office = closed_office
    with receiving() as receiver:
        office.settings |= {"SAYSO_CALLBACK_HOSTS": f"127.0.0.1:{receiver.port}", "SAYSO_CALLBACK_SECRET": SECRET}
        office.open()
        refund = asked(office.agent, callback_url=receiver.url)
        assert refund["traceparent"] == PARENT
        office.person("U0ALICE").click(office.card(refund), "approve")
        assert office.agent.raw("GET", f"/approvals/{refund['id']}").headers["traceparent"] == PARENT
        receiver.expect(1)
        headers = {name.lower(): value for name, value in receiver.got[0][0].items()}
        assert headers["traceparent"] == PARENT


@on_sqlite
@pytest.mark.parametrize(
    "said",
    [
        "",
        "nonsense",
        PARENT.upper(),
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        PARENT + "-x",
        "ff" + PARENT[2:],
    ],
)
def test_a_traceparent_that_is_none_counts_as_not_sent(office: Office, said: str) -> None:
    """What cannot be read is left out, and the request is a request like any other."""
    assert asked(office.agent, said)["traceparent"] is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """A version that does not exist yet begins as this one does."""
    assert str(traceparent("01" + PARENT[2:] + "-more")) == PARENT


@needed
@on_sqlite
def test_the_client_passes_the_agents_span(closed_office: Office, collector: Collector) -> None:
    """Where OpenTelemetry is at work in the agent, its request is in the trace of the span that is open."""
    from opentelemetry.sdk.trace import TracerProvider

    office = traced(closed_office, collector.url)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("agent")
    with Sayso(office.server.url, office.agent.token) as sayso, tracer.start_as_current_span("work") as span:
        sayso.ask("process_refund", {"customer": "ann@example.com", "amount_usd": 480})
        wanted = span.get_span_context()
    collector.until(lambda: bool(collector.named("sayso.ask")))
    (ask,) = collector.named("sayso.ask")
    assert (ask.trace_id, ask.parent) == (f"{wanted.trace_id:032x}", f"{wanted.span_id:016x}")


def _loaded(code: str, env: dict[str, str]) -> list[str]:
    look = f"import sys, json\n{code}\nprint(json.dumps([name for name in sys.modules if 'opentelemetry' in name]))"
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, env=environment(env), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_nothing_is_imported_for_nothing() -> None:
    """While no collector is named, the client loads nothing of OpenTelemetry, and the server no SDK and no exporter.

    FastAPI looks for OpenTelemetry's small interface itself, where that is installed.
    """
    assert _loaded("import sayso, sayso.ports, sayso.tracing", {}) == []
    found = _loaded("import bot.app, bot.cli.serve", {})
    assert not [name for name in found if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector without the extra stops the start with one line that says what to install."""
    from bot.server import tracing
    from bot.settings import BadSetting

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "bot.server.exported", None)
    with pytest.raises(BadSetting, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT: .*sayso-server\[otel\]"):
        tracing.spans(load_settings(), "1")
