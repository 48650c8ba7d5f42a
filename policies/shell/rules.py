"""One simple command by the table: which line fits, what its options mean, what its operands are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from policies.shell.call import Call
from policies.shell.classes import Effect, Finding
from policies.shell.expand import Arg
from policies.shell.kinds import KINDS
from policies.shell.operands import paths, remote
from policies.shell.operands.tools import is_own, own_program, standard_place
from policies.shell.options import EFFECTS, Given, Option, given, mentions
from policies.shell.places import Where
from policies.shell.table import MEANS, Rule, Table

# Files in which a builder or a test runner finds by itself what to run.
_RECIPE = re.compile(
    r"/(?:(?:gnu)?makefile|[^/]*\.mk|package\.json|conftest\.py|setup\.py|noxfile\.py|(?:site|user)customize\.py|justfile|taskfile\.ya?ml|rakefile"
    r"|build\.rs|[^/]*\.gradle(?:\.kts)?|cmakelists\.txt|[^/]*\.config\.[cm]?[jt]s)$",
    re.IGNORECASE,
)
_SHOWS = frozenset({"--help", "-h", "--version", "-V", "-v", "version", "help", "-version", "-help"})
# They run the project's own code, or what its files say: only where the work tree is.
_RUNS_CODE = frozenset(
    {"tool", "noneor", "runs", "scripts", "target", "make", "gotool", "gorun", "node", "python", "script"}
)


def by_table(call: Call) -> list[Finding]:
    """What the command does, by the table; a program that it does not know can do anything."""
    own = is_own(call)
    if (
        "/" in call.path.text
        and not own
        and not standard_place(call.places.absolute(call.path.text, call.state.cwd) or "")
    ):
        return [Finding(Effect.UNKNOWN, f"runs {call.path.text}, a program from outside the work tree")]
    names = call.around.table.of(call.program)
    if own and not names:
        return [*_asks_version(call), *([] if _only_shows(call) else own_program(call)), *_general(call, text=False)]
    if _only_shows(call):
        return _asks_version(call)
    if not names:
        return [Finding(Effect.UNKNOWN, f"{call.program} is a program that Sayso does not know")]
    return by_rule(call)


def _only_shows(call: Call) -> bool:
    return len(call.args) == 1 and call.args[0].text in _SHOWS


def _asks_version(call: Call) -> list[Finding]:
    return [Finding(Effect.READ, "shows its help or version")] if _only_shows(call) else []


def by_rule(call: Call) -> list[Finding]:
    """What the line of the table that fits says."""
    rule, rest, odd = chosen(call.around.table, call.program, call.args)
    if rule is None:
        return [Finding(Effect.UNKNOWN, f"{call.program} in a way that Sayso does not know")]
    found = _given(call, rule, rest)
    name = " ".join(rule.name)
    results = [Finding(rule.effect, f"{name}: {rule.means}" if not rule.effect.harmless or rule.why else rule.means)]
    if odd:
        results.append(Finding(Effect.UNKNOWN, f"{call.program} with {odd}, which Sayso does not know"))
    inside, checked = _moved(call, rule, found)
    results.extend(checked)
    for option in found.options:
        results.extend(_by_option(inside, rule, option))
    work = replace(inside, args=tuple(rest))
    for kind in rule.operands:
        results.extend(KINDS[kind](work, rule, found))
    if any(option.kind == "rewrites" for option in found.options):
        results.extend(paths.write(inside, arg) for arg in found.operands)
    return [*results, *_general(call, text=bool({"text", "lists"} & set(rule.operands))), *_at_home(inside, rule)]


def _given(call: Call, rule: Rule, rest: Sequence[Arg]) -> Given:
    """The options and operands of `rest`; what stands before the subcommand is the program's own: `git -c`, not `git switch -c`."""
    base = call.around.table.get(call.program)
    common: Mapping[str, str] = base.options if base is not None and base is not rule else {}
    before = 0
    while before < min(len(rest), len(call.args)) and rest[before] is call.args[before]:
        before += 1
    if len(rest) == len(call.args):
        before = 0  # no subcommand
    first = given(rest[:before], {**rule.options, **common})
    found = given(rest[before:], {**common, **rule.options}, stop_at_operand="inner" in rule.operands)
    return replace(found, options=(*first.options, *found.options))


def chosen(table: Table, program: str, args: Sequence[Arg]) -> tuple[Rule | None, list[Arg], str]:
    """The line that fits best, the arguments without its subcommand, and an option before it that is not known."""
    base = table.get(program)
    options: Mapping[str, str] = base.options if base else {}
    places = _operand_places(args, options)
    best: Rule | None = None
    for rule in table.of(program):
        if _fits(rule, args, places) and (best is None or len(rule.name) > len(best.name)):
            best = rule
    if best is None:
        return None, list(args), ""
    words = [word for word in best.name[1:] if not word.startswith("-")]
    taken = set(places[: len(words)])
    odd = (
        next((args[at].text for at in range(max(taken, default=0)) if at not in taken and _odd(args, at, options)), "")
        if taken
        else ""
    )
    return best, [arg for at, arg in enumerate(args) if at not in taken], odd


def _operand_places(args: Sequence[Arg], options: Mapping[str, str]) -> list[int]:
    """Where the first words that are no options stand."""
    told, places, at = list(args), list[int](), 0
    while at < len(told) and len(places) < 4:
        text = told[at].text
        if text == "--":
            break
        if not text.startswith("-"):
            places.append(at)
        elif "=" not in text and options.get(text, "") not in EFFECTS | {""}:
            at += 1
        at += 1
    return places


def _odd(args: Sequence[Arg], at: int, options: Mapping[str, str]) -> bool:
    text = args[at].text
    name = text.partition("=")[0]
    before = args[at - 1].text if at else ""
    is_value = options.get(before, "") not in EFFECTS | {""} and "=" not in before
    return (
        text.startswith("-") and not is_value and name not in options and name[:2] not in options and name not in _SHOWS
    )


def _fits(rule: Rule, args: Sequence[Arg], places: list[int]) -> bool:
    words = [word for word in rule.name[1:] if not word.startswith("-")]
    options = [word for word in rule.name[1:] if word.startswith("-")]
    here = [args[at] for at in places[: len(words)]]
    return [arg.text for arg in here if arg.known] == words and all(mentions(args, option) for option in options)


def _moved(call: Call, rule: Rule, found: Given) -> tuple[Call, list[Finding]]:
    """The call in the directory that an option names."""
    results: list[Finding] = []
    for value in found.values("dir"):
        path = call.absolute(value)
        where = call.places.where(path)
        if where not in (Where.INSIDE, Where.SCRATCH) and rule.effect is not Effect.READ:
            results.append(
                Finding(
                    Effect.UNKNOWN,
                    f"works in {value.text}, outside the work tree"
                    if path
                    else "works in a place that is only known when it runs",
                )
            )
        call = replace(call, state=call.state.at(path))
    return call, results


def _by_option(call: Call, rule: Rule, option: Option) -> list[Finding]:
    if option.kind in EFFECTS:
        effect = Effect(option.kind)
        return [] if effect.harmless else [Finding(effect, f"{' '.join(rule.name)} with {option.name} {MEANS[effect]}")]
    if option.value is None:
        return []
    match option.kind:
        case "file" | "file2" | "patternfile":
            return [paths.read(call, option.value)]
        case "write":
            return [paths.write(call, option.value)]
        case "setting":
            path = option.value.part(re.split("[=:]", option.value.text)[-1])
            return [paths.write(call, path)] if {"/", "~"} & set(path.text) else []
        case "script":
            return [paths.script(call, option.value)]
        case "classpath":
            entries = [entry.removesuffix("/*") for entry in option.value.text.split(":") if entry]
            return [paths.script(call, option.value.part(entry)) for entry in entries]
        case "gitconfig":
            return remote.git_setting(option.value)
        case "strategy":
            return remote.git_strategy(option.value)
        case "value" | "value2" if (
            "exclude" not in option.name and "ignore" not in option.name and option.value.text[:1] != "!"
        ):
            return _named_secret(call, option)
        case _:
            return []


_SECRET_NAMES = (
    ".env",
    ".env.local",
    ".env.production",
    "id_rsa",
    "id_ed25519",
    ".netrc",
    ".npmrc",
    "server.pem",
    "server.key",
)
_CHOOSES = frozenset({"--include", "--glob", "--iglob", "-g", "-G"})


def _named_secret(call: Call, option: Option) -> list[Finding]:
    """A value that names a file of secrets, also behind a colon or as a pattern."""
    assert option.value is not None
    text = option.value.text
    chosen = (
        option.name in _CHOOSES and text.strip("*./") and any(fnmatchcase(name, text.lower()) for name in _SECRET_NAMES)
    )
    seen = [paths.read(call, option.value), paths.read(call, option.value.part(text.rpartition(":")[2]))]
    if chosen or any(one.effect is Effect.SECRETS for one in seen):
        return [Finding(Effect.SECRETS, f"looks into files where secrets are kept ({text})")]
    return []


def _general(call: Call, *, text: bool) -> list[Finding]:
    """What holds for any program: a secret that is passed on, and arguments that could be options."""
    results: list[Finding] = []
    secret = next((arg.secret for arg in call.args if arg.secret), None)
    if secret and call.program not in ("test", "[", "export", "local", "unset", "declare", "readonly", "typeset"):
        results.append(Finding(Effect.SECRETS, f"passes on the secret in {secret}"))
    if not text and any(arg.several and not arg.known and not arg.tame for arg in call.args):
        results.append(Finding(Effect.UNKNOWN, "has arguments that are only known when it runs"))
    return results


def _at_home(call: Call, rule: Rule) -> list[Finding]:
    """Work is done where the work tree is: elsewhere a build runs somebody else's files."""
    if rule.effect is Effect.READ:
        return []
    where = call.places.where(call.state.cwd)
    if _RUNS_CODE & set(rule.operands):
        allowed = where is Where.INSIDE
    else:
        allowed = where in (Where.INSIDE, Where.SCRATCH) or rule.effect is not Effect.LOCAL or rule.name[0] != "git"
    fresh = sorted(path for path in call.around.written if _RECIPE.search(path))
    if fresh and _RUNS_CODE & set(rule.operands):
        return [Finding(Effect.UNKNOWN, f"runs what this very command wrote into {call.places.relative(fresh[0])}")]
    return (
        []
        if allowed
        else [
            Finding(
                Effect.UNKNOWN,
                f"works in {call.state.cwd or 'a place that is only known when it runs'}, outside the work tree",
            )
        ]
    )
