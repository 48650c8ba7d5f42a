"""Callbacks: an agent's address hears that its approval moved on, over real sockets, and learns nothing but where to look."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.files import write_roster
from support.marks import on_sqlite
from support.office import Office
from support.receiver import SECRET, Receiver, receiving

from bot.api import callback_sender
from store.tables import callbacks


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An address that takes everything."""
    with receiving() as found:
        yield found


def opened(office: Office, *hosts: str, **options: object) -> Office:
    """An office whose server may call these hosts."""
    office.settings |= {"SAYSO_CALLBACK_HOSTS": ",".join(hosts), "SAYSO_CALLBACK_SECRET": SECRET}
    office.open(**options)
    return office


def place(receiver: Receiver) -> str:
    return f"127.0.0.1:{receiver.port}"


def row(office: Office, approval: dict[str, object]) -> object:
    """What the store knows of an approval's callback."""
    query = select(callbacks).where(callbacks.c.approval_id == approval["id"])
    return office.database.read(lambda unit: unit.execute(query).one_or_none())


def due_now(office: Office) -> None:
    """Let the pause before the next try pass."""
    office.database.run(
        lambda unit: unit.execute(
            update(callbacks).where(callbacks.c.next_at.is_not(None)).values(next_at=unit.now, lease=None)
        )
    )


def test_the_address_hears_that_it_was_decided(closed_office: Office, receiver: Receiver) -> None:
    """One signed message with the id and the version; what was decided is read with the agent's own token."""
    office = opened(closed_office, place(receiver))
    refund = office.agent.refund(callback_url=receiver.url)
    assert office.person("U0ALICE").click(office.card(refund, timeout=20), "approve").status == 200
    (notice,) = receiver.expect(1)
    now = office.agent.see(refund)
    assert (notice.id, notice.version) == (refund["id"], now["version"])
    headers, body = receiver.got[0]
    assert json.loads(body) == {"id": refund["id"], "version": now["version"]}, "no decision, no parameter, no name"
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}
    office.until(lambda: row(office, refund).next_at is None, "it rests", 20)  # type: ignore[attr-defined]
    assert 'sayso_callbacks_total{outcome="taken"} 1.0' in office.agent.http.get("/metrics").text


def test_it_hears_of_questions_and_of_ends_and_of_nothing_else(closed_office: Office, receiver: Receiver) -> None:
    """A reviewer's question and every new state are told; an answer, a reminder or a move is not."""
    office = opened(closed_office, place(receiver))
    refund = office.agent.refund(callback_url=receiver.url)
    card = office.card(refund, timeout=20)
    office.person("U0ALICE").submit(office.form("U0ALICE", card, "request_info").fill("question", "Which parcel?"))
    asked = receiver.expect(1)[0]
    assert office.agent.see(refund)["version"] == asked.version
    office.agent.answer(refund, "The blue one.")
    office.person("U0BOB").click(card, "approve")
    decided = receiver.expect(2)[1]
    assert decided.version == office.agent.see(refund)["version"] == asked.version + 2
    auto = office.agent.refund(12, callback_url=receiver.url)
    assert row(office, auto) is None, "what policy decided at once was in the answer to the request"


def test_without_a_list_it_is_refused(office: Office) -> None:
    """By default no address is allowed; the request is refused with the field named, and nothing is stored."""
    refused = office.agent.refund(callback_url="https://hooks.example.com/", status=422)
    assert refused["field"] == "callback_url"
    assert "SAYSO_CALLBACK_HOSTS" in refused["detail"]
    dry = office.agent.raw("POST", "/route", json={"action": "change_thing", "callback_url": "https://x.example/"})
    assert dry.status_code == 422
    assert office.agent.listing()["approvals"] == []


@on_sqlite
def test_only_listed_hosts(closed_office: Office, receiver: Receiver) -> None:
    """Another host, port or scheme is refused when it is asked for."""
    office = opened(closed_office, place(receiver), "hooks.example.com")
    for url in ("https://evil.example/", "http://hooks.example.com/", "http://127.0.0.1:1/", "http://localhost/"):
        assert office.agent.refund(callback_url=url, status=422)["field"] == "callback_url"


@on_sqlite
def test_a_redirect_is_not_followed(closed_office: Office, receiver: Receiver) -> None:
    """A redirect counts as a refusal; where it points, nothing arrives."""
    with receiving(307, location=receiver.url) as redirecting:
        office = opened(closed_office, place(redirecting), place(receiver))
        thing = office.agent.refund(callback_url=redirecting.url)
        office.agent.cancel(thing)
        redirecting.expect(1)
        office.until(lambda: row(office, thing).last_error == "status 307", "it is kept for later", 20)  # type: ignore[attr-defined]
    assert receiver.got == []


@on_sqlite
@pytest.mark.parametrize("behaviour", ["hang", "flood", 500])
def test_a_bad_address_stops_no_other(
    closed_office: Office, receiver: Receiver, behaviour: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one address hangs, floods or fails on many callbacks, another one's arrive."""
    monkeypatch.setattr(callback_sender, "TIMEOUT_SECONDS", 3.0)
    with receiving(behaviour) as bad:
        office = opened(closed_office, place(bad), place(receiver))
        poison = [office.agent.refund(callback_url=bad.url) for _ in range(30)]
        for one in poison:
            office.agent.cancel(one)
        bad.expect(1)
        fine = office.agent.refund(callback_url=receiver.url)
        office.agent.cancel(fine)
        assert receiver.expect(1)[0].id == fine["id"]
        wanted = "taken" if behaviour == "flood" else "failed"
        office.until(lambda: f'outcome="{wanted}"' in office.agent.http.get("/metrics").text, "it is counted", 30)


@on_sqlite
def test_a_name_that_resolves_to_a_private_address_is_not_called(closed_office: Office, receiver: Receiver) -> None:
    """A listed name whose address is private is refused before anything is sent, and the agent's polling still works."""
    asked: list[str] = []

    async def inside(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    office = opened(closed_office, f"hooks.example.com:{receiver.port}", resolve=inside)
    thing = office.agent.refund(callback_url=f"https://hooks.example.com:{receiver.port}/")
    office.agent.cancel(thing)
    office.until(lambda: (row(office, thing).last_error or "").endswith("not a public address"), "it is given up", 20)  # type: ignore[attr-defined]
    assert row(office, thing).next_at is None  # type: ignore[attr-defined]
    assert (asked, receiver.got) == (["hooks.example.com"], [])


@on_sqlite
def test_the_address_that_was_checked_is_the_one_that_is_called(closed_office: Office, receiver: Receiver) -> None:
    """A name that answers otherwise the second time changes nothing: it is looked up once, and that address is used."""
    answers = [["127.0.0.1"], ["127.0.0.9"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    # `localhost` is the listed name here: plain http and loopback are allowed to it, so that a real socket can answer.
    office = opened(closed_office, f"localhost:{receiver.port}", resolve=rebinding)
    thing = office.agent.refund(callback_url=f"http://localhost:{receiver.port}/hook")
    office.agent.cancel(thing)
    receiver.expect(1)
    assert receiver.got[0][0]["Host"] == f"localhost:{receiver.port}"
    assert answers == [["127.0.0.9"]], "one look-up a callback"


def test_newest_wins(closed_office: Office) -> None:
    """Versions that pass while an address is down become one message, with the newest."""
    with receiving(503, 204) as receiver:
        office = opened(closed_office, place(receiver))
        refund = office.agent.refund(12, callback_url=receiver.url)
        office.agent.claim(refund)
        receiver.expect(1)
        office.until(lambda: row(office, refund).last_error == "status 503", "the first try failed", 20)  # type: ignore[attr-defined]
        done = office.agent.result(refund)
        due_now(office)
        assert receiver.expect(2)[1].version == done["version"]
        office.until(lambda: row(office, refund).told == done["version"], "it rests", 20)  # type: ignore[attr-defined]
    assert len(receiver.got) == 2


@on_sqlite
def test_given_up_after_three_days(closed_office: Office) -> None:
    """What nobody took for three days is given up, and operations hear of it once."""
    write_roster(closed_office.folder)
    with receiving(500) as receiver:
        office = opened(closed_office, place(receiver))
        thing = office.agent.refund(callback_url=receiver.url)
        office.agent.cancel(thing)
        receiver.expect(1)
        office.until(lambda: row(office, thing).last_error == "status 500", "the first try failed", 20)  # type: ignore[attr-defined]
        office.database.run(
            lambda unit: unit.execute(
                update(callbacks).values(
                    since=unit.now - callback_sender.GIVE_UP_AFTER + timedelta(seconds=1), next_at=unit.now
                )
            )
        )
        office.until(lambda: row(office, thing).next_at is None, "it is given up", 30)  # type: ignore[attr-defined]
    office.slack.expect_message("#ops", contains="Callbacks to 127.0.0.1", timeout=20)


@on_sqlite
def test_gone_is_final(closed_office: Office) -> None:
    """An address that answers 410 is not asked again."""
    with receiving(410) as receiver:
        office = opened(closed_office, place(receiver))
        thing = office.agent.refund(callback_url=receiver.url)
        office.agent.cancel(thing)
        office.until(lambda: row(office, thing) and row(office, thing).last_error == "status 410", "it is given up", 20)  # type: ignore[attr-defined]
        assert row(office, thing).next_at is None  # type: ignore[attr-defined]


def test_it_survives_kill_9(closed_office: Office) -> None:
    """Killed while the address hangs: after the restart it is told, by whoever runs then."""
    office = closed_office
    with receiving("hang", 204) as receiver:
        office.settings |= {"SAYSO_CALLBACK_HOSTS": place(receiver), "SAYSO_CALLBACK_SECRET": SECRET}
        office.open_process()
        thing = office.agent.refund(callback_url=receiver.url)
        office.agent.cancel(thing)
        receiver.expect(1)
        office.process.kill()
        due_now(office)
        office.open_process()
        first, second = receiver.expect(2)
        assert first.message_id == second.message_id, "a receiver can tell that it is the same message"


def test_two_servers_tell_it_once(closed_office: Office, receiver: Receiver) -> None:
    """A lease keeps servers apart: twenty callbacks are twenty messages."""
    office = opened(closed_office, place(receiver))
    other = office.open()
    things = [office.agent.refund(callback_url=receiver.url) for _ in range(20)]
    cancelling = [threading.Thread(target=office.agent.cancel, args=(thing,)) for thing in things]
    for thread in cancelling:
        thread.start()
    for thread in cancelling:
        thread.join()
    told = receiver.expect(20)
    office.until(lambda: all(row(office, thing).next_at is None for thing in things), "all rest", 30)  # type: ignore[attr-defined]
    assert sorted(notice.id for notice in receiver.notices()) == sorted(thing["id"] for thing in things)
    assert len(told) == 20
    assert other.world.callback_hosts.places
