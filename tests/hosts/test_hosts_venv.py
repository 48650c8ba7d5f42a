"""The venv of the frameworks is what the pins say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.frameworks import ROOT, crewai_python

HOSTS = ("constraints-hosts.txt", {"langgraph", "openai-agents", "pydantic-ai-slim", "claude-agent-sdk", "mcp"})
CREWAI = ("constraints-crewai.txt", {"crewai", "agentapprovalprotocol", "pydantic"})
PIN = re.compile(r"^([\w.-]+)==([^ ;]+)(?: ; python_full_version < '3\.14')? \\$", re.M)


@pytest.mark.parametrize("pins, among", [HOSTS, CREWAI], ids=["hosts", "crewai"])
def test_what_is_installed_is_what_is_pinned(python: Path, pins: str, among: set[str]) -> None:
    """Every package that applies here has the pinned version, so a green run says something about those versions."""
    python = crewai_python() if pins == CREWAI[0] else python
    pinned = dict(PIN.findall((ROOT / pins).read_text()))
    code = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    installed = {
        re.sub(r"[-_.]+", "-", name).lower(): version for name, _, version in (one.partition("==") for one in told)
    }
    assert among <= pinned.keys()
    assert {name: installed.get(name) for name in pinned} == pinned


def test_the_client_is_the_tree_s(python: Path) -> None:
    """The client that the frameworks import is the one under test, on the venv's own httpx2 and pydantic."""
    code = "import sayso.client, sayso; print(sayso.__file__)"
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert Path(told) == ROOT / "sayso" / "__init__.py"
