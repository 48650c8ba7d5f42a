"""A diff of the manifest and the text that it makes: what is replayed is what `patch` would write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.files.manifest_edit import applied, difference

texts = st.lists(st.sampled_from(["a\n", "b\n", "--- c\n", "@@ -1 +1 @@\n", "+d\n", "\n"]), max_size=30).map("".join)


@given(texts, texts)
def test_a_diff_applied_is_the_other_text(before: str, after: str) -> None:
    """Whatever the two texts are."""
    assert applied(before, difference(before, after, "actions.yml")) == after


def test_a_diff_of_another_text_is_refused() -> None:
    """What it takes away has to stand there."""
    with pytest.raises(ValueError, match="another text: line 2"):
        applied("a\nx\nc\n", difference("a\nb\nc\n", "a\nB\nc\n", "actions.yml"))
