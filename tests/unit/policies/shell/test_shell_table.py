"""The table of programs: lines of text that people read and extend."""

from __future__ import annotations

import pytest

from policies.shell.classes import Effect
from policies.shell.kinds import KINDS
from policies.shell.operands.awk import awk_problem
from policies.shell.operands.databases import sql_finding
from policies.shell.operands.python_code import python_problem
from policies.shell.operands.sed import sed_problem
from policies.shell.table import Table, built_in, rules_of


def test_every_line_of_the_table_can_be_followed() -> None:
    """Each rule names operands that are known, and no name stands twice."""
    rules = built_in().rules.values()
    assert len(rules) > 2000
    assert {kind for rule in rules for kind in rule.operands} <= set(KINDS)


def test_a_name_given_twice_is_an_error() -> None:
    """Two lines for one name would leave it to chance which counts."""
    with pytest.raises(ValueError, match="given twice: ls"):
        rules_of("ls | read | files |\nls | local | files |")


def test_the_first_table_counts() -> None:
    """What an organisation says of a program stands before what Sayso knows."""
    own = rules_of("ls | destructive | any | | is ours")
    rule = Table(own, built_in().rules).get("ls")
    assert rule is not None
    assert (rule.effect, rule.means) == (Effect.DESTRUCTIVE, "is ours")


@pytest.mark.parametrize(
    "script",
    [
        "s/a/b/e",
        "e",
        "1e id",
        "w x",
        "s/a/b/w x",
        "r x",
        "R x",
        "s/[[:space:]/]/p;#/e",
        "/a/e",
        "y/a/b/;e",
        "W x",
        "v",
        "s/a",
        "$!{e\n}",
    ],
)
def test_sed_that_reaches_beyond_its_input_is_told(script: str) -> None:
    """The commands of sed that run programs or open files."""
    assert sed_problem(script)


@pytest.mark.parametrize(
    "script",
    [
        "1,80p",
        "s/a/b/g",
        "$!N;s/\\n/ /",
        ":a;N;$!ba;s/\\n/,/g",
        "s|a|b|",
        "/x/{p;q}",
        "s#[^/]*/##",
        "\\,x,d",
        "1i\\\ntext e",
        "0~3p",
        "5q",
    ],
)
def test_sed_that_edits_text_is_fine(script: str) -> None:
    """The commands of sed that only edit."""
    assert sed_problem(script) is None


@pytest.mark.parametrize(
    "program",
    [
        '{system("x")}',
        '{print > "f"}',
        '{print | "sh"}',
        '"x" | getline',
        '/[/"]/ {system("x") #"',
        "{print ENVIRON[1]}",
        "@load",
        'BEGIN{f="system"; @f()}',
    ],
)
def test_awk_that_reaches_beyond_its_input_is_told(program: str) -> None:
    """The ways in which awk runs programs or writes files."""
    assert awk_problem(program)


@pytest.mark.parametrize(
    "program",
    ["{print $1}", "/a|b/{print}", "$3 > 5", "{a[$1]++} END{for(k in a)print k,a[k]}", '{printf "%s > %s\\n", $1, $2}'],
)
def test_awk_that_computes_is_fine(program: str) -> None:
    """Fields, sums and comparisons."""
    assert awk_problem(program) is None


@pytest.mark.parametrize(
    "code",
    [
        *(
            "import os",
            "from os import system",
            "__import__('os')",
            "open('x','w')",
            "eval('1')",
            "exec('1')",
            "import json; json.codecs.open('x')",
        ),
        *(
            "import random; random._os.remove('x')",
            "import uuid; uuid.os",
            "().__class__",
            "getattr(x,'y')",
            "f'{x.__class__}'",
            "import sys; sys.modules",
        ),
        *(
            "import subprocess as json",
            "from json import codecs",
            "import platform; platform.popen('x')",
            "class A: pass",
            "input()",
            "open(x)",
            "'{0.__class__}'.format(1)",
        ),
    ],
)
def test_python_that_reaches_out_is_told(code: str) -> None:
    """Imports, inner parts and calls by which a line of Python acts."""
    assert python_problem(code)[0]


def test_python_that_computes_is_fine_and_says_what_it_reads() -> None:
    """A line that reads a file names it, so that the file can be judged."""
    assert python_problem("import json; print(json.load(open('package.json'))['version'])") == (None, ["package.json"])
    assert python_problem("import sys, math; print(math.pi, sys.version)") == (None, [])


@pytest.mark.parametrize(
    ("statement", "effect"),
    [
        ("select 1", Effect.READ),
        ("SELECT * FROM users WHERE name = 'drop table'", Effect.READ),
        ('select "update" from x', Effect.READ),
        ("select 1; delete from x", Effect.DESTRUCTIVE),
        ("with a as (update x set y=1 returning *) select * from a", Effect.DESTRUCTIVE),
        ("explain analyze delete from x", Effect.DESTRUCTIVE),
        ("select pg_read_file('x')", Effect.UNKNOWN),
        ("select * from pg_shadow", Effect.SECRETS),
        ("/* select */ drop table x", Effect.DESTRUCTIVE),
        ("copy x to program 'sh'", Effect.DESTRUCTIVE),
    ],
)
def test_sql_that_acts_is_told_from_sql_that_looks(statement: str, effect: Effect) -> None:
    """Only statements that look are a read; words in texts and names do not count."""
    assert sql_finding(statement).effect is effect
