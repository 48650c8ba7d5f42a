"""What somebody typed, of what Slack makes of it in a message's text: its links and mentions are taken apart again."""

from __future__ import annotations

import html
import re

_SPECIAL = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def typed(text: str) -> str:
    """The text as it was typed: what was no markup of Slack's comes as entities, so nothing else is taken apart."""
    return html.unescape(_SPECIAL.sub(_word, text))


def _word(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target.startswith("!"):
        return f"@{(label or target[1:]).removeprefix('@')}"
    if target.startswith(("@", "#")):
        return f"{target[0]}{label}" if label else f"&lt;{target}&gt;"
    plain = target.removeprefix("mailto:")
    # A link that Slack made of what looks like one has what was typed as its label.
    made = label is not None and (plain == label or target.rstrip("/").endswith(f"//{label.rstrip('/')}"))
    return label if made and label is not None else target
