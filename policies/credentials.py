"""Which pieces of a text have the shape of a credential: whole tokens only, never shell or markup, found in linear time.

A pattern may hide no more than one contiguous token out of letters, digits and the signs that credentials are made of.
A run of characters without blanks that holds any of `DIRTY` is shown whole: it may be a command. Every search below
passes over the text once: no expression can be made to begin again inside what it has already read.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import re2

from policies import private_keys
from policies.private_keys import Span, case_changes

DIRTY: Final = "$`|;<>("
MOST_TOKEN = 8192  # characters of a token; nothing longer is one


class Promise(StrEnum):
    """What a name promises of its value: how much the value must look like a credential to be hidden."""

    PASSWORD = "password"  # noqa: S105 - a kind, no password
    TOKEN = "token"  # noqa: S105
    CODE = "code"
    CARD = "card"


_ENDINGS: Final[tuple[tuple[str, Promise], ...]] = tuple(
    (word, kind)
    for kind, words in (
        (Promise.PASSWORD, "password passwd passphrase passcode pwd"),
        (Promise.CARD, "cardnumber cardno cardnr creditcard debitcard paymentcard"),
        (
            Promise.TOKEN,
            "token tokens secret secrets apikey apikeys accesskey secretkey privatekey signingkey encryptionkey masterkey"
            " credential credentials bearer jwt cookie authorization",
        ),
    )
    for word in words.split()
)
_WHOLE: Final = {
    "pan": Promise.CARD,
    "cvv": Promise.CODE,
    "cvc": Promise.CODE,
    "cvv2": Promise.CODE,
    "otp": Promise.CODE,
}
# Tokens that open nothing: where a list goes on, and coins.
_OPENS_NOTHING: Final = (
    r"(?:page|next|continuation|continue|sync|resume|cursor|from|to|in|out|input|output|source|target|dest|destination"
    r"|base|quote|buy|sell|swap|pay|fee|gas|native|reward|deposit|lp|nft|erc20|pool|public|max|min|num|prompt|completion"
    r"|total|stop)"
)
_COIN: Final = re.compile(_OPENS_NOTHING + r"tokens?\Z")
_GOES_ON: Final = re.compile(r"(?<![A-Za-z])" + _OPENS_NOTHING + r"[_. -]?\Z", re.IGNORECASE)


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Promise | None:
    """What a parameter of this name holds; None where the name says nothing of a secret."""
    plain = re.sub(r"[^a-z0-9]", "", name[-80:].lower())
    if plain in _WHOLE:
        return _WHOLE[plain]
    found = next((kind for word, kind in _ENDINGS if plain.endswith(word)), None)
    return None if found is Promise.TOKEN and _COIN.search(plain[-24:]) else found


@lru_cache(maxsize=256)
def tokens(text: str) -> tuple[Span, ...]:
    """Where credentials stand in running text, in order and apart: tokens, logins, values behind their name, private keys."""
    if len(text) < 6 or not _hinted(text):
        return ()
    chunks = _Chunks(text)
    plain = sorted({*_known(text), *_logins(text), *_named(text), *_carried(text)})
    return _apart([*filter(chunks.clean, plain), *private_keys.bodies(text)])


def hinted(texts: Sequence[str]) -> bool:
    """Whether there may be a credential in any of these; where it says no, `tokens` finds none in any."""
    return _hinted("\n".join(texts))


def in_value(kind: Promise | None, text: str) -> tuple[Span, ...]:
    """Where credentials stand in the text of one parameter whose name promises `kind`."""
    if kind is Promise.CARD:
        return _card(text) or tokens(text)
    if kind is not None and _looks(kind, text):
        return ((0, len(text)),)
    return tokens(text)


def in_number(kind: Promise | None, value: float) -> bool:
    """Whether a number under such a name is a code, a password or a card's number."""
    text = str(value)
    if not text.isdigit() or kind in (None, Promise.TOKEN):
        return False
    return bool(_card(text)) if kind is Promise.CARD else _looks(kind, text)


# --- what a text must hold to be searched at all -----------------------------------------------------------------------

_PREFIXES: Final = (
    "eyJ", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "npm_",
    "pypi-", "hf_", "xox", "xapp-", "xwfp-", "dop_v1_", "doo_v1_", "shpat_", "shpss_", "shpca_", "AIza", "ya29.", "SG.", "sk-",
    "sk_", "rk_", "rk-", "whsec_", "hvs.", "dckr_pat_", "lin_api_", "glsa_", "figd_", "rubygems_", "tskey-", "gsk_", "xai-",
    "PMAK-", "NRAK-", "sbp_", "pat-", "sayso_",
)  # fmt: skip
_WORDS: Final = (
    "pass",
    "pwd",
    "secret",
    "key",
    "token",
    "credential",
    "bearer",
    "basic",
    "jwt",
    "card",
    "authorization",
)


_WITH_CASE: Final = "|".join(map(re.escape, ("://", "PRIVATE KEY", *_PREFIXES)))
_OF_ANY_CASE: Final = "|".join((*_WORDS, "cookie"))
_CASED: Final = re.compile(_WITH_CASE)
_UNCASED: Final = re.compile(_OF_ANY_CASE)
_ANY_HINT: Any = re2.compile(f"{_WITH_CASE}|(?i:{_OF_ANY_CASE})")
_SHORT: Final = 24  # characters: up to here the call of re2 costs more than what it saves


def _hinted(text: str) -> bool:
    """Whether there may be a credential; of 1,000 values of a request hardly one has to be looked at closely."""
    if len(text) <= _SHORT:
        return _CASED.search(text) is not None or _UNCASED.search(text.lower()) is not None
    try:
        return _ANY_HINT.search(text) is not None
    except UnicodeEncodeError:
        return True  # half of a surrogate pair


class _Chunks:
    """The runs without blanks of a text, asked for from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._runs = re.finditer(r"\S+", text)
        self._start = self._end = 0
        self._clean = True

    def clean(self, span: Span) -> bool:
        """Whether the run around these characters holds nothing of shell or markup."""
        start, end = span
        while end > self._end:
            run = next(self._runs)
            self._start, self._end = run.span()
            if self._end >= end:
                self._clean = _DIRTY.search(self._text, self._start, self._end) is None
        return self._clean and start >= self._start


def stands_clean(text: str, start: int, end: int) -> bool:
    """Whether the run without blanks around these characters, 200 to each side, holds nothing of shell or markup."""
    before, after = text[max(0, start - 200) : start], text[end : end + 200]
    around = [before[-1:].strip() and before.split()[-1], text[start:end], after[:1].strip() and after.split()[0]]
    return not any(_DIRTY.search(part) for part in around)


_DIRTY: Final = re.compile(f"[{re.escape(DIRTY)}]")


def _apart(spans: list[Span]) -> tuple[Span, ...]:
    """Sorted, and of those that overlap the one that begins first."""
    found: list[Span] = []
    for span in sorted(spans):
        if not found or span[0] >= found[-1][1]:
            found.append(span)
        elif span[1] > found[-1][1]:
            found[-1] = (found[-1][0], span[1])
    return tuple(found)


# --- tokens that their issuer made to be known -------------------------------------------------------------------------

_BEGIN: Final = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
# A token is whole where nothing goes on behind it: no letter, and no sign of a path, a domain or an assignment with one.
_END: Final = r"(?![A-Za-z0-9_-]|[./+=~%\\#]++(?<!\\)[A-Za-z0-9_-])"
_KNOWN: Final = re.compile(
    _BEGIN
    + r"(?=[eAghnpxdsSaywrltPNfu])(?:"
    + r"(?P<jwt>eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+){0,3})"
    + r"|(?P<fixed>(?:AKIA|ASIA)[0-9A-Z]{16})"
    + r"|(?:gh[pousr]_|github_pat_|gl(?:pat|dt|rt|sa)[-_]|xox[abceoprs]-|x(?:app|wfp|ai)-|do[op]_v1_|shp(?:at|ss|ca)_|AIza"
    + r"|dckr_pat_|lin_api_|figd_|rubygems_|tskey-|[PN][MR]AK-|sbp_|sayso_"
    + r"|sk-(?:proj|ant|svcacct|admin)-|[sr]k_(?:live|test)_)(?P<mixed>[A-Za-z0-9_-]{16,}+)"
    + r"|(?:sk[-_]|rk[-_]|whsec_|hf_|npm_|pypi-|gsk_|pat-)(?P<random>[A-Za-z0-9_-]{16,}+=*+)"
    + r"|(?:ya29\.|SG\.|hvs\.)(?P<dotted>[A-Za-z0-9._-]{16,}+)"
    + r")"
    + _END
)
_SOLID: Final = re.compile(r"[A-Za-z0-9]{12,}+")


def _known(text: str) -> Iterator[Span]:
    for match in _KNOWN.finditer(text):
        kind = match.lastgroup or ""
        body = match[kind]
        end = match.end() - (len(body) - len(body.rstrip("."))) if kind in ("dotted", "jwt") else match.end()
        if end - match.start() <= MOST_TOKEN and _ISSUED[kind](body):
            yield match.start(), end


def _mixed(text: str) -> bool:
    """Letters and digits: no word."""
    return any(sign.isdigit() for sign in text) and any(sign.isalpha() for sign in text)


def _solid(text: str) -> bool:
    """Whether it holds a long run of letters and digits together, as no name of several words does."""
    return any(_mixed(run) for run in _SOLID.findall(text))


def _jwt(text: str) -> bool:
    """Whether its first part is the header of a JSON Web Token."""
    head = text.partition(".")[0]
    if len(head) > 4096:
        return False
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str)


_ISSUED: Final = {"jwt": _jwt, "fixed": lambda _: True, "mixed": _mixed, "random": _solid, "dotted": _solid}


# --- what stands behind its name ---------------------------------------------------------------------------------------


def _any_case(words: str) -> str:
    """Alternatives in whichever case, without the flag that makes every search slow; a blank is `_`, `-` or nothing."""
    spelt = ["".join("[ _-]?" if sign == "." else f"[{sign}{sign.upper()}]" for sign in word) for word in words.split()]
    return "|".join(spelt)


_NAME: Final = re.compile(
    f"(?=[pPsStTaAcCjJ])(?:{_any_case('password passwd passphrase passcode pwd')}"
    f"|(?:{_any_case('secret secret.key secret.access.key api.key access.key private.key signing.key encryption.key')}"
    f"|{_any_case('credential authorization cookie jwt')}|(?P<token>{_any_case('token')}))[sS]?)"
    r"(?:\\?[\"'])?(?P<gap>[ \t]{0,3}[:=][ \t]{0,3})(?:\\?[\"'])?"
)
# Of letters, digits and signs that mean nothing to a shell or to markup.
# It holds none of the signs that stand between names and values, so that no two names share a value.
_VALUE: Final = re.compile(r"[A-Za-z0-9._~+/%!@#^*?-]{6,}+={0,2}+(?![A-Za-z0-9={\[\x80-\U0010ffff]|:\S)")
_TRAILING: Final = ".!?"


def _named(text: str) -> Iterator[Span]:
    for name in _NAME.finditer(text):
        value = _VALUE.match(text, name.end())
        if value is None:
            continue
        body = value[0].rstrip(_TRAILING)
        if name["token"] and _GOES_ON.search(text, max(0, name.start() - 16), name.start()):
            continue
        # Behind a blank it may be prose: "password: see2019notes".
        kind = Promise.PASSWORD if name[0][0] in "pP" and len(name["gap"]) == 1 else Promise.TOKEN
        if _looks(kind, body):
            yield value.start(), value.start() + len(body)


_CARRIER: Final = re.compile(r"(?<![A-Za-z0-9_-])(?=[bBtTcCP])(?:[bB]earer|BEARER|[bB]asic|BASIC)[ \t]{1,3}")
_CARD_NAME: Final = re.compile(
    r"(?:[cC]ard|CARD|(?<![A-Za-z])PAN)(?:[ _-]?(?:[nN]umber|NUMBER|[nN]o\b\.?|[nN]r\b\.?|#))?(?:\\?[\"'])?"
    r"[ ]{0,2}[:=#]?[ ]{0,2}(?:\\?[\"'])?"
)
_DIGITS: Final = re.compile(r"\d{1,19}+(?:[ -]\d{1,6}+){0,6}(?![A-Za-z0-9])")


def _carried(text: str) -> Iterator[Span]:
    """Behind Bearer, Basic and the word card."""
    for carrier in _CARRIER.finditer(text):
        value = _VALUE.match(text, carrier.end())
        if value and _high_entropy(body := value[0].rstrip(_TRAILING)):
            yield value.start(), value.start() + len(body)
    for name in _CARD_NAME.finditer(text):
        value = _DIGITS.match(text, name.end())
        if value:
            yield from ((start + value.start(), end + value.start()) for start, end in _card(value[0]))


_LOGIN: Final = re.compile(r"://[^\s/:@?#\"'\\]{0,200}+:([A-Za-z0-9._~+=%!*^,-]{6,200}+)@")


def _logins(text: str) -> Iterator[Span]:
    """The password of an address."""
    for match in _LOGIN.finditer(text):
        if _looks(Promise.PASSWORD, match[1]):
            yield match.span(1)


# --- what a value must look like ---------------------------------------------------------------------------------------

_ADDRESS: Final = re.compile(r"0x[0-9A-Fa-f]{40}")  # of a contract or an account: whom it is about
_TOKEN_SIGNS: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")
_PASSWORD_SIGNS: Final = re.compile(r"[A-Za-z0-9._~+/=%!@#^*?,:-]+")
_PIECES: Final = re.compile(r"[A-Za-z0-9]+")
# Words in any of the ways in which names join them; in a drawn one small letters soon stand alone between capitals.
_WORD_OR_NUMBER: Final = re.compile(
    r"(?:[A-Z]*+[a-z]{2,}+)*+(?:[A-Z]++|[a-z]?)\d{0,4}|\d{1,14}|[vV]\d+|\d{4,8}T\d{2,6}Z?"
)
# A path, an address, a host or a file: where something is, which a person has to see.
_PLACE: Final = re.compile(r"\.|~?/[^/]*/|[A-Za-z]:/|[^/]*//|[^@]*@[A-Za-z0-9-]++\.|(?:[^.]*+\.)++[A-Za-z]{1,10}\Z")
_MEASURED = 4096  # characters that are looked at of a longer text


def _looks(kind: Promise, text: str) -> bool:
    if kind is Promise.CODE:
        return text.isascii() and text.isdigit() and 3 <= len(text) <= 8
    if kind is Promise.PASSWORD:
        return _password(text) or _high_entropy(text)
    return _high_entropy(text)


def _password(text: str) -> bool:
    """Whether a value that is called a password can be one: no plain word, no place, and one token."""
    if not 4 <= len(text) <= 200 or not _PASSWORD_SIGNS.fullmatch(text) or _is_place(text):
        return False
    if text.isdigit():
        return len(text) <= 12
    letters = any(map(str.isalpha, text))
    signs = any(sign in "~+=%!@#^*?,:" for sign in text)
    cases = any(map(str.islower, text)) and any(map(str.isupper, text[1:]))
    return len(text) >= 6 and letters and (signs or cases or any(map(str.isdigit, text)))


def _high_entropy(text: str) -> bool:
    """Whether a token looks as if it was drawn, not written: no words, numbers, dates, versions, paths or addresses."""
    if not 12 <= len(text) <= MOST_TOKEN or not _TOKEN_SIGNS.fullmatch(text):
        return False
    if _is_place(text) or _ADDRESS.fullmatch(text):
        return False
    some = text[:_MEASURED]
    if len(set(some)) < 8:
        return False
    drawn = [piece for piece in _PIECES.findall(some) if not _WORD_OR_NUMBER.fullmatch(piece)]
    return sum(map(len, drawn)) >= 10 or (len(some) >= 20 and case_changes(some) >= 0.4)


def _is_place(text: str) -> bool:
    return ("/" in text and "." in text) or _PLACE.match(text) is not None


def _card(text: str) -> tuple[Span, ...]:
    """The groups of digits of a payment card's number, where the text is nothing else; each group is one token."""
    if not 13 <= len(text) <= 26 or not _GROUPED.fullmatch(text):
        return ()
    digits = re.sub(r"\D", "", text)
    if not 13 <= len(digits) <= 19 or digits[0] not in "3456" or not _luhn(digits):
        return ()
    if " " not in text:
        return ((0, len(text)),)
    return tuple(match.span() for match in re.finditer(r"\d+", text))


_GROUPED: Final = re.compile(r"[0-9]++(?:[ -][0-9]++)*+")


def _luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + index % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0
