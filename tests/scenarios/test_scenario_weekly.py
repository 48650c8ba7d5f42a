"""The weekly post: exactly one from any number of servers, to operations and to owners, with diffs that `patch` takes and a diagram."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office
from support.races import at_once
from support.stored import approved_by

from bot.service import weekly
from playground.kit import Card
from policies.messages import WeeklyFacts, as_stored, facts_of
from store import outbox
from store.tables import outbox as messages

PATIENCE = 20.0
FREE = PLAIN | {"severity": "low", "approval_required": False}
TITLE = "What the record suggests"


@pytest.fixture
def office(closed_office: Office) -> Office:
    """An office of two servers, whose action `suggest` Carol answers for; three of its twelve runs were incidents."""
    office = closed_office
    write_manifest(office.folder, ACTIONS | {"suggest": FREE | {"owner": "u0carol"}})
    office.open()
    office.open()
    for number in range(12):
        asked = office.agent.ask("suggest", {"thing": f"door {number}"}, confidence=0.93)
        office.agent.claim(asked, f"nonce-of-door-{number}")
        office.agent.result(asked, nonce=f"nonce-of-door-{number}")
        office.critic.label(asked, "incident" if number % 4 == 0 else "correct")
    return office


def until_monday(now: datetime) -> float:
    """Seconds until ten o'clock of the next Monday, as the roster's zone (UTC) has it."""
    day = now.date() + timedelta(days=7 - now.weekday())
    return (datetime(day.year, day.month, day.day, 10, tzinfo=now.tzinfo) - now).total_seconds()


def monday(office: Office) -> None:
    """Both servers sweep at once when Monday has come."""
    seconds = until_monday(office.database.read(lambda unit: unit.now))
    servers: list[Any] = office._servers
    office.database.shift_seconds += seconds
    for server in servers:
        server.database.shift_seconds += seconds
    at_once([server.sweep for server in servers])


def posts(office: Office, where: str) -> list[Card]:
    """The weekly posts of a place."""
    return [message for message in office.slack.messages(where) if TITLE in message.text()]


def code(card: Card) -> str:
    """The diff as the post shows it, to the character."""
    blocks = [item for block in card.blocks if block["type"] == "rich_text" for item in block["elements"]]
    (found,) = [item for item in blocks if item["type"] == "rich_text_preformatted"]
    return "".join(piece["text"] for piece in found["elements"])


def test_one_post_a_week_to_operations_and_owners(office: Office) -> None:
    """Two servers post once; the owner reads it too; figures have their bounds; the diff is taken by `patch`; the week after, again."""
    monday(office)
    post = office.slack.expect_message("#ops", contains=TITLE, timeout=PATIENCE)
    owners = office.slack.expect_message("U0CAROL", contains=TITLE, timeout=PATIENCE)
    for piece in (
        "1. suggest: auto→ask",
        "3 incidents in 12 runs of 90 days, 25.0% (",
        "replayed over the last 12 requests",
    ):
        assert piece in post.text(), piece
        assert piece in owners.text(), piece
    before = office.manifest.read_text()
    subprocess.run(
        ["patch", "-p0", str(office.manifest)], input=code(post) + "\n", text=True, check=True, capture_output=True
    )
    assert '- when: "true"' in office.manifest.read_text()
    office.manifest.write_text(before)
    (picture,) = office.until(
        lambda: [one for one in office.slack.messages("#ops") if one.raw.get("files")], "the diagram", PATIENCE
    )
    assert "sure 0.93, right 0.75 (" in str(picture.raw["files"])
    for _ in range(3):
        office.advance(1)
    assert (len(posts(office, "#ops")), len(posts(office, "U0CAROL")), len(posts(office, "U0BOB"))) == (1, 1, 0)
    monday(office)
    office.until(lambda: len(posts(office, "#ops")) == 2, "the next week's post", PATIENCE)
    office.intact()


@on_sqlite
def test_nothing_to_suggest_is_no_post(closed_office: Office) -> None:
    """A week of which the record says nothing brings no message."""
    closed_office.open()
    monday(closed_office)
    assert posts(closed_office, "#ops") == []
    query = messages.select().where(messages.c.dedupe_key.like("notice:weekly:%"))
    assert closed_office.database.read(lambda unit: unit.execute(query).all()) == []
    assert isinstance(facts_of(as_stored(WeeklyFacts("2026-11-23", (), 0, ()))), WeeklyFacts)
    assert outbox.LEASE_SECONDS > 0


@on_sqlite
def test_suggestions_that_cannot_be_made_stop_no_sweep(closed_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The week goes without a post, once; what else is due is handled."""
    tried: list[int] = []

    def broken(*_: object) -> None:
        tried.append(1)
        raise ValueError("the diff is of another text")

    monkeypatch.setattr(weekly.tuning, "report", broken)
    closed_office.open()
    monday(closed_office)
    for _ in range(3):
        closed_office.advance(1)
    assert 1 <= len(tried) <= 2, "the clock of the server may sweep at that moment too, and nobody does afterwards"
    assert posts(closed_office, "#ops") == []


@on_sqlite
def test_reviewers_get_their_own_figures_before_anybody_else(closed_office: Office) -> None:
    """On Monday each who decided five or more reads theirs, alone and once; then admins see them, and never those of fewer people."""
    office, five = closed_office, ("U0ALICE", "U0BOB", "U0CAROL", "U0DAN", "U0ADMIN")
    office.open()
    office.open()
    office.database.shift_seconds = until_monday(office.database.read(lambda unit: unit.now))
    approved_by(office.database, five, each=5)
    approved_by(office.database, ["U0BOB"], each=1)
    office.database.shift_seconds = 0
    asked = office.person("U0ADMIN").command("/sayso", "stats").reply
    assert asked is not None
    assert "5 decided, 0.4 a day" not in asked.text()
    monday(office)
    for user in five:
        office.slack.expect_message(user, contains="Your own figures, 14 days", timeout=PATIENCE)
    told = office.person("U0ADMIN").command("/sayso", "stats").reply
    assert told is not None
    assert told.text().count("a day, median look 30 s") == 5
    assert posts(office, "#ops") == []
    for _ in range(2):
        office.advance(1)
    found = [one for one in office.slack.all_messages() if "Your own figures, 14 days" in one.text()]
    assert len(found) == 5
