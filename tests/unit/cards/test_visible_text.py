"""Hidden characters are shown, ordinary writing in any script stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.facts import brief
from bot.render.visible_text import Shown, clip, escape, fill, json_size, notification, visible
from tests.unit.cards.corpus import HIDDEN
from tests.unit.cards.looking import hidden


@pytest.mark.parametrize("point", HIDDEN)
def test_every_hidden_character_is_named(point: int) -> None:
    """Control, format, blank and private characters appear as ‹U+XXXX›."""
    assert visible(f"a{chr(point)}b") == f"a‹U+{point:04X}›b"


@pytest.mark.parametrize(
    "text",
    [
        "Grüße",
        "Ťažký",
        "Привет",
        "你好，世界",
        "こんにちは　世界",
        "مرحبا",
        "שלום",
        "नमस्ते",
        "สวัสดีน้ำ",
        "Tiếng Việt",
        "12 €",
        "❤️ 👍🏽 1️⃣ 🇩🇪",
        "a\nb",
    ],
)
def test_ordinary_writing_stays(text: str) -> None:
    """Letters, accents, emoji and line breaks of prose are left alone."""
    assert visible(text, lines=True) == text


def test_odd_spaces_show_in_parameters() -> None:
    """A no-break space is shown where exactness counts, and left alone in prose."""
    assert visible("a\u00a0b", exact=True) == "a‹U+00A0›b"
    assert visible("a\u00a0b") == "a\u00a0b"


def test_long_runs_are_counted() -> None:
    """Five thousand zero-width spaces take one name and a number."""
    assert visible("a" + "\u200b" * 5000) == "a‹U+200B›‹×5000›"


def test_marks_do_not_pile_up() -> None:
    """More than four marks on one letter are named instead of drawn."""
    assert visible("e" + "\u0301" * 4) == "e" + "\u0301" * 4
    assert visible("e" + "\u0301" * 6) == "e" + "\u0301" * 4 + "‹U+0301›" * 2


@given(st.text())
def test_nothing_stays_hidden(text: str) -> None:
    """No text whatever keeps a hidden character, and showing twice is showing once."""
    shown = visible(text)
    assert not [name for name in hidden(shown) if name not in ("U+00AD",)]
    assert visible(shown) == shown
    assert "\n" not in shown


@given(
    st.lists(st.sampled_from([*'a3\n\r\t"é©', "\u00a0", "\u200b", "\u0301", "\u0302", "\ufe0f", "\u20e3", "‹U+"])).map(
        "".join
    )
)
def test_lines_are_shown_as_each_by_itself(text: str) -> None:
    """A text with its line breaks shows exactly what its lines show one by one: nothing hides across a break."""
    apart = "\n".join(visible(line, exact=True) for line in text.split("\n"))
    assert visible(text, lines=True, exact=True) == apart


@given(st.text(max_size=400), st.integers(1, 200), st.integers(20, 600))
def test_clipping_keeps_both_limits(text: str, chars: int, room: int) -> None:
    """A clipped text is within its characters and its bytes, and ends in … exactly when something is missing."""
    shown = visible(text)
    cut = clip(shown, chars, room)
    assert len(cut) <= chars
    assert json_size(cut) <= room
    assert cut == shown or (cut.endswith("…") and shown.startswith(cut[:-1]))


def test_clipping_does_not_cut_a_name_in_half() -> None:
    """A name of a hidden character is whole or not there."""
    assert clip(Shown("abc‹U+202E›def"), 8) == "abc…"


def test_escaping_leaves_nothing_to_parse() -> None:
    """Mentions, links, emphasis, code and emoji names become plain signs; words with an underscore stay."""
    assert escape("<@U1> & finance_lead") == "&lt;@U1&gt; &amp; finance_lead"
    assert not set("*~`") & set(escape("*a* ~b~ `c`"))
    assert "_x_" not in escape("_x_")
    assert ":smile:" not in escape(":smile:")


def test_filling_escapes_what_is_not_ours() -> None:
    """A filled template keeps its own mark-up and escapes its values; braces in values mean nothing."""
    assert fill("*{who}*", who="<b>{x}") == "*&lt;b&gt;{x}*"


def test_notifications_mention_nobody() -> None:
    """The fallback text of a message holds no mention and no link."""
    assert notification("<!here> @channel a&b") == "&lt;!here&gt; ＠channel a&amp;b"


@pytest.mark.parametrize("text", ["&" * 500, "*" * 500, "\u202e\u200b" * 300, "😀" * 500, "a" * 500])
def test_words_in_facts_keep_their_room(text: str) -> None:
    """A few foreign words in a fact stay within four bytes a character, escaped or not."""
    assert json_size(brief(text, 100)) <= 400
