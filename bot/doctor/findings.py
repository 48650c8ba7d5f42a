"""What a look at one thing came to: a line for people, an object for machines."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

WIDTH = 80


class State(StrEnum):
    """How a thing is."""

    OK = "ok"
    WRONG = "not ok"
    UNSEEN = "cannot be seen from here"
    CONFIRM = "for a person to confirm"


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` says what was looked at, `says` what was seen, and `cure` what to click, set or run."""

    name: str
    state: State
    says: str
    cure: str = ""

    @property
    def line(self) -> str:
        """One line, whatever was seen."""
        told = f"{self.state.value}: {self.name}: {self.says}"
        return _printable(f"{told}. {self.cure}" if self.cure else told)

    @property
    def paragraph(self) -> str:
        """The same, no wider than a terminal is."""
        head = _printable(f"{_MARKS[self.state]:8}{self.name}: {self.says}")
        lines = textwrap.wrap(head, WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False)
        if self.cure:
            lines += textwrap.wrap(
                _printable(self.cure),
                WIDTH,
                initial_indent=" " * 8 + "→ ",
                subsequent_indent=" " * 10,
                break_on_hyphens=False,
            )
        return "\n".join(lines)


_MARKS = {State.OK: "ok", State.WRONG: "NOT OK", State.UNSEEN: "unseen", State.CONFIRM: "confirm"}


def ok(name: str, says: str, advice: str = "") -> Finding:
    """Nothing is wrong."""
    return Finding(name, State.OK, says, advice)


def wrong(name: str, says: str, cure: str) -> Finding:
    """Something is, and this mends it."""
    return Finding(name, State.WRONG, says, cure)


def unseen(name: str, says: str, cure: str = "") -> Finding:
    """Nobody can say from here."""
    return Finding(name, State.UNSEEN, says, cure)


def confirm(name: str, says: str, cure: str) -> Finding:
    """A person has to say."""
    return Finding(name, State.CONFIRM, says, cure)


def exit_status(findings: Iterable[Finding]) -> int:
    """1 where something is wrong; what cannot be seen is not wrong."""
    return int(any(finding.state is State.WRONG for finding in findings))


def as_json(findings: list[Finding]) -> str:
    """For machines."""
    body = {"ok": not exit_status(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(body, indent=2, ensure_ascii=False)


def summary(findings: list[Finding]) -> str:
    """How many of each kind."""
    counts = {state: sum(finding.state is state for finding in findings) for state in State}
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " if c.isspace() else f"‹U+{ord(c):04X}›" for c in text)
