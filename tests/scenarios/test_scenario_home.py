"""App Home and the looking-up half of /sayso: what waits for me, how it goes, and whether I am here."""

from __future__ import annotations

from support.office import Office


def test_home_shows_my_queue_and_takes_me_away_and_back(office: Office) -> None:
    """What waits for me stands on my home tab; the switch there sends new requests to somebody else, and back again."""
    first = office.agent.refund()
    assignee = first["assignee"]
    other = "U0BOB" if assignee == "U0ALICE" else "U0ALICE"
    me = office.person(assignee)
    home = me.open_home()
    assert "Refund $480" in home.text()
    me.click(home, "away_toggle")
    home = me.expect_home("away")
    assert {office.agent.refund(customer=f"{n}@example.com")["assignee"] for n in range(3)} == {other}
    me.click(home, "away_toggle")
    me.expect_home("I am away")
    assert office.agent.refund(customer="z@example.com")["assignee"] == assignee


def test_stats_count_what_was_decided(office: Office) -> None:
    """`/sayso stats` tells what waits, and each role's and reviewer's decisions with their times."""
    refund = office.agent.refund()
    office.person("U0ALICE").click(office.card(refund), "approve")
    office.agent.refund(customer="b@example.com")
    reply = office.person("U0BOB").command("/sayso", "stats").reply
    assert reply is not None
    text = reply.text()
    assert "Waiting: 1" in text
    assert "finance: median, p90" in text
    assert "1 decided" in text
    assert "100% yes" in text


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
