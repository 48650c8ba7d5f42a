"""What a command does to the world, from harmless to grave, and a finding that says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What a call does. The order is that of gravity: of several effects the last one counts."""

    READ = "read"
    """looks, and changes nothing"""
    LOCAL = "local"
    """changes the work tree or scratch files: edits, builds, tests, commits"""
    UNKNOWN = "unknown"
    """cannot be told"""
    OUTWARD = "outward"
    """reaches other people or machines: pushes, publishes, sends, installs"""
    SECRETS = "secrets"
    """touches passwords, keys or tokens"""
    DESTRUCTIVE = "destructive"
    """deletes, overwrites or changes what cannot easily be had back"""

    @property
    def rank(self) -> int:
        """Its place in the order of gravity."""
        return _RANKS[self]

    @property
    def harmless(self) -> bool:
        """Whether nobody need be asked by rights."""
        return self in (Effect.READ, Effect.LOCAL)


_RANKS = {effect: rank for rank, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a call does: `part` is the piece of it that was looked at, `why` one clause in plain words."""

    effect: Effect
    why: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a whole call does, and piece by piece why."""

    effect: Effect
    findings: tuple[Finding, ...]

    @property
    def why(self) -> str:
        """The reason for the effect, as one clause."""
        return next((found.why for found in self.findings if found.effect is self.effect), "")


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The gravest of `findings` decides; none at all is a read."""
    found = tuple(findings)
    gravest = max((one.effect for one in found), key=lambda effect: effect.rank, default=Effect.READ)
    return Verdict(gravest, found)


def gravest(findings: Iterable[Finding], otherwise: Finding) -> Finding:
    """The gravest of `findings`, or `otherwise` where none is graver."""
    return max((otherwise, *findings), key=lambda one: one.effect.rank)
