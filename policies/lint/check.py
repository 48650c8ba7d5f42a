"""What is legal in the two files and yet cannot be meant: each finding with its line and a way out (docs/rules.md: A15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from policies.files.manifest import Manifest
from policies.files.roster import Roster
from policies.lint import amounts, consent, hooks, own, params, people, planted, rules, standing
from policies.lint.findings import Case, Finding, Reporter

__all__ = ["Finding", "lint"]

_ACTION_RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    *rules.RULES,
    *amounts.RULES,
    *params.RULES,
    *people.RULES,
    *own.RULES,
    *consent.RULES,
    *standing.RULES,
    *planted.RULES,
)


def lint(
    manifest: Manifest, roster: Roster | None, *, path: str = "actions.yml", roster_path: str = "reviewers.yml"
) -> list[Finding]:
    """Every finding, in the order of the files' lines; what needs the roster is left out without one."""
    found = set(_in_actions(manifest, roster, path))
    if roster is not None:
        found.update(people.in_roster(roster, manifest, Reporter(roster.document, roster_path)))
    files = {path: 0, roster_path: 1}
    return sorted(
        found, key=lambda finding: (files.get(finding.path, 2), finding.line, finding.severity, finding.message)
    )


def _in_actions(manifest: Manifest, roster: Roster | None, path: str) -> Iterator[Finding]:
    reporter = Reporter(manifest.document, path)
    for name, action in manifest.file.actions.items():
        policy = manifest.policy(name)
        case = Case(name, action, policy, manifest, roster, reporter)
        for rule in _ACTION_RULES:
            yield from rule(case)
    yield from hooks.findings(manifest, reporter)
