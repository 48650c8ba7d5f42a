"""What a record suggests, and that it only ever suggests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from policy_builders import manifest

from policies.files.manifest import load_manifest
from policies.files.manifest_edit import with_entry, with_item, with_key
from policies.learning.calibration import Case, OwnWord, Point, Threshold, buckets, calibrations, threshold
from policies.learning.stamping import Stamping
from policies.learning.tuning import (
    GATE,
    LESS,
    MORE,
    NO_EVIDENCE,
    OVERCONFIDENT,
    PRAISES_ITSELF,
    STAYS,
    Record,
    Suggestion,
    tuned,
)

GOOD = Record("pay", unmodified=150, ran=150)


def suggested(record: Record, watched: bool = True, **changes: Any) -> Suggestion | None:
    """What follows from `record` under a manifest with `changes`."""
    return tuned(manifest(**changes), {"pay": record}, watched=watched)[0].suggestion


def kind(record: Record, **changes: Any) -> str | None:
    """The kind of it."""
    found = suggested(record, **changes)
    return found and found.kind


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (replace(GOOD, unmodified=148, rejected=2), LESS),
        (replace(GOOD, unmodified=147, rejected=3), None),
        (replace(GOOD, unmodified=147, edited=3), None),
        (replace(GOOD, unmodified=147, taken_over=3), None),
        (GOOD, GATE),
        (replace(GOOD, unmodified=999, taken_over=1), GATE),
        (replace(GOOD, unmodified=999, rejected=1), LESS),
        (replace(GOOD, incidents=1), None),
        (replace(GOOD, incidents=5), MORE),
        (Record("pay", alone=40, ran=40, incidents=1), None),
        (Record("pay", alone=40, ran=40, incidents=4), MORE),
        (Record("pay", alone=40, ran=40), None),
        (replace(GOOD, unmodified=10_000, ran=10_000, incidents=1), GATE),
        (replace(GOOD, labelled=100, correct=85), None),
        (replace(GOOD, labelled=100, correct=96), GATE),
    ],
)
def test_only_what_chance_does_not_explain_is_suggested(record: Record, expected: str | None) -> None:
    """Less where agreement surely lies above 95 %, more where incidents surely lie above 1 %, and one change at most (docs/rules.md: F3, F5)."""
    assert kind(record, severity="low") == expected


@pytest.mark.parametrize("straight", [1, 8, 20, 71])
def test_a_short_run_of_yes_suggests_nothing(straight: int) -> None:
    """So few are what an action at the bar shows too."""
    assert kind(Record("pay", unmodified=straight, ran=straight)) is None


def test_the_more_is_asked_the_more_each_answer_has_to_show() -> None:
    """Two noes in 150 are few enough for one action, and not for one of ten where the others show nothing."""
    names = [f"pay_{number}" for number in range(10)]
    base = {"title": "T", "describe": "D", "severity": "low", "reversible": True}
    book = load_manifest(json.dumps({"version": 1, "actions": dict.fromkeys(names, base)}))
    good = replace(GOOD, action="pay_0", unmodified=148, rejected=2)
    others = [replace(GOOD, action=name, unmodified=142, rejected=8) for name in names[1:]]
    for records, expected in (([good], LESS), ([good, *others], None)):
        found = tuned(book, {record.action: record for record in records}, watched=True)
        assert next(one.suggestion and one.suggestion.kind for one in found if one.record.action == "pay_0") == expected


def test_where_stamps_dominate_there_is_no_evidence() -> None:
    """A yes that nobody looked at counts nowhere; where most are such, that is said instead of a suggestion."""
    stamper = Stamping("U0BOB", 80, 0, 1.0, 80, 79, ended=80, ended_unmodified=80)
    careful = Stamping("U0ALICE", 70, 0, 40.0, 70, 2, ended=70, ended_unmodified=70)
    assert kind(replace(GOOD, reviewers=(stamper, careful))) == NO_EVIDENCE
    few = replace(stamper, decided=20, yes=20, fast=20, ended=20, ended_unmodified=20)
    record = replace(GOOD, reviewers=(few, replace(careful, ended=130, ended_unmodified=130)))
    assert (record.agreed.hits, record.agreed.n, kind(record)) == (130, 130, GATE)
    assert "(20 by rubber stamps left out)" in (found.why if (found := suggested(record)) else "")


def test_only_what_can_run_alone_is_stopped() -> None:
    """Above low severity nothing runs on the agent's own word, unless an owner answers for trusting it; of what is grave any incident counts."""
    bad = replace(GOOD, incidents=5)
    assert kind(bad) is None
    assert kind(bad, thresholds={"trust_evidence": True}, owner="me") == MORE
    once = replace(GOOD, incidents=1)
    below = {"conditions": {"auto_approve_below_usd": 50}}
    assert kind(once, **below) is None
    assert kind(once, reversible=False, **below) == MORE
    assert kind(once, severity="high", **below) == MORE


def test_what_cannot_be_undone_stays_asked() -> None:
    """No record lifts an irreversible or regulated action out of review."""
    for changes in ({"reversible": False}, {"tags": ["pii"]}):
        found = suggested(GOOD, **changes)
        assert found is not None
        assert (found.kind, found.diff) == (STAYS, "")
    assert kind(GOOD, approval_required=False) is None


PROVEN = replace(GOOD, labelled=600, correct=595, reverted=2)
READY: dict[str, Any] = {
    "owner": "Head of finance",
    "undo_window_seconds": 60,
    "aggregate": {"window_seconds": 60, "ask_above_usd": 5},
}


def test_the_checklist_is_filled_in_and_holds_the_change_back() -> None:
    """Each line is met or named as missing, and there is no diff before all of them are (docs/rules.md: F6)."""
    poor = suggested(GOOD, watched=False)
    assert poor is not None
    assert [check.met for check in poor.checklist] == [False] * 5
    assert (poor.unmet, poor.diff) == (5, "")
    full = suggested(PROVEN, **READY)
    assert full is not None
    assert [check.met for check in full.checklist] == [True] * 5
    assert "600 of 500" in full.checklist[0].text
    assert "99.2% of 600 labelled, surely 98.3%" in full.checklist[1].text
    assert "+    approval_required: false" in full.diff
    for key in READY:
        short = suggested(PROVEN, **{**READY, key: None})
        assert short is not None
        assert (short.unmet, short.diff) == (1, ""), key
    lucky = suggested(replace(PROVEN, labelled=500, correct=480), **READY)
    assert lucky is not None
    assert [check.met for check in lucky.checklist] == [True, False, True, True, True], "96 % of 500 may well be 94.4 %"


TEXT = """version: 1
# keep me
actions:
  first: {title: A, describe: a, severity: low, reversible: true}  # flow
  pay:
    # why it is so
    title: Pay   # a word
    describe: "Pay"
    severity: low
    reversible: true
    owner: me
    undo_window_seconds: 60
    quota: {per_day: 500}
    rules:
      - {when: "amount > 5.0", then: ask, reason: mine}
    thresholds: {auto_approve_confidence: 0.8}
"""


def test_a_suggestion_is_a_patch_of_the_manifest(tmp_path: Path) -> None:
    """Each diff applies to the file, changes what it says and nothing else, and the file still loads."""
    path = tmp_path / "actions.yml"
    sure, unsure = ((0.85, False),) * 25 + ((0.95, True),) * 100, ((0.85, False),) * 40
    records = {
        GATE: replace(PROVEN, action="pay"),
        MORE: Record("pay", ran=40, incidents=4),
        "raised": Record("pay", cases=tuple(cases("bot", sure))),
        "ruled": Record("pay", cases=tuple(cases("bot", unsure))),
        "ruled for one": Record("pay", cases=(*cases("bot", sure), *cases("other", ((0.9, True),) * 100))),
    }
    for name, record in records.items():
        path.write_text(TEXT)
        found = tuned(load_manifest(TEXT, path=str(path)), {record.action: record}, watched=True)[0].suggestion
        assert found is not None, name
        command = ["patch", "-p0", str(path)]
        subprocess.run(command, input=found.diff, text=True, check=True, cwd=tmp_path, capture_output=True)
        after = path.read_text()
        policy = load_manifest(after).policy(record.action)
        assert "# keep me" in after
        assert "# why it is so" in after
        kept = [rule.reason for rule in policy.rules][:1] == ["mine"]
        changed = {
            GATE: (policy.approval_required, policy.sample_review) == (False, 0.05),
            MORE: kept and policy.rules[-1].when == "true",
            "raised": policy.auto_approve_confidence == 0.86,
            "ruled": kept and policy.rules[-1].when == 'agent == "bot"',
            "ruled for one": kept
            and policy.rules[-1].when == 'agent == "bot" && (confidence == null || confidence < 0.86)',
        }
        assert changed[name], found.diff


def test_a_key_takes_the_place_of_an_older_one() -> None:
    """An existing key is written anew where it stands."""
    assert with_key(TEXT, "first", "severity", "high") == TEXT.replace("severity: low", "severity: high", 1)


def cases(agent: str, outcomes: Iterable[tuple[float, bool]], drawn: float | None = None) -> Iterator[Case]:
    """Outcomes of one agent whose word and evidence are the same."""
    return (Case(agent, right, stated, None, stated, drawn) for stated, right in outcomes)


def points(outcomes: Iterable[tuple[float, bool]]) -> list[Point]:
    """The same, unweighted."""
    return [Point(stated, right) for stated, right in outcomes]


LISTS = {
    "none, in a block": "    title: Pay   # a word",
    "a block": "    title: Pay\n    rules:\n      - when: amount > 5.0\n        then: ask\n        reason: mine   # so",
    "a block as high as its key": "    title: Pay\n    rules:\n    - {when: amount > 5.0, then: ask, reason: mine}   # so",
    "one line": "    title: Pay\n    rules: [{when: amount > 5.0, then: ask, reason: mine}]   # so",
    "an empty one": "    title: Pay\n    rules: []   # so",
    "one with a text over lines": "    title: Pay\n    rules:\n      - when: amount > 5.0\n        then: ask\n        reason: >\n          mine",
}


@pytest.mark.parametrize("style", LISTS)
@given(reason=st.text(min_size=1, max_size=300), agent=st.text(min_size=1, max_size=40))
def test_a_rule_more_changes_nothing_else(style: str, reason: str, agent: str) -> None:
    """However the list is written, the new rule says what it should to the character, every other line stays, and none grows long."""
    rest = "describe: Pay\n    severity: low\n    reversible: true\n    batch: false"
    text = f"version: 1\nactions:\n  pay:\n{LISTS[style]}\n    {rest}\n  mop: {{title: M, describe: m, severity: low, reversible: true}}\n"
    for action in ("pay", "mop"):
        item = {"when": f"agent == {json.dumps(agent)}", "then": "ask", "reason": reason}
        after = yaml.safe_load(with_item(text, action, "rules", item))
        before = yaml.safe_load(text)
        assert after["actions"][action].pop("rules") == [*before["actions"][action].pop("rules", []), item]
        assert after == before
        if action == "pay" and "[" not in LISTS[style]:
            assert set(text.splitlines()) <= set(with_item(text, action, "rules", item).splitlines())


def test_the_lines_of_a_diff_fit_a_phone() -> None:
    """No added line is longer than some sixty characters, however long the reason is."""
    reason = "4 incidents in 40 runs of 90 days, 10.0% (3.5% to 21.4%): asked until the cause is known " * 3
    written = with_item(TEXT, "first", "rules", {"when": "true", "then": "ask", "reason": reason.strip()})
    added = {line for line in written.splitlines() if line.strip() not in TEXT}  # what stood there is no longer for it
    assert max(map(len, added)) <= 60
    assert len(added) > 4


def test_calibration_shows_ten() -> None:
    """A bucket is shown from ten samples, with what was said, what was right and its interval (docs/rules.md: F4)."""
    outcomes = [(0.93, True)] * 15 + [(0.93, False)] * 5 + [(0.71, True)] * 10 + [(0.3, False)] * 9
    found = buckets(points(outcomes))
    assert [(one.low, one.samples, round(one.accuracy, 2)) for one in found] == [(0.7, 10, 1.0), (0.9, 20, 0.75)]
    assert found[1].error == pytest.approx(0.18)
    assert (found[1].right.low, found[1].right.high) == pytest.approx((0.5444, 0.8959), abs=1e-4)


@pytest.mark.parametrize(
    ("outcomes", "named"),
    [
        ([(0.93, True)] * 14 + [(0.93, False)] * 16, True),
        ([(0.93, True)] * 26 + [(0.93, False)] * 4, False),
        ([(0.93, True)] * 9 + [(0.93, False)] * 10, False),
        ([(0.9, True)] * 1600 + [(0.9, False)] * 400, False),
        ([(0.9, True)] * 1580 + [(0.9, False)] * 420, True),
        ([(0.65, True)] * 40, False),
    ],
)
def test_an_agent_is_named_by_more_than_a_tenth_and_more_than_chance(
    outcomes: list[tuple[float, bool]], named: bool
) -> None:
    """From twenty samples, where the error is above 0.10 and no chance; who is right more often than they say needs no more care."""
    record = Record("pay", cases=tuple(cases("bot", outcomes)))
    assert (kind(record) == OVERCONFIDENT) is named


def test_one_among_five_is_named() -> None:
    """Agents are judged one by one: four honest ones do not hide the fifth."""
    honest = [one for agent in "abcd" for one in cases(agent, [(0.9, True)] * 27 + [(0.9, False)] * 3)]
    found = suggested(Record("pay", cases=(*honest, *cases("sure", [(0.93, True)] * 16 + [(0.93, False)] * 14))))
    assert found is not None
    assert found.kind == OVERCONFIDENT
    assert found.why.startswith(
        "sure said 0.93 and was right 0.53 (0.37 to 0.69) of 30 cases that people chose to label"
    )


def test_word_and_evidence_are_two_curves() -> None:
    """An agent that is modest and whose evidence is not is told of by its evidence."""
    found = Record(
        "pay", cases=tuple(Case("bot", n % 2 == 0, said=0.5, evidence=1.0, effective=0.5) for n in range(40))
    )
    suggestion = suggested(found)
    assert suggestion is not None
    assert "bot showed evidence for 1.00 and was right 0.50" in suggestion.why


def test_a_random_sample_counts_alone_where_it_suffices() -> None:
    """What somebody chose to label says nothing about the rest; with fewer than twenty random ones both count, by their weights."""
    picked = list(cases("bot", [(0.9, True)] * 500))
    random = list(cases("bot", [(0.9, True)] * 10 + [(0.9, False)] * 10, drawn=0.05))
    (alone,) = calibrations([*picked, *random])
    assert (alone.random, alone.curves[0].whole.samples, alone.curves[0].whole.accuracy) == (True, 20, 0.5)
    (both,) = calibrations([*picked, *random[1:]])
    assert (both.random, both.curves[0].whole.samples) == (False, 519)
    assert both.curves[0].whole.accuracy == pytest.approx((500 + 9 * 20) / (500 + 19 * 20))
    uneven = [*cases("bot", [(0.9, True)] * 20, drawn=0.5), *cases("bot", [(0.9, False)] * 20, drawn=0.1)]
    (weighted,) = calibrations(uneven)
    assert weighted.curves[0].whole.accuracy == pytest.approx(20 * 2 / (20 * 2 + 20 * 10))
    assert weighted.curves[0].whole.right.n == pytest.approx(240**2 / (20 * 4 + 20 * 100))


def test_a_threshold_states_its_error() -> None:
    """The lowest from which at most 5 % are wrong at 90 % certainty; none is named from too few cases, or where even the surest are wrong."""
    good = points([(0.97, True)] * 170 + [(0.92, True)] * 160 + [(0.92, False)] * 10 + [(0.8, False)] * 50)
    found = threshold(good)
    assert found is not None
    assert str(found) == "with the threshold 0.81 at most 5% are wrong, at 90% certainty, from 340 cases"
    assert threshold(points([(0.97, True)] * 44)) is None
    assert threshold(points([(0.97, True)] * 45)) == Threshold(0.5, 45, 0)
    assert threshold(points([(0.97, True)] * 40 + [(0.97, False)] * 10 + [(0.6, True)] * 500)) is None


def test_an_agent_that_labels_only_its_successes_is_named() -> None:
    """Of what others judged, it labelled the right ones and left out the wrong ones; who labels whatever comes is not named."""
    picky = Record("pay", own_words=(OwnWord("bot", right=40, right_labelled=36, wrong=10, wrong_labelled=0),))
    found = suggested(picky)
    assert found is not None
    assert (found.kind, found.diff) == (PRAISES_ITSELF, "")
    assert "bot labelled 36 of 40 that were right, and 0 of 10 that were not" in found.why
    assert kind(Record("pay", own_words=(OwnWord("bot", 40, 36, 10, 8),))) is None
    assert kind(Record("pay", own_words=(OwnWord("bot", 40, 0, 10, 0),))) is None


@pytest.mark.parametrize(("confidence", "low"), [(0.0, 0.0), (0.3, 0.3), (0.7, 0.7), (0.7999, 0.7), (1.0, 0.9)])
def test_a_figure_on_the_edge_belongs_to_one_bucket(confidence: float, low: float) -> None:
    """0.3 belongs to the bucket from 0.3, and 1.0 to the last one."""
    assert [one.low for one in buckets(points([(confidence, True)] * 10))] == [low]


PATTERNS = {
    "block": """\
version: 1
actions:
  pay: {title: Pay, describe: Pay it, severity: low, reversible: true}
  # Everything of the forge.
  "mcp__forge__*":   # whatever it offers
    title: Forge
    describe: Do it
    severity: low
    reversible: true
    owner: Head of forging   # she answers
    autonomy:
      start: hard_approval   # the ratchet
  # What follows stays.
  mop:
    title: Mop
    describe: Mop it
    severity: low
    reversible: true
""",
    "flow": "version: 1\nactions: {mop: {title: M, describe: M, severity: low, reversible: true}, "
    "'mcp__forge__*': {title: F, describe: F, severity: low, reversible: true, autonomy: {}, owner: X}}\n",
}
READ, MANY = "mcp__forge__read", "mcp__forge__*"


def patched(diff: str, text: str, folder: Path) -> str:
    """What `patch` makes of a manifest."""
    path = folder / "actions.yml"
    path.write_text(text)
    subprocess.run(["patch", "-p0", str(path)], input=diff, text=True, check=True, capture_output=True)
    return path.read_text()


@pytest.mark.parametrize("style", PATTERNS)
def test_an_entry_of_ones_own_says_what_the_pattern_says(style: str) -> None:
    """However the file is written: the new entry holds for its name, says the same, and all else stays as it was."""
    before = PATTERNS[style]
    for name in (READ, "mcp__forge__1:/@~", "mcp__forge__no"):
        after = with_entry(before, MANY, name)
        old, new = yaml.safe_load(before)["actions"], yaml.safe_load(after)["actions"]
        assert {key: value for key, value in new.items() if key != name} == old
        assert new[name] == old[MANY]
        assert load_manifest(after).policy(name).action == name
        assert load_manifest(after).policy("mcp__forge__other").action == MANY


def test_less_oversight_under_a_pattern_is_for_what_was_seen_alone(tmp_path: Path) -> None:
    """A good record frees that action by an entry of its own, and says so; what the pattern stands for besides is asked as before."""
    text = PATTERNS["block"].replace("    autonomy:\n      start: hard_approval   # the ratchet\n", "")
    text = text.replace("    owner: Head", "    undo_window_seconds: 60\n    quota: {per_day: 5000}\n    owner: Head")
    book = load_manifest(text, path="actions.yml")
    good = Record(READ, unmodified=1000, ran=1000, labelled=1000, correct=1000, reverted=1)
    found = tuned(book, {READ: good, MANY: replace(good, action=MANY)}, watched=True)
    (one,) = [entry.suggestion for entry in found if entry.suggestion]
    assert (one.action, one.kind) == (READ, GATE)
    assert "mcp__forge__* stands for it so far, so the diff adds an entry of its own" in one.why
    after = load_manifest(patched(one.diff, text, tmp_path))
    assert not after.policy(READ).approval_required
    assert after.policy(MANY.replace("*", "write")).approval_required
    assert len(found) == 2, "what says nothing under a pattern is no line of the report"


def test_more_oversight_is_asked_once_a_pattern(tmp_path: Path) -> None:
    """Incidents spread over many names are summed up, and names without end drown no other action's answer."""
    text = PATTERNS["block"]
    book = load_manifest(text, path="actions.yml")
    spread = {name: Record(name, ran=6, incidents=1) for name in (f"mcp__forge__t{number}" for number in range(8))}
    found = tuned(book, spread | {MANY: Record(MANY, ran=48, incidents=8)}, watched=True)
    (one,) = [entry.suggestion for entry in found if entry.suggestion]
    assert (one.action, one.kind) == (MANY, MORE)
    rules = load_manifest(patched(one.diff, text, tmp_path)).policy("mcp__forge__t1").rules
    assert [rule.then for rule in rules] == ["ask"]
    flood = {name: Record(name, ran=1) for name in (f"mcp__forge__f{number}" for number in range(3000))}
    bad = Record("pay", alone=40, ran=40, incidents=4)
    found = tuned(book, flood | {MANY: Record(MANY, ran=3000), "pay": bad}, watched=True)
    assert [(entry.record.action, entry.suggestion.kind) for entry in found if entry.suggestion] == [("pay", MORE)]
    assert len(found) == 2
