"""Every act done as a person does it: on the page, in a real browser, by clicking and typing."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from playwright.sync_api import TimeoutError as Late
from support.browser import touched
from support.office import Office
from support.played import played

PATIENCE_MS = 60_000
TRIES_MS = (5_000, 10_000, 20_000, 60_000)
pytestmark = pytest.mark.browser


class Clicking:
    """A person's hand on the page: one tab for each person."""

    def __init__(self, office: Office, browser: Any) -> None:
        self.office, self.browser = office, browser
        self.tabs: dict[str, Any] = {}
        self.problems: list[str] = []

    def press(self, user: str, approval_id: str, action: str) -> None:
        for patience_ms in TRIES_MS:
            # A card that is drawn anew loses a click, and one that moved on is another message; a person looks and clicks again.
            with contextlib.suppress(Late):
                button = self._card(user, approval_id, action).get_by_test_id(f"action-{action}")
                button.click(timeout=patience_ms)
                self._confirmed(self.tabs[user], action)
                button.wait_for(state="detached", timeout=max(patience_ms, 20_000))
                return
        raise AssertionError(self.office.slack.told(f"{action} of {approval_id} was clicked and nothing came of it"))

    def fill(self, user: str, approval_id: str, action: str, values: dict[str, str]) -> None:
        touched(self._card(user, approval_id, action), action)
        tab = self.tabs[user]
        modal = tab.locator(f'[data-testid="modal"][data-callback-id="{action}_modal"]')
        modal.wait_for()
        for name, value in values.items():
            modal.get_by_test_id(f"input-{name}").locator("input, textarea").fill(value)
        modal.get_by_test_id("modal-submit").click()
        modal.wait_for(state="detached")

    def read(self, user: str, approval_id: str, action: str) -> str:
        touched(self._card(user, approval_id, action), action)
        modal = self.tabs[user].get_by_test_id("modal")
        modal.wait_for()
        text = str(modal.inner_text())
        modal.get_by_test_id("modal-close").click()
        modal.wait_for(state="detached")
        return text

    def _card(self, user: str, approval_id: str, action: str) -> Any:
        card = self.office.slack.expect_card(approval_id=approval_id, has=action, timeout=30)
        tab = self.tabs.get(user)
        if tab is None:
            tab = self.tabs[user] = self.browser.new_page(viewport={"width": 1280, "height": 900})
            tab.set_default_timeout(PATIENCE_MS)
            tab.on("pageerror", lambda error: self.problems.append(str(error)))
            tab.goto(f"{card.permalink}?as={user}")
        return tab.locator(f'[data-testid="message"][data-ts="{card.ts}"]').first

    @staticmethod
    def _confirmed(tab: Any, action: str) -> None:
        """What cannot be undone asks once more."""
        if action == "approve":
            tab.get_by_test_id("confirm-ok").click()

    def close(self) -> None:
        for tab in self.tabs.values():
            tab.close()


def test_every_act_by_clicking(office: Office, browser: Any) -> None:
    """A person clicks and types each act on the page; the agent's second process is told and acts accordingly."""
    hand = Clicking(office, browser)
    try:
        played(office, hand)
        assert hand.problems == []
    finally:
        hand.close()
