"""Who is asked, and why them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.assignment import Candidate, choose_reviewer, least_loaded, lighter_by_two

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
candidates = st.builds(
    Candidate,
    user=st.integers(0, 30).map("U{:04d}".format),
    open=st.integers(0, 4),
    absent=st.sampled_from([None, None, "away", "at capacity"]),
    last_assigned_at=st.none() | st.integers(0, 5).map(lambda hours: NOW - timedelta(hours=hours)),
)
groups = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(candidates, max_size=6, unique_by=lambda person: person.user), max_size=3
)


@given(groups, st.sets(st.integers(0, 30).map("U{:04d}".format)))
@settings(max_examples=150, deadline=None)
def test_the_least_loaded_of_the_first_role_with_somebody_free(
    people: dict[str, list[Candidate]], already: set[str]
) -> None:
    """The choice is the least loaded available person, not asked before, of the first role that has one (docs/rules.md: E2)."""
    roles = ["a", "b", "c"]
    free = {
        role: [person for person in people.get(role, []) if person.absent is None and person.user not in already]
        for role in roles
    }
    choice = choose_reviewer(roles, people, already)
    expected = next((role for role in roles if free[role]), None)
    if expected is None:
        assert choice is None
        return
    assert choice is not None
    assert choice.role == expected
    chosen = next(person for person in free[expected] if person.user == choice.user)
    assert chosen.open == min(person.open for person in free[expected])
    equals = [person for person in free[expected] if person.open == chosen.open]
    if any(person.last_assigned_at is None for person in equals):
        assert chosen.last_assigned_at is None
    else:
        assert chosen.last_assigned_at == min(person.last_assigned_at for person in equals if person.last_assigned_at)
    assert choice.passed_roles == tuple(roles[: roles.index(expected) + 1])
    assert f"{chosen.open} open" in choice.why


@given(groups)
@settings(max_examples=100, deadline=None)
def test_everybody_is_asked_once_and_nobody_twice(people: dict[str, list[Candidate]]) -> None:
    """Asking on and on reaches each available person exactly once, then nobody (docs/rules.md: E3)."""
    asked: list[str] = []
    while (choice := choose_reviewer(["a", "b", "c"], people, asked)) is not None:
        assert choice.user not in asked
        asked.append(choice.user)
    free = {person.user for group in people.values() for person in group if person.absent is None}
    assert set(asked) == free


def test_ties_go_to_whoever_waited_longest() -> None:
    """Of two equally loaded people the one asked longest ago is next, in whatever zone that is written."""
    early = (NOW - timedelta(minutes=1)).astimezone(timezone(timedelta(hours=9)))
    people = {"a": [Candidate("U1", 1, None, NOW), Candidate("U2", 1, None, early)]}
    choice = choose_reviewer(["a"], people)
    assert choice is not None
    assert choice.user == "U2"


def test_turns_alternate() -> None:
    """Two idle people are asked in turn."""
    last: dict[str, datetime | None] = {"U1": None, "U2": None}
    order = []
    for step in range(6):
        choice = choose_reviewer(["a"], {"a": [Candidate(user, 0, None, at) for user, at in last.items()]})
        assert choice is not None
        last[choice.user] = NOW + timedelta(minutes=step)
        order.append(choice.user)
    assert order == ["U1", "U2"] * 3


def test_the_reason_tells_of_roles_passed_over() -> None:
    """The stored reason says why the roles before were passed over."""
    people = {"a": [Candidate("U1", absent="away")], "b": [], "c": [Candidate("U2")], "d": [Candidate("U3", 2)]}
    choice = choose_reviewer(["a", "b", "c", "d"], people, {"U2"})
    assert choice is not None
    assert (choice.user, choice.role) == ("U3", "d")
    for words in ("nobody in a is available (away)", "b has no eligible member", "c was asked already"):
        assert words in choice.why


def test_where_nobody_is_available_somebody_is_still_named() -> None:
    """The least loaded is named with the reason for absence, and nobody of an empty role."""
    choice = least_loaded("a", [Candidate("U1", 3, "away"), Candidate("U2", 1, "outside working hours")])
    assert choice is not None
    assert choice.user == "U2"
    assert "outside working hours" in choice.why
    assert least_loaded("a", []) is None
    unsaid = least_loaded("a", [Candidate("U1")])
    assert unsaid is not None
    assert "None" not in unsaid.why


def test_a_delegate_takes_the_turn_of_who_is_away() -> None:
    """Where the turn would be that of somebody away, their delegate is asked, and the reason says for whom."""
    people = [
        Candidate("U1", absent="away until Mon 23 Nov 09:00 UTC"),
        Candidate("U2", 0, None, NOW),
        Candidate("U3", 0, None, NOW),
        Candidate("U3", 0, None, None, stands_in_for="alice, who is away until Mon 23 Nov 09:00 UTC", turn_of="U1"),
    ]
    choice = choose_reviewer(["a"], {"a": people})
    assert choice is not None
    assert choice.user == "U3"
    assert choice.why == (
        "a, 0 open, fewest open of 2 reviewers, stands in for alice, who is away until Mon 23 Nov 09:00 UTC; "
        "1 unavailable (away until Mon 23 Nov 09:00 UTC)"
    )


def test_an_heir_comes_first_but_never_twice() -> None:
    """The delegate of whoever was asked last comes before the less loaded, unless they were asked already."""
    people = {"a": [Candidate("U1"), Candidate("U2", 5)]}
    first = choose_reviewer(["a"], people, heir="U2")
    assert first is not None
    assert first.user == "U2"
    second = choose_reviewer(["a"], people, {"U2"}, heir="U2")
    assert second is not None
    assert second.user == "U1"


@given(st.integers(0, 9), st.lists(candidates, max_size=5, unique_by=lambda person: person.user))
@settings(max_examples=100, deadline=None)
def test_a_card_is_handed_over_only_where_both_are_better_off(mine: int, others: list[Candidate]) -> None:
    """A card moves from a fuller desk only to somebody who has at least two fewer."""
    choice = lighter_by_two(mine, "a", others, ())
    free = [person.open for person in others if person.absent is None]
    assert (choice is not None) == bool(free and mine - min(free) >= 2)
