"""The reader of command lines reads as bash does, and refuses what it does not know."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.shell import corpus, judged

from policies.shell.classes import Effect
from policies.shell.reader import read_script
from policies.shell.tree import Script, Simple, Unreadable, commands

BASH = shutil.which("bash")
HERE = Path(__file__).parent


def _signature(script: Script) -> list[str]:
    """Every simple command with its literal words, and what it is redirected to, in no particular order."""
    return sorted(" ".join(_words(command)) for command in commands(script))


def _words(command: Simple) -> Iterator[str]:
    yield from (word.literal if word.literal is not None else "?" for word in command.words)
    yield from (f"{one.name}=" for one in command.assignments)
    for redirect in command.redirects:
        if redirect.document is None and redirect.operator != ">&":
            yield f"{redirect.operator}{redirect.target.literal}"


def _as_bash_prints_it(text: str) -> str | None:
    """The command line as bash reads and writes it, without running it; None where bash refuses it."""
    assert BASH is not None
    told = subprocess.run(
        [BASH, "--norc", "--noprofile", "--pretty-print"],
        input=text,
        capture_output=True,
        text=True,
        timeout=20,
        env={"LC_ALL": "C.UTF-8"},
    )
    return told.stdout if told.returncode == 0 and not told.stderr else None


def _differs(text: str) -> str | None:
    """How our reading differs from bash's; None where it does not, or where one of the two refuses."""
    wrapped = f"__f() {{\n{text}\n}}\n"
    try:
        ours = _signature(read_script(wrapped))
    except Unreadable:
        return None
    printed = _as_bash_prints_it(wrapped)
    if printed is None:
        return None
    theirs = _signature(read_script(printed))
    return None if ours == theirs else f"{text!r}: {ours} != {theirs}"


needs_bash = pytest.mark.skipif(BASH is None, reason="no bash here")


@needs_bash
@pytest.mark.parametrize(
    "path", [HERE / "harmless.txt", HERE.parents[2] / "redteam" / "shell" / "dangers.txt"], ids=lambda path: path.stem
)
def test_bash_finds_the_same_commands(path: Path) -> None:
    """What bash prints of a command line, after reading it, has the same commands as ours, over both corpora (every third line)."""
    lines = [command for _, group in corpus(path) for command in group if not command.startswith("time ")]
    different = [told for command in lines[::3] if (told := _differs(command))]
    assert different == []


PIECES = (
    *(
        "ls",
        "rm",
        "$a",
        "${b:-x}",
        "$(id)",
        "`id`",
        '"q $(w)"',
        "'s $(n)'",
        "$'\\x41'",
        "a\\ b",
        "\\\n",
        " #c",
        "|",
        "||",
        "&&",
        "&",
        ";",
        "\n",
    ),
    *(
        " ",
        " ",
        " ",
        "(",
        ")",
        "{ ",
        "; }",
        "if x; then y; fi",
        "for i in 1 2; do z; done",
        ">f",
        "2>&1",
        "<<<w",
        "<(p)",
        "x=1",
        "x=$(v)",
        "! ",
    ),
    *(
        "[[ a == b ]]",
        "((1+2))",
        "$((1+$(k)))",
        "case x in a) b;; esac",
        "<<E\nbody $(h)\nE\n",
        "<<'E'\nbody $(h)\nE\n",
        "f() { g; }",
        "}",
        "{",
    ),
    *(
        '"',
        "'",
        "\\",
        "$",
        "`",
        "{a,b}",
        "*",
        "~",
        "=",
        "&>o",
        ">|z",
        "then",
        "fi",
        "do",
        "done",
        "in",
        '"a`b`c"',
        "${x#$(u)}",
        "-n",
        "é",
        "arr=(a $(b))",
    ),
)


@needs_bash
@given(pieces=st.lists(st.sampled_from(PIECES), min_size=2, max_size=9))
@settings(max_examples=250, deadline=None)
def test_bash_finds_the_same_commands_in_noise(pieces: list[str]) -> None:
    """Pieces of shell thrown together: where both read it, both read the same."""
    assert _differs("".join(pieces)) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "coproc ls",
            "select x in a; do ls; done",
            "ls !(a)",
            "ls @(a|b)",
            "echo $[1+1]",
            "echo ${!x}",
            "echo ${x@P}",
            "ls '",
            'ls "',
            "ls `",
            "ls $(",
        ),
        *(
            "ls )",
            "ls }; }",
            "if ls; then",
            "for x in a",
            "cat <<E\nx",
            "ls \\",
            "ls\x00",
            "ls\x1b[0m",
            "ls\u00a0-la",
            "ls\u200b",
            "ls \r\n",
            "a[$(b)]=1 c",
        ),
        *(
            "echo (a)",
            "a=(b",
            "ls > ",
            "ls {x}> y",
            "arr=(a)# ; ls",
            "arr=(a $(b))2>&1",
            "arr=(a)b ls",
            ":(){ :|:& };:",
            "ls;;",
            "&& ls",
            "$'\\q'",
            "x() y",
            "cat <<$a\n$a\n",
        ),
    ],
)
def test_what_is_not_known_is_not_read(text: str) -> None:
    """A construct that is unfinished, hidden, or understood by only some shells is refused, and then a person is asked."""
    assert judged(text).effect is Effect.UNKNOWN
    assert "cannot be read for certain" in judged(text).why


def test_words_are_what_the_program_gets() -> None:
    """Quotes, escapes, continued lines and ANSI-C quoting are resolved."""
    script = read_script("r\\m 'a b' \"c\\\"d\" $'\\x41\\t' e\\\nf x\"y\"'z' -- '#'")
    (command,) = commands(script)
    assert [word.literal for word in command.words] == ["rm", "a b", 'c"d', "A\t", "ef", "xyz", "--", "#"]
