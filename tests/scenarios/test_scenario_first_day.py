"""A newcomer's day, read from docs/operations.md and gone through to the letter: the app, two files, a green doctor, the first approval."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml
from support.servers import ROOT, command, environment, free_port, zygote

from playground.kit import Playground

DOCS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DAY = DOCS.partition("## The first day\n")[2].partition("\n## ")[0]
SECONDS = 120.0
COMMANDS = re.findall(r"`((?:[A-Z_]+=\S+ )*(?:python -m bot|sayso) [^`]+)`", DAY.partition("What each line")[0])
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def block(name: str) -> str:
    """A file as the page shows it."""
    found = re.search(rf"```\w+\n# {re.escape(name)}\n(.*?)```", DAY, flags=re.DOTALL)
    assert found is not None, name
    return found[1]


def words(start: str) -> list[str]:
    """The command of the page that begins so, without settings in front and what runs it."""
    (found,) = (one for one in COMMANDS if start in one)
    parts = found.split()
    return parts[parts.index("bot") + 1 :] if "bot" in parts else parts[parts.index("sayso") + 1 :]


@pytest.fixture
def slack() -> Iterator[Playground]:
    """Step 1: the app, from manifest.yml."""
    with Playground.start() as found:
        found.install(yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8")))
        yield found


def put_up(day: Path, slack: Playground, port: int) -> None:
    """Steps 2 to 4: the two files as they stand, and the settings with this Slack's secrets."""
    for name in ("actions.yml", "reviewers.yml"):
        (day / name).write_text(block(name), encoding="utf-8")
    own = {
        "SLACK_BOT_TOKEN": slack.token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SAYSO_AUDIT_KEY": "a key of the newcomer's own",
        "SAYSO_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    lines = [line.partition("=") for line in block(".env").splitlines()]
    written = "".join(f"{name}={own.get(name, value)}\n" for name, _, value in lines)
    # What the page need not say: where the pretended Slack is, a port that is free here, and not to wait half a minute.
    here = f"SAYSO_SLACK_API_URL={slack.api_url}\nSAYSO_PORT={port}\nSAYSO_SWEEP_SECONDS=1\n"
    (day / ".env").write_text(written + here, encoding="utf-8")
    (day / ".env").chmod(0o600)


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """The folder that the newcomer works in."""
    zygote()
    return tmp_path


def test_the_first_day(day: Path, slack: Playground) -> None:
    """From manifest.yml to the first approval that ran, within two minutes; the doctor is green before and after."""
    begun = time.monotonic()
    port = free_port()
    put_up(day, slack, port)
    added = command({}, *words("agent add"), folder=day)
    assert added.returncode == 0, added.stderr
    token = added.stdout.split()[-1]
    slack.bot_url = f"http://127.0.0.1:{port}"
    whole = environment({"PYTHONPATH": str(ROOT)})
    with (
        (day / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "bot", *words("bot serve")], cwd=day, env=whole, stdout=log, stderr=log
        ) as server,
    ):
        try:
            answering(slack.bot_url, day)
            green = command({}, "doctor", folder=day)
            assert green.returncode == 0, green.stdout
            assert "ok: request URL" in green.stdout

            ran = threading.Thread(target=lambda: outcome.append(first_approval(day, port, token)))
            outcome: list[subprocess.CompletedProcess[str]] = []
            ran.start()
            card = slack.expect_card(channel="#engineering", contains="Restart")
            assert slack.person("U0DAN").click(card, "approve").ok
            ran.join(30)
            assert (outcome[0].returncode, outcome[0].stdout.strip()) == (0, "restarted"), outcome[0].stderr

            slack.person("U0DAN").command("/sayso", "help", "#ops")
            slack.person("U0DAN").open_home()
            found = checklist(day)
        finally:
            server.terminate()
            server.wait(20)
    done = (
        "the doctor",
        "first approval",
        "Slack's switches",
        "agents' tokens",
        "agents' owners",
        "admins",
        "two for each role",
    )
    assert {name: found[name] for name in done} == dict.fromkeys(done, "ok")
    assert time.monotonic() - begun < SECONDS


def checklist(day: Path) -> dict[str, str]:
    """Step 9: how each point is, once a sweep has written down what came."""
    deadline = time.monotonic() + 20
    while True:
        told = command({}, *words("--launch"), "--json", folder=day)
        found = {one["name"]: one["state"] for one in json.loads(told.stdout)["findings"]}
        if found["Slack's switches"] == "ok" or time.monotonic() > deadline:
            return found


def answering(url: str, day: Path) -> None:
    """Wait until the server does."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/healthz").status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise AssertionError((day / "log").read_text())


def first_approval(day: Path, port: int, token: str) -> subprocess.CompletedProcess[str]:
    """Step 8, at the port and with the token of this test."""
    settings = {"SAYSO_URL": f"http://127.0.0.1:{port}", "SAYSO_TOKEN": token, "PYTHONPATH": str(ROOT)}
    ask = [sys.executable, "-m", "sayso", *words("sayso run")]
    return subprocess.run(
        ask, cwd=day, env=environment(settings), capture_output=True, text=True, timeout=50, check=False
    )


def test_the_day_is_as_long_as_it_says() -> None:
    """Steps, settings, files and commands are counted in the page's first line."""
    said = re.search(r"(\w+) steps, (\w+) settings, (\w+) files and (\w+) commands", DAY)
    assert said is not None
    steps = len(re.findall(r"^\d+\. ", DAY, flags=re.MULTILINE))
    settings, files = len(block(".env").splitlines()), len(re.findall(r"^# \w+\.yml$", DAY, flags=re.MULTILINE))
    counted = (steps, settings, files, len(COMMANDS))
    assert tuple(NUMBERS.index(word.lower()) for word in said.groups()) == counted
