"""The rules that spoke, in a few words for a card: each in the place of a full reason, and none that argued for something else.

`why` keeps every reason whole, with its key and line of the manifest; here is what a person reads at a glance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from policies.levels import RouteName

_USD = r"-?\$[0-9,.]+"
_KEY: Final = re.compile(r" \([a-z_]+(?:\.[a-z_0-9]+)*(?:: [^()]*)?\)")
_LINE: Final = re.compile(r" \([^()\s]+:\d+\)\Z")

_ASKS, _RUNS, _DENIES, _SAYS = "asks", "runs", "denies", "says"
# What a reason argues for, how it reads, and how it is told in short. The first that matches wins.
_TABLE: Final = tuple(
    (re.compile(pattern, re.DOTALL), leaning, words)
    for pattern, leaning, words in (
        (rf"{_USD} is over the limit of ({_USD})", _DENIES, r"over the limit of \1"),
        (rf"{_USD} within (\d+) s is over the limit of ({_USD})", _DENIES, r"over the limit of \2 within \1"),
        (
            rf"{_USD} to all targets within (\d+) s is over the limit of ({_USD})",
            _DENIES,
            r"over the limit of \2 in all within \1",
        ),
        (r".*, and amounts have a limit here", _DENIES, "the amount cannot be read, and amounts have a limit here"),
        (r"the agent .* is (?:on the block list|not on the list of agents)", _DENIES, "not allowed for this agent"),
        (r"the agent asked (\d+) times within 24 h, and (\d+) are its quota", _DENIES, r"over the quota of \2 a day"),
        (r"the same request was refused (\d+) times within", _DENIES, r"refused \1 times before"),
        (r".* said no to it, and it is now made for them", _DENIES, "whoever refused it may not decide it now"),
        (r"the manifest does not know the action", _DENIES, "not in the manifest"),
        (r"the agent failed (\d+) times within 24 h", _ASKS, r"this agent failed \1 times today"),
        (rf"{_USD} within (\d+) s is above ({_USD})", _ASKS, r"over \2 within \1"),
        (rf"{_USD} to all targets within (\d+) s is above ({_USD})", _ASKS, r"over \2 in all within \1"),
        (rf"{_USD} is above ({_USD})", _ASKS, r"over \1"),
        (r"(\d+) within \d+ s had an amount that could not be read", _ASKS, "some amounts cannot be read"),
        (r"the amount at .* is missing or not an amount", _ASKS, "the amount cannot be read"),
        (r"the agent itself recommends a review", _ASKS, "the agent wants a review"),
        (r"the agent names (\d+) uncertainties", _ASKS, r"the agent is unsure about \1 things"),
        (r"effective confidence ([\d.]+) is below", _ASKS, r"confidence only \1"),
        (r"execution is stopped", _ASKS, "everything is stopped"),
        (r"only a person can (choose|answer)", _ASKS, r"only a person can \1"),
        (r"the action is irreversible", _ASKS, "irreversible"),
        (r"the action is tagged (.*)", _ASKS, r"\1"),
        (r"no risk score is given", _ASKS, "no risk score"),
        (r"risk score ([\d.]+) is above", _ASKS, r"risk score \1"),
        (r"only (\d+) uses (.*) so far, and a person sees the first (\d+)", _ASKS, r"one of the first \3 \2"),
        (r"(\d+) ran since a person last decided", _ASKS, r"\1 ran unseen before it"),
        (r"the rule '(.*)' cannot judge this request", _ASKS, r"\1"),
        (r"confidence is unknown; a person decides", _ASKS, "no evidence given"),
        (r"effective confidence .* rests on .*; a person decides", _ASKS, "too little evidence"),
        (r"effective confidence .* is the agent's own word", _ASKS, "only the agent's own evidence"),
        (r"effective confidence ([\d.]+); a person decides", _ASKS, r"confidence \1"),
        (r"(.*): at least (?:soft_approval|hard_approval|human_takeover)", _ASKS, r"\1"),
        (r"(.*): at least (?:full_auto|notify_only)", _RUNS, r"\1"),
        (r".*the manifest lets silence consent", _ASKS, "silence counts as a yes"),
        (r"a person said no to this before", _ASKS, "a person said no before"),
        (r"a standing approval of .* covers it", _RUNS, "a standing approval covers it"),
        (rf"{_USD} is below ({_USD})", _RUNS, r"under \1"),
        (r"approval_required is false", _RUNS, "no approval needed"),
        (r"effective confidence ([\d.]+) reaches", _RUNS, r"confidence \1"),
        (r"(?:the same|a similar) request .*", _SAYS, ""),
        (r"acts for .*, and .* itself would get no more", _ASKS, "the agent above it may do no more"),
        (r"acts for .*", _SAYS, ""),
        (r"it counts as normal: the agent has called", _SAYS, "urgent too often"),
    )
)
_FOR: Final = {RouteName.ASK: _ASKS, RouteName.AUTO: _RUNS, RouteName.DENY: _DENIES, RouteName.BLOCK: _DENIES}
_LIMIT: Final = re.compile(rf"over {_USD}")
_SUM: Final = re.compile(r" within (?:an?|\d+) \w+\Z")  # told last: it says the least
_SPAN: Final = re.compile(r"within (\d+)\Z")


def shortened(why: Sequence[str], name: RouteName) -> tuple[str, ...]:
    """Why it went this way, in a few words each; what the manifest's author wrote stays as it is."""
    told = list(dict.fromkeys(words for reason in why if (words := _short(reason, _FOR[name]))))
    limits = [words for words in told if _LIMIT.fullmatch(words)]
    # The deciding one is first; of several limits on the same amount it says it all.
    kept = [words for words in told if words not in limits[1:]]
    return (*kept[:1], *sorted(kept[1:], key=lambda words: _SUM.search(words) is not None))


@lru_cache(maxsize=1024)
def _short(reason: str, wanted: str) -> str:
    plain = _LINE.sub("", reason)
    for pattern, leaning, words in _TABLE:
        match = pattern.match(plain)
        if match:
            if leaning != wanted:
                return ""
            return _spelt(match.expand(words) if "\\" in words else words)
    return _KEY.sub("", plain)


def _spelt(words: str) -> str:
    span = _SPAN.search(words)
    return words if span is None else f"{words[: span.start()]}within {_time(int(span[1]))}"


def _time(seconds: int) -> str:
    for unit, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % unit == 0 and seconds:
            count = seconds // unit
            return f"{'an' if name == 'hour' else 'a'} {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"
