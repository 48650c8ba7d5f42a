"""A frozen value with other fields is what the standard library makes of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.approval import Approval
from policies.frozen_values import replace
from tests.unit.cards.samples import approval

NAMES = [part.name for part in fields(Approval)]


@given(changes=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=5) | st.none()))
def test_it_is_what_the_library_makes(changes: dict[str, object]) -> None:
    """Whatever fields change, the copy is the library's, and what it was made of stays as it was."""
    before = approval()
    kept = {name: getattr(before, name) for name in NAMES}
    found, theirs = (make(before, **changes) for make in (replace, dataclasses.replace))  # type: ignore[arg-type]
    assert found == theirs
    assert type(found) is Approval
    assert all(getattr(found, name) is getattr(theirs, name) for name in NAMES), (
        "what did not change is the same object"
    )
    assert all(getattr(before, name) is kept[name] for name in NAMES)


def test_a_name_without_a_field_is_refused() -> None:
    """A mistyped name is an error, and no field that nobody reads."""
    with pytest.raises(TypeError, match="Approval has no field 'stat'"):
        replace(approval(), stat="approved")  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class Checked:
    """A value whose constructor looks at what it is given."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("upside down")


@dataclass(frozen=True)
class Kept:
    """One that holds something which its constructor does not take."""

    name: str
    found: dict[str, int] = field(default_factory=dict, init=False)


def test_a_constructor_that_does_more_is_called() -> None:
    """What checks its values, or makes some by itself, still does."""
    with pytest.raises(ValueError, match="upside down"):
        replace(Checked(1, 2), low=3)
    first = Kept("one")
    first.found["x"] = 1
    assert replace(first, name="two").found == {}
