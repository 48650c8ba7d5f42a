"""The team's figures in words: for the home tab, for `/sayso` and for whoever cannot see the picture."""

from __future__ import annotations

from policies.learning.chance import Measured
from policies.learning.person import FEWEST_DECIDED, FEWEST_PEOPLE, LOOK_BACK, Middle, Person
from policies.learning.stamping import FAST_SECONDS
from store.stats import RoleStats, Spread, Stats, Waiting

ROLES = 3  # on the home tab, beside the team's own figures


def duration(seconds: float) -> str:
    """A length of time as people say it: 45 s, 12 min, 3 h, 2 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{round(seconds / size, 1 if seconds < 3 * size else None):g} {unit}"
    return f"{seconds:.0f} s"


def on_home(found: Stats) -> dict[str, str]:
    """The figures by name, as the home tab shows them: at most ten."""
    words = {"Waiting": load(found.waiting)}
    words[f"Asked in {found.days} days"] = f"{found.asked:,}"
    words[f"By policy alone in {found.days} days"] = f"{found.by_route.get('auto', 0):,}"
    words[f"Past their SLA in {found.days} days"] = f"{found.breached:,}"
    if found.spread:
        words["Time to a decision"] = times(found.spread)
    roles = [role for role in found.roles if role.spread]
    for role in sorted(roles, key=lambda role: -(role.spread.count if role.spread else 0))[:ROLES]:
        assert role.spread is not None
        words[role.role] = times(role.spread)
    return words


def load(waiting: Waiting) -> str:
    """What waits, in a few words."""
    if not waiting.count or waiting.oldest is None:
        return "nothing waits"
    return f"{waiting.count} open{late_part(waiting)}"


def late_part(waiting: Waiting) -> str:
    """Since when the oldest waits, and how many are past their SLA; empty where nothing waits."""
    if waiting.oldest is None:
        return ""
    late = f", {waiting.overdue} past SLA" if waiting.overdue else ""
    return f", oldest {duration(waiting.oldest)}{late}"


def times(spread: Spread) -> str:
    """Median and 90th percentile."""
    return f"median {duration(spread.median)}, p90 {duration(spread.p90)}"


def team(found: Stats) -> str:
    """The window in one line."""
    parts = [f"{found.asked:,} asked", f"{_decided(found):,} decided", f"{found.breached:,} past their SLA"]
    return " · ".join([*parts, *([times(found.spread)] if found.spread else [])])


def of_role(role: RoleStats) -> str:
    """A role's load, breaches and times in one line."""
    missed = [f"{role.breached} past their SLA"] if role.breached else []
    took = [f"{role.spread.count} decided, {times(role.spread)}"] if role.spread else []
    return " · ".join([load(role.waiting), *missed, *took])


def of_oneself(one: Person) -> list[str]:
    """Somebody's own figures, each with how many it is counted from and between which bounds it lies (docs/rules.md: F10)."""
    if not one.decided:
        return [f"You decided nothing in the last {LOOK_BACK.days} days."]
    sign = (
        "looks like stamping: most yeses come at once, and a no hardly ever" if one.stamping else "no sign of stamping"
    )
    return [
        f"Your own figures, {LOOK_BACK.days} days. Bounds hold in 95% of cases each.",
        f"• Pace: {one.decided} decided, {one.per_day:.1f} a day",
        f"• Between two decisions: {_middle(one.gap)}",
        f"• Looked before deciding, at most: {_middle(one.look)}",
        f"• Yes: {one.yes}",
        f"• Yes within {FAST_SECONDS:.0f} s of looking: {one.fast}; {sign}",
        f"• Labelled later by others, right: {one.afterwards}",
    ]


SEEN_BY = (
    f"Admins see these by name only as far as you have been shown them, here or in Monday's message, and only where at least "
    f"{FEWEST_PEOPLE} people decided {FEWEST_DECIDED} or more. Nobody is ranked."
)


def of_somebody(one: Person) -> str:
    """The same in one line, for admins."""
    stamps = ", stamping?" if one.stamping else ""
    look = f", median look {duration(one.look.seconds)}" if one.look else ""
    return f"{one.decided} decided, {one.per_day:.1f} a day{look}, yes {_brief(one.yes)}{stamps}, right later {_brief(one.afterwards)}"


def unnamed(named: int, others: int) -> str:
    """Why people are not named; `others` decided something, and are not told of."""
    if not named:
        return (
            f"_Nobody's habits are named: that takes {FEWEST_PEOPLE} people who decided {FEWEST_DECIDED} or more and were "
            "shown their own figures._"
        )
    return f"_{others} more decided: too little, or they were not shown their own figures yet._" if others else ""


def _middle(one: Middle | None) -> str:
    if one is None:
        return "nothing counted"
    if one.low is None or one.high is None:
        return f"median {duration(one.seconds)} of {one.n}, too few for bounds"
    return f"median {duration(one.seconds)} ({duration(one.low)} to {duration(one.high)}) of {one.n}"


def _brief(share: Measured) -> str:
    return (
        "unknown" if share.rate is None else f"{share.rate:.0%} ({share.low:.0%} to {share.high:.0%}) of {share.n:.0f}"
    )


def spoken(found: Stats) -> str:
    """What the picture shows, for whoever does not see it: every day's figures (at most 1,000 characters)."""
    days = []
    for day in found.by_day:
        if day.asked or day.decided or day.breached:
            took = f" in {duration(day.median)}" if day.median is not None else ""
            late = f", {day.breached} late" if day.breached else ""
            days.append(f"{day.day:%d %b}: {day.asked} asked, {day.decided} decided{took}{late}")
    listed = "; ".join(days) or "nothing was asked or decided"
    return f"The last {found.days} days: {team(found)}. By day: {listed}."[:1000]


def _decided(found: Stats) -> int:
    return found.spread.count if found.spread else 0
