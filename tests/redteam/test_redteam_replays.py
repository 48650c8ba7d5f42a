"""A signed request of Slack's, sent again by whoever caught it: within its five minutes it is no new word of a person's."""

from __future__ import annotations

from support.office import Office

from playground.kit_people import Response

CANDIDATES = [{"id": "a", "label": "Parcel"}, {"id": "b", "label": "Letter"}]


def said(response: Response) -> str:
    return response.reply.text() if response.reply else ""


def test_a_replayed_start_lifts_no_later_stop(office: Office) -> None:
    """Stopped, started, stopped again: the first start, sent anew byte for byte, leaves everything stopped."""
    admin = office.person("U0ADMIN")
    made = office.agent.ask("remind", {"thing": "x"})
    admin.command("/sayso", "stop")
    start = admin.command("/sayso", "start")
    admin.command("/sayso", "stop")
    status, body = office.slack.replay(start)
    assert status == 200
    assert "nothing was done again" in str(body)
    office.agent.claim(made, status=423)
    admin.command("/sayso", "start")
    office.agent.claim(made)


def test_a_replayed_resume_frees_no_session_that_was_paused_again(office: Office) -> None:
    """By command and by the button in the details."""
    admin = office.person("U0ADMIN")
    office.agent.beat("run-1")
    made = office.agent.ask("change_thing", {"thing": "x"}, session_id="run-1")
    admin.command("/sayso", "pause run-1")
    by_command = admin.command("/sayso", "resume run-1")
    admin.command("/sayso", "pause run-1")
    assert office.slack.replay(by_command)[0] == 200
    assert office.agent.session("run-1")["state"] == "paused"
    alice = office.person("U0ALICE")
    details = alice.click(office.card(made), "details").modal
    by_button = alice.click(details, "session_resume")
    office.until(lambda: office.agent.session("run-1")["state"] == "running", "it is resumed")
    admin.command("/sayso", "pause run-1")
    assert office.slack.replay(by_button)[0] == 200
    assert office.agent.session("run-1")["state"] == "paused"


def test_a_replayed_question_stops_the_clock_no_second_time(office: Office) -> None:
    """Answered is answered, and the deadline runs on."""
    made = office.agent.ask("change_thing", {"thing": "x"})
    sheet = office.form("U0ALICE", office.card(made), "request_info").fill("question", "Which one?")
    asked = office.person("U0ALICE").submit(sheet)
    assert asked.ok
    office.agent.answer(made, "The blue one")
    assert office.slack.replay(asked)[0] == 200
    now = office.agent.see(made)
    assert now["info_request"] is None
    assert office.events(made).count("info_requested") == 1


def test_a_replayed_escalation_moves_it_no_second_time(office: Office) -> None:
    """One role further is one role further."""
    made = office.agent.ask("climb_thing", {"thing": "x"})
    sheet = office.form("U0ALICE", office.card(made), "escalate")
    passed = office.person("U0ALICE").submit(sheet)
    assert passed.ok
    before = office.agent.see(made)
    assert office.slack.replay(passed)[0] == 200
    assert office.agent.see(made)["version"] == before["version"]
    assert office.events(made).count("escalated") == 1


def test_a_replayed_vote_takes_back_no_later_one(office: Office) -> None:
    """Whoever changed their choice has changed it: the tap before, sent anew, makes no quorum with somebody else's."""
    made = office.agent.ask("pay_twice", {"thing": "x"}, kind="choose", question="Which?", choices=CANDIDATES)
    first = office.person("U0ALICE").click(office.card(made), "choose:a")
    office.card(made, contains="Yes with Parcel")
    assert office.person("U0ALICE").click(office.card(made), "choose:b").ok
    office.card(made, contains="Yes with Letter")
    assert office.person("U0BOB").click(office.card(made), "choose:a").ok
    assert office.slack.replay(first)[0] == 200
    assert office.agent.see(made)["state"] == "pending"


def test_the_same_word_said_anew_counts(office: Office) -> None:
    """A second command of the same words is another request, and is done."""
    admin = office.person("U0ADMIN")
    for _ in range(2):
        assert "Stopped" in said(admin.command("/sayso", "stop"))
        assert "Started" in said(admin.command("/sayso", "start"))
