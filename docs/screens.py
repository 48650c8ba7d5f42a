"""Makes the pictures in docs/images: `make screens`. The real server, the playground as Slack, headless Chromium."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from playwright.sync_api import sync_playwright  # noqa: E402
from support.office import Office  # noqa: E402

from store import schema  # noqa: E402
from store.engine import Database  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 1100}
HIGHLIGHT_MS = 3000  # a linked message is tinted at first


class Studio:
    """An office with a browser in front of it."""

    def __init__(self, office: Office, browser: Any) -> None:
        self.office, self.browser = office, browser

    def shoot(self, name: str, link: str, *, user: str = "U0ALICE", act: Callable[[Any], None] | None = None) -> None:
        """One scene on a desktop and on a phone."""
        for suffix, size in (("", DESKTOP), ("-phone", PHONE)):
            page = self.browser.new_page(viewport=size, device_scale_factor=1)
            page.goto(f"{link}?as={user}")
            page.get_by_test_id("composer").wait_for()
            page.wait_for_timeout(HIGHLIGHT_MS)
            if act is not None:
                act(page)
                page.wait_for_timeout(400)
            page.screenshot(path=IMAGES / f"{name}{suffix}.png")
            page.close()
            self.office.slack.person(user).close(everything=True)


def main() -> None:
    """Play the scenes."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        url = f"sqlite:///{folder}/sayso.db"
        schema.upgrade(Database(url))
        office = Office(url, Path(folder))
        office.manifest, office.roster = ROOT / "policies/actions.yml", ROOT / "policies/reviewers.yml"
        office.open()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            scenes(Studio(office, browser))
        finally:
            browser.close()
            office.close()


def refund(studio: Studio, amount: float, customer: str, **more: Any) -> Any:
    """A refund as an agent would ask for it."""
    return studio.office.agent.ask(
        "process_refund",
        {"customer": customer, "amount_usd": amount, "order_id": "#W4435622"},
        reason="The parcel arrived crushed; the customer sent a photo and wants the money back.",
        evidence={"retrieval_hits": 3, "tool_errored": False, "self_consistency": 0.9},
        confidence=0.82,
        risks=["The same customer was refunded twice this year."],
        expected_outcome="The money is on the card within three days.",
        completed_steps=["Read the order", "Compared the photo with the packing list"],
        session_id="support-118",
        **more,
    )


def opens(action: str, callback: str) -> Callable[[Any], None]:
    """Tap a button of the newest card and wait for its modal."""

    def act(page: Any) -> None:
        page.get_by_test_id(f"action-{action}").last.click()
        page.get_by_test_id("modal").wait_for()

    return act


def scenes(studio: Studio) -> None:
    """Every card and modal there is a picture of."""
    slack, agent = studio.office.slack, studio.office.agent
    first = refund(studio, 480, "ann@example.com")
    card = slack.expect_card(channel="#finance", approval_id=first["id"])
    slack.person("U0BOB").click(card, "approve")
    slack.expect_update(card, contains="Approved")
    agent.claim(first)
    agent.result(first, detail="Ledger row 1042 written")
    slack.expect_update(card, contains="Done")
    second = refund(studio, 4800, "max@example.com")
    link = slack.expect_card(channel="#finance", approval_id=second["id"], timeout=10).permalink
    studio.shoot("card", link)
    for action in ("reject", "edit", "details", "request_info", "take_over", "escalate"):
        studio.shoot(f"modal-{action}", link, act=opens(action, f"{action}_modal"))


if __name__ == "__main__":
    main()
