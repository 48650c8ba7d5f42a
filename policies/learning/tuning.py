"""What the record suggests about each action's oversight. It suggests and never applies (F3 to F6)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from policies.action_names import is_pattern
from policies.files.manifest import REGULATED_TAGS, Manifest
from policies.files.manifest_edit import difference, with_entry, with_item, with_key
from policies.files.policy import Policy, Severity
from policies.learning import chance, families
from policies.learning.calibration import WORST_ERROR, Bucket, Calibration, Case, OwnWord, calibrations
from policies.learning.chance import Measured, measured
from policies.learning.stamping import MOSTLY, Stamping

LOOK_BACK, INCIDENTS_LOOK_BACK = timedelta(days=14), timedelta(days=90)
GOOD_RATE, REMOVABLE_RATE = 0.95, 0.99  # F3, F5
TOLERATED = 0.01  # the share of incidents up to which an action stays as it is; of a grave one, any is too many
LABELS_NEEDED = 500  # F6
SAMPLED = 0.05
_MOST_REASON = 300  # what a rule of the manifest holds
# How often a whole report may hold any wrong suggestion, where nothing is to be suggested: 5 % in all.
ANY_WRONG_LESS, ANY_WRONG_MORE, ANY_WRONG_CONFIDENCE = 0.025, 0.02, 0.005
# The kinds of suggestions, the most pressing first.
MORE, OVERCONFIDENT, PRAISES_ITSELF = "auto→ask", "over-confident agent", "labels only its successes"
LESS, GATE, NO_EVIDENCE, STAYS = "ask→auto", "gate to remove or to sample", "no evidence", "stays ask"
_RANKS = (MORE, OVERCONFIDENT, PRAISES_ITSELF, GATE, LESS, NO_EVIDENCE, STAYS)


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one action: the decisions of the last 14 days, what ran in the last 90 days, and the labels.

    `labelled` and what follows count what people and tokens of the scope `label` said; `doubted` is what only the agent
    itself called wrong. `ran` counts what was executed in `ran_days`, `incidents` what went wrong in them: 90 days, or fewer
    where there is very much. `cases` are those of the last 30 days.
    """

    action: str
    unmodified: int = 0
    edited: int = 0
    rejected: int = 0
    taken_over: int = 0
    alone: int = 0
    ran: int = 0
    ran_days: float = INCIDENTS_LOOK_BACK.days
    incidents: int = 0
    labelled: int = 0
    doubted: int = 0
    correct: int = 0
    reverted: int = 0
    cases: tuple[Case, ...] = ()
    own_words: tuple[OwnWord, ...] = ()
    reviewers: tuple[Stamping, ...] = ()

    @property
    def decided(self) -> int:
        """How many a person decided."""
        return self.unmodified + self.edited + self.rejected + self.taken_over

    @property
    def approval_rate(self) -> float | None:
        """The share of yes; None where nothing was decided."""
        return (self.unmodified + self.edited) / self.decided if self.decided else None

    @property
    def stamped(self) -> int:
        """How many of them were decided by somebody who hardly looks."""
        return sum(one.ended for one in self.reviewers if one.rubber)

    @property
    def agreed(self) -> Measured:
        """What reviewers said: the yeses as asked, of what was decided by somebody who looks."""
        blind = sum(one.ended_unmodified for one in self.reviewers if one.rubber)
        return measured(max(0, self.unmodified - blind), max(0, self.decided - self.stamped))

    @property
    def turned_out(self) -> Measured:
        """What turned out: the labels `correct`, of what anybody but the agent labelled, and of what it called wrong itself."""
        return measured(self.correct, self.labelled + self.doubted)

    @property
    def went_wrong(self) -> Measured:
        """The incidents of what ran in 90 days. What was never reported as run, and was an incident all the same, ran."""
        return measured(self.incidents, max(self.ran, self.incidents))


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist for less oversight (docs/rules.md: F6)."""

    met: bool
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change to consider: `diff` is the manifest's, and empty where there is nothing to write or the checklist is not met."""

    action: str
    kind: str
    why: str
    diff: str = ""
    checklist: tuple[Check, ...] = ()

    @property
    def rank(self) -> int:
        """The lower, the more pressing."""
        return _RANKS.index(self.kind)

    @property
    def unmet(self) -> int:
        """How many lines of the checklist hold the change back."""
        return sum(not check.met for check in self.checklist)


@dataclass(frozen=True, slots=True)
class Tuned:
    """One action's record, its agents' calibration, and the one suggestion that follows; None where nothing does."""

    record: Record
    calibrations: tuple[Calibration, ...]
    suggestion: Suggestion | None


def tuned(manifest: Manifest, records: Mapping[str, Record], *, watched: bool) -> list[Tuned]:
    """Every action of the manifest that something is known of, the most pressing first.

    `watched` says whether operations have a channel. All of a report's questions are answered together, so that the more
    actions there are, the more each has to show.
    """
    known, own = [*_by_entry(manifest, records)], frozenset(manifest.actions)
    entries = [record for record in known if record.action in own]
    agents = {record.action: tuple(calibrations(record.cases)) for record in entries}
    less = families.standing(dict(_good_by_chance(manifest, known)), ANY_WRONG_LESS)
    more = families.standing(dict(_bad_by_chance(manifest, known)), ANY_WRONG_MORE)
    confidence = families.standing(dict(_right_by_chance(entries, agents)), ANY_WRONG_CONFIDENCE)
    found = []
    for record in known:
        case = _Case(manifest, manifest.entry(record.action), record, watched)
        said = [
            *_more(case, shown=record.action in more),
            *_surer(case, agents.get(record.action, ()), confidence),
            *_less(case, shown=record.action in less),
        ]
        best = min(said, key=lambda one: one.rank, default=None)
        if best or not case.pattern:
            found.append(Tuned(record, agents.get(record.action, ()), best))
    return sorted(found, key=_pressing)


def _by_entry(manifest: Manifest, records: Mapping[str, Record]) -> Iterator[Record]:
    """The records of all entries, in the file's order, and behind a pattern those of the actions that it stands for.

    More oversight and confidence are asked once an entry, so that no flood of names makes every answer harder to find; less
    oversight is asked of each action by itself: what nobody saw yet is never let run by what its siblings did.
    """
    under: dict[str, list[Record]] = {}
    own = frozenset(manifest.actions)
    for name in sorted(records):
        if name not in own and manifest.policy(name).known:
            under.setdefault(manifest.policy(name).action, []).append(records[name])
    for entry in manifest.actions:
        if entry in records:
            yield records[entry]
        yield from under.get(entry, ())


def _pressing(one: Tuned) -> tuple[int, float]:
    return (one.suggestion.rank, -one.record.decided) if one.suggestion else (len(_RANKS), -one.record.decided)


def _good_by_chance(manifest: Manifest, known: Iterable[Record]) -> Iterator[tuple[str, float]]:
    """How likely an action that is no better than the bar looks so good; only of those with enough decisions to show anything."""
    for record in known:
        agreed = record.agreed
        if is_pattern(record.action):
            continue
        if manifest.entry(record.action).approval_required and GOOD_RATE**agreed.n <= ANY_WRONG_LESS:
            yield record.action, chance.at_least(agreed.hits, agreed.n, GOOD_RATE)


def _bad_by_chance(manifest: Manifest, known: Iterable[Record]) -> Iterator[tuple[str, float]]:
    """How likely an action that is no worse than tolerated has so many incidents; only of those that may run alone."""
    for record in known:
        policy, wrong = manifest.entry(record.action), record.went_wrong
        if policy.action == record.action and wrong.n and may_run_alone(policy):
            yield record.action, chance.at_least(wrong.hits, wrong.n, _tolerated(policy))


def _tolerated(policy: Policy) -> float:
    return 0.0 if policy.grave else TOLERATED


_Asked = tuple[str, str, str, float, float]


def _right_by_chance(
    known: Iterable[Record], agents: Mapping[str, Sequence[Calibration]]
) -> Iterator[tuple[_Asked, float]]:
    """How likely an agent that means what it says is right so seldom, and one that labels whatever comes labels so few of the wrong."""
    for record in known:
        for one in agents[record.action]:
            for curve in one.curves:
                for bucket in curve.judged:
                    yield _asked(record, one.agent, curve.kind, bucket), bucket.by_chance
        for word in record.own_words:
            if word.least_by_chance <= ANY_WRONG_CONFIDENCE:
                yield _asked(record, word.agent, "own"), word.by_chance


def _asked(record: Record, agent: str, kind: str, bucket: Bucket | None = None) -> _Asked:
    return (record.action, agent, kind, bucket.low if bucket else 0.0, bucket.high if bucket else 1.0)


@dataclass(frozen=True, slots=True)
class _Case:
    """What one action's suggestions are made from."""

    manifest: Manifest
    policy: Policy
    record: Record
    watched: bool

    def suggestion(self, kind: str, why: str, diff: str = "", checklist: Iterable[Check] = ()) -> Suggestion:
        return Suggestion(self.record.action, kind, why, diff, tuple(checklist))

    @property
    def pattern(self) -> str | None:
        """The entry that stands for this action among others; None where it has one of its own, or is that entry."""
        return None if self.policy.action == self.record.action else self.policy.action

    def changed(self, **keys: str) -> str:
        """The diff that writes these keys, each as YAML on one line; what a pattern stands for gets an entry of its own first."""
        before = text = self.manifest.document.text
        if self.pattern:
            text = with_entry(text, self.pattern, self.record.action)
        for key, value in keys.items():
            text = with_key(text, self.record.action, key, value)
        return difference(before, text, self.manifest.name)

    def with_rule(self, when: str, reason: str) -> str:
        before = self.manifest.document.text
        rule = {"when": when, "then": "ask", "reason": reason[:_MOST_REASON]}
        return difference(before, with_item(before, self.policy.action, "rules", rule), self.manifest.name)


def _less(case: _Case, *, shown: bool) -> Iterator[Suggestion]:
    record, policy = case.record, case.policy
    if not policy.approval_required or not record.decided:
        return
    if record.stamped > MOSTLY * record.decided:
        if record.unmodified > GOOD_RATE * record.decided and case.pattern is None:
            why = f"{record.stamped} of {record.decided} decisions look like rubber stamps: a yes that nobody looked at says nothing"
            yield case.suggestion(NO_EVIDENCE, why)
        return
    # A pattern stands for what nobody saw yet, too: its actions are suggested one by one.
    if not shown or _contradicted(policy, record):
        return
    agreed, looked = record.agreed, f" ({record.stamped} by rubber stamps left out)" if record.stamped else ""
    why = (
        f"{agreed.rate:.1%} of {agreed.n:.0f} decisions in {LOOK_BACK.days} days were yes as asked{looked}, at least "
        f"{agreed.low:.1%} at {chance.ONE_SIDED:.0%} certainty; {_incidents(record)}"
    )
    floor = floor_of(policy)
    if floor:
        yield case.suggestion(STAYS, f"{why}; but it is {floor}, which no record lifts out of review")
        return
    gate = agreed.hits >= REMOVABLE_RATE * agreed.n and not record.rejected
    why = f"{why}{apart(case.pattern)}"
    checks = tuple(checklist(policy, record, case.watched))
    keys = {"approval_required": "false"} | ({} if policy.sample_review else {"sample_review": str(SAMPLED)})
    diff = case.changed(**keys) if all(check.met for check in checks) else ""
    why = f"{why}: this gate costs time and stops next to nothing" if gate else why
    yield case.suggestion(GATE if gate else LESS, why, diff, checks)


def apart(pattern: str | None) -> str:
    """What it means that an action gets an entry of its own."""
    if pattern is None:
        return ""
    told = "sums, quotas, first uses and lost levels of it count apart from then on"
    return f"; {pattern} stands for it so far, so the diff adds an entry of its own beside that: {told}"


def _contradicted(policy: Policy, record: Record) -> bool:
    """Whether what turned out speaks against what reviewers said: approval is not truth."""
    wrong, turned_out = record.went_wrong, record.turned_out
    return bool(wrong.hits and wrong.high > _tolerated(policy)) or bool(turned_out.n and turned_out.high < GOOD_RATE)


def _incidents(record: Record) -> str:
    wrong, days = record.went_wrong, f"{record.ran_days:g} days"
    if not wrong.n:
        return f"nothing is known to have run in {days}"
    if not wrong.hits:
        return f"no incident in {wrong.n:.0f} runs of {days} (at most {wrong.high:.1%})"
    counted = f"{wrong.hits:.0f} incident{'s' * (wrong.hits > 1)} in {wrong.n:.0f} runs of {days}"
    return f"{counted}, {wrong.rate:.1%} ({wrong.low:.1%} to {wrong.high:.1%})"


def _more(case: _Case, *, shown: bool) -> Iterator[Suggestion]:
    if not shown:
        return
    counted, most = _incidents(case.record), _tolerated(case.policy)
    why = f"{counted}; " + (
        f"surely more than the {most:.0%} that is let pass" if most else "an action as grave as this may have none"
    )
    yield case.suggestion(MORE, why, case.with_rule("true", f"{counted}: asked until the cause is known"))


def _surer(case: _Case, agents: Sequence[Calibration], shown: set[_Asked]) -> Iterator[Suggestion]:
    for one in agents:
        found = [
            (curve.kind, bucket)
            for curve in one.curves
            for bucket in curve.judged
            if bucket.error > WORST_ERROR and _asked(case.record, one.agent, curve.kind, bucket) in shown
        ]
        if found:
            yield _overconfident(case, one, *max(found, key=lambda entry: entry[1].error), alone=len(agents) == 1)
    for word in case.record.own_words:
        if _asked(case.record, word.agent, "own") in shown:
            yield case.suggestion(PRAISES_ITSELF, f"{word}: its own word counts nowhere, and says less than it seems")


def _overconfident(case: _Case, one: Calibration, kind: str, worst: Bucket, *, alone: bool) -> Suggestion:
    said = "said" if kind == "said" else "showed evidence for"
    basis = "drawn at random" if one.random else "that people chose to label"
    why = (
        f"{one.agent} {said} {worst.confidence:.2f} and was right {worst.accuracy:.2f} "
        f"({worst.right.low:.2f} to {worst.right.high:.2f}) of {worst.samples} cases {basis}"
    )
    told = str(one.threshold) if one.threshold else "no threshold can be shown to keep that to 5 %"
    return case.suggestion(OVERCONFIDENT, f"{why}; {told}", _surer_diff(case, one, why, alone=alone))


def _surer_diff(case: _Case, one: Calibration, why: str, *, alone: bool) -> str:
    """A higher threshold where it is the action's only agent, else a rule for this one; nothing where all of it is asked already."""
    policy = case.policy
    if not may_run_alone(policy):
        return ""
    higher = one.threshold.at if one.threshold and one.threshold.at > policy.auto_approve_confidence else None
    if alone and higher:
        wanted = case.manifest.file.actions[policy.action].thresholds.model_dump(exclude_unset=True)
        return case.changed(thresholds=json.dumps(wanted | {"auto_approve_confidence": higher}))
    if one.threshold and not higher:
        return ""
    named = f"agent == {json.dumps(one.agent)}"
    return case.with_rule(f"{named} && (confidence == null || confidence < {higher})" if higher else named, why)


def checklist(policy: Policy, record: Record, watched: bool) -> Iterator[Check]:
    """What less oversight needs (docs/rules.md: F6), filled in."""
    bar, right = policy.auto_approve_confidence, record.turned_out
    yield Check(record.labelled >= LABELS_NEEDED, f"{record.labelled} of {LABELS_NEEDED} labelled outcomes")
    proven = record.labelled > 0 and right.low > bar
    told = (
        f"right {right.rate:.1%} of {right.n:.0f} labelled, surely {right.low:.1%}" if right.n else "accuracy unknown"
    )
    yield Check(proven, f"{told}, must be above {bar:.0%}" if right.n else told)
    tried = f"{record.reverted} reverted so far" if record.reverted else "never tried"
    window = f"undo window {policy.undo_window_seconds} s" if policy.undo_window_seconds else "no undo window"
    yield Check(bool(record.reverted and policy.undo_window_seconds), f"tested rollback: {window}, {tried}")
    limits = policy.aggregate is not None or policy.quota is not None
    channel = "operations have a channel" if watched else "operations have no channel"
    bound = "sums or a quota are limited" if limits else "neither sums nor a quota are limited"
    yield Check(watched and limits, f"anomaly alert: {channel}, {bound}")
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
