"""Builds, tests, linters and package managers: they run the project's own code, in the work tree."""

from __future__ import annotations

import posixpath
import re

from policies.shell.call import Call, Operands
from policies.shell.classes import Effect, Finding
from policies.shell.expand import Arg
from policies.shell.operands import paths
from policies.shell.operands.code import run_script
from policies.shell.operands.names import telling
from policies.shell.options import Given
from policies.shell.places import Where
from policies.shell.table import Rule

_WRITES = re.compile(
    r"^--?(?:o|(?:out|output|report|log|junit|coverage|cache|target|result|results)(?:[-_]?(?:file|dir|directory|path|folder|location|xml|output))?"
    r"|junitxml|cov-report|dest|destination|basetemp)$",
    re.IGNORECASE,
)
_PATH = re.compile(r"^(?:/|~|\.\./|\.\.$)|/\.\./|/\.\.$")
_ATTACHED = re.compile(r"^(-[\w.-]*?)[=:,]?((?:/|~|\.\./).*)$", re.DOTALL)
_SYSTEM = re.compile(
    r"^(?:/usr/(?:lib|include|share|local|bin)|/opt/homebrew|/Library/Developer|/Applications/Xcode[\w.-]*\.app)/?(?!.*\.\.)"
)
_URL = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LOCAL_URL = re.compile(r"^https?://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::[0-9]+)?(?:/|$)")


def _unknown(why: str) -> list[Finding]:
    return [Finding(Effect.UNKNOWN, why)]


def _tool(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """A tool that works in the work tree: nothing from elsewhere may steer it."""
    results: list[Finding] = []
    for arg, before in zip(found.operands, found.after, strict=True):
        results.extend(_steered(call, arg, before if before.startswith("-") else ""))
    for option in found.options:
        if option.kind in ("", "value") and option.value is not None:
            results.extend(_steered(call, option.value, option.name))
    for arg in call.args:
        attached = _ATTACHED.match(arg.text)
        if attached and not _WRITES.match(attached[1]) and not _SYSTEM.match(attached[2]):
            results.extend(_steered(call, arg.part(attached[2]), attached[1]))
    return results


def _steered(call: Call, arg: Arg, option: str) -> list[Finding]:
    if not arg.known and not arg.tame:
        return _unknown("has arguments that are only known when it runs")
    text = arg.text
    if _URL.match(text) and not _LOCAL_URL.match(text):
        return [Finding(Effect.OUTWARD, f"works with {text}")]
    if not _PATH.search(text):
        seen = paths.read(call, arg)
        return [seen] if seen.effect is Effect.SECRETS else []
    if _WRITES.match(option):
        return [paths.write(call, arg)]
    where = paths.where(call, arg)
    if where in (Where.INSIDE, Where.STREAM):
        seen = paths.read(call, arg)
        return [seen] if seen.effect is Effect.SECRETS else []
    return _unknown(f"{call.program} with {text}, from outside the work tree")


def _noneor(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Installs what the lock file says; anything named besides is something new."""
    if found.operands:
        return _unknown(rule.why or "adds a package")
    return _tool(call, rule, found)


def _scripts(call: Call, rule: Rule, found: Given) -> list[Finding]:
    told = telling(*(arg.text for arg in found.operands[:2]))
    return [*_tool(call, rule, found), *([told] if told else [])]


_EXECUTES = frozenset(
    {"exec", "cmd", "x", "shell", "sh", "eval", "console", "repl", "env", "do", "script", "run-script"}
)


def _target(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Targets, tasks and goals: their names may tell what they do; `run` and `exec` are passed over."""
    names = [arg.text for arg in found.operands if not arg.text.startswith("-")][:6]
    told = telling(*(name.rpartition("/")[2] for name in names))
    if _EXECUTES & set(names[:1]):
        return _unknown(f"{call.program} {names[0]} runs another command")
    return [*_tool(call, rule, found), *([told] if told else [])]


_MAKE_VARIABLE = re.compile(r"^[A-Za-z_][\w.-]*[:?+]?=")


def _make(call: Call, rule: Rule, found: Given) -> list[Finding]:
    known = {
        "-f": "script",
        "--file": "script",
        "--makefile": "script",
        "-C": "dir",
        "--directory": "dir",
        "-j": "count",
        "-I": "script",
    }
    results, targets = list[Finding](), list[str]()
    args = list(call.args)
    while args:
        arg = args.pop(0)
        name, equals, value = arg.text.partition("=")
        if not arg.known and not arg.tame:
            return _unknown("make with arguments that are only known when it runs")
        if name in ("-p", "--print-data-base", "-pn", "-np", "-qp") or name.startswith("--print-da"):
            return [Finding(Effect.SECRETS, "shows all variables, secrets too")]
        if name.startswith(("--ev", "-E")):
            return _unknown("make with rules of its own")
        kind = known.get(name) or (known.get(arg.text[:2]) if not name.startswith("--") else None)
        if kind == "count":
            if args and args[0].text.isdigit() and name in ("-j", "--jobs"):
                args.pop(0)
        elif name == "--jobs" and not equals:
            if args and args[0].text.isdigit():
                args.pop(0)
        elif kind:
            attached = (
                arg.part(value)
                if equals and name in known
                else arg.part(arg.text[2:])
                if len(arg.text) > 2 and name not in known
                else None
            )
            given_value = attached if attached is not None else args.pop(0) if args else None
            if given_value is not None:
                results.append(paths.script(call, given_value))
        elif _MAKE_VARIABLE.match(arg.text):
            if (
                re.match(r"(?:SHELL|MAKE\w*|\.SHELLFLAGS|PATH|LD_\w+|\w*_?WRAPPER|CC|CXX|LD|AR)[:?+]?=", arg.text)
                or "$(" in value
                or "`" in value
            ):
                results.extend(_unknown(f"make with {name}, which decides what is run"))
        elif not arg.text.startswith("-"):
            targets.append(arg.text)
    told = telling(*targets)
    return [*results, *([told] if told else [])]


# -- programs run by a package manager

_SCOPED = {
    "@biomejs/biome": "biome",
    "@playwright/test": "playwright",
    "@tailwindcss/cli": "tailwindcss",
    "@arethetypeswrong/cli": "attw",
    "@redocly/cli": "",
}
_VALUED = frozenset({"-p", "--package", "--filter", "-F", "-w", "--workspace", "--prefix", "-C", "--dir", "--cwd"})


def _runs(call: Call, rule: Rule, found: Given) -> list[Finding]:
    words = list(call.args)
    script = any(word in rule.name for word in ("run", "run-script"))
    package = False
    while words and words[0].text.startswith("-"):
        word = words.pop(0)
        if word.text == "--":
            break
        name = word.text.partition("=")[0]
        if name in (
            "-c",
            "--call",
            "--shell-auto-fallback",
            "--registry",
            "--userconfig",
            "--node-options",
            "--script-shell",
        ):
            return _unknown(f"{call.program} with a command line of its own")
        package = package or name in ("-p", "--package")
        if word.text in _VALUED and words:
            words.pop(0)
    if package:
        return _unknown("fetches and runs a package by name")
    if not words:
        return [Finding(Effect.READ, "lists the project's scripts")]
    if not words[0].known:
        return _unknown("runs a script that is only known when it runs")
    if script:
        if words[0].text == "env":
            return [Finding(Effect.SECRETS, "shows the environment, secrets too")]
        told = telling(words[0].text)
        rest = Given((), tuple(words[1:]), ("",) * len(words[1:]))
        return [
            Finding(Effect.LOCAL, f"runs the project's script {words[0].text}"),
            *_tool(call, rule, rest),
            *([told] if told else []),
        ]
    name = _SCOPED.get(words[0].text.rpartition("@")[0] or words[0].text) or words[0].text
    name = name.rpartition("@")[0] if re.fullmatch(r"[\w.-]+@[\w.^~-]+", name) else name
    if not re.fullmatch(r"[\w.-]+", name):
        return _unknown(f"fetches and runs {name}")
    return call.around.judge(call.instead([Arg(name), *words[1:]]))


def _workspace(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """`yarn workspace NAME …` and `yarn workspaces foreach … run …`: what is run there."""
    words = list(call.args)[1 if rule.name[1] == "workspace" else 0 :]
    while words and (words[0].text in ("foreach", "run") or words[0].text.startswith("-")):
        words.pop(0)
    return (
        call.around.judge(call.instead([Arg("yarn"), *words]))
        if words and words[0].known
        else _unknown("runs something everywhere")
    )


def _gotool(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Go's packages: of the work tree, or of the standard library."""
    results: list[Finding] = []
    if any("extld" in option.value.text or "extar" in option.value.text for option in found.options if option.value):
        results.extend(_unknown("go with a linker of its own"))
    for arg in found.operands:
        if not arg.known and not arg.tame:
            results.extend(_unknown("has packages that are only known when it runs"))
        elif "@" in arg.text and not arg.text.startswith(("./", "/")):
            results.extend(_unknown(f"fetches {arg.text}"))
        elif _PATH.search(arg.text) and paths.where(call, arg) is not Where.INSIDE:
            results.extend(_unknown(f"builds {arg.text}, from outside the work tree"))
    return results


def _gorun(call: Call, rule: Rule, found: Given) -> list[Finding]:
    operands = found.operands
    if not operands or not operands[0].known:
        return _unknown("runs a program that is only known when it runs")
    first = operands[0].text
    if "@" in first or not (first.startswith(("./", "../", "/")) or first == "." or first.endswith(".go")):
        return _unknown(f"fetches and runs {first}")
    return run_script(call, operands[0], operands[1:])


def _dryrun(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Only shows what would be done."""
    return [seen for arg in found.operands if (seen := paths.read(call, arg)).effect is Effect.SECRETS]


def own_program(call: Call) -> list[Finding]:
    """A program of the work tree, called by its path."""
    return run_script(call, call.path, call.args)


def is_own(call: Call) -> bool:
    """Whether the program is called by a path within the work tree."""
    return "/" in call.path.text and call.path.known and paths.where(call, call.path) is Where.INSIDE


def standard_place(path: str) -> bool:
    """Whether programs of the system or of a tool chain lie there."""
    return bool(
        re.match(
            r"^(?:/usr(?:/local)?(?:/go|/lib/[\w.-]+)?/s?bin|/s?bin|/opt/homebrew/(?:bin|opt/[\w@.-]+/bin)|/home/linuxbrew/\.linuxbrew/bin)$",
            posixpath.dirname(path),
        )
    )


KINDS: dict[str, Operands] = {
    "tool": _tool,
    "noneor": _noneor,
    "scripts": _scripts,
    "target": _target,
    "make": _make,
    "runs": _runs,
    "workspace": _workspace,
    "gotool": _gotool,
    "gorun": _gorun,
    "dryrun": _dryrun,
}
