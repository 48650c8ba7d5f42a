"""`python -m tests.scale`: 10,000 workspaces at 100 approvals an hour: what binds first, and what each step costs."""

from __future__ import annotations

import argparse

from bot.server.open_database import THREADS
from tests.scale import costs, demand
from tests.scale.costs import Costs
from tests.scale.demand import Hour

STEPS = (1, 100, 1_000, 10_000)
HOURS_A_YEAR = 250 * 8  # a working year; agents that never sleep ask for 8,760
SWEEP_SECONDS = 30.0
CONNECTIONS = THREADS["postgresql"] + 3
LATE_SECONDS = 10.0
Line = tuple[str, ...]


def main() -> int:
    """Print the unit costs and one column a step."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mean", type=float, default=100.0, help="approvals an hour and workspace (100)")
    given = parser.parse_args()
    unit = costs.measured()
    for words in told(unit):
        print(words)
    hours = [demand.hour(given.seed, count, given.mean) for count in STEPS]
    columns = [("workspaces", "of", *(f"{count:,}" for count in STEPS)), *table(unit, hours)]
    print()
    for line in columns:
        print(f"{line[0]:<46}{line[1]:<16}" + "".join(f"{cell:>12}" for cell in line[2:]))
    return 0


def told(unit: Costs) -> list[str]:
    """The unit costs, as measured."""
    return [
        f"one server, one SQLite file: {unit.rate:,.0f} approvals/s (create, tap, claim, result)",
        f"an approval: {unit.processor * 1000:.1f} ms of a core, {unit.stored / 1000:.1f} kB in the database",
        f"a workspace: {unit.sweep * 1000:.2f} ms a sweep, {unit.memory / 1e6:.1f} MB of memory, {CONNECTIONS} connections",
    ]


def table(unit: Costs, hours: list[Hour]) -> list[Line]:
    """What is wanted at each step: name, whose limit it is, and a figure a step."""

    def line(name: str, of: str, figures: list[float], places: int = 0) -> Line:
        return (name, of, *(f"{figure:,.{places}f}" for figure in figures))

    rates = [one.approvals / demand.HOUR for one in hours]
    counts = [float(one.workspaces) for one in hours]
    return [
        line("approvals a second, on average", "all", rates, 1),
        line("requests in the busiest second", "all", [one.peak_second for one in hours]),
        line("approvals an hour", "busiest one", [one.busiest for one in hours]),
        line("its share of one file's commits, per cent", "busiest one", [_share(one, unit) for one in hours], 1),
        line("card waits for Slack, median s", "a channel", [one.wait(0.5) for one in hours], 1),
        line("card waits for Slack, 99 % s", "a channel", [one.wait(0.99) for one in hours], 1),
        line(f"cards that wait over {LATE_SECONDS:.0f} s, per cent", "a channel", [_late(one) for one in hours], 1),
        line("workspaces over Slack's updates a minute", "a workspace", [one.over_updates for one in hours]),
        line("cores for approvals", "servers", [rate * unit.processor for rate in rates], 2),
        line(
            "cores for sweeps that find nothing", "servers", [count * unit.sweep / SWEEP_SECONDS for count in counts], 2
        ),
        line("memory of the apps, GB", "servers", [count * unit.memory / 1e9 for count in counts], 2),
        line("connections, each workspace in one server", "PostgreSQL", [count * CONNECTIONS for count in counts]),
        line("storage a working year, GB", "disks", [_stored(one, unit) for one in hours], 1),
    ]


def _share(one: Hour, unit: Costs) -> float:
    return 100 * one.busiest / demand.HOUR / unit.rate


def _late(one: Hour) -> float:
    return 100 * one.late(LATE_SECONDS)


def _stored(one: Hour, unit: Costs) -> float:
    return one.approvals * HOURS_A_YEAR * unit.stored / 1e9


if __name__ == "__main__":
    raise SystemExit(main())
