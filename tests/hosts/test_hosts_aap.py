"""The Agent Approval Protocol's SDK and adapters, unmodified, over HTTP against `/aap`: paused, decided in Slack, woken, once."""

from __future__ import annotations

import shutil

import pytest
from support.agent import Json
from support.frameworks import AGENTS, Place, Process
from support.marks import on_sqlite

pytestmark = on_sqlite
FRAMEWORKS = ["langgraph", "deepagents", "pydantic-ai", "openai-agents", "adk"]


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Each adapter that pauses."""
    named: str = request.param
    return named


def run(place: Place, framework: str, *words: str, **env: str) -> Process:
    """One process of the agent."""
    return place.start(AGENTS / "aap_agent.py", framework, *words, **env)


def paused(place: Place, framework: str, **env: str) -> tuple[str, Json]:
    """Run until the agent has paused and its process has ended: the request and the approval."""
    process = run(place, framework, "start", **env)
    said = process.hear()
    assert process.ended() == 0, process.told()
    (request,) = said["waits"]
    assert (said["told"], place.ledger) == ({}, [])
    (approval,) = place.pending()
    return request, approval


def woken(place: Place, framework: str, request: str, **env: str) -> Json:
    """Wake it in a new process; what the model was told, nothing while it waits."""
    process = run(place, framework, "wake", request, **env)
    told: Json = process.hear()["told"]
    assert process.ended() == 0, process.told()
    return told


def state(place: Place, approval: Json) -> str:
    """How the approval stands."""
    return str(place.office.agent.see(approval)["state"])


def test_it_runs_once_it_is_approved_and_only_once(place: Place, framework: str) -> None:
    """Woken while pending it pauses again; woken after the tap it runs; the same saved run woken again runs nothing."""
    request, approval = paused(place, framework)
    if framework != "adk":  # which ends the agent when a call pauses twice
        assert woken(place, framework, request) == {}
    kept = place.folder.with_name("kept")
    shutil.copytree(place.folder, kept)
    place.tap(approval)
    (answer,) = woken(place, framework, request).values()
    assert "changed edge" in answer
    assert (place.ledger, state(place, approval)) == (["edge"], "succeeded")
    (again,) = woken(place, framework, request, FOLDER=str(kept)).values()
    assert "already attempted" in again
    assert place.ledger == ["edge"]
    assert place.pending(0) == []


def test_a_no_is_told_in_the_reviewers_words(place: Place, framework: str) -> None:
    """The model reads why, and nothing runs."""
    request, approval = paused(place, framework)
    place.tap(approval, "reject", reason="Not on a Friday")
    (answer,) = woken(place, framework, request).values()
    assert "Not on a Friday" in answer
    assert (place.ledger, state(place, approval)) == ([], "rejected")


def test_an_edit_is_a_no_with_the_arguments_in_it(place: Place, framework: str) -> None:
    """The protocol cannot carry edited arguments: nothing runs, the model is told them, and the approval is withdrawn."""
    request, approval = paused(place, framework)
    place.tap(approval, "edit", param__thing="rim", note="the rim is meant")
    (answer,) = woken(place, framework, request).values()
    assert "rim" in answer
    assert "the rim is meant" in answer
    assert (place.ledger, state(place, approval)) == ([], "cancelled")


def test_killed_inside_the_tool_it_is_not_run_again(place: Place, framework: str) -> None:
    """kill -9 in the body, woken again: still one line, and the record says that the outcome is unknown."""
    request, approval = paused(place, framework)
    place.tap(approval)
    process = run(place, framework, "wake", request, HANG="1")
    assert process.hear() == {"inside": "edge"}
    process.kill()
    assert "changed" not in str(woken(place, framework, request))
    assert place.ledger == ["edge"]
    place.office.advance(86_400)
    assert state(place, approval) == "outcome_unknown"


def test_adk_woken_too_early_runs_nothing(place: Place) -> None:
    """ADK ends the agent when a call pauses a second time: its call never runs, and the guide says so."""
    request, approval = paused(place, "adk")
    assert woken(place, "adk", request) == {}
    place.tap(approval)
    assert woken(place, "adk", request) == {}
    assert place.ledger == []


def test_what_is_decided_after_the_agents_deadline_runs_nothing(place: Place) -> None:
    """The agent said how long it waits: after that its card goes, and no tap lets anything run."""
    request, approval = paused(place, "langgraph", AAP_TIMEOUT="30m")
    place.office.advance(31 * 60)
    (answer,) = woken(place, "langgraph", request, AAP_TIMEOUT="30m").values()
    assert "expired" in answer
    assert (place.ledger, state(place, approval)) == ([], "cancelled")


def test_the_sdks_provisioning_says_who_adds_agents(place: Place) -> None:
    """`Receiver.provision` gets a refusal whose code says what is the matter, and makes nothing."""
    code = """
import asyncio, os
from agentapprovalprotocol import ProvisionError, Receiver
try:
    asyncio.run(Receiver(resumers={}).provision(
        provider_url=os.environ["SAYSO_URL"] + "/aap", provisioner_token=os.environ["SAYSO_TOKEN"], url="https://x.example/h"
    ))
except ProvisionError as error:
    import json
    print(json.dumps([error.status, error.code]).join(['{"told": ', "}"]))
"""
    process = place.run([str(place.python), "-c", code])
    assert process.hear()["told"] == [403, "provisioning_not_offered"]
