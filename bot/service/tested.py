"""How reviewers do in tests: one's own figure for oneself, and everybody's for those who answer for it (docs/rules.md: F3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.service.context import Context
from policies.files.manifest import Manifest
from policies.learning import planting
from policies.learning.planting import FEWEST, Caught, Tested
from policies.permissions import Actor, may_administer
from store import planting as stored
from store.unit import Unit


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all tests that are over: the whole, by action, and by reviewer where each has enough to stand beside others."""

    actions_tested: tuple[str, ...]
    all: Caught
    by_action: dict[str, Caught]
    by_reviewer: dict[str, Caught]


def own_figure(ctx: Context, actor: Actor) -> Caught:
    """How somebody did in their own tests, by whichever account."""
    return planting.caught(stored.ended_tests(ctx.unit, by={actor.user, *actor.accounts}))


def figures(unit: Unit, manifest: Manifest) -> Figures:
    """How everybody did."""
    found = stored.ended_tests(unit)
    by_action: dict[str, list[Tested]] = defaultdict(list)
    for one in found:
        by_action[one.action].append(one)
    return Figures(
        tuple(sorted(manifest.planted)),
        planting.caught(found),
        {action: planting.caught(theirs) for action, theirs in sorted(by_action.items())},
        planting.by_reviewer(found),
    )


def figures_for(ctx: Context, actor: Actor) -> tuple[Caught, Figures | None]:
    """What somebody is told of tests: of their own, and admins of all."""
    return own_figure(ctx, actor), figures(ctx.unit, ctx.manifest) if may_administer(actor) is None else None


def in_words(found: Figures, person: Callable[[str], str], said: Callable[[str], str] = str) -> Iterator[str]:
    """A line for each; `person` says what somebody is called, `said` how a foreign word is written."""
    names = ", ".join(said(action) for action in found.actions_tested)
    yield f"Tests of reviewers are {f'on for {names}' if names else 'off: nothing new is planted'}. Of all: {found.all}"
    for action, one in found.by_action.items():
        yield f"• {said(action)}: {one}"
    for user, one in found.by_reviewer.items():
        yield f"• {person(user)}: {one}"
    yield f"People stand here from {FEWEST} clear answers on, in no order of merit; each sees their own at once"
