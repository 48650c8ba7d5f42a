"""Roles, people and their hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import roster

from policies.files.roster import Roster, working_hours

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def working(hours: str, zone: str, moment: datetime) -> bool:
    """Whether Alice works at `moment`."""
    found = roster(people={"U0ALICE": {"hours": hours, "timezone": zone}}).hours("U0ALICE")
    assert found is not None
    return found.covers(moment)


@pytest.mark.parametrize(
    ("hours", "local", "expected"),
    [
        ("Mon-Fri 09:00-17:00", "2026-01-30 08:59:59.999999", False),  # a Friday
        ("Mon-Fri 09:00-17:00", "2026-01-30 09:00", True),
        ("Mon-Fri 09:00-17:00", "2026-01-30 16:59:59.999999", True),
        ("Mon-Fri 09:00-17:00", "2026-01-30 17:00", False),
        ("Mon-Fri 09:00-17:00", "2026-01-31 12:00", False),
        ("Sat 10:00-12:00", "2026-01-31 11:00", True),
        ("Sat-Mon 10:00-12:00", "2026-02-01 11:00", True),
        ("Sat-Mon 10:00-12:00", "2026-02-03 11:00", False),
        ("Fri 22:00-06:00", "2026-01-30 21:59", False),
        ("Fri 22:00-06:00", "2026-01-30 23:00", True),
        ("Fri 22:00-06:00", "2026-01-31 05:59", True),
        ("Fri 22:00-06:00", "2026-01-31 06:00", False),
        ("Fri 22:00-06:00", "2026-01-30 05:00", False),
        ("Sun 22:00-06:00", "2026-02-02 05:00", True),
        ("Mon 09:00-12:00, Mon 13:00-17:00", "2026-02-02 12:30", False),
        ("Mon 09:00-12:00, Mon 13:00-17:00", "2026-02-02 13:00", True),
        ("Mon-Sun 18:00-00:00", "2026-02-02 23:59", True),
        ("Mon-Sun 18:00-00:00", "2026-02-02 00:00", False),
    ],
)
def test_hours_at_their_edges(hours: str, local: str, expected: bool) -> None:
    """A shift starts at its first minute, ends before its last, and by night belongs to the day it starts on."""
    moment = datetime.fromisoformat(local).replace(tzinfo=BERLIN)
    assert working(hours, "Europe/Berlin", moment) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-27T08:00:00+00:00", True),  # Friday before the change: 09:00 at +1
        ("2026-03-27T07:59:00+00:00", False),
        ("2026-03-30T07:00:00+00:00", True),  # Monday after it: 09:00 at +2
        ("2026-03-30T06:59:00+00:00", False),
        ("2026-03-30T15:00:00+00:00", False),
        ("2026-10-26T08:00:00+00:00", True),  # back at +1
        ("2026-10-26T07:59:00+00:00", False),
    ],
)
def test_hours_follow_the_clocks_of_their_zone(moment: str, expected: bool) -> None:
    """Working hours are by the wall clock, before and after it is changed."""
    assert working("Mon-Fri 09:00-17:00", "Europe/Berlin", datetime.fromisoformat(moment)) is expected


def test_a_night_shift_over_a_change_of_clocks() -> None:
    """A night shift in which an hour is skipped or doubled starts and ends by the wall clock."""
    hours = "Sat 22:00-06:00"
    spring = [datetime(2026, 3, 28, 21, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(12 * 60)]
    autumn = [datetime(2026, 10, 24, 20, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(12 * 60)]
    assert sum(working(hours, "Europe/Berlin", moment) for moment in spring[::10]) == 7 * 6
    assert sum(working(hours, "Europe/Berlin", moment) for moment in autumn[::10]) == 9 * 6


@given(st.integers(0, 366 * 24 * 3600), st.sampled_from([UTC, BERLIN, NEW_YORK]))
@settings(max_examples=60, deadline=None)
def test_who_has_no_hours_is_always_there(offset: int, zone: tzinfo) -> None:
    """Without hours a person is there always; a pair of opposite shifts covers every moment exactly once."""
    moment = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=offset)).astimezone(zone)
    assert roster().hours("U0ALICE") is None
    day, night = (working(f"Mon-Sun {span}", "Europe/Berlin", moment) for span in ("06:00-22:00", "22:00-06:00"))
    assert day != night


@pytest.mark.parametrize("hours", ["", "Mon", "Mon 9-17", "Mon 24:00-25:00", "Mon 10:00-10:00", "Mon-Fri 09:00-17:00,"])
def test_hours_that_cannot_be_read_name_the_part(hours: str) -> None:
    """Hours that cannot be read raise an error that shows the part."""
    with pytest.raises(ValueError, match="'"):
        working_hours(hours)


def test_admins_are_a_role() -> None:
    """The admins can be asked like a role, unless the roster gives the role `admins` itself."""
    assert roster().roles["admins"].members == ["U0ADMIN"]
    assert roster(roles={"admins": {"members": ["U0EVE"]}}).roles["admins"].members == ["U0EVE"]
    assert "admins" not in roster(admins=None).roles
    assert roster().is_admin("U0ADMIN")
    assert not roster().is_admin("U0ALICE")


def test_a_roster_tells_what_it_holds() -> None:
    """User groups, people, the operations channel and a version that changes with the bytes can be read."""
    people = roster(roles={"lead": {"usergroup": "S0LEADS"}}, people={"U0BOB": {"max_open": 3}})
    assert people.usergroups == {"S0LEADS"}
    assert (people.person("U0BOB").max_open, people.person("U0NOBODY").max_open) == (3, None)
    assert people.operations == "#ops"
    assert roster(operations=None).operations is None
    versions: set[str] = {one.version for one in (people, roster(), roster(admins=["U0EVE"]))}
    assert len(versions) == 3
    assert isinstance(people, Roster)
