"""What a test looks at: cards, ephemerals, modals and home tabs, each a snapshot of one moment."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from playground.blockkit import interactive_elements
from playground.finding import find_element, find_touch, touchable
from playground.model import Json, Message, View
from playground.state_values import held
from playground.text import Reader, live_links, live_mentions

if TYPE_CHECKING:
    from playground.kit import Playground


class Surface:
    """Anything made of blocks."""

    blocks: list[Json]

    def __init__(self, slack: Playground) -> None:
        self.slack = slack

    def buttons(self) -> list[str]:
        """Visible labels of all buttons, top to bottom (overflow options are in `actions`)."""
        return [element["text"]["text"] for _, element in self._elements() if element["type"] == "button"]

    def actions(self) -> list[str]:
        """Everything that can be touched: action ids, and `overflow>option` for what an overflow holds."""
        return touchable(self.blocks)

    def has(self, name: str) -> bool:
        """True when `click(…, name)` would find something."""
        try:
            find_touch(self.blocks, name)
        except LookupError:
            return False
        return True

    def element(self, name: str) -> Json:
        """The element with this action id (or the overflow that holds such an option)."""
        return find_touch(self.blocks, name)[1]

    def options(self, name: str) -> list[str]:
        """The option values of a menu, radio group, checkbox group or overflow."""
        element = find_element(self.blocks, name)[1]
        groups = [entry["options"] for entry in element.get("option_groups") or []]
        return [option["value"] for options in [element.get("options") or [], *groups] for option in options]

    def _elements(self) -> list[tuple[Json, Json]]:
        return list(interactive_elements(self.blocks))

    def _read(self, text: str = "") -> str:
        return Reader(self.slack.workspace).message(text, self.blocks)


class Card(Surface):
    """A message as it was at one moment; `slack.refresh(card)` looks again."""

    def __init__(self, slack: Playground, message: Message) -> None:
        super().__init__(slack)
        self.message = message
        self.revision = message.revision
        self.raw: Json = message.shown()
        self.channel = message.channel
        self.ts = message.ts
        self.user = message.user
        self.fallback: str = message.text
        self.blocks = self.raw.get("blocks", [])
        self.metadata: Json = self.raw.get("metadata", {})
        self.thread_ts = message.thread_ts
        self.edited = message.edited is not None
        self.ephemeral_to = message.ephemeral_to
        self.parse = message.parse

    @property
    def approval_id(self) -> str | None:
        """The approval id in the metadata."""
        found = self.metadata.get("event_payload", {}).get("approval_id")
        return None if found is None else str(found)

    @property
    def permalink(self) -> str:
        """A link that opens the message on the page."""
        return f"{self.slack.url}/archives/{self.channel}/p{self.ts.replace('.', '')}"

    def text(self) -> str:
        """All visible text: of the blocks, or the fallback text where there are none."""
        return self._read(self.fallback)

    def mentions(self) -> list[str]:
        """Everything that would ping somebody: the proof of an injection (guarantee 6)."""
        return live_mentions(self.fallback, self.blocks, self.parse)

    def links(self) -> list[str]:
        """Every url one could follow."""
        return live_links(self.fallback, self.blocks)

    def source(self) -> str:
        """The unparsed text and blocks, for a search in what was really sent."""
        return f"{self.fallback}\n{_strings(self.blocks)}"

    def __repr__(self) -> str:
        return f"<Card {self.channel} {self.ts} {self.text()[:60]!r}>"


class ViewSnapshot(Surface):
    """A modal or a home tab at one moment."""

    def __init__(self, slack: Playground, view: View) -> None:
        super().__init__(slack)
        self.view = view
        self.raw: Json = view.shown()
        self.id = view.id
        self.user = view.user
        self.hash = view.hash
        self.callback_id = view.callback_id
        self.private_metadata: str = self.raw["private_metadata"]
        self.blocks = self.raw["blocks"]
        self.errors = dict(view.errors)

    @property
    def title(self) -> str:
        """The title of a modal."""
        return str((self.raw.get("title") or {}).get("text", ""))

    def text(self) -> str:
        """All visible text, the title included."""
        return f"{self.title}\n{self._read()}".strip()

    def mentions(self) -> list[str]:
        """Everything that would be a live mention."""
        return live_mentions("", self.blocks)

    def links(self) -> list[str]:
        """Every url one could follow."""
        return live_links("", self.blocks)

    def source(self) -> str:
        """The unparsed text of the blocks."""
        return _strings(self.blocks)

    def fields(self) -> list[str]:
        """`block_id/action_id` of every input, menu and button."""
        return [f"{block['block_id']}/{element['action_id']}" for block, element in self._elements()]

    @property
    def values(self) -> Json:
        """What is entered now, by action id."""
        state = copy.deepcopy(self.view.state)
        return {name: held(value) for actions in state.values() for name, value in actions.items()}


class Modal(ViewSnapshot):
    """A modal on somebody's screen."""

    def fill(self, name: str, value: Any) -> Modal:
        """Enter a value by action id, block id or label: a text, an option's value, a list of them, an id, a date."""
        self.slack.run(self.slack.app.actors.fill(self.user, self.view, name, value))
        return self

    @property
    def open(self) -> bool:
        """True while it is on the screen."""
        return self.view.open

    def __repr__(self) -> str:
        return f"<Modal {self.callback_id!r} {self.title!r} fields={self.fields()}>"


class Home(ViewSnapshot):
    """The app's home tab as one person sees it."""


def _strings(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(_strings(entry) for entry in value.values())
    if isinstance(value, list):
        return "\n".join(_strings(entry) for entry in value)
    return ""
