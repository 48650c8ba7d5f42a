"""Behind a proxy: under a path of its host, and its word on who asks is taken where it is listed, from nobody else."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from support.agent import NONCE, Agent
from support.marks import on_sqlite
from support.office import Office
from support.servers import free_port

from sayso import Sayso

pytestmark = on_sqlite
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Host": "approvals.example.com"}


@pytest.fixture
def under(closed_office: Office) -> Office:
    """A server that lives under a path, and believes proxies on this machine."""
    closed_office.settings |= {"SAYSO_ROOT_PATH": "/tools/sayso/", "SAYSO_TRUSTED_PROXIES": "127.0.0.1, 10.9.0.0/16"}
    closed_office.open()
    return closed_office


def redirected(url: str, path: str, headers: dict[str, str]) -> str:
    """Where the server sends whoever has a slash too many: the one place where it names its own address."""
    answer = httpx2.get(url + path, headers=headers, timeout=10)
    assert answer.status_code == 307
    return str(answer.headers["location"])


@pytest.mark.parametrize("prefix", ["", "/tools/sayso"], ids=["stripped", "left"])
def test_every_door_opens_under_the_prefix(under: Office, prefix: str) -> None:
    """Whether the proxy strips the prefix or leaves it, the API, health, figures and Slack's door are there."""
    url = under.server.url + prefix
    for page in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert httpx2.get(url + page, timeout=10).status_code == 200
    agent = Agent(url, under.agent.token)
    refund = agent.refund()
    under.slack.bot_url = url
    assert under.person("U0ALICE").click(under.card(refund), "approve").status == 200
    assert agent.claim(refund)["params"]["amount_usd"] == 480
    agent.close()


def test_links_and_the_description_are_under_the_prefix(under: Office) -> None:
    """`/openapi.json` names the prefix as its server, and a redirect leads under it, by either way in."""
    for prefix in ("", "/tools/sayso"):
        url = under.server.url + prefix
        assert httpx2.get(f"{url}/openapi.json", timeout=10).json()["servers"] == [{"url": "/tools/sayso"}]
        found = redirected(url, "/v1/approvals/", {"Host": "approvals.example.com"})
        assert found == "http://approvals.example.com/tools/sayso/v1/approvals"


@pytest.mark.parametrize("path", ["/tools/saysonot/healthz", "/tools/healthz", "/tools/sayso/tools/sayso/healthz"])
def test_a_path_beside_the_prefix_is_nothing(under: Office, path: str) -> None:
    """A path that only looks like the prefix is none of ours."""
    assert httpx2.get(under.server.url + path, timeout=10).status_code == 404


def test_without_a_prefix_nothing_is_under_one(office: Office) -> None:
    """Nothing answers under a path that nobody set, and the description names no server."""
    assert httpx2.get(f"{office.server.url}/tools/sayso/healthz", timeout=10).status_code == 404
    assert "servers" not in httpx2.get(f"{office.server.url}/openapi.json", timeout=10).json()


def test_a_listed_proxy_is_believed(under: Office) -> None:
    """From a listed address, who asked it and how (https) is taken from its headers."""
    found = redirected(under.server.url, "/v1/approvals/", FORWARDED)
    assert found == "https://approvals.example.com/tools/sayso/v1/approvals"


@pytest.mark.parametrize("listed", ["", "10.9.0.0/16"])
def test_nobody_else_is_believed(listed: str, closed_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any other address the same headers are worth nothing, whatever uvicorn's own variable says."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    closed_office.settings["SAYSO_TRUSTED_PROXIES"] = listed
    closed_office.open()
    found = redirected(closed_office.server.url, "/v1/approvals/", FORWARDED)
    assert found == "http://approvals.example.com/v1/approvals"


def test_a_forged_line_of_addresses_is_no_trouble(under: Office) -> None:
    """Garbage in a listed proxy's headers answers as if they were not there, and breaks nothing."""
    for forged in ("", ",,,", "::::", "[", "unknown", "a" * 9000, "1.2.3.4:99999999999999999999", "\x80"):
        headers = [(b"X-Forwarded-For", forged.encode("latin-1")), (b"X-Forwarded-Proto", b"javascript")]
        answer = httpx2.get(f"{under.server.url}/v1/approvals/", headers=headers, timeout=10)
        assert answer.status_code == 307
        assert answer.headers["location"].startswith("http://127.0.0.1")


NGINX_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  include {shipped};
  server {{
    listen 127.0.0.1:{port};
    location /tools/sayso/ {{
      proxy_pass http://sayso{rest};
      {headers}
    }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, server: str, *, strips: bool) -> Iterator[str]:
    """A real reverse proxy in front of the server, configured as docs/operations.md says."""
    if NGINX is None:
        pytest.skip("NOT TESTED: the server behind a real proxy needs nginx (Debian: nginx-light)")
    from support.servers import ROOT

    text = (ROOT / "packaging/nginx/sayso.conf").read_text(encoding="utf-8")
    upstream, _, location = text.partition("# --- location ---\n")
    upstream = upstream.replace("127.0.0.1:8350", server.removeprefix("http://"))
    (folder / "upstream.conf").write_text(upstream, encoding="utf-8")
    port = free_port()
    headers = "\n".join(
        line for line in location.splitlines() if line.strip().startswith("proxy_") and "_pass" not in line
    )
    configuration = NGINX_CONFIGURATION.format(
        folder=folder, port=port, rest="/" if strips else "", headers=headers, shipped=folder / "upstream.conf"
    )
    (folder / "nginx.conf").write_text(configuration, encoding="utf-8")
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield _answering(f"http://127.0.0.1:{port}/tools/sayso", folder / "error.log")
        finally:
            process.terminate()


def _answering(url: str, log: Path) -> str:
    patience = time.monotonic() + 10
    while time.monotonic() < patience:
        try:
            if httpx2.get(f"{url}/healthz", timeout=5).status_code == 200:
                return url
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8") if log.exists() else "nginx did not start")


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "left"])
def test_a_story_through_a_real_proxy(under: Office, tmp_path: Path, strips: bool) -> None:
    """Through nginx: Slack's signature holds, a long-poll outlives a silence, the client resumes, links are right."""
    with nginx(tmp_path, under.server.url, strips=strips) as url:
        under.slack.bot_url = url
        token = under.agent.token
        with Sayso(url, token) as sayso:
            asked = sayso.ask("process_refund", {"customer": "ann@example.com", "amount_usd": 480})
            card = under.card({"id": asked.id})
            raw = httpx2.get(
                f"{url}/v1/approvals/{asked.id}?wait=3", headers={"Authorization": f"Bearer {token}"}, timeout=30
            )
            assert raw.json()["state"] == "pending"
            under.person("U0ALICE").click(card, "approve")
            assert sayso.wait(asked).approved
        agent = Agent(url, token)
        assert agent.claim(asked.id)["params"]["amount_usd"] == 480
        agent.result(asked.id, nonce=NONCE)
        agent.close()
        found = redirected(url, "/v1/approvals/", {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"})
        assert found == f"{url}/v1/approvals", "what nginx says of itself counts, not what its caller claims"
