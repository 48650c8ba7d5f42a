"""The team's figures in words: for the home tab, for `/sayso` and for whoever cannot see the picture."""

from __future__ import annotations

from store.stats import ReviewerStats, RoleStats, Spread, Stats, Waiting

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


def of_reviewer(person: ReviewerStats) -> str:
    """A person's load and habits in one line (docs/rules.md: F9)."""
    parts = [load(person.waiting)]
    if person.spread and person.approval_rate is not None:
        spread = person.spread
        parts.append(
            f"{spread.count} decided, {person.per_day:.1f} a day, {times(spread)}, {person.approval_rate:.0%} yes"
        )
    return " · ".join(parts)


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
