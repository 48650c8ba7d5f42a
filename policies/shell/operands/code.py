"""Interpreters: a script of the work tree is the project's own code; code on the command line is read, or asks."""

from __future__ import annotations

import re

from policies.shell.call import Call, Operands
from policies.shell.classes import Effect, Finding
from policies.shell.expand import Arg
from policies.shell.operands import paths
from policies.shell.operands.names import telling
from policies.shell.operands.python_code import python_problem
from policies.shell.options import Given, given
from policies.shell.places import Where
from policies.shell.table import Rule


def _unknown(why: str) -> list[Finding]:
    return [Finding(Effect.UNKNOWN, why)]


def run_script(call: Call, script: Arg, rest: tuple[Arg, ...] = ()) -> list[Finding]:
    """Running a script of the work tree, whose name may tell that it does more than local work."""
    found = [paths.script(call, script)]
    name = script.text.rpartition("/")[2]
    if name == "manage.py" and any(arg.text in ("shell", "shell_plus", "dbshell") for arg in rest):
        return [*found, *_unknown("opens a shell in the application")]
    told = telling(name, *(arg.text for arg in rest[:3]))
    return [*found, told] if told else found


def _script(call: Call, rule: Rule, found: Given) -> list[Finding]:
    told = given(call.args, rule.options, stop_at_operand=True)
    jars = [option.value for option in told.options if option.name == "-jar" and option.value is not None]
    if jars:
        return run_script(call, jars[0], told.operands)
    if not told.operands:
        return _unknown(f"{call.program} takes its commands from its input")
    return run_script(call, told.operands[0], told.operands[1:])


# -- Python

_PYTHON = {"-c": "code", "-m": "module", "-W": "value", "-X": "plain", "--check-hash-based-pycs": "value"}
_FLAGS = frozenset("bBdEIOPqsSuvxh")
_OWN_MODULES = frozenset(
    {"unittest", "doctest", "compileall", "py_compile", "json.tool", "build", "pydoc", "http.server", "ensurepip.tool"}
)


def _python(call: Call, rule: Rule, found: Given) -> list[Finding]:
    args = list(call.args)
    while args and args[0].text.startswith("-") and args[0].text != "-":
        text = args[0].text
        if not args[0].known:
            return _unknown("Python with options that are only known when it runs")
        if text in ("-V", "-VV", "--version", "-h", "--help"):
            return [Finding(Effect.READ, "shows its version")]
        if text in ("-W", "-X", "--check-hash-based-pycs"):
            del args[:2]
            continue
        if text.startswith(("-W", "-X")):
            args.pop(0)
            continue
        if text.startswith("-c") or (len(text) > 2 and text.endswith("c") and set(text[1:-1]) <= _FLAGS):
            code = (
                args[0].part(text[2:])
                if text.startswith("-c") and len(text) > 2
                else args[1]
                if len(args) > 1
                else None
            )
            return _python_code(call, code)
        if text == "-m" or (text.endswith("m") and set(text[1:-1]) <= _FLAGS):
            return _python_module(call, args[1:])
        if not set(text[1:]) <= _FLAGS:
            return _unknown(f"Python with {text}, which is not known here")
        args.pop(0)
    if not args or args[0].text == "-":
        if call.input.text is not None:
            return _python_code(call, Arg(call.input.text))
        return _unknown("Python takes its code from its input")
    return run_script(call, args[0], tuple(args[1:]))


def _python_code(call: Call, code: Arg | None) -> list[Finding]:
    if code is None or not code.known:
        return _unknown("Python code that is only known when it runs")
    problem, files = python_problem(code.text)
    if problem:
        return _unknown(f"Python code that {problem}")
    return [Finding(Effect.READ, "computes and prints"), *(paths.read(call, Arg(file)) for file in files)]


def _python_module(call: Call, args: list[Arg]) -> list[Finding]:
    if not args or not args[0].known:
        return _unknown("a Python module that is only known when it runs")
    module = args[0].text
    program = {"awscli": "aws", "pre_commit": "pre-commit", "sphinx": "sphinx-build", "IPython": "ipython"}.get(
        module, module
    )
    if call.around.table.of(program) and "." not in program:
        return call.around.judge(call.instead([Arg(program), *args[1:]]))
    if module == "venv":
        return [paths.write(call, arg) for arg in args[1:] if not arg.text.startswith("-")]
    if module not in _OWN_MODULES:
        return _unknown(f"runs the module {module}, which is not known here")
    if module == "http.server" and not all(arg.text.isdigit() for arg in args[1:]):
        return _unknown("opens a server with options that are not read")
    checked = [paths.read(call, arg) for arg in args[1:] if not arg.text.startswith("-")]
    away = [arg for arg in args[1:] if not arg.text.startswith("-") and paths.where(call, arg) is not Where.INSIDE]
    if away and module != "json.tool":
        return _unknown(f"runs {module} outside the work tree")
    if module == "json.tool" and len(checked) > 1:
        return [checked[0], paths.write(call, args[-1])]
    return [Finding(Effect.LOCAL, f"runs the module {module}"), *checked]


# -- Node

_NODE = {
    "-r": "script",
    "--require": "script",
    "--import": "script",
    "--loader": "script",
    "--experimental-loader": "script",
    "--env-file": Effect.SECRETS.value,
    "--test-reporter": "plain",
    "--test-name-pattern": "value",
    "--conditions": "value",
    "-C": "value",
    "--test": "flag",
}
_VALUE = r"""(?:require\(["'][./\w@-]+\.json["']\)|process\.(?:version|versions|arch|platform))(?:\.[\w$]+|\[["'\w@/.-]+\])*"""
_PRINTS = re.compile(
    rf"\s*(?:{_VALUE}|console\.log\({_VALUE}\)|(?:console\.log\()?JSON\.stringify\({_VALUE}(?:,\s*null,\s*\d)?\)\)?)\s*;?\s*"
)


def _node(call: Call, rule: Rule, found: Given) -> list[Finding]:
    told = given(call.args, _NODE, stop_at_operand=True)
    names = {option.name for option in told.options}
    if names & {"-v", "--version", "-h", "--help"}:
        return [Finding(Effect.READ, "shows its version")]
    if names & {"-e", "--eval", "-p", "--print", "-i", "--interactive"} or any(
        name.startswith("-") and not name.startswith("--") and set(name[1:]) & set("epi") for name in names
    ):
        code = told.operands[0] if told.operands else None
        if code is not None and code.known and _PRINTS.fullmatch(code.text):
            return [Finding(Effect.READ, "prints a value")]
        return _unknown("JavaScript on the command line")
    results = [paths.script(call, value) for value in told.values("script")]
    results += [
        Finding(Effect.SECRETS, "reads a file of secrets") for option in told.options if option.kind == Effect.SECRETS
    ]
    if any(
        name.startswith(
            (
                "--inspect",
                "--experimental-default",
                "--openssl-config",
                "--icu",
                "--diagnostic-dir",
                "--redirect-warnings",
            )
        )
        for name in names
    ):
        results.extend(_unknown("node with an option that is not known here"))
    if names & {"--test", "--check", "-c", "--run", "--watch"} and not told.operands:
        return [*results, Finding(Effect.LOCAL, "runs the project's own tests")]
    if not told.operands:
        return [*results, *_unknown("node takes its code from its input")]
    return results + run_script(call, told.operands[0], told.operands[1:])


# -- Perl

_PERL_EDIT = re.compile(r"-(?:[pnlai0]|i\.\w+)*e")
_SUBSTITUTES = re.compile(
    r"\s*(?:s([/|#,!])(?:(?!\1)[^\\\n$@`]|\\[\w./|#()\[\]{}*+?^\"' -])*"
    r"\1(?:(?!\1)[^\\\n@`$]|\$[0-9]|\\[\w./|#\"' -])*\1[gimsx]*\s*;?\s*)+"
)


# Perl opens its arguments as it opens anything: with one of these at an end a name is a command, or is written.
_OPENS = re.compile(r"^-.|^\s*[<>|+]|\|\s*$")


def _perl(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """`perl -pe 's/…/…/'` as sed; any other Perl asks."""
    args, rewrites = list(call.args), False
    if args and args[0].known and not args[0].text.startswith("-"):
        return run_script(call, args[0], tuple(args[1:]))
    while args and args[0].text.startswith("-") and not args[0].text.endswith("e"):
        flags = args.pop(0).text
        if not re.fullmatch(r"-(?:[pnla0]*(?:i(?:\.\w+)?)?)", flags):
            return _unknown("Perl with an option that is not known here")
        rewrites = rewrites or "i" in flags
    if len(args) < 2 or not _PERL_EDIT.fullmatch(args[0].text):
        return _unknown("Perl on the command line")
    rewrites = rewrites or "i" in args[0].text
    script = args[1]
    plain = (
        script.known and _SUBSTITUTES.fullmatch(script.text) and "(?{" not in script.text and "(??{" not in script.text
    )
    if not plain:
        return _unknown("Perl that does more than replace text")
    files = args[3:] if args[2:3] and args[2].text == "--" else args[2:]
    if any(_OPENS.search(arg.text) for arg in files):
        return _unknown("Perl with a second program, or a file name that Perl runs or writes")
    return [paths.write(call, arg) if rewrites else paths.read(call, arg) for arg in files]


KINDS: dict[str, Operands] = {"script": _script, "python": _python, "node": _node, "perl": _perl}
