"""Lint of the `hooks` section: rules that can never speak, and calls that run though nobody meant it."""

from __future__ import annotations

from collections.abc import Iterator

from policies.files.hooks_section import DENY, HookRule, Hooks
from policies.files.manifest import Manifest
from policies.files.strict_yaml import Path
from policies.hooks.effects import matches
from policies.hooks.mapping import specificity
from policies.hooks.tools import TOOLS, Does
from policies.lint.findings import Finding, Reporter
from policies.shell.classes import Effect
from policies.shell.wrappers import WRAPPERS

BROAD = 12  # a pattern with fewer letters is about more tools than anybody has in mind
_GRAVE = frozenset({Effect.OUTWARD, Effect.SECRETS, Effect.DESTRUCTIVE})
_INTERPRETERS = frozenset(
    {"python", "python3", "node", "perl", "ruby", "php", "make", "npx", "npm", "git", "docker", "kubectl", "curl"}
)


def findings(manifest: Manifest, reporter: Reporter) -> Iterator[Finding]:
    """Everything that the section says and cannot mean."""
    section = manifest.file.hooks
    if section is None:
        return
    yield from _otherwise(manifest, section, reporter)
    for at, rule in enumerate(section.rules):
        yield from _runs_unasked(manifest, rule, ("hooks", "rules", at), reporter)
    yield from _never_speaks(section, reporter)
    yield from _commands(section, reporter)


def _free(manifest: Manifest, action: str | None) -> bool:
    return action is not None and not manifest.policy(action).approval_required


def _otherwise(manifest: Manifest, section: Hooks, reporter: Reporter) -> Iterator[Finding]:
    if section.otherwise != DENY and _free(manifest, section.otherwise):
        message = f"what no rule maps runs without a person, as {section.otherwise}"
        yield reporter.error(("hooks", "otherwise"), message, "Name an action that asks, or deny")


def _runs_unasked(manifest: Manifest, rule: HookRule, at: Path, reporter: Reporter) -> Iterator[Finding]:
    grave = sorted(rule.wanted & _GRAVE)
    if not _free(manifest, rule.action) or not grave:
        return
    judged = [
        name for name in TOOLS if TOOLS[name].does is not Does.TALKS and any(matches(one, name) for one in rule.tools)
    ]
    stars = [one for one in rule.tools if "*" in one]
    if rule.effects is None and (judged or stars):
        named = judged[0] if judged else stars[0]
        message = f"{named} runs without a person whatever it does, secrets and deletions too"
        yield reporter.warning(at, message, "Say what it is about: is: [read, local]")
    elif rule.effects is not None and any(len(one.replace("*", "")) < BROAD for one in stars):
        message = f"calls that are {', '.join(grave)} run without a person, as {rule.action}"
        yield reporter.warning(at, message, "Map them to an action that asks")


def _never_speaks(section: Hooks, reporter: Reporter) -> Iterator[Finding]:
    seen: list[tuple[frozenset[str], HookRule]] = []
    for at, rule in enumerate(section.rules):
        for names, before in seen:
            covered = names >= frozenset(rule.tools) and before.wanted >= rule.wanted and before.when is None
            if covered and all(specificity(before, one) >= specificity(rule, one) for one in rule.tools):
                message = "this rule never applies: one before it is about the same calls"
                yield reporter.warning(("hooks", "rules", at), message, "Remove it, or put it before the other")
                break
        seen.append((frozenset(rule.tools), rule))


def _commands(section: Hooks, reporter: Reporter) -> Iterator[Finding]:
    for name, effect in section.commands.items():
        words = name.split()
        at = ("hooks", "commands", name)
        if words[0] in WRAPPERS:
            message = f"{words[0]} runs another command, and that one is judged: the line has no effect"
            yield reporter.warning(at, message, "Name the command inside")
        elif effect.harmless and len(words) == 1 and words[0] in _INTERPRETERS:
            message = f"everything that {name} can do counts as {effect}"
            yield reporter.warning(at, message, "Name its subcommands")
