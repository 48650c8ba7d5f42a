"""`doctor --launch`: every point of the checklist comes from the installation as it is, and changes with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.files import PLAIN, ROSTER, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office
from support.servers import ROOT, command, free_port, zygote

from bot.server import arrivals
from store import agents

pytestmark = on_sqlite
SCHEMA = {"params_schema": {"type": "object", "required": ["thing"], "properties": {"thing": {"type": "string"}}}}
WHOLE = PLAIN | SCHEMA
GRAVE = {"severity": "high", "reversible": False}
AMOUNT = {
    "params_schema": {"type": "object", "required": ["usd"], "properties": {"usd": {"type": "number"}}},
    "describe": "Pay {{ params.usd }}",
    "amount": "params.usd",
}
SMALL = WHOLE | AMOUNT | {"conditions": {"auto_approve_below_usd": 5, "deny_above_usd": 100}}


@pytest.fixture
def launching(closed_office: Office, tmp_path: Path) -> Office:
    """An office that looks ready, before anything was tried."""
    zygote()
    office = closed_office
    (tmp_path / "at").mkdir()
    office.slack.install(yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8")))
    office.manifest = write_manifest(tmp_path, {"change_thing": WHOLE})
    office.roster = write_roster(tmp_path)
    office.database.run(lambda unit: agents.add(unit, "demo"))
    office.settings |= {"SAYSO_PORT": str(free_port())}
    return office


def points(office: Office) -> dict[str, dict[str, str]]:
    """The checklist by the name of the point."""
    done = command(office.env, "doctor", "--launch", "--json", folder=office.folder / "at")
    assert done.stderr == ""
    found: list[dict[str, str]] = json.loads(done.stdout)["findings"]
    assert len({one["name"] for one in found}) == len(found), "two points have one name"
    assert done.returncode == int(any(one["state"] == "not ok" for one in found))
    return {one["name"]: one for one in found}


def actions(**all_of: Any) -> Callable[[Office], object]:
    return lambda office: write_manifest(office.folder, {"change_thing": WHOLE, **all_of})


def roster(**changes: Any) -> Callable[[Office], object]:
    return lambda office: write_roster(office.folder, ROSTER, **changes)


def setting(**values: str) -> Callable[[Office], object]:
    return lambda office: office.settings.update(values)


def agent(name: str, **how: Any) -> Callable[[Office], object]:
    def work(office: Office) -> None:
        office.database.run(lambda unit: agents.revoke(unit, "demo"))
        office.database.run(lambda unit: agents.add(unit, name, **how))

    return work


def away(*users: str) -> Callable[[Office], object]:
    def work(office: Office) -> None:
        office.open()
        for user in users:
            office.person(user).command("/sayso", "away", "#ops")
        office.server.stop()

    return work


Change = Callable[[Office], object]
ALL_DAY = {user: {"hours": "Mon-Sun 00:00-23:59"} for user in ("U0ALICE", "U0BOB", "U0CAROL", "U0DAN", "U0ADMIN")}
# What is changed, which point that is, and how the point was before and is then.
CHANGES: dict[str, tuple[Change, str, str, str, str]] = {
    "severe without a schema": (actions(bad=PLAIN | GRAVE), "parameters", "ok", "not ok", "bad"),
    "loose without a schema": (actions(bad=PLAIN), "parameters", "ok", "for a person to confirm", "bad"),
    "alone without an owner": (actions(alone=WHOLE | {"approval_required": False}), "owners", "ok", "not ok", "alone"),
    "alone and never sampled": (
        actions(alone=WHOLE | {"approval_required": False}),
        "samples",
        "absent",
        "not ok",
        "alone",
    ),
    "alone, sampled": (
        actions(alone=WHOLE | {"approval_required": False, "sample_review": 0.1}),
        "samples",
        "absent",
        "ok",
        "a share",
    ),
    "silence consents": (
        actions(soft=WHOLE | {"severity": "low", "on_timeout": "approve"}),
        "silence",
        "ok",
        "for a person to confirm",
        "soft",
    ),
    "never ends": (
        actions(held=WHOLE | {"on_timeout": "hold"}),
        "waiting for ever",
        "ok",
        "for a person to confirm",
        "held",
    ),
    "small sums": (actions(small=SMALL), "sums", "ok", "not ok", "small"),
    "no largest amount": (actions(pay=WHOLE | AMOUNT), "largest amount", "ok", "not ok", "pay"),
    "one person": (
        roster(roles=ROSTER["roles"] | {"finance": {"members": ["U0ALICE"]}}),
        "two for each role",
        "ok",
        "not ok",
        "finance",
    ),
    "too large a quorum": (actions(three=WHOLE | {"approvers": 3}), "quorums", "ok", "not ok", "three"),
    "a quorum": (actions(two=WHOLE | {"approvers": 2}), "quorums", "ok", "ok", "two can be filled"),
    "no way on": (actions(end=WHOLE | GRAVE), "escalation", "ok", "for a person to confirm", "end"),
    "everybody away": (away("U0ALICE", "U0BOB"), "away", "ok", "not ok", "finance"),
    "two admins": (roster(admins=["U0ADMIN", "U0DAN"]), "admins", "not ok", "ok", "2 can stop"),
    "no operations": (roster(operations=None), "operations", "for a person to confirm", "not ok", "no channel"),
    "hours": (roster(people=ALL_DAY), "working hours", "for a person to confirm", "ok", "everybody"),
    "holidays": (roster(defaults={"holidays": ["DE-BE"]}), "holidays", "for a person to confirm", "ok", "everybody"),
    "quiet": (roster(defaults={"quiet": "22:00-07:00"}), "quiet hours", "for a person to confirm", "ok", "nobody"),
    "pii": (actions(person=WHOLE | {"tags": ["pii"]}), "hidden values", "for a person to confirm", "not ok", "person"),
    "standing": (
        actions(many=WHOLE | {"standing": {"max_seconds": 60, "max_uses": 2, "same": ["params.thing"]}}),
        "standing approvals",
        "ok",
        "for a person to confirm",
        "many (2 uses",
    ),
    "key": (setting(SAYSO_AUDIT_KEY="k" * 32), "audit key", "not ok", "for a person to confirm", "is set"),
    "end on another disk": (
        setting(SAYSO_AUDIT_HEAD="/proc/end"),
        "audit end kept elsewhere",
        "not ok",
        "ok",
        "another disk",
    ),
    "token that ends": (agent("brief", seconds=60, owner="U0ALICE"), "agents' tokens", "not ok", "ok", "each of 1"),
    "owner": (agent("owned", owner="U0ALICE"), "agents' owners", "not ok", "ok", "each agent"),
    "encrypted": (setting(SAYSO_PUBLIC_URL="https://127.0.0.1:1"), "Slack's way in", "not ok", "ok", "encrypted"),
    "plain": (setting(SAYSO_PUBLIC_URL="http://127.0.0.1:1"), "Slack's way in", "not ok", "not ok", "not encrypted"),
    "open to the network": (
        setting(SAYSO_HOST="0.0.0.0"),
        "agents' way in",
        "ok",
        "for a person to confirm",
        "0.0.0.0",
    ),
    "callbacks": (
        setting(SAYSO_CALLBACK_HOSTS="a.example", SAYSO_CALLBACK_SECRET="whsec_" + "QUJD" * 10),
        "callbacks",
        "ok",
        "ok",
        "are signed",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_point_follows_the_installation(name: str, launching: Office) -> None:
    """What is changed changes the point, and nobody has written its answer down before."""
    change, point, before, after, said = CHANGES[name]
    assert points(launching).get(point, {"state": "absent"})["state"] == before
    change(launching)
    found = points(launching)[point]
    assert (found["state"], said in found["says"]) == (after, True), found
    assert found["state"] == "ok" or found["cure"]


def test_what_was_tried_is_known(launching: Office) -> None:
    """Never tried is not ok; one approval from end to end, a no, a stop and a start, and somebody who did not answer, are."""
    office = launching
    tried = (
        "first approval",
        "a rejection",
        "stop",
        "somebody did not answer",
        "Slack's switches",
        "figures",
        "readiness",
        "sweep",
    )
    found = points(office)
    assert {found[name]["state"] for name in tried} == {"not ok"}
    assert found["actions covered"]["state"] == "ok"

    office.open()
    agent, alice, admin = office.agent, office.person("U0ALICE"), office.person("U0ADMIN")
    yes = agent.ask("change_thing", {"thing": "x"})
    alice.click(office.card(yes), "approve")
    agent.claim(yes)
    agent.result(yes)
    no = agent.ask("change_thing", {"thing": "y"})
    form = alice.click(office.card(no), "reject").modal
    form.fill("reason", "not now")
    assert alice.submit(form).ok
    admin.command("/sayso", "stop", "#ops")
    admin.command("/sayso", "start", "#ops")
    alice.open_home()
    agent.ask("nonsense", {})
    agent.ask("change_thing", {"thing": "z"})
    office.advance(1000)
    assert agent.http.get("/metrics").status_code == agent.http.get("/readyz").status_code == 200
    came = {"interaction", "command", "event:app_home_opened", "metrics", "readyz"}
    office.until(lambda: came <= office.database.read(arrivals.kept).keys(), "what arrived was kept")

    found = points(office)
    assert {name: found[name]["state"] for name in tried} == dict.fromkeys(tried, "ok")
    assert "nonsense (1×)" in found["actions covered"]["says"]
    assert found["actions covered"]["state"] == "not ok"
    assert found["audit chain"]["says"].startswith("is whole: ")


def test_it_can_be_read_in_a_terminal(launching: Office) -> None:
    """About 35 points, each with what to do, no line wider than 80, and 1 where one is not ok."""
    done = command(launching.env, "doctor", "--launch", folder=launching.folder / "at")
    assert done.returncode == 1
    assert max(map(len, done.stdout.splitlines())) <= 80, done.stdout
    heads = [line for line in done.stdout.splitlines() if not line.startswith(" ") and line][:-1]
    assert 35 <= len(heads) <= 50, len(heads)
    assert {line.split()[0] for line in heads} == {"ok", "NOT", "confirm"}
    assert done.stdout.splitlines()[-1] == f"{sum(line.startswith('ok') for line in heads)} ok, " + ", ".join(
        f"{sum(line.startswith(mark) for line in heads)} {word}"
        for mark, word in (("NOT", "not ok"), ("confirm", "for a person to confirm"))
    )


def test_without_policy_files_it_says_so(launching: Office) -> None:
    """Nothing is made up."""
    launching.roster.unlink()
    assert set(points(launching)) == {"the doctor", "everything else"}
