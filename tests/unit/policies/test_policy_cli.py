"""`python -m bot policy`: the same answers on the command line, with exit codes for machines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml
from bad_files import GOOD_MANIFEST, GOOD_ROSTER
from policy_builders import manifest_text

from bot.cli import policy
from policies.replay.calls import Call, call_from

SHIPPED = Path(policy.__file__).parents[2] / "policies"
Ran = tuple[int, str, str]
Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a policy command in an empty directory; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAYSO_MANIFEST", raising=False)
    parser = argparse.ArgumentParser(prog="bot")
    policy.add_parser(parser.add_subparsers(dest="command", required=True))

    def ran(*words: object, recorded: list[Call] | None = None) -> Ran:
        try:
            args = parser.parse_args(["policy", *map(str, words)])
            code = policy.run(args, recorded=lambda url, work: work(recorded or []))
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return ran


def written(folder: Path, name: str, text: str) -> Path:
    """A file with `text`."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_files_are_clean(run: Run) -> None:
    """The files that ship with Sayso have no errors and no warnings."""
    code, out, err = run("check", SHIPPED / "actions.yml", "--roster", SHIPPED / "reviewers.yml")
    assert (code, out, err) == (0, "0 errors, 0 warnings\n", "")


def test_check_passes_with_warnings(run: Run, tmp_path: Path) -> None:
    """Warnings are told and do not fail the check."""
    path = written(tmp_path, "a.yml", manifest_text(tags=["PII"]))
    code, out, _ = run("check", path)
    assert code == 0
    assert f"{path}:" in out
    assert "warning: pay: the tag PII" in out


def test_check_fails_on_errors(run: Run, tmp_path: Path) -> None:
    """An error fails the check with exit code 1, and machines get the same as JSON."""
    path = written(tmp_path, "a.yml", manifest_text(agents=["a"], blocked_agents=["a"]))
    code, out, _ = run("check", path)
    assert code == 1
    assert "error: pay: agents and blocked_agents" in out
    code, out, _ = run("check", path, "--json")
    told = json.loads(out)
    assert code == 1
    assert (told["ok"], told["errors"]) == (False, 1)
    assert set(told["findings"][0]) == {"severity", "path", "line", "message", "suggestion"}


def test_check_looks_at_the_roster(run: Run, tmp_path: Path) -> None:
    """With a roster, roles that nobody holds fail the check; without, they are not judged."""
    path = written(tmp_path, "a.yml", manifest_text(required_role="ghosts"))
    people = written(tmp_path, "r.yml", GOOD_ROSTER)
    assert run("check", path)[0] == 0
    code, out, _ = run("check", path, "--roster", people)
    assert code == 1
    assert "nobody holds the role ghosts" in out


def test_a_file_that_does_not_load_fails_the_check(run: Run, tmp_path: Path) -> None:
    """A manifest or roster that cannot be used fails the check with one line that names file, line and key."""
    bad = written(tmp_path, "a.yml", GOOD_MANIFEST + "    colour: red\n")
    line = len(GOOD_MANIFEST.splitlines()) + 1
    code, _, err = run("check", bad)
    assert code == 1
    assert err == f"sayso: {bad}:{line}: actions.pay.colour: unknown key\n"
    code, out, _ = run("check", bad, "--json")
    assert code == 1
    assert json.loads(out)["findings"][0]["line"] == line
    good, people = written(tmp_path, "g.yml", GOOD_MANIFEST), written(tmp_path, "r.yml", "version: 2\n")
    assert run("check", good, "--roster", people)[0] == 1


@pytest.mark.parametrize("command", [["check"], ["explain", "ACTION"], ["replay"]])
def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path, command: list[str]) -> None:
    """A file that is missing, a directory, or not text is named in one line, with exit code 2."""
    binary = tmp_path / "b.yml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "nope.yml", tmp_path, binary):
        code, out, err = run(command[0], path, *command[1:])
        assert (code, out) == (2, "")
        assert err.startswith(f"sayso: {path}: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nope"],
        ["check"],
        ["explain", "x"],
        ["replay"],
        ["schema"],
        ["schema", "x"],
        ["replay", "x", "--minutes", "-1"],
    ],
)
def test_wrong_usage_exits_2(run: Run, words: list[str]) -> None:
    """Wrong usage is answered with the usage and exit code 2."""
    code, _, err = run(*words)
    assert code == 2
    assert "usage:" in err


def test_explain_says_why(run: Run) -> None:
    """Explain prints the route, and each reason with file and line."""
    path = SHIPPED / "actions.yml"
    code, out, _ = run("explain", path, "process_refund", "--params", '{"customer": "c1", "amount_usd": 4800}')
    assert code == 0
    assert "ask, hard_approval" in out
    assert "$4,800 is above $500 (always_approve_above_usd)" in out
    assert f"[{path}:" in out


def test_explain_speaks_json(run: Run) -> None:
    """Explain gives machines the same facts."""
    params, evidence = '{"customer": "c1", "amount_usd": 12}', '{"tool_errored": false}'
    words = ["explain", SHIPPED / "actions.yml", "process_refund", "--params", params, "--evidence", evidence]
    code, out, _ = run(*words, "--confidence", "0.9", "--agent", "bot", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["route"], told["level"]) == ("auto", "full_auto")
    assert told["reasons"][0]["decides"] is True


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--params", "{", "--params"),
        ("--params", "[]", "--params"),
        ("--params", '{"a": 1, "a": 2}', "twice"),
        ("--params", '{"a": NaN}', "NaN"),
        ("--evidence", '{"nope": 1}', "evidence.nope"),
        ("--evidence", "null", "--evidence"),
        ("--confidence", "2", "confidence"),
        ("--confidence", "nan", "confidence"),
    ],
)
def test_explain_refuses_what_it_cannot_read(run: Run, option: str, value: str, word: str) -> None:
    """JSON or figures that cannot be meant are named in one line, with exit code 2."""
    code, out, err = run("explain", SHIPPED / "actions.yml", "process_refund", option, value)
    assert (code, out) == (2, "")
    assert word in err
    assert err.count("\n") == 1


CALLS = "\n".join(json.dumps({"action": "pay", "params": {"amount_usd": usd, "to": "b"}}) for usd in (20, 60, 70))


def manifests(folder: Path) -> tuple[Path, Path]:
    """An old manifest and a looser new one."""
    return (
        written(folder, "old.yml", manifest_text(conditions={"auto_approve_below_usd": 50})),
        written(folder, "new.yml", manifest_text(conditions={"auto_approve_below_usd": 65})),
    )


def test_replay_compares_two_manifests(run: Run, tmp_path: Path) -> None:
    """Replay prints what would change, as a table or as JSON."""
    old, new = manifests(tmp_path)
    calls = written(tmp_path, "c.jsonl", CALLS)
    code, out, _ = run("replay", new, "--old", old, "--calls", calls)
    assert code == 0
    assert "1 calls end differently" in out
    code, out, _ = run("replay", new, "--old", old, "--calls", calls, "--minutes", "30", "--json")
    told = json.loads(out)
    assert (told["old"]["person_hours"], told["new"]["person_hours"]) == (1.0, 0.5)


def test_replay_without_old_uses_the_manifest_in_force(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --old the comparison is with SAYSO_MANIFEST, and where that is not set there is none."""
    old, new = manifests(tmp_path)
    calls = written(tmp_path, "c.jsonl", CALLS)
    assert json.loads(run("replay", new, "--calls", calls, "--json")[1])["old"] is None
    monkeypatch.setenv("SAYSO_MANIFEST", str(old))
    assert len(json.loads(run("replay", new, "--calls", calls, "--json")[1])["moves"]) == 1


def test_replay_reads_what_was_recorded(run: Run, tmp_path: Path) -> None:
    """Without --calls the requests that the store remembers are replayed."""
    old, new = manifests(tmp_path)
    recorded = [call_from({"action": "pay", "params": {"amount_usd": 60}})]
    code, out, _ = run("replay", new, "--old", old, "--json", recorded=recorded)
    assert code == 0
    assert json.loads(out)["calls"] == 1


def test_replay_names_a_bad_line(run: Run, tmp_path: Path) -> None:
    """A call that cannot be read is named with file and line, with exit code 2."""
    _, new = manifests(tmp_path)
    calls = written(tmp_path, "c.jsonl", CALLS + "\n{")
    code, _, err = run("replay", new, "--calls", calls)
    assert code == 2
    assert err.startswith(f"sayso: {calls}:4: ")


@pytest.mark.parametrize(("file", "good"), [("manifest", GOOD_MANIFEST), ("roster", GOOD_ROSTER)])
def test_the_schema_is_one_that_editors_can_use(run: Run, file: str, good: str) -> None:
    """The printed JSON Schema is valid, accepts the good file, refuses unknown keys, and describes every key."""
    code, out, _ = run("schema", file)
    assert code == 0
    schema = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(good))
    assert not validator.is_valid({**yaml.safe_load(good), "nope": 1})
    for part in (schema, *schema["$defs"].values()):
        for key, told in part.get("properties", {}).items():
            meant = schema["$defs"][told["$ref"].rpartition("/")[2]] if "$ref" in told else {}
            assert told.get("description") or meant.get("description"), key


CODING = SHIPPED / "examples" / "coding.yml"


def test_the_manifest_for_coding_agents_is_ready(run: Run) -> None:
    """It is checked without a word: no error, no warning."""
    code, out, _ = run("check", str(CODING))
    assert (code, out) == (0, "0 errors, 0 warnings\n")


def test_explain_says_how_a_tool_call_maps(run: Run) -> None:
    """Each part of a command, the effect that counts, the rule with its line, and then the route as for any action."""
    params = json.dumps({"command": "cd src && git push origin main"})
    code, out, _ = run("explain", str(CODING), "--hook", "Bash", "--params", params)
    assert code == 0
    assert "Bash is outward: git push: sends commits to another repository" in out
    assert "read         cd src" in out
    assert f"It maps to reach_out [{CODING}:" in out
    assert "waits for a person's yes" in out


def test_explain_tells_machines_how_a_tool_call_maps(run: Run) -> None:
    """The same as JSON; a refused call has no route."""
    code, out, _ = run(
        "explain", str(CODING), "--hook", "Read", "--params", '{"file_path": "a.py"}', "--cwd", "/srv/app", "--json"
    )
    told = json.loads(out)
    assert code == 0
    assert (told["hook"]["action"], told["hook"]["work_tree"], told["route"]["route"]) == ("look", "/srv/app", "auto")


def test_replay_tries_a_manifest_on_tool_calls(run: Run, tmp_path: Path) -> None:
    """Calls of hosts are judged one by one: what runs though it should be asked fails the run, doubt is counted apart."""
    rows = [
        {"tool": "Bash", "input": {"command": "ls"}, "should": "run", "origin": "seen"},
        {"tool": "Bash", "input": {"command": "frobnicate"}, "should": "run", "origin": "seen"},
        {"tool": "Bash", "input": {"command": "git push"}, "should": "ask", "origin": "made"},
        {"tool": "Bash", "input": {"command": "./rock"}, "should": "ask", "origin": "made", "doubt": "unknown program"},
    ]
    calls = tmp_path / "calls.jsonl"
    calls.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    code, out, _ = run("replay", str(CODING), "--calls", str(calls))
    assert code == 0
    assert "Ran though they should be asked: 0 of 1 (and 1 of 1 in doubt)" in out
    assert "Asked though they may run: 1 of 2 (50.0%) of seen" in out
    calls.write_text(json.dumps({"tool": "Bash", "input": {"command": "ls"}, "should": "ask"}), encoding="utf-8")
    code, out, _ = run("replay", str(CODING), "--calls", str(calls), "--json")
    assert code == 1
    assert [one["line"] for one in json.loads(out)["missed"]] == [1]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ('{"tool": 1, "input": {}}', "calls.jsonl:1: tool: must be the name of a tool"),
        ('{"tool": "Bash", "input": []}', "calls.jsonl:1: input: must be an object"),
        ('{"tool": "Bash", "input": {}, "should": "no"}', "calls.jsonl:1: should: must be run or ask"),
    ],
)
def test_a_bad_row_of_tool_calls_is_one_line(run: Run, tmp_path: Path, row: str, problem: str) -> None:
    """File, line and key are named, and nothing is judged."""
    calls = tmp_path / "calls.jsonl"
    calls.write_text(row, encoding="utf-8")
    code, _, err = run("replay", str(CODING), "--calls", str(calls))
    assert code == 2
    assert problem in err


def test_a_manifest_without_hooks_cannot_be_tried_on_tool_calls(run: Run, tmp_path: Path) -> None:
    """There is nothing that would map a tool to an action, and that is said."""
    calls = tmp_path / "calls.jsonl"
    calls.write_text('{"tool": "Bash", "input": {"command": "ls"}}', encoding="utf-8")
    code, _, err = run("replay", written(tmp_path, "a.yml", manifest_text()), "--calls", str(calls))
    assert (code, "hooks: this manifest has none" in err) == (2, True)
