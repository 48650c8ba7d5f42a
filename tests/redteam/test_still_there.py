"""Somebody who is no longer there taps: out of the user group, out of the company, or out of Slack's sight."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from support.files import ACTIONS, PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office

from store.tables import people, usergroups

SILENT = ("usergroups.users.list", "usergroups.list")


@pytest.fixture
def leads(closed_office: Office) -> Office:
    """An office whose `lead` role is the user group S0LEADS (Carol and Dan); Slack sends no events."""
    return opened(closed_office, events=False)


def opened(office: Office, *, events: bool) -> Office:
    """The office of these stories."""
    roles = {**ROSTER["roles"], "lead": {"usergroup": "S0LEADS"}}
    office.roster = write_roster(office.folder, roles=roles)
    actions = {
        "lead_thing": PLAIN | {"required_role": "lead"},
        "lead_twice": PLAIN | {"required_role": "lead", "approvers": 2},
        "lead_and_finance": PLAIN | {"required_role": "lead", "approvers": {"lead": 1, "finance": 1}},
    }
    office.manifest = write_manifest(office.folder, ACTIONS | actions)
    if not events:
        office.slack.workspace.bot_events.intersection_update({"app_home_opened"})
    office.open()
    office.until(lambda: "S0LEADS" in office.server.world.directory.groups, "the user group is known")
    return office


def refused(office: Office, user: str, approval: dict[str, Any], *words: str) -> None:
    """`user` taps Approve, is told why not, and nothing was decided."""
    office.person(user).click(office.card(approval), "approve")
    office.person(user).expect_ephemeral(list(words) or "Only members of lead")
    assert office.agent.see(approval)["state"] == "pending"


def approves(office: Office, user: str, approval: dict[str, Any], state: str = "approved") -> None:
    """`user` taps Approve, and it counts."""
    office.person(user).click(office.card(approval), "approve")
    assert office.agent.see(approval)["state"] == state


# --- the user group --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [False, True], ids=["unasked", "told"])
@pytest.mark.parametrize("how", ["delete", "disable"])
@on_sqlite
def test_a_group_that_is_gone_has_no_members(closed_office: Office, how: str, events: bool) -> None:
    """A user group is deleted or disabled: who was in it decides nothing from the next tap on, and nobody is assigned."""
    office = opened(closed_office, events=events)
    asked, other = office.agent.ask("lead_thing", {"thing": "a"}), office.agent.ask("lead_thing", {"thing": "b"})
    approves(office, "U0CAROL", asked)
    getattr(office.slack.directory, how)("S0LEADS")
    refused(office, "U0CAROL", other)
    refused(office, "U0DAN", other)
    assert "role" in office.agent.ask("lead_thing", {"thing": "c"}, status=422)["detail"]
    assert "refused" in office.events(other)


@pytest.mark.parametrize("events", [False, True], ids=["unasked", "told"])
@on_sqlite
def test_who_left_the_group_decides_nothing_more(closed_office: Office, events: bool) -> None:
    """Somebody is taken out of the user group: the very next tap is refused, also right after one that counted."""
    office = opened(closed_office, events=events)
    first, second = office.agent.ask("lead_thing", {"thing": "a"}), office.agent.ask("lead_thing", {"thing": "b"})
    approves(office, "U0DAN", first)
    office.slack.directory.leave("S0LEADS", "U0DAN")
    refused(office, "U0DAN", second)
    approves(office, "U0CAROL", second)


@on_sqlite
def test_no_form_is_a_way_around(leads: Office) -> None:
    """A form that was open before is no better than a button: rejecting and editing ask again."""
    asked = leads.agent.ask("lead_thing", {"thing": "a"})
    card = leads.card(asked)
    form = leads.form("U0DAN", card, "reject").fill("reason", "No")
    leads.slack.directory.leave("S0LEADS", "U0DAN")
    sent = leads.person("U0DAN").submit(form)
    assert "Only members of lead" in sent.modal.text()
    leads.person("U0DAN").click(card, "edit")
    leads.person("U0DAN").expect_ephemeral("Only members of lead")
    assert leads.agent.see(asked)["version"] == 1


@on_sqlite
def test_who_came_decides_at_once(closed_office: Office) -> None:
    """Somebody who was put into the user group decides as soon as Slack says so; nobody has to wait for a refresh."""
    office = opened(closed_office, events=True)
    asked = office.agent.ask("lead_thing", {"thing": "a"})
    refused(office, "U0ALICE", asked)
    office.slack.directory.enter("S0LEADS", "U0ALICE")
    office.until(lambda: "U0ALICE" in office.server.world.directory.groups["S0LEADS"], "Slack was asked")
    approves(office, "U0ALICE", asked)


@on_sqlite
def test_an_old_event_brings_nobody_back(closed_office: Office) -> None:
    """Slack sends events again for five minutes: what one says that came late counts only against people, never for them."""
    office = opened(closed_office, events=True)
    left = office.slack.directory.leave("S0LEADS", "U0DAN")
    assert left is not None
    asked = office.agent.ask("lead_thing", {"thing": "a"})
    old = {"type": "subteam_members_changed", "subteam_id": "S0LEADS", "added_users": ["U0DAN"], "removed_users": []}
    office.slack.send_event(old)
    office.slack.send_event({"type": "subteam_updated", "subteam": {"id": "S0LEADS", "users": ["U0DAN", "U0CAROL"]}})
    refused(office, "U0DAN", asked)
    office.slack.directory.enter("S0LEADS", "U0DAN")
    office.slack.replay(left)  # and the other way round: it hurts until Slack is asked, which is at once
    office.until(lambda: "U0DAN" in office.server.world.directory.groups["S0LEADS"], "Slack was asked")
    approves(office, "U0DAN", asked)


@on_sqlite
def test_junk_in_events_is_no_accident(closed_office: Office) -> None:
    """Signed events without the fields they should have are answered, and change nothing."""
    office = opened(closed_office, events=True)
    for event in (
        {"type": "subteam_members_changed"},
        {"type": "subteam_members_changed", "subteam_id": "S0LEADS", "removed_users": "U0CAROL"},
        {"type": "subteam_updated", "subteam": None},
        {"type": "subteam_updated", "subteam": {"id": "S0LEADS", "users": "U0CAROL"}},
        {"type": "subteam_updated", "subteam": {"id": ["S0LEADS"]}},
        {"type": "user_change", "user": "U0CAROL"},
        {"type": "user_change", "user": {"id": "U0CAROL", "profile": []}},
        {"type": "user_change", "user": {"id": 7}},
        {"type": "team_join"},
    ):
        assert office.slack.send_event(event).status in (200, 400), event
    approves(office, "U0CAROL", office.agent.ask("lead_thing", {"thing": "a"}))


# --- the account -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [False, True], ids=["unasked", "told"])
@pytest.mark.parametrize(
    "change, words",
    [({"deleted": True}, "deactivated"), ({"is_restricted": True}, "Guests"), ({"is_bot": True}, "Bots")],
    ids=["deactivated", "guest", "bot"],
)
@on_sqlite
def test_an_account_that_lost_its_right(
    closed_office: Office, change: dict[str, Any], words: str, events: bool
) -> None:
    """An account is deactivated or made a guest: the next tap is refused, also right after one that counted."""
    office = opened(closed_office, events=events)
    first, second = office.agent.refund(), office.agent.refund(481)
    approves(office, "U0BOB", first)
    office.slack.directory.change("U0BOB", **change)
    refused(office, "U0BOB", second, words)


@on_sqlite
def test_whom_slack_does_not_know_any_more(leads: Office) -> None:
    """An account that is not there at all is nobody, whatever was known of it."""
    first, second = leads.agent.refund(), leads.agent.refund(481)
    approves(leads, "U0BOB", first)
    leads.slack.faults.inject("users.info", "error", error="user_not_found", times=None)
    refused(leads, "U0BOB", second, "deactivated")


@on_sqlite
def test_from_another_workspace(leads: Office) -> None:
    """A tap that says nothing of its workspace is judged by where the account is at home."""
    refund = leads.agent.refund()
    leads.person("U0BOB").click(leads.card(refund), "details")
    payload = dict(leads.slack.deliveries[-1].sent.payload)
    value = leads.card(refund).element("approve")["value"]
    payload["actions"] = [{"type": "button", "action_id": "approve", "value": value}]
    with leads.slack.workspace.changing():
        leads.slack.workspace.people["U0BOB"].team_id = "T0OTHER"
    bare = payload | {"team": None, "user": {"id": "U0BOB"}}
    assert leads.slack.send_signed(bare)[0] == 200
    leads.person("U0BOB").expect_ephemeral("another Slack workspace")
    assert leads.agent.see(refund)["state"] == "pending"


# --- earlier votes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [False, True], ids=["unasked", "told"])
@pytest.mark.parametrize("how", ["left", "deactivated"])
def test_a_yes_of_somebody_who_is_gone(closed_office: Office, how: str, events: bool) -> None:
    """One yes of two is there when its giver leaves: the second yes does not complete the quorum; a third one does."""
    office = opened(closed_office, events=events)
    asked = office.agent.ask("lead_twice", {"thing": "a"})
    approves(office, "U0DAN", asked, "pending")
    office.slack.directory.enter("S0LEADS", "U0ALICE")
    if how == "left":
        office.slack.directory.leave("S0LEADS", "U0DAN")
    else:
        office.slack.directory.deactivate("U0DAN")
    approves(office, "U0CAROL", asked, "pending")
    approves(office, "U0ALICE", asked)


@on_sqlite
def test_a_yes_for_another_role_is_asked_about_too(leads: Office) -> None:
    """In a quorum of two roles the lead's yes is asked about when finance's completes it."""
    asked = leads.agent.ask("lead_and_finance", {"thing": "a"})
    approves(leads, "U0DAN", asked, "pending")
    leads.slack.directory.leave("S0LEADS", "U0DAN")
    approves(leads, "U0ALICE", asked, "pending")
    approves(leads, "U0CAROL", asked)


# --- when Slack is silent --------------------------------------------------------------------------------------------


def silence(office: Office, *more: str) -> None:
    """Slack answers nothing about who is who."""
    for method in (*SILENT, *more):
        office.slack.faults.inject(method, "server_error", times=None)


@on_sqlite
def test_silence_lets_a_copy_live_for_a_while_only(leads: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Slack is silent what it last said counts for its time; then nobody of the group decides, and they are told."""
    first, second = leads.agent.ask("lead_thing", {"thing": "a"}), leads.agent.ask("lead_thing", {"thing": "b"})
    silence(leads)
    approves(leads, "U0CAROL", first)
    monkeypatch.setattr("bot.slack.people.STALE_SECONDS", 0.5)
    time.sleep(0.6)
    refused(leads, "U0CAROL", second, "Slack has not said for a while who is in lead")
    refused(leads, "U0ALICE", second, "Only members of lead")
    problem = leads.agent.ask("lead_thing", {"thing": "c"}, status=503)
    assert "Slack has not confirmed" in problem["detail"]
    approves(leads, "U0BOB", leads.agent.refund())
    leads.slack.faults.clear()
    approves(leads, "U0CAROL", second)


@on_sqlite
def test_silence_about_a_person(leads: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a person: a recent copy counts, an old one does not, nor does the yes of one who was heard long ago."""
    first, second = leads.agent.refund(), leads.agent.refund(481)
    twice = leads.agent.ask("pay_twice", {"thing": "a"})
    approves(leads, "U0ALICE", twice, "pending")
    silence(leads, "users.info")
    approves(leads, "U0ALICE", first)
    monkeypatch.setattr("bot.slack.people.STALE_SECONDS", 0.5)
    time.sleep(0.6)
    refused(leads, "U0ALICE", second, "could not confirm")
    leads.slack.faults.clear()
    leads.slack.faults.inject("users.info", "server_error", times=None)
    monkeypatch.setattr("bot.slack.people.People._look_at", _look_at_bob_only)
    approves(leads, "U0BOB", twice, "pending")


async def _look_at_bob_only(self: Any, users: Any) -> set[str]:
    return set(users) - {"U0BOB"}


@on_sqlite
def test_a_hanging_slack_is_silence_too(leads: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack takes the question and never answers: the tap is answered within Slack's three seconds, and refused."""
    asked = leads.agent.ask("lead_thing", {"thing": "a"})
    for method in (*SILENT, "users.info"):
        leads.slack.faults.inject(method, "latency", times=None, seconds=8)
    monkeypatch.setattr("bot.slack.people.STALE_SECONDS", 0.5)
    time.sleep(0.6)
    tap = leads.person("U0CAROL").click(leads.card(asked), "approve")
    assert tap.elapsed < 3
    assert tap.ok
    assert leads.agent.see(asked)["state"] == "pending"


@on_sqlite
def test_who_never_heard_who_we_are_decides_nothing(closed_office: Office) -> None:
    """Where Slack never said which workspace is ours, nobody is known to be of it."""
    closed_office.slack.faults.inject("auth.test", "server_error", times=None)
    closed_office.open()
    refund = closed_office.agent.refund()
    refused(closed_office, "U0BOB", refund, "could not confirm")
    closed_office.slack.faults.clear()
    approves(closed_office, "U0BOB", refund)


@on_sqlite
def test_rate_limits_are_obeyed_and_are_silence(leads: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack wants to be asked less: it is not asked again until then, and what it last said ages as in any silence."""
    asked, other = leads.agent.ask("lead_thing", {"thing": "a"}), leads.agent.ask("lead_thing", {"thing": "b"})
    leads.slack.faults.inject("usergroups.users.list", "ratelimited", times=None, seconds=30)
    approves(leads, "U0CAROL", asked)
    count = len(leads.slack.calls_to("usergroups.users.list"))
    for _ in range(3):
        leads.person("U0ALICE").click(leads.card(other), "approve")
        time.sleep(0.3)
    assert len(leads.slack.calls_to("usergroups.users.list")) == count
    monkeypatch.setattr("bot.slack.people.STALE_SECONDS", 0.5)
    time.sleep(0.6)
    refused(leads, "U0CAROL", other, "Slack has not said")


@on_sqlite
def test_many_taps_are_few_questions(leads: Office) -> None:
    """A crowd that taps costs no more questions than Slack allows a minute."""
    asked = leads.agent.ask("lead_thing", {"thing": "a"})
    before = len(leads.slack.calls_to("usergroups.users.list"))
    card = leads.card(asked)
    for _ in range(15):
        leads.slack.together(
            *[lambda user=user: leads.person(user).click_stale(card, "details") for user in ("U0CAROL", "U0DAN")]
        )
    assert len(leads.slack.calls_to("usergroups.users.list")) - before <= 20


# --- after a restart, and beside other servers -----------------------------------------------------------------------


def grow_old(office: Office, seconds: float) -> None:
    """What is kept of people and groups was heard so long ago."""
    for table in (people, usergroups):
        office.database.run(
            lambda unit, table=table: unit.execute(
                update(table).values(fetched_at=unit.now - timedelta(seconds=seconds))
            )
        )


def restarted(office: Office, seconds: float, *more: str) -> None:
    """The server ends and another starts on what is kept, while Slack says nothing of who is who."""
    office.until(lambda: office.database.read(lambda unit: unit.execute(usergroups.select()).all()), "it is kept")
    office.server.stop()
    silence(office, *more)
    grow_old(office, seconds)
    office.open()


def test_a_restart_makes_no_copy_younger(closed_office: Office) -> None:
    """An old copy in the database is as old after a restart as before; a recent one still counts."""
    office = opened(closed_office, events=False)
    first, second = office.agent.ask("lead_thing", {"thing": "a"}), office.agent.ask("lead_thing", {"thing": "b"})
    approves(office, "U0CAROL", office.agent.ask("lead_thing", {"thing": "c"}))
    office.until(lambda: kept(office, "U0CAROL"), "Carol is kept")
    restarted(office, 60, "users.info")
    approves(office, "U0CAROL", first)
    restarted(office, 301, "users.info")
    refused(office, "U0CAROL", second, "could not confirm")
    office.slack.faults.clear()
    restarted(office, 301)
    refused(office, "U0CAROL", second, "Slack has not said for a while who is in lead")
    office.slack.faults.clear()
    approves(office, "U0CAROL", second)


def kept(office: Office, user: str) -> bool:
    """Whether somebody is kept in the database."""
    return any(row.user_id == user for row in office.database.read(lambda unit: unit.execute(people.select()).all()))


def test_every_server_knows(closed_office: Office, tmp_path: Path) -> None:
    """Each server asks for itself: none believes what only it has not heard of yet."""
    office = opened(closed_office, events=False)
    one = office.server
    office.open()
    two = office.server
    first, second = office.agent.ask("lead_thing", {"thing": "a"}), office.agent.ask("lead_thing", {"thing": "b"})
    for server, approval in ((one, first), (two, second)):
        office.slack.bot_url = server.url
        refused(office, "U0ALICE", approval)
    office.slack.directory.delete("S0LEADS")
    for server, approval in ((one, first), (two, second), (one, second)):
        office.slack.bot_url = server.url
        refused(office, "U0CAROL", approval)
