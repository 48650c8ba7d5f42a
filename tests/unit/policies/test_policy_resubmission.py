"""What follows from having asked before: reasons, roles that are asked, and when it is enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.earlier import Again, Earlier, What
from policies.levels import Level, RouteName
from policies.resubmission import again, silent_until, tightened, with_one_more
from policies.routing import Route

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
DAY = 86_400
RUNS = Route(RouteName.AUTO, Level.FULL_AUTO, ("small",), "finance", False, (None,), (None,))
ASKS = Route(RouteName.ASK, Level.SOFT_APPROVAL, ("a person",), "finance", False, (None,), (None,))
DENIED = Route(RouteName.DENY, None, ("over the limit",), "finance", False, (None,), (None,))


def earlier(what: What = What.REJECTED, minutes: int = 10, **more: object) -> Earlier:
    base = Earlier(f"apr_{what}_{minutes}", what, NOW - timedelta(minutes=minutes), by="U0ALICE", role="finance")
    return replace(base, **more)  # type: ignore[arg-type]


SIMILAR = {"differs": ("params.note",)}
KNOWN = st.builds(
    earlier,
    st.sampled_from(What),
    st.integers(0, 1400),
    differs=st.sampled_from([(), ("params.note",)]),
    more=st.booleans(),
)


@given(st.lists(KNOWN, max_size=6), st.sampled_from([RUNS, ASKS, DENIED]))
def test_having_asked_before_never_loosens(found: list[Earlier], route: Route) -> None:
    """Whatever was asked before, the route is as strict or stricter, and every reason that was there is there still."""
    after = tightened(route, again(found), NOW, DAY)
    assert after.strictness >= route.strictness
    assert set(route.why) <= set(after.why)
    assert len(after.why) == len(after.keys) == len(after.lines)


def test_one_no_is_told_and_two_to_the_same_deny() -> None:
    """After one the reason names who, when and why; after two it is denied until the time is over, in words."""
    once = tightened(ASKS, again([earlier(note="too much")]), NOW, DAY)
    assert (once.name, once.level) == (RouteName.ASK, Level.SOFT_APPROVAL)
    assert once.why[-1] == "the same request was rejected at 2026-03-02 13:50 UTC by U0ALICE: too much"
    twice = tightened(ASKS, again([earlier(), earlier(minutes=70)]), NOW, DAY)
    assert (twice.name, twice.level) == (RouteName.DENY, None)
    assert "refused 2 times within 24 h" in twice.why[0]
    assert "denied until 2026-03-03 12:50 UTC" in twice.why[0]


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ([earlier(), earlier(minutes=20, **SIMILAR)], RouteName.ASK),
        ([earlier(minutes=n, **SIMILAR) for n in range(5)], RouteName.ASK),
        ([earlier(), earlier(What.UNDONE, 5)], RouteName.DENY),
        ([earlier(What.CANCELLED), earlier(What.EXPIRED), earlier(What.OPEN)], RouteName.ASK),
    ],
)
def test_only_noes_to_the_very_same_deny(found: list[Earlier], name: RouteName) -> None:
    """Corrected requests, however many were refused, are asked; an undoing is a no like any other."""
    assert tightened(ASKS, again(found), NOW, DAY).name is name


def test_what_a_person_refused_does_not_run_by_policy() -> None:
    """The same, or the same in other words, asks a person; asking for less than was refused is judged by the manifest."""
    assert tightened(RUNS, again([earlier()]), NOW, DAY).level is Level.HARD_APPROVAL
    assert tightened(RUNS, again([earlier(**SIMILAR)]), NOW, DAY).level is Level.HARD_APPROVAL
    less = earlier(differs=("params.amount_usd",), more=True)
    assert tightened(RUNS, again([less]), NOW, DAY).name is RouteName.AUTO
    assert tightened(RUNS, again([less, earlier(minutes=90, **SIMILAR)]), NOW, DAY).name is RouteName.ASK
    assert tightened(RUNS, again([earlier(What.CANCELLED)]), NOW, DAY).name is RouteName.AUTO


def test_another_agents_note_is_not_told_to_this_one() -> None:
    """What was refused to a parent or a delegate binds, and its reviewer's words stay with whom they were for."""
    told = tightened(ASKS, again([earlier(note="ann owes us $900", agent="billing")]), NOW, DAY).why[-1]
    assert "rejected" in told
    assert "$900" not in told


def test_whoever_said_no_is_asked_and_the_newest_no_says_in_which_role() -> None:
    """All who said no in the role of the newest no; what else was asked before binds nobody."""
    known = again(
        [
            earlier(What.CANCELLED, 1, by="U0CAROL"),
            earlier(minutes=9, by="U0ALICE"),
            earlier(minutes=30, by="U0BOB"),
            earlier(minutes=40, by="U0DAN", role="lead"),
        ]
    )
    assert known is not None
    assert (known.role, known.reviewers) == ("finance", ("U0ALICE", "U0BOB"))
    assert [one.what for one in known.earlier] == [What.REJECTED] * 3 + [What.CANCELLED]
    assert again([]) is None
    assert again([earlier(What.EXPIRED)]) == Again((earlier(What.EXPIRED),))


def test_an_open_request_learns_of_another_and_stays_where_it_is() -> None:
    """A twin that was open and is rejected now is told once, and the desk does not change."""
    twin = earlier(What.OPEN, 5, id="apr_twin")
    known = with_one_more(None, twin)
    assert (known.earlier, known.reviewers) == ((twin,), ())
    rejected = earlier(What.REJECTED, 1, id="apr_twin")
    assert with_one_more(known, rejected) == Again((rejected,))


@pytest.mark.parametrize(
    ("known", "withdrawn", "minutes"),
    [
        ([], [], None),
        ([], [10, 20], None),
        ([], [10, 20, 30], 30),
        ([], [5, 10, 20, 30], 40),
        ([], [10, 20, 61], None),
        ([earlier(What.CANCELLED, 2)], [2], 3),
        ([earlier(What.CANCELLED, 2, by="U0BOB")], [], None),
        ([earlier(What.CANCELLED, 6)], [6], None),
        ([earlier(minutes=n, **SIMILAR) for n in (1, 2, 3)], [], 57),
        ([earlier(minutes=n, by="U0BOB", **SIMILAR) for n in (1, 2, 3)], [], None),
        ([earlier(minutes=5, **SIMILAR)], [10, 20], 40),
    ],
)
def test_a_reviewer_is_not_pinged_again_and_again(
    known: list[Earlier], withdrawn: list[int], minutes: int | None
) -> None:
    """Not within five minutes of withdrawing this very thing, nor after three withdrawals or refusals within the hour."""
    moments = [NOW - timedelta(minutes=ago) for ago in withdrawn]
    until = silent_until(again(known), moments, "U0ALICE", NOW)
    assert until == (None if minutes is None else NOW + timedelta(minutes=minutes))
