"""App Home and the looking-up half of /sayso: what waits for me, how it goes, and whether I am here."""

from __future__ import annotations

import httpx2
from sqlalchemy import update
from support.marks import on_sqlite
from support.office import Office
from support.stored import approved_by

from store.tables import decisions


def test_home_shows_my_queue_and_takes_me_away_and_back(office: Office) -> None:
    """What waits for me stands on my home tab; the switch there sends new requests to somebody else, and back again."""
    first = office.agent.refund()
    assignee = first["assignee"]
    other = "U0BOB" if assignee == "U0ALICE" else "U0ALICE"
    me = office.person(assignee)
    home = me.open_home()
    assert "Refund $480" in home.text()
    me.click(home, "away_toggle")
    home = me.expect_home("you are away")
    assert {office.agent.refund(customer=f"{n}@example.com")["assignee"] for n in range(3)} == {other}
    me.click(home, "away_toggle")
    me.expect_home("you are here")
    assert office.agent.refund(customer="z@example.com")["assignee"] == assignee


def said(office: Office, user: str, words: str) -> str:
    reply = office.person(user).command("/sayso", words).reply
    assert reply is not None
    return reply.text()


def test_stats_count_what_was_decided(office: Office) -> None:
    """`/sayso stats` tells what waits, what was missed, and each role's decisions with their times; of people only what waits for them."""
    refund = office.agent.refund()
    office.person("U0ALICE").click(office.card(refund), "approve")
    office.agent.refund(customer="b@example.com")
    text = said(office, "U0BOB", "stats")
    assert "Now: 1 open" in text
    assert "2 asked · 1 decided · 0 past their SLA · median" in text
    assert "finance: 1 open" in text
    assert "1 decided" in text
    assert "% yes" not in text
    office.advance(901)
    text = said(office, "U0BOB", "stats")
    assert "1 past their SLA" in text
    assert text.count("oldest 15 min") == 3, "of all, of the role, of whoever has it now"


def test_stats_bring_a_picture(office: Office) -> None:
    """Whoever asks for stats gets the last 14 days as a picture in their direct messages, with all of it in the alt text."""
    refund = office.agent.refund()
    office.person("U0ALICE").click(office.card(refund), "approve")
    said(office, "U0BOB", "stats")
    posted = office.slack.expect_message("U0BOB", "1 asked · 1 decided", timeout=20)
    file = posted.raw["files"][0]
    assert file["mimetype"] == "image/png"
    assert "1 asked, 1 decided" in file["alt_txt"]
    assert httpx2.get(file["url_private"]).content.startswith(b"\x89PNG")
    places = [message.channel for message in office.slack.all_messages() if message.raw.get("files")]
    assert places == [posted.channel], "nobody else sees it"


FIVE = ("U0ALICE", "U0BOB", "U0CAROL", "U0DAN", "U0ADMIN")


def test_everybody_sees_their_own_figures_first(office: Office) -> None:
    """`stats me` is for oneself: nobody reads another's, and an admin only what five people have been shown, up to that moment."""
    approved_by(office.database, FIVE, each=6)
    mine = said(office, "U0BOB", "stats me")
    for piece in (
        "Pace: 6 decided, 0.4 a day",
        "Between two decisions: median 1 min (1 min to 1 min) of 5",
        "Yes: 6 of 6, 100.0% (60.7% to 100.0%)",
        "within 5 s of looking: 0 of 6",
        "no sign of stamping",
        "Labelled later by others, right: nothing counted",
        "Nobody is ranked",
    ):
        assert piece in mine, piece
    assert "ALICE" not in mine.upper()
    for words in ("stats @alice", "stats <@U0ALICE>", "stats U0ALICE", "stats mee"):
        assert "nobody sees another's figures" in said(office, "U0BOB", words)
        assert "nobody sees another's figures" in said(office, "U0ADMIN", words)
    assert "Nobody's habits are named" in said(office, "U0ADMIN", "stats")
    for user in FIVE[2:]:
        said(office, user, "stats me")
    assert "6 decided" not in said(office, "U0ADMIN", "stats"), "four are too few to name"
    said(office, "U0ALICE", "stats me")
    told = said(office, "U0ADMIN", "stats")
    assert told.count("6 decided, 0.4 a day, median look") == 5
    assert "@bob: 6 decided" in told
    assert "6 decided" not in said(office, "U0BOB", "stats").replace("30 decided", "")
    approved_by(office.database, ["U0BOB"], each=1)
    office.database.run(lambda unit: unit.execute(update(decisions).where(decisions.c.id == 31).values(at=unit.now)))
    assert "@bob: 6 decided" in said(office, "U0ADMIN", "stats"), "what Bob has not seen, nobody else sees"
    assert "7 decided" in said(office, "U0BOB", "stats me")
    assert "@bob: 7 decided" in said(office, "U0ADMIN", "stats")


@on_sqlite
def test_stats_without_a_picture_are_still_told(office: Office) -> None:
    """Where the app may not upload, or the upload fails, the figures are there in words all the same."""
    scopes = {"chat:write", "im:write", "commands", "users:read", "usergroups:read"}
    office.slack.workspace.credentials.scopes = scopes
    office.agent.refund()
    assert "Now: 1 open" in said(office, "U0BOB", "stats")
    refused = office.slack.expect_call("files.getUploadURLExternal", timeout=20)[0]
    assert refused.response["error"] == "missing_scope"
    office.slack.workspace.credentials.scopes = None
    office.slack.faults.inject("files.completeUploadExternal", "server_error", times=1)
    assert "Now: 1 open" in said(office, "U0BOB", "stats")
    office.slack.expect_call("files.completeUploadExternal", timeout=20)
    said(office, "U0BOB", "stats")
    office.slack.expect_message("U0BOB", "1 asked", timeout=20)


@on_sqlite
def test_lists_begin_with_the_load(office: Office) -> None:
    """`queue` and `mine` say how many wait, since when and how many are past their SLA; `reviewers` says it of each person."""
    assert said(office, "U0BOB", "queue") == "Nothing is waiting."
    refund = office.agent.refund()
    office.server.database.shift_seconds = 600
    assert "1 open, oldest 10 min" in said(office, "U0BOB", "queue")
    assert "1 open, oldest 10 min" in said(office, refund["assignee"], "mine")
    other = "U0BOB" if refund["assignee"] == "U0ALICE" else "U0ALICE"
    assert said(office, other, "mine") == "Nothing is waiting for you."
    people = said(office, "U0BOB", "reviewers")
    assert "(1 open, oldest 10 min)" in people
    assert "@carol (0 open)" in people


@on_sqlite
def test_the_home_tab_follows_the_command(office: Office) -> None:
    """Away by command shows on the home tab as by the switch there."""
    bob = office.person("U0BOB")
    bob.open_home()
    bob.command("/sayso", "away 2h")
    bob.expect_home("you are away until")
    bob.command("/sayso", "back")
    bob.expect_home("you are here")


def test_the_trail_of_one_request_is_for_admins(office: Office) -> None:
    """`/sayso audit ID` shows an admin who did what and when, and refuses everybody else."""
    refund = office.agent.refund()
    office.person("U0ALICE").click(office.card(refund), "approve")
    reply = office.person("U0ADMIN").command("/sayso", f"audit {refund['id']}").reply
    assert reply is not None
    assert "requested" in reply.text()
    assert "approved" in reply.text()
    refused = office.person("U0BOB").command("/sayso", f"audit {refund['id']}").reply
    assert refused is not None
    assert "admins" in refused.text()
