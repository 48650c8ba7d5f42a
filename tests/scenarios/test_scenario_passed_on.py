"""A card says who passed it on."""

from __future__ import annotations

from support.marks import on_sqlite
from support.office import Office


@on_sqlite
def test_the_next_reviewer_reads_who_passed_it_on(office: Office) -> None:
    """After an escalation by hand the next card names who did it."""
    refund = office.agent.refund()
    form = office.form("U0ALICE", office.card(refund), "escalate")
    assert office.person("U0ALICE").submit(form).ok
    office.card(refund, contains="passed on by")
