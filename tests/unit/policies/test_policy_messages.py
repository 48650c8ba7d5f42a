"""What a message keeps beside its approval is stored as it always was, and read back as it was meant."""

from __future__ import annotations

from typing import Any

import pytest

from policies.messages import (
    AlertFacts,
    CardFacts,
    MessageFacts,
    MorningFacts,
    Notice,
    NoticeFacts,
    ReviewFacts,
    SharedFacts,
    Sharing,
    StandingFacts,
    as_stored,
    facts_of,
)

STORED: list[tuple[MessageFacts, dict[str, Any]]] = [
    (CardFacts(), {}),
    (CardFacts(moved_to="U1"), {"moved_to": "U1"}),
    (CardFacts(barred=("U1", "U2")), {"barred": ["U1", "U2"]}),
    (ReviewFacts(2), {"review": 2}),
    (SharedFacts(Sharing.BATCH, ("U1",)), {"screen": "batch", "asked": ["U1"]}),
    (SharedFacts(Sharing.DIGEST), {"screen": "digest", "asked": []}),
    (NoticeFacts(Notice.UNDONE), {"notice": "undone"}),
    (NoticeFacts(Notice.ASKED, {"whom": ["U1"]}), {"notice": "asked", "whom": ["U1"]}),
    (AlertFacts("Title", "Text"), {"notice": "alert", "title": "Title", "text": "Text"}),
    (AlertFacts("Title", "Text", over=True), {"notice": "alert", "title": "Title", "text": "Text", "over": True}),
    (MorningFacts(("apr_1",), 3), {"notice": "morning", "ids": ["apr_1"], "total": 3}),
    (StandingFacts("std_1", "Ann"), {"notice": "standing", "standing": "std_1", "by": "Ann"}),
]


@pytest.mark.parametrize(("facts", "stored"), STORED)
def test_facts_are_stored_to_the_letter_and_read_back(facts: MessageFacts, stored: dict[str, Any]) -> None:
    """Rows of servers before this one read the same, and rows of this one are theirs to the key."""
    assert as_stored(facts) == stored
    assert list(as_stored(facts)) == list(stored)
    assert facts_of(stored) == facts


@pytest.mark.parametrize(
    ("stored", "facts"),
    [
        ({"moved_to": None}, CardFacts()),
        ({"screen": "batch"}, SharedFacts(Sharing.BATCH)),
        ({"notice": "reminder", "tried": ["#a"]}, NoticeFacts(Notice.REMINDER, {"tried": ["#a"]})),
        ({"notice": "alert", "title": "T", "text": "x", "tried": ["#a"]}, AlertFacts("T", "x")),
    ],
)
def test_older_rows_and_tried_channels_are_read(stored: dict[str, Any], facts: MessageFacts) -> None:
    """What a server before left out, or a courier noted beside, does not stop a message."""
    assert facts_of(stored) == facts


@pytest.mark.parametrize("stored", [{"notice": "telegram"}, {"screen": "mosaic"}])
def test_what_nobody_knows_is_an_error_of_that_message(stored: dict[str, Any]) -> None:
    """A kind of a newer server raises where the message is drawn, which then waits; reading its row does not."""
    with pytest.raises(ValueError, match=r"telegram|mosaic"):
        facts_of(stored)
