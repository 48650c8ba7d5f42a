"""`kill -9` between any two steps: after the restart everything goes on, and everything happened once."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx2
from support.files import PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office


def restart(office: Office) -> None:
    """Kill without a word, and start again on the same port and database."""
    office.process.kill()
    office.leases_run_out()
    office.open_process()


def told_once(office: Office, refund: dict[str, Any]) -> None:
    """One live card, one story, an intact chain."""
    time.sleep(0.3)
    cards = office.slack.cards(approval_id=refund["id"])
    assert len(cards) == 1, office.slack.transcript()
    events = office.events(refund)
    assert len(events) == len(set(events)), events
    office.intact()


def test_killed_at_every_step(closed_office: Office) -> None:
    """Killed after the request, after the card, after the tap, after the claim and after the result: one story."""
    office = closed_office
    office.open_process()
    refund = office.agent.refund(key="k")
    restart(office)
    assert office.agent.refund(key="k", status=200)["id"] == refund["id"], "asked again, it is the same one"
    card = office.card(refund)
    restart(office)
    assert office.person("U0ALICE").click(card, "approve").status == 200
    restart(office)
    agent = office.agent
    assert agent.see(refund)["state"] == "approved"
    office.slack.expect_update(card, contains="Approved")
    grant = agent.claim(refund)
    restart(office)
    agent = office.agent
    assert agent.claim(refund) == grant, "the lost answer can be asked for again"
    agent.claim(refund, "another-nonce", status=409)
    assert agent.result(refund)["state"] == "succeeded"
    restart(office)
    assert office.agent.result(refund)["state"] == "succeeded"
    told_once(office, refund)


def test_killed_while_the_card_is_being_posted(closed_office: Office) -> None:
    """Killed after Slack took the post and before its answer arrived: the card is found again, not posted twice."""
    office = closed_office
    office.open_process()
    workspace, server = office.slack.workspace, office.process
    agent, answered = office.agent, threading.Event()

    def kill_once_posted(_notice: dict[str, Any]) -> None:
        if office.slack.cards("#finance"):
            answered.wait(20)  # the post may be faster than the answer to the agent, which is another test's matter
            server.kill()

    stop_listening = workspace.listen(kill_once_posted)
    refund = agent.refund()
    answered.set()
    office.until(lambda: not server.alive, "the server is killed inside the post")
    stop_listening()
    restart(office)
    office.until(lambda: "gate_presented" in office.events(refund), "the card is found")
    card = office.card(refund)
    office.person("U0BOB").click(card, "approve")
    office.slack.expect_update(card, contains="Approved")
    told_once(office, refund)
    assert len(office.slack.calls_to("chat.postMessage")) == 1


@on_sqlite
def test_killed_before_slack_took_the_post(closed_office: Office) -> None:
    """Killed while the post was on its way and never arrived: it is posted after the restart."""
    office = closed_office
    office.open_process()
    office.slack.faults.inject("chat.postMessage", "latency", times=1, seconds=3)
    office.slack.faults.inject("chat.postMessage", "drop_before", times=1)
    refund = office.agent.refund()
    time.sleep(0.3)
    restart(office)
    office.card(refund)
    told_once(office, refund)


@on_sqlite
def test_time_that_passed_while_nobody_was_there(closed_office: Office) -> None:
    """An SLA that ran out while the server was down is acted on right after the restart."""
    office = closed_office
    write_manifest(office.folder, {"quick": PLAIN | {"sla_seconds": 1}})
    office.open_process()
    thing = office.agent.ask("quick", {"thing": "door"})
    assert thing["assignee"] == "U0ALICE"
    office.card(thing)
    office.process.kill()
    time.sleep(1.2)
    office.open_process()
    office.until(lambda: office.events(thing).count("reassigned") == 1, "Bob is asked")
    office.card(thing, has="approve", contains="@bob")


@on_sqlite
def test_an_agent_that_waits_hears_the_end(closed_office: Office) -> None:
    """A long-poll that the kill cut off can simply be made again and finds the decision."""
    office = closed_office
    office.open_process()
    refund = office.agent.refund()
    card = office.card(refund)
    agent = office.agent
    broken: list[Exception] = []

    def wait() -> None:
        try:
            agent.see(refund, wait=20)
        except httpx2.HTTPError as error:
            broken.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    assert office.person("U0BOB").click(card, "details").status == 200
    office.process.kill()
    thread.join(10)
    assert broken, "the connection was cut"
    office.open_process()
    office.person("U0BOB").click(card, "approve")
    assert office.agent.see(refund, wait=20)["state"] == "approved"


@on_sqlite
def test_a_tap_that_was_not_acknowledged_did_not_happen_or_is_kept(closed_office: Office) -> None:
    """Killed in the middle of twenty taps: what was acknowledged is decided, and each at most once."""
    office = closed_office
    office.open_process()
    agent = office.agent
    refunds = [agent.ask("change_thing", {"thing": f"door {n}"}) for n in range(8)]
    cards = [office.card(refund) for refund in refunds]
    taps = [office.person("U0ALICE").click_later(card, "approve") for card in cards]
    time.sleep(0.01)
    office.process.kill()
    acknowledged = [tap.result(10).status == 200 for tap in taps]
    office.open_process()
    for refund, known in zip(refunds, acknowledged, strict=True):
        state = office.agent.see(refund)["state"]
        assert state in ("pending", "approved")
        assert not known or state == "approved", "an acknowledged decision was lost"
        assert office.events(refund).count("approved") == (state == "approved")
    office.intact()
