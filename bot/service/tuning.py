"""What the record suggests, for those who may change the manifest: the same figures in Slack and at the command line (F3 to F9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from policies.files.manifest import Manifest
from policies.files.roster import Roster
from policies.learning import tuning
from policies.learning.calibration import SHOWN_FROM, Bucket
from policies.learning.tuning import Record, Stamping, Suggestion, Tuned
from store import learning
from store.stats import ReviewerStats, stats
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Report:
    """Everything `tune` tells: each action, and each reviewer's fatigue figures (docs/rules.md: F9)."""

    days: int
    actions: tuple[Tuned, ...]
    reviewers: tuple[ReviewerStats, ...]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "days": self.days,
            "actions": [_action_dict(one) for one in self.actions],
            "reviewers": [_fatigue(one) for one in self.reviewers],
        }


def _action_dict(one: Tuned) -> dict[str, Any]:
    record = asdict(one.record)
    record.pop("outcomes")
    rated = {"decided": one.record.decided, "approval_rate": one.record.approval_rate}
    stampings = [asdict(entry) | {"rubber_stamping": entry.rubber} for entry in one.record.reviewers]
    buckets = [asdict(entry) | {"error": entry.error} for entry in one.buckets]
    suggestions = [asdict(entry) for entry in one.suggestions]
    return record | rated | {"reviewers": stampings, "calibration": buckets, "suggestions": suggestions}


def report(unit: Unit, manifest: Manifest, roster: Roster | None) -> Report:
    """The report under this manifest; without a roster nothing is known of an operations channel."""
    days = tuning.LOOK_BACK.days
    watched = roster is not None and roster.operations is not None
    found = tuning.tuned(manifest, learning.records(unit), watched=watched)
    deciders = tuple(one for one in stats(unit, days=days).reviewers if one.spread)
    return Report(days, tuple(found), deciders)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together, and a diff under them."""

    lines: tuple[str, ...]
    diff: str = ""


def paragraphs(found: Report) -> Iterator[Paragraph]:
    """The report in words: those with a suggestion first, people last. Names of people are Slack user ids."""
    for one in sorted(found.actions, key=lambda entry: not entry.suggestions):
        yield Paragraph((_summary(one.record), *_calibration(one.buckets), *_habits(one)))
        yield from map(_suggestion, one.suggestions)
    if not found.actions:
        yield Paragraph((f"Nothing is known of any action in the last {found.days} days.",))
    if found.reviewers:
        yield Paragraph((f"Reviewers, {found.days} days", *map(_reviewer, found.reviewers)))
    yield Paragraph(("These are suggestions. Nothing changes until the manifest does.",))


def _summary(record: Record) -> str:
    rate = record.approval_rate
    said = "nothing decided by people" if rate is None else f"{record.decided} decided, {rate:.1%} yes"
    kinds = {"edited": record.edited, "rejected": record.rejected, "taken over": record.taken_over}
    parts = [said, *(f"{count} {kind}" for kind, count in kinds.items() if count)]
    return (
        f"{record.action}: {', '.join(parts)}; {record.alone} by policy alone; {_count(record.incidents, 'incident')}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _calibration(found: Sequence[Bucket]) -> Iterator[str]:
    if found:
        yield f"calibration, 30 days (buckets with {SHOWN_FROM} or more):"
    for one in found:
        yield (
            f"  {one.low:.1f}-{one.high:.1f}: said {one.confidence:.2f}, was right {one.accuracy:.2f} "
            f"of {one.samples}, error {one.error:+.2f}"
        )


def _habits(one: Tuned) -> Iterator[str]:
    """How its reviewers decide, beside any suggestion that rests on their yes."""
    if one.suggestions:
        yield from map(_habit, one.record.reviewers)


def _habit(one: Stamping) -> str:
    mark = "RUBBER-STAMPING? " if one.rubber else ""
    rejected = f"{one.rejected} rejected" if one.rejected else "never a rejection"
    fast = f"{one.fast:.0%} of yes within {tuning.FAST_SECONDS:.0f} s"
    return f"  {mark}{one.user}: {one.decided} decided, {rejected}, median {one.median_seconds:.0f} s, {fast}"


def _suggestion(one: Suggestion) -> Paragraph:
    checks = (f"  [{'x' if check.met else ' '}] {check.text}" for check in one.checklist)
    return Paragraph((f"→ {one.action}: {one.kind}. {one.why}.", *checks), one.diff)


def _reviewer(one: ReviewerStats) -> str:
    told = _fatigue(one)
    return (
        f"  {one.user}: {one.per_day:.1f} a day, median {told['median_seconds']:.0f} s, {told['approval_rate']:.0%} yes "
        f"({told['decided']} decided)"
    )


def _fatigue(one: ReviewerStats) -> dict[str, Any]:
    assert one.spread is not None, "only those who decided something are told of"
    times = {"decided": one.spread.count, "median_seconds": one.spread.median}
    return {"user": one.user, "per_day": one.per_day, "approval_rate": one.approval_rate} | times


def as_text(told: Iterable[Paragraph]) -> str:
    """For a terminal."""
    return "\n\n".join("\n".join(filter(None, ["\n".join(one.lines), one.diff.rstrip()])) for one in told)
