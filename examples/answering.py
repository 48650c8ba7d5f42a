"""What an agent answers when a reviewer asks: the facts that the question is about, and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What a question about each topic sounds like, at the beginning of a word. The order is that of an answer.
TOPICS = {
    "risk": r"risks?\b|wrong|fail|mistake|danger|worst|undo|undone|revers|back out|take (it )?back|restor|recover|safe",
    "amount": r"how much|amount|paid|pay\b|price|cost|money|sum\b|total|dollars?|cents?|\$|figure",
    "before": r"before|already|earlier|twice|again|history|so far|previous|repeat|last time",
    "who": r"who\b|whom|whose|customer|client|author|person|owner|name\b|mail",
    "why": r"why|reason|because|complain|happened|problem|proof|evidence|photo|sure\b",
    "when": r"when\b|date|day\b|how long|how old|since|urgent|deadline|today|late\b",
    "what": r"which|item|product|parcel|contain|commit|branch|what'?s in|what (is|are|was) (in |it\b|this\b|that\b)",
    "instead": r"alternativ|instead|other (way|option)|exchange|repair|else\b|option",
}
MOST = 2


def to_the_point(question: str, facts: Mapping[str, str]) -> str:
    """The facts that a question is about, at most two; all of them where it is about nothing that is known."""
    meant = [name for name, sounds in TOPICS.items() if re.search(rf"(?<!\w)(?:{sounds})", question.lower())]
    found = [facts[name] for name in meant if name in facts][:MOST]
    return " ".join(found or facts.values())
