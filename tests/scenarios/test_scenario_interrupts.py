"""People interrupt a running agent: from a card, with the command, and whatever happens to its process (docs/rules.md: C3)."""

from __future__ import annotations

import time

from support.marks import on_sqlite
from support.office import Office
from support.workers import Worker


def test_a_paused_agent_that_is_killed_goes_on_where_it_was(office: Office) -> None:
    """Paused, killed, started again: it takes no step until it is resumed, then each that is left, once; cancel ends it."""
    admin = office.person("U0ADMIN")
    first = Worker(office, "steps", "run-1", str(office.folder))
    first.hears("did", 1)
    first.go_on()
    first.hears("did", 2)
    admin.command("/sayso", "pause run-1")
    first.go_on()
    first.kill()
    second = Worker(office, "steps", "run-1", str(office.folder))
    second.hears("started")
    time.sleep(0.5)  # long enough for a step that should not happen
    assert (office.folder / "steps").read_text().split() == ["0", "1"]
    second.kill()
    third = Worker(office, "steps", "run-1", str(office.folder))
    third.hears("started")
    assert (office.folder / "steps").read_text().split() == ["0", "1"]
    admin.command("/sayso", "resume run-1")
    assert third.hears("did", 1) == [2]
    third.go_on()
    assert third.hears("did", 2) == [2, 3]
    admin.command("/sayso", "cancel run-1")
    third.go_on()
    assert "cancelled" in third.ended()[-1]
    assert (office.folder / "steps").read_text().split() == ["0", "1", "2", "3"]
    last = Worker(office, "steps", "run-1", str(office.folder)).ended()
    assert "cancelled" in last[-1], "a cancelled session stays so"


def test_a_session_is_steered_from_its_card(office: Office) -> None:
    """Who may decide a request, and admins, pause, resume and cancel the session behind it, in the details; nobody else can."""
    made = office.agent.refund(480, session_id="run-7")
    other = office.agent_called("other")
    other.beat("run-7")
    office.agent.beat("run-7")
    card = office.card(made)
    assert "session_pause" not in office.form("U0DAN", card, "details").actions()
    details = office.form("U0ALICE", card, "details")
    assert "run-7" in details.text()
    paused = office.person("U0ALICE").click(details, "session_pause").modal
    assert "is paused (set by @alice)" in paused.text()
    assert office.agent.session("run-7")["state"] == "paused"
    assert other.session("run-7")["state"] == "running", "another agent's run of that name is its own"
    office.person("U0BOB").click(card, "approve")
    assert "paused" in office.agent.claim(made, status=423)["detail"]
    resumed = office.person("U0ALICE").click(paused, "session_resume").modal
    assert "is running" in resumed.text()
    office.agent.claim(made)
    waits = office.agent.refund(481, session_id="run-7")
    details = office.form("U0ADMIN", office.card(waits), "details")
    ended = office.person("U0ADMIN").click(details, "session_cancel").modal
    assert "is cancelled (set by @admin)" in ended.text()
    assert not [name for name in ended.actions() if name.startswith("session_")]
    assert office.agent.see(waits)["state"] == "cancelled"
    assert [event for event in office.events() if event in ("paused", "unpaused")] == ["paused", "unpaused"]
    office.intact()


@on_sqlite
def test_a_forged_tap_steers_nothing(office: Office) -> None:
    """The button of a colleague's details, sent by somebody who may not, changes nothing and says why; so do other ids."""
    made = office.agent.refund(480, session_id="run-8", on_behalf_of="alice@example.com")
    alone = office.agent.refund(481)
    card = office.card(made)
    for user in ("U0DAN", "U0ALICE", "U0GUEST", "U0STRANGER"):
        office.person(user).click_stale(card, "details")
        _steered(office, made["id"])
        assert office.agent.see(made)["state"] == "pending", user
    office.person("U0DAN").expect_ephemeral("Only members of finance", timeout=20)
    office.person("U0BOB").click_stale(card, "details")
    for approval_id in (alone["id"], "apr_none", ""):
        _steered(office, approval_id)
    office.agent.session("run-8", status=404)
    _steered(office, made["id"])
    assert office.agent.session("run-8")["state"] == "cancelled"


def _steered(office: Office, approval_id: str) -> None:
    """The last tap again, as if it had been on the button that cancels the session."""
    payload = dict(office.slack.deliveries[-1].sent.payload)
    payload["actions"] = [payload["actions"][0] | {"action_id": "session_cancel", "value": f"{approval_id}|"}]
    payload.pop("channel", None)
    assert office.slack.send_signed(payload)[0] == 200
