"""A policy file that cannot be used says where and why in one line, and never anything worse."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import yaml
from bad_files import GOOD_MANIFEST, GOOD_ROSTER, bad_manifests, bad_rosters, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pace import in_time

from policies.errors import BadFile
from policies.files import strict_yaml
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from policies.files.strict_yaml import parse

MANIFESTS, ROSTERS = bad_manifests(), bad_rosters()


def refused(load: Callable[..., object], text: str, file: str, line: int, word: str) -> None:
    """`text` is refused in one clear line within a second."""

    def read() -> str:
        with pytest.raises(BadFile) as caught:
            load(text, path=file)
        return str(caught.value)

    message = read()
    assert in_time(read, 1)
    assert message.isprintable()
    assert len(message) <= 500
    if line:
        assert message.startswith(f"{file}:{line}: ")
    assert re.match(rf"{file}(:\d+)?: \S", message)
    assert word in message
    assert not re.search(r"pydantic|Traceback|Error\b|Input should|constrained|function-|\[key\]", message)


def test_the_files_that_the_bad_ones_come_from_load() -> None:
    """Without their faults, both files load."""
    assert load_manifest(GOOD_MANIFEST).actions == ["pay"]
    assert load_roster(GOOD_ROSTER).operations == "#ops"


def test_there_are_hundreds_of_bad_files() -> None:
    """The collection stays large enough to mean something."""
    assert len(MANIFESTS) + len(ROSTERS) > 400


@pytest.mark.parametrize(("name", "text", "line", "word"), MANIFESTS, ids=numbered(MANIFESTS))
def test_a_bad_manifest_says_where_and_why(name: str, text: str, line: int, word: str) -> None:
    """Each bad manifest gives one printable line with file, line and key, within a second."""
    refused(load_manifest, text, "actions.yml", line, word)


@pytest.mark.parametrize(("name", "text", "line", "word"), ROSTERS, ids=numbered(ROSTERS))
def test_a_bad_roster_says_where_and_why(name: str, text: str, line: int, word: str) -> None:
    """Each bad roster gives one printable line with file, line and key, within a second."""
    refused(load_roster, text, "reviewers.yml", line, word)


def test_an_unknown_key_suggests_the_one_that_was_meant() -> None:
    """A misspelled key is answered with the key it resembles."""
    with pytest.raises(BadFile, match="did you mean sla_seconds"):
        load_manifest(GOOD_MANIFEST.replace("    sla_seconds:", "    sla_second:"))


def test_a_date_is_text_where_text_is_wanted() -> None:
    """An unquoted date is the text it looks like, as in JSON."""
    loaded = load_manifest(GOOD_MANIFEST.replace("title: Pay somebody", "title: 2026-01-01"))
    assert loaded.file.actions["pay"].title == "2026-01-01"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("1.0e+3", 1000.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("Null", None),
        ('"yes"', "yes"),
        ("'010'", "010"),
        ("2026-01-01", "2026-01-01"),
        ("a: b", None),
        ("word", "word"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("|\n  a\n  b", "a\nb\n"),
        ("[1, two, 3.5]", [1, "two", 3.5]),
        ("{a: 1, b: {c: []}}", {"a": 1, "b": {"c": []}}),
    ],
)
def test_what_a_plain_value_means(text: str, value: object) -> None:
    """Plain values mean what they look like, and what could surprise is refused."""
    source = f"k: {text}\n"
    if text == "a: b":
        with pytest.raises(BadFile):
            parse(source, path="f")
    else:
        assert parse(source, path="f").value == {"k": value}


def test_every_key_knows_its_line() -> None:
    """Lines are kept for keys, list entries and, for what is absent, the nearest thing around it."""
    document = parse("a:\n  b:\n    - x\n    - z\nc: {d: 1}\n", path="f")
    assert document.line(("a", "b", 1)) == 4
    assert document.line(("a", "b", 7)) == 2
    assert document.line(("c", "d")) == 5
    assert document.line(("nope",)) is None


fragments = st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,?~.0123456789_xoe\n \t\x00\x85\u2028\ufeff=<yn", max_size=80)


def outcome(text: str, loader: object) -> strict_yaml.Document | str:
    """The file as one loader reads it, or why it is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_yaml, "_FASTEST", loader)
        try:
            return parse(text, path="f")
        except BadFile as error:
            return str(error)


@given(at=st.integers(0, len(GOOD_MANIFEST)), text=fragments, cut=st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_both_loaders_read_the_same(at: int, text: str, cut: int) -> None:
    """Whatever the slower loader takes, the quick one reads as the same values at the same lines."""
    damaged = GOOD_MANIFEST[:at] + text + GOOD_MANIFEST[at + cut :]
    slowly, quickly = (outcome(damaged, loader) for loader in (yaml.SafeLoader, strict_yaml._FASTEST))
    if not isinstance(slowly, str) or "\t" in damaged or "\ufeff" in damaged:
        assert quickly == slowly


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="NOT TESTED: this PyYAML has no libyaml")
def test_a_thousand_actions_are_read_in_half_a_second() -> None:
    """A manifest of a large organisation delays no start."""
    entry = "  pay_{}:\n    title: Pay\n    roles: [a, b]\n    params_schema: {{type: object, properties: {{x: {{type: string}}}}}}\n"
    text = "actions:\n" + "".join(map(entry.format, range(1000)))
    assert in_time(lambda: parse(text, path="f"), 0.5)


@pytest.mark.parametrize("load", [load_manifest, load_roster])
@given(text=st.one_of(st.text(max_size=60), fragments))
@settings(max_examples=150, deadline=None)
def test_no_text_raises_anything_but_the_one_error(load: Callable[[str], object], text: str) -> None:
    """Whatever text a file holds, loading it gives a result or one printable line."""
    message = ""
    try:
        load(text)
    except BadFile as error:
        message = str(error)
    assert message.isprintable()


@given(at=st.integers(0, len(GOOD_MANIFEST)), text=fragments, cut=st.integers(0, 30))
@settings(max_examples=120, deadline=None)
def test_no_damage_to_a_good_file_raises_anything_else(at: int, text: str, cut: int) -> None:
    """A good manifest with any damage loads, or gives one printable line with a line number or none."""
    message = ""
    try:
        load_manifest(GOOD_MANIFEST[:at] + text + GOOD_MANIFEST[at + cut :])
    except BadFile as error:
        message = str(error)
    assert message.isprintable()
    assert not message or message.startswith("actions.yml:")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(yaml.safe_load(GOOD_MANIFEST)["actions"]["pay"])), value=json_values)
@settings(max_examples=150, deadline=None)
def test_no_value_of_any_key_raises_anything_else(key: str, value: object) -> None:
    """Any YAML value at any key of an action loads, or gives one printable line."""
    file = yaml.safe_load(GOOD_MANIFEST)
    file["actions"]["pay"][key] = value
    message = ""
    try:
        load_manifest(yaml.safe_dump(file))
    except BadFile as error:
        message = str(error)
    assert message.isprintable()
