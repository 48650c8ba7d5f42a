"""What stands on a card in the place of what is hidden: a fingerprint, in parameters and in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from policies import credentials
from policies.approval import Approval
from policies.hidden import Finder, Leaf, finder_of, hidden_of, leaves_of
from policies.private_keys import Span

DOTS = "••••••"


def fingerprint(value: Any) -> str:
    """A secret as a card shows it: enough to compare it, too little to find it.

    Short ones get no hash, because trying all of them would give it away.
    """
    if isinstance(value, bool):
        return f"{DOTS} (true or false)"
    text = value if isinstance(value, str) else json.dumps(value)
    guessable = len(text) < 8 or (text.isdigit() and len(text) < 12)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{DOTS} ({len(text)} characters)" if guessable else f"{DOTS} (sha256 {digest}, {len(text)} characters)"


def covered(text: str, spans: Sequence[Span]) -> str:
    """`text` with a fingerprint in the place of each of `spans`."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], fingerprint(text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def params_shown(approval: Approval, params: dict[str, Any]) -> dict[str, Any]:
    """`params` with a fingerprint in the place of what the approval's policy, or a pattern, hides of each value."""
    hidden = {leaf.path: leaf for leaf in leaves_of(approval, params) if leaf.by is not None}
    found: dict[str, Any] = _with_fingerprints(params, (), hidden)
    return found


def _with_fingerprints(value: Any, at: tuple[str | int, ...], hidden: dict[tuple[str | int, ...], Leaf]) -> Any:
    leaf = hidden.get(at)
    if leaf is not None:
        return fingerprint(value) if leaf.secret else covered(leaf.text, leaf.spans)
    if isinstance(value, dict):
        return {key: _with_fingerprints(child, (*at, key), hidden) for key, child in value.items()}
    if isinstance(value, list):
        return [_with_fingerprints(child, (*at, index), hidden) for index, child in enumerate(value)]
    return value


def without_secrets(text: str) -> str:
    """`text` with every token that has the shape of a credential replaced by its fingerprint."""
    return covered(text, credentials.tokens(text))


class Redactor:
    """Hides an approval's secrets wherever its words repeat them: sentence, reason, notes."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    def __call__(self, text: str) -> str:
        """`text` with known secrets and whatever looks like one replaced by fingerprints."""
        return covered(text, [(piece.start, piece.end) for piece in self._finder.pieces(text)])


def witness(approval: Approval) -> str | None:
    """How much of an approval is hidden, in words; None where nothing is."""
    hidden = hidden_of(approval)
    if not hidden.count:
        return None
    counted = "1 value is hidden" if hidden.count == 1 else f"{hidden.count} values are hidden"
    return f"{counted}: “Show hidden” comes before Approve" if hidden.by_pattern and approval.pending else counted


def redactor_of(approval: Approval, found: Sequence[Leaf] | None = None) -> Redactor:
    """What hides the approval's secrets in its words; secrets of the parameters as first asked included."""
    return Redactor(finder_of(approval, found))
