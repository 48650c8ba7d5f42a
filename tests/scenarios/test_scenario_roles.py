"""`/sayso roles`: what one may decide."""

from __future__ import annotations

from support.marks import on_sqlite
from support.office import Office


@on_sqlite
def test_everybody_can_ask_for_their_roles(office: Office) -> None:
    """Everybody is told which roles they hold, and finds the command in the help."""
    said = {user: office.person(user).command("/sayso", "roles").reply for user in ("U0ALICE", "U0DAN")}
    told = {user: reply.text() for user, reply in said.items() if reply is not None}
    assert "finance" in told["U0ALICE"]
    assert "engineering" in told["U0DAN"]
    helped = office.person("U0DAN").command("/sayso", "help").reply
    assert helped is not None
    assert "which roles I hold" in helped.text()
