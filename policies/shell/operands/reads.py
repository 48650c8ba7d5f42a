"""Programs that look: plain words, files, patterns, listings, and the search languages of find, sed and awk."""

from __future__ import annotations

import re
from dataclasses import replace

from policies.shell.call import Call, Operands
from policies.shell.classes import Effect, Finding
from policies.shell.expand import HOLE, Arg
from policies.shell.operands import paths
from policies.shell.operands.awk import awk_problem
from policies.shell.operands.sed import sed_problem
from policies.shell.options import Given, given
from policies.shell.printed import names_found
from policies.shell.table import Rule


def _text(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return []


def _none(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return [Finding(Effect.UNKNOWN, f"{call.program} with something to set")] if found.operands else []


def _any(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return []


def _files(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return [paths.read(call, arg) for arg in found.operands]


def _first(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """The first file is read, a second one written."""
    return [paths.read(call, arg) for arg in found.operands[:1]] + [
        paths.write(call, arg) for arg in found.operands[1:]
    ]


def _lists(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Names are shown, not what is in the files: that is no secret, wherever it is."""
    unknown = [arg for arg in found.operands if not arg.known and not arg.tame and arg.several]
    return [Finding(Effect.UNKNOWN, "has arguments that are only known when it runs")] if unknown else []


def _pattern(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """A pattern first, unless an option gives it; then files."""
    files = (
        found.operands
        if any(option.kind in ("pattern", "patternfile") for option in found.options)
        else found.operands[1:]
    )
    deep = "deep" in rule.operands or any(
        option.name in ("-r", "-R", "--recursive", "--dereference-recursive") for option in found.options
    )
    if deep and not files and call.input.kind == "none":
        files = (Arg("."),)
    return [paths.read(call, arg, deep=deep) for arg in files]


def _revisions(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Commits, files, and files in commits (`HEAD:path`)."""
    results: list[Finding] = []
    for arg in found.operands:
        _, colon, path = arg.text.rpartition(":")
        piece = arg.part(path) if colon and not path.startswith(("/", "(")) else arg
        seen = paths.read(call, piece)
        results.append(seen if seen.effect is Effect.SECRETS else Finding(Effect.READ, "looks at the repository"))
        if not arg.known and not arg.tame:
            results.append(Finding(Effect.UNKNOWN, "has arguments that are only known when it runs"))
    return results


# -- find

_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_FIND_WRITES = frozenset({"-fprint", "-fprint0", "-fprintf", "-fls"})


def _find(call: Call, rule: Rule, found: Given) -> list[Finding]:
    args, results = list(call.args), list[Finding]()
    roots: list[Arg] = []
    while args and not args[0].text.startswith(("-", "(", "!")):
        roots.append(args.pop(0))
    while args and args[0].text in ("-H", "-L", "-P"):
        args.pop(0)
        while args and not args[0].text.startswith(("-", "(", "!")):
            roots.append(args.pop(0))
    if any(not root.known and not root.tame for root in roots):
        results.append(Finding(Effect.UNKNOWN, "searches a place that is only known when it runs"))
    while args:
        arg = args.pop(0)
        if not arg.known and not arg.tame:
            results.append(Finding(Effect.UNKNOWN, "has arguments that are only known when it runs"))
        elif arg.text == "-delete":
            results.append(Finding(Effect.DESTRUCTIVE, "deletes what it finds"))
        elif arg.text in _FIND_WRITES and args:
            results.append(paths.write(call, args.pop(0)))
        elif arg.text in ("-files0-from",):
            results.append(Finding(Effect.UNKNOWN, "searches places that a file names"))
        elif arg.text in _FIND_RUNS:
            results.extend(_find_runs(call, args))
    return results


def _find_runs(call: Call, args: list[Arg]) -> list[Finding]:
    inner: list[Arg] = []
    while args and args[0].text != ";" and not (args[0].text == "+" and inner and inner[-1].text == "{}"):
        inner.append(args.pop(0))
    if args:
        args.pop(0)
    if not inner:
        return [Finding(Effect.UNKNOWN, "runs something on what it finds")]
    found = names_found(call.places, call.state.cwd, [Arg("find"), *call.args]).item(inner[0].text)
    filled = [
        found if arg.text == "{}" else arg.part(arg.text.replace("{}", HOLE)) if "{}" in arg.text else arg
        for arg in inner
    ]
    filled = [arg if arg.known else replace(arg, trusted=found.trusted, tame=found.tame) for arg in filled]
    return call.around.judge(call.instead(filled))


# -- sed and awk

_SED_OPTIONS = {
    "-e": "pattern",
    "--expression": "pattern",
    "-f": "patternfile",
    "--file": "patternfile",
    "-i": "flag",
    "--in-place": "flag",
    "-l": "value",
    "--line-length": "value",
}


def _sed(call: Call, rule: Rule, found: Given) -> list[Finding]:
    args = list(call.args)
    # GNU's -i has its suffix attached, BSD's takes the next argument, often an empty one.
    bsd = [at for at, arg in enumerate(args[:-1]) if arg.text == "-i" and args[at + 1].text == ""]
    for at in reversed(bsd):
        del args[at + 1]
    attached = [
        arg
        for arg in args
        if arg.text.startswith("-i") and arg.text != "-i" and arg.text[2:3] in (".", "'", "~", "b", "o")
    ]
    args = [Arg("-i") if arg in attached else arg for arg in args]
    told = given(args, _SED_OPTIONS)
    scripts = [option.value for option in told.options if option.kind == "pattern" and option.value is not None]
    files = list(told.operands)
    if not scripts and not told.values("patternfile") and files:
        scripts.append(files.pop(0))
    if told.values("patternfile"):
        return [Finding(Effect.UNKNOWN, "runs a sed script from a file")]
    results: list[Finding] = []
    for one in scripts:
        problem = sed_problem(one.text) if one.known else "its script is only known when it runs"
        if problem:
            results.append(Finding(Effect.UNKNOWN, f"sed: {problem}"))
    rewrites = told.has("-i", "--in-place")
    return results + [paths.write(call, arg) if rewrites else paths.read(call, arg) for arg in files]


_AWK_OPTIONS = {
    "-F": "value",
    "-v": "value",
    "-f": "patternfile",
    "--field-separator": "value",
    "--assign": "value",
    "--file": "patternfile",
    "-i": Effect.UNKNOWN.value,
    "--include": Effect.UNKNOWN.value,
    "-l": Effect.UNKNOWN.value,
    "--load": Effect.UNKNOWN.value,
    "-E": Effect.UNKNOWN.value,
    "-W": Effect.UNKNOWN.value,
    "--exec": Effect.UNKNOWN.value,
    "-e": "pattern",
    "--source": "pattern",
    "-o": Effect.UNKNOWN.value,
    "-p": Effect.UNKNOWN.value,
    "-d": Effect.UNKNOWN.value,
    "-D": Effect.UNKNOWN.value,
    "--debug": Effect.UNKNOWN.value,
    "--dump-variables": Effect.UNKNOWN.value,
    "--pretty-print": Effect.UNKNOWN.value,
    "--profile": Effect.UNKNOWN.value,
}


def _awk(call: Call, rule: Rule, found: Given) -> list[Finding]:
    told = given(call.args, _AWK_OPTIONS)
    if any(option.kind == Effect.UNKNOWN for option in told.options) or told.values("patternfile"):
        return [Finding(Effect.UNKNOWN, "awk with a program from elsewhere")]
    scripts = told.values("pattern")
    files = list(told.operands)
    if not scripts and files:
        scripts.append(files.pop(0))
    results: list[Finding] = []
    for one in scripts:
        problem = awk_problem(one.text) if one.known else "its program is only known when it runs"
        if problem:
            results.append(Finding(Effect.UNKNOWN, f"awk: {problem}"))
    return results + [paths.read(call, arg) for arg in files]


_JQ_ENVIRONMENT = re.compile(r"(?<![.\w\"'])env\b|\$ENV|\bstrenv\b|\benvsubst\b|\bload(?:_\w+)?\s*\(")


def _jq(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """A filter of jq or yq can print the environment, and yq can load files."""
    filters = [arg for arg in (*found.operands[:2], *found.values("pattern")) if _JQ_ENVIRONMENT.search(arg.text)]
    return [Finding(Effect.SECRETS, "shows the environment, secrets too")] if filters else []


KINDS: dict[str, Operands] = {
    "text": _text,
    "none": _none,
    "any": _any,
    "files": _files,
    "first": _first,
    "lists": _lists,
    "pattern": _pattern,
    "jq": _jq,
    "deep": _text,
    "revisions": _revisions,
    "find": _find,
    "sed": _sed,
    "awk": _awk,
}
