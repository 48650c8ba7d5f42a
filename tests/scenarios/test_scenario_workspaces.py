"""One server, many workspaces: each installs the app by itself, has people, roster and record of its own, and sees no other."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from cryptography.fernet import Fernet
from support.agent import Agent
from support.files import write_manifest, write_roster
from support.marks import on_sqlite
from support.servers import ProcessServer, command, free_port
from support.slack_grid import CLIENT, SlackGrid, workspace

from bot.server.scopes import NEEDED
from playground.kit import Card

Json = dict[str, Any]
KEY, NEW_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class House:
    """The server, its files, and the workspaces that may install it."""

    def __init__(self, database_url: str, folder: Path, grid: SlackGrid) -> None:
        self.folder, self.grid = folder, grid
        self.rosters = folder / "reviewers"
        self.rosters.mkdir()
        self.env = {
            "SAYSO_DATABASE_URL": database_url,
            "SAYSO_DATA_DIR": str(folder / "data"),
            "SAYSO_MANIFEST": str(write_manifest(folder)),
            "SAYSO_ROSTER": str(self.rosters),
            "SAYSO_SWEEP_SECONDS": "1",
            "SAYSO_SLACK_API_URL": grid.url,
            "SLACK_SIGNING_SECRET": next(iter(grid.workspaces.values())).signing_secret,
            "SAYSO_TOKEN_KEYS": KEY,
            **CLIENT,
        }
        self.server: ProcessServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return self.server.url

    def open(self) -> None:
        """Start the server; every workspace's Slack sends to it."""
        self.server = ProcessServer(self.env, self.folder, port=free_port(), forked=True)
        for slack in self.grid.workspaces.values():
            slack.bot_url = self.server.url

    def close(self) -> None:
        """Stop it."""
        if self.server is not None:
            self.server.stop()
        self.server = None

    def roster(self, place: str, **roles: list[str]) -> None:
        """The roster of one workspace."""
        found = {name: {"members": people} for name, people in (roles or {"finance": ["U0ALICE", "U0BOB"]}).items()}
        path = write_roster(self.folder, roles=found | {"finance_lead": {"members": ["U0CAROL"]}})
        path.rename(self.rosters / f"{place}.yml")

    def install(self, team: str, code: str | None = None) -> httpx2.Response:
        """What an admin's browser does: the button, Slack's page, and back with a code."""
        with httpx2.Client(base_url=self.url) as browser:
            page = browser.get("/slack/install")
            found = re.search(r"state=([\w-]+)", page.text)
            assert found, page.text
            assert "oauth/v2/authorize" in page.text
            assert all(f"{scope}%2C" in page.text or f"{scope}," in page.text for scope in list(NEEDED)[:-1])
            query = {"code": code or f"code-{team}", "state": found[1]}
            cookie = page.headers["set-cookie"].partition(";")[0]
            return browser.get("/slack/oauth_redirect", params=query, headers={"cookie": cookie})

    def agent(self, place: str) -> Agent:
        """An agent of that workspace, as an operator makes one."""
        made = self.run("agent", "add", f"demo-{len(place)}", "--json", place=place)
        return Agent(f"{self.url}/w/{place}", json.loads(made)["token"])

    def run(self, *words: str, place: str | None = None, **env: str) -> str:
        """A command, which succeeds."""
        done = command(self.env | ({"SAYSO_WORKSPACE": place} if place else {}) | env, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ready(self) -> Json:
        """What /readyz says of each workspace."""
        said: Json = httpx2.get(f"{self.url}/readyz").json()["workspaces"]
        return said

    def until(self, true: Callable[[], bool], timeout: float = 30) -> None:
        """Wait for it."""
        deadline = time.monotonic() + timeout
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def card(self, team: str, approval: Json, **options: Any) -> Card:
        """An approval's card in one workspace."""
        return self.grid.workspaces[team].expect_card(approval_id=approval["id"], **options)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Two workspaces, and an organisation that installs for all of its own."""
    places = {"T0ONE": workspace("T0ONE"), "T0TWO": workspace("T0TWO"), "T0ORG": workspace("T0ORG", enterprise="E0ORG")}
    grid = SlackGrid(places)
    found = House(database_url, tmp_path, grid)
    try:
        found.open()
        yield found
    finally:
        found.close()
        grid.stop()


def test_two_workspaces_live_in_one_server_and_see_nothing_of_each_other(house: House) -> None:
    """Each installs, asks, decides and claims; one's token, people and record are nothing in the other's."""
    agents = {}
    for team in ("T0ONE", "T0TWO"):
        house.roster(team)
        assert house.install(team).status_code == 200
        agents[team] = house.agent(team)
    asked = {team: agent.refund() for team, agent in agents.items()}
    for team, approval in asked.items():
        card = house.card(team, approval)
        other = "T0TWO" if team == "T0ONE" else "T0ONE"
        assert not house.grid.workspaces[other].cards(approval_id=approval["id"])
        assert agents[other].raw("GET", f"/approvals/{approval['id']}").status_code == 404
        foreign = Agent(f"{house.url}/w/{other}", agents[team].token)
        assert foreign.raw("GET", "/approvals").status_code == 401
        house.grid.workspaces[team].person("U0BOB").click(card, "approve")
        assert agents[team].see(approval)["state"] == "approved"
        assert agents[team].claim(approval)["params"]["amount_usd"] == 480
    for team in agents:
        trail = house.run("audit", "export", place=team)
        assert asked[team]["id"] in trail
        assert asked["T0TWO" if team == "T0ONE" else "T0ONE"]["id"] not in trail
        house.run("audit", "verify", place=team)


@on_sqlite
def test_each_workspace_has_its_own_roster(house: House) -> None:
    """Who decides in one workspace decides nothing in another, though their ids are the same."""
    house.roster("T0ONE", finance=["U0ALICE"])
    house.roster("T0TWO", finance=["U0BOB"])
    for team, wrong, right in (("T0ONE", "U0BOB", "U0ALICE"), ("T0TWO", "U0ALICE", "U0BOB")):
        house.install(team)
        agent = house.agent(team)
        approval = agent.refund()
        assert approval["assignee"] == right
        card = house.card(team, approval)
        house.grid.workspaces[team].person(wrong).click(card, "approve")
        assert agent.see(approval)["state"] == "pending"
        house.grid.workspaces[team].person(right).click(card, "approve")
        assert agent.see(approval)["state"] == "approved"


@on_sqlite
def test_an_organisation_installs_for_all_of_its_workspaces(house: House) -> None:
    """Installed org-wide: its people decide, by whichever of its workspaces they tap; somebody of no organisation does not."""
    house.roster("E0ORG", finance=["U0ALICE", "U0BOB"])
    house.install("T0ORG")
    agent = house.agent("E0ORG")
    approval = agent.refund()
    card = house.card("T0ORG", approval)
    slack = house.grid.workspaces["T0ORG"]
    with slack.workspace.changing():
        slack.workspace.person("U0BOB").team_id = "T0ELSEWHERE"
    slack.person("U0BOB").click(card, "approve")
    assert agent.see(approval)["state"] == "pending"
    slack.person("U0ALICE").click(card, "approve")
    assert agent.see(approval)["state"] == "approved"


@on_sqlite
def test_a_workspace_without_a_roster_is_told_and_begins_when_there_is_one(house: House) -> None:
    """Installed, and nobody has written who decides: `/readyz` names the file, a command is answered, the others go on."""
    house.roster("T0ONE")
    house.install("T0ONE")
    house.install("T0TWO")
    said = house.ready()
    assert said["T0ONE"] == "ready"
    assert "SAYSO_ROSTER" in said["T0TWO"]
    answer = house.grid.workspaces["T0TWO"].person("U0ALICE").command("/sayso", "queue")
    assert "not ready" in str(vars(answer))
    assert httpx2.get(f"{house.url}/w/T0TWO/v1/approvals").status_code == 503
    assert httpx2.get(f"{house.url}/w/T0NONE/v1/approvals").status_code == 404
    house.roster("T0TWO")
    house.until(lambda: house.ready()["T0TWO"] == "ready")
    assert house.agent("T0TWO").refund()["state"] == "pending"


def test_no_token_lies_readable_in_the_database(house: House, database_url: str) -> None:
    """What Slack gave is sealed; a new key takes over by one command, and without a key that fits nothing starts."""
    house.roster("T0ONE")
    house.install("T0ONE")
    rows = _everything(database_url)
    assert "xoxb-t0one" not in rows
    assert "sealed:" in rows
    house.close()
    house.env["SAYSO_TOKEN_KEYS"] = f"{NEW_KEY},{KEY}"
    assert "2" in house.run("workspaces", "reseal")
    house.env["SAYSO_TOKEN_KEYS"] = NEW_KEY
    house.open()
    assert house.ready() == {"T0ONE": "ready"}
    house.close()
    done = command(house.env | {"SAYSO_TOKEN_KEYS": KEY}, "serve")
    assert done.returncode == 2
    assert done.stderr.strip() == "sayso: SAYSO_TOKEN_KEYS: none of the keys opens a stored token"


def _everything(url: str) -> str:
    query = "SELECT * FROM slack_bots", "SELECT * FROM slack_installations"
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            return str([connection.execute(one).fetchall() for one in query])
    with psycopg.connect(url) as session:
        return str([session.execute(one).fetchall() for one in query])


@on_sqlite
@pytest.mark.parametrize("wrong", ["state", "cookie", "code", "again"])
def test_an_installation_that_nobody_began_is_refused(house: House, wrong: str) -> None:
    """A state of somebody else's, another browser, a made-up code, or the same answer twice: nothing is installed by it."""
    with httpx2.Client(base_url=house.url) as browser:
        page = browser.get("/slack/install")
        state = re.search(r"state=([\w-]+)", page.text)
        assert state
        cookie = page.headers["set-cookie"].partition(";")[0]
        query = {"code": "code-T0ONE", "state": state[1]}
        browser.cookies.clear()
        if wrong == "again":
            assert browser.get("/slack/oauth_redirect", params=query, headers={"cookie": cookie}).status_code == 200
        query |= (
            {"state": {"state": "0" * 36}, "code": {"code": "code-T0NONE"}}.get(wrong, {}) if wrong != "again" else {}
        )
        headers = {} if wrong == "cookie" else {"cookie": cookie}
        assert browser.get("/slack/oauth_redirect", params=query, headers=headers).status_code in (400, 401)
    assert set(house.ready()) == ({"T0ONE"} if wrong == "again" else set())


@on_sqlite
def test_who_uninstalls_is_forgotten(house: House) -> None:
    """The app is taken out of a workspace: its token is gone, its agents are answered no more; installed again, its record is there."""
    house.roster("T0ONE")
    house.install("T0ONE")
    agent = house.agent("T0ONE")
    approval = agent.refund()
    slack = house.grid.workspaces["T0ONE"]
    slack.send_event({"type": "app_uninstalled"})
    house.until(lambda: house.ready() == {})
    assert "sealed:" not in _everything(house.env["SAYSO_DATABASE_URL"])
    assert agent.raw("GET", f"/approvals/{approval['id']}").status_code == 404
    house.grid.codes_taken.clear()
    house.install("T0ONE")
    assert agent.see(approval)["state"] == "pending"


@on_sqlite
def test_what_was_installed_runs_after_a_restart(house: House) -> None:
    """A server that was killed serves every workspace again, and a request that waited is decided."""
    house.roster("T0ONE")
    house.install("T0ONE")
    agent = house.agent("T0ONE")
    approval = agent.refund()
    house.card("T0ONE", approval)
    assert house.server is not None
    house.server.kill()
    house.open()
    again = Agent(f"{house.url}/w/T0ONE", agent.token)
    house.grid.workspaces["T0ONE"].person("U0BOB").click(house.card("T0ONE", approval), "approve")
    assert again.see(approval)["state"] == "approved"


@on_sqlite
@pytest.mark.parametrize(
    "changed, named",
    [
        ({"SLACK_CLIENT_SECRET": ""}, "SLACK_CLIENT_SECRET"),
        ({"SAYSO_TOKEN_KEYS": ""}, "SAYSO_TOKEN_KEYS"),
        ({"SAYSO_TOKEN_KEYS": "short"}, "SAYSO_TOKEN_KEYS"),
        ({"SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_APP_TOKEN"),
        ({"SAYSO_WORKSPACE": "one"}, "SAYSO_WORKSPACE"),
    ],
)
def test_settings_for_many_are_whole(house: House, changed: dict[str, str], named: str) -> None:
    """What is missing for many workspaces, or is for one, stops the start with a line that names it."""
    done = command(house.env | changed, "serve")
    assert done.returncode == 2
    assert done.stderr.startswith(f"sayso: {named}:")


@on_sqlite
def test_a_command_says_which_workspace_it_wants(house: House) -> None:
    """Without SAYSO_WORKSPACE a command about one workspace does nothing; `workspaces` lists them."""
    house.roster("T0ONE")
    house.install("T0ONE")
    done = command(house.env, "agent", "list")
    assert (done.returncode, "SAYSO_WORKSPACE" in done.stderr) == (2, True)
    assert "T0ONE" in house.run("workspaces", "list")
    looked = command(house.env | {"SAYSO_WORKSPACE": "T0ONE"}, "doctor").stdout
    assert "/w/T0ONE" in looked
    assert "is for one workspace" not in looked
    assert "xoxb" not in looked
    assert (
        "SAYSO_WORKSPACE: the app is not installed"
        in command(house.env | {"SAYSO_WORKSPACE": "T0TWO"}, "doctor").stderr
    )
    assert json.loads(house.run("workspaces", "list", "--json"))[0]["id"] == "T0ONE"
