"""A sentence says what the agent sent: parameters come before methods, and nothing of Python's own is ever printed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import BadFile
from policies.files.manifest import load_manifest
from policies.sentences import checked, sentence

SENT: dict[str, Any] = {
    "items": [{"sku": "A-1", "count": 2}, {"sku": "B", "count": 1}],
    "keys": "the spare ones",
    "values": ["a", "b", "c"],
    "copy": True,
    "get": None,
    "name": "ann",
    "address": {"city": "Ulm", "items": 3},
    "amount_usd": 12.5,
    "none": [],
}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ params.items }}", "sku A-1, count 2 and sku B, count 1"),
        ("Send {{ params.keys }}", "Send the spare ones"),
        ("{{ params.values }}", "a, b and c"),
        ("Copy: {{ params.copy }}, get: {{ params.get }}", "Copy: yes, get: nothing"),
        ("{{ params.address }} / {{ params.address.items }}", "city Ulm, items 3 / 3"),
        ("{% for one in params.items %}{{ one.count }} × {{ one.sku }} {% endfor %}", "2 × A-1 1 × B"),
        ("{{ params.items | length }} parts for {{ params.amount_usd | usd }}", "2 parts for $12.50"),
        ("{{ params.name.upper() }} {{ params['values'][1] }}", "ANN b"),
        ("{{ params.values | map('upper') | join(' or ') }}", "A or B or C"),
        ("{{ params.none }}", "nothing"),
        ("{{ 'Send ' ~ params.values ~ ' to ' ~ params.address }}", "Send a, b and c to city Ulm, items 3"),
        ("{{ params.copy ~ ' ' ~ params.get }}", "yes nothing"),
        ("{{ params.address | upper }}", "CITY ULM, ITEMS 3"),
        ("{{ params.values | string | truncate(20) }}", "a, b and c"),
        ("{{ params.items | join('; ') }}", "sku A-1, count 2; sku B, count 1"),
        ("{{ params.items | join(', ', attribute='sku') }}", "A-1, B"),
    ],
)
def test_parameters_come_before_methods_and_read_as_words(source: str, words: str) -> None:
    """A parameter called items, keys, values, copy or get is itself; lists and mappings read as words."""
    assert sentence(checked(source), "Title", SENT) == words


@given(st.sampled_from(sorted(name for name in dir(dict) if not name.startswith("_"))), st.text("abc", min_size=1))
def test_no_name_of_a_parameter_is_a_method(name: str, value: str) -> None:
    """Whatever method a mapping has, a parameter of that name is printed as it was sent."""
    assert sentence(checked(f"Do {{{{ params.{name} }}}}"), "Title", {name: value}) == f"Do {value}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.join ~ 'x' }}",
        "{{ ''.join | string }}",
        "{{ params.xs | map('upper') | upper }}",
        "",
        "  ",
        "{# later #}",
        "{% if false %}a{% endif %}",
        "{{ ''.join }}",
        "{{ params.xs | map('upper') }}",
    ],
)
def test_a_template_that_prints_an_object_or_nothing_is_refused(source: str) -> None:
    """What could never be a sentence does not load."""
    with pytest.raises(ValueError, match="prints"):
        checked(source)


MANIFEST = """\
version: 1
actions:
  send:
    title: Send
    describe: "{sentence}"
    severity: low
    reversible: true
    params_schema:
      type: object
      properties:
        to: {{type: string}}
        sums: {{type: array, items: {{type: number}}}}
        book: {{type: object, properties: {{title: {{type: string}}}}}}
"""


@pytest.mark.parametrize(
    "method", ["params.to.upper", "params.sums.count", "params.book.title.strip", "params.book.keys"]
)
def test_a_method_of_a_declared_parameter_is_refused_at_load(method: str) -> None:
    """Where the schema says what a parameter is, a method of it that is not called is found before any card."""
    with pytest.raises(BadFile, match=r"describe: it prints a method"):
        load_manifest(MANIFEST.format(sentence=f"Send {{{{ {method} }}}}"))
    load_manifest(MANIFEST.format(sentence="Send {{ params.book.title }}, {{ params.to.upper() }}"))


def test_a_missing_parameter_is_missing_though_a_method_has_its_name() -> None:
    """`params.items` is defined where the agent sent it; the method is what is called, beside a parameter of its name too."""
    asked = "{% if params.items is defined %}with items{% else %}without{% endif %}"
    assert sentence(asked, "Title", {}) == "without"
    assert sentence(asked, "Title", {"items": [1]}) == "with items"
    each = "{% for name, value in params.items() %}{{ name }} {{ value }}{% endfor %}"
    assert sentence(each, "Title", {"items": [1, 2]}) == "items 1 and 2"


@pytest.mark.parametrize(
    "source",
    [
        "{{ params.missing }}",
        "{{ params.name.upper }}",
        "{% if params.get %}a{% endif %}",
        "{% if params['get'] %}a{% endif %}",
    ],
)
def test_what_cannot_be_said_leaves_the_title(source: str) -> None:
    """A missing parameter, a method nobody could foresee and an empty sentence show the title instead."""
    assert sentence(source, "Title", SENT) == "Title"
