"""The command `sayso` starts quickly, and importing the package costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
import time


def test_the_package_stays_cheap_to_import() -> None:
    """Importing sayso, or starting a hook, loads neither HTTP client nor pydantic."""
    for code in ("import sayso", "import sayso.cli.hook, sayso.cli.install, sayso.cli.doctor"):
        heavy = "import sys; print(sorted({'httpx2', 'pydantic', 'asyncio', 'ssl'} & set(sys.modules)))"
        told = subprocess.run([sys.executable, "-c", f"{code}; {heavy}"], capture_output=True, text=True, check=True)
        assert told.stdout == "[]\n"
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "sayso", "hook", "--for", "codex"], input="", capture_output=True, text=True, check=False
    )
    assert time.monotonic() - begun < 5.0
