"""The table of programs: what each does, by subcommand and option. The lines themselves are in `tables/`.

One rule is `names | effect | operands | options | why`; it may go on in lines that begin with a blank:

- *names*: programs with the same rules, separated by commas; several words are a program with its subcommand. A word that begins
  with `-` must be among the options. Of all names that fit, the one with the most words decides.
- *effect*: read, local, unknown, outward, secrets or destructive (`classes.Effect`).
- *operands*: what the arguments beside the options are, one of the kinds in `operands/`.
- *options*: `-o=KIND` for options that matter: the name of an effect (giving the option has it), or what its value is: `value` and
  `plain` (looked at no further), `value2` (two of them), `pattern`, `file` and `patternfile` (read), `write` (written), `setting`
  (`name=value` or `kind:path`, in which a path is written), `dir` (worked in), `script` (run), `classpath` (several of them).
  A long option may be shortened, and short ones bundled, as programs allow.
- *why*: a clause for people; most lines need none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from policies.shell.classes import Effect

MEANS = {
    Effect.READ: "looks only",
    Effect.LOCAL: "works in the work tree",
    Effect.UNKNOWN: "can do anything",
    Effect.OUTWARD: "reaches other machines",
    Effect.SECRETS: "touches secrets",
    Effect.DESTRUCTIVE: "deletes or overwrites",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table for one of its names."""

    name: tuple[str, ...]
    effect: Effect
    operands: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def means(self) -> str:
        """What it does, as a clause."""
        return self.why or MEANS[self.effect]


class Table:
    """Rules by their names; of two tables together the first one's rules count."""

    def __init__(self, *tables: Mapping[tuple[str, ...], Rule]) -> None:
        self.rules = {name: rule for table in reversed(tables) for name, rule in table.items()}
        self._programs: dict[str, list[Rule]] = {}
        for rule in self.rules.values():
            self._programs.setdefault(rule.name[0], []).append(rule)

    def get(self, *name: str) -> Rule | None:
        """The rule of exactly this name."""
        return self.rules.get(name)

    def of(self, program: str) -> list[Rule]:
        """All rules of a program."""
        return self._programs.get(program, [])


def rules_of(lines: str) -> dict[tuple[str, ...], Rule]:
    """The rules in the text `lines`; raises ValueError naming the line that cannot be read, or the name given twice."""
    found: dict[tuple[str, ...], Rule] = {}
    for line in _joined(lines):
        for rule in _of_line(line):
            if rule.name in found:
                raise ValueError(f"given twice: {' '.join(rule.name)}")
            found[rule.name] = rule
    return found


def _joined(lines: str) -> Iterable[str]:
    """Each rule as one line: a line that begins with a blank goes on with the one before."""
    whole = ""
    for line in lines.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith(" "):
            whole += f" {line.strip()}"
            continue
        if whole:
            yield whole
        whole = line
    if whole:
        yield whole


def _of_line(line: str) -> Iterable[Rule]:
    cells = [cell.strip() for cell in line.split("|")]
    names, effect, operands = cells[0], cells[1], cells[2]
    options = dict(
        option.rpartition("=")[::2] for option in (cells[3].split() if len(cells) > 3 else []) if "=" in option
    )
    why = cells[4] if len(cells) > 4 else ""
    for name in names.split(","):
        yield Rule(tuple(name.split()), Effect(effect), tuple(operands.split()), options, why)


@lru_cache(maxsize=1)
def built_in() -> Table:
    """Everything that Sayso knows of programs."""
    from policies.shell.tables import files, git, reach, tools  # the lines are long: they are read when first needed

    return Table(rules_of("".join(module.LINES for module in (files, git, tools, reach))))
