"""CrewAI behind the Agent Approval Protocol's own hooks, unmodified, over HTTP: its calls wait, and each runs once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.agent import Json
from support.frameworks import AGENTS, ROOT, Place, Process, crewai_python
from support.marks import on_sqlite
from support.wrong_servers import WRONG, serving

pytestmark = on_sqlite


@pytest.fixture(scope="session", autouse=True)
def crewai(python: Path) -> Path:
    """The other venv, before any database or server is started."""
    return crewai_python()


def start(place: Place, verb: str = "start", **env: str) -> Process:
    """One process of the crew."""
    return place.run([str(crewai_python()), str(AGENTS / "crewai_agent.py"), verb], **env)


def told(process: Process) -> Json:
    """What the model was told about each call."""
    said: Json = process.hear()["told"]
    assert process.ended() == 0, process.told()
    return said


def states(place: Place) -> list[str]:
    """How all that was asked for stands, oldest first."""
    return [one["state"] for one in place.office.agent.listing()["approvals"]][::-1]


def test_it_runs_once_it_is_approved_and_is_reported(place: Place) -> None:
    """The call waits; after the tap it runs with what a person saw."""
    process = start(place)
    (approval,) = place.pending()
    assert (approval["action"], approval["params"], place.ledger) == ("change_thing", {"thing": "edge"}, [])
    place.tap(approval)
    assert told(process) == {"call_1": "changed edge"}
    assert (place.ledger, states(place)) == (["edge"], ["succeeded"])


def test_killed_while_it_waits_it_runs_once_in_the_next_process(place: Place) -> None:
    """kill -9, a tap, resumed from the crew's checkpoint: the same request, and one line; resumed once more, none."""
    process = start(place)
    (approval,) = place.pending()
    process.kill()
    place.tap(approval)
    assert place.ledger == []
    assert told(start(place, "resume"))["call_1"] == "changed edge"
    assert "already attempted" in told(start(place, "resume"))["call_1"]
    assert (place.ledger, states(place)) == (["edge"], ["succeeded"])


def test_the_same_checkpoint_resumed_at_once_runs_once(place: Place) -> None:
    """Two processes go on from one checkpoint at the same moment: one of them runs it."""
    process = start(place)
    (approval,) = place.pending()
    process.kill()
    other = place.folder.with_name("other")
    shutil.copytree(place.folder, other)
    place.tap(approval)
    processes = [start(place, "resume"), start(place, "resume", FOLDER=str(other))]
    answers = [told(process)["call_1"] for process in processes]
    assert sorted(answer == "changed edge" for answer in answers) == [False, True], answers
    assert (place.ledger, states(place)) == (["edge"], ["succeeded"])


def test_killed_inside_the_tool_it_is_not_run_again(place: Place) -> None:
    """CrewAI runs the task again from its checkpoint: the model is told that it was attempted, the record that nobody knows."""
    process = start(place, HANG="1")
    place.tap(place.pending()[0])
    assert process.hear() == {"inside": "edge"}
    process.kill()
    assert "already attempted" in told(start(place, "resume"))["call_1"]
    assert place.ledger == ["edge"]
    place.office.advance(86_400)
    assert states(place) == ["outcome_unknown"]


def test_an_edit_is_a_no_with_the_arguments_in_it(place: Place) -> None:
    """The protocol cannot carry edited arguments: nothing runs, and the model is told them."""
    process = start(place)
    place.tap(place.pending()[0], "edit", param__thing="rim", note="the rim is meant")
    answer = told(process)["call_1"]
    assert "rim" in answer
    assert "the rim is meant" in answer
    assert (place.ledger, states(place)) == ([], ["cancelled"])


def test_two_calls_of_a_turn_get_each_its_own(place: Place) -> None:
    """One is rejected and one approved, whichever CrewAI asks about first."""
    calls = [{"id": f"call_{thing}", "name": "change_thing", "args": {"thing": thing}} for thing in ("edge", "core")]
    process = start(place, CALLS=json.dumps(calls))
    seen: set[str] = set()
    while len(seen) < 2:
        waiting = place.office.until(lambda: [one for one in pending(place) if one["id"] not in seen], "one waits")
        for approval in waiting:
            edge = approval["params"]["thing"] == "edge"
            place.tap(approval, "reject", reason="The edge stays") if edge else place.tap(approval)
            seen.add(approval["id"])
    answers = told(process)
    assert "The edge stays" in answers["call_edge"]
    assert (answers["call_core"], place.ledger) == ("changed core", ["core"])


def pending(place: Place) -> list[Json]:
    """What waits now."""
    found: list[Json] = place.office.agent.listing(state="pending")["approvals"]
    return found


def test_a_tool_that_fails_is_reported_as_failed(place: Place) -> None:
    """And is not tried again under the same yes."""
    process = start(place, FAIL="1")
    place.tap(place.pending()[0])
    process.ended()
    assert (place.ledger, states(place)) == ([], ["failed"])


@pytest.mark.parametrize("wrong", ["down", "slow", "a page", "another shape", "a yes without a grant"])
def test_a_server_that_is_down_slow_or_wrong_runs_nothing(place: Place, wrong: str) -> None:
    """Whatever stands where Sayso should: the model is told that nothing was run."""
    with serving(WRONG[wrong]) as url:
        answer = told(start(place, SAYSO_URL=url, RETRY_FOR="3"))["call_1"]
    assert "was not run" in answer
    assert place.ledger == []


def test_the_example_pays_once_it_is_approved(place: Place) -> None:
    """It waits for the tap, and pays once."""
    process = place.run([str(crewai_python()), str(ROOT / "examples" / "hosts" / "crewai_desk.py")])
    (approval,) = place.pending()
    assert not (place.folder / "refunds.txt").exists()
    place.tap(approval)
    assert process.ended() == 0, process.told()
    assert len((place.folder / "refunds.txt").read_text().splitlines()) == 1
    assert states(place) == ["succeeded"]


def test_the_guides_code_runs(place: Place) -> None:
    """Pasted into a program, the section's code asks, and runs once it is approved."""
    process = place.run([str(crewai_python()), str(AGENTS / "snippet.py"), "CrewAI", "crewai_names"])
    (approval,) = place.pending()
    place.tap(approval)
    assert process.hear()["told"] == {"call_1": "changed edge"}
    assert process.hear() == {"ran": 0}
    assert (process.ended(), place.ledger, states(place)) == (0, ["edge"], ["succeeded"]), process.told()
