"""The agent's side: asking once, waiting, claiming once, reporting once, and nothing that is not its own."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import text
from support.files import REFUND, ROSTER, write_manifest, write_roster
from support.marks import on_postgresql, on_sqlite
from support.office import Office

from store import agents


def test_the_same_question_twice_is_one_approval(office: Office) -> None:
    """The same key and body is answered with the same approval; another body under that key is an error."""
    first = office.agent.refund(key="k")
    again = office.agent.refund(key="k", status=200)
    assert again["id"] == first["id"]
    problem = office.agent.refund(481, key="k", status=422)
    assert problem["status"] == 422
    assert office.agent_called("other").refund(key="k")["id"] != first["id"]
    assert len(office.agent.listing()["approvals"]) == 1


def test_the_same_question_eight_times_at_once_is_one_approval(office: Office) -> None:
    """Of eight requests with one key at the same moment one creates, seven find it, and one card appears."""
    agent = office.agent

    def post() -> Any:
        body = {"action": "process_refund", "params": {"customer": "x", "amount_usd": 480}}
        return agent.raw("POST", "/approvals", json=body, headers={"Idempotency-Key": "k"})

    answers = office.slack.together(*[post] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    office.card(answers[0].json())
    assert len(office.slack.cards(approval_id=answers[0].json()["id"])) == 1


def approved(office: Office, **more: Any) -> dict[str, Any]:
    refund = office.agent.refund(**more)
    office.person("U0ALICE").click(office.card(refund), "approve")
    assert office.agent.see(refund)["state"] == "approved"
    return refund


def test_a_grant_is_given_once(office: Office) -> None:
    """The same nonce gets the same grant again; another nonce gets nothing, now or later."""
    refund = approved(office)
    grant = office.agent.claim(refund, "nonce-one")
    assert office.agent.claim(refund, "nonce-one") == grant
    office.agent.claim(refund, "nonce-two", status=409)
    office.agent.result(refund, nonce="nonce-two", status=409)
    assert office.agent.result(refund, nonce="nonce-one")["state"] == "succeeded"
    assert office.agent.result(refund, nonce="nonce-one")["state"] == "succeeded"
    office.agent.result(refund, "failed", nonce="nonce-one", status=409)
    office.agent.claim(refund, "nonce-two", status=409)
    assert office.events(refund).count("resumed") == 1
    assert office.events(refund).count("result") == 1


def test_many_claims_at_once_give_one_grant(office: Office) -> None:
    """Claims racing with one nonce all get the one grant; those with other nonces get none."""
    refund = approved(office)
    agent = office.agent

    def claim(nonce: str) -> Any:
        return agent.raw("POST", f"/approvals/{refund['id']}/claim", json={"nonce": f"nonce-of-{nonce}"})

    same = office.slack.together(*[lambda: claim("one")] * 6)
    assert [answer.status_code for answer in same] == [200] * 6
    assert len({str(answer.json()) for answer in same}) == 1
    refund = approved(office)
    others = office.slack.together(*[lambda n=n: claim(f"{n}") for n in range(6)])
    assert sorted(answer.status_code for answer in others) == [200] + [409] * 5
    assert office.events(refund).count("resumed") == 1


def test_reports_and_cancels_that_meet_are_one(office: Office) -> None:
    """The same report, or the same cancel, many times at the same moment is one, and none is told off."""
    refund = approved(office)
    office.agent.claim(refund)
    agent = office.agent
    reports = office.slack.together(*[lambda: agent.result(refund)["state"]] * 5)
    assert reports == ["succeeded"] * 5
    assert office.events(refund).count("result") == 1
    other = office.agent.refund()
    assert office.slack.together(*[lambda: agent.cancel(other)["state"]] * 5) == ["cancelled"] * 5
    assert office.events(other).count("cancelled") == 1


@on_sqlite
def test_a_grant_waits_a_quarter_of_an_hour(office: Office) -> None:
    """An approval that nobody claimed in time is gone: 410, before and after the sweep has seen it."""
    refund = approved(office)
    office.server.database.shift_seconds += 901
    office.agent.claim(refund, status=410)
    office.advance(0)
    assert office.agent.see(refund)["state"] == "expired"
    office.agent.claim(refund, status=410)


@on_sqlite
def test_a_claim_that_dies_is_for_a_person(office: Office) -> None:
    """A claimed action that never reports becomes outcome_unknown, operations hear of it, and it never runs again."""
    refund = approved(office)
    office.agent.claim(refund)
    office.advance(3601)
    assert office.agent.see(refund)["state"] == "outcome_unknown"
    office.slack.expect_card(channel="#ops", contains="Outcome unknown")
    office.agent.claim(refund, status=409)
    office.agent.result(refund, status=409)


@on_sqlite
def test_cancel(office: Office) -> None:
    """What the agent no longer needs is off the reviewers' hands; a later tap is told so."""
    refund = office.agent.refund()
    card = office.card(refund)
    assert office.agent.cancel(refund)["state"] == "cancelled"
    assert office.agent.cancel(refund)["state"] == "cancelled"
    office.slack.expect_update(card, contains="Cancelled")
    office.person("U0BOB").click_stale(card, "approve")
    office.person("U0BOB").expect_ephemeral("ancelled")
    done = approved(office)
    office.agent.claim(done)
    office.agent.cancel(done, status=409)


@on_sqlite
def test_the_checkpoint_comes_back(office: Office) -> None:
    """Any JSON the agent saved with its request comes back as it was, to that agent only."""
    saved = {"messages": [1, 2.5, None, "ünï"], "deep": {"a": [{}]}}
    refund = office.agent.refund(checkpoint=saved)
    path = f"/approvals/{refund['id']}/checkpoint"
    assert office.agent.raw("GET", path).json() == saved
    assert office.agent_called("other").raw("GET", path).status_code == 404


def test_the_list_has_pages(office: Office) -> None:
    """The own list is newest first, in pages that go on where they ended, filtered by state and session."""
    made = [office.agent.refund(20, session_id="s" if n % 2 else None)["id"] for n in range(55)]
    office.agent_called("other").refund(20)
    first = office.agent.listing()
    second = office.agent.listing(cursor=first["next_cursor"])
    seen = [entry["id"] for entry in first["approvals"] + second["approvals"]]
    assert seen == made[::-1]
    assert second["next_cursor"] is None
    assert len(office.agent.listing(session_id="s")["approvals"]) == 27
    assert office.agent.listing(state="pending")["approvals"] == []


@on_sqlite
@pytest.mark.parametrize(
    "query",
    [
        "cursor=!!",
        "cursor=MjAyNi0wMS0wMXx4",  # a moment without a zone
        "cursor=MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMHx4",  # a moment before the first
        "cursor=8J%2BYgA",
        "state=nonsense",
        "state=pending%00",
    ],
)
def test_a_bad_question_to_the_list_is_the_askers_mistake(office: Office, query: str) -> None:
    """A cursor that is not ours or a state that does not exist is 422, naming the field."""
    answer = office.agent.raw("GET", f"/approvals?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, query.partition("=")[0])


def test_names_with_nul_are_nobodys(office: Office) -> None:
    """An id that no database could hold is simply not found, or told as the asker's mistake; never a 5xx."""
    for path in ("/approvals/a%00b", "/approvals/a%00b/checkpoint", "/sessions/a%00b", "/approvals?session_id=a%00b"):
        assert office.agent.raw("GET", path).status_code in (200, 404, 422), path
    for path in ("/approvals/a%00b/claim", "/approvals/%ff%fe/cancel"):
        assert office.agent.raw("POST", path, json={"nonce": "nonce-one"}).status_code in (404, 422), path
    assert office.agent.raw("PUT", "/sessions/a%00b", json={}).status_code == 422


def waiting(office: Office, approval: dict[str, Any], url: str | None = None) -> tuple[threading.Thread, list[Any]]:
    """Somebody who waits for the approval, in the background."""
    agent, heard = office.agent_called("demo", url=url), []

    def wait() -> None:
        heard.append((agent.see(approval, wait=60)["state"], time.monotonic()))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.15)
    return thread, heard


def test_a_waiting_agent_is_woken_at_once(office: Office) -> None:
    """A long-poll returns as soon as somebody decides, and in its own time when nobody does."""
    refund = office.agent.refund()
    card = office.card(refund)
    started = time.monotonic()
    assert office.agent.see(refund, wait=0.2)["state"] == "pending"
    assert time.monotonic() - started > 0.15
    thread, heard = waiting(office, refund)
    tapped = time.monotonic()
    office.person("U0ALICE").click(card, "approve")
    thread.join(60)
    assert heard[0][0] == "approved"
    assert heard[0][1] - tapped < 20, "long before its own time was up"
    assert office.agent.see(refund, wait=10)["state"] == "approved", "what is decided does not wait"


@on_postgresql
def test_a_waiting_agent_is_woken_across_servers(office: Office) -> None:
    """Two servers on one PostgreSQL: who waits at one hears at once of the tap that the other one took."""
    first = office.server
    office.open()
    try:
        listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        if not first.database.pooled:  # through a pooler they look at the trail instead
            office.until(
                lambda: office.database.read(lambda unit: unit.execute(text(listening)).scalar() == 2), "two relays"
            )
        refund = office.agent_called("demo", url=first.url).refund()
        card = office.card(refund)
        thread, heard = waiting(office, refund, first.url)
        tapped = time.monotonic()
        office.person("U0ALICE").click(card, "approve")
        thread.join(60)
        assert heard[0][0] == "approved"
        assert heard[0][1] - tapped < 20, "long before its own time was up"
        assert len(office.slack.cards(approval_id=refund["id"])) == 1, "two couriers, one card"
    finally:
        first.stop()


def test_a_session_is_steered_from_slack(office: Office) -> None:
    """People pause, resume and cancel a session; a pause holds claims, a cancel withdraws what is open."""
    assert office.agent.beat("run-1", "Refunds of May")["state"] == "running"
    refund = approved(office, session_id="run-1")
    admin = office.person("U0ADMIN")
    admin.command("/sayso", "pause run-1")
    assert office.agent.session("run-1")["state"] == "paused"
    assert office.agent.beat("run-1")["by"] == "U0ADMIN"
    assert "paused" in office.agent.claim(refund, status=423)["detail"]
    admin.command("/sayso", "resume run-1")
    office.agent.claim(refund)
    waits = office.agent.refund(session_id="run-1")
    admin.command("/sayso", "cancel run-1")
    assert office.agent.see(waits)["state"] == "cancelled"
    assert office.agent.see(refund)["state"] == "claimed", "what runs already cannot be called back"
    assert office.agent.session("run-1")["state"] == "cancelled"
    reply = admin.command("/sayso", "resume run-1").reply
    assert reply is not None
    assert office.agent.session("run-1")["state"] == "cancelled"
    office.agent.session("unknown", status=404)
    assert office.agent_called("other").raw("GET", "/sessions/run-1").status_code == 404
    office.intact()


def test_stop_holds_everything(office: Office) -> None:
    """After stop nothing runs by policy alone and nothing can be claimed; asking and deciding go on until start."""
    before = approved(office)
    office.person("U0BOB").command("/sayso", "stop")
    office.agent.claim(before, "nonce-one")
    admin = office.person("U0ADMIN")
    admin.command("/sayso", "stop")
    assert office.agent.claim(before, "nonce-one")["params"], "a grant that was given is not taken back"
    small = office.agent.refund(20)
    assert (small["state"], small["level"]) == ("pending", "hard_approval")
    office.person("U0ALICE").click(office.card(small), "approve")
    assert office.agent.see(small)["state"] == "approved"
    assert office.agent.claim(small, status=423)["status"] == 423
    admin.command("/sayso", "start")
    office.agent.claim(small)
    assert [event for event in office.events() if event in ("stopped", "started")] == ["stopped", "started"]


def test_absurd_amounts_are_no_accident(closed_office: Office) -> None:
    """Amounts beyond any limit are judged and stored like others, alone and in sums."""
    sums = {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 200, "deny_above_usd": 20_000}
    write_manifest(closed_office.folder, {"process_refund": REFUND | {"conditions": {}, "aggregate": sums}})
    closed_office.open()
    for amount in (2**53 - 1, 1e300, 9e12):
        assert closed_office.agent.refund(amount)["state"] == "denied"
    write_manifest(closed_office.folder, {"process_refund": REFUND | {"conditions": {}}})
    closed_office.open()
    states = {closed_office.agent.refund(amount)["state"] for amount in (2**53 - 1, 1e300, 9e12, 9e12, 9e12)}
    assert states == {"pending"}
    write_manifest(closed_office.folder, {"process_refund": REFUND | {"conditions": {}, "aggregate": sums}})
    closed_office.open()
    assert closed_office.agent.refund(1)["route"] == "ask"


@on_sqlite
def test_labels(office: Office) -> None:
    """What turned out to be true is recorded once a label."""
    refund = approved(office)
    office.agent.claim(refund)
    office.agent.result(refund)
    for _ in range(2):
        office.agent.label(refund, "reverted")
    office.agent.label(refund, "nonsense", status=422)
    assert office.events(refund).count("labelled") == 1


@on_sqlite
def test_the_dry_run_stores_nothing(office: Office) -> None:
    """How a request would route is told without storing anything."""
    body = {"action": "process_refund", "params": {"customer": "x", "amount_usd": 20_000}}
    said = office.agent.raw("POST", "/route", json=body)
    assert (said.status_code, said.json()["route"]) == (200, "deny")
    assert office.trail() == []


ROUTES = [
    ("GET", "/approvals", None),
    ("POST", "/approvals", {"action": "remind"}),
    ("POST", "/route", {"action": "remind"}),
    ("GET", "/approvals/{id}", None),
    ("POST", "/approvals/{id}/claim", {"nonce": "nonce-one"}),
    ("POST", "/approvals/{id}/result", {"nonce": "nonce-one", "outcome": "failed"}),
    ("POST", "/approvals/{id}/answer", {"text": "x"}),
    ("POST", "/approvals/{id}/cancel", {}),
    ("POST", "/approvals/{id}/delegate", {"agent": "other"}),
    ("POST", "/approvals/{id}/label", {"label": "correct"}),
    ("GET", "/approvals/{id}/checkpoint", None),
    ("GET", "/sessions/s", None),
    ("PUT", "/sessions/s", {}),
]


@on_sqlite
def test_every_route_wants_a_token(office: Office) -> None:
    """Without a token, with a wrong or a revoked one, or with Slack's, every route answers 401 and changes nothing."""
    refund = office.agent.refund()
    office.until(lambda: "gate_presented" in office.events(refund), "the card is up")
    revoked = office.agent_called("gone")
    office.database.run(lambda unit: agents.revoke(unit, "gone"))
    bad = ["", "Bearer", "Basic eDp5", "Bearer sayso_wrong", f"Bearer {revoked.token}"]
    bad += [f"Bearer {office.slack.token}", f"Token {office.agent.token}"]
    before = office.trail()
    for method, path, body in ROUTES:
        for value in bad:
            headers = {"Authorization": value, "Idempotency-Key": "k"}
            answer = office.agent.raw(method, path.format(id=refund["id"]), json=body, headers=headers)
            assert answer.status_code == 401, (method, path, value)
            assert answer.headers["content-type"] == "application/problem+json"
    assert office.trail() == before
    assert office.agent.see(refund)["version"] == 1


@on_sqlite
def test_another_agents_approval_does_not_exist(office: Office) -> None:
    """With another agent's token every route to an approval answers 404, as if it were not there."""
    refund = approved(office)
    other = office.agent_called("other")
    for method, path, body in ROUTES:
        if "{id}" in path:
            for approval_id in (refund["id"], "apr_none"):
                assert other.raw(method, path.format(id=approval_id), json=body).status_code == 404, path
    assert office.agent.see(refund)["state"] == "approved"


@on_sqlite
def test_limits_tell_when_to_come_back(closed_office: Office) -> None:
    """An agent over its limits gets 429 with Retry-After, another one does not, and nothing is stored."""
    write_manifest(closed_office.folder, limits={"creates_per_minute": 3, "pending": 2})
    closed_office.open()
    agent = closed_office.agent
    for _ in range(2):
        agent.refund()
    body = {"action": "process_refund", "params": {"customer": "x", "amount_usd": 480}}
    refused = agent.raw("POST", "/approvals", json=body, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    assert len(agent.listing()["approvals"]) == 2
    closed_office.agent_called("other").refund()


@on_sqlite
def test_what_nobody_could_decide_is_refused(closed_office: Office) -> None:
    """Where the role and its path have no eligible member the request is refused, and operations are told."""
    roles = ROSTER["roles"] | {"finance": {"members": ["U0GONE"]}, "finance_lead": {"members": ["U0GUEST"]}}
    write_roster(closed_office.folder, roles=roles)
    office = closed_office
    office.open()
    office.until(lambda: len(office.server.world.directory.people) >= 4, "the directory is read")
    problem = office.agent.refund(status=422)
    assert "finance" in problem["detail"]
    office.slack.expect_card(channel="#ops", contains="Nobody")
    assert office.agent.listing()["approvals"] == []
