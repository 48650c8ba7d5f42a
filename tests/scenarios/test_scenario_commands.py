"""`/sayso` as people type it: on phones, in haste, copied from elsewhere; what is meant is done, and nothing else is."""

from __future__ import annotations

from support.marks import on_sqlite
from support.office import Office

STOPS = [
    "stop",
    "STOP",
    "  stop  ",
    "stop.",
    "Stop!",
    "“stop”",
    "`stop`",
    "*stop*",
    "stop\u00a0now",
    "\u200bstop",
    "stop\tat once",
]
PAUSES = ["pause run-1", "PAUSE  run-1", "pause\u00a0run-1", "pause “run-1”", "pause `run-1`", 'Pause\t"run-1"']


def told(office: Office, text: str, user: str = "U0ADMIN") -> str:
    """What is answered to a command."""
    reply = office.person(user).command("/sayso", text).reply
    assert reply is not None
    return reply.text()


@on_sqlite
def test_stop_stops_however_a_phone_writes_it(office: Office) -> None:
    """In an emergency nobody is told how to spell it."""
    for typed in STOPS:
        assert told(office, typed).startswith("Stopped."), typed
        assert told(office, "Start").startswith("Started."), typed


@on_sqlite
def test_start_with_a_name_starts_nothing(office: Office) -> None:
    """Whoever names a session means that session: the stop of everything stays."""
    told(office, "stop")
    assert "/sayso resume SESSION" in told(office, "start run-1")
    assert told(office, "stop") == "Already stopped."


@on_sqlite
def test_a_session_is_found_between_quotes_and_blanks(office: Office) -> None:
    """As it was copied."""
    office.agent.beat("run-1")
    for typed in PAUSES:
        assert told(office, typed) == "Session run-1 is paused.", typed
        told(office, "resume run-1")


@on_sqlite
def test_the_words_behind_a_command_may_be_capitals_too(office: Office) -> None:
    """Phones begin with a capital letter."""
    assert told(office, "away Until 2H", "U0ALICE").startswith("You are away until")
    assert "stands in for you as finance" in told(office, "away Delegate <@U0BOB>", "U0ALICE")
    assert told(office, "standing End nothing", "U0ALICE") == "There is no such standing approval."
    made = office.agent.ask("remind", {"thing": "x"})
    office.agent.claim(made)
    office.agent.result(made)
    assert told(office, f"label\u00a0`{made['id']}`  Incident\twrong day", "U0ALICE").startswith("Kept as incident")


@on_sqlite
def test_what_is_no_command_does_nothing_and_says_so(office: Office) -> None:
    """A word that is nearly one is answered with the list of all."""
    for typed in ("stpo", "stopp", "st op", "stop-all", "sayso stop", "que ue"):
        assert told(office, typed).startswith("Unknown command."), typed
    assert told(office, "start").startswith("Nothing was stopped")
