"""The alert rules and the dashboard: what they name is what the server exports, and each alert fires on what it is for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from support.servers import ROOT

from bot.server.metrics import Metrics

RULES = ROOT / "packaging/prometheus/sayso-alerts.yml"
RULES_TEST = ROOT / "packaging/prometheus/sayso-alerts.test.yml"
DASHBOARD = ROOT / "packaging/grafana/sayso.json"
PROMTOOL = shutil.which("promtool")
EXISTS_ANYWAY = {"instance", "job", "le"}
# Figures on which nobody need be woken, and why.
NO_ALERT = {
    "sayso_approvals_created": "how much is asked is the agents' matter",
    "sayso_approvals_overdue": "its age alerts",
    "sayso_taps": "what people do is theirs",
    "sayso_claims": "what agents claim is theirs",
    "sayso_waiting_agents": "long-polls cost next to nothing",
}


def exported() -> dict[str, Metric]:
    """What /metrics tells, by the name of each figure."""
    return {metric.name: metric for metric in Metrics().registry.collect()}


def samples() -> dict[str, set[str]]:
    """Every series that a figure may have, with its labels' names."""
    metrics, found = Metrics(), {}
    for collector in vars(metrics).values():
        name, kind = getattr(collector, "_name", None), getattr(collector, "_type", None)
        labels = set(getattr(collector, "_labelnames", ()))
        if kind == "counter":
            found[f"{name}_total"] = labels
        elif kind == "gauge":
            found[str(name)] = labels
        elif kind == "histogram":
            found |= {f"{name}_{part}": labels | {"le"} for part in ("bucket", "sum", "count")}
    return found


def rules() -> dict[str, str]:
    """Every alert's expression."""
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def panels() -> dict[str, str]:
    """Every panel's expressions, as one text."""
    board: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return {panel["title"]: " ; ".join(target["expr"] for target in panel["targets"]) for panel in board["panels"]}


def used(expression: str) -> set[str]:
    """The series that an expression names."""
    return set(re.findall(r"\bsayso_\w+", expression))


def labels(expression: str) -> set[str]:
    """The labels that an expression asks for."""
    by = {name.strip() for found in re.findall(r"\bby \(([^)]*)\)", expression) for name in found.split(",")}
    return by | set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', expression))


def test_every_figure_was_found() -> None:
    """What this test takes for exported is all that is."""
    assert {name.removesuffix("_total").removesuffix("_bucket") for name in samples()} >= set(exported())


@pytest.mark.parametrize("title, expression", [*rules().items(), *panels().items()])
def test_what_is_named_is_exported(title: str, expression: str) -> None:
    """A rule or a panel names only figures that the server has, and only labels that those have."""
    known = samples()
    assert used(expression) <= known.keys()
    assert used(expression) or "up{" in expression, "it names none of our figures"
    have = set().union(*(known[name] for name in used(expression))) if used(expression) else set()
    assert labels(expression) <= have | EXISTS_ANYWAY


@pytest.mark.parametrize("name", exported())
def test_every_figure_is_seen(name: str) -> None:
    """Each figure is on the dashboard, and wakes somebody unless it is said why not."""
    shown = set().union(*(used(expression) for expression in panels().values()))
    assert any(one.startswith(name) for one in shown), "not on the dashboard"
    alerted = set().union(*(used(expression) for expression in rules().values()))
    assert any(one.startswith(name) and one[len(name) :] in ("", "_total", "_bucket") for one in alerted) != (
        name in NO_ALERT
    )


def test_every_alert_is_explained() -> None:
    """docs/operations.md has a line for each alert, and for no other."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(Sayso\w+)`", text, re.MULTILINE)) == rules().keys()


def test_every_alert_is_tried() -> None:
    """Each has a case in which it fires and one in which it is silent."""
    cases = {case["name"] for case in yaml.safe_load(RULES_TEST.read_text(encoding="utf-8"))["tests"]}
    assert cases == {f"{name} {what}" for name in rules() for what in ("fires", "is silent")}


@pytest.mark.parametrize("words", [("check", "rules", RULES.name), ("test", "rules", RULES_TEST.name)], ids=" ".join)
def test_promtool_agrees(words: tuple[str, ...]) -> None:
    """Prometheus' own tool finds the rules right, and each alert fires and is silent where it should be."""
    if PROMTOOL is None:
        pytest.skip("NOT TESTED: the alert rules need promtool (Debian: prometheus)")
    done = subprocess.run([PROMTOOL, *words], cwd=RULES.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_one() -> None:
    """Its panels have places that do not overlap, and a data source that whoever imports it chooses."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
