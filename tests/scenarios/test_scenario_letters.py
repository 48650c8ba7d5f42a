"""Slack is down: those who have to decide are written to, once, with what waits and until when; nothing is decided by mail."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from support.files import PLAIN, REFUND, write_manifest, write_roster
from support.mailbox import Mailbox, mailbox
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.servers import free_port

from bot.service import letters

Json = dict[str, Any]
POST = "chat.postMessage"
ALICE, OPS = "alice@example.com", "ops@example.com"
PEOPLE = {"U0ALICE": {"principal": "alice@example.com", "timezone": "Europe/Berlin"}}
ALONE = {"finance": {"members": ["U0ALICE"]}, "finance_lead": {"members": ["U0CAROL"]}}


@pytest.fixture
def post(closed_office: Office) -> Iterator[Mailbox]:
    """An office with a mail server; Alice alone decides."""
    with mailbox(free_port()) as box:
        office = closed_office
        office.settings |= {"SAYSO_SMTP_URL": f"smtp://{box.address}", "SAYSO_MAIL_FROM": "sayso@example.com"}
        write_manifest(office.folder, {"process_refund": REFUND, "change_thing": PLAIN | {"required_role": "finance"}})
        operations = {"channel": "#ops", "email": OPS}
        write_roster(office.folder, roles=ALONE, people=PEOPLE, operations=operations)
        office.open()
        yield box


def goes_down(office: Office, error: str = "internal_error") -> None:
    """Slack answers nothing any more."""
    office.slack.faults.inject("*", "error" if error != "internal_error" else "server_error", times=None, error=error)


def comes_back(office: Office) -> None:
    """Slack works again, and what was put off is tried at once."""
    office.slack.faults.clear()
    office.leases_run_out()


def after(office: Office, seconds: float = 130.0) -> None:
    office.advance(seconds)


def has(office: Office, post: Mailbox, count: int, to: str = ALICE) -> list[str]:
    """The letters to somebody, once there are so many."""
    office.until(lambda: len(post.letters(to)) >= count, f"{count} letters to {to}")
    texts = post.texts(to)
    assert len(texts) == count
    return texts


@on_sqlite
def test_whoever_slack_does_not_reach_is_written_to_once(closed_office: Office, post: Mailbox) -> None:
    """Two requests wait, Slack is gone for two minutes: one letter with both, the deadline and its zone, and no second one."""
    office = closed_office
    goes_down(office)
    first, second = office.agent.refund(), office.agent.refund(481)
    assert post.letters() == []
    after(office)
    (text,) = has(office, post, 1)
    letter = post.letters(ALICE)[0]
    assert letter["Subject"] == "Sayso: 2 requests wait for you, and Slack does not show it"
    assert (letter["From"], letter["To"]) == ("sayso@example.com", ALICE)
    assert letter["Auto-Submitted"] == "auto-generated"
    for words in (
        "$480",
        "$481",
        "decide by",
        "CE",
        "asked by demo",
        "can't be undone".capitalize(),
        "decided by mail",
    ):
        assert words in text
    assert not letter.is_multipart(), "nothing to tap: plain words"
    office.advance(300)
    office.server.sweep()
    assert len(post.letters(ALICE)) == 1
    for one in (first, second):
        assert office.agent.see(one)["state"] == "pending"
    comes_back(office)
    office.person("U0ALICE").click(office.card(first), "approve")
    assert office.agent.see(first)["state"] == "approved"
    office.intact()


@on_sqlite
def test_nobody_is_written_to_while_slack_works(closed_office: Office, post: Mailbox) -> None:
    """Cards that are shown, however long they wait, and cards that were put off for a moment, cost no letter."""
    office = closed_office
    refund = office.agent.refund()
    office.card(refund)
    after(office, 400)
    office.slack.faults.inject(POST, "ratelimited", times=1, seconds=1)
    office.card(office.agent.refund(481))
    office.server.sweep()
    assert post.letters() == []


@on_sqlite
def test_what_comes_in_later_is_told_in_one_more_letter(closed_office: Office, post: Mailbox) -> None:
    """Another request during the outage: told a quarter of an hour after the letter before, with all that waits."""
    office = closed_office
    goes_down(office)
    office.agent.ask("change_thing", {"thing": "door"})
    after(office)
    has(office, post, 1)
    office.agent.ask("change_thing", {"thing": "gate"})
    after(office)
    assert len(post.letters(ALICE)) == 1, "not within a quarter of an hour"
    after(office, 800)
    text = has(office, post, 2)[-1]
    assert "gate" in text
    assert "door" in text


@on_postgresql
def test_several_servers_write_once(closed_office: Office, post: Mailbox) -> None:
    """Three servers on one database: one letter to each."""
    office = closed_office
    servers = [office.server, office.open(), office.open()]
    goes_down(office)
    office.agent.refund()
    for server in servers:
        server.advance(130)
    office.until(lambda: post.letters(ALICE), "a letter")
    for server in servers:
        server.sweep()
    time.sleep(2.5)  # each has looked twice more
    assert len(post.letters(ALICE)) == 1


def test_a_letter_is_one_servers_until_it_is_sent(closed_office: Office, post: Mailbox) -> None:
    """While one server holds a letter no other does; let go, it is anybody's; written, it is nobody's."""
    office = closed_office
    office.settings["SAYSO_SWEEP_SECONDS"] = "300"  # nobody looks by themselves
    office.server.stop()
    worlds = [office.open().world, office.open().world]
    goes_down(office)
    office.agent.refund()
    for world in worlds:
        world.database.shift_seconds = 130
    (held,) = letters.owed(worlds[0], 120)
    assert letters.owed(worlds[1], 120) == []
    letters.let_go(worlds[0], held)
    (held,) = letters.owed(worlds[1], 120)
    letters.written(worlds[1], held)
    assert letters.owed(worlds[0], 120) == []


@on_sqlite
def test_operations_hear_what_nobody_else_can(closed_office: Office, post: Mailbox) -> None:
    """A takeover package and an alarm that Slack does not take, and a request for somebody without an address: to operations."""
    office = closed_office
    roles = {"finance": {"members": ["U0BOB"]}, "finance_lead": {"members": ["U0CAROL"]}}
    write_roster(office.folder, roles=roles, operations={"channel": "#ops", "email": OPS})
    with office.slack.workspace.changing():
        office.slack.workspace.person("U0BOB").email = ""
    office.open()
    taken = office.agent.refund(completed_steps=["Looked the order up"], checkpoint={"order": "A-7"})
    card = office.card(taken)
    office.slack.faults.inject(POST, "server_error", times=None)
    office.person("U0BOB").submit(office.form("U0BOB", card, "take_over"))
    office.agent.refund(482)
    office.agent.ask("unknown_thing", {"thing": "x"})
    after(office)
    (text,) = has(office, post, 1, OPS)
    for words in ("Taken over", "Looked the order up", "A-7", "Unknown action blocked", "$482", "1 request waits"):
        assert words in text
    assert post.letters(ALICE) == []


@on_sqlite
def test_an_agents_words_lead_nowhere_and_hide_nothing(closed_office: Office, post: Mailbox) -> None:
    """A link, an address and a line break that an agent sends are words in a letter: not followed, not a header, no secret told."""
    office = closed_office
    goes_down(office)
    thing = "https://evil.example/approve?id=1\r\nBcc: everybody@evil.example password=hunter2hunter2"
    office.agent.ask("change_thing", {"thing": thing})
    after(office)
    has(office, post, 1)
    letter = post.letters(ALICE)[0]
    raw = str(letter.get_content())
    assert "https://" not in raw
    assert "evil.example" not in raw
    assert letter["Bcc"] is None
    assert post.addresses == [ALICE]


@on_sqlite
def test_a_mail_server_that_fails_is_tried_again(
    closed_office: Office, post: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers 451: nothing counts as written, the sweep goes on, `/readyz` says which way works, and then the letter comes once."""
    office = closed_office
    post.breaks()
    goes_down(office)
    refund = office.agent.refund()
    after(office)
    office.until(lambda: "451" in caplog.text, "the log says it")
    post.breaks(broken=False)
    has(office, post, 1)
    said = httpx2.get(f"{office.server.url}/readyz").json()
    assert said["ways"]["mail"] == "ok"
    assert said["ways"]["slack"] != "ok"
    assert office.agent.see(refund)["state"] == "pending"


@on_sqlite
def test_an_address_that_is_refused_holds_nobody_up(closed_office: Office, post: Mailbox) -> None:
    """Alice's mailbox is gone: operations are written to all the same, and the log names the reader."""
    office = closed_office
    post.nobody_at(ALICE)
    goes_down(office)
    office.agent.refund()
    office.agent.ask("unknown_thing", {"thing": "x"})
    after(office)
    has(office, post, 1, OPS)
    assert post.letters(ALICE) == []


@on_sqlite
def test_the_way_by_mail_is_told_where_it_is_gone(closed_office: Office, post: Mailbox) -> None:
    """The mail server answers no more: `/readyz` stays 200 while Slack works, and says so."""
    office = closed_office
    post.gone()
    answer = httpx2.get(f"{office.server.url}/readyz")
    assert answer.status_code == 200
    assert answer.json()["ways"]["slack"] == "ok"
    assert "no answer" in answer.json()["ways"]["mail"]


@on_sqlite
def test_without_a_mail_server_there_is_one_way(office: Office) -> None:
    """Nothing set: `/readyz` speaks of Slack alone, and an outage writes to nobody."""
    assert json.loads(httpx2.get(f"{office.server.url}/readyz").text)["ways"] == {"slack": "ok"}


@on_sqlite
@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_mail_server_that_wants_a_login_gets_it(closed_office: Office) -> None:
    """Name and password of the URL, percent-encoded, are what it is told."""
    office = closed_office
    with mailbox(free_port(), login=("sayso", "p@ss/word")) as box:
        office.settings |= {
            "SAYSO_SMTP_URL": f"smtp://sayso:p%40ss%2Fword@{box.address}",
            "SAYSO_MAIL_FROM": "sayso@example.com",
        }
        write_roster(office.folder, roles=ALONE, people=PEOPLE)
        office.open()
        goes_down(office)
        office.agent.refund()
        after(office)
        office.until(lambda: box.letters(ALICE), "the letter")
