"""A command line as the shell reads it: what the reader makes, and the judge walks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass


class Unreadable(Exception):
    """The command line has something that cannot be read for certain, so a person must."""


@dataclass(frozen=True, slots=True)
class Text:
    """Literal characters. Unquoted ones may still be a glob, a brace or a `~`."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name` or `${name…}`: `operator` is what follows the name (`:-`, `#`, `/` …), `rest` what it works with."""

    name: str
    quoted: bool = False
    operator: str = ""
    rest: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(…)` or backticks: what the commands print."""

    body: Script
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """`<(…)` or `>(…)`: a file name that is a pipe from or to the commands."""

    body: Script


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`$((…))`: a number; `parts` holds what is expanded on the way."""

    parts: tuple[Part, ...] = ()


Part = Text | Variable | Substitution | Process | Arithmetic


@dataclass(frozen=True, slots=True)
class Word:
    """One word before expansion; `at` is where it begins in the command line, in characters, where that can be said."""

    parts: tuple[Part, ...]
    at: int | None = None

    @property
    def literal(self) -> str | None:
        """The word where nothing in it is expanded, quotes removed; None where something is."""
        if all(isinstance(part, Text) for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Text))
        return None

    @property
    def bare(self) -> str | None:
        """The word where it was written without any quotes: only such a word can be a keyword."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Text) and not self.parts[0].quoted:
            return self.parts[0].text
        return None


@dataclass(slots=True)
class Document:
    """The text of a here-document, which stands further down than the command that it feeds; or of a here-string."""

    text: Word | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` without its `number`; a here-document or here-string has its `document`."""

    operator: str
    target: Word
    number: str = ""
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name=value`; an array has `values`."""

    name: str
    value: Word | None
    values: tuple[Word, ...] | None = None
    appends: bool = False


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its arguments, or only assignments and redirections; `text` is as it was written."""

    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    at: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands that feed each other."""

    stages: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AndOr:
    """`first && … || …`, from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`{ …; }`, or `( … )` where `subshell`."""

    body: Script
    subshell: bool = False
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """`for name in …`; without `items` it goes over the arguments. `name` is empty for the arithmetic form."""

    name: str
    items: tuple[Word, ...] | None
    body: Script
    parts: tuple[Part, ...] = ()
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class While:
    """`while` or `until`."""

    condition: Script
    body: Script
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what follows each, and what follows none of them."""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script | None = None
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """Arms of patterns with what follows each."""

    subject: Word
    arms: tuple[tuple[tuple[Word, ...], Script], ...]
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A definition; nothing runs yet."""

    name: str
    body: Node


@dataclass(frozen=True, slots=True)
class Test:
    """`[[ … ]]` or `(( … ))`: only what is expanded in it matters."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()


Node = Simple | Pipeline | AndOr | Group | For | While | If | Case | Function | Test


@dataclass(frozen=True, slots=True)
class Script:
    """Commands one after the other."""

    nodes: tuple[Node, ...] = field(default=())


def commands(node: Node | Script) -> Iterator[Simple]:
    """Every simple command in `node`, at whatever depth."""
    waiting: list[object] = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Simple):
            yield here
        if isinstance(here, tuple):
            waiting.extend(here)
        elif is_dataclass(here):
            waiting.extend(getattr(here, name.name) for name in fields(here))
