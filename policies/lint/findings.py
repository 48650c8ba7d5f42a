"""One finding of the lint, and what a rule is given to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.files.manifest import REGULATED_TAGS, Action, Manifest
from policies.files.policy import Policy, Severity
from policies.files.roster import Roster
from policies.files.strict_yaml import Document, Path

Grade = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to change in a policy file: where, what is wrong, and what to do."""

    severity: Grade
    path: str
    line: int
    message: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.message}. {self.suggestion}."


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes findings that point into one file."""

    document: Document
    path: str

    def error(self, at: Path, message: str, suggestion: str) -> Finding:
        """A contradiction or a dead end: `policy check` fails."""
        return Finding("error", self.path, self.document.line(at) or 1, message, suggestion)

    def warning(self, at: Path, message: str, suggestion: str) -> Finding:
        """Legal and safe, but probably not what was meant."""
        return Finding("warning", self.path, self.document.line(at) or 1, message, suggestion)

    def note(self, at: Path, message: str, suggestion: str) -> Finding:
        """Nothing wrong: what this means for people, where it may surprise."""
        return Finding("note", self.path, self.document.line(at) or 1, message, suggestion)


@dataclass(frozen=True, slots=True)
class Case:
    """One action as written (`action`) and as it holds (`policy`), with what surrounds it."""

    name: str
    action: Action
    policy: Policy
    manifest: Manifest
    roster: Roster | None
    reporter: Reporter

    def error(self, key: str, message: str, suggestion: str) -> Finding:
        """An error at `key` of the action (dots lead inwards)."""
        return self.reporter.error(self.at(key), f"{self.name}: {message}", suggestion)

    def warning(self, key: str, message: str, suggestion: str) -> Finding:
        """A warning at `key` of the action (dots lead inwards)."""
        return self.reporter.warning(self.at(key), f"{self.name}: {message}", suggestion)

    def note(self, key: str, message: str, suggestion: str) -> Finding:
        """A note at `key` of the action (dots lead inwards)."""
        return self.reporter.note(self.at(key), f"{self.name}: {message}", suggestion)

    def at(self, key: str) -> Path:
        """Where a key stands: in the action, or else in the defaults that it comes from."""
        steps = [int(step) if step.isdigit() else step for step in key.split(".")]
        own: Path = ("actions", self.name, *steps)
        inherited: Path = ("defaults", *steps)
        lines = self.manifest.document.lines
        return inherited if own not in lines and inherited in lines else own

    @property
    def floor(self) -> str | None:
        """Why no confidence at all lets this action run; None where some could."""
        if self.policy.irreversible:
            return "it is irreversible"
        tags = sorted(REGULATED_TAGS.intersection(self.policy.tags))
        return f"it is tagged {', '.join(tags)}" if tags else None

    @property
    def always_asks(self) -> str | None:
        """Why confidence alone never lets this action run; None where it can."""
        if self.floor is None and self.policy.severity is not Severity.LOW and self.policy.trusted_by is None:
            return f"{self.policy.severity} severity takes more than the agent's own word (thresholds.trust_evidence)"
        return self.floor

    @property
    def runs_by_policy(self) -> bool:
        """Whether any rule lets this action run without a person."""
        by_amount = bool(self.policy.conditions.auto_approve_below_usd)
        return by_amount or not self.policy.approval_required or self.always_asks is None
