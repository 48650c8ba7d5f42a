"""Days on which somebody does not work: the public holidays of a place, and dates of their own (docs/rules.md: E1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

_PLACE = re.compile(r"^(?P<country>[A-Z]{2})(?:-(?P<subdivision>[A-Z0-9]{1,3}))?$")
_DATE = r"\d{4}-\d\d-\d\d"
_DATES = re.compile(rf"^(?P<first>{_DATE})(?:\.\.(?P<last>{_DATE}))?$")
OWN = "day off"
_LANGUAGE = "en_US"
_LONGEST = 366  # a longer stretch is a mistyped year

Dates = tuple[date, date]


@dataclass(frozen=True, slots=True)
class DaysOff:
    """The public holidays of `places` (DE, DE-BE), and stretches of dates, first and last day included."""

    places: tuple[str, ...] = ()
    dates: tuple[Dates, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.places or self.dates)

    def name(self, day: date) -> str | None:
        """Why nobody works on `day`: the holiday's English name, "day off" on a date of their own; None on all others."""
        if any(first <= day <= last for first, last in self.dates):
            return OWN
        return next((found for place in self.places if (found := _public(place, day.year).get(day))), None)


NO_DAYS = DaysOff()


def days_off(entries: Iterable[str]) -> DaysOff:
    """What a roster writes: places such as DE-BE, dates such as 2026-12-24 or 2026-12-24..2027-01-02; ValueError names the entry."""
    places: list[str] = []
    dates: list[Dates] = []
    for entry in entries:
        if _DATES.match(entry):
            dates.append(own_dates(entry))
        else:
            places.append(_place(entry))
    return DaysOff(tuple(places), tuple(dates))


def own_dates(text: str) -> Dates:
    """A date such as 2026-12-24, or a stretch such as 2026-12-24..2027-01-02; raises ValueError for anything else."""
    match = _DATES.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a date like 2026-12-24, or two like 2026-12-24..2027-01-02")
    try:
        first, last = date.fromisoformat(match["first"]), date.fromisoformat(match["last"] or match["first"])
    except ValueError:
        raise ValueError(f"{text!r} holds a date that no calendar shows") from None
    if not 0 <= (last - first).days <= _LONGEST:
        raise ValueError(f"{text!r} ends before it begins, or is longer than a year")
    return first, last


def _place(entry: str) -> str:
    match = _PLACE.match(entry)
    if match is None:
        raise ValueError(f"{entry!r} is neither a place like DE or DE-BE nor a date like 2026-12-24")
    try:
        _public(entry, 2026)
    except NotImplementedError:
        raise ValueError(
            f"the public holidays of {entry!r} are not known: write a country (DE) or its part (DE-BE)"
        ) from None
    return entry


@lru_cache(maxsize=1024)
def _public(place: str, year: int) -> Mapping[date, str]:
    """The public holidays of one place and year; raises NotImplementedError where the place is not known."""
    import holidays  # it takes 0.1 s, and most rosters name no place

    country, _, subdivision = place.partition("-")
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year, language=_LANGUAGE))
