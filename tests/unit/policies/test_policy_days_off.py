"""Public holidays and days off of one's own: who is there, when an SLA runs, when a morning's list comes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import roster

from policies.days_off import DaysOff, days_off
from policies.errors import BadFile
from policies.files.roster import Roster
from policies.hours import HORIZON, always_but, hours_of

BERLIN = {"timezone": "Europe/Berlin"}
OFFICE = BERLIN | {"hours": "Mon-Fri 09:00-17:00"}


def alice(**person: Any) -> Roster:
    return roster(people={"U0ALICE": person})


def there(found: Roster, moment: datetime) -> bool:
    """Whether Alice is there at `moment`."""
    hours = found.hours("U0ALICE")
    return hours is None or hours.covers(moment)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_public_holidays_differ_from_place_to_place() -> None:
    """The eighth of March is a holiday in Berlin and not in Germany, and Thanksgiving in the States only."""
    germany, berlin, states = (days_off([place]) for place in ("DE", "DE-BE", "US"))
    assert berlin.name(date(2027, 3, 8)) == "Women's Day"
    assert germany.name(date(2027, 3, 8)) is None
    assert germany.name(date(2027, 10, 3)) == "German Unity Day"
    assert states.name(date(2027, 11, 25)) == "Thanksgiving Day"
    assert berlin.name(date(2027, 11, 25)) is None


def test_a_stretch_of_dates_holds_its_first_and_last_day() -> None:
    """From Christmas Eve to New Year's Eve is eight days, and the days around it are none of them."""
    off = days_off(["2026-12-24..2026-12-31", "2027-02-01"])
    named = [day for step in range(60) if off.name(day := date(2026, 12, 20) + timedelta(days=step))]
    assert named == [date(2026, 12, day) for day in range(24, 32)] + [date(2027, 2, 1)]
    assert off.name(date(2026, 12, 24)) == "day off"


@pytest.mark.parametrize(
    ("key", "entry", "said"),
    [
        ("holidays", "Germany", "is neither a place like DE or DE-BE nor a date"),
        ("holidays", "de-be", "is neither a place like DE or DE-BE nor a date"),
        ("holidays", "XX", "the public holidays of 'XX' are not known"),
        ("holidays", "DE-XX", "the public holidays of 'DE-XX' are not known"),
        ("holidays", "24.12.2026", "is neither a place like DE or DE-BE nor a date"),
        ("holidays", "2026-02-30", "holds a date that no calendar shows"),
        ("days_off", "DE", "is not a date like 2026-12-24"),
        ("days_off", "2026-12-31..2026-12-24", "ends before it begins, or is longer than a year"),
        ("days_off", "2026-12-24..2062-01-02", "ends before it begins, or is longer than a year"),
        ("days_off", "2026-12-24..", "is not a date like 2026-12-24"),
        ("days_off", "", "is not a date like 2026-12-24"),
    ],
)
def test_a_mistyped_day_off_names_key_and_entry(key: str, entry: str, said: str) -> None:
    """Whatever is no place and no date is an error at load that names the key and says what to write."""
    with pytest.raises(BadFile, match=said) as refused:
        alice(**{key: [entry]})
    assert f"people.U0ALICE.{key}" in str(refused.value)


def test_nobody_works_on_a_day_off() -> None:
    """On a holiday and on a day of their own somebody with hours is not there, and on the day after they are."""
    working = alice(**OFFICE, holidays=["DE-BE"], days_off=["2027-05-07"])
    noon = [utc(f"2027-05-{day:02d}T10:00") for day in (5, 6, 7, 10)]  # Ascension Day is the sixth
    assert [there(working, moment) for moment in noon] == [True, False, False, True]


def test_who_is_always_there_is_not_there_on_a_day_off() -> None:
    """Somebody without hours is off from midnight to midnight on the wall clock of their zone, and else never."""
    working = alice(**BERLIN, days_off=["2027-05-07"])
    begins, ends = utc("2027-05-06T22:00"), utc("2027-05-07T22:00")
    moments = [begins - timedelta(seconds=1), begins, ends - timedelta(seconds=1), ends]
    assert [there(working, moment) for moment in moments] == [True, False, False, True]


def test_a_night_shift_belongs_to_the_day_on_which_it_starts() -> None:
    """A night that starts on a day off is not worked, and one that reaches into a day off is worked to its end."""
    hours = hours_of("Mon-Sun 22:00-06:00", "UTC", days_off(["2027-05-07"]))
    moments = {"2027-05-07T05:59": True, "2027-05-07T23:00": False, "2027-05-08T05:00": False, "2027-05-08T22:00": True}
    assert {moment: hours.covers(utc(moment)) for moment in moments} == moments


def test_an_sla_stands_still_on_days_off() -> None:
    """Fifteen minutes from ten to five on the eve of a holiday end on the next working morning."""
    hours = alice(**OFFICE, holidays=["DE-BE"], days_off=["2027-05-07"]).hours("U0ALICE")
    assert hours is not None
    assert hours.after(utc("2027-05-05T14:50"), timedelta(minutes=15)) == utc("2027-05-10T07:05")
    assert hours.between(utc("2027-05-05T14:50"), utc("2027-05-10T07:05")) == timedelta(minutes=15)


def test_own_holidays_replace_those_of_everybody_and_days_off_add_to_them() -> None:
    """Who names a place has its holidays instead of the default ones; `[]` is none; days off come on top of either."""
    names = {"U0ALICE": {}, "U0BOB": {"holidays": ["US"]}, "U0CAROL": {"holidays": [], "days_off": ["2027-10-04"]}}
    found = roster(people=names, defaults={"holidays": ["DE"]})
    unity, thanks, own = date(2027, 10, 3), date(2027, 11, 25), date(2027, 10, 4)
    named = {user: [bool(found.days_off(user).name(day)) for day in (unity, thanks, own)] for user in names}
    assert named == {"U0ALICE": [True, False, False], "U0BOB": [False, True, False], "U0CAROL": [False, False, True]}
    assert found.days_off("U0NOBODY").name(unity), "whoever the roster does not list has the default ones"


@pytest.mark.parametrize("person", [OFFICE, BERLIN])
def test_no_morning_list_on_a_day_off(person: dict[str, str]) -> None:
    """The list comes on the next working day, with and without working hours."""
    morning = alice(**person, digest=True, holidays=["DE-BE"], days_off=["2027-05-07"]).morning("U0ALICE")
    assert morning is not None
    weekend = utc("2027-05-10T07:00") if "hours" in person else utc("2027-05-08T07:00")
    assert morning.next(utc("2027-05-05T08:00")) == weekend
    assert morning.latest(utc("2027-05-07T08:00")) is None


offs = st.builds(
    lambda places, steps: DaysOff(
        tuple(places), tuple((day := date(2026, 12, 20) + timedelta(days=step), day) for step in steps)
    ),
    st.lists(st.sampled_from(["DE", "DE-BE", "US", "IL"]), max_size=2, unique=True),
    st.lists(st.integers(0, 30), max_size=6),
)
texts = st.sampled_from(
    ["Mon-Fri 09:00-17:00", "Mon-Sun 22:00-06:00", "Mon-Sun 00:00-12:00, Mon-Sun 12:00-00:00", None]
)


zones = st.sampled_from(
    [
        "Europe/Berlin",
        "Asia/Kolkata",
        "America/New_York",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Australia/Lord_Howe",
    ]
)


def test_moved_holidays_and_the_turn_of_a_year() -> None:
    """A holiday at a weekend is observed on a working day, also where that lies in the year before; far from UTC the day is theirs."""
    states, england, japan = (days_off([place]) for place in ("US", "GB-ENG", "JP"))
    assert states.name(date(2027, 12, 31)) == "New Year's Day (observed)"
    assert england.name(date(2027, 12, 28)) == "Boxing Day (observed)"
    assert japan.name(date(2027, 3, 22)) == "Substitute Holiday"
    moment = utc("2026-12-31T10:30")
    assert always_but(days_off(["2027-01-01"]), "Pacific/Kiritimati").day_off(moment) == "day off"
    assert always_but(days_off(["2026-12-30"]), "Pacific/Pago_Pago").day_off(moment) == "day off"


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2027-03-28", 23),
        ("Europe/Berlin", "2027-10-31", 25),
        ("Australia/Lord_Howe", "2027-04-04", 24.5),
    ],
)
def test_a_day_off_is_as_long_as_the_clocks_make_it(zone: str, day: str, hours: float) -> None:
    """A day off on which the clocks change lasts from midnight to midnight on the wall, and an SLA stands still so long."""
    free = always_but(days_off([day]), zone)
    noon = utc(f"{day}T00:00") - timedelta(days=1)
    assert free.after(noon, timedelta(days=2)) - noon == timedelta(days=2, hours=hours)


@given(texts, zones, offs, st.integers(0, 20 * 24))
@settings(max_examples=120, deadline=None)
def test_hours_and_days_off_agree_hour_by_hour(text: str | None, zone: str, off: DaysOff, first: int) -> None:
    """The opening is the first moment that is worked, and no moment of a shift that begins on a day off is."""
    hours = always_but(off, zone) if text is None else hours_of(text, zone, off)
    plain = always_but(DaysOff(), zone) if text is None else hours_of(text, zone)
    start = utc("2026-12-20T00:00") + timedelta(hours=first)
    opening = hours.opening(start)
    assert hours.covers(opening)
    assert opening < start + HORIZON
    for step in range(int((opening - start) / timedelta(minutes=30))):
        assert not hours.covers(start + step * timedelta(minutes=30))
    for step in range(48):
        moment = start + timedelta(hours=step)
        day = moment.astimezone(hours.zone).date()
        night = text is not None and text.startswith("Mon-Sun 22") and moment.astimezone(hours.zone).hour < 6
        begun = day - timedelta(days=1) if night else day
        assert hours.covers(moment) is (plain.covers(moment) and off.name(begun) is None)
