"""One simple command as it will be run, and what is known around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from policies.shell.classes import Finding
from policies.shell.expand import Arg, State
from policies.shell.names import NO_NAMES, Names
from policies.shell.options import Given
from policies.shell.places import Places
from policies.shell.table import Rule, Table
from policies.shell.tree import Script


@dataclass(frozen=True, slots=True)
class Input:
    """Where a command's standard input comes from: `kind` is none, pipe, file or text. `names` says what names a pipe brings."""

    kind: str = "none"
    text: str | None = None
    names: Names = NO_NAMES


NO_INPUT = Input()


@dataclass(frozen=True, slots=True)
class Call:
    """One program with its arguments. `program` is its name without the directory, `path` as it was written."""

    path: Arg
    args: tuple[Arg, ...]
    state: State
    around: Around
    input: Input = NO_INPUT
    text: str = ""
    depth: int = 0

    @property
    def program(self) -> str:
        """The name of the program."""
        return self.path.text.rpartition("/")[2]

    @property
    def places(self) -> Places:
        """Where things lie."""
        return self.around.places

    def absolute(self, arg: Arg) -> str | None:
        """The file that an argument names; None where that is not known."""
        return self.places.absolute(arg.text, self.state.cwd) if arg.known else None

    def instead(self, args: Sequence[Arg], *, input: Input | None = None) -> Call:
        """What a wrapper starts: the first of `args` is its program."""
        return replace(
            self,
            path=args[0],
            args=tuple(args[1:]),
            input=self.input if input is None else input,
            text=" ".join(arg.text for arg in args),
            depth=self.depth + 1,
        )


@dataclass(frozen=True, slots=True)
class Around:
    """What a call is judged in: the places, the table (the organisation's own lines first), what was written before, and the judge
    itself for commands within commands."""

    places: Places
    table: Table
    written: set[str]
    judge: Callable[[Call], list[Finding]]
    judge_text: Callable[[str, Call], list[Finding]]
    judge_script: Callable[[Script, Call], list[Finding]]


Operands = Callable[[Call, Rule, Given], list[Finding]]
