"""A program's arguments as options and operands, by what the table says of its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.shell.classes import Effect
from policies.shell.expand import HOLE, Arg

EFFECTS = frozenset(Effect)
_TAKES = frozenset(
    {
        "value",
        "plain",
        "value2",
        "pattern",
        "patternfile",
        "file",
        "file2",
        "write",
        "dir",
        "script",
        "gitconfig",
        "strategy",
        "setting",
        "classpath",
    }
)
_NO = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True, slots=True)
class Option:
    """One option as given: `name` as the table writes it (or as given, where it does not), and its value."""

    name: str
    kind: str = ""
    value: Arg | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What a command was given. `after` is, operand for operand, the argument that stood before it."""

    options: tuple[Option, ...]
    operands: tuple[Arg, ...]
    after: tuple[str, ...]
    ended: bool = False

    def values(self, *kinds: str) -> list[Arg]:
        """The values of the options of these kinds."""
        return [option.value for option in self.options if option.kind in kinds and option.value is not None]

    def has(self, *names: str) -> bool:
        """Whether one of these options was given."""
        return any(option.name in names for option in self.options)


def given(args: Sequence[Arg], known: Mapping[str, str], *, stop_at_operand: bool = False) -> Given:
    """`args` by the options in `known`. With `stop_at_operand` all from the first operand on are operands."""
    options, operands, after = list[Option](), list[Arg](), list[str]()
    waiting, before = list(args), ""
    ended = False
    while waiting:
        arg = waiting.pop(0)
        text = arg.text
        if text.startswith("+") and "+" in known and not ended:
            options.append(Option("+", known["+"]))
        elif ended or not text.startswith("-") or text == "-":
            operands.append(arg)
            after.append(before)
            ended = ended or stop_at_operand
        elif text == "--":
            ended = True
        else:
            options.extend(_option(arg, known, waiting))
        before = text
    return Given(tuple(options), tuple(operands), tuple(after), ended)


def _option(arg: Arg, known: Mapping[str, str], waiting: list[Arg]) -> list[Option]:
    text = arg.text
    name, equals, value = text.partition("=")
    exact = _exact(name, known)
    if exact is not None:
        return [_with_value(exact, known[exact], arg.part(value) if equals else None, waiting)]
    if text.startswith("--"):
        return [Option(name, "", arg.part(value) if equals else None)]
    return _bundle(arg, known, waiting)


def _exact(name: str, known: Mapping[str, str]) -> str | None:
    """The option of the table that `name` means: itself, or the gravest of those that it shortens."""
    if name in known and (name.startswith("--") or len(name) > 2):
        return name
    if not name.startswith("--") or len(name) < 4:
        return None
    longer = [option for option in known if option.startswith(name)]
    return max(longer, key=lambda option: _gravity(known[option]), default=None)


def _gravity(kind: str) -> int:
    return Effect(kind).rank if kind in EFFECTS else 0


def _with_value(name: str, kind: str, value: Arg | None, waiting: list[Arg]) -> Option:
    if value is None and kind in _TAKES and waiting:
        value = waiting.pop(0)
    if kind in ("value2", "file2") and waiting:
        second = waiting.pop(0)
        value = second if kind == "file2" else value
    return Option(name, kind, value)


def _bundle(arg: Arg, known: Mapping[str, str], waiting: list[Arg]) -> list[Option]:
    """`-abVALUE`: single letters, of which the last may have a value."""
    found: list[Option] = []
    letters = arg.text[1:]
    for at, letter in enumerate(letters):
        if letter == HOLE:
            found.append(Option(arg.text, Effect.UNKNOWN))
            break
        name = f"-{letter}"
        kind = known.get(name, "")
        rest = letters[at + 1 :].removeprefix("=") if kind else ""
        if kind in _TAKES:
            found.append(_with_value(name, kind, arg.part(rest) if rest else None, waiting))
            break
        found.append(Option(name, kind))
    return found


def mentions(args: Sequence[Arg], option: str) -> bool:
    """Whether `option` is given and not taken back: `--dry-run` is by `--no-dry-run`, `--dry-run=false` or `--dry-run false`."""
    texts = [arg.text for arg in args]
    before_end = texts[: texts.index("--")] if "--" in texts else texts
    if not option.startswith("--"):
        return any(_bundled(text, option) for text in before_end) and not any(
            text.startswith("--no-") for text in before_end
        )
    undone = any(text.startswith("--no-") and option[2:].startswith(text[5:].partition("=")[0]) for text in before_end)
    values = any(text.startswith(f"{option}=") for text in before_end)
    said = [at for at, text in enumerate(before_end) if text == option]
    refused = any(before_end[at + 1 : at + 2] and before_end[at + 1].lower() in _NO for at in said)
    return bool(said) and not (undone or values or refused)


def _bundled(text: str, option: str) -> bool:
    if text == option:
        return True
    return (
        len(option) == 2
        and text.startswith("-")
        and not text.startswith("--")
        and text[1:].isalpha()
        and option[1] in text
    )
