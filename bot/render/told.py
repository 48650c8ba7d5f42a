"""Which parameters the sentence on a card shows already, exactly and for certain: these need no line of their own.

A value counts only where nobody could read it otherwise: the manifest's own template prints it, unchanged and standing
apart, and its spelling can be taken neither for another type nor for the words around it. Where the sentence prints any other
value too, which could pose as part of it, none counts, and all are listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from policies.approval import Approval
from policies.hidden import Leaf
from policies.sentences import paths_named, sentence, usd

Path = tuple[str | int, ...]

MOST = 12  # leaves that are tried: a sentence that shows more is read by nobody
_PLAIN: Final = re.compile(r"[A-Za-z0-9#@](?:[!-~]{0,78}[A-Za-z0-9])?")
# Texts that look like a value of another type, as JSON or a sentence writes it.
_OTHER_TYPE: Final = re.compile(r"[-+]?[$€£#]?[0-9][0-9.,_eE+-]*%?|true|false|null|none|yes|no|nothing", re.IGNORECASE)
_BEFORE, _AFTER = re.compile(r"(?:^|[ (“\"'])\Z"), re.compile(r"\Z|[ )”\"',;!?]|[.:](?: |\Z)")
# Each stands where a value is printed.
_PUT: Final = "\ue0f0"
_OTHER: Final = "\ue0f1"


def told_by_sentence(approval: Approval, found: Sequence[Leaf], shown: str) -> frozenset[Path]:
    """The paths of the leaves that `shown`, the sentence as it stands on the card, tells."""
    policy, whole = approval.policy, approval.sentence
    if shown != whole or _PUT in whole or _turns_around(whole):
        return frozenset()
    named = paths_named(policy.describe)
    tops = {path.split(".")[1] for path in named if "." in path}
    tried = [
        leaf
        for leaf in found
        if leaf.path
        and str(leaf.path[0]).partition(".")[0] in tops
        and _is_named(named, leaf)
        and any(_apart(whole, text) for text in _spellings(leaf))
    ]
    if len(tried) > MOST:
        return frozenset()
    template = policy.describe, policy.title
    found_in = [
        leaf for leaf in tried if _tells(whole, leaf, sentence(*template, _with(approval.params, leaf.path, _PUT)))
    ]
    paths = frozenset(leaf.path for leaf in found_in)
    if not paths or not _alone(template, approval.params, paths):
        return frozenset()
    return paths


def _alone(template: tuple[str, str], params: dict[str, Any], paths: frozenset[Path]) -> bool:
    """Whether nothing else of the parameters makes any difference to the sentence."""
    return sentence(*template, _marked(params, paths, others=True)) == sentence(*template, _marked(params, paths))


def _marked(value: Any, paths: frozenset[Path], *, others: bool = False) -> Any:
    """The parameters with a mark in the place of each value at `paths`, and with `others` another one for each other value."""
    marked = _with_others(value) if others else value
    for path in paths:
        marked = _with(marked, path, _PUT)
    return marked


def _with_others(value: Any) -> Any:
    if isinstance(value, dict) and value:
        return {name: _with_others(child) for name, child in value.items()}
    if isinstance(value, list) and value:
        return [_with_others(child) if isinstance(child, dict | list) else _OTHER for child in value]
    return _OTHER


def _is_named(named: Collection[str], leaf: Leaf) -> bool:
    """Whether the template names this very value, and not only a list or an object that it is in."""
    return ".".join(["params", *map(str, leaf.path)]) in named


def _turns_around(text: str) -> bool:
    """Whether something in it is written from right to left, which moves the figures beside it."""
    return not text.isascii() and any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in text)


def _spellings(leaf: Leaf) -> Iterator[str]:
    """How a sentence may print this value so that it is known for what it is."""
    value = leaf.value
    if leaf.by is not None or isinstance(value, bool):
        return
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and not _OTHER_TYPE.fullmatch(value):
            yield value
    elif isinstance(value, int) or (isinstance(value, float) and not value.is_integer()):
        yield from dict.fromkeys((usd(value), str(value)))


def _apart(text: str, part: str) -> bool:
    """Whether `part` stands somewhere in `text` with nothing joined to it."""
    at = text.find(part)
    while at >= 0:
        if _stands(text, at, at + len(part)):
            return True
        at = text.find(part, at + 1)
    return False


def _stands(text: str, start: int, end: int) -> bool:
    return bool(_BEFORE.search(text[max(0, start - 1) : start]) and _AFTER.match(text[end : end + 2]))


def _with(value: Any, path: Path, mark: str) -> Any:
    """The parameters with `mark` in the place of the value at `path`."""
    if not path:
        return mark
    copied: Any = list(value) if isinstance(value, list) else dict(value)
    copied[path[0]] = _with(value[path[0]], path[1:], mark)
    return copied


def _tells(whole: str, leaf: Leaf, marked: str) -> bool:
    """Whether the mark stands once where the value does, and all around it is the same."""
    before, mark, after = marked.partition(_PUT)
    if not mark or _PUT in after:
        return False
    return any(
        whole == f"{before}{text}{after}" and _stands(whole, len(before), len(before) + len(text))
        for text in _spellings(leaf)
    )
