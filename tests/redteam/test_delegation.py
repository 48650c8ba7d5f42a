"""An agent says it acts for another that never gave its word: to borrow its right, to read its figures, to spend its limits."""

from __future__ import annotations

import json
from typing import Any

from support.agent import Agent, Json
from support.files import ACTIONS, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office

from store import agents

SUMS = {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 171, "deny_above_usd": 5000}
REFUND = ACTIONS["process_refund"] | {"aggregate": SUMS, "quota": {"per_day": 50}}
PATIENCE = 30.0


def opened(office: Office, **actions: Json) -> Office:
    write_manifest(office.folder, ACTIONS | {"process_refund": REFUND} | actions)
    write_roster(office.folder)
    office.open()
    users = {user for role in ROSTER["roles"].values() for user in role["members"]}
    office.until(lambda: users <= office.server.world.directory.people.keys(), "the directory is read")
    return office


def routed(agent: Agent, amount: float, parent: str | None, status: int = 200) -> Json:
    """A dry run."""
    body = {"action": "process_refund", "params": {"customer": "ann@example.com", "amount_usd": amount}}
    answer = agent.raw("POST", "/route", json=body | ({"delegated_from": parent} if parent else {}))
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


def test_nobody_acts_for_an_agent_without_its_word(closed_office: Office) -> None:
    """Unknown names, living agents and their approvals in any state: one and the same refusal, also in a dry run; no row."""
    office = opened(closed_office)
    billing, thief = office.agent_called("billing"), office.agent_called("thief")
    held, pending = billing.refund(12), billing.refund(480)
    mine = thief.refund(13)
    parents = [
        "nobody",
        "billing",
        held["id"],
        pending["id"],
        "apr_none",
        mine["id"],
        "thief",
        " billing",
        "BILLING",
        "*",
    ]
    told: list[Json] = []
    for parent in parents:
        told.append(thief.refund(5, delegated_from=parent, status=422))
        told.append(routed(thief, 5, parent, status=422))
    assert {json.dumps(problem, sort_keys=True) for problem in told} == {json.dumps(told[0], sort_keys=True)}
    assert told[0]["field"] == "delegated_from"
    assert office.events().count("requested") == 3
    assert [one["id"] for one in thief.listing()["approvals"]] == [mine["id"]]


def test_a_stranger_spends_nothing_of_a_parents_limit(closed_office: Office) -> None:
    """Asks "for billing" by one who has no word turn no refund of billing's own into a question."""
    office = opened(closed_office)
    billing, thief = office.agent_called("billing"), office.agent_called("thief")
    for _ in range(2):
        thief.refund(4000, delegated_from="billing", status=422)
        thief.refund(4000)
    own = billing.refund(5)
    assert (own["state"], own["route"]) == ("approved", "auto")


def test_nothing_of_a_parents_figures_is_told(closed_office: Office) -> None:
    """What bounds a delegate is told by no number, limit or line: not in `why`, the dry run, the feedback, nor on its card."""
    office = opened(closed_office)
    billing = office.agent_called("billing")
    worker = office.agent_called("worker", under="billing")
    for amount in (41, 43, 47):
        billing.refund(amount)
    dry, asked = routed(worker, 49, None), worker.refund(49, delegated_from="billing")
    assert (dry["route"], asked["state"]) == ("ask", "pending")
    card = office.card(asked, timeout=PATIENCE).source()
    for shown in (json.dumps(dry["why"]), json.dumps(asked["why"]), asked["feedback"], card):
        if shown is not asked["feedback"]:
            assert (
                "the agent above it may do no more" if shown is card else "billing itself would get no more"
            ) in shown
        for figure in ("131", "180", "171", "aggregate", "3600"):
            assert figure not in shown, (figure, shown)
    denied = worker.refund(4900)
    assert denied["state"] == "denied"
    assert denied["why"][0] == "acts for billing, and billing itself would get no more"
    assert "$131" not in json.dumps(denied)


def test_failures_quotas_and_lists_of_a_parent_are_not_told_either(closed_office: Office) -> None:
    """How often a parent failed, its quota and the list it stands on bound its delegate and stay untold."""
    office = opened(closed_office, listed=PLAIN | {"approval_required": False, "blocked_agents": ["billing"]})
    billing = office.agent_called("billing")
    worker = office.agent_called("worker", under="billing")
    for number in range(2):
        done = billing.ask("remind", {"thing": f"x{number}"})
        billing.claim(done)
        billing.result(done, "failed")
    bounded, listed = worker.ask("remind", {"thing": "y"}), worker.ask("listed", {"thing": "y"})
    assert (bounded["level"], listed["state"]) == ("human_takeover", "denied")
    for found in (bounded, listed):
        told = json.dumps([found["why"], found["feedback"]])
        for word in ("failed", "24 h", "block list", "blocked_agents", "2 times"):
            assert word not in told, told


def test_a_parent_gives_its_word_for_one_approval(closed_office: Office) -> None:
    """The parent names the child under its own approval, again and again; the child acts under that one and no other."""
    office = opened(closed_office)
    planner, worker = office.agent_called("planner"), office.agent_called("worker")
    held, other = planner.refund(12), planner.refund(13)
    for _ in range(3):
        assert planner.delegate(held, "worker")["id"] == held["id"]
    rows = [line for line in office.trail(held) if line["event"] == "delegated"]
    assert [(line["actor"], line["decision"]) for line in rows] == [("agent:planner", "worker")]
    assert worker.refund(12, delegated_from=held["id"])["delegation"] == [f"planner ({held['id']})"]
    for parent in (other["id"], "planner"):
        assert worker.refund(12, delegated_from=parent, status=422)["field"] == "delegated_from"
    assert office.agent_called("third").refund(12, delegated_from=held["id"], status=422)["field"] == "delegated_from"
    office.intact()


@on_sqlite
def test_only_what_is_ones_own_and_holds_can_be_passed_on(closed_office: Office) -> None:
    """Another's approval is not there; a pending, ended or lapsed one gives no authority; nobody names themselves or
    nobody."""
    office = opened(closed_office)
    planner, worker = office.agent_called("planner"), office.agent_called("worker")
    held, pending, ended = planner.refund(12), planner.refund(480), planner.refund(14)
    planner.cancel(ended)
    assert worker.delegate(held, "worker", status=404) == planner.delegate("apr_none", "worker", status=404)
    for approval, state in ((pending, "pending"), (ended, "cancelled")):
        assert planner.delegate(approval, "worker", status=409)["state"] == state
    for name in ("planner", "nobody", "x" * 81, ""):
        assert planner.delegate(held, name, status=422)["field"] == "agent"
    for body in ({}, {"agent": None}, {"agent": 3}, {"agent": "worker", "more": 1}):
        assert planner.raw("POST", f"/approvals/{held['id']}/delegate", json=body).status_code == 422
    office.advance(901)
    assert "expired" in planner.delegate(held, "worker", status=409)["detail"]
    assert "delegated" not in office.events()


@on_sqlite
def test_nobody_stands_under_whom_they_stand_above(closed_office: Office) -> None:
    """A child cannot give its word back up the chain, however long; and a chain ends at eight."""
    office = opened(closed_office)
    names = [f"a{number}" for number in range(10)]
    crowd = [office.agent_called(name) for name in names]
    held = crowd[0].refund(12)
    for child, name in zip(crowd[1:9], names[1:9], strict=True):
        parent = crowd[names.index(name) - 1]
        for above in names[: names.index(name)]:
            assert parent.delegate(held, above, status=422)["field"] == "agent"
        parent.delegate(held, name)
        held = child.refund(12, delegated_from=held["id"])
    assert len(held["delegation"]) == 8
    crowd[8].delegate(held, "a9")
    assert "more than 8" in crowd[9].refund(12, delegated_from=held["id"], status=422)["detail"]


def test_a_child_that_leaves_the_person_out_still_acts_for_them(closed_office: Office) -> None:
    """What is asked under a request for Alice is for Alice too, through any number of agents; she decides none of it."""
    office = opened(closed_office)
    planner, worker = office.agent_called("planner"), office.agent_called("worker")
    third = office.agent_called("third")
    held = planner.refund(12, on_behalf_of=" <@U0ALICE> ")
    planner.delegate(held, "worker")
    middle = worker.refund(12, delegated_from=held["id"])
    worker.delegate(middle, "third")
    asked = [worker.refund(480, delegated_from=held["id"]), third.refund(480, delegated_from=middle["id"])]
    asked.append(third.refund(480, delegated_from=middle["id"], on_behalf_of="dan@example.com"))
    for approval in asked:
        assert approval["assignee"] == "U0BOB"
        card = office.card(approval, timeout=PATIENCE)
        assert "alice@example.com" in card.text()
        office.person("U0ALICE").click(card, "approve")
        office.person("U0ALICE").expect_ephemeral("own behalf")
    assert [(worker if one is asked[0] else third).see(one)["state"] for one in asked] == ["pending"] * 3
    first = office.trail(asked[2])[0]
    assert first["on_behalf_of"] == ["dan@example.com", "alice@example.com"]


def test_a_child_of_a_bound_agent_acts_for_its_person(closed_office: Office) -> None:
    """Under an agent that always acts for Alice, by an operator's word or its own, everything is for Alice."""
    office = opened(closed_office)
    boss = office.agent_called("boss", principal="alice@example.com")
    child = office.agent_called("child", under="boss")
    hired = office.agent_called("hired")
    held = boss.refund(12)
    boss.delegate(held, "hired")
    for approval in (child.refund(480), hired.refund(480, delegated_from=held["id"])):
        assert approval["assignee"] == "U0BOB"
        office.person("U0ALICE").click(office.card(approval, timeout=PATIENCE), "approve")
        office.person("U0ALICE").expect_ephemeral("own behalf")


def test_who_was_put_under_another_never_acts_on_its_own(closed_office: Office) -> None:
    """Leaving `delegated_from` out, or naming another parent's approval, sheds none of those whom an operator set above."""
    blocked = PLAIN | {"severity": "low", "approval_required": False, "blocked_agents": ["boss"]}
    office = opened(closed_office, guarded=blocked)
    office.agent_called("boss")
    child, friend = office.agent_called("child", under="boss"), office.agent_called("friend")
    held = friend.refund(12)
    friend.delegate(held, "child")
    assert child.ask("guarded", {"thing": "x"})["state"] == "denied"
    round_about = child.ask("guarded", {"thing": "x"}, delegated_from=held["id"])
    assert round_about["state"] == "denied"
    assert round_about["delegation"] == [f"friend ({held['id']})", "boss"]
    assert friend.ask("guarded", {"thing": "x"})["state"] == "approved"


@on_postgresql
def test_a_revoked_parent_gives_no_authority(closed_office: Office) -> None:
    """Under a revoked agent nobody asks any more: not by its approval, not by an operator's word, not left out."""
    office = opened(closed_office)
    boss, child = office.agent_called("boss"), office.agent_called("child", under="boss")
    hired = office.agent_called("hired")
    held = boss.refund(12)
    boss.claim(held)
    boss.delegate(held, "hired")
    office.database.run(lambda unit: agents.revoke(unit, "boss"))
    stranger = office.agent_called("stranger").refund(12, delegated_from=held["id"], status=422)
    assert hired.refund(12, delegated_from=held["id"], status=422) == stranger
    for more in ({}, {"delegated_from": "boss"}):
        assert child.refund(12, status=422, **more)["field"] == "delegated_from"


def test_a_circle_of_parents_ends(closed_office: Office) -> None:
    """Should the database hold a circle all the same, a request in it is judged, and ends."""
    office = opened(closed_office)
    one, two = office.agent_called("one"), office.agent_called("two", under="one")

    def circle(unit: Any) -> None:
        agents.add(unit, "one", parent_id=agents.named(unit, ["two"])["two"].id)

    office.database.run(circle)
    assert one.refund(12)["delegation"] == ["two"]
    assert two.refund(12)["delegation"] == ["one"]
