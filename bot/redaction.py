"""Secrets on cards: found by the manifest's paths, by a parameter's name and by their shape; shown as a fingerprint."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

DOTS = "••••••"

_SHAPES: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
    r"(?:[A-Za-z0-9+/=\s,:\\-]{0,8000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|[A-Za-z0-9+/=\s\\]{0,8000})"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|npm_|pypi-|hf_|xox[abeoprs]-|xapp-|dop_v1_|shpat_|AIza|ya29\.)[A-Za-z0-9._-]{16,}"
    r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|\b(?:sk|pk|rk|whsec)[-_][A-Za-z0-9_-]{16,}"
    r"|(?i:\b(?:bearer|basic)\s+)(?P<bearer>[A-Za-z0-9._~+/=-]{12,})"
    r"|://[^/\s:@]{1,200}:(?P<login>[^/\s@]{1,200})@"
    r"|(?i:\b(?:password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|client[_-]?secret|auth[_-]?token|token))"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<named>[^\s\"',;&]{6,})"
    r"|(?<![0-9A-Za-z.-])(?P<card>[3-6]\d(?:[ -]?\d){11,17})(?![0-9A-Za-z])"
)
# Every shape holds one of these: a search that rules most texts out at once.
_HINT: Final = re.compile(
    r"PRIVATE KEY|eyJ|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|npm_|pypi-|hf_|xox|xapp-"
    r"|dop_v1_|shpat_|AIza|ya29|SG\.|sk[-_]|[pr]k[-_]|whsec|(?i:bearer|basic|pass|pwd|secret|key|token)|://|\d(?:[ -]?\d){12}"
)
_NAMES_WHOLE: Final = frozenset({"pin", "otp", "cvv", "cvc", "cvv2", "pwd", "authorization", "cookie", "jwt", "bearer"})
_NAMES_END: Final = (
    "password", "passwd", "passphrase", "secret", "apikey", "accesskey", "secretkey", "privatekey", "signingkey",
    "token", "credential", "credentials", "cardnumber",
)  # fmt: skip


@lru_cache(maxsize=4096)
def secret_name(key: str) -> bool:
    """Whether a parameter of this name holds a secret, whatever its value looks like."""
    name = re.sub(r"[^a-z0-9]", "", key.lower())
    return name in _NAMES_WHOLE or name.endswith(_NAMES_END)


def fingerprint(value: Any) -> str:
    """A secret as a card shows it: enough to compare it, too little to find it.

    Short ones get no hash, because trying all of them would give it away.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    guessable = len(text) < 8 or (text.isdigit() and len(text) < 12)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{DOTS} ({len(text)} characters)" if guessable else f"{DOTS} (sha256 {digest}, {len(text)} characters)"


def _luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + index % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _replace(match: re.Match[str]) -> str:
    group = match.lastgroup
    if group is None:
        return fingerprint(match[0])
    if group == "card" and not _luhn(re.sub(r"\D", "", match[0])):
        return match[0]
    start, end = match.span(group)
    return match[0][: start - match.start()] + fingerprint(match[group]) + match[0][end - match.start() :]


def without_secrets(text: str) -> str:
    """`text` with everything that has the shape of a secret replaced by its fingerprint."""
    if len(text) < 8 or _HINT.search(text) is None:
        return text
    return _SHAPES.sub(_replace, text)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of the parameters: an empty container counts as one. `path` is raw; see `parameters` for its display."""

    path: tuple[str | int, ...]
    value: Any
    secret: bool


def leaves(value: Any, redact: Iterable[str] = ()) -> list[Leaf]:
    """Every leaf in order, with whether the manifest or a name in its path makes it a secret."""
    hidden = frozenset(tuple(path.split(".")[1:]) for path in redact)
    return list(_walk(value, (), hidden, False))


def _walk(value: Any, path: tuple[str | int, ...], hidden: frozenset[tuple[str, ...]], secret: bool) -> Iterator[Leaf]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            at = (*path, key)
            yield from _walk(child, at, hidden, secret or secret_name(key) or at in hidden)
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _walk(child, (*path, index), hidden, secret)
    else:
        yield Leaf(
            path, value, secret and value is not None and not isinstance(value, bool) and value not in ("", [], {})
        )


class Redactor:
    """Hides an approval's secrets wherever its words repeat them: sentence, reason, notes."""

    def __init__(self, found: Iterable[Leaf]) -> None:
        texts = {leaf.value if isinstance(leaf.value, str) else json.dumps(leaf.value) for leaf in found if leaf.secret}
        self._known = sorted((text for text in texts if len(text) >= 3), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` with known secrets and whatever looks like one replaced by fingerprints."""
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, fingerprint(secret))
        return without_secrets(text)
