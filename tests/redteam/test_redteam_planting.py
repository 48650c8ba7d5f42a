"""Tests of reviewers under attack: an agent looks for one, a reviewer for what gives it away, servers plant and people tap at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from support.agent import Json
from support.marks import on_sqlite
from support.office import Office
from support.planting import (
    LONGEST,
    PARAMS,
    TELL,
    decide_some,
    found,
    planted,
    planting_manifest,
)
from support.races import at_once

from policies.errors import InvalidInput
from policies.lifecycle import State
from store import agents, learning, memory, reports, stats, workload
from store.agents import PLANTER
from store.tables import agent_tokens, decisions, standings
from store.tables import approvals as rows

MARKS = re.compile(r"test|plant|tell|" + PLANTER, re.IGNORECASE)


@pytest.fixture
def testing(closed_office: Office) -> Office:
    """An office whose operator switched tests on."""
    planting_manifest(closed_office)
    closed_office.open()
    return closed_office


@on_sqlite
def test_no_agent_finds_one_by_any_route(testing: Office) -> None:
    """Seen, waited for, listed, claimed, reported, answered, cancelled, labelled, delegated: it is not there, before and after the yes."""
    office = testing
    test = planted(office)
    seekers = [office.agent, office.agent_called("other"), office.critic]
    for _ in range(2):
        for seeker in seekers:
            for method, path, body in routes(str(test["id"])):
                answer = seeker.raw(method, path, **({"json": body} if body is not None else {}))
                assert answer.status_code in (404, 403), (seeker.name, path, answer.text)
                assert "mallory" not in answer.text
        office.agent.ask("change_thing", {"thing": "x"}, delegated_from=test["id"], status=422)
        assert str(test["id"]) not in str(office.agent.listing(limit="200"))
        if found(office)[0].pending:
            office.person(str(test["assignee"])).click(office.card(test), "approve")
    assert found(office)[0].state is State.CANCELLED


def routes(key: str) -> list[tuple[str, str, Json | None]]:
    """Every route about one approval."""
    of = f"/approvals/{key}"
    nonce = "nonce-of-the-attacker"
    return [
        ("GET", of, None),
        ("GET", f"{of}?wait=0.1", None),
        ("GET", f"{of}/checkpoint", None),
        ("POST", f"{of}/claim", {"nonce": nonce}),
        ("POST", f"{of}/result", {"nonce": nonce, "outcome": "succeeded"}),
        ("POST", f"{of}/answer", {"text": "yes"}),
        ("POST", f"{of}/cancel", None),
        ("POST", f"{of}/label", {"label": "incident", "detail": "x"}),
        ("POST", f"{of}/delegate", {"agent": "demo"}),
    ]


@on_sqlite
def test_asking_for_the_same_neither_finds_nor_disturbs_it(testing: Office) -> None:
    """An agent that guesses what is planted gets a request of its own: no merge, no limit, no sum, no memory of the other."""
    office = testing
    test = planted(office)
    mine = office.agent.ask(
        "process_refund", PARAMS, reason="The parcel arrived crushed.", again=True, key="the-same-thing"
    )
    assert mine["id"] != test["id"]
    assert not any("same" in reason or "before" in reason for reason in mine["why"])
    card = office.card(mine)
    assert "request for this customer" not in card.text()
    office.person("U0ALICE").click(card, "approve")
    assert office.agent.claim(mine)["params"] == PARAMS
    assert found(office)[0].pending


def test_its_row_can_never_be_granted(testing: Office) -> None:
    """The database itself refuses, whatever a bug or an older server would write; and nobody gets a token of whom it belongs to."""
    office = testing
    test = planted(office)
    for state in ("approved", "edited", "claimed", "succeeded", "taken_over", "rejected"):
        with pytest.raises(IntegrityError):
            office.database.run(
                lambda unit, state=state: unit.execute(update(rows).where(rows.c.id == test["id"]).values(state=state))
            )
    name = "\x1fplanter"
    with pytest.raises(InvalidInput):
        office.database.run(lambda unit: agents.add(unit, name))
    with pytest.raises(InvalidInput):
        office.database.run(lambda unit: agents.rotate(unit, name, overlap_seconds=0))
    tokens = select(agent_tokens.c.agent_id).where(agent_tokens.c.agent_id == PLANTER)
    assert office.database.read(lambda unit: unit.execute(tokens).all()) == []
    assert PLANTER not in {one.id for one in office.database.read(agents.listed)}
    assert found(office)[0].pending


@on_sqlite
def test_it_counts_in_no_figure(testing: Office) -> None:
    """Stats, tuning, replay and the decisions themselves are what they were without it; it fills nobody up."""
    office = testing
    decide_some(office)
    office.advance(1)
    before = figures(office)
    office.advance(LONGEST)
    office.until(lambda: found(office), "a test")
    (test,) = found(office)
    assert figures(office) == before
    office.person(str(test.assignee)).click(office.card({"id": test.id}), "approve")
    assert figures(office) == before


def figures(office: Office) -> list[Any]:
    """Whatever is counted of requests and decisions, but what waits now, which must not give a test away."""

    def read(unit: Any) -> list[Any]:
        counted = stats.stats(unit)
        loads = workload.loads(unit, ["U0ALICE", "U0BOB"])
        made = len(list(reports.calls(unit)))
        kept = unit.execute(select(decisions.c.id)).all()
        record = learning.records(unit)["process_refund"]
        return [
            counted.by_route,
            counted.breached,
            counted.spread,
            sum(day.asked for day in counted.by_day),
            [(user, load.open - load.tests) for user, load in sorted(loads.items())],
            made,
            len(kept),
            (record.unmodified, record.rejected, record.taken_over, record.ran),
        ]

    return office.database.read(read)


@on_sqlite
def test_a_reviewer_finds_no_mark_on_it(testing: Office) -> None:
    """Card, metadata, Details, queue, show, home tab and audit of a test are an ordinary request's, but for its values and moments."""
    office = testing
    test = planted(office)
    office.person(str(test["assignee"])).click(office.card(test), "details")
    office.person(str(test["assignee"])).close(True)
    mine = office.agent.ask(
        "process_refund", {"customer": "mallory@example.net", "amount_usd": 482}, reason="The parcel arrived crushed."
    )
    who = {"U0ALICE": "U0BOB", "U0BOB": "U0ALICE"}[str(test["assignee"])]
    assert office.agent.see(mine)["assignee"] == who, "so that both have one"
    for one, other in zip(looks(office, test), looks(office, mine), strict=True):
        assert one == other
    assert not MARKS.search(str(looks(office, test)))


def looks(office: Office, approval: Json) -> list[str]:
    """Everything that anybody can see of it, less what makes each request another one."""
    card = office.card(approval)
    office.until(lambda: "gate_presented" in office.events(approval), "what is written down once it is posted")
    details = office.form("U0CAROL", card, "details")
    seen = [str(card.blocks), str(card.metadata), str(card.raw.get("text")), str(details.view.blocks)]
    for user, said in (("U0CAROL", f"show {approval['id']}"), ("U0ADMIN", f"audit {approval['id']}")):
        reply = office.person(user).command("/sayso", said).reply
        assert reply is not None
        seen.append(reply.text())
    office.person("U0CAROL").close(True)
    for user in ("U0ALICE", "U0BOB"):
        listed = office.person(user).command("/sayso", "mine").reply
        assert listed is not None
        if str(approval["id"]) in listed.source():
            seen.append(listed.source())
    return [alike(text, approval) for text in seen]


def alike(text: str, approval: Json) -> str:
    """Without the request's own values, ids and moments."""
    text = text.replace(str(approval["id"]), "ID")
    moments = r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?|<!date\^\d+|`\d+`|\d+ min left|oldest \d+ s|\d{10}\.?\d{6}"
    text = re.sub(moments, "MOMENT", text)  # first: any figure may be part of one
    text = re.sub(r"mallory@example\.(com|net)", "MALLORY", text)
    text = re.sub(r"\$?48[12](\.00)?", "AMOUNT", text)
    text = re.sub(r"U0ALICE|U0BOB|alice|bob", "WHO", text)
    text = re.sub(r"• \d+ ", "• NUMBER ", text)
    return re.sub(r"[0-9a-f]{12,64}|…?[0-9a-f]{12}", "DIGEST", text)


def test_two_servers_plant_at_once(closed_office: Office) -> None:
    """Both find the same one due at the same moment: exactly one comes."""
    office = closed_office
    planting_manifest(office)
    office.open()
    office.open()
    decide_some(office)
    servers: list[Any] = office._servers
    office.database.shift_seconds += LONGEST
    for server in servers:
        server.database.shift_seconds += LONGEST
    for _ in range(3):
        at_once([server.sweep for server in servers])
    assert len(found(office)) == 1
    office.card({"id": found(office)[0].id})
    office.intact()


def test_two_people_tap_at_once(testing: Office) -> None:
    """One answer counts, one person is told how they did; the other hears only that it was a test."""
    office = testing
    test = planted(office)
    card = office.card(test)
    form = office.form("U0BOB", card, "reject").fill("reason", "Odd")
    office.slack.together(
        lambda: office.person("U0ALICE").click_stale(card, "approve"),
        lambda: office.person("U0BOB").submit(form),
        lambda: office.person("U0ALICE").click_stale(card, "approve"),
    )
    (over,) = found(office)
    assert over.decision is not None
    office.slack.expect_message(over.decision.by, contains=TELL)
    other = "U0BOB" if over.decision.by == "U0ALICE" else "U0ALICE"
    assert not any(TELL in message.text() for message in office.slack.messages(other))
    assert office.events(test).count("test_ended") == 1
    office.intact()


@on_sqlite
def test_a_yes_with_a_standing_approval_gives_none(closed_office: Office) -> None:
    """Approve and let the like run: nothing of the like runs by it, and the form ends as a yes to a test."""
    office = closed_office
    bounds = {"max_seconds": 3600, "max_uses": 5, "max_total_usd": 5000, "same": ["params.customer"], "scope": "agent"}
    planting_manifest(office, changes={"standing": bounds, "owner": "Head of finance"})
    office.open()
    test = planted(office)
    card, who = office.card(test), str(test["assignee"])
    form = office.form(who, card, "approve_standing")
    sent = office.person(who).submit(form)
    assert "Nothing was done" not in str(sent.body)
    office.slack.expect_message(who, contains=["You approved it", TELL])
    assert office.database.read(lambda unit: unit.execute(select(standings.c.id)).all()) == []
    assert office.agent.ask("process_refund", PARAMS)["state"] == "pending"
    office.intact()


def test_a_server_killed_between_planting_and_posting(closed_office: Office) -> None:
    """What was put before a reviewer is one transaction with its card: another server posts it, once."""
    office = closed_office
    planting_manifest(office)
    office.open()
    decide_some(office)
    office.slack.faults.inject("chat.postMessage", "error", error="internal_error", times=None)
    office.advance(LONGEST)
    office.until(lambda: found(office), "a test")
    office.server.stop()
    office._servers.clear()
    office.slack.faults.clear()
    office.leases_run_out()
    server = office.open()
    server.advance(office.database.shift_seconds)
    (test,) = found(office)
    office.card({"id": test.id}, timeout=60)
    assert len(list(office.slack.cards(approval_id=test.id))) == 1
    assert len(found(office)) == 1


@on_sqlite
def test_what_a_person_says_of_one_counts_for_nothing(testing: Office) -> None:
    """`/sayso label` takes the word as of any request, so that it gives nothing away, and nothing follows from it."""
    office = testing
    test = planted(office)
    office.person("U0BOB").command("/sayso", f"label {test['id']} incident It was wrong")
    record = office.database.read(learning.records)["process_refund"]
    assert (record.labelled, record.incidents) == (0, 0)
    assert office.database.read(lambda unit: memory.remembered(unit, found(office)[0])).rejected == ()
