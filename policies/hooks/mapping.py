"""From a tool call to the manifest's action: the most specific rule that fits decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policies import expressions
from policies.files.hooks_section import DENY, HookRule, Hooks
from policies.files.manifest import Manifest
from policies.hooks import effects
from policies.shell.classes import Effect, Verdict
from policies.shell.table import Rule, Table, built_in


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where a call goes: to `action`, or refused where `refusal` says why; `line` is the manifest's.

    `verdict` says what the call does, and `tree` in which work tree it was judged.
    """

    action: str | None
    refusal: str | None
    verdict: Verdict
    line: int | None
    tree: str | None = None

    @property
    def said(self) -> tuple[str, ...]:
        """What a reviewer is told of the call: each part that is not harmless, gravest first, at most six."""
        grave = [found for found in self.verdict.findings if not found.effect.harmless]
        grave.sort(key=lambda found: -found.effect.rank)
        told = [f"{found.effect}: {found.why}" + (f" ‹{found.part[:120]}›" if found.part else "") for found in grave]
        return tuple(dict.fromkeys(told))[:6]


NO_HOOKS = "the manifest has no hooks section: no tool call is mapped to an action"


def mapped(
    manifest: Manifest,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    cwd: str | None,
    transcript: str | None = None,
    project: str | None = None,
    agent: str = "agent",
) -> Mapped:
    """What the manifest says of a tool call in `cwd`; `project` is where the host was started, as far as it says."""
    section = manifest.file.hooks
    if section is None:
        return Mapped(None, NO_HOOKS, Verdict(Effect.UNKNOWN, ()), None)
    around = effects.surroundings(
        cwd=cwd,
        transcript=transcript,
        project=project,
        work_trees=section.work_tree,
        scratch=section.scratch,
        table=_table(manifest.version, section),
    )
    verdict = effects.effect_of(tool, arguments, around)
    tree = around.places.tree
    for at in _ordered(section, tool):
        rule = section.rules[at]
        if verdict.effect in rule.wanted and _condition(rule, manifest, arguments, agent):
            line = manifest.document.line(("hooks", "rules", at))
            return Mapped(rule.action, rule.deny, verdict, line, tree)
    line = manifest.document.line(("hooks", "otherwise"))
    if section.otherwise == DENY:
        return Mapped(None, f"no rule of the manifest allows {tool} for this ({verdict.why})", verdict, line, tree)
    return Mapped(section.otherwise, None, verdict, line, tree)


def _ordered(section: Hooks, tool: str) -> list[int]:
    """The rules about this tool, the most specific first: the exact name, the longest pattern; a condition, fewer effects."""
    found: list[tuple[tuple[int, ...], int]] = []
    for at, rule in enumerate(section.rules):
        fits = [pattern for pattern in rule.tools if effects.matches(pattern, tool)]
        if fits:
            found.append((max(specificity(rule, pattern) for pattern in fits), at))
    return [at for _, at in sorted(found, key=lambda entry: (tuple(-part for part in entry[0]), entry[1]))]


def specificity(rule: HookRule, pattern: str) -> tuple[int, ...]:
    """How closely a rule is about one kind of call; larger is closer."""
    return ("*" not in pattern, len(pattern.replace("*", "")), rule.when is not None, len(Effect) - len(rule.wanted))


def _condition(rule: HookRule, manifest: Manifest, arguments: Mapping[str, Any], agent: str) -> bool:
    """Whether the rule's condition holds; one without an answer holds only where it makes nothing run."""
    if rule.when is None:
        return True
    values = {
        "params": dict(arguments),
        "agent": agent,
        "action": rule.action or "",
        "amount": None,
        "confidence": None,
        "risk_score": None,
        "evidence": {},
        "urgency": "normal",
        "on_behalf_of": "",
    }
    try:
        return expressions.holds(rule.when, values)
    except expressions.CannotTell:
        return rule.deny is not None or rule.action is None or manifest.policy(rule.action).approval_required


def _table(version: str, section: Hooks) -> Table:
    return _with_own(version, tuple(section.commands.items()))


@lru_cache(maxsize=16)
def _with_own(version: str, commands: tuple[tuple[str, Effect], ...]) -> Table:
    """The table of programs with the organisation's own before it; what it says of a program, it says of all its arguments."""
    if not commands:
        return built_in()
    own = {}
    for name, effect in commands:
        words = tuple(name.split())
        own[words] = Rule(words, effect, ("text",), {}, f"is {effect}, as the manifest says")
    return Table(own, built_in().rules)
