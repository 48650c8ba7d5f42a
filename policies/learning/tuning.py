"""What the record suggests about each action's oversight. It suggests and never applies (F3 to F6)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from policies.files.manifest import REGULATED_TAGS, Manifest
from policies.files.manifest_edit import difference, with_key
from policies.files.policy import Policy, Severity
from policies.learning import calibration
from policies.learning.calibration import Bucket

LOOK_BACK = timedelta(days=14)
GOOD_RATE, REMOVABLE_RATE = 0.95, 0.99  # F3, F5
LABELS_NEEDED = 500  # F6
FAST_SECONDS = 5.0
STAMP_FROM = 5  # decisions before a habit shows
SAMPLED = 0.05


@dataclass(frozen=True, slots=True)
class Stamping:
    """How one reviewer decided an action: how many, how many no, median seconds, and the share within FAST_SECONDS."""

    user: str
    decided: int
    rejected: int
    median_seconds: float
    fast: float

    @property
    def rubber(self) -> bool:
        """Whether this looks like rubber-stamping: always yes, and mostly at once."""
        return self.decided >= STAMP_FROM and not self.rejected and self.fast > 0.5


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one action: the decisions of the last 14 days, and the labels of all time.

    `labelled` and what follows count what people and tokens of the scope `label` said; `doubted` is what only the agent
    itself called wrong. `outcomes` are those of the last 30 days as (effective confidence, whether it was right).
    """

    action: str
    unmodified: int = 0
    edited: int = 0
    rejected: int = 0
    taken_over: int = 0
    alone: int = 0
    incidents: int = 0
    labelled: int = 0
    doubted: int = 0
    correct: int = 0
    reverted: int = 0
    outcomes: tuple[tuple[float, bool], ...] = ()
    reviewers: tuple[Stamping, ...] = ()

    @property
    def decided(self) -> int:
        """How many a person decided."""
        return self.unmodified + self.edited + self.rejected + self.taken_over

    @property
    def approval_rate(self) -> float | None:
        """The share of yes; None where nothing was decided."""
        return (self.unmodified + self.edited) / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist for less oversight (docs/rules.md: F6)."""

    met: bool
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change to consider: `diff` is the manifest's, and empty where there is nothing to write."""

    action: str
    kind: str
    why: str
    diff: str = ""
    checklist: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Tuned:
    """One action's record, its calibration, and what follows from both."""

    record: Record
    buckets: tuple[Bucket, ...]
    suggestions: tuple[Suggestion, ...]


def tuned(manifest: Manifest, records: Mapping[str, Record], *, watched: bool) -> list[Tuned]:
    """Every action of the manifest that something is known of. `watched` says whether operations have a channel."""
    known = [records[action] for action in manifest.actions if action in records]
    return [_tuned(manifest, record, watched) for record in known]


def _tuned(manifest: Manifest, record: Record, watched: bool) -> Tuned:
    policy = manifest.policy(record.action)
    found = tuple(calibration.buckets(record.outcomes))
    said = [*_less(manifest, policy, record, watched), *_more(manifest, policy, record)]
    return Tuned(record, found, (*said, *_surer(manifest, policy, found)))


def _less(manifest: Manifest, policy: Policy, record: Record, watched: bool) -> Iterable[Suggestion]:
    rate = record.approval_rate
    if rate is None or rate <= GOOD_RATE or record.incidents or not policy.approval_required:
        return
    why = f"{rate:.1%} of {record.decided} decisions in 14 days were yes, and there was no incident"
    floor = floor_of(policy)
    if floor:
        yield Suggestion(record.action, "stays ask", f"{why}; but it is {floor}, which no record lifts out of review")
        return
    checks = tuple(checklist(policy, record, watched))
    yield Suggestion(record.action, "ask→auto", why, _written(manifest, policy, "approval_required", "false"), checks)
    if rate >= REMOVABLE_RATE and not record.rejected:
        whole = record.unmodified / record.decided
        why = f"{rate:.1%} yes, {whole:.1%} unmodified, no recent rejection: this gate costs time and stops nothing"
        change = _written(manifest, policy, "sample_review", str(SAMPLED))
        yield Suggestion(record.action, "gate to remove or to sample", why, change, checks)


def _more(manifest: Manifest, policy: Policy, record: Record) -> Iterable[Suggestion]:
    if not record.incidents:
        return
    why = f"{record.incidents} incident{'s' * (record.incidents > 1)} in 14 days"
    if not may_run_alone(policy):
        yield Suggestion(record.action, "stays ask", f"{why}; every request is asked already")
        return
    own = manifest.file.actions[policy.action].rules
    rules = [rule.model_dump(mode="json") for rule in own]
    rules.append({"when": "true", "then": "ask", "reason": f"{why}: asked until the cause is known"})
    yield Suggestion(record.action, "auto→ask", why, _written(manifest, policy, "rules", json.dumps(rules)))


def _surer(manifest: Manifest, policy: Policy, found: Iterable[Bucket]) -> Iterable[Suggestion]:
    present = policy.auto_approve_confidence
    higher = calibration.higher_threshold(found, present)
    if higher is None:
        return
    worst = max((one for one in found if one.high <= higher), key=lambda one: one.error)
    why = (
        f"at confidence {worst.low:.1f} to {worst.high:.1f} it was right {worst.accuracy:.0%} of {worst.samples} times, "
        f"{worst.error:.2f} less than it said"
    )
    wanted = manifest.file.actions[policy.action].thresholds.model_dump(exclude_unset=True)
    change = _written(manifest, policy, "thresholds", json.dumps(wanted | {"auto_approve_confidence": higher}))
    yield Suggestion(policy.action, f"auto_approve_confidence {present:.2f}→{higher:.2f}", why, change)


def checklist(policy: Policy, record: Record, watched: bool) -> Iterable[Check]:
    """What less oversight needs (docs/rules.md: F6), filled in."""
    bar = policy.auto_approve_confidence
    accuracy = record.correct / (record.labelled + record.doubted) if record.labelled else 0.0
    yield Check(record.labelled >= LABELS_NEEDED, f"{record.labelled} of {LABELS_NEEDED} labelled outcomes")
    yield Check(
        record.labelled > 0 and accuracy > bar,
        f"accuracy {accuracy:.1%} of the labelled, must be above {bar:.0%}" if record.labelled else "accuracy unknown",
    )
    tried = f"{record.reverted} reverted so far" if record.reverted else "never tried"
    window = f"undo window {policy.undo_window_seconds} s" if policy.undo_window_seconds else "no undo window"
    yield Check(bool(record.reverted and policy.undo_window_seconds), f"tested rollback: {window}, {tried}")
    limits = policy.aggregate is not None or policy.quota is not None
    told = "operations have a channel" if watched else "operations have no channel"
    bound = "sums or a quota are limited" if limits else "neither sums nor a quota are limited"
    yield Check(watched and limits, f"anomaly alert: {told}, {bound}")
    yield Check(policy.owner is not None, f"owner: {policy.owner or 'none is named'}")


def floor_of(policy: Policy) -> str | None:
    """Why no record makes this action run alone (docs/rules.md: A3, A10); None where one could."""
    if policy.irreversible:
        return "irreversible"
    tags = sorted(REGULATED_TAGS.intersection(policy.tags))
    return f"tagged {', '.join(tags)}" if tags else None


def may_run_alone(policy: Policy) -> bool:
    """Whether some request of this action could run by policy alone."""
    if any(rule.when.strip() == "true" and rule.then != "notify" for rule in policy.rules):
        return False
    free = not policy.approval_required or policy.conditions.auto_approve_below_usd is not None
    confident = policy.severity is Severity.LOW or policy.trusted_by is not None
    return free or (confident and floor_of(policy) is None)


def _written(manifest: Manifest, policy: Policy, key: str, value: str) -> str:
    before = manifest.document.text
    return difference(before, with_key(before, policy.action, key, value), manifest.name)
