"""How long a new user takes: `git clone`, `make demo`, and taps in a browser until the agent has acted: python -m tests.first_approval

The clone is made anew and its environment built; pip may use the machine's own cache. Prints each stage, and exits 1 above GOAL.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.browser import chromium  # noqa: E402

GOAL_SECONDS, GOAL_CLICKS = 40.0, 3
URL = re.compile(r"^\s*(http://\S+)$")


class Watch:
    """Seconds since it was made, and what happened when."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def says(self, what: str) -> float:
        """Print what has happened by now."""
        now = time.monotonic() - self._began
        print(f"{now:6.1f} s  {what}", flush=True)
        return now


def main() -> int:
    """Play the new user; the exit status."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        watch, clone = Watch(), Path(folder) / "sayso"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        watch.says("git clone")
        played = subprocess.Popen(
            ["make", "--silent", "demo"], cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            url = next(found[1] for line in played.stdout or () if (found := URL.match(line)))
            watch.says("make demo has printed its address")
            clicks = _approve(browser, url, watch)
            seconds = watch.says(f"the agent has acted, after {clicks} clicks")
        finally:
            os.killpg(played.pid, signal.SIGINT)
            played.wait(30)
    return int(seconds > GOAL_SECONDS or clicks > GOAL_CLICKS)


def _approve(browser: Any, url: str, watch: Watch) -> int:
    """Open the page, and touch what it shows first until the ledger has a row; how many touches that took."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(url)
    card = page.get_by_test_id("message").filter(has_text="Refund $180").last
    card.get_by_test_id("action-approve").click()
    watch.says("Approve is tapped on the first card")
    page.get_by_test_id("confirm-ok").click()
    page.locator('[data-testid="guide-approve"][data-done="true"]').wait_for()
    page.get_by_test_id("ledger-row").filter(has_text="order 1042").wait_for()
    return 2


if __name__ == "__main__":
    sys.exit(main())
