"""The roster: who holds which role, and when each person is there (docs/rules.md: E1). Schema and strict loader."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator, model_validator

from policies.days_off import DaysOff, days_off, own_dates
from policies.files.manifest import ADMINS, Channel
from policies.files.schema import GROUP, USER, Line, Strict, Version, Word, validated
from policies.files.strict_yaml import Document, parse
from policies.hours import Hours, always_but, hours_of, working_hours
from policies.mailing import is_mail_address
from policies.quiet_hours import NEVER, Morning, check_quiet, quiet_hours

UserId = Annotated[str, Field(pattern=USER)]
GroupId = Annotated[str, Field(pattern=GROUP)]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is not a time zone like Europe/Berlin") from None
    return value


def _quiet(value: str) -> str:
    check_quiet(value)
    return value


def _day_off(value: str) -> str:
    days_off([value])
    return value


def _own_dates(value: str) -> str:
    own_dates(value)
    return value


def _mail_address(value: str) -> str:
    if not is_mail_address(value):
        raise ValueError(f"{value!r} is not an e-mail address like ann@example.com")
    return value


MailAddress = Annotated[str, AfterValidator(_mail_address)]
DayOff = Annotated[str, AfterValidator(_day_off)]
OwnDates = Annotated[str, AfterValidator(_own_dates)]
Zone = Annotated[str, AfterValidator(_zone)]
Quiet = Annotated[str, AfterValidator(_quiet)]


class Role(Strict):
    """A role's members: people by id, a Slack user group, or both."""

    members: list[UserId] = []
    """Slack user ids."""
    usergroup: GroupId | None = None
    """A Slack user group whose members hold the role too."""

    @model_validator(mode="after")
    def _somebody(self) -> Role:
        if not self.members and self.usergroup is None:
            raise ValueError("give members, a usergroup, or both")
        return self


class Person(Strict):
    """What the roster says of one person."""

    principal: Line | None = None
    """The name agents act under on this person's behalf, such as an e-mail address."""
    email: MailAddress | None = None
    """Where this person is written to while Slack does not show them what waits; else their principal, or what Slack says."""
    hours: str | None = None
    """Working hours, such as Mon-Fri 09:00-17:00; several with commas; none means always."""
    timezone: Zone = "UTC"
    """The zone of the hours, such as Europe/Berlin."""
    holidays: list[DayOff] | None = None
    """Places whose public holidays are days off, such as DE-BE, and dates; instead of those under defaults."""
    days_off: list[OwnDates] = []
    """Days off of their own besides: dates such as 2026-12-24, stretches such as 2026-12-24..2027-01-02."""
    max_open: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many approvals may wait for this person at once."""
    delegate: UserId | None = None
    """Who stands in while this person is away."""
    quiet: Quiet | None = None
    """Quiet hours, such as 22:00-07:00, or never: only what is urgent or of high severity notifies."""
    max_cards_per_hour: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many cards this person is sent within any hour; then others are asked."""
    max_reminders: Annotated[int, Field(ge=0, le=100)] | None = None
    """How often this person is reminded of one card."""
    digest: bool | None = None
    """Whether this person gets a list of what waits for them in the morning."""

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: str | None) -> str | None:
        if value is not None:
            working_hours(value)
        return value


class RosterDefaults(Strict):
    """What holds for everybody of whom `people` says nothing else."""

    timezone: Zone = "UTC"
    """The zone of those who name none, such as Europe/Berlin."""
    holidays: list[DayOff] = []
    """Days off of those who name none: places such as DE-BE for their public holidays, and dates."""
    quiet: Quiet | None = None
    """Quiet hours of those who name none, such as 22:00-07:00."""
    max_cards_per_hour: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many cards one person is sent within any hour."""
    max_reminders: Annotated[int, Field(ge=0, le=100)] = 3
    """How often one person is reminded of one card."""
    digest: bool = False
    """Whether people get a list of what waits for them in the morning."""


class Operations(Strict):
    """Where operators are told what needs them."""

    channel: Channel
    """A Slack channel."""
    email: MailAddress | None = None
    """Where they are written to while Slack does not take messages."""


class RosterFile(Strict):
    """The file `reviewers.yml` as a whole."""

    version: Version
    """The version of this format."""
    roles: Annotated[dict[Word, Role], Field(min_length=1)]
    """Every role and who holds it."""
    people: dict[UserId, Person] = {}
    """What is known of single people."""
    defaults: RosterDefaults = RosterDefaults()
    """The default for everybody who has no other value under people."""
    admins: list[UserId] = []
    """Who may steer Sayso itself, and decides where an action names no role."""
    operations: Operations | None = None
    """Where operators are told what needs them."""


class Roster:
    """A loaded roster."""

    def __init__(self, file: RosterFile, version: str, document: Document | None = None) -> None:
        self.file, self.version, self.document = file, version, document or Document({})
        self.operations = file.operations.channel if file.operations else None
        self.operations_email = file.operations.email if file.operations else None

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Every role by name; the admins are one, so that they can be asked where an action names no role."""
        roles = dict(self.file.roles)
        if self.file.admins and ADMINS not in roles:
            roles[ADMINS] = Role(members=self.file.admins)
        return roles

    @property
    def usergroups(self) -> set[str]:
        """The Slack user groups whose members must be looked up."""
        return {role.usergroup for role in self.file.roles.values() if role.usergroup}

    def person(self, user: str) -> Person:
        """What the roster says of `user`; the defaults where it says nothing."""
        return self.file.people.get(user, _UNLISTED)

    @property
    def users(self) -> set[str]:
        """Everybody it names by Slack user id."""
        members = {user for role in self.file.roles.values() for user in role.members}
        return members | self.file.people.keys() | set(self.file.admins)

    def is_admin(self, user: str) -> bool:
        """Whether `user` may steer Sayso itself."""
        return user in self.file.admins

    def hours(self, user: str) -> Hours | None:
        """The person's working hours without their days off; None means always."""
        off = self.days_off(user)
        return self._written_hours(user, off) or (always_but(off, self.timezone(user)) if off else None)

    def days_off(self, user: str) -> DaysOff:
        """The days on which the person does not work, whatever their hours."""
        person = self.person(user)
        holidays = self.file.defaults.holidays if person.holidays is None else person.holidays
        return days_off([*holidays, *person.days_off])

    def day_off(self, user: str, now: datetime) -> str | None:
        """Why today, in the person's own time zone, is a day off for them, in words; None where it is not."""
        return self.days_off(user).name(now.astimezone(ZoneInfo(self.timezone(user))).date())

    def _written_hours(self, user: str, off: DaysOff) -> Hours | None:
        written = self.person(user).hours
        return None if written is None else hours_of(written, self.timezone(user), off)

    def timezone(self, user: str) -> str:
        """The zone of the person's wall clock."""
        person = self.person(user)
        return person.timezone if "timezone" in person.model_fields_set else self.file.defaults.timezone

    def quiet(self, user: str) -> Hours | None:
        """The person's quiet hours; None means never."""
        text = self.person(user).quiet or self.file.defaults.quiet
        return quiet_hours(text, self.timezone(user)) if text and text != NEVER else None

    def quiet_until(self, user: str, now: datetime) -> datetime | None:
        """When the quiet hours in which `now` lies end; None where it lies in none."""
        quiet = self.quiet(user)
        return quiet.closing(now) if quiet and quiet.covers(now) else None

    def budget(self, user: str) -> int | None:
        """How many cards the person is handed within any hour; None means any number."""
        return self.person(user).max_cards_per_hour or self.file.defaults.max_cards_per_hour

    def reminders(self, user: str | None) -> int:
        """How often the person is reminded of one card."""
        own = self.person(user).max_reminders if user else None
        return self.file.defaults.max_reminders if own is None else own

    @property
    def any_morning(self) -> bool:
        """Whether anybody gets a list in the morning."""
        return self.file.defaults.digest or any(person.digest for person in self.file.people.values())

    def morning(self, user: str) -> Morning | None:
        """When the person gets the list of what waits; None where they want none."""
        wanted = self.person(user).digest
        if not (self.file.defaults.digest if wanted is None else wanted):
            return None
        off = self.days_off(user)
        return Morning(self._written_hours(user, off), self.quiet(user), self.timezone(user), off)


_UNLISTED = Person()


def load_roster(text: str, *, path: str = "reviewers.yml") -> Roster:
    """Read a roster; raises BadFile naming file, line and key."""
    document = parse(text, path=path)
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Roster(validated(RosterFile, document, path), version, document)
