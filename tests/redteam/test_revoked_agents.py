"""An agent that was revoked, or blocked, after it asked: its cards, its grants and its children want to go on all the same."""

from __future__ import annotations

import json
from functools import partial

import pytest
from sqlalchemy import update
from support.agent import Agent, Json
from support.files import ACTIONS, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.servers import command

from bot.service import revoking
from store import agents, approvals, delegation
from store.tables import agents as rows
from store.unit import Unit

PATIENCE = 30.0


def opened(office: Office, **actions: Json) -> Office:
    write_manifest(office.folder, ACTIONS | actions)
    write_roster(office.folder)
    office.open()
    users = {user for role in ROSTER["roles"].values() for user in role["members"]}
    office.until(lambda: users <= office.server.world.directory.people.keys(), "the directory is read")
    return office


def run(office: Office, *words: str, status: int = 0) -> str:
    """`python -m bot agent …` beside the running server."""
    done = command(office.env, "agent", *words, folder=office.folder)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def revoke(office: Office, name: str) -> None:
    run(office, "revoke", name)


def marked(office: Office, name: str) -> None:
    """Revoked by other means than the command: only the row says so."""
    office.database.run(lambda unit: unit.execute(update(rows).where(rows.c.name == name).values(revoked_at=unit.now)))


def test_the_cards_of_a_revoked_agent_are_withdrawn(closed_office: Office) -> None:
    """`agent revoke` at the command line: each open card says why it is over and has no button; the old ones decide
    nothing; the trail has a row for each and is intact."""
    office = opened(closed_office)
    rogue, other = office.agent_called("rogue"), office.agent_called("other")
    waiting = [rogue.refund(480), rogue.ask("change_thing", {"thing": "x"}), rogue.ask("pay_twice", {"thing": "y"})]
    theirs = other.refund(481)
    cards = [office.card(one, timeout=PATIENCE) for one in waiting]
    office.person("U0BOB").click(cards[2], "approve")
    revoke(office, "rogue")
    for card, approval in zip(cards, waiting, strict=True):
        shown = office.slack.expect_update(
            card, contains=["Cancelled", "The agent rogue was revoked."], timeout=PATIENCE
        )
        assert shown.actions() == ["details"]
        for user in ("U0ALICE", "U0BOB"):
            office.person(user).click_stale(card, "approve")
        told = [row for row in office.trail(approval) if row["event"] == "cancelled"]
        assert [(row["actor"], row["rationale"]) for row in told] == [("operator", "The agent rogue was revoked.")]
        assert "approved" not in office.events(approval)[office.events(approval).index("cancelled") :]
    assert [row["agent"] for row in office.trail() if row["event"] == "agent_revoked"] == ["rogue"]
    office.person("U0BOB").click(office.card(theirs, timeout=PATIENCE), "approve")
    assert other.see(theirs)["state"] == "approved"
    office.intact()


def test_what_was_granted_ends_with_its_agent(closed_office: Office) -> None:
    """A yes that was not claimed yet, by a person or by policy, is gone for good: also for a token made afterwards."""
    office = opened(closed_office)
    rogue = office.agent_called("rogue")
    by_policy, by_person = rogue.refund(12), rogue.refund(480)
    office.person("U0BOB").click(office.card(by_person, timeout=PATIENCE), "approve")
    assert rogue.see(by_person)["state"] == "approved"
    revoke(office, "rogue")
    for approval in (by_policy, by_person):
        assert rogue.claim(approval, status=401)["status"] == 401
    again = Agent(office.server.url, json.loads(run(office, "add", "rogue", "--json"))["token"], "rogue")
    for approval in (by_policy, by_person):
        refused = again.claim(approval, status=409)
        assert refused["state"] == "cancelled"
        assert "revoked" in again.see(approval)["feedback"]
    again.close()
    office.intact()


def test_what_was_asked_under_a_revoked_agent_ends_too(closed_office: Office) -> None:
    """Children's cards and grants under the revoked agent are withdrawn with it, however deep; their own are not."""
    office = opened(closed_office)
    boss, child = office.agent_called("boss"), office.agent_called("child", under="boss")
    hired, free = office.agent_called("hired"), office.agent_called("free")
    held = boss.refund(12)
    boss.delegate(held, "hired")
    under = [child.refund(480), child.refund(12), hired.refund(480, delegated_from=held["id"])]
    own, others = hired.refund(482), free.refund(483)
    card = office.card(under[0], timeout=PATIENCE)
    revoke(office, "boss")
    assert [one.see(it)["state"] for one, it in zip((child, child, hired), under, strict=True)] == ["cancelled"] * 3
    office.slack.expect_update(card, contains="boss, under which child asked, was revoked", timeout=PATIENCE)
    assert (hired.see(own)["state"], free.see(others)["state"]) == ("pending", "pending")
    office.intact()


@pytest.mark.parametrize("who", ["rogue", "boss"])
def test_no_person_can_say_yes_for_a_revoked_agent(closed_office: Office, who: str) -> None:
    """Where a card outlived its agent, or an agent above it, by whatever accident, Approve is refused and says why."""
    office = opened(closed_office)
    office.agent_called("boss")
    rogue = office.agent_called("rogue", under="boss")
    two, refund = rogue.ask("pay_twice", {"thing": "x"}), rogue.refund(480)
    cards = [office.card(one, timeout=PATIENCE) for one in (two, refund)]
    office.slack.faults.inject("chat.update", "latency", seconds=5)
    form = office.form("U0ALICE", cards[1], "edit").fill("param:amount_usd", "400")
    marked(office, who)
    over = ("revoked", "lready cancelled")
    for number, card in enumerate(cards, start=1):
        office.person("U0BOB").click_stale(card, "approve")
        told = office.until(lambda most=number: office.person("U0BOB").ephemerals()[most - 1 :], "Bob is told")
        assert any(words in told[0].text() for words in over), told[0].text()
    shown = office.person("U0ALICE").submit(form).modal.text()
    assert any(words in shown for words in over), shown
    states = {office.database.read(partial(state_of, approval=one)) for one in (two, refund)}
    assert states <= {"pending", "cancelled"}


def state_of(unit: Unit, approval: Json) -> str:
    found = approvals.load(unit, approval["id"])
    assert found is not None
    return found.state.value


@on_sqlite
def test_strays_are_withdrawn_by_the_next_sweep(closed_office: Office) -> None:
    """What a revocation by other means left open is withdrawn within a sweep."""
    office = opened(closed_office)
    rogue = office.agent_called("rogue")
    card = office.card(rogue.refund(480), timeout=PATIENCE)
    marked(office, "rogue")
    office.server.sweep()
    shown = office.slack.expect_update(card, contains="The agent rogue was revoked.", timeout=PATIENCE)
    assert shown.actions() == ["details"]
    office.intact()


@on_sqlite
def test_silence_consents_to_nothing_of_a_revoked_agent(closed_office: Office) -> None:
    """A soft approval under a revoked parent is not granted by silence."""
    office = opened(closed_office)
    office.agent_called("boss")
    child = office.agent_called("child", under="boss")
    soft = child.ask("suggest", {"thing": "x"})
    assert soft["level"] == "soft_approval"
    marked(office, "boss")
    office.advance(301)
    assert child.see(soft)["state"] == "expired"


LISTS = [{"blocked_agents": ["worker"]}, {"blocked_agents": ["boss"]}, {"agents": ["somebody"]}, {"agents": ["worker"]}]


@pytest.mark.parametrize("lists", LISTS, ids=str)
def test_a_block_after_the_yes_holds(closed_office: Office, lists: Json) -> None:
    """An agent, or one above it, that the manifest in force does not allow the action claims nothing, also not again."""
    office = opened(closed_office)
    office.agent_called("boss")
    worker = office.agent_called("worker", under="boss")
    made, claimed = (worker.ask("change_thing", {"thing": thing}) for thing in ("x", "y"))
    for approval in (made, claimed):
        office.person("U0BOB").click(office.card(approval, timeout=PATIENCE), "approve")
    worker.claim(claimed)
    write_manifest(office.folder, ACTIONS | {"change_thing": PLAIN | lists})
    office.until(lambda: _lists(office) != (None, []), "the new manifest is in force")
    for approval in (made, claimed):
        refused = worker.claim(approval, status=403)
        assert any(name in refused["detail"] for name in lists)
    write_manifest(office.folder, ACTIONS)
    office.until(lambda: _lists(office) == (None, []), "the old manifest is in force again")
    worker.claim(made)
    office.intact()


def _lists(office: Office) -> tuple[list[str] | None, list[str]]:
    policy = office.server.world.book.manifest.policy("change_thing")
    return policy.agents, policy.blocked_agents


def test_a_revoked_parent_ends_what_is_not_claimed(closed_office: Office) -> None:
    """A child that holds a yes cannot claim it once an agent above it is revoked, by whatever means."""
    office = opened(closed_office)
    office.agent_called("boss")
    child = office.agent_called("child", under="boss")
    granted = child.refund(12)
    marked(office, "boss")
    assert "boss was revoked" in child.claim(granted, status=403)["detail"]


@on_postgresql
def test_a_claim_and_a_revocation_at_the_same_moment(closed_office: Office) -> None:
    """One story: the grant was claimed first and its result is owed, or it is gone; never a claim after the end."""
    office = opened(closed_office)
    for number in range(6):
        name = f"racer-{number}"
        racer = office.agent_called(name)
        granted = racer.refund(12)
        claim = partial(racer.raw, "POST", f"/approvals/{granted['id']}/claim", json={"nonce": "nonce-of-the-race"})
        answers = office.slack.together(claim, partial(revoked_here, office, name))
        state = office.database.read(partial(state_of, approval=granted))
        assert state == ("claimed" if answers[0].status_code == 200 else "cancelled")
    office.intact()


def revoked_here(office: Office, name: str) -> int:
    return revoking.revoke(office.server.world, name)


@on_postgresql
def test_asks_and_a_revocation_at_the_same_moment(closed_office: Office) -> None:
    """Of many asks while the agent is revoked none is left open: each was withdrawn, or refused."""
    office = opened(closed_office)
    for round_ in range(3):
        name = f"flood-{round_}"
        agent = office.agent_called(name)
        body = {"action": "change_thing", "params": {"thing": "x"}}
        asks = [
            partial(agent.raw, "POST", "/approvals", json=body, headers={"Idempotency-Key": f"k{number}"})
            for number in range(8)
        ]
        office.slack.together(*asks[:4], partial(revoked_here, office, name), *asks[4:])
        left = office.database.read(partial(open_of, name=name))
        assert left == []
    office.intact()


def open_of(unit: Unit, name: str) -> list[str]:
    found = unit.execute(rows.select().where(rows.c.name == name)).one()
    return [one.id for one in delegation.open_under(unit, found.id)]


def test_a_word_does_not_outlive_whom_it_was_given(closed_office: Office) -> None:
    """An agent that was revoked and comes back has lost the word that it was given before."""
    office = opened(closed_office)
    planner, worker = office.agent_called("planner"), office.agent_called("worker")
    held = planner.refund(12)
    planner.delegate(held, "worker")
    worker.refund(12, delegated_from=held["id"])
    revoke(office, "worker")
    _, token = office.database.run(lambda unit: agents.add(unit, "worker"))
    again = Agent(office.server.url, token, "worker")
    assert again.refund(12, delegated_from=held["id"], status=422)["field"] == "delegated_from"
    again.close()
