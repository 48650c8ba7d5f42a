"""Names of actions: long ones, patterns with the most specific first, and no spelling that slips into a looser one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import action_names
from policies.errors import BadFile, InvalidInput
from policies.explain import explain, in_words
from policies.files.manifest import load_manifest
from policies.request import read_request

ENTRY = '  "{name}":\n    {{title: T, describe: Do it, severity: low, reversible: true, approval_required: {asked}}}\n'


def manifest(*names: str) -> str:
    """A manifest with these entries; patterns run without a person, names do not."""
    return "version: 1\nactions:\n" + "".join(
        ENTRY.format(name=name, asked="false" if "*" in name else "true") for name in names
    )


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("mcp__github__delete_repo", "mcp__github__delete_*"),
        ("mcp__github__list", "mcp__github__*"),
        ("mcp__github__get_file", "mcp__github__get_file"),
        ("mcp__slack__post", "mcp__*"),
        ("mcp__", "mcp__*"),
        ("other", None),
        ("Mcp__github__list", None),
        ("MCP__GITHUB__GET_FILE", None),
        ("mcp__github__Get_file", None),
        ("mcp__github__get_file ", None),
        ("mcp__github__get\u200b_file", None),
        ("mcp__github__gеt_file", None),
        ("mcp__github__*", None),
        ("mcp__*", None),
    ],
)
def test_the_most_specific_entry_holds_and_look_alikes_are_unknown(name: str, entry: str | None) -> None:
    """Itself, else the pattern that spells out most; capitals, blanks, hidden letters and stars make an unknown action."""
    entries = ["mcp__*", "mcp__github__*", "mcp__github__delete_*", "mcp__github__get_file"]
    loaded = load_manifest(manifest(*entries))
    policy = loaded.policy(name)
    assert (policy.action if policy.known else None) == entry
    told = explain(loaded, read_request({"action": name}), agent="a")
    assert told.route == ("block" if entry is None else "auto" if "*" in entry else "ask")
    assert (f"by the pattern {entry}" in in_words(told, path="actions.yml")) == (entry is not None and "*" in entry)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), st.sampled_from(["a*", "*b", "a*b*c", "*"]))
def test_a_pattern_and_its_condition_in_sql_agree(name: str, pattern: str) -> None:
    """Whatever a pattern stands for, the sums that count by it find too."""
    if action_names.matches(pattern, name):
        likely = action_names.like(pattern)
        head, tail = likely.split("%")[0], likely.split("%")[-1]
        assert name.startswith(head.replace("\\", ""))
        assert name.endswith(tail.replace("\\", ""))


def test_underscores_of_a_name_are_no_wildcards_in_sql() -> None:
    """`mcp__a_*` counts with no `mcp--ab…`."""
    assert action_names.like("mcp__a_*%") == r"mcp\_\_a\_%\%"


def test_names_may_have_255_letters() -> None:
    """Long names of tools are taken as they are, longer ones are refused by name."""
    name = "mcp__" + "x" * 250
    assert load_manifest(manifest(name)).policy(name).known
    assert read_request({"action": name}).action == name
    with pytest.raises(InvalidInput) as caught:
        read_request({"action": name + "x"})
    assert caught.value.field == "action"
    with pytest.raises(BadFile, match="actions"):
        load_manifest(manifest(name + "x"))


@pytest.mark.parametrize("name", ["math.sqrt", "contract-testing_get", "tools/call", "ns:tool@v2", "a+b", "$price"])
def test_names_that_tools_have_load(name: str) -> None:
    """Dots, dashes, slashes, colons and versions are part of names."""
    assert load_manifest(manifest(name)).policy(name).known
