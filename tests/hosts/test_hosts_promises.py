"""What every adapter promises, with the real framework, a real server, a person in Slack and a ledger file as the effect."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from typing import Any

import pytest
from support.agent import Json
from support.frameworks import AGENTS, Place, Process
from support.marks import on_sqlite
from support.wrong_servers import WRONG, serving

pytestmark = on_sqlite


@dataclass(frozen=True)
class Host:
    """A framework: its agent, and the files in which it keeps a run."""

    script: str
    saved: str
    prefix: str = ""

    def start(self, place: Place, verb: str = "start", **env: str) -> Process:
        """Start the agent; it waits inside the call unless told to suspend."""
        return place.start(AGENTS / self.script, f"{self.prefix}{verb}", **env)


HOSTS = {
    "langchain": Host("langchain_agent.py", "graph.db*"),
    "langchain-async": Host("langchain_agent.py", "graph.db*", "a"),
    "openai-agents": Host("openai_agents_agent.py", "run.json"),
    "pydantic-ai": Host("pydantic_ai_agent.py", "messages.json"),
}
TWO = json.dumps(
    [
        {"id": "call_1", "name": "change_thing", "args": {"thing": "edge"}},
        {"id": "call_2", "name": "change_thing", "args": {"thing": "core"}},
    ]
)


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> Host:
    """Each framework."""
    return HOSTS[request.param]


def told(process: Process) -> Json:
    """What the model was told about each call, at the end of a run."""
    said: Json = process.hear()["told"]
    assert process.ended() == 0
    return said


def suspended(host: Host, place: Place, **env: str) -> None:
    """Run the agent until it has paused and its process has ended."""
    process = host.start(place, SUSPEND="1", **env)
    assert process.hear()["waits"], process.told()
    assert process.ended() == 0
    assert place.ledger == []


def states(place: Place) -> list[str]:
    """How all that was asked for stands, oldest first."""
    return [one["state"] for one in place.office.agent.listing()["approvals"]][::-1]


def test_killed_while_it_waits_it_runs_once_in_the_next_process(host: Host, place: Place) -> None:
    """kill -9 while the call waits, a tap, a new process: one approval and one line."""
    process = host.start(place)
    (approval,) = place.pending()
    process.kill()
    place.tap(approval)
    assert place.ledger == []
    assert told(host.start(place, "resume"))["call_1"] == "changed edge"
    assert (place.ledger, states(place)) == (["edge"], ["succeeded"])


def test_paused_and_ended_it_runs_once_in_the_next_process(host: Host, place: Place) -> None:
    """The process ends while nobody has decided; resumed before the tap it pauses again, resumed after it, it runs."""
    suspended(host, place)
    again = host.start(place, "resume", SUSPEND="1")
    assert again.hear()["waits"]
    assert (again.ended(), place.ledger) == (0, [])
    (approval,) = place.pending()
    place.tap(approval)
    assert told(host.start(place, "resume", SUSPEND="1"))["call_1"] == "changed edge"
    assert (place.ledger, states(place)) == (["edge"], ["succeeded"])


@pytest.mark.parametrize("mode", ["waiting", "suspended"])
def test_killed_inside_the_tool_it_is_not_run_again(host: Host, place: Place, mode: str) -> None:
    """kill -9 in the tool's body: the resumed run tells the model that the outcome is unknown, and so says the record."""
    if mode == "suspended":
        suspended(host, place)
        place.tap(place.pending()[0])
        process = host.start(place, "resume", SUSPEND="1", HANG="1")
    else:
        process = host.start(place, HANG="1")
        place.tap(place.pending()[0])
    assert process.hear() == {"inside": "edge"}
    process.kill()
    env = {"SUSPEND": "1"} if mode == "suspended" else {}
    assert "outcome of change_thing is unknown" in told(host.start(place, "resume", **env))["call_1"]
    assert place.ledger == ["edge"]
    place.office.advance(86_400)
    assert states(place) == ["outcome_unknown"]


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_the_same_saved_state_resumed_twice_runs_once(host: Host, place: Place, where: str) -> None:
    """A saved run, restored and resumed again: the second is told that it ran, also from a machine without this one's files."""
    suspended(host, place)
    place.tap(place.pending()[0])
    kept = {path: path.read_bytes() for path in place.folder.glob(host.saved)}
    assert kept
    assert told(host.start(place, "resume", SUSPEND="1"))["call_1"] == "changed edge"
    for path, content in kept.items():
        path.write_bytes(content)
    if where == "elsewhere":
        shutil.rmtree(place.folder / "state")
    again = told(host.start(place, "resume", SUSPEND="1"))["call_1"]
    assert "not run again" in again
    assert ("changed edge" in again) == (where == "here")  # what was reported is told where it is known
    assert (place.ledger, states(place)) == (["edge"], ["succeeded"])


def test_the_same_saved_state_resumed_at_once_runs_once(host: Host, place: Place) -> None:
    """Two processes go on with the same run at the same moment, each with files of its own: one runs it."""
    suspended(host, place)
    place.tap(place.pending()[0])
    other = place.folder.with_name("other")
    shutil.copytree(place.folder, other)
    shutil.rmtree(other / "state")
    processes = [
        host.start(place, "resume", SUSPEND="1"),
        host.start(place, "resume", SUSPEND="1", SAYSO_STATE_DIR=str(other / "state"), FOLDER=str(other)),
    ]
    answers = [told(process)["call_1"] for process in processes]
    assert sorted(answer == "changed edge" for answer in answers) == [False, True], answers
    assert place.ledger == ["edge"]


def test_an_edit_runs_as_edited(host: Host, place: Place) -> None:
    """What the reviewer wrote is what runs, and the model is told so."""
    process = host.start(place)
    place.tap(place.pending()[0], "edit", param__thing="rim", note="the rim, not the edge")
    answer = told(process)["call_1"]
    assert place.ledger == ["rim"]
    assert answer.startswith("changed rim")
    assert 'it ran with {"thing": "rim"}' in answer
    assert "the rim, not the edge" in answer


def test_a_tool_that_fails_is_reported_as_failed(host: Host, place: Place) -> None:
    """What the framework makes of a tool's error is its own affair: the record says failed, and why."""
    process = host.start(place, FAIL="1")
    approval = place.pending()[0]
    place.tap(approval)
    process.ended()
    assert (place.ledger, states(place)) == ([], ["failed"])
    assert any("no ink" in str(line) for line in place.office.trail(approval))


@pytest.mark.parametrize("mode", ["waiting", "suspended"])
def test_two_calls_of_a_turn_get_each_its_own(host: Host, place: Place, mode: str) -> None:
    """One is rejected and one approved: each call gets its own verdict, and only the approved one runs."""
    if mode == "suspended":
        suspended(host, place, CALLS=TWO)
        process = None
    else:
        process = host.start(place, CALLS=TWO)
    by_thing = {approval["params"]["thing"]: approval for approval in place.pending(2)}
    place.tap(by_thing["edge"], "reject", reason="The edge stays")
    place.tap(by_thing["core"])
    answers = told(process or host.start(place, "resume", SUSPEND="1", CALLS=TWO))
    assert place.ledger == ["core"]
    assert "The edge stays" in answers["call_1"]
    assert answers["call_2"] == "changed core"


def test_a_question_withdraws_the_call_and_is_told(host: Host, place: Place) -> None:
    """A reviewer asks back and nobody answers for the agent: the model reads the question, and nothing waits for ever."""
    process = host.start(place)
    place.tap(place.pending()[0], "request_info", question="Which edge?")
    assert "Which edge?" in told(process)["call_1"]
    assert (place.ledger, states(place)) == ([], ["cancelled"])


def test_while_people_hold_everything_nothing_runs(host: Host, place: Place) -> None:
    """Approved, then stopped: the call waits until people let it go on, and runs once."""
    place.office.person("U0ADMIN").command("/sayso", "stop")
    process = host.start(place)
    place.tap(place.pending()[0])
    time.sleep(1.5)
    assert (place.ledger, process.popen.poll()) == ([], None)
    place.office.person("U0ADMIN").command("/sayso", "start")
    assert told(process)["call_1"] == "changed edge"
    assert place.ledger == ["edge"]


def test_what_the_manifest_does_not_know_is_blocked(host: Host, place: Place) -> None:
    """Only what is named `free` runs without asking: a tool nobody thought of asks under its own name, and is blocked."""
    calls = [
        {"id": "call_1", "name": "search", "args": {"thing": "edge"}},
        {"id": "call_2", "name": "forgotten", "args": {"thing": "edge"}},
    ]
    answers = told(host.start(place, CALLS=json.dumps(calls)))
    assert answers["call_1"] == "found edge"
    assert "forgotten" in answers["call_2"]
    assert "manifest" in answers["call_2"]
    assert (place.ledger, states(place)) == ([], ["blocked"])


def test_a_server_that_is_down_slow_or_wrong_runs_nothing(host: Host, place: Place) -> None:
    """Whatever stands where Sayso should: the tool does not run, and the model is told that nothing was done."""
    impatient = {"TIMEOUT": "0.5", "RETRY_FOR": "1"}
    every = host is HOSTS["langchain"]  # what is read from the line is read in one place: the others try the usual ones
    for name in WRONG if every else ("down", "slow", "a page", "a yes without a grant"):
        speak = WRONG[name]
        with serving(speak) as url:
            calls = json.dumps([{"id": f"call_{name}", "name": "change_thing", "args": {"thing": name}}])
            state: Any = {"SAYSO_STATE_DIR": str(place.folder / f"state-{name}")}
            process = host.start(place, SAYSO_URL=url, CALLS=calls, FRESH="1", **impatient, **state)
            answers = told(process)
            assert "was not run" in answers[f"call_{name}"], (name, answers)
            assert place.ledger == [], name
