"""Thousands of posts while one call of Slack in five fails: everything arrives, and every duplicate is inert.

A fifth of all calls that post, update or look back are answered 429 or 500, or are cut off before or after they took
effect. At the end every message that was wanted must be in Slack and show what is. Posts that arrive a second time, as
late ones do, are made on purpose too; then people tap the copies: each approval is decided once, whichever is tapped.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter, defaultdict
from pathlib import Path

import httpx2
from sqlalchemy import func, select
from support.agent import Json
from support.files import PLAIN, write_manifest
from support.office import Office

from playground.kit import Card, approval_ids
from playground.model import Channel
from store import outbox
from store.tables import approvals, decisions
from store.tables import outbox as messages
from tests.chaos.places import Report, command_line, database_url

KINDS = ("ratelimited", "server_error", "drop_before", "drop_after")
SHARE = 0.2
WAITING = 3  # requests that wait in a channel: a longer line would be shown as digests, which are fewer posts
PATIENCE_SECONDS = 900.0
DAY = 86_400


def furnish(office: Office, channels: int) -> None:
    """Channels, an action for each, and Slack's faults."""
    members = list(office.slack.workspace.people)
    for number in range(channels):
        office.slack.workspace.add_channel(Channel(f"C0POSTS{number}", f"posts{number}", members=list(members)))
    slow = PLAIN | {"sla_seconds": DAY, "approval_timeout_seconds": 2 * DAY}
    actions = {f"thing{n}": slow | {"channel": f"#posts{n}"} for n in range(channels)}
    many = {"creates_per_minute": 1_000_000, "pending": 1_000_000}
    office.manifest = write_manifest(office.folder, actions, limits=many)


def trouble(office: Office) -> None:
    """Let one call in five fail, each way as often as the others."""
    each = 1 - (1 - SHARE) ** (1 / len(KINDS))
    for kind in KINDS:
        for methods in ("chat.*", "conversations.*"):
            office.slack.faults.inject(methods, kind, times=None, probability=each, seconds=1)  # type: ignore[arg-type]


def ask(office: Office, n: int, channels: int) -> list[Json]:
    """`n` requests, no more at a time than Slack is told of; every tenth is decided when its card is there."""
    made: list[Json] = []
    for number in range(n):
        made.append(office.agent.ask(f"thing{number % channels}", {"thing": f"door {number}"}))
        if number % channels == channels - 1:
            _drained(office, WAITING * channels)
            if len(made) > 10 * channels:
                _decide(office, made[-10 * channels])
    return made


def _decide(office: Office, approval: Json) -> None:
    for card in office.slack.cards(approval_id=approval["id"])[:1]:
        office.person("U0ALICE").click(card, "approve")


def _drained(office: Office, rest: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting := office.database.read(outbox.backlog):
        if sum(kind.waiting for kind in waiting.values()) <= rest:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"still waiting for Slack: {waiting}")
        time.sleep(0.02)


def copies(office: Office, every: int) -> int:
    """Each `every`-th card arrives a second time, as a post does whose answer was lost and which came late."""
    originals = [card for card in office.slack.cards() if card.approval_id and card.has("approve")][::every]
    with httpx2.Client(headers={"Authorization": f"Bearer {office.slack.token}"}, timeout=30) as http:
        for card in originals:
            body = {"channel": card.channel, "blocks": card.blocks, "text": card.fallback, "metadata": card.metadata}
            answer = http.post(f"{office.slack.api_url}chat.postMessage", json=body)
            assert answer.json()["ok"], answer.text
    return len(originals)


def everything_arrived(office: Office, made: list[Json], report: Report) -> None:
    """Every message that was wanted is in Slack, and shows what is."""
    rows = office.database.read(lambda unit: unit.execute(select(messages)).all())
    for row in rows:
        report.require(row.slack_ts is not None or row.screen_id is not None, f"message {row.id} never arrived")
        report.require(row.shown == row.wanted or row.screen_id is not None, f"message {row.id} shows what was")
    known = Counter(name for card in office.slack.cards() for name in approval_ids(card.metadata))
    for approval in made:
        report.require(known[approval["id"]] > 0, f"{approval['id']} has no card in Slack")
    calls = office.slack.calls_to("chat.postMessage")
    report.figures |= {
        "posts that arrived": sum(row.slack_ts is not None for row in rows),
        "posts tried": len(calls),
        "approvals": len(made),
    }


def duplicates_are_inert(office: Office, report: Report) -> None:
    """One tap on each copy, of two people: one decision, by whoever was first."""
    found: dict[str, list[Card]] = defaultdict(list)
    for card in office.slack.cards():
        if card.approval_id:
            found[card.approval_id].append(card)
    twice = {name: cards for name, cards in found.items() if len(cards) > 1}
    taps = 0
    for name, cards in twice.items():
        for number, card in enumerate(reversed(cards)):
            if card.has("approve"):
                office.person(("U0ALICE", "U0BOB")[number % 2]).click(card, "approve")
                taps += 1
        state = office.agent.see(name)["state"]
        report.require(state == "approved", f"{name} has {len(cards)} cards and is {state}")
    query = select(decisions.c.approval_id, func.count()).group_by(decisions.c.approval_id)
    counts = dict(tuple(row) for row in office.database.read(lambda unit: unit.execute(query).all()))
    for name in twice:
        report.require(counts.get(name) == 1, f"{name} was decided {counts.get(name)} times")
        versions = office.events({"id": name})
        report.require(versions.count("approved") == 1, f"{name}: {versions}")
    report.figures |= {"approvals with more than one card": len(twice), "taps on them": taps}


def run(url: str, folder: Path, *, n: int, channels: int = 40, interval: float = 0.02) -> Report:
    """`n` requests, each with a card of its own."""
    report = Report("posts while a fifth of Slack's answers fails")
    office = Office(url, folder)
    try:
        furnish(office, channels)
        office.open(post_interval=interval)
        trouble(office)
        made = ask(office, n, channels)
        _drained(office, 0)
        report.figures["faults"] = sum(fault["hits"] for fault in office.slack.faults.listing()["api"])
        report.figures["calls"] = len(office.slack.calls)
        office.slack.faults.clear()
        everything_arrived(office, made, report)
        report.figures["late copies made"] = copies(office, 50 if n > 1000 else 5)
        duplicates_are_inert(office, report)
        undecided = select(func.count()).where(approvals.c.state == "pending")
        report.figures["still pending"] = office.database.read(lambda unit: unit.execute(undecided).scalar_one())
        office.intact()
    finally:
        office.close()
    return report


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    logging.disable(logging.ERROR)  # each failed call is a warning
    with database_url(arguments.database, folder) as url:
        return run(url, folder, n=arguments.n)


if __name__ == "__main__":
    command_line(_work, n=10_000)
