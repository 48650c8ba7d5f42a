"""An agent waits for silence to approve what nobody could read."""

from __future__ import annotations

from support.marks import on_sqlite
from support.office import Office

SECRET = "ghp_" + "a1B2c3D4" * 5


@on_sqlite
def test_silence_consents_to_nothing_that_a_pattern_hid(office: Office) -> None:
    """Of two harmless requests nobody objects to either; the one whose card hid a token is denied in the end."""
    plain = office.agent.ask("suggest", {"thing": "door"})
    hidden = office.agent.ask("suggest", {"thing": "door", "api_key": SECRET})
    assert [one["level"] for one in (plain, hidden)] == ["soft_approval"] * 2
    office.advance(301)
    assert office.agent.see(plain)["state"] == "approved"
    assert office.agent.see(hidden)["state"] == "expired"
    office.agent.claim(hidden, status=410)
