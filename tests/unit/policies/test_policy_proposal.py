"""What was earned, as a diff that changes the manifest in one place and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.autonomy import Execution
from policies.files.manifest import load_manifest
from policies.history import Demotion
from policies.learning.proposal import AgentRecord, accepted, difference, proposals
from policies.levels import Level

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEAD = """\
# Ours.
version: 1
actions:
  wipe:   # the first
    title: Wipe
    describe: Wipe it
    severity: low
    reversible: true
    owner: Head of wiping
"""
TAIL = """\
    # What follows stays.
    batch: false
  mop: {title: Mop, describe: Mop it, severity: low, reversible: true, autonomy: {}}
"""
STYLES = {
    "flow": "    autonomy: {start: soft_approval, agents: {old: {level: notify_only, since: 2025-01-01}}}   # the ratchet\n",
    "empty": "    autonomy: {}\n",
    "block": "    autonomy:\n      start: hard_approval\n      agents:\n        old:\n          level: notify_only\n"
    '          since: "2025-01-01"   # so long ago\n',
    "start alone": "    autonomy:\n      # careful\n      start: soft_approval\n",
}


def record(
    agent: str = "bot", action: str = "wipe", successes: int = 10, demotion: Demotion | None = None
) -> AgentRecord:
    """So many successes in a row, an hour apart."""
    outcomes = tuple(Execution(True, NOW - timedelta(hours=successes - index)) for index in range(successes))
    return AgentRecord(agent, action, outcomes, demotion)


@pytest.mark.parametrize("style", STYLES)
def test_a_proposal_changes_one_place(style: str) -> None:
    """However the ratchet is written, accepting sets the agent's level and leaves every other line as it was."""
    manifest = load_manifest(HEAD + STYLES[style] + TAIL)
    wanted = proposals(manifest, [record(), record("other:bot", successes=9)])
    assert [(one.agent, one.owner) for one in wanted] == [("bot", "Head of wiping")]
    text = accepted(manifest, wanted, NOW)
    assert text.startswith(HEAD)
    assert text.endswith(TAIL)
    after = load_manifest(text).file.actions["wipe"].autonomy
    before = manifest.file.actions["wipe"].autonomy
    assert after is not None
    assert before is not None
    assert (after.start, after.agents["bot"].level) == (before.start, wanted[0].after)
    assert {name: entry for name, entry in after.agents.items() if name != "bot"} == before.agents
    assert proposals(load_manifest(text), [record()]) == []


def test_several_proposals_make_one_diff() -> None:
    """Proposals for several agents and actions stand in one unified diff."""
    manifest = load_manifest(HEAD + STYLES["block"] + TAIL)
    wanted = proposals(manifest, [record(), record("a"), record(action="mop"), record(action="nope")])
    assert [(one.action, one.agent) for one in wanted] == [("mop", "bot"), ("wipe", "a"), ("wipe", "bot")]
    text = accepted(manifest, wanted, NOW)
    diff = difference(manifest.document.text, text, "actions.yml")
    assert diff.startswith("--- actions.yml\n+++ actions.yml\n@@")
    assert len([line for line in diff.splitlines() if line.startswith("+ ")]) == 2
    rules = load_manifest(text).file.actions["wipe"].autonomy
    assert rules is not None
    assert set(rules.agents) == {"old", "a", "bot"}


def test_a_lost_level_is_earned_back_step_by_step() -> None:
    """After a loss the next level up is proposed, and its entry forgives the loss."""
    manifest = load_manifest(HEAD + STYLES["empty"] + TAIL)
    lost = Demotion(Level.HUMAN_TAKEOVER, NOW - timedelta(days=3))
    wanted = proposals(manifest, [record(demotion=lost)])
    assert [(one.before, one.after) for one in wanted] == [(Level.HUMAN_TAKEOVER, Level.HARD_APPROVAL)]
    text = accepted(manifest, wanted, NOW)
    again = proposals(load_manifest(text), [record(demotion=lost)])
    assert again == []


def test_nothing_earned_changes_nothing() -> None:
    """Without proposals the text is the same to the byte."""
    manifest = load_manifest(HEAD + STYLES["flow"] + TAIL)
    assert accepted(manifest, [], NOW) == manifest.document.text
    assert difference(manifest.document.text, manifest.document.text, "a") == ""


def test_what_a_pattern_stands_for_is_earned_by_name() -> None:
    """A level is earned with one action and not with its siblings: it gets an entry of its own, in words too."""
    text = """\
version: 1
actions:
  "mcp__forge__*":
    title: Forge
    describe: Do it
    severity: low
    reversible: true
    autonomy: {start: hard_approval}   # all alike
"""
    manifest = load_manifest(text)
    wanted = proposals(manifest, [record(action="mcp__forge__read"), record(action="mcp__forge__write", successes=9)])
    assert [(one.action, one.pattern) for one in wanted] == [("mcp__forge__read", "mcp__forge__*")]
    assert "mcp__forge__* stands for it so far" in str(wanted[0])
    changed = accepted(manifest, wanted, NOW)
    after = load_manifest(changed)
    assert changed.startswith(text)
    rules = {name: action.autonomy for name, action in after.file.actions.items()}
    assert rules["mcp__forge__read"] is not None
    assert set(rules["mcp__forge__read"].agents) == {"bot"}
    assert rules["mcp__forge__*"] == manifest.file.actions["mcp__forge__*"].autonomy
    assert proposals(after, [record(action="mcp__forge__read")]) == []
