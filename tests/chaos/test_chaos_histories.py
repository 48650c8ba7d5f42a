"""What concurrent clients see of one approval can always have happened one call after another."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.marks import on_postgresql

from tests.chaos import histories
from tests.chaos.linear import Call, linearizable
from tests.chaos.model import Model, Op

CREATED = Call(Op("create", what="a"), 0, 1, "created:pending")


@on_postgresql
@pytest.mark.timeout(300)
@pytest.mark.parametrize("faults", [False, True])
def test_histories_are_linearizable(database_url: str, tmp_path: Path, faults: bool) -> None:
    """Three replicas on one PostgreSQL, killed and cut off or not, never answer what no order could explain."""
    report = histories.run(database_url, tmp_path, n=6 if faults else 12, faults=faults, seed=7)
    assert report.violations == []
    assert report.figures["histories"] == (6 if faults else 12)
    assert report.figures["histories with calls at once"] > 0


@pytest.mark.parametrize(
    "calls",
    [
        [CREATED, Call(Op("claim", "n1"), 2, 3, "granted")],
        [CREATED, Call(Op("approve", "U0ALICE"), 2, 3, "ok:approved"), Call(Op("get"), 4, 5, "pending")],
        [
            CREATED,
            Call(Op("approve", "U0ALICE"), 2, 9, "ok:approved"),
            Call(Op("reject", "U0BOB"), 2, 9, "ok:rejected"),
        ],
        [CREATED, Call(Op("create", what="a"), 0, 9, "created:pending")],
        [CREATED, Call(Op("approve", "U0DAN"), 2, 3, "ok:approved")],
        [
            CREATED,
            Call(Op("approve", "U0BOB"), 2, 3, "ok:approved"),
            Call(Op("claim", "n1"), 4, 9, "granted"),
            Call(Op("claim", "n2"), 4, 9, "granted"),
        ],
    ],
    ids=["unapproved claim", "lost decision", "two decisions", "created twice", "wrong hand", "two claims"],
)
def test_the_checker_finds_what_is_wrong(calls: list[Call]) -> None:
    """A history that no order explains is found."""
    assert not linearizable(calls, Model())


def test_the_checker_accepts_what_can_be() -> None:
    """Calls at once may come in any order, and a call without an answer may have happened or not."""
    race = [Call(Op("approve", "U0BOB"), 2, 9, "Lost:rejected"), Call(Op("reject", "U0ALICE"), 3, 8, "ok:rejected")]
    unheard = Call(Op("approve", "U0BOB"), 2)
    assert linearizable([CREATED, *race], Model())
    assert linearizable([CREATED, unheard, Call(Op("get"), 4, 5, "pending")], Model())
    assert linearizable([CREATED, unheard, Call(Op("get"), 4, 5, "approved")], Model())
