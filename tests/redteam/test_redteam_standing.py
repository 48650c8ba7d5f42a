"""One yes for many, attacked: raced, misspelled, split, carried elsewhere, edited, replayed, outlived and forged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from support.agent import Agent, Json
from support.files import ACTIONS, PLAIN, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.races import at_once
from support.servers import ProcessServer, free_port
from support.standing import ANN, BOUNDS, SHIPPING, by_standing, count, form, give, given, opened, shipping

from store import tables

SERVERS = 3


@pytest.fixture
def shop(closed_office: Office) -> Office:
    """An office whose manifest allows standing approvals."""
    return opened(closed_office)


@pytest.fixture
def servers(closed_office: Office, database_kind: str) -> Iterator[list[str]]:
    """Three processes on PostgreSQL, one server on SQLite; their addresses."""
    office = closed_office
    bounds = BOUNDS | {"max_uses": 5, "max_total_usd": 1000}
    tight = BOUNDS | {"max_uses": 100, "max_total_usd": 50}
    write_manifest(
        office.folder,
        {"refund_shipping": SHIPPING | {"standing": bounds}, "refund_little": SHIPPING | {"standing": tight}},
        limits={"creates_per_minute": 1000, "pending": 500},
    )
    if database_kind == "sqlite":
        office.open()
        yield [office.server.url]
        return
    first = office.open_process()
    more = [ProcessServer(office.env, office.folder, port=free_port(), forked=True) for _ in range(SERVERS - 1)]
    yield [server.url for server in (first, *more)]
    for server in more:
        server.kill()


def all_at_once(office: Office, servers: list[str], many: int, ask: Any) -> list[Json]:
    token = office.agent_called("demo", url=servers[0]).token
    clients = [Agent(servers[number % len(servers)], token) for number in range(many)]
    for client in clients:
        client.raw("GET", "/approvals?limit=1")  # connected before it begins
    try:
        return at_once(
            [lambda client=client, number=number: ask(client, number) for number, client in enumerate(clients)]
        )
    finally:
        for client in clients:
            client.close()


def states(found: list[Json]) -> Counter[str]:
    return Counter(str(one["state"]) for one in found)


# --- many at once ------------------------------------------------------------------------------------------------------


def test_twenty_at_once_use_five_and_no_more(closed_office: Office, servers: list[str]) -> None:
    """Twenty asks at the same moment, on every server there is: five run by it, the others ask."""
    office = closed_office
    first = shipping(office.agent_called("demo", url=servers[0]))
    assert give(office, first).ok
    found = all_at_once(office, servers, 20, lambda agent, number: shipping(agent, number + 1))
    assert states(found) == {"approved": 5, "pending": 15}
    assert sorted(one["use"] for one in office.trail() if one["event"] == "standing_used") == [1, 2, 3, 4, 5]
    ended = [line for line in office.trail() if line["event"] == "standing_ended"]
    assert [line["rationale"] for line in ended] == ["all of it was used"]
    office.intact()


def test_sums_at_once_stay_within_what_was_said(closed_office: Office, servers: list[str]) -> None:
    """Twelve times $12 at once under $50 in all: four run, and a fifth of $2 fits."""
    office = closed_office
    agent = office.agent_called("demo", url=servers[0])

    def ask(agent: Agent, amount: float) -> Json:
        return agent.ask("refund_little", {"customer": ANN, "amount_usd": amount}, session_id="s1")

    assert give(office, ask(agent, 1)).ok
    assert states(all_at_once(office, servers, 12, lambda agent, number: ask(agent, 12))) == {
        "approved": 4,
        "pending": 8,
    }
    assert not by_standing(ask(agent, 2.01))
    assert by_standing(ask(agent, 2))
    office.intact()


def test_an_end_among_many_uses_leaves_none_that_can_be_claimed_later(
    closed_office: Office, servers: list[str]
) -> None:
    """Somebody ends it while twelve are asked and claimed at once: whatever was let run is either claimed or withdrawn."""
    office = closed_office
    first = shipping(office.agent_called("demo", url=servers[0]))
    assert give(office, first).ok
    told = count(office, "0 of 5")

    def work(agent: Agent, number: int) -> Json:
        if number == 6:
            office.person("U0BOB").click(told, "end_standing")
            return {"state": "ended"}
        asked = shipping(agent, number + 1)
        if by_standing(asked) and number % 2:
            agent.raw("POST", f"/approvals/{asked['id']}/claim", json={"nonce": f"nonce-of-{number}"})
        return asked

    found = [one for one in all_at_once(office, servers, 12, work) if "id" in one]
    agent = office.agent_called("demo", url=servers[0])
    now = Counter(agent.see(one)["state"] for one in found)
    assert set(now) <= {"pending", "claimed", "cancelled"}, now
    for one in found:
        if agent.see(one)["state"] == "cancelled":
            agent.claim(one, nonce="another-nonce", status=409)
    assert office.events().count("standing_ended") == 1
    office.intact()


@on_postgresql
def test_two_who_end_it_at_once_are_told_which_of_them_did(shop: Office) -> None:
    """Both tap: one ends it, the other reads that it has ended already."""
    given(shop)
    told = count(shop)
    at_once([lambda user=user: shop.person(user).click(told, "end_standing") for user in ("U0ALICE", "U0BOB")])
    shop.until(lambda: "standing_ended" in shop.events(), "it is ended")
    said = [shop.person(user).expect_ephemeral("nded").text() for user in ("U0ALICE", "U0BOB")]
    assert sorted("already" in text for text in said) == [False, True]
    assert shop.events().count("standing_ended") == 1


def test_two_who_give_one_at_once_give_one(shop: Office) -> None:
    """Two reviewers send the form for the same request at the same moment: one approval, one standing approval."""
    first = shipping(shop.agent)
    forms = {user: form(shop, first, user) for user in ("U0ALICE", "U0BOB")}
    at_once([lambda user=user, sheet=sheet: shop.person(user).submit(sheet) for user, sheet in forms.items()])
    assert shop.events().count("standing_given") == 1
    assert shop.agent.see(first)["state"] == "approved"
    shop.intact()


# --- saying it otherwise -----------------------------------------------------------------------------------------------

SPELLINGS: list[Any] = [
    "Ann@example.com",
    " ann@example.com",
    "ann@example.com ",
    "ann@example.com\u200b",
    "ann\u00ad@example.com",
    "\uff41nn@example.com",
    "\u0430nn@example.com",
    "ann@example.com\n",
    "ann@example.com,bob@example.com",
    ["ann@example.com"],
    {"to": "ann@example.com"},
    None,
    "",
    True,
]


@on_sqlite
def test_no_spelling_of_what_stays_the_same_passes(closed_office: Office) -> None:
    """Another case, width, alphabet, blank or hidden character, a list, an object or nothing: each asks a person."""
    shop = opened(closed_office)
    given(shop)
    for spelled in SPELLINGS:
        assert not by_standing(shipping(shop.agent, 1, spelled)), spelled
    assert not by_standing(shop.agent.ask("refund_shipping", {"amount_usd": 1}, session_id="s1"))
    assert by_standing(shipping(shop.agent, 1))


AMOUNTS: list[Any] = [None, -1, "1", True, [], [1], {"usd": 1}, "1e3", "NaN", "$1"]


@on_sqlite
def test_no_amount_that_cannot_be_read_passes(shop: Office) -> None:
    """Whatever is no number of dollars is not covered, and uses none of it."""
    given(shop)
    for amount in AMOUNTS:
        asked = shop.agent.ask("refund_shipping", {"customer": ANN, "amount_usd": amount}, session_id="s1")
        assert asked["state"] == "pending", amount
    assert not by_standing(shop.agent.ask("refund_shipping", {"customer": ANN}, session_id="s1"))
    assert "0 of 3" in count(shop).text()


SMUGGLED: list[Json] = [
    {"force": True},
    {"amount": {"usd": 5000}},
    {"Customer": "bob@example.com"},
    {"customer ": "bob@example.com"},
    {"params": {"customer": "bob@example.com"}},
    {"note": {"cmd": "rm -rf /"}},
    {"note": ["late", "later"]},
    {"note": 5},
    {"items": []},
]


@on_sqlite
@pytest.mark.parametrize("extra", SMUGGLED, ids=str)
def test_nothing_is_smuggled_in_beside_what_was_seen(shop: Office, extra: Json) -> None:
    """A parameter that its words do not name, or another sort of value under a name that they do."""
    first = shipping(shop.agent, params={"note": "late"})
    assert give(shop, first).ok
    assert not by_standing(shipping(shop.agent, 1, params={"note": "later", **extra}))
    assert by_standing(shipping(shop.agent, 1, params={"note": "later"}))


@on_sqlite
def test_what_nobody_can_read_is_asked(shop: Office) -> None:
    """A token where words were: its card hides it, so nobody has said yes to it."""
    first = shipping(shop.agent, params={"note": "late"})
    assert give(shop, first).ok
    hidden = shipping(shop.agent, 1, params={"note": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"})
    assert hidden["state"] == "pending"
    assert "something in it is hidden" in " ".join(hidden["why"])


# --- somebody else's ---------------------------------------------------------------------------------------------------


@on_sqlite
def test_it_is_nobody_elses(shop: Office) -> None:
    """Not another agent's, nor a child's of the agent, nor for another person, nor in another session or in none."""
    given(shop)
    for name, bonds in (("other", {}), ("child", {"under": "demo"})):
        assert not by_standing(shipping(shop.agent_called(name, **bonds), 1)), name
    held = shop.agent.ask("change_thing", {"thing": "x"}, session_id="s1")
    shop.person("U0ALICE").click(shop.card(held), "approve")
    worker = shop.agent_called("worker")
    shop.agent.delegate(held, "worker")
    assert not by_standing(shipping(worker, 1, delegated_from=held["id"]))
    for body in (
        {"session": "s2"},
        {"session": None},
        {"session": "S1"},
        {"session": "s1 "},
        {"on_behalf_of": "alice@example.com"},
        {"on_behalf_of": "external:ann"},
    ):
        assert not by_standing(shipping(shop.agent, 1, **body)), body
    assert by_standing(shipping(shop.agent, 1))


@on_sqlite
def test_a_child_gets_none_of_its_own(shop: Office) -> None:
    """An agent that acts under another is not offered one, and a forged tap on the button gives none."""
    shop.agent_called("demo")
    asked = shipping(shop.agent_called("child", under="demo"))
    card = shop.card(asked)
    assert not card.has("approve_standing")
    other = shop.card(shipping(shop.agent), has="approve_standing")
    forged(shop, other, f"{asked['id']}|{asked['digest']}")
    assert "No standing approval can be given" in shop.person("U0ALICE").expect_ephemeral("given").text()


def forged(office: Office, card: Any, value: str, user: str = "U0ALICE", action: str = "approve_standing") -> Any:
    """A signed tap with another value than any button has."""
    body = {
        "type": "block_actions",
        "user": {"id": user, "team_id": office.slack.workspace.team.id},
        "team": {"id": office.slack.workspace.team.id},
        "channel": {"id": card.channel},
        "container": {"type": "message", "message_ts": card.ts, "channel_id": card.channel},
        "message": {"ts": card.ts, "blocks": []},
        "trigger_id": "1.1.forged",
        "response_url": "http://127.0.0.1:1/none",
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": "1.1"}],
    }
    return office.slack.send_signed(body)


@on_sqlite
def test_the_one_it_is_for_gives_none_to_themselves(shop: Office) -> None:
    """Alice, by whatever account, gives none for what is asked on her behalf, nor ends one of hers."""
    mine = {"on_behalf_of": "alice@example.com"}
    first = shipping(shop.agent, **mine)
    shop.person("U0ALICE").click(shop.card(first), "approve_standing")
    assert "on your own behalf" in shop.person("U0ALICE").expect_ephemeral().text()
    assert give(shop, first, "U0BOB").ok
    assert by_standing(shipping(shop.agent, 1, **mine))
    shop.person("U0ALICE").click(count(shop), "end_standing")
    assert "on your own behalf" in shop.person("U0ALICE").expect_ephemeral("behalf").text()
    assert by_standing(shipping(shop.agent, 1, **mine))


@on_sqlite
def test_a_giver_who_turns_out_to_be_the_one_it_is_for_counts_no_more(shop: Office) -> None:
    """The roster learns that the giver is whoever it is for: nothing more runs by their word."""
    write_roster(shop.folder, people={"U0ALICE": {"principal": "boss@example.com"}, "U0BOB": {}})
    shop.until(lambda: shop.server.world.book.roster.person("U0ALICE").principal == "boss@example.com", "it is read")
    mine = {"on_behalf_of": "boss@example.com"}
    first = shipping(shop.agent, **mine)
    assert give(shop, first, "U0BOB").ok
    people = {"U0ALICE": {"principal": "boss@example.com"}, "U0BOB": {"principal": "boss@example.com"}}
    write_roster(shop.folder, people=people)
    shop.until(lambda: shop.server.world.book.roster.person("U0BOB").principal == "boss@example.com", "it is read")
    answer = shop.agent.raw(
        "POST",
        "/approvals",
        json={"action": "refund_shipping", "params": {"customer": ANN, "amount_usd": 1}, "session_id": "s1", **mine},
        headers={"Idempotency-Key": "after-the-roster"},
    )
    assert answer.status_code == 422 or not by_standing(answer.json())


# --- afterwards --------------------------------------------------------------------------------------------------------


@on_sqlite
def test_a_replay_uses_it_once(shop: Office) -> None:
    """The same key again is the same approval; the same claim again the same grant; another nonce none."""
    given(shop)
    one, same = (shipping(shop.agent, 1, key="the-same", status=status) for status in (201, 200))
    assert one["id"] == same["id"]
    assert "1 of 3" in count(shop, "1 of 3").text()
    grant = shop.agent.claim(one, nonce="nonce-first")
    assert shop.agent.claim(one, nonce="nonce-first") == grant
    shop.agent.claim(one, nonce="nonce-second", status=409)
    assert shop.events().count("standing_used") == 1


@on_sqlite
def test_what_it_let_run_runs_as_it_was_asked(shop: Office) -> None:
    """A use that was changed in the database behind Sayso's back is not claimed."""
    given(shop)
    one = shipping(shop.agent, 1)
    params = json.dumps({"amount_usd": 5000, "customer": ANN})
    mine = tables.approvals.c.id == one["id"]
    shop.database.run(lambda unit: unit.execute(update(tables.approvals).where(mine).values(params=params)))
    shop.agent.claim(one, status=409)


@on_sqlite
def test_more_uses_by_hand_in_the_database_let_nothing_run(shop: Office) -> None:
    """Who raises its bounds in the database gets nothing, and operations hear of it."""
    given(shop)
    row = shop.database.read(lambda unit: unit.execute(tables.standings.select()).one())
    waiting = shipping(shop.agent, 1)
    raised = update(tables.standings).values(terms=row.terms | {"max_uses": 9999, "same": []})
    shop.database.run(lambda unit: unit.execute(raised))
    assert shipping(shop.agent, 1)["state"] == "pending"
    assert "changed outside Sayso" in shop.slack.expect_card(channel="#ops", contains="standing approval").text()
    assert "was changed outside Sayso" in shop.agent.claim(waiting, status=409)["detail"]
    assert any("standings" in fault for fault in shop.faults())


@on_sqlite
def test_a_no_to_the_like_is_not_undone_by_an_older_yes(shop: Office) -> None:
    """What a person rejected asks again, though a standing approval would cover it."""
    no = shipping(shop.agent, 7)
    alice = shop.person("U0ALICE")
    assert alice.submit(shop.form("U0ALICE", shop.card(no), "reject").fill("reason", "Not this one")).ok
    given(shop)
    again = shipping(shop.agent, 7)
    assert again["state"] == "pending"
    assert "a person said no to this before" in again["why"][0]


@on_sqlite
def test_an_edit_gives_none(shop: Office) -> None:
    """What a person changed is approved by itself: what the agent asks next would not be the like of it."""
    first = shipping(shop.agent, 60)
    sheet = form(shop, first)
    alice = shop.person("U0ALICE")
    edit = shop.form("U0ALICE", shop.card(first), "edit").fill("param:amount_usd", "6")
    assert alice.submit(edit).ok
    assert "Nothing was done" in str(alice.submit(sheet).body)
    assert "standing_given" not in shop.events()


@on_sqlite
def test_a_stale_form_gives_none_after_the_policy_changed(shop: Office) -> None:
    """The manifest changes while the form is open: what it would allow is not what holds now."""
    first = shipping(shop.agent)
    sheet = form(shop, first)
    write_manifest(shop.folder, ACTIONS | {"refund_shipping": SHIPPING | {"standing": BOUNDS | {"max_uses": 2}}})
    shop.until(lambda: "max_uses=2" in str(shop.server.world.book.manifest.policy("refund_shipping")), "it is read")
    told = shop.person("U0ALICE").submit(sheet).modal.text()
    assert "the policy of the action has changed since it was asked" in told
    assert shop.agent.see(first)["state"] == "pending"


@on_sqlite
def test_forged_taps_end_and_give_nothing(shop: Office) -> None:
    """Names of nothing, of other requests, or of nobody's standing approval: nothing ends, nothing is given."""
    given(shop)
    card = count(shop)
    for value in ("", "std_none", "|", "x" * 1900, "../std", "std_none|digest"):
        assert forged(shop, card, value, action="end_standing")[0] == 200
    plain = shop.agent.ask("change_thing", {"thing": "x"})
    forged(shop, card, f"{plain['id']}|{plain['digest']}")
    assert "allows no standing approval" in shop.person("U0ALICE").expect_ephemeral("allows").text()
    assert "standing_ended" not in shop.events()
    assert by_standing(shipping(shop.agent, 1))


@on_sqlite
def test_grave_actions_need_an_owner_to_be_let_run(closed_office: Office, tmp_path: Path) -> None:
    """Irreversible and severe, with an owner: its like runs by it. Over always_approve_above_usd it never does."""
    grave = {
        "severity": "high",
        "reversible": False,
        "owner": "Head of finance",
        "conditions": {"always_approve_above_usd": 50},
    }
    shop = opened(closed_office, **grave)
    given(shop)
    assert by_standing(shipping(shop.agent, 50))
    assert shipping(shop.agent, 50.01)["state"] == "pending"
    assert not shop.card(shipping(shop.agent, 51)).has("approve_standing")


@on_sqlite
def test_several_people_are_never_replaced_by_one(closed_office: Office) -> None:
    """Where two have to agree no standing approval is offered, nor given by a forged tap."""
    shop = opened(closed_office, approvers=2)
    asked = shipping(shop.agent)
    card = shop.card(asked)
    assert not card.has("approve_standing")
    forged(shop, card, f"{asked['id']}|{asked['digest']}")
    assert "several people have to agree" in shop.person("U0ALICE").expect_ephemeral("several").text()


@on_sqlite
def test_a_message_that_is_gone_comes_again(shop: Office) -> None:
    """Who deletes the message that counts hides nothing: the next use shows it anew, with its button."""
    given(shop)
    told = count(shop)
    with shop.slack.workspace.changing():
        told.message.deleted = True
    assert by_standing(shipping(shop.agent, 1))
    again = shop.slack.expect_card(channel="#finance", contains="1 of 3", has="end_standing", excluding=told)
    shop.person("U0BOB").click(again, "end_standing")
    shop.until(lambda: "standing_ended" in shop.events(), "it is ended")


@on_sqlite
def test_hosts_that_leave_everything_out_get_the_stricter_reading(shop: Office) -> None:
    """Plain actions without an amount: the name stays the same and nothing else is let run."""
    first = shop.agent.ask("change_like", {"thing": "x"})
    assert give(shop, first).ok
    assert by_standing(shop.agent.ask("change_like", {"thing": "x"}))
    assert not by_standing(shop.agent.ask("change_like", {"thing": "y"}))
    assert not by_standing(shop.agent.ask("change_like", {}))
    assert not by_standing(shop.agent.ask("change_like", {"thing": "x", "more": 1}))
    assert PLAIN["severity"] == "medium"
