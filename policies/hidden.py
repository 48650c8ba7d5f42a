"""What a card hides of a request: what the manifest's `redact` names, and tokens that a pattern takes for credentials.

Hidden is never gone: each value of which something is hidden is counted, and a qualified reviewer can have it shown.
What a pattern hid has to be shown to a person before they can say yes; what the manifest hid is the operator's word.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from policies import credentials
from policies.approval import Approval
from policies.leaves import By, Leaf, leaves
from policies.sentences import sentence

__all__ = ["By", "Finder", "Hidden", "Leaf", "Piece", "finder_of", "hidden_of", "hiding", "leaves", "leaves_of"]


def hiding(approval: Approval) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths of `redact` and of `reveal` that hold for an approval."""
    policy = approval.policy
    return tuple(policy.redact), tuple(policy.reveal)


def leaves_of(approval: Approval, params: dict[str, Any] | None = None) -> list[Leaf]:
    """Every leaf of an approval's parameters, or of `params` under its policy."""
    if params is not None:
        return leaves(params, *hiding(approval))
    return list(_looked_at(approval).leaves)


def _looked_at(approval: Approval) -> _Drawn:
    if _drawn.approval is not approval:
        _drawn.approval, _drawn.hidden = approval, None
        _drawn.leaves = tuple(leaves(approval.params, *hiding(approval)))
    return _drawn


class _Drawn(threading.local):
    """The approval that this thread looked at last: its card asks three times for a thousand leaves, and what is hidden."""

    approval: Approval | None = None
    leaves: tuple[Leaf, ...] = ()
    hidden: Hidden | None = None


_drawn = _Drawn()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of somebody's words that is hidden."""

    start: int
    end: int
    by: By


_RUN = re.compile(r"[A-Za-z0-9._~+/-]+")
LEAST_KNOWN = 3  # characters of a hidden value that is looked for in other words


class Finder:
    """Finds in an approval's words what its parameters hide, and whatever else has the shape of a credential.

    What the parameters show anyway is not hidden in words. Of the sentence, a value of `redact` is hidden only where
    the template tells that very value: no other value can be made to vanish by repeating it in a redacted place.
    """

    def __init__(self, found: Sequence[Leaf], approval: Approval | None = None) -> None:
        self._leaves, self._approval = found, approval
        texts = {text: leaf.by for leaf in found if leaf.by for text in leaf.hidden_texts if len(text) >= LEAST_KNOWN}
        self._known = sorted(texts.items(), key=lambda item: len(item[0]), reverse=True)

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """What is hidden of `text`, in order and apart."""
        of_sentence = self._approval is not None and text == self._approval.sentence
        found = [Piece(*span, By.PATTERN) for span in credentials.tokens(text)]
        for known, by in self._known:
            if known in text and not (by is By.MANIFEST and of_sentence and known in self._told):
                found += [Piece(at, at + len(known), by or By.MANIFEST) for at in _wholes(text, known, by)]
        return tuple(_apart(piece for piece in found if text[piece.start : piece.end] not in self._shown))

    @cached_property
    def _shown(self) -> frozenset[str]:
        """The values that are shown, and the runs of letters, digits and a few signs in them."""
        texts = [leaf.open_text for leaf in self._leaves]
        return frozenset([*texts, *(run for text in texts for run in _RUN.findall(text))])

    @cached_property
    def _told(self) -> str:
        """The sentence without the values of `redact`."""
        approval = self._approval
        if approval is None:
            return ""
        hidden = {leaf.path for leaf in self._leaves if leaf.by is By.MANIFEST}
        params = _without(approval.params, (), hidden)
        return sentence(approval.policy.describe, approval.policy.title, params)


def _without(value: Any, at: tuple[str | int, ...], hidden: set[tuple[str | int, ...]]) -> Any:
    if at in hidden:
        return "\u2022"
    if isinstance(value, dict):
        return {key: _without(child, (*at, key), hidden) for key, child in value.items()}
    if isinstance(value, list):
        return [_without(child, (*at, index), hidden) for index, child in enumerate(value)]
    return value


def _wholes(text: str, known: str, by: By | None) -> Iterator[int]:
    """Where `known` stands by itself; what a pattern found nowhere beside shell or markup."""
    at = text.find(known)
    while at >= 0:
        end = at + len(known)
        whole = not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum())
        if whole and (by is By.MANIFEST or credentials.stands_clean(text, at, end)):
            yield at
        at = text.find(known, end)


def _apart(pieces: Iterable[Piece]) -> list[Piece]:
    """Sorted; of those that overlap one, by pattern where either is."""
    found: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: (one.start, -one.end)):
        last = found[-1] if found else None
        if last is None or piece.start >= last.end:
            found.append(piece)
        else:
            by = By.PATTERN if By.PATTERN in (last.by, piece.by) else By.MANIFEST
            found[-1] = Piece(last.start, max(last.end, piece.end), by)
    return found


def finder_of(approval: Approval, found: Sequence[Leaf] | None = None) -> Finder:
    """What finds the approval's secrets in its words; those of the parameters as first asked included."""
    known = list(found if found is not None else leaves_of(approval))
    if approval.params is not approval.request.params and approval.params != approval.request.params:
        known += leaves_of(approval, approval.request.params)
    return Finder(known, approval)


@dataclass(frozen=True, slots=True)
class Words:
    """Something that the agent said: `decides` where it is part of what is approved and not a reason for it."""

    label: str
    text: str
    decides: bool = False


def words_of(approval: Approval) -> Iterator[Words]:
    """Everything that an agent can say to the person who decides, and the sentence."""
    request = approval.request
    yield Words("In a sentence", approval.sentence)
    yield from _one("The agent asks", request.question, decides=True)
    for choice in request.choices or ():
        yield Words("The agent offers", f"{choice.label}: {choice.detail}" if choice.detail else choice.label, True)
    yield from _one("The agent says", request.reason)
    yield from _one("The agent expects", request.expected_outcome)
    yield from _one("The agent rates itself", request.confidence_basis)
    for label, texts in (
        ("The agent is unsure about", request.uncertainty_factors),
        ("Risks, says the agent", request.risks),
        ("Alternatives, says the agent", request.alternatives),
        ("Done so far, says the agent", request.completed_steps),
    ):
        yield from (Words(label, text) for text in texts)
    yield from _one("For", request.on_behalf_of)
    yield from _one("Delegated from", request.delegated_from)
    yield from (Words("A rule that spoke", reason) for reason in approval.why)
    for question, answer in approval.exchange:
        yield Words("A reviewer asked", question)
        yield Words("The agent answered", answer)


def _one(label: str, text: str | None, *, decides: bool = False) -> Iterator[Words]:
    if text:
        yield Words(label, text, decides)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What an approval's cards hide: values of the parameters, and words with what is hidden of them."""

    leaves: tuple[Leaf, ...]
    words: tuple[tuple[Words, tuple[Piece, ...]], ...]

    @property
    def count(self) -> int:
        """How many values and texts something is hidden of."""
        return len(self.leaves) + len(self.words)

    @property
    def by_pattern(self) -> bool:
        """Whether a person has to have it shown before they can say yes."""
        return any(leaf.by is By.PATTERN for leaf in self.leaves) or any(map(_grave, self.words))

    @property
    def seal(self) -> str:
        """A fingerprint of all that is hidden: what was shown is shown for as long as this holds."""
        said = [[list(leaf.path), leaf.text] for leaf in self.leaves], [word.text for word, _ in self.words]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _grave(entry: tuple[Words, tuple[Piece, ...]]) -> bool:
    word, pieces = entry
    return any(piece.by is By.PATTERN or word.decides for piece in pieces)


def hidden_of(approval: Approval) -> Hidden:
    """What is hidden of an approval as it stands."""
    drawn = _looked_at(approval)
    if drawn.hidden is None:
        finder = finder_of(approval, drawn.leaves)
        words = ((word, finder.pieces(word.text)) for word in words_of(approval))
        leaves_hidden = tuple(leaf for leaf in drawn.leaves if leaf.by)
        drawn.hidden = Hidden(leaves_hidden, tuple(entry for entry in words if entry[1]))
    return drawn.hidden
