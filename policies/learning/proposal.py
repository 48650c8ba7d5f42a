"""What agents earned, as a change of the manifest that the owner may accept; nothing applies it by itself (docs/rules.md: F7)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import yaml

from policies.autonomy import Execution, earned, standing
from policies.digest import rfc3339
from policies.files.manifest import Manifest
from policies.files.manifest_edit import child, difference, end, with_entry
from policies.files.tightening import Autonomy
from policies.history import Demotion
from policies.learning.tuning import apart
from policies.levels import Level

__all__ = ["AgentRecord", "Proposal", "accepted", "difference", "proposals"]


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """How an agent fared with an action: its executions, oldest first, and the last level it lost."""

    agent: str
    action: str
    outcomes: tuple[Execution, ...]
    demotion: Demotion | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One level more for one agent and action, and who would answer for it; `pattern` is what stands for the action so far."""

    agent: str
    action: str
    before: Level
    after: Level
    owner: str | None
    pattern: str | None = None

    def __str__(self) -> str:
        owner = f"to be accepted by {self.owner}" if self.owner else "and no owner is named who could accept it"
        return (
            f"{self.agent} earned {self.after.value} for {self.action} (now {self.before.value}), {owner}"
            f"{apart(self.pattern)}"
        )


def proposals(manifest: Manifest, records: Iterable[AgentRecord]) -> list[Proposal]:
    """What these records earn under this manifest, by action and agent."""
    found = []
    for record in records:
        policy = manifest.policy(record.action)
        if policy.autonomy is None:
            continue
        after = earned(policy, record.agent, record.demotion, record.outcomes)
        if after is not None:
            before = standing(policy.autonomy, record.agent, record.demotion).level
            pattern = None if policy.action == record.action else policy.action
            found.append(Proposal(record.agent, record.action, before, after, policy.owner, pattern))
    return sorted(found, key=lambda one: (one.action, one.agent))


def accepted(manifest: Manifest, wanted: Sequence[Proposal], at: datetime) -> str:
    """The manifest's text with every proposal written in as accepted at `at`; all else stays as it is, to the byte."""
    text = manifest.document.text
    for action, pattern in sorted({(one.action, one.pattern) for one in wanted if one.pattern}, reverse=True):
        text = with_entry(text, pattern, action)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    by_action: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in wanted:
        by_action[proposal.action].append(proposal)
    changes = []
    for action, proposed in by_action.items():
        node = child(child(child(root, "actions"), action), "autonomy")
        rules = manifest.file.actions[manifest.policy(action).action].autonomy
        assert rules is not None
        changes.append((node.start_mark.index, end(node), _written(rules, proposed, at)))
    for start, stop, replacement in sorted(changes, reverse=True):
        text = text[:start] + replacement + text[stop:]
    return text


def _written(rules: Autonomy, proposed: Sequence[Proposal], at: datetime) -> str:
    granted = {name: (entry.level, entry.since) for name, entry in rules.agents.items()}
    granted |= {proposal.agent: (proposal.after, rfc3339(at)) for proposal in proposed}
    entries = [
        f"{json.dumps(name)}: {{level: {level.value}, since: {json.dumps(since)}}}"
        for name, (level, since) in granted.items()
    ]
    return f"{{start: {rules.start.value}, agents: {{{', '.join(entries)}}}}}"
