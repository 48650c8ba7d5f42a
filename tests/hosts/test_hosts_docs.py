"""docs/integrations.md and the examples, executed with the real frameworks."""

from __future__ import annotations

import json
import re

import pytest
from support.frameworks import AGENTS, ROOT, Place
from support.marks import on_sqlite

EXAMPLES = ROOT / "examples" / "hosts"
DOCUMENT = ROOT / "docs" / "integrations.md"
# Section, the module with a reader's names, and what each of its blocks does: `pays` once it is approved, or `pauses`.
SECTIONS = [
    ("LangChain and LangGraph", "langchain_names", ["pays", "pauses"]),
    ("OpenAI Agents SDK", "openai_agents_names", ["pays", "pauses"]),
    ("Pydantic AI", "pydantic_ai_names", ["pays", "pauses"]),
    ("Agent Approval Protocol: ADK, Deep Agents and others", "aap_names", ["pauses", "pauses"]),
]


@on_sqlite
@pytest.mark.parametrize("section, module, blocks", SECTIONS, ids=[module for _, module, _ in SECTIONS])
def test_every_snippet_runs(place: Place, section: str, module: str, blocks: list[str]) -> None:
    """Pasted into a program, a section's code asks, and pays once it is approved, or goes on while nobody has decided."""
    process = place.start(AGENTS / "snippet.py", section, module)
    for number, block in enumerate(blocks):
        if block == "pays":
            place.tap(place.pending()[0])
        assert process.hear() == {"ran": number}
        assert len(place.ledger) == blocks[: number + 1].count("pays")
        assert len(place.pending(block == "pauses")) == (block == "pauses")
    assert process.ended() == 0, process.told()
    assert place.ledger or "pays" not in blocks


# test_hosts_mcp, test_hosts_claude and test_hosts_crewai run them.
ELSEWHERE = {"MCP servers: the gate", "Claude Agent SDK", "CrewAI"}


def test_every_section_with_python_is_executed() -> None:
    """No section of the guide holds Python that nobody runs."""
    parts = re.split(r"^## (.*)$", DOCUMENT.read_text(encoding="utf-8"), flags=re.M)[1:]
    with_code = {title for title, text in zip(parts[::2], parts[1::2], strict=True) if "```python" in text}
    assert with_code == {section for section, _, _ in SECTIONS} | ELSEWHERE


@on_sqlite
@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*_agent.py")))
def test_every_example_pays_once_it_is_approved(place: Place, name: str) -> None:
    """The example runs as its first lines say: it asks, and pays what was granted, in this process or in the next."""
    process = place.run([str(place.python), str(EXAMPLES / f"{name}.py")])
    approval = place.pending()[0]
    assert not (place.folder / "refunds.txt").exists()
    place.tap(approval, "edit", param__amount_usd="300")
    assert process.ended() == 0, process.told()
    if not (place.folder / "refunds.txt").exists():
        process = place.run([str(place.python), str(EXAMPLES / f"{name}.py")])
        assert process.ended() == 0, process.told()
    paid = [json.loads(line) for line in (place.folder / "refunds.txt").read_text().splitlines()]
    assert paid == [[17, "ann@example.com", 300]]
    assert place.office.agent.see(approval)["state"] == "succeeded"


@on_sqlite
def test_the_protocols_example_pays_once_it_is_approved(place: Place) -> None:
    """Started it pauses, started again it still waits, started after the tap it pays; once more, it has nothing to do."""

    def started() -> None:
        process = place.run([str(place.python), str(EXAMPLES / "agent_approval_protocol.py")])
        assert process.ended() == 0, process.told()

    started()
    approval = place.pending()[0]
    started()
    assert not (place.folder / "refunds.txt").exists()
    place.tap(approval)
    started()
    started()
    assert len((place.folder / "refunds.txt").read_text().splitlines()) == 1
    assert place.office.agent.see(approval)["state"] == "succeeded"
