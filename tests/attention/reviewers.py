"""Reviewers who look now and then, decide what a card that names them shows, and count their taps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playground.kit_things import Card, Surface
from store import approvals
from tests.attention.bureau import Bureau

Json = dict[str, Any]


@dataclass
class Reviewer:
    """One person, who looks at the channel every `every` seconds, first at `first`."""

    user: str
    first: float
    every: float
    taps: dict[str, float] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)

    def look(self, bureau: Bureau, asked: dict[str, Json]) -> None:
        """Decide everything that waits on cards that mention this person. `asked` are the approvals by id."""
        for posted in list(bureau.live):
            card = bureau.office.slack.refresh(posted)
            if not card.actions():
                bureau.live.remove(posted)
            elif f"<@{self.user}>" in card.mentions():
                self._decide(bureau, card, asked)
                bureau.settle()

    def _decide(self, bureau: Bureau, card: Card, asked: dict[str, Json]) -> None:
        if card.has("batch_approve"):
            ids = [pair.partition("|")[0] for pair in str(card.element("batch_approve")["value"]).split(",")]
            self._tap(bureau, card, "batch_approve", ids, asked)
        elif card.approval_id is not None and card.has("approve"):
            self._approve(bureau, card, card.approval_id, asked, 0)
        else:
            for found in list(_entries(card)):
                if asked[found["id"]]["assignee"] == self.user:
                    self._entry(bureau, card, found, asked)

    def _entry(self, bureau: Bureau, card: Card, found: Json, asked: dict[str, Json]) -> None:
        """One entry of a digest: decided there where it can be, else in its details."""
        person, approval_id = bureau.office.person(self.user), found["id"]
        approve = next((value for action, value in found["buttons"] if action == "approve"), None)
        if approve is not None:
            self._approve(bureau, card, approval_id, asked, 0, approve)
            return
        person.close(everything=True)
        details = next(value for action, value in found["buttons"] if action == "details")
        person.click(card, "details", details)
        form = person.expect_modal(contains=approval_id, timeout=20)
        self._approve(bureau, form, approval_id, asked, 1)

    def _approve(
        self,
        bureau: Bureau,
        shown: Any,
        approval_id: str,
        asked: dict[str, Json],
        before: int,
        value: str | None = None,
    ) -> None:
        taps = before + (2 if _confirms(shown, value) else 1)
        self._look_whole(shown, [approval_id], asked)
        person = bureau.office.person(self.user)
        person.close(everything=not before)
        person.click(shown, "approve", value)
        if bureau.office.database.read(lambda unit: _pending(unit, approval_id)):
            person.submit(person.expect_modal(timeout=20))
            taps += 1
        self.taps[approval_id] = taps

    def _tap(self, bureau: Bureau, card: Card, name: str, ids: list[str], asked: dict[str, Json]) -> None:
        self._look_whole(card, ids, asked)
        bureau.office.person(self.user).click(card, name)
        for approval_id in ids:
            self.taps[approval_id] = 1 / len(ids)

    def _look_whole(self, shown: Surface, ids: list[str], asked: dict[str, Json]) -> None:
        """Note every value of the parameters that was not to be seen when the tap was made."""
        text = shown.text()  # type: ignore[attr-defined]
        for approval_id in ids:
            missing = [leaf for leaf in _leaves(asked[approval_id]["params"]) if leaf not in text]
            self.hidden += [f"{approval_id}: {leaf}" for leaf in missing]


def _pending(unit: Any, approval_id: str) -> bool:
    found = approvals.load(unit, approval_id)
    return found is not None and found.pending


def _confirms(shown: Surface, value: str | None) -> bool:
    for block in shown.blocks:
        elements = [*(block.get("elements") or []), *([block["accessory"]] if "accessory" in block else [])]
        for element in elements:
            if element.get("action_id") == "approve" and value in (None, element.get("value")):
                return "confirm" in element
    return False


def _entries(card: Card) -> Iterator[Json]:
    """The entries of a digest with the buttons that they have."""
    by_id: dict[str, list[tuple[str, str]]] = {}
    for block in card.blocks:
        elements = [*(block.get("elements") or []), *([block["accessory"]] if "accessory" in block else [])]
        for element in elements:
            value = str(element.get("value", ""))
            if element.get("type") == "button" and "|" in value and "," not in value:
                by_id.setdefault(value.partition("|")[0], []).append((element["action_id"], value))
    for approval_id, buttons in by_id.items():
        yield {"id": approval_id, "buttons": buttons}


def _leaves(value: Any) -> Iterator[str]:
    """Every value as a card writes it, without the quotes of texts."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield value if isinstance(value, str) else json.dumps(value)
