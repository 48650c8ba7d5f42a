"""What is simulated, what it costs, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from playground.kit_things import Card
from store.tables import approvals
from tests.attention.bureau import Bureau, opened
from tests.attention.calls import REVIEWERS, Call
from tests.attention.reviewers import Reviewer

Json = dict[str, Any]
LONGEST = 7200.0  # after the last call: by then everything is decided


@dataclass(frozen=True, slots=True)
class Scenario:
    """When calls come, how often each reviewer looks, and the goals: taps a low call, new messages a call."""

    name: str
    at: Callable[[int], float]
    every: float
    taps: float
    messages: float | None = None


def _bursts(number: int) -> float:
    """Forty-eight within ten seconds, every two minutes."""
    return number // 48 * 120 + number % 48 * 10 / 48


SCENARIOS = (
    Scenario("bursts", _bursts, 30, 0.15, 0.30),
    Scenario("one every 2 s", lambda number: number * 2.0, 30, 0.25, 0.40),
    Scenario("one every 20 s", lambda number: number * 20.0, 900, 0.15),
)
MENTIONS, HIGH_TAPS = 0.3, 2


@dataclass(frozen=True, slots=True)
class Cost:
    """What a scenario cost."""

    name: str
    calls: int
    low_taps: float
    messages: float
    mentions: float
    high_taps: float
    undecided: int
    hidden: int
    missed: tuple[str, ...]


def play(scenario: Scenario, calls: Sequence[Call], folder: Path) -> Cost:
    """Every call asked at its moment, and every reviewer looking at theirs, until all is decided."""
    folder.mkdir(parents=True, exist_ok=True)
    with opened(folder) as bureau:
        people = [
            Reviewer(user, scenario.every * number / len(REVIEWERS), scenario.every)
            for number, user in enumerate(REVIEWERS)
        ]
        asked: dict[str, Json] = {}
        high: set[str] = set()
        looks = {one.user: one.first for one in people}
        number, ends = 0, scenario.at(len(calls) - 1) + LONGEST
        while number < len(calls) or (_waiting(bureau) and bureau.now < ends):
            call_at = scenario.at(number) if number < len(calls) else ends
            bureau.go_to(min(call_at, bureau.next_at, *looks.values()))
            while number < len(calls) and scenario.at(number) <= bureau.now:
                found = bureau.ask(calls[number])
                asked[found["id"]] = found
                if calls[number].high:
                    high.add(found["id"])
                number += 1
            for one in people:
                if looks[one.user] <= bureau.now:
                    looks[one.user] += one.every
                    one.look(bureau, asked)
            bureau.settle()
        return _cost(scenario, bureau, people, asked, high)


def the_same(call: Call, folder: Path, agents: int = 20) -> tuple[int, int, float]:
    """So many agents ask for the same low thing three seconds apart: cards, mentions, and taps a call to decide all."""
    with opened(folder) as bureau:
        asked = {}
        for number in range(agents):
            bureau.go_to(number * 3.0)
            found = bureau.ask(call, f"helper-{number}")
            asked[found["id"]] = found
        ends = bureau.now + 60
        while bureau.now < ends:
            bureau.go_to(bureau.next_at)
        people = [Reviewer(user, 0, 30) for user in REVIEWERS]
        for one in people:
            one.look(bureau, asked)
        taps = sum(count for one in people for count in one.taps.values())
        assert not _waiting(bureau), "not all were decided"
        return len(bureau.posts), sum(len(_named(card)) for card in bureau.posts), taps / agents


def _named(card: Card) -> set[str]:
    return {name for name in card.mentions() if name.startswith("<@")}


def _waiting(bureau: Bureau) -> int:
    return len(_by_state(bureau, "pending"))


def _by_state(bureau: Bureau, state: str) -> list[str]:
    query = select(approvals.c.id).where(approvals.c.state == state)
    return list(bureau.office.database.read(lambda unit: unit.execute(query).scalars().all()))


def _cost(
    scenario: Scenario, bureau: Bureau, people: Sequence[Reviewer], asked: dict[str, Json], high: set[str]
) -> Cost:
    taps = {key: count for one in people for key, count in one.taps.items()}
    low = [key for key in asked if key not in high]
    mentions = sum(len(_named(card)) for card in bureau.posts)
    undecided = [key for key in asked if key not in taps] + _by_state(bureau, "pending")
    figures = {
        "taps a low call": (sum(taps.get(key, 0) for key in low) / max(1, len(low)), scenario.taps),
        "messages a call": (len(bureau.posts) / max(1, len(asked)), scenario.messages),
        "mentions a call": (mentions / max(1, len(asked)), MENTIONS),
        "taps of the dearest high call": (max((taps.get(key, 0) for key in high), default=0), HIGH_TAPS),
        "calls that nobody decided": (len(set(undecided)), 0),
        "hidden values": (sum(len(one.hidden) for one in people), 0),
    }
    missed = [
        f"{name} {value:.2f} > {goal}" for name, (value, goal) in figures.items() if goal is not None and value > goal
    ]
    values = [value for value, _ in figures.values()]
    return Cost(scenario.name, len(asked), *values, tuple(missed))
