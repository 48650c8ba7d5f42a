"""How much of a phone each kind of card takes: never more than docs/cards.md says, and no more than 420 px where it is ordinary."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PHONE = {"width": 390, "height": 690}
ORDINARY = 420
ROW = re.compile(r"^\| `((?:card|notice|standing)-[a-z-]+)` \| (\d+) \|", re.MULTILINE)
pytestmark = pytest.mark.browser


def scenes() -> ModuleType:
    """The scenes of the pictures in the guide."""
    spec = importlib.util.spec_from_file_location("screens", ROOT / "docs" / "screens.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(browser: Any) -> dict[str, float]:
    """The height of every card that the scenes show, on a phone."""
    screens, heights = scenes(), dict[str, float]()

    class Measuring(screens.Studio):  # type: ignore[misc, name-defined]
        def __init__(self, office: Any) -> None:
            self.office, self.only, self.screens = office, "", []
            self.page = browser.new_page(viewport=PHONE)

        def card(self, name: str, card: Any, user: str = "U0ALICE") -> None:
            self.page.goto(f"{card.permalink}?as={user}")
            message = self.page.locator(f'[data-testid="message"][data-ts="{card.ts}"]').first
            message.wait_for()
            box = message.bounding_box()
            while box is None:  # it is being drawn anew, and pytest-timeout ends what never comes
                self.page.wait_for_timeout(100)
                box = message.bounding_box()
            heights[name] = box["height"]

        def modal(self, *args: Any, **more: Any) -> None:
            """Forms scroll."""

        answer = home = modal

    with screens.opened() as office:
        studio = Measuring(office)
        for scene in screens.SCENES:
            scene(studio)
        studio.page.close()
    return heights


def test_no_card_is_taller_than_the_guide_says(browser: Any) -> None:
    """Each kind of card is measured on a phone, has its row in the guide, and is no taller than that."""
    told = {name: int(pixels) for name, pixels in ROW.findall((ROOT / "docs" / "cards.md").read_text())}
    found = measured(browser)
    print({name: round(height) for name, height in found.items()})
    assert set(found) == set(told)
    assert {name: height for name, height in found.items() if height > told[name]} == {}
    assert told["card-pending"] <= ORDINARY
