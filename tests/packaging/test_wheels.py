"""Two distributions from one tree: each holds its own rooms only, declares what it imports, and works by itself."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from pathlib import Path

import httpx2
import pytest
from support.agent import Agent
from support.office import Office
from support.servers import ROOT, free_port

# Packages of the extras, which need not be installed here, and of what those bring along: the distribution that names them.
BROUGHT_BY = {
    "agents": "openai-agents",
    "claude_agent_sdk": "claude-agent-sdk",
    "langchain": "langchain",
    "langchain_core": "langchain",
    "langgraph": "langgraph",
    "opentelemetry": "opentelemetry-api",
    "pydantic_ai": "pydantic-ai-slim",
    "pydantic_core": "pydantic",
}
ROOMS = {"sayso": {"sayso"}, "sayso_server": {"bot", "store", "policies", "templates"}}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels, built as `make wheels` builds them."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), ".", "packaging/server"], cwd=ROOT, check=True, timeout=120)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.mark.parametrize("name", ROOMS)
def test_a_wheel_holds_its_own_rooms_only(wheels: dict[str, Path], name: str) -> None:
    """The client's wheel brings nothing of the server, and the other way round; no caches, no tests."""
    files = zipfile.ZipFile(wheels[name]).namelist()
    tops = {file.split("/")[0] for file in files if ".dist-info/" not in file}
    assert tops == ROOMS[name]
    assert not [file for file in files if "__pycache__" in file or file.startswith("tests/")]


@pytest.mark.parametrize("name", ROOMS)
def test_a_wheel_declares_what_it_imports(wheels: dict[str, Path], name: str) -> None:
    """Every import of somebody else's package belongs to a dependency that the wheel names."""
    wheel = zipfile.ZipFile(wheels[name])
    metadata = next(file for file in wheel.namelist() if file.endswith("/METADATA"))
    told = importlib.metadata.PathDistribution(zipfile.Path(wheel, metadata.removesuffix("METADATA")))
    declared = {_plain(one.split(";")[0]) for one in told.requires or []}
    owners = importlib.metadata.packages_distributions()
    missing = set()
    for file in (file for file in wheel.namelist() if file.endswith(".py")):
        for package in _imports(wheel.read(file).decode()) - ROOMS[name] - sys.stdlib_module_names:
            if (
                not {_plain(owner) for owner in [*owners.get(package, [package]), BROUGHT_BY.get(package, package)]}
                & declared
            ):
                missing.add(f"{file} imports {package}")
    assert not missing


def _plain(requirement: str) -> str:
    name = requirement.strip()
    for stop in "[<>=!~ (":
        name = name.split(stop)[0]
    return name.lower().replace("_", "-")


def _imports(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.iter_child_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.fixture
def installed(wheels: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An environment with one of the wheels, and third parties' packages; this tree is not on its path."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", f"--python={folder / 'bin' / 'python'}", "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--ignore-installed", str(wheels[request.param])], check=True, timeout=120)
    return folder / "bin"


def run(program: Path, *arguments: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a program prints; it has to end well."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(program), *arguments], cwd=cwd, env=clean | (env or {}), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("installed", ["sayso"], indirect=True)
def test_the_client_alone_is_importable(installed: Path, tmp_path: Path) -> None:
    """With its wheel alone `import sayso` works, and there is no server in sight."""
    look = "import sayso, importlib.util as u; print(sayso.__file__, u.find_spec('bot'), u.find_spec('store'))"
    where, *rooms = run(installed / "python", "-c", look, cwd=tmp_path).split()
    assert Path(where).is_relative_to(installed.parent)
    assert rooms == ["None", "None"]


@pytest.mark.parametrize("installed", ["sayso_server"], indirect=True)
def test_the_server_alone_serves(installed: Path, office: Office, tmp_path: Path) -> None:
    """`sayso-server` from its wheel makes an agent, serves, asks in Slack and grants, far from any checkout."""
    program, port = installed / "sayso-server", free_port()
    env = {**office.slack.env, "SAYSO_DATABASE_URL": f"sqlite:///{tmp_path / 'own.db'}", "SAYSO_PORT": str(port)}
    env |= {"SAYSO_MANIFEST": str(office.manifest), "SAYSO_ROSTER": str(office.roster), "SAYSO_SWEEP_SECONDS": "1"}
    assert str(installed.parent) in run(
        installed / "python", "-c", "import bot, policies; print(bot.__file__)", cwd=tmp_path
    )
    run(program, "migrate", cwd=tmp_path, env=env)
    token = run(program, "agent", "add", "demo", cwd=tmp_path, env=env).split()[-1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([str(program), "serve"], cwd=tmp_path, env={**os.environ, **env}) as server:
        try:
            _until_ready(url)
            office.slack.bot_url = url
            agent = Agent(url, token)
            refund = agent.refund()
            office.person("U0ALICE").click(office.card(refund), "approve")
            assert agent.claim(refund)["params"]["amount_usd"] == 480
            agent.close()
        finally:
            server.terminate()
    assert server.returncode in (0, -15)


def _until_ready(url: str, seconds: float = 30) -> None:
    patience = time.monotonic() + seconds
    while time.monotonic() < patience:
        try:
            if httpx2.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")
