"""The systemd unit: systemd itself finds it right and well closed, and what it forbids the server does not need."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.servers import ROOT

from bot.settings import Settings, environment_name

UNIT = ROOT / "packaging/systemd/sayso.service"
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 20  # of a hundred; systemd calls up to 20 "OK", and nothing that listens comes to 0
needed = pytest.mark.skipif(ANALYZE is None, reason="NOT TESTED: the unit needs systemd-analyze (Debian: systemd)")


def said() -> configparser.ConfigParser:
    """The unit's settings."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT, encoding="utf-8")
    return parser


@needed
def test_systemd_reads_it(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say, once the command exists."""
    unit = tmp_path / "sayso.service"
    text = UNIT.read_text(encoding="utf-8").replace("/opt/sayso/bin/sayso-server", shutil.which("true") or "/bin/true")
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run([str(ANALYZE), "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60)
    told = [line for line in done.stderr.splitlines() if "sayso.service" in line]
    assert (done.returncode, told) == (0, [])


@needed
def test_it_is_well_closed() -> None:
    """`systemd-analyze security` finds it no more exposed than it has to be."""
    command = [str(ANALYZE), "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
    level = re.search(r"Overall exposure level for \S+: (\S+)", done.stdout)
    assert level is not None


def test_it_says_what_the_server_needs() -> None:
    """Notified, its data in the state folder, and longer to end than the server takes."""
    service = said()["Service"]
    assert service["Type"] == "notify"
    assert service["StateDirectory"] == "sayso"
    given = dict(pair.split("=", 1) for pair in service["Environment"].split())
    assert given["SAYSO_DATA_DIR"] == "%S/sayso"
    assert {name for name in given if name.startswith("SAYSO_")} <= {
        environment_name(one) for one in Settings.model_fields
    }
    assert int(service["TimeoutStopSec"]) >= int(given["SAYSO_SHUTDOWN_SECONDS"]) + 5
    assert int(service["LimitNOFILE"]) >= 4096 + 256


def test_memory_that_can_be_written_is_never_run() -> None:
    """Under MemoryDenyWriteExecute, which the unit sets, everything that the server loads still works."""
    code = (
        "import ctypes, sys\n"
        "done = ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)\n"  # PR_SET_MDWE
        "import bot.app, bot.cli.serve, psycopg, uvloop, re2, cel_expr_python, tree_sitter_bash\n"
        "from bot.server.startup_check import check_all\n"
        "check_all()\n"
        "print(done)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    if done.stdout.split()[-1] != "0":
        pytest.skip("NOT TESTED: this kernel does not know PR_SET_MDWE")
