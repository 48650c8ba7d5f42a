"""Programs that run another command: what counts is the command inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from policies.shell.call import Call, Input
from policies.shell.classes import Effect, Finding
from policies.shell.environment import setting
from policies.shell.expand import HOLE, Arg
from policies.shell.operands import paths
from policies.shell.operands.code import run_script
from policies.shell.options import given
from policies.shell.places import Where

_SHELLS = ("bash", "sh", "zsh", "dash", "ksh", "ash", "mksh", "fish", "rbash")
# What fish and the other shells read alike: plain words, lists and pipes.
_SAME_IN_FISH = re.compile(r"[\w ./:=,@+~|;&-]*")
_ASSIGNS = re.compile(r"^([A-Za-z_]\w*)=(.*)$", re.DOTALL)


def _unknown(why: str) -> list[Finding]:
    return [Finding(Effect.UNKNOWN, why)]


def _inside(call: Call, valued: str = "", *, skip: int = 0) -> list[Finding]:
    """The command after the wrapper's own options (`valued` take a value) and `skip` words."""
    args, options = list(call.args), set(valued.split())
    while args and args[0].text.startswith("-") and args[0].text != "-":
        option = args.pop(0)
        if option.text == "--":
            break
        if option.text in options and args:
            args.pop(0)
    args = args[skip:]
    if not args:
        return _unknown(f"{call.program} without a command")
    return call.around.judge(call.instead(args))


def _as_another(call: Call) -> list[Finding]:
    inner = _inside(call, "-u --user -g --group -h --host -p --prompt -C -c -D -R -r -T -t -U")
    return [*inner, Finding(Effect.UNKNOWN, "runs with the rights of another user")]


def _env(call: Call) -> list[Finding]:
    args, results, state = list(call.args), list[Finding](), call.state
    while args:
        text = args[0].text
        if text in ("-i", "-", "--ignore-environment", "-0", "--null", "-v", "--debug"):
            args.pop(0)
        elif text in ("-u", "--unset"):
            del args[:2]
        elif text.startswith("-"):
            return _unknown(f"env with {text}, which is not known here")
        elif found := _ASSIGNS.match(text):
            value = args.pop(0).part(found[2])
            told = setting(found[1], value)
            results.extend([told] if told else [])
            state = state.knowing(found[1], value)
        else:
            return [*results, *call.around.judge(replace(call.instead(args), state=state))]
    return [*results, Finding(Effect.SECRETS, "shows the environment, secrets too")]


def _timeout(call: Call) -> list[Finding]:
    return _inside(call, "-s --signal -k --kill-after", skip=1)


def _command(call: Call) -> list[Finding]:
    if call.args and call.args[0].text in ("-v", "-V"):
        return [Finding(Effect.READ, "says where a program is")]
    return _inside(call) if call.args else []


def _exec(call: Call) -> list[Finding]:
    return _inside(call, "-a") if call.args else []


def _watch(call: Call) -> list[Finding]:
    told = given(call.args, {"-n": "value", "--interval": "value"}, stop_at_operand=True)
    return _text(call, " ".join(arg.text for arg in told.operands), all(arg.known for arg in told.operands))


def _text(call: Call, text: str, known: bool) -> list[Finding]:
    if not known:
        return _unknown("runs a command line that is only known when it runs")
    return call.around.judge_text(text, call)


# -- shells


def _shell(call: Call) -> list[Finding]:
    args, reads_only = list(call.args), False
    while args and args[0].text[:1] in ("-", "+") and len(args[0].text) > 1:
        option = args.pop(0)
        if not option.known:
            return _unknown(f"{call.program} with options that are only known when it runs")
        if option.text == "--":
            break
        if option.text in ("--version", "--help"):
            return [Finding(Effect.READ, "shows its version")]
        if option.text in ("-o", "+o", "-O", "+O") and args:
            args.pop(0)
            continue
        if option.text in ("--norc", "--noprofile", "--posix", "--login"):
            continue
        if option.text.startswith("--") or not set(option.text[1:]) <= set("ceuxvnlfmprbahkst"):
            return _unknown(f"{call.program} with {option.text}, which is not known here")
        reads_only = reads_only or "n" in option.text[1:]
        if "s" in option.text[1:]:
            return _unknown(f"{call.program} takes its commands from its input")
        if "c" in option.text[1:]:
            return _shell_text(call, args)
    if not args or args[0].text in ("-", "/dev/stdin"):
        return _shell_input(call)
    if reads_only:
        return [paths.read(call, args[0])]
    return run_script(call, args[0], tuple(args[1:]))


def _shell_text(call: Call, args: list[Arg]) -> list[Finding]:
    while args and args[0].text.startswith("-") and set(args[0].text[1:]) <= set("euxvlf"):
        args = args[1:]
    if not args:
        return _unknown(f"{call.program} without a command")
    if call.program == "fish" and not _SAME_IN_FISH.fullmatch(args[0].text):
        return _unknown("a command line for fish, whose quotes and escapes are others")
    inner = replace(call, state=replace(call.state, arguments=tuple(args[2:])), input=call.input)
    return _text(inner, args[0].text, args[0].known)


def _shell_input(call: Call) -> list[Finding]:
    if call.input.text is not None:
        return _text(call, call.input.text, True)
    return _unknown(f"{call.program} takes its commands from its input")


# -- xargs and its like

_XARGS = {
    **dict.fromkeys(
        ("-I", "-J", "-n", "-P", "-L", "-s", "-d", "-E", "-R", "-S", "--replace", "--max-args", "--max-procs"), "value"
    ),
    **dict.fromkeys(("--max-lines", "--delimiter", "--max-chars"), "value"),
    **dict.fromkeys(("-i", "-e", "-l", "-p"), "flag"),
    **dict.fromkeys(("-a", "--arg-file", "--process-slot-var"), "unknown"),
}


def _xargs(call: Call) -> list[Finding]:
    known = {name: "value" if kind == "unknown" else kind for name, kind in _XARGS.items()}
    told = given(call.args, known, stop_at_operand=True)
    if any(_XARGS.get(option.name) == "unknown" for option in told.options):
        return _unknown("xargs with arguments from a file")
    places = [
        option.value.text
        for option in told.options
        if option.name in ("-I", "-J", "--replace") and option.value is not None
    ]
    mark = places[-1] if places else "{}" if told.has("-i", "--replace") else None
    command = list(told.operands) or [Arg("echo")]
    item = call.input.names.item(command[0].text)
    if mark:
        command = [arg.part(arg.text.replace(mark, HOLE)) if mark in arg.text else arg for arg in command]
        command = [
            arg if arg.known else replace(arg, trusted=item.trusted, tame=item.tame, editable=item.editable)
            for arg in command
        ]
    else:
        command.append(item)
    if not command[0].known:
        return _unknown("runs programs whose names are only known when it runs")
    if command[0].text.rpartition("/")[2] in (
        *_SHELLS,
        "env",
        "xargs",
        "eval",
        "sudo",
        "ssh",
        "python",
        "python3",
        "node",
        "perl",
        "ruby",
    ):
        return [
            *call.around.judge(call.instead(command, input=Input("pipe"))),
            *_unknown("runs commands that are only known when it runs"),
        ]
    return call.around.judge(call.instead(command, input=Input("none")))


# -- other machines and small worlds

_SSH_VALUED = {f"-{letter}": "value" for letter in "bcDEeFIiJLlmOopQRSWw"}


def _ssh(call: Call) -> list[Finding]:
    told = given(call.args, _SSH_VALUED, stop_at_operand=True)
    words = told.operands[1:]
    results = [Finding(Effect.OUTWARD, "works on another machine")]
    if words:
        inner = _text(call, " ".join(arg.text for arg in words), all(arg.known for arg in words))
        results.extend(one for one in inner if one.effect in (Effect.DESTRUCTIVE, Effect.SECRETS))
    return results


def _busybox(call: Call) -> list[Finding]:
    return (
        call.around.judge(call.instead(call.args))
        if call.args and not call.args[0].text.startswith("-")
        else _unknown("busybox by itself")
    )


def _wsl(call: Call) -> list[Finding]:
    args = list(call.args)
    while args and args[0].text in ("-e", "--exec", "--"):
        args.pop(0)
    if not args or args[0].text.startswith("-"):
        return _unknown("wsl with an option that is not known here")
    return call.around.judge(call.instead(args))


# -- runners of environments

_UV_PLAIN = frozenset(
    "--frozen --locked --no-sync --all-extras --dev --no-dev -q --quiet -v --verbose --offline --isolated"
    " --exact --all-groups --no-project".split()
)


def _uv_run(call: Call) -> list[Finding]:
    args = list(call.args[1:])
    while args and args[0].text.startswith("-"):
        option = args.pop(0).text
        if option == "--":
            break
        if option in ("--extra", "--group", "--python", "-p", "--package", "--no-group", "--only-group") and args:
            args.pop(0)
        elif option == "-m" and args:
            return call.around.judge(call.instead([Arg("python"), Arg("-m"), *args]))
        elif option not in _UV_PLAIN:
            return _unknown(f"uv run with {option}, which is not known here")
    return _ran(call, args)


def _ran(call: Call, args: list[Arg]) -> list[Finding]:
    if not args:
        return _unknown(f"{call.program} run without a command")
    if args[0].known and args[0].text.endswith(".py"):
        args = [Arg("python"), *args]
    inside = call.places.where(call.state.cwd) is Where.INSIDE
    return [*call.around.judge(call.instead(args)), *([] if inside else _unknown("works outside the work tree"))]


def _runner(call: Call) -> list[Finding] | None:
    words = [arg.text for arg in call.args[:1]]
    if call.program == "uv" and words == ["run"]:
        return _uv_run(call)
    if call.program in ("poetry", "pipenv", "hatch", "pdm", "rye") and words == ["run"]:
        return _ran(call, [arg for arg in call.args[1:] if arg.text != "--"])
    if call.program == "uvx":
        return (
            call.around.judge(call.instead(call.args))
            if call.args and not call.args[0].text.startswith("-")
            else _unknown("uvx with an option")
        )
    return None


Wrapper = Callable[[Call], list[Finding]]
WRAPPERS: Mapping[str, Wrapper] = {
    **dict.fromkeys(("sudo", "doas", "pkexec", "gosu", "su-exec", "sudoedit"), _as_another),
    **dict.fromkeys(_SHELLS, _shell),
    **dict.fromkeys(
        (
            "nohup",
            "setsid",
            "chronic",
            "caffeinate",
            "time",
            "rtk",
            "catchsegv",
            "builtin",
            "noglob",
            "nocorrect",
            "stdbuf",
            "unbuffer",
        ),
        _inside,
    ),
    "nice": lambda call: _inside(call, "-n --adjustment"),
    "ionice": lambda call: _inside(call, "-c -n -p --class --classdata"),
    "taskset": lambda call: _inside(call, "", skip=1),
    "timeout": _timeout,
    "gtimeout": _timeout,
    "env": _env,
    "genv": _env,
    "command": _command,
    "exec": _exec,
    "watch": _watch,
    "xargs": _xargs,
    "gxargs": _xargs,
    "ssh": _ssh,
    "busybox": _busybox,
    "toybox": _busybox,
    "wsl": _wsl,
    "wsl.exe": _wsl,
}
REFUSED = frozenset(
    "su runuser chroot unshare nsenter setpriv setarch firejail bwrap proot fakeroot parallel flock entr"
    " script strace at batch coproc dotenv".split()
)


def wrapped(call: Call) -> list[Finding] | None:
    """What the command inside does; None where the program is no wrapper."""
    if call.program in REFUSED:
        return _unknown(f"{call.program} runs another command in a way that is not read")
    runner = _runner(call)
    if runner is not None:
        return runner
    wrapper = WRAPPERS.get(call.program)
    return wrapper(call) if wrapper else None
