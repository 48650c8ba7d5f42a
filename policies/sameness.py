"""When two requests are the same however they are spelled, when one is nearly the other, and when they differ."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

from policies.amounts import aggregate_of
from policies.digest import canonical, fingerprint
from policies.files.policy import Policy
from policies.request import Request
from policies.spelling import folded

_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?")
_EXACT = Context(prec=1000, Emax=10**6, Emin=-(10**6))
MOST_CHANGED = 10  # values in which nearly equal parameters may differ, and no more than a fifth of many
VERY_LONG, LONG, SHORT, WORDS = 8000, 200, 5, 120  # characters and words of a text that are compared closely
# What a parameter of free words is called: however it is worded, the request is nearly the same.
_FREE = ("note", "reason", "comment", "message", "description", "memo", "text", "body", "subject", "title", "summary",
         "detail", "explanation", "justification")  # fmt: skip
# What differs with every call, whatever is asked for.
_OWN = ("nonce", "requestid", "traceid", "correlationid", "idempotencykey", "timestamp", "attempt", "retry")


def identity(request: Request) -> str:
    """What a request asks for, whatever the spelling: 64 hex digits, the same for all spellings of one.

    Order, case, width, blanks, what cannot be seen, empty values and the way in which a number is written make no
    difference. A choice and an open question are what they ask, too.
    """
    return fingerprint([request.action, _meant(request.params), _asked(request)])


def exactly(request: Request) -> str:
    """The same, where only the order of keys, 1 and 1.0, and what nobody sees in or around a text make no difference.

    The grant of one such request is what the other one asks for.
    """
    return fingerprint([request.action, _written(request.params), _asked(request)])


def step_of(request: Request) -> str:
    """Where in its work an agent is: the steps it says are done, or those in its checkpoint."""
    saved = request.checkpoint if isinstance(request.checkpoint, dict) else {}
    inside = [saved.get(name) for name in ("step", "step_index", "completed_steps")]
    return canonical([request.completed_steps, inside])


def another_step(one: Request, other: Request, step: str | None = None, other_step: str | None = None) -> bool:
    """Whether two same requests are two things: both their sessions and their steps differ.

    Who calls the steps by name (`step`, `other_step`) says so: then another name is another thing.
    """
    if step is not None or other_step is not None:
        return step != other_step
    if one.session_id is None or other.session_id is None or one.session_id == other.session_id:
        return False
    return step_of(one) != step_of(other)


def _asked(request: Request) -> Any:
    if request.kind == "confirm":
        return None
    offers = sorted([choice.id, _words(choice.label)] for choice in request.choices or ())
    return [_words(request.question or ""), offers]


def _words(text: str) -> str:
    """A text without its spelling; of a very long one only case, blanks and what is not seen are looked at."""
    plain = folded(text) if len(text) <= VERY_LONG else _seen(text).casefold()
    return " ".join(plain.split())


def _seen(text: str) -> str:
    return text if text.isascii() else "".join(one for one in text if unicodedata.category(one) != "Cf")


def _meant(value: Any) -> Any:
    """A value without its spelling; what is empty is None, and left out of objects."""
    match value:
        case bool():
            return value
        case int() | float():
            return _number(Decimal(str(value)))
        case str():
            words = _words(value)
            return _number(Decimal(words)) if _NUMBER.fullmatch(words) else f"={words}" if words else None
        case dict():
            pairs = [[_words(key), meant] for key, child in value.items() if (meant := _meant(child)) is not None]
            return sorted(pairs, key=canonical) or None
        case list():
            return {"list": [_meant(child) for child in value]} if value else None
        case _:
            return None


def _number(number: Decimal) -> str:
    """A number without the zeros and the exponent that change nothing; minus zero is zero."""
    plain = number.normalize(_EXACT)
    return f"#{plain:f}" if plain else "#0"


def _written(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case int() | float():
            return _number(Decimal(str(value)))
        case str():
            return f"={unicodedata.normalize('NFC', _seen(value)).strip()}"
        case dict():
            return {key: _written(child) for key, child in value.items()}
        case _:
            return [_written(child) for child in value]


QUESTION = "question"


def differences_of(policy: Policy, before: Request, now: Request) -> tuple[str, ...] | None:
    """In what `now` differs from `before` and is nearly the same; none where it is the same, None where it is another thing.

    Another question or other candidates are another thing, unless they are only worded otherwise or about the same values.
    """
    found = differences(policy, before.params, now.params)
    if found is None or _asked(before) == _asked(now):
        return found
    about = any(meant is not None for _, meant in _leaves(now.params))
    reworded = before.kind == now.kind and _near(f"={_words(before.question or '')}", f"={_words(now.question or '')}")
    return (*found, QUESTION)[:MOST_CHANGED] if about or reworded else None


def differences(policy: Policy, before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...] | None:
    """The paths in which nearly equal parameters differ, none where only their spelling does; None where they are others.

    Nearly equal: all that differs is the amount, words, a cent, or what is only in one of them, or it is a fifth at most
    of many values. Where the policy names who it is about (`aggregate.per`), that alone decides.
    """
    old, new = dict(_leaves(before)), dict(_leaves(now))
    changed = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    if not changed:
        return ()
    told = tuple(changed[:MOST_CHANGED])
    if policy.aggregate is not None and policy.aggregate.per is not None:
        return told if _same_target(policy, before, now) else None
    if old and sorted(map(str, old.values())) == sorted(map(str, new.values())):
        return told  # the same values, only arranged otherwise
    if len(changed) > MOST_CHANGED:
        return None
    equal = [path for path in old.keys() & new.keys() if old[path] == new[path] and not isinstance(old[path], bool)]
    if all(_loose(policy, path, old.get(path), new.get(path)) for path in changed):
        return told if equal or all(_near(old.get(path), new.get(path)) for path in changed) else None
    return told if len(changed) * 5 <= len({**old, **new}) else None


def _same_target(policy: Policy, before: dict[str, Any], now: dict[str, Any]) -> bool:
    first, second = aggregate_of(policy, before), aggregate_of(policy, now)
    return first is not None and first == second


def _leaves(value: Any, at: str = "params") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, f"{at}.{_words(key)}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _leaves(child, f"{at}[{index}]")
    elif (meant := _meant(value)) is not None:
        yield at, meant


def _loose(policy: Policy, path: str, old: Any, new: Any) -> bool:
    """Whether a request stays nearly the same where this value differs."""
    if old is None or new is None or path in _amounts(policy):
        return True
    name = re.sub(r"[^a-z]", "", path.rpartition(".")[2])
    return name.endswith((*_FREE, *(f"{word}s" for word in _FREE), *_OWN)) or _near(old, new)


def _amounts(policy: Policy) -> set[str]:
    named: object = policy.amount
    path = named if isinstance(named, str) else getattr(named, "path", None)
    return {_words(str(path))} if path else set()


def _near(old: Any, new: Any) -> bool:
    """Two numbers of which one is no whole one, or two texts that differ in a few letters or words, and in no digit."""
    if not isinstance(old, str) or not isinstance(new, str) or old[:1] != new[:1]:
        return False
    if old.startswith("#"):
        return "." in old or "." in new
    if _letters(old) == _letters(new) != "":
        return True
    if re.sub(r"[^0-9]", "", old) != re.sub(r"[^0-9]", "", new) or min(len(old), len(new)) < SHORT:
        return False
    if max(len(old), len(new)) <= LONG:
        return difflib.SequenceMatcher(None, old, new, autojunk=False).ratio() >= 0.85
    words = old.split()[:WORDS], new.split()[:WORDS]
    return difflib.SequenceMatcher(None, *words, autojunk=False).ratio() >= 0.85


def _letters(text: str) -> str:
    return "".join(one for one in text if one.isalnum())
