"""What the shell does itself: it moves, sets variables, and reads scripts into itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from policies.shell.call import Call
from policies.shell.classes import Effect, Finding
from policies.shell.environment import setting
from policies.shell.expand import UNKNOWN, Arg, State
from policies.shell.operands.code import run_script


@dataclass(frozen=True, slots=True)
class Changed:
    """The states after a command, where it succeeded and where it failed."""

    success: Sequence[State]
    failure: Sequence[State]


Told = tuple[list[Finding], Changed]
_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNS = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)


def _same(state: State, *findings: Finding) -> Told:
    return list(findings), Changed([state], [state])


def _unknown(state: State, why: str) -> Told:
    return _same(state, Finding(Effect.UNKNOWN, why))


def _cd(call: Call, state: State) -> Told:
    words = [arg for arg in call.args if arg.text not in ("-P", "-L", "-e", "--")]
    if not words:
        target = state.at(call.places.home)
    elif words[0].text == "-":
        before = state.values.get("OLDPWD", UNKNOWN)
        target = state.at(before.text if before.known else None)
    elif len(words) > 1 or not words[0].known or words[0].glob:
        target = state.at(None)
    else:
        target = state.at(call.places.absolute(words[0].text, state.cwd))
    return [], Changed([target], [state])


def _pushd(call: Call, state: State) -> Told:
    if call.args and call.args[0].text[:1] not in ("+", "-"):
        return _cd(call, state)
    return [], Changed([state.at(None)], [state])


def _popd(call: Call, state: State) -> Told:
    return [], Changed(
        [state.at(None), state.at(state.values["OLDPWD"].text)]
        if state.values.get("OLDPWD", UNKNOWN).known
        else [state.at(None)],
        [state],
    )


def _declares(call: Call, state: State) -> Told:
    """`export`, `declare` and their like: assignments, or names."""
    findings: list[Finding] = []
    for arg in call.args:
        found = _ASSIGNS.fullmatch(arg.text)
        if found:
            value = UNKNOWN if found[2] else arg.part(found[3])
            told = setting(found[1], value)
            findings.extend([told] if told else [])
            state = state.knowing(found[1], value)
        elif arg.text.startswith(("-", "+")):
            if set(arg.text[1:]) - set("xrgfFalutp"):
                findings.append(Finding(Effect.UNKNOWN, f"{call.program} with {arg.text}, which is not known here"))
        elif not arg.known:
            findings.append(Finding(Effect.UNKNOWN, "sets variables that are only known when it runs"))
        elif not _NAME.fullmatch(arg.text):
            findings.append(Finding(Effect.UNKNOWN, f"{call.program} {arg.text}, which is not read"))
    if not [arg for arg in call.args if not arg.text.startswith("-")]:
        findings.append(Finding(Effect.SECRETS, "shows all variables, secrets too"))
    return _same(state, *findings)


def _reads(call: Call, state: State) -> Told:
    """`read`: what comes in is not known."""
    item = call.input.names.item("read")
    valued = False
    for arg in call.args:
        if valued:
            valued = False
        elif arg.text in ("-p", "-d", "-n", "-N", "-t", "-u", "-i"):
            valued = True
        elif arg.text.startswith("-") and set(arg.text[1:]) <= set("rseadpntu"):
            continue
        elif _NAME.fullmatch(arg.text) and not setting(arg.text, UNKNOWN):
            state = state.knowing(arg.text, item)
        else:
            return _unknown(state, f"read with {arg.text}, which is not read")
    return _same(state.knowing("REPLY", item))


def _unset(call: Call, state: State) -> Told:
    for arg in call.args:
        if _NAME.fullmatch(arg.text):
            told = setting(arg.text, UNKNOWN)
            if told:
                return _same(state, told)
            state = state.knowing(arg.text, Arg(""))
        elif arg.text not in ("-v", "-f"):
            return _unknown(state, f"unset {arg.text}, which is not read")
    return _same(state)


def _set(call: Call, state: State) -> Told:
    if not call.args:
        return _same(state, Finding(Effect.SECRETS, "shows all variables, secrets too"))
    plain = all(
        re.fullmatch(r"[-+][euxvfnCo]+|pipefail|errexit|nounset|xtrace|noglob|noclobber|verbose", arg.text)
        for arg in call.args
    )
    return _same(state) if plain else _unknown(state, "set with arguments that are not read")


def _source(call: Call, state: State) -> Told:
    if not call.args:
        return _unknown(state, "reads a script without a name")
    return _same(state, *run_script(call, call.args[0], call.args[1:]))


def _trap(call: Call, state: State) -> Told:
    words = [arg for arg in call.args if arg.text != "--"]
    if not words or words[0].text in ("-", "-l", "-p", ""):
        return _same(state)
    if not words[0].known:
        return _unknown(state, "runs a text that is only known when it runs")
    return _same(state, *call.around.judge_text(words[0].text, call))


def _alias(call: Call, state: State) -> Told:
    return _unknown(state, "changes what a command's name means") if call.args else _same(state)


def _let(call: Call, state: State) -> Told:
    names = {name for arg in call.args for name in re.findall(r"[A-Za-z_]\w*", arg.text)}
    values = [state.values[name] for name in names if name in state.values]
    plain = all(arg.known and re.fullmatch(r"[\w\s+\-*/%()<>=!&|^~?:,]*", arg.text) for arg in (*call.args, *values))
    return _same(state) if plain else _unknown(state, "arithmetic that is not read")


def _mapfile(call: Call, state: State) -> Told:
    if any(arg.text.startswith(("-C", "-c")) or not arg.known for arg in call.args):
        return _unknown(state, f"{call.program} with a command of its own")
    for arg in call.args:
        if _NAME.fullmatch(arg.text):
            state = state.knowing(arg.text, call.input.names.item("read"))
    return _same(state.knowing("MAPFILE", UNKNOWN))


def _printf(call: Call, state: State) -> Told:
    args = list(call.args)
    if args and args[0].text == "-v":
        if len(args) < 2 or not _NAME.fullmatch(args[1].text):
            return _unknown(state, "printf into a variable that is not read")
        told = setting(args[1].text, UNKNOWN)
        return _same(state.knowing(args[1].text, UNKNOWN), *([told] if told else []))
    return _prints(call, state)


def _prints(call: Call, state: State) -> Told:
    secret = next((arg.secret for arg in call.args if arg.secret), None)
    return (
        _same(state, Finding(Effect.SECRETS, f"shows the secret in {secret}"))
        if secret
        else _same(state, Finding(Effect.READ, "shows a text"))
    )


def _shopt(call: Call, state: State) -> Told:
    plain = all(
        arg.text
        in (
            "-s",
            "-u",
            "-q",
            "nullglob",
            "globstar",
            "failglob",
            "nocaseglob",
            "lastpipe",
            "inherit_errexit",
            "pipefail",
        )
        for arg in call.args
    )
    return _same(state) if plain else _unknown(state, "changes how the shell reads commands")


def _tests(call: Call, state: State) -> Told:
    for arg in call.args:
        if "$(" in arg.text or "`" in arg.text:
            return _unknown(state, "a condition that a shell may run")
    return _same(state, Finding(Effect.READ, "checks a condition"))


def _nothing(call: Call, state: State) -> Told:
    return _same(state, Finding(Effect.READ, "does nothing by itself"))


def _hash(call: Call, state: State) -> Told:
    return (
        _same(state)
        if all(arg.text in ("-r", "-l", "-t", "-d") for arg in call.args)
        else _unknown(state, "says where programs are")
    )


def _shift(call: Call, state: State) -> Told:
    moved = state.arguments[1:] if state.arguments and not call.args else None
    return _same(State(state.cwd, state.values, moved))


def _refused(call: Call, state: State) -> Told:
    return _unknown(state, f"{call.path.text} changes how the shell itself works")


BUILTINS: Mapping[str, Callable[[Call, State], Told]] = {
    "cd": _cd,
    "chdir": _cd,
    "pushd": _pushd,
    "popd": _popd,
    **dict.fromkeys(("export", "declare", "typeset", "local", "readonly"), _declares),
    "read": _reads,
    "unset": _unset,
    "set": _set,
    "source": _source,
    ".": _source,
    "trap": _trap,
    "alias": _alias,
    "unalias": _alias,
    "let": _let,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "printf": _printf,
    "echo": _prints,
    "print": _prints,
    "shopt": _shopt,
    "test": _tests,
    "[": _tests,
    "shift": _shift,
    "hash": _hash,
    **dict.fromkeys(
        (
            ":",
            "true",
            "false",
            "exit",
            "return",
            "break",
            "continue",
            "wait",
            "jobs",
            "times",
            "getopts",
            "ulimit",
            "umask",
        ),
        _nothing,
    ),
    **dict.fromkeys(
        (
            "enable",
            "bind",
            "complete",
            "compgen",
            "compopt",
            "setopt",
            "unsetopt",
            "zmodload",
            "autoload",
            "emulate",
            "zstyle",
            "bindkey",
            "zle",
            "add-zsh-hook",
            "fg",
            "bg",
            "suspend",
            "logout",
            "caller",
            "functions",
            "disable",
            "hashdir",
            "sched",
            "ttyctl",
            "vared",
            "whence",
            "where",
            "zcompile",
            "zparseopts",
            "zsocket",
            "ztcp",
            "zftp",
            "zpty",
            "rehash",
            "unfunction",
            "integer",
            "float",
            "private",
            "foreach",
            "repeat",
            "end",
            "nocorrect",
            "noglob",
            "-",
            "eval",
        ),
        _refused,
    ),
}
