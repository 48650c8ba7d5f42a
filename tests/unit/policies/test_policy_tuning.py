"""What a record suggests, and that it only ever suggests."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from policy_builders import manifest

from policies.files.manifest import load_manifest
from policies.files.manifest_edit import with_key
from policies.learning.calibration import buckets, higher_threshold
from policies.learning.tuning import Record, Stamping, Suggestion, tuned

GOOD = Record("pay", unmodified=100)


def suggested(record: Record, watched: bool = True, **changes: Any) -> list[Suggestion]:
    """What follows from `record` under a manifest with `changes`."""
    return list(tuned(manifest(**changes), {"pay": record}, watched=watched)[0].suggestions)


def kinds(record: Record, **changes: Any) -> list[str]:
    """The kinds of it."""
    return [one.kind for one in suggested(record, **changes)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (replace(GOOD, unmodified=96, rejected=4), ["ask→auto"]),
        (replace(GOOD, unmodified=95, rejected=5), []),
        (replace(GOOD, unmodified=90, edited=6, taken_over=4), ["ask→auto"]),
        (GOOD, ["ask→auto", "gate to remove or to sample"]),
        (replace(GOOD, unmodified=999, taken_over=1), ["ask→auto", "gate to remove or to sample"]),
        (replace(GOOD, unmodified=999, rejected=1), ["ask→auto"]),
        (replace(GOOD, incidents=1), ["auto→ask"]),
        (Record("pay", alone=40, incidents=2), ["auto→ask"]),
        (Record("pay", alone=40), []),
    ],
)
def test_approval_rate_and_incidents_decide(record: Record, expected: list[str]) -> None:
    """More than 95 % yes without an incident suggests less, any incident suggests more, and nothing else speaks (docs/rules.md: F3, F5)."""
    assert kinds(record, severity="low") == expected


def test_only_what_can_run_alone_is_stopped() -> None:
    """Above low severity nothing runs on the agent's own word, unless an owner answers for trusting it."""
    bad = replace(GOOD, incidents=1)
    assert kinds(bad) == ["stays ask"]
    assert kinds(bad, thresholds={"trust_evidence": True}, owner="me") == ["auto→ask"]


def test_what_cannot_be_undone_stays_asked() -> None:
    """No record lifts an irreversible or regulated action out of review; what always asks needs no change after an incident."""
    for changes in ({"reversible": False}, {"tags": ["pii"]}):
        found = suggested(GOOD, **changes)
        assert [(one.kind, one.diff) for one in found] == [("stays ask", "")]
        assert [one.kind for one in suggested(replace(GOOD, incidents=1), **changes)] == ["stays ask"]
    below = {"reversible": False, "conditions": {"auto_approve_below_usd": 50}}
    assert kinds(replace(GOOD, incidents=1), **below) == ["auto→ask"]
    assert kinds(GOOD, approval_required=False) == []


def test_the_checklist_is_filled_in() -> None:
    """Labelled outcomes, accuracy above the bar, tested rollback, anomaly alert and owner are each met or named as missing (docs/rules.md: F6)."""
    poor = suggested(GOOD, watched=False)[0].checklist
    assert [check.met for check in poor] == [False] * 5
    proven = replace(GOOD, labelled=600, correct=590, reverted=2)
    limits = {"window_seconds": 60, "ask_above_usd": 5}
    full = suggested(proven, owner="Head of finance", undo_window_seconds=60, aggregate=limits)[0].checklist
    assert [check.met for check in full] == [True] * 5
    assert "600 of 500" in full[0].text
    assert "98.3%" in full[1].text
    short = suggested(replace(proven, labelled=499, correct=470), owner="me")[0].checklist
    assert [check.met for check in short] == [False, False, False, False, True]


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
    rules:
      - {when: "amount > 5.0", then: ask, reason: mine}
    thresholds: {auto_approve_confidence: 0.8}
"""


def test_a_suggestion_is_a_patch_of_the_manifest(tmp_path: Path) -> None:
    """Each diff applies to the file, changes what it says and nothing else, and the file still loads."""
    path = tmp_path / "actions.yml"
    outcomes = ((0.85, False),) * 20
    for record in (GOOD, Record("first", unmodified=40), Record("pay", incidents=3), Record("pay", outcomes=outcomes)):
        path.write_text(TEXT)
        loaded = load_manifest(TEXT, path=str(path))
        for one in tuned(loaded, {record.action: record}, watched=True)[0].suggestions:
            path.write_text(TEXT)
            command = ["patch", "-p0", str(path)]
            subprocess.run(command, input=one.diff, text=True, check=True, cwd=tmp_path, capture_output=True)
            after = path.read_text()
            policy = load_manifest(after).policy(record.action)
            assert "# keep me" in after
            assert "# why it is so" in after
            changed = {
                "ask→auto": policy.approval_required is False,
                "gate to remove or to sample": policy.sample_review == 0.05,
                "auto→ask": [rule.reason for rule in policy.rules][:1] == ["mine"] and policy.rules[-1].when == "true",
                "auto_approve_confidence 0.80→0.90": policy.auto_approve_confidence == 0.9,
            }
            assert changed[one.kind], one.diff


def test_a_key_takes_the_place_of_an_older_one() -> None:
    """An existing key is written anew where it stands."""
    assert with_key(TEXT, "first", "severity", "high") == TEXT.replace("severity: low", "severity: high", 1)


def test_calibration_shows_ten_and_judges_twenty() -> None:
    """A bucket is shown from ten samples and judged from twenty; an error above 0.10 suggests the bucket's upper edge (docs/rules.md: F4)."""
    outcomes = [(0.93, True)] * 15 + [(0.93, False)] * 5 + [(0.71, True)] * 10 + [(0.3, False)] * 9
    found = buckets(outcomes)
    assert [(one.low, one.samples, round(one.accuracy, 2)) for one in found] == [(0.7, 10, 1.0), (0.9, 20, 0.75)]
    assert found[1].error == pytest.approx(0.18)
    assert higher_threshold(found, 0.95) == 1.0
    assert higher_threshold(buckets(outcomes[1:]), 0.95) is None, "19 samples suggest nothing"
    exact = [(0.9, True)] * 16 + [(0.9, False)] * 4
    assert higher_threshold(buckets(exact), 0.8) is None, "an error of exactly 0.10 is within bounds"
    humble = [(0.65, True)] * 40
    assert higher_threshold(buckets(humble), 0.6) is None, "who is right more often than they say needs no more care"
    assert higher_threshold(buckets([(0.55, False)] * 40), 0.8) is None, (
        "what is asked about anyway needs no higher bar"
    )


@pytest.mark.parametrize(("confidence", "low"), [(0.0, 0.0), (0.3, 0.3), (0.7, 0.7), (0.7999, 0.7), (1.0, 0.9)])
def test_a_figure_on_the_edge_belongs_to_one_bucket(confidence: float, low: float) -> None:
    """0.3 belongs to the bucket from 0.3, and 1.0 to the last one."""
    assert [one.low for one in buckets([(confidence, True)] * 10)] == [low]


@pytest.mark.parametrize(
    ("decided", "rejected", "fast", "rubber"),
    [(5, 0, 0.6, True), (4, 0, 1.0, False), (50, 1, 1.0, False), (50, 0, 0.5, False)],
)
def test_rubber_stamping_is_always_yes_and_at_once(decided: int, rejected: int, fast: float, rubber: bool) -> None:
    """Who never says no and mostly decides within seconds is marked; a no or some thought takes the mark away."""
    assert Stamping("U0BOB", decided, rejected, 2.0, fast).rubber is rubber
