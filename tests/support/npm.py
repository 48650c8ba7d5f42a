"""Programs from npm, unmodified, of fixed versions, each set installed once beside the frameworks."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def installed(folder: Path, versions: Mapping[str, str], what: str) -> Path:
    """Where npm put the packages; skips, and says so, where it cannot install them."""
    if shutil.which("npm") is None:
        pytest.skip(f"NOT TESTED: {what} need node and npm")
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".ready"
        wanted = [f"{name}@{version}" for name, version in versions.items()]
        if not done.exists() or done.read_text() != "\n".join(wanted):
            words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *wanted]
            ran = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
            if ran.returncode:
                pytest.skip(f"NOT TESTED: npm could not install {what}: {ran.stderr[-300:]}")
            done.write_text("\n".join(wanted))
    return folder / "node_modules"
