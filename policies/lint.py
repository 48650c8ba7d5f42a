"""What is legal in the two files and yet cannot be meant: each finding with its line and a way out (A15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from policies import lint_amounts, lint_consent, lint_hooks, lint_own, lint_params, lint_people, lint_rules
from policies.findings import Case, Finding, Reporter
from policies.manifest import Manifest
from policies.roster import Roster

__all__ = ["Finding", "lint"]

_ACTION_RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    *lint_rules.RULES,
    *lint_amounts.RULES,
    *lint_params.RULES,
    *lint_people.RULES,
    *lint_own.RULES,
    *lint_consent.RULES,
)


def lint(
    manifest: Manifest, roster: Roster | None, *, path: str = "actions.yml", roster_path: str = "reviewers.yml"
) -> list[Finding]:
    """Every finding, in the order of the files' lines; what needs the roster is left out without one."""
    found = set(_in_actions(manifest, roster, path))
    if roster is not None:
        found.update(lint_people.in_roster(roster, manifest, Reporter(roster.document, roster_path)))
    files = {path: 0, roster_path: 1}
    return sorted(
        found, key=lambda finding: (files.get(finding.path, 2), finding.line, finding.severity, finding.message)
    )


def _in_actions(manifest: Manifest, roster: Roster | None, path: str) -> Iterator[Finding]:
    reporter = Reporter(manifest.document, path)
    for name, action in manifest.file.actions.items():
        policy = manifest.policy(name)
        if policy is None:
            continue
        case = Case(name, action, policy, manifest, roster, reporter)
        for rule in _ACTION_RULES:
            yield from rule(case)
    yield from lint_hooks.findings(manifest, reporter)
