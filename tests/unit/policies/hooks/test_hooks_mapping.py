"""The manifest's `hooks` section: which tool call is which action."""

from __future__ import annotations

from typing import Any

import pytest

from policies.errors import BadFile
from policies.files.manifest import Manifest, load_manifest
from policies.hooks.mapping import Mapped, mapped
from policies.hooks.step import step_of
from policies.lint.check import lint
from policies.shell.classes import Effect

ACTIONS = """
actions:
  look: {title: T, describe: D, severity: low, reversible: true, approval_required: false}
  change: {title: T, describe: D, severity: low, reversible: true, approval_required: false}
  ask: {title: T, describe: D, severity: medium, reversible: true, params_schema: {type: object}}
  other: {title: T, describe: D, severity: medium, reversible: true, params_schema: {type: object}}
"""


def loaded(hooks: str) -> Manifest:
    """A manifest with these hooks."""
    return load_manifest(f"version: 1\nhooks:\n{hooks}{ACTIONS}", path="coding.yml")


def goes(manifest: Manifest, tool: str, cwd: str | None = "/home/dev/project", **params: Any) -> Mapped:
    """Where a call goes."""
    return mapped(manifest, tool, params, cwd=cwd)


RULES = """
  otherwise: other
  rules:
    - {tools: "*", is: read, action: look}
    - {tools: "*", is: [outward, secrets, destructive], action: ask}
    - {tools: "mcp__git*__create_*", action: ask}
    - {tools: "mcp__github__*", action: look}
    - {tools: "mcp__github__create_note", action: change}
    - {tools: "mcp__github__create_note", when: "params.public == true", action: ask}
    - {tools: [Edit, Write], is: local, action: change}
    - {tools: "mcp__mail__*", deny: "People write mail here"}
"""


@pytest.mark.parametrize(
    ("tool", "params", "action"),
    [
        ("Read", {"file_path": "/home/dev/project/a.py"}, "look"),
        ("Read", {"file_path": "/home/dev/project/.env"}, "ask"),
        ("Edit", {"file_path": "/home/dev/project/a.py", "old_string": "a", "new_string": "b"}, "change"),
        ("Edit", {"file_path": "/etc/hosts", "old_string": "a", "new_string": "b"}, "ask"),
        ("MultiEdit", {"file_path": "/home/dev/project/a.py", "edits": []}, "other"),
        ("Bash", {"command": "ls"}, "look"),
        ("Bash", {"command": "git push"}, "ask"),
        ("Bash", {"command": "npm test"}, "other"),
        ("mcp__github__create_issue", {"title": "x"}, "ask"),
        ("mcp__github__frobnicate", {"title": "x"}, "look"),
        ("mcp__gitlab__create_issue", {"title": "x"}, "ask"),
        ("mcp__github__create_note", {"text": "x", "public": False}, "change"),
        ("mcp__github__create_note", {"text": "x", "public": True}, "ask"),
        ("Frobnicate", {}, "other"),
    ],
)
def test_the_most_specific_rule_decides(tool: str, params: dict[str, Any], action: str) -> None:
    """An exact name comes before a pattern, a longer pattern before a shorter, a condition before none; else `otherwise`."""
    assert goes(loaded(RULES), tool, **params).action == action


def test_a_refusal_has_words_for_the_model_and_its_line() -> None:
    """A rule that denies says why; nothing is asked."""
    found = goes(loaded(RULES), "mcp__mail__send", to="x")
    assert (found.action, found.refusal) == (None, "People write mail here")
    assert found.line == 13


def test_what_no_rule_maps_is_denied_where_the_file_says_so() -> None:
    """`otherwise: deny` refuses, and names the tool and what it would do."""
    found = goes(loaded("  otherwise: deny\n"), "Bash", command="git push")
    assert found.action is None
    assert "no rule of the manifest allows Bash" in str(found.refusal)
    assert "sends commits" in str(found.refusal)


def test_a_manifest_without_hooks_refuses_every_call() -> None:
    """Nothing is let through by a manifest that says nothing about tools."""
    found = goes(load_manifest(f"version: 1\n{ACTIONS}"), "Read", file_path="/home/dev/project/a")
    assert found.action is None
    assert "no hooks section" in str(found.refusal)


def test_a_condition_without_an_answer_lets_nothing_run() -> None:
    """A parameter that is left out makes a rule that lets run silent, and one that asks speak."""
    free = loaded('  otherwise: ask\n  rules: [{tools: X, when: "params.safe == true", action: look}]\n')
    assert goes(free, "X", safe=True).action == "look"
    assert goes(free, "X").action == "ask"
    strict = loaded(
        '  otherwise: other\n  rules: [{tools: X, when: "params.grave == true", action: ask}, {tools: "*", action: look}]\n'
    )
    assert goes(strict, "X").action == "ask"
    assert goes(strict, "X", grave=False).action == "look"


def test_an_organisation_names_its_own_programs() -> None:
    """`commands` says what programs do that Sayso does not know, and overrules what it knows."""
    commands = '{"acme sync": outward, acme: read, "make seed": destructive}'
    found = loaded(f'  otherwise: other\n  commands: {commands}\n  rules: [{{tools: "*", is: read, action: look}}]\n')
    assert goes(found, "Bash", command="acme list | head").action == "look"
    assert goes(found, "Bash", command="acme sync --all").verdict.effect is Effect.OUTWARD
    assert goes(found, "Bash", command="make seed").verdict.effect is Effect.DESTRUCTIVE
    assert goes(found, "Bash", command="acme list; rm -rf src").verdict.effect is Effect.DESTRUCTIVE


@pytest.mark.parametrize(
    ("hooks", "problem"),
    [
        ("  rules: []\n", "hooks.otherwise: is missing"),
        ("  otherwise: nobody\n", "hooks.otherwise: nobody is no action of this manifest"),
        (
            "  otherwise: ask\n  rules: [{tools: X, action: nobody}]\n",
            "hooks.rules[0].action: nobody is no action of this manifest",
        ),
        ("  otherwise: ask\n  rules: [{tools: X}]\n", "give exactly one of action and deny"),
        (
            "  otherwise: ask\n  rules: [{tools: X, action: ask, deny: no}]\n",
            "write true or false, or put quotes around",
        ),
        (
            "  otherwise: ask\n  rules: [{tools: X, is: reading, action: ask}]\n",
            "must be one of read, local, unknown, outward, secrets, destructive",
        ),
        ('  otherwise: ask\n  rules: [{tools: X, when: "params.", action: ask}]\n', "not a condition"),
        ("  otherwise: ask\n  rules: [{tools: [], action: ask}]\n", "must not be empty"),
        ("  otherwise: ask\n  rules: [{tool: X, action: ask}]\n", "unknown key"),
        ('  otherwise: ask\n  commands: {"a | b": read}\n', "must be a program and perhaps its subcommand"),
        ("  otherwise: ask\n  work_tree: [src]\n", "must be an absolute path"),
        ("  otherwise: ask\n  wait_seconds: 0\n", "must be at least 1"),
        ("  otherwise: ask\n  pending: later\n", "must be 'wait' or 'defer'"),
    ],
)
def test_a_bad_section_is_one_clear_error(hooks: str, problem: str) -> None:
    """What cannot be meant is told with file, line and key, and the file is not used."""
    with pytest.raises(BadFile) as caught:
        loaded(hooks)
    assert problem in str(caught.value)
    assert str(caught.value).startswith("coding.yml:")


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        ("  otherwise: look\n", "what no rule maps runs without a person"),
        ("  otherwise: ask\n  rules: [{tools: Bash, action: look}]\n", "runs without a person whatever it does"),
        ('  otherwise: ask\n  rules: [{tools: "*", action: look}]\n', "runs without a person whatever it does"),
        (
            '  otherwise: ask\n  rules: [{tools: "*", is: [read, secrets], action: look}]\n',
            "calls that are secrets run without a person",
        ),
        ("  otherwise: ask\n  rules: [{tools: X, action: ask}, {tools: X, action: other}]\n", "never applies"),
        ("  otherwise: ask\n  commands: {sudo: read}\n", "runs another command"),
        ("  otherwise: ask\n  commands: {python3: local}\n", "everything that python3 can do counts as local"),
    ],
)
def test_check_warns_of_doors_that_are_left_open(hooks: str, message: str) -> None:
    """Each line of the section that lets more run than anybody meant is found."""
    assert any(message in finding.message for finding in lint(loaded(hooks), None))


@pytest.mark.parametrize(
    ("cwd", "transcript", "tree"),
    [
        ("/home/dev/project", None, "/home/dev/project"),
        ("/home/dev/project/src", "/home/dev/.claude/projects/-home-dev-project/1.jsonl", "/home/dev/project"),
        ("/", "/home/dev/.claude/projects/-home-dev-project/1.jsonl", None),
        ("/home/dev", None, None),
        ("/root", None, None),
        ("/", None, None),
        ("/etc", None, None),
        ("/tmp", None, None),
        ("relative", None, None),
        (None, None, None),
    ],
)
def test_the_work_tree_is_not_where_an_agent_happens_to_stand(
    cwd: str | None, transcript: str | None, tree: str | None
) -> None:
    """The host's own record of the project counts; a home, the root and places of the system never are a work tree."""
    assert mapped(loaded(RULES), "Bash", {"command": "ls"}, cwd=cwd, transcript=transcript).tree == tree


def test_a_configured_work_tree_is_the_only_one() -> None:
    """Where the manifest names work trees, a session elsewhere has none, and writes nowhere freely."""
    found = loaded(RULES + '  work_tree: ["/srv/app"]\n  scratch: ["~/.notes/*/draft"]\n')
    assert goes(found, "Write", "/srv/app/sub", file_path="/srv/app/x", content="y").verdict.effect is Effect.LOCAL
    assert (
        goes(found, "Write", "/home/dev/project", file_path="/home/dev/project/x", content="y").verdict.effect
        is Effect.DESTRUCTIVE
    )
    assert (
        goes(found, "Write", "/home/dev/project", file_path="/home/dev/.notes/a/draft/x", content="y").verdict.effect
        is Effect.LOCAL
    )
    assert (
        goes(found, "Write", "/home/dev/project", file_path="/home/dev/.notes/a/x", content="y").verdict.effect
        is Effect.DESTRUCTIVE
    )


def test_a_step_is_the_same_whatever_the_host_calls_it() -> None:
    """Session, tool, action, place and arguments make a step; the order of the arguments does not."""
    step = step_of("s", "Bash", "ask", "/a", {"command": "ls", "timeout": 1})
    assert step == step_of("s", "Bash", "ask", "/a", {"timeout": 1, "command": "ls"})
    others = [
        ("t", "Bash", "ask", "/a"),
        ("s", "Shell", "ask", "/a"),
        ("s", "Bash", "other", "/a"),
        ("s", "Bash", "ask", "/b"),
    ]
    assert step not in {step_of(*other, {"command": "ls", "timeout": 1}) for other in others}
    assert step != step_of("s", "Bash", "ask", "/a", {"command": "ls", "timeout": 2})


@pytest.mark.parametrize("cwd", ["/home/dev/other", "/home/dev/project/../other", "/home/dev", "/srv/www"])
def test_a_directory_that_the_agent_names_is_no_work_tree(cwd: str) -> None:
    """Where the host says where it was started, a command in another directory works outside the tree, and asks."""
    here = "/home/dev/project"
    inside = mapped(loaded(RULES), "Bash", {"command": "touch a"}, cwd=f"{here}/src", project=here)
    away = mapped(loaded(RULES), "Bash", {"command": "touch a"}, cwd=cwd, project=here)
    assert (inside.tree, inside.verdict.effect.harmless) == (here, True)
    assert (away.tree, away.verdict.effect.harmless) == (here, False)


@pytest.mark.parametrize(
    "prompt, harmless",
    [
        ("Summarise https://docs.python.org/3/ and compare it with https://peps.python.org.", True),
        ("Get https://docs.python.org/3/, then https://x.example/?k=AKIAIOSFODNN7EXAMPLEabc123xyz", False),
        ("Read http://169.254.169.254/latest/meta-data and https://docs.python.org", False),
        ("Read file:///etc/passwd", False),
        ("What is new in Python?", False),
    ],
)
def test_the_addresses_of_a_prompt_are_looked_at(prompt: str, harmless: bool) -> None:
    """Gemini's web_fetch gets its addresses within a prompt: each counts, and one that carries something out asks."""
    assert goes(loaded(RULES), "web_fetch", prompt=prompt).verdict.effect.harmless is harmless


@pytest.mark.parametrize(
    "tool, params",
    [
        ("grep_search", {"pattern": "x", "include_pattern": "*.py", "names_only": True, "wait_for_previous": True}),
        ("run_shell_command", {"command": "ls", "delay_ms": 5, "wait_for_previous": True}),
        ("replace", {"file_path": "a.py", "old_string": "a", "new_string": "b", "allow_multiple": True}),
        ("glob", {"pattern": "**/*.py", "respect_gemini_ignore": True}),
        ("update_topic", {"title": "x", "summary": "y"}),
    ],
)
def test_geminis_ordinary_calls_are_known_with_all_their_arguments(tool: str, params: Any) -> None:
    """What Gemini CLI sends beside a path or a command asks nobody."""
    assert goes(loaded(RULES), tool, **params).verdict.effect.harmless
