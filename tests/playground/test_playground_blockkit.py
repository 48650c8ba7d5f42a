"""Block Kit's limits: each just fits, and one more is refused with its path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinybot import button, text

from playground.blockkit import check_message, check_view, iter_blocks, normalise

Json = dict[str, Any]
OPTION = {"text": text("a"), "value": "a"}


def options(count: int, **more: Any) -> list[Json]:
    return [{"text": text(f"o{index}"), "value": f"v{index}", **more} for index in range(count)]


def section(content: str, kind: str = "mrkdwn") -> Json:
    return {"type": "section", "text": text(content, kind)}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def asked(element: Json, label: str = "L") -> Json:
    return {"type": "input", "label": text(label), "element": element}


def confirm(**more: int) -> Json:
    sizes = {"title": 1, "text": 1, "confirm": 1, "deny": 1} | more
    return {key: text("x" * size) for key, size in sizes.items()}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": text("T"), "submit": text("S"), "blocks": list(blocks), **more}


LIMITS: list[tuple[str, int, Callable[[int], Json], str]] = [
    ("section text", 3000, lambda n: section("x" * n), "/blocks/0/text/text"),
    ("header", 150, lambda n: {"type": "header", "text": text("x" * n)}, "/blocks/0/text/text"),
    ("fields", 10, lambda n: {"type": "section", "fields": [text("x")] * n}, "/blocks/0/fields"),
    ("field", 2000, lambda n: {"type": "section", "fields": [text("x" * n)]}, "/blocks/0/fields/0/text"),
    ("context", 10, lambda n: {"type": "context", "elements": [text("x")] * n}, "/blocks/0/elements"),
    ("actions", 25, lambda n: actions(*(button("b", f"a{i}") for i in range(n))), "/blocks/0/elements"),
    ("button text", 75, lambda n: actions(button("x" * n, "a")), "/blocks/0/elements/0/text/text"),
    ("button value", 2000, lambda n: actions(button("b", "a", value="x" * n)), "/blocks/0/elements/0/value"),
    ("button url", 3000, lambda n: actions(button("b", "a", url="x" * n)), "/blocks/0/elements/0/url"),
    ("action_id", 255, lambda n: actions(button("b", "x" * n)), "/blocks/0/elements/0/action_id"),
    ("block_id", 255, lambda n: {"type": "divider", "block_id": "x" * n}, "/blocks/0/block_id"),
    ("overflow", 5, lambda n: actions({"type": "overflow", "options": options(n)}), "/blocks/0/elements/0/options"),
    ("radio", 10, lambda n: actions({"type": "radio_buttons", "options": options(n)}), "/blocks/0/elements/0/options"),
    (
        "checkboxes",
        10,
        lambda n: actions({"type": "checkboxes", "options": options(n)}),
        "/blocks/0/elements/0/options",
    ),
    (
        "select",
        100,
        lambda n: actions({"type": "static_select", "options": options(n)}),
        "/blocks/0/elements/0/options",
    ),
    (
        "option text",
        75,
        lambda n: actions({"type": "static_select", "options": [{"text": text("x" * n), "value": "v"}]}),
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        "option value",
        150,
        lambda n: actions({"type": "static_select", "options": [{"text": text("x"), "value": "v" * n}]}),
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        "confirm title",
        100,
        lambda n: actions(button("b", "a", confirm=confirm(title=n))),
        "/blocks/0/elements/0/confirm/title/text",
    ),
    (
        "confirm text",
        300,
        lambda n: actions(button("b", "a", confirm=confirm(text=n))),
        "/blocks/0/elements/0/confirm/text/text",
    ),
    (
        "confirm button",
        30,
        lambda n: actions(button("b", "a", confirm=confirm(deny=n))),
        "/blocks/0/elements/0/confirm/deny/text",
    ),
    ("label", 2000, lambda n: asked({"type": "plain_text_input"}, "x" * n), "/blocks/0/label/text"),
    (
        "table rows",
        100,
        lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * n},
        "/blocks/0/rows",
    ),
    (
        "table columns",
        20,
        lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * n]},
        "/blocks/0/rows/0",
    ),
    ("markdown", 12000, lambda n: {"type": "markdown", "text": "x" * n}, "/blocks/0/text"),
    (
        "container",
        10,
        lambda n: {"type": "container", "title": text("t"), "child_blocks": [{"type": "divider"}] * n},
        "/blocks/0/child_blocks",
    ),
    ("card body", 200, lambda n: {"type": "card", "body": text("x" * n)}, "/blocks/0/body/text"),
    (
        "context actions",
        5,
        lambda n: {
            "type": "context_actions",
            "elements": [
                {"type": "icon_button", "icon": "trash", "text": text("x"), "action_id": f"a{i}"} for i in range(n)
            ],
        },
        "/blocks/0/elements",
    ),
]


@pytest.mark.parametrize(("name", "most", "build", "path"), LIMITS, ids=[entry[0] for entry in LIMITS])
def test_each_limit_fits_and_one_more_is_refused(name: str, most: int, build: Callable[[int], Json], path: str) -> None:
    """A block at its limit passes; one more character or item is refused with exactly this path."""
    assert check_message([build(most)]) == []
    assert any(entry.endswith(f"[json-pointer:{path}]") for entry in check_message([build(most + 1)]))


VIEW_LIMITS: list[tuple[str, int, Callable[[int], Json], str]] = [
    ("title", 24, lambda n: modal(title=text("x" * n)), "/view/title/text"),
    ("submit", 24, lambda n: modal(submit=text("x" * n)), "/view/submit/text"),
    ("close", 24, lambda n: modal(close=text("x" * n)), "/view/close/text"),
    ("private_metadata", 3000, lambda n: modal(private_metadata="x" * n), "/view/private_metadata"),
    ("callback_id", 255, lambda n: modal(callback_id="x" * n), "/view/callback_id"),
    ("blocks", 100, lambda n: modal(*[{"type": "divider"}] * n), "/view/blocks"),
    ("home blocks", 100, lambda n: {"type": "home", "blocks": [{"type": "divider"}] * n}, "/view/blocks"),
]


@pytest.mark.parametrize(("name", "most", "build", "path"), VIEW_LIMITS, ids=[entry[0] for entry in VIEW_LIMITS])
def test_each_view_limit(name: str, most: int, build: Callable[[int], Json], path: str) -> None:
    """A view at its limit passes; one more is refused with exactly this path."""
    assert check_view(build(most)) == []
    assert any(entry.endswith(f"[json-pointer:{path}]") for entry in check_view(build(most + 1)))


REFUSED: list[tuple[str, list[Json], str]] = [
    ("header in mrkdwn", [{"type": "header", "text": text("x", "mrkdwn")}], "/blocks/0/text/type"),
    (
        "button in mrkdwn",
        [actions({**button("b", "a"), "text": text("b", "mrkdwn")})],
        "/blocks/0/elements/0/text/type",
    ),
    ("empty text", [section("")], "/blocks/0/text/text"),
    ("empty section", [{"type": "section"}], "/blocks/0"),
    ("unknown type", [{"type": "marquee"}], "/blocks/0/type"),
    ("unknown key", [{"type": "divider", "colour": "red"}], "/blocks/0/colour"),
    ("emoji on mrkdwn", [{"type": "section", "text": {**text("x", "mrkdwn"), "emoji": True}}], "/blocks/0/text/emoji"),
    ("same block_id", [{"type": "divider", "block_id": "a"}] * 2, "/blocks/1/block_id"),
    ("same action_id", [actions(button("b", "a"), button("c", "a"))], "/blocks/0/elements/1/action_id"),
    ("two tables", [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}] * 2, "/blocks/1"),
    ("markdown in all", [{"type": "markdown", "text": "x" * 7000}] * 2, "/blocks"),
    ("alert in a message", [{"type": "alert", "text": text("x")}], "/blocks/0"),
    (
        "foreign initial option",
        [actions({"type": "static_select", "options": options(1), "initial_option": OPTION})],
        "/blocks/0/elements/0/initial_option",
    ),
    (
        "two option sources",
        [actions({"type": "static_select", "options": options(1), "option_groups": []})],
        "/blocks/0/elements/0",
    ),
    ("text input in actions", [actions({"type": "plain_text_input"})], "/blocks/0/elements/0/type"),
    ("button in an input", [asked(button("b", "a"))], "/blocks/0/element/type"),
    ("nothing to fold", [{"type": "container", "title": text("t"), "child_blocks": []}], "/blocks/0/child_blocks"),
    (
        "container in container",
        [{"type": "container", "title": text("t"), "child_blocks": [{"type": "container"}]}],
        "/blocks/0/child_blocks/0/type",
    ),
    ("bad date", [actions({"type": "datepicker", "initial_date": "1.2.2025"})], "/blocks/0/elements/0/initial_date"),
    ("51 blocks", [{"type": "divider"}] * 51, "/blocks"),
]


@pytest.mark.parametrize(("name", "blocks", "path"), REFUSED, ids=[entry[0] for entry in REFUSED])
def test_what_slack_refuses_in_a_message(name: str, blocks: list[Json], path: str) -> None:
    """Each mistake is refused with the path of its place."""
    assert any(entry.endswith(f"[json-pointer:{path}]") for entry in check_message(blocks))


def test_submit_is_required_where_there_are_inputs() -> None:
    """A modal with an input block and no submit is refused; a home tab needs none."""
    block = asked({"type": "plain_text_input"})
    assert check_view({"type": "modal", "title": text("t"), "blocks": [block]})
    assert check_view({"type": "home", "blocks": [block]}) == []


def test_every_rich_text_kind_is_known() -> None:
    """Lists, quotes, preformatted text and every inline kind pass; an unknown inline kind does not."""
    spans = [
        {"type": "text", "text": "x", "style": {"bold": True, "code": True}},
        {"type": "link", "url": "https://x", "text": "x"},
        {"type": "user", "user_id": "U1"},
        {"type": "channel", "channel_id": "C1"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "broadcast", "range": "here"},
        {"type": "emoji", "name": "tada"},
        {"type": "color", "value": "#fff"},
        {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "x"},
    ]
    line = {"type": "rich_text_section", "elements": spans}
    parts = [
        line,
        {"type": "rich_text_list", "style": "ordered", "elements": [line], "indent": 1},
        {"type": "rich_text_quote", "elements": spans},
        {"type": "rich_text_preformatted", "elements": spans[:2], "border": 1},
    ]
    assert check_message([{"type": "rich_text", "elements": parts}]) == []
    spans.append({"type": "marquee"})
    found = check_message([{"type": "rich_text", "elements": parts}])
    assert "[ERROR] unsupported type: marquee [json-pointer:/blocks/0/elements/0/elements/9/type]" in found


KEYS = ["type", "text", "elements", "accessory", "options", "block_id", "action_id", "child_blocks", "rows", "element"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_judged_without_a_crash(value: Any) -> None:
    """Whatever JSON comes, the answer is a list of faults, never an exception."""
    assert isinstance(check_message(value), list)
    assert isinstance(check_message([value]), list)
    assert isinstance(check_view({"type": "modal", "blocks": [value]}), list)


@given(st.lists(st.sampled_from(["section", "divider", "actions"]), max_size=12))
def test_normalised_blocks_stay_valid_and_are_named(kinds: list[str]) -> None:
    """Filling in ids never invalidates blocks, and every block ends up with a unique id."""
    build = {"section": section("x"), "divider": {"type": "divider"}, "actions": actions(button("b", "a"))}
    stored = normalise([build[kind] for kind in kinds])
    names = [block["block_id"] for _, block in iter_blocks(stored)]
    assert check_message(stored) == []
    assert len(set(names)) == len(kinds)
