"""The checklist before the first real approval, filled in from the live installation: what it cannot know, a person confirms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bot.doctor import launch_policy, launch_running
from bot.doctor.examine import Seen, judged
from bot.doctor.findings import Finding, State, ok, unseen, wrong

Points = Callable[[Seen], Iterator[Finding]]
_PARTS: Sequence[Points] = (*launch_policy.POINTS, *launch_running.POINTS)


def checklist(seen: Seen) -> list[Finding]:
    """Every point; what the doctor finds wrong stands first."""
    found = [_doctor(seen)]
    if seen.manifest is None or seen.roster is None:
        return [*found, unseen("everything else", "needs both policy files")]
    if seen.stored.tried is None:
        found.append(
            wrong("database", "cannot be looked at, so nothing that was tried is known", "python -m bot doctor")
        )
    return [*found, *(finding for points in _PARTS for finding in points(seen))]


def _doctor(seen: Seen) -> Finding:
    name, troubles = "the doctor", [finding for finding in judged(seen) if finding.state is State.WRONG]
    if troubles:
        said = f"{len(troubles)} not ok, first of all {troubles[0].name}: {troubles[0].says}"
        return wrong(name, said, "python -m bot doctor tells each, and its cure")
    return ok(name, "finds nothing wrong")
