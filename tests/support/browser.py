"""Headless Chromium as Debian packages it, for tests of the page and for the pictures in the guides."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
TRIES, TRY_MS = 8, 5_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def touched(part: Any, action: str) -> None:
    """Touch what a card or a modal offers: a button, or an entry behind ⋯."""
    button = part.get_by_test_id(f"action-{action}").first
    menu = part.get_by_test_id("action-overflow").first
    entry = part.locator(f'[role="menuitem"][data-value^="{action}:"]').first
    button.or_(menu).first.wait_for()  # the page may only just have been opened
    for _ in range(TRIES):
        # A card that is drawn anew closes its menu, or has a button where it had a menu; a person looks again.
        with contextlib.suppress(Late):
            if button.is_visible():
                button.click(timeout=TRY_MS)
                return
            if not entry.is_visible():
                menu.click(timeout=TRY_MS)
            entry.click(timeout=TRY_MS)
            return
    raise AssertionError(f"{action} is neither a button nor behind ⋯")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser with a fresh profile, for as long as the block runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
