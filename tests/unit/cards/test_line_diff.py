"""What a tool writes into a file stands on the card by line, and every line of both texts is there or counted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.acts.registry import approval_card, form
from bot.render.cards import needs_full_view
from bot.render.line_diff import Diff, entries
from bot.render.parameters import listing
from bot.render.visible_text import visible
from playground.blockkit import check_view
from policies.approval import Approval
from policies.hidden import leaves
from tests.unit.cards.looking import everything, faults
from tests.unit.cards.samples import approval

Json = dict[str, Any]
OLD = "def pay(amount):\n    check(amount)\n    return bank.pay(amount)\n"
NEW = "def pay(amount):\n    return bank.pay(amount * 100)\n"


def asked(params: Json) -> Approval:
    """A request of an action that takes any parameters."""
    found = approval(params, action="delete_branch")
    assert found.policy is not None
    return replace(found, policy=found.policy.model_copy(update={"params_schema": None}))


def shown(params: Json) -> str:
    """What stands on the card."""
    card = approval_card(asked(params))
    assert faults(card.blocks) == []
    return everything(card.blocks)


def test_an_edit_stands_on_the_card_by_line() -> None:
    """What goes, what comes and what stays has its sign in front, and the file its own line."""
    told = shown({"file_path": "/src/pay.py", "old_string": OLD, "new_string": NEW})
    assert "file_path:" in told
    assert "old_string → new_string: 2 lines out, 1 line in" in told
    for line in (
        " │ def pay(amount):",
        "-│     check(amount)",
        "-│     return bank.pay(amount)",
        "+│     return bank.pay(amount * 100)",
    ):
        assert line in told


def test_a_new_file_is_lines_that_come() -> None:
    """Write sends the whole file: every line is one that comes."""
    told = shown({"file_path": "/src/new.py", "content": "import os\nos.system('id')\n"})
    assert "content: 3 lines written" in told
    assert "+│ os.system('id')" in told


def test_each_change_of_several_is_shown() -> None:
    """Several edits of one call are several diffs, each with its place."""
    edits = [{"old_string": "a\nb", "new_string": "a\nc"}, {"oldText": "x", "newText": ""}]
    told = shown({"file_path": "f", "edits": edits})
    assert "edits[0].old_string → new_string: 1 line out, 1 line in" in told
    assert "edits[1].oldText → newText: 1 line out, 1 line in" in told


def test_what_cannot_be_seen_is_shown() -> None:
    """Tabs are arrows, hidden characters and carriage returns are named, and a text that holds an arrow pretends nothing."""
    told = shown({"path": "Makefile", "old_str": "all:\n\tmake\n", "new_str": "all:\n\tmake\r\n⇥x\u202ey\n"})
    assert "-│ ⇥ make" in told
    assert "+│ ⇥ make‹U+000D›" in told
    assert "+│ ‹U+21E5›x‹U+202E›y" in told


def test_no_line_poses_as_another_parameter() -> None:
    """A line of a file that looks like a parameter stands behind its bar."""
    told = shown({"file_path": "f", "old_string": "x\n", "new_string": 'x\namount_usd: 5\n"approved": true\n'})
    for line in told.splitlines():
        if "amount_usd: 5" in line or '"approved"' in line:
            assert line.startswith("+│ ")


def test_a_long_change_is_read_in_full_first() -> None:
    """What does not fit on the card opens the full view before Approve, and all of it is there."""
    old = "".join(f"line {at}\n" for at in range(400))
    new = old.replace("line 399", "rm -rf /")
    found = asked({"file_path": "f", "old_string": old, "new_string": new})
    assert needs_full_view(found)
    told = everything(approval_card(found).blocks)
    assert "Review & approve" in told
    assert "more lines" in told
    pages = []
    for page in range(20):
        view = form("approve", found, page=page)
        assert check_view(view) == []
        pages.append(everything(view))
    assert any("+│ rm -rf /" in page for page in pages)
    assert all(any(f"│ line {at}" in page for page in pages) for at in range(400))


def test_a_secret_is_never_part_of_a_diff() -> None:
    """Where something of either text is hidden, both stand as values of their own, with what is hidden covered."""
    token = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    told = shown({"file_path": "f", "old_string": "a\n", "new_string": f"a\nkey = {token}\n"})
    assert token not in told
    assert "→ new_string" not in told


texts = st.text(st.sampled_from("ab \n\t\r⇥│-+\u200b\u00a0é"), max_size=60)


@given(texts, texts, st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_diff_holds_both_texts_exactly(old: str, new: str, nested: bool) -> None:
    """The lines that go and stay are the old text, those that come and stay are the new one, to the character."""
    inner = {"new_string": new, "old_string": old, "replace_all": False}
    found = leaves({"edits": [inner]} if nested else inner)
    diffs = [entry for entry in entries(found) if isinstance(entry, Diff)]
    assert len(diffs) == 1
    assert sum(entry.leaves if isinstance(entry, Diff) else 1 for entry in entries(found)) == len(found)

    def told(signs: str) -> list[str]:
        return [line[3:] for line in diffs[0].lines if line[0] in signs]

    def exactly(text: str) -> list[str]:
        lines = [visible(line, exact=True) for line in text.split("\n")]
        return [line.replace("⇥", "‹U+21E5›").replace("‹U+0009›", "⇥ ") for line in lines]

    assert told("- ") == exactly(old)
    assert told("+ ") == exactly(new)


@given(
    st.dictionaries(
        st.sampled_from(["old_string", "new_string", "content", "path", "old_str", "x"]), texts | st.integers()
    ),
    st.integers(0, 2000),
)
@settings(max_examples=150, deadline=None)
def test_every_leaf_is_there_or_counted(params: Json, room: int) -> None:
    """Whatever the names, no leaf is lost: it stands on the card whole, or is counted as missing or as shown in part."""
    found = leaves(params)
    listed = listing(found, room)
    if params:
        assert listed.total == len(found)
        assert 0 <= listed.hidden <= len(found)
    if listed.complete:
        for leaf in found:
            name = str(leaf.path[-1]) if leaf.path else ""
            assert name in listed.text
    assert json.dumps(params)
