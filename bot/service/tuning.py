"""What the record suggests, for those who may change the manifest: the same figures in Slack and at the command line (F3 to F9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from policies.files.manifest import Manifest
from policies.files.roster import Roster
from policies.learning import tuning
from policies.learning.calibration import Bucket, Calibration
from policies.learning.chance import Measured
from policies.learning.stamping import FAST_SECONDS, Stamping
from policies.learning.tuning import Record, Suggestion, Tuned
from store import learning
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Report:
    """Everything `tune` tells: each action. It is about actions, and names nobody: people see their own figures first (docs/rules.md: F10)."""

    days: int
    actions: tuple[Tuned, ...]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"days": self.days, "actions": [_action_dict(one) for one in self.actions]}


def _action_dict(one: Tuned) -> dict[str, Any]:
    record = asdict(one.record)
    record.pop("cases")
    counted = {"decided": one.record.decided, "approval_rate": one.record.approval_rate}
    measures = {
        "reviewers_said": _measured(one.record.agreed),
        "turned_out": _measured(one.record.turned_out),
        "went_wrong": _measured(one.record.went_wrong),
    }
    stampings = [
        {name: value for name, value in asdict(entry).items() if name != "user"}
        | {"fast_share": entry.fast_share, "rubber_stamping": entry.rubber}
        for entry in one.record.reviewers
    ]
    suggestion = asdict(one.suggestion) | {"held_back": one.suggestion.unmet} if one.suggestion else None
    told = {"reviewers": stampings, "calibration": [_calibrated(entry) for entry in one.calibrations]}
    return record | counted | measures | told | {"suggestion": suggestion}


def _measured(one: Measured) -> dict[str, Any]:
    return asdict(one) | {"rate": one.rate}


def _calibrated(one: Calibration) -> dict[str, Any]:
    curves = [
        {"kind": entry.kind, "whole": _bucket(entry.whole), "buckets": [_bucket(bucket) for bucket in entry.buckets]}
        for entry in one.curves
    ]
    threshold = asdict(one.threshold) | {"says": str(one.threshold)} if one.threshold else None
    return {"agent": one.agent, "random_sample": one.random, "curves": curves, "threshold": threshold}


def _bucket(one: Bucket) -> dict[str, Any]:
    return asdict(one) | {"right": _measured(one.right), "accuracy": one.accuracy, "error": one.error}


def report(unit: Unit, manifest: Manifest, roster: Roster | None) -> Report:
    """The report under this manifest; without a roster nothing is known of an operations channel."""
    days = tuning.LOOK_BACK.days
    watched = roster is not None and roster.operations is not None
    found = tuning.tuned(manifest, learning.records(unit, manifest.counted_as), watched=watched)
    return Report(days, tuple(found))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together, and a diff under them."""

    lines: tuple[str, ...]
    diff: str = ""


def paragraphs(found: Report) -> Iterator[Paragraph]:
    """The report in words: the most pressing suggestion first. It names nobody who reviews."""
    pressing = [one for one in found.actions if one.suggestion]
    for number, one in enumerate(pressing, 1):
        assert one.suggestion is not None
        yield _suggested(number, one, one.suggestion)
    for one in found.actions:
        if one.suggestion is None:
            yield Paragraph(
                (_briefly(one.record), *(line for entry in one.calibrations for line in _calibration(entry)))
            )
    if not found.actions:
        yield Paragraph((f"Nothing is known of any action in the last {found.days} days.",))
    elif not pressing:
        yield Paragraph(("Nothing to suggest: no record says more than chance would.",))
    yield Paragraph(("These are suggestions. Nothing changes until the manifest does.",))


def _suggested(number: int, one: Tuned, what: Suggestion) -> Paragraph:
    held = [f"Held back: {_count(what.unmet, 'line')} of the checklist not met"] if what.unmet else []
    checks = (f"  [{'x' if check.met else ' '}] {check.text}" for check in what.checklist)
    lines = (
        f"{number}. {one.record.action}: {what.kind}",
        f"{what.why}.",
        *_figures(one),
        *_habits(one.record),
        *held,
        *checks,
    )
    return Paragraph(lines, what.diff)


def in_brief(one: Tuned) -> tuple[str, ...]:
    """A suggestion without the figures of people: those are for themselves, and for admins who ask."""
    assert one.suggestion is not None
    what = one.suggestion
    held = (f"held back: {_count(what.unmet, 'line')} of the checklist not met",) if what.unmet else ()
    return (f"{what.why}.", *(line.strip() for line in islice(_figures(one), 3)), *held)


def _briefly(record: Record) -> str:
    return (
        f"{record.action}: yes {record.agreed}; right {record.turned_out}; "
        f"incidents, {record.ran_days:g} days: {record.went_wrong}"
    )


def _figures(one: Tuned) -> Iterator[str]:
    """What reviewers said and what turned out, apart: approval is not truth."""
    record = one.record
    yield f"  reviewers said yes: {record.agreed}{_beside(record)}"
    yield f"  turned out right: {record.turned_out}"
    yield f"  incidents, {record.ran_days:g} days: {record.went_wrong}"
    for entry in one.calibrations:
        yield from _calibration(entry)


def _beside(record: Record) -> str:
    kinds = {"edited": record.edited, "rejected": record.rejected, "taken over": record.taken_over}
    kinds |= {"stamped, left out": record.stamped, "by policy alone": record.alone}
    return "".join(f", {count} {kind}" for kind, count in kinds.items() if count)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _calibration(one: Calibration) -> Iterator[str]:
    basis = "drawn at random" if one.random else "chosen by people"
    for entry in one.curves:
        whole, word = entry.whole, "said" if entry.kind == "said" else "evidence"
        yield (
            f"  {one.agent}, {word} {whole.confidence:.2f}: right {whole.accuracy:.2f} "
            f"({whole.right.low:.2f} to {whole.right.high:.2f}) of {whole.samples} {basis}"
        )
    if one.threshold:
        yield f"  {one.agent}, {one.threshold}"


def _habits(record: Record) -> Iterator[str]:
    """How its reviewers decide, beside any suggestion that rests on their yes."""
    yield from map(_habit, record.reviewers)


def _habit(one: Stamping) -> str:
    mark = "RUBBER-STAMPING? " if one.rubber else ""
    rejected = f"{one.rejected} rejected" if one.rejected else "never a rejection"
    fast = f"{one.fast} of {one.yes} yes within {FAST_SECONDS:.0f} s of looking"
    return f"  {mark}a reviewer: {one.decided} decided, {rejected}, median look {one.median_seconds:.0f} s, {fast}"


PAGE_LINES = 38  # of a terminal: with what leads to the next page, 40


def as_text(told: Iterable[Paragraph], page: int) -> str:
    """For a terminal, page by page, from 1; the last one where there are fewer."""
    pages: list[list[str]] = [[]]
    used = 0
    for text in map(_text, told):
        size = text.count("\n") + 2
        if pages[-1] and used + size > PAGE_LINES:
            pages.append([])
            used = 0
        pages[-1].append(text)
        used += size
    at = min(max(1, page), len(pages))
    more = [f"… page {at} of {len(pages)}: --page {at + 1} goes on"] if at < len(pages) else []
    return "\n\n".join([*pages[at - 1], *more])


def _text(one: Paragraph) -> str:
    return "\n".join(filter(None, ["\n".join(one.lines), one.diff.rstrip()]))
