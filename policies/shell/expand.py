"""What the words of a command become: variables, `~`, braces and quotes resolved, as far as that is known beforehand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from policies.shell.places import Places
from policies.shell.tree import Arithmetic, Part, Process, Substitution, Text, Unreadable, Variable, Word

HOLE = "\ufffc"
"""Stands in a text for a piece that is only known when the command runs."""
MAX_WORDS = 256
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|_PAT$|_DSN$|DATABASE_URL|CONN(?:ECTION)?_STRING|_AUTH$|COOKIE|SESSION_ID)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_MODIFIER = re.compile(r":[A-Za-z&]")
_BRACE_RANGE = re.compile(r"(-?[0-9]{1,4})\.\.(-?[0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument as the program will see it.

    `text` has a HOLE for each piece that is not known. `tame`: the unknown pieces are plain words, such as a date or a branch;
    `trusted`: they are also no file that somebody chose, such as the place of a tool chain; `editable`: they are names of source
    files. `secret` names an environment variable in it that looks like one. `several`: it may become more than one argument.
    """

    text: str
    known: bool = True
    glob: bool = False
    trusted: bool = True
    tame: bool = True
    several: bool = False
    secret: str | None = None
    editable: bool = False

    def part(self, text: str) -> Arg:
        """The piece `text` of this argument, with the same doubts."""
        return replace(self, text=text, known=HOLE not in text)


@dataclass(frozen=True, slots=True)
class State:
    """Where the shell stands and what it remembers; `cwd` is None where that is not known."""

    cwd: str | None
    values: Mapping[str, Arg] = field(default_factory=dict)
    arguments: tuple[Arg, ...] | None = None

    def at(self, cwd: str | None) -> State:
        """The same shell in another directory."""
        return replace(self, cwd=cwd, values={**self.values, "OLDPWD": _place(self.cwd)})

    def knowing(self, name: str, value: Arg) -> State:
        """The same shell with a variable set."""
        return replace(self, values={**self.values, name: value})

    @property
    def key(self) -> tuple[object, ...]:
        """Two states with the same key are the same."""
        return (self.cwd, tuple(sorted(self.values.items(), key=lambda item: item[0])), self.arguments)


def _place(path: str | None) -> Arg:
    return Arg(path) if path is not None else Arg(HOLE, known=False, trusted=False, tame=False)


UNKNOWN = Arg(HOLE, known=False, trusted=False, tame=False, several=True)
_PLAIN = Arg(HOLE, known=False, trusted=False)
_NUMBER = Arg("0")
# A job that this very command line started: only `kill` looks at it.
OWN_JOB = Arg("%!")
_NUMBERS = frozenset(
    "? # $ RANDOM SECONDS LINENO EPOCHSECONDS PIPESTATUS[0] PIPESTATUS[1] PIPESTATUS[@] UID EUID PPID SHLVL COLUMNS LINES".split()
)
_HARMLESS_NAMES = frozenset({"USER", "LOGNAME", "HOSTNAME", "SHELL", "LANG", "TERM", "OSTYPE", "BASH_VERSION", "0"})
_KEEPS = frozenset({":-", "-", ":=", "=", ":+", "+", ":?", "?"})


@dataclass(frozen=True, slots=True)
class Expander:
    """Expands words in one state; `output` says what a substitution prints, and judges it on the way."""

    state: State
    places: Places
    output: Callable[[Substitution | Process], Arg]

    def words(self, words: Iterable[Word]) -> tuple[Arg, ...]:
        """Every word as the arguments that it becomes."""
        found: list[Arg] = []
        for word in words:
            for braced in _braces(word):
                found.extend(self._split(braced))
            if len(found) > MAX_WORDS * 8:
                raise Unreadable("too many words")
        return tuple(found)

    def single(self, word: Word | None) -> Arg:
        """A word where the shell does not split, such as the value of a variable or the target of a redirection."""
        if word is None:
            return Arg("")
        fields = self._fields(word, splits=False)
        return fields[0] if fields else Arg("")

    def _split(self, word: Word) -> list[Arg]:
        return self._fields(word, splits=True)

    def _fields(self, word: Word, *, splits: bool) -> list[Arg]:
        fields: list[Arg] = [Arg("")]
        exists = False
        for index, part in enumerate(word.parts):
            if isinstance(part, Text):
                text = self._tilde(part, word, index)
                glob = not part.quoted and any(char in part.text for char in "*?[")
                fields[-1] = _glued(fields[-1], Arg(text, glob=glob))
                exists = exists or bool(part.text) or part.quoted
                continue
            value = self._value(part)
            if isinstance(part, Variable) and value.known and _modified(word.parts[index + 1 : index + 2]):
                value = replace(value, text=HOLE, known=False, trusted=False)
            quoted = getattr(part, "quoted", True)
            if quoted or not splits:
                fields[-1] = _glued(fields[-1], replace(value, several=value.several and not quoted))
                exists = exists or quoted or bool(value.text)
                continue
            pieces = value.text.split() if value.known else [value.text]
            glob = any(char in value.text for char in "*?[")
            if value.known and value.text[:1].isspace() and fields[-1].text:
                fields.append(Arg(""))
            for number, piece in enumerate(pieces):
                if number:
                    fields.append(Arg(""))
                fields[-1] = _glued(fields[-1], replace(value, text=piece, glob=value.glob or glob))
            if value.known and value.text[-1:].isspace() and pieces:
                fields.append(Arg(""))
            exists = exists or bool(pieces)
        return [one for one in fields if one.text or (exists and len(fields) == 1)]

    def _tilde(self, part: Text, word: Word, index: int) -> str:
        if index or part.quoted or not part.text.startswith("~"):
            return part.text
        user, slash, rest = part.text.partition("/")
        if not slash and len(word.parts) > 1:
            return part.text  # ~"name" is no home directory
        if user == "~":
            return self.places.home + slash + rest
        if user == "~+" and self.state.cwd is not None:
            return self.state.cwd + slash + rest
        return HOLE + slash + rest

    def _value(self, part: Part) -> Arg:
        if isinstance(part, Substitution | Process):
            return self.output(part)
        if isinstance(part, Arithmetic):
            self._counts(part.parts)
            return _NUMBER
        assert isinstance(part, Variable)
        return self._variable(part)

    def _inner(self, parts: tuple[Part, ...]) -> Arg:
        """What parts inside an expansion become; substitutions in them are judged."""
        return self.single(Word(parts)) if parts else Arg("")

    def _counts(self, parts: tuple[Part, ...]) -> None:
        """Arithmetic evaluates what its variables hold, and a subscript in that can run commands."""
        named = {name for part in parts if isinstance(part, Text) for name in _WORD.findall(part.text)}
        values = [self._value(part) for part in parts if not isinstance(part, Text)]
        values += [self.state.values[name] for name in named if name in self.state.values]
        if any("[" in value.text if value.known else not value.tame for value in values):
            raise Unreadable("arithmetic over what is only known when it runs")

    def _variable(self, part: Variable) -> Arg:
        value = self._plain(part.name)
        if part.operator == "":
            return value
        if part.operator == "length":
            return _NUMBER
        rest = self._inner(part.rest)
        if part.operator == ":":
            self._counts(part.rest)
        if part.operator in _KEEPS:
            if part.operator in (":+", "+"):
                return (
                    rest
                    if part.name in self.state.values
                    else replace(rest, known=False, trusted=False, tame=False, several=True)
                )
            if part.name in self.state.values:
                return value
            return _either(value, rest)
        if value.known and rest.known:
            return _trimmed(value, part.operator, rest.text)
        return replace(value, text=HOLE, known=False, trusted=False, tame=value.tame and rest.tame)

    def _plain(self, name: str) -> Arg:
        if name in self.state.values:
            return self.state.values[name]
        if name in _NUMBERS:
            return _NUMBER
        if name == "!":
            return OWN_JOB
        if name == "HOME":
            return Arg(self.places.home)
        if name == "PWD":
            return _place(self.state.cwd)
        if name in ("TMPDIR", "TEMP", "TMP"):
            return Arg(self.places.scratch[0])
        if name in _HARMLESS_NAMES:
            return _PLAIN
        if name == "IFS":
            return Arg(" \t\n")
        if self.state.arguments is not None and name.isdigit():
            place = int(name) - 1
            return self.state.arguments[place] if place < len(self.state.arguments) else Arg("")
        return replace(UNKNOWN, secret=name if looks_secret(name) else None)


def looks_secret(name: str) -> bool:
    """Whether a variable's name says that it holds a secret."""
    return _SECRET_NAME.search(name) is not None


def _modified(following: tuple[Part, ...]) -> bool:
    """Whether zsh changes a variable before this: `$file:r` is the name without its last extension, and other shells add `:r`."""
    return any(isinstance(part, Text) and _MODIFIER.match(part.text) for part in following)


def _glued(first: Arg, then: Arg) -> Arg:
    return Arg(
        first.text + then.text,
        known=first.known and then.known,
        glob=first.glob or then.glob,
        trusted=first.trusted and then.trusted,
        tame=first.tame and then.tame,
        several=first.several or then.several,
        editable=(first.editable or first.text == "") and (then.editable or then.text == ""),
        secret=first.secret or then.secret,
    )


def _either(value: Arg, default: Arg) -> Arg:
    """A variable that may be set outside, or else has a default: neither is certain."""
    return replace(value, text=HOLE, known=False, trusted=False, tame=False, secret=value.secret or default.secret)


def _trimmed(value: Arg, operator: str, rest: str) -> Arg:
    """`${name#…}` and its like on a known value, where the pattern is plain; otherwise it is not known."""
    if operator in ("#", "##", "%", "%%") and not any(char in rest for char in "*?[\\"):
        text = value.text.removeprefix(rest) if operator[0] == "#" else value.text.removesuffix(rest)
        return replace(value, text=text)
    return replace(value, text=HOLE, known=False, trusted=False, tame=value.tame)


# -- braces


def _braces(word: Word) -> list[Word]:
    """`a{b,c}` as the words `ab` and `ac`. Raises Unreadable where an expansion stands among the braces."""
    if not any(isinstance(part, Text) and not part.quoted and "{" in part.text for part in word.parts):
        return [word]
    if not all(isinstance(part, Text) for part in word.parts):
        text = "".join(part.text if isinstance(part, Text) and not part.quoted else HOLE for part in word.parts)
        if any("," in inside or ".." in inside for inside in re.findall(r"\{([^{}]*)\}", text)):
            raise Unreadable("braces around an expansion")
        return [word]
    chars = [(char, part.quoted) for part in word.parts if isinstance(part, Text) for char in part.text]
    results = _expanded(chars)
    return [Word(_as_parts(result), word.at) for result in results]


_Chars = list[tuple[str, bool]]


def _expanded(chars: _Chars) -> list[_Chars]:
    for begin, (char, quoted) in enumerate(chars):
        if char != "{" or quoted:
            continue
        end, commas = _closing(chars, begin)
        if end is None:
            continue
        inner = chars[begin + 1 : end]
        options = _options(inner, [comma - begin - 1 for comma in commas])
        if options is None:
            continue
        results = [[*chars[:begin], *option, *rest] for rest in _expanded(chars[end + 1 :]) for option in options]
        if len(results) > MAX_WORDS:
            raise Unreadable("too many words in braces")
        return [done for result in results for done in _again(result, begin)]
    return [chars]


def _again(chars: _Chars, begin: int) -> list[_Chars]:
    head, tail = chars[:begin], chars[begin:]
    return (
        [head + done for done in _expanded(tail)]
        if any(char == "{" and not quoted for char, quoted in tail)
        else [chars]
    )


def _closing(chars: _Chars, begin: int) -> tuple[int | None, list[int]]:
    depth, commas = 0, list[int]()
    for at in range(begin, len(chars)):
        char, quoted = chars[at]
        if quoted:
            continue
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 1:
            commas.append(at)
        if depth == 0:
            return at, commas
    return None, []


def _options(inner: _Chars, commas: list[int]) -> list[_Chars] | None:
    if commas:
        edges = [-1, *commas, len(inner)]
        return [inner[first + 1 : second] for first, second in pairwise(edges)]
    text = "".join(char for char, _ in inner)
    found = _BRACE_RANGE.fullmatch(text)
    if found:
        first, last = int(found[1]), int(found[2])
        if abs(last - first) >= MAX_WORDS:
            raise Unreadable("too many words in braces")
        step = 1 if last >= first else -1
        return [[(char, False) for char in str(number)] for number in range(first, last + step, step)]
    if ".." in text:
        raise Unreadable("a range in braces that is not read")
    return None


def _as_parts(chars: _Chars) -> tuple[Part, ...]:
    parts: list[Part] = []
    for char, quoted in chars:
        last = parts[-1] if parts else None
        if isinstance(last, Text) and last.quoted == quoted:
            parts[-1] = Text(last.text + char, quoted)
        else:
            parts.append(Text(char, quoted))
    return tuple(parts) or (Text("", quoted=True),)
