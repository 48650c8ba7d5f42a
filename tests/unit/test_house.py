"""The layout keeps what docs/design.md and docs/rules.md say of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from support import second_try

from bot.acts import registry
from tests.house import citations, code, figures, versions

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([A-GI]\d{1,2}) \| .+ \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


def test_every_citation_leads_to_a_rule() -> None:
    """An id of a rule stands with the link to docs/rules.md, is published there, and no paper is cited that is not here."""
    assert citations.dangling(ROOT) == []


def test_every_rule_names_a_module_and_a_test_that_exist() -> None:
    """Each row of docs/rules.md says which module holds the rule and which test fails without it."""
    rows = ROW.findall((ROOT / "docs" / "rules.md").read_text(encoding="utf-8"))
    assert {rule for rule, _, _ in rows} == citations.rules(ROOT)
    assert [path for _, module, test in rows for path in (module, test) if not (ROOT / path).exists()] == []


def test_no_two_rooms_lean_on_each_other() -> None:
    """Between the server's rooms every arrow goes one way."""
    arrows = code.arrows(code.modules(ROOT))
    assert {pair for pair in code.backward(arrows) if pair[0].startswith("bot.")} == set()


STARTERS = {"support.office", "support.servers", "support.workers", "support.zygote", "support.browser"}


def starts_without_a_second_try(path: Path) -> list[str]:
    """The tests of a file that use what starts servers or a browser, and would have to hold at once all the same."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.module in STARTERS]
    starters = {alias.asname or alias.name for one in imports for alias in one.names}
    return [
        f"{path.name}::{test.name}"
        for test in tree.body
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_")
        if starters & {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
        if not second_try.FIXTURES & {argument.arg for argument in test.args.args}
        if not any("servers" in ast.unparse(mark) for mark in test.decorator_list)
    ]


def test_whatever_starts_servers_has_a_second_try() -> None:
    """A test with servers or a browser is tried once more (tests/support/second_try.py), in whatever room it stands."""
    tests, covered = ROOT / "tests", second_try.ROOMS + second_try.TIMED
    found = [path for path in tests.rglob("test_*.py") if path.relative_to(tests).parts[0] not in covered]
    assert len(found) > 50
    assert [fault for path in found for fault in starts_without_a_second_try(path)] == []


def test_an_approval_moves_on_in_one_place() -> None:
    """One line of the server raises a version, and no other module than `advance` saves an approval."""
    found = {module.name: module.tree for module in code.modules(ROOT) if module.name.startswith(("bot.", "policies."))}
    bumped = [name for name, tree in found.items() for _ in versions.bumps(tree)]
    assert bumped == ["bot.service.advance"]
    assert {name for name, tree in found.items() if [*versions.saves(tree)]} == {"bot.service.advance"}


def test_nobody_asks_whether_there_is_a_policy() -> None:
    """What the manifest does not know has a policy of its own, so nothing is compared with None that is called `policy`."""
    found = [module.name for module in code.modules(ROOT) for _ in versions.absences(module.tree, "policy")]
    assert found == ["store.approvals"]  # the row of such an action names none


@pytest.mark.parametrize(
    "line",
    ["replace(one, version=one.version + 1)", "replace(one, version=next)", "one.version += 1", "after = version + 1"],
)
def test_a_version_raised_elsewhere_is_found(line: str) -> None:
    """However it is written, raising a version is seen."""
    assert [*versions.bumps(ast.parse(line))] == [1]


@pytest.mark.parametrize("line", ["approvals.save(unit, before, after)", "store = approvals.save_later"])
def test_a_save_elsewhere_is_found(line: str) -> None:
    """Saving an approval is seen, by whatever name it is called then."""
    assert [*versions.saves(ast.parse(line))] == [1]


def test_no_public_name_means_two_things_in_a_room() -> None:
    """Two modules of one room define no function or class of one name, but those of its protocols."""
    modules = code.modules(ROOT)
    assert code.named_twice(modules) == {}
    defined = {(module.room, node.name) for module in modules for node in module.tree.body if hasattr(node, "name")}
    assert set(code.PROTOCOLS) - defined == set(), "an exception that nothing needs"


def test_an_act_stands_in_few_files() -> None:
    """Asking the agent is named in its own file, the registry, the table of states and its use case, and nowhere else."""
    named = {str(module.path.relative_to(ROOT)) for module in code.modules(ROOT) if _names(module, "request_info")}
    own = {"bot/acts/request_info.py", "bot/acts/registry.py"}
    assert named == own | {"policies/lifecycle.py", "bot/service/decide.py"}


def _names(module: code.Module, word: str) -> bool:
    return module.name.partition(".")[0] in ("bot", "policies", "store") and word in re.findall(r"\w+", module.text)


def test_every_act_has_a_file_of_its_own() -> None:
    """Each verb of the registry is the name of the module that holds it; those of an agent's run share one."""
    for act in registry.ACTS:
        module = "session" if act.verb.startswith("session_") else act.verb
        assert (ROOT / "bot" / "acts" / f"{module}.py").exists(), act.verb


ANSWERED = re.compile(r"^\| ([^|]+\?) \| (.+) \|$", re.MULTILINE)
MOST_OPENED = {"Who may decide?": 3, "When does silence approve?": 3, "How is a card rendered?": 5}


def test_questions_are_answered_by_opening_few_files() -> None:
    """docs/design.md names the files that answer each question: they exist, and are as few as promised."""
    answered = dict(ANSWERED.findall((ROOT / "docs" / "design.md").read_text(encoding="utf-8")))
    assert answered.keys() == MOST_OPENED.keys()
    for question, files in answered.items():
        opened = re.findall(r"`([^`]+)`", files)
        assert 0 < len(opened) <= MOST_OPENED[question]
        assert all((ROOT / file).is_file() for file in opened), question


def test_an_earlier_tree_is_measured_too(tmp_path: Path) -> None:
    """A tree that is no checkout, and has no rules, has figures of its own."""
    rule = "A1"
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "one.py").write_text(
        f"import bot.two\n\n\ndef five(a, b, c, d, e):  # ({rule})\n    return a\n"
    )
    (tmp_path / "bot" / "two.py").write_text("def five():\n    return 5\n")
    found = figures.measured(tmp_path)
    assert found["modules"] == "2"
    assert found["longest chain of imports"] == "2 modules"
    assert found["five or more arguments by position"] == "1 functions"
    assert found["public names twice in a room"] == "1"
    assert found["citations that lead nowhere"] == "1"
