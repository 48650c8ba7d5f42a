"""Mondays: at most three suggestions to operations and each action's owner, and to reviewers their own figures; once from any number of servers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.service import stats, tuning
from bot.service.context import World
from policies.files.manifest import Manifest, load_manifest
from policies.files.manifest_edit import applied
from policies.hours import hours_of
from policies.learning.calibration import Curve
from policies.learning.person import FEWEST_DECIDED
from policies.learning.tuning import Tuned
from policies.messages import CurveFacts, OwnFiguresFacts, SuggestedFacts, WeeklyFacts
from policies.quiet_hours import Morning
from policies.replay import compare
from store import morning_digest, outbox, people_figures, reports
from store.engine import passing
from store.unit import Unit

log = logging.getLogger("sayso.weekly")
MOST = 3  # suggestions of a post
MOST_CURVES = 4  # of its diagram
WHEN = "Mon 09:00-17:00"  # from its beginning, in the roster's own zone


def send_weekly(world: World) -> int:
    """Send what is due and not empty, and say to how many; whoever is first to begin a week's post sends it."""
    roster = world.book.roster
    if roster.operations is None:
        return 0
    now = world.database.read(lambda unit: unit.now)
    due = _monday(world).latest(now)
    if due is None:
        return 0
    week = due[0].isoformat()
    key = f"weekly:{roster.operations}"
    if not world.database.read(lambda unit: morning_digest.untold(unit, {key: week})):
        return 0
    try:
        posts, own = world.database.read(lambda unit: (_posts(world, unit, week), _own_figures(unit)))
    except Exception as error:
        if passing(error):
            raise  # the next sweep tries again
        log.exception("the suggestions of the week could not be made: nothing is posted, and nothing else waits for it")
        posts, own = [], []
    # Begun and put in the outbox together: one server wins, and what it read is what is sent.
    sent = world.database.run(lambda unit: _sent(unit, key, week, posts, own))
    world.signals.outbox_filled()
    return sent


def upcoming_weekly(world: World, now: datetime) -> datetime | None:
    """When the next post is due; None where operations have no channel."""
    return _monday(world).next(now) if world.book.roster.operations else None


def _monday(world: World) -> Morning:
    zone = world.book.roster.file.defaults.timezone
    return Morning(hours_of(WHEN, zone), None, zone)


_Own = tuple[str, datetime, OwnFiguresFacts]
"""Whose figures, of which moment, and what they are."""


def _sent(unit: Unit, key: str, week: str, posts: Sequence[tuple[str, WeeklyFacts]], own: Sequence[_Own]) -> int:
    if not morning_digest.begin(unit, key, week):
        return 0
    for user, at, figures in own:
        outbox.put_notice(unit, f"figures:{week}:{user}", channel=user, facts=figures)
        people_figures.keep_shown(unit, user, at)
    return sum(outbox.put_notice(unit, f"weekly:{week}:{where}", channel=where, facts=facts) for where, facts in posts)


def _own_figures(unit: Unit) -> list[_Own]:
    """Everybody's, who decided enough to be told of, for themselves: before anybody else reads them (docs/rules.md: F10)."""
    return [
        (one.user, unit.now, OwnFiguresFacts((*stats.of_oneself(one), stats.SEEN_BY)))
        for one in people_figures.everybody(unit)
        if one.decided >= FEWEST_DECIDED
    ]


def _posts(world: World, unit: Unit, week: str) -> list[tuple[str, WeeklyFacts]]:
    """Where what is told: the most pressing to operations, and each owner what concerns their actions."""
    book, operations = world.book, world.book.roster.operations
    assert operations is not None
    found = [one for one in tuning.report(unit, book.manifest, book.roster).actions if one.suggestion is not None]
    if not found:
        return []
    by_place: dict[str, list[Tuned]] = {operations: found}
    for one in found:
        owner = _owner(world, book.manifest.entry(one.record.action).owner)
        if owner is not None:
            by_place.setdefault(owner, []).append(one)
    wanted = {one.record.action: one for listed in by_place.values() for one in listed[:MOST]}
    told = {action: _suggested(book.manifest, unit, one) for action, one in wanted.items()}
    return [
        (
            where,
            WeeklyFacts(week, tuple(told[one.record.action] for one in listed[:MOST]), len(listed), _curves(listed)),
        )
        for where, listed in by_place.items()
    ]


def _owner(world: World, owner: str | None) -> str | None:
    """The Slack user that an action's `owner` names: by id, e-mail address or principal; None where it is a title or a team."""
    named = (owner or "").strip().casefold()
    if not named:
        return None
    people = world.directory.people
    for user, facts in people.items():
        principal = world.book.roster.person(user).principal
        if facts.genuine and named in (user.casefold(), (facts.email or "").casefold(), (principal or "").casefold()):
            return user
    return None


def _suggested(manifest: Manifest, unit: Unit, one: Tuned) -> SuggestedFacts:
    assert one.suggestion is not None
    diff = one.suggestion.diff
    lines = (*tuning.in_brief(one), *(_replayed(manifest, unit, diff) if diff else ()))
    return SuggestedFacts(one.record.action, one.suggestion.kind, lines, diff)


def _replayed(manifest: Manifest, unit: Unit, diff: str) -> Iterator[str]:
    """What the suggestion would have done with the newest requests of the record."""
    text = manifest.document.text
    changed = load_manifest(applied(text, diff), path=manifest.name)
    told = compare.replay_in_time(reports.calls(unit, newest=reports.MOST_REPLAYED), manifest, changed)
    before, after = told.old, told.new
    assert before is not None
    yield (
        f"replayed over the last {told.calls} requests: {told.moved} end differently, {before.decisions} decisions of people "
        f"become {after.decisions}, {told.incidents_newly_let_through} known incidents more would run unseen, "
        f"{told.incidents_newly_stopped} more would be stopped"
    )


def _curves(listed: Sequence[Tuned]) -> tuple[CurveFacts, ...]:
    """The agents' confidence against what turned out, of the actions that are told of, the first few."""
    found = [
        _curve(one, calibration.agent, entry)
        for one in listed
        for calibration in one.calibrations
        for entry in calibration.curves
        if entry.buckets
    ]
    return tuple(found[:MOST_CURVES])


def _curve(one: Tuned, agent: str, entry: Curve) -> CurveFacts:
    points = tuple((b.confidence, b.accuracy, b.right.low, b.right.high, b.samples) for b in entry.buckets)
    return CurveFacts(f"{agent}, {one.record.action}", entry.kind, points)
