"""The guides quote what people see: every label and sentence quoted there is one that the code draws today."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from looking import objects, texts
from samples import approval

from bot.acts.registry import approval_card
from bot.render import cards
from bot.render.message import Sent
from bot.server import startup_check
from bot.slack.listeners.commands import HELP
from policies.approval import Approval, Undo
from policies.assignment import Candidate, choose_reviewer
from policies.handover import Handover
from policies.memory import Memory

DOCS = Path(__file__).resolve().parents[3] / "docs"
GUIDES = ("cards.md", "afterwards.md", "escalation.md")
CODE = re.compile(r"```.*?```|`[^`\n]*`|<img[^>]*>", re.DOTALL)
# **Bold** is a label unless it ends a sentence, as the first words of a paragraph do; "quoted" is what a card says.
BOLD = re.compile(r"\*\*([^*]+)\*\*")
QUOTE = re.compile(r'"([^"\n]{3,120})"')
SLASH = re.compile(r"`/sayso ([a-z]+)")
# What Slack shows for a person and a moment, and any number: the words between them are compared.
VARYING = re.compile(r"<@[^>]*>|@[\w-]+|<!date[^>]*>|\$?\d[\d,.]*")


def prose(name: str) -> str:
    """A guide without its code and pictures."""
    return CODE.sub("", (DOCS / name).read_text(encoding="utf-8"))


def plain(text: str) -> str:
    """A text as a reader compares it: no marks of bold, one blank, the same for any number, person and moment."""
    return " ".join(VARYING.sub("…", text.replace("*", "").replace("\\", "")).split())


@pytest.fixture(scope="module")
def drawn() -> tuple[set[str], str]:
    """Every label that stands on its own in a message or a form, and all texts, as the check at the start draws them."""
    seen: list[Any] = []
    patch = pytest.MonkeyPatch()
    patch.setattr(startup_check, "_message", lambda message, what: seen.append(message.blocks))
    patch.setattr(startup_check, "_view", lambda view, what: seen.append(view))
    try:
        startup_check.check_all()
    finally:
        patch.undo()
    hidden = approval({"customer": "a@x.com", "amount_usd": 1, "card_number": "4111", "cvv": "000"})
    seen += [approval_card(hidden).blocks, cards.notice(cards.Notice.DONE, rolled_back()).blocks]
    alike = [replace(approval({"what": f"room {at}"}, action="tidy"), id=f"apr_{at}") for at in range(4)]
    seen.append(cards.batch_card(alike).blocks)
    moved = Sent(names=lambda user: "alice", memory=Memory(handover=Handover(late="U0ALICE")))
    seen.append(approval_card(approval(), sent=moved).blocks)
    said = [*texts(seen), *bold(seen)]
    return {plain(text) for text in said}, "\n".join(map(plain, [*said, *reasons()]))


def rolled_back() -> Approval:
    """An approval that was undone and rolled back."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return replace(approval(), undo=Undo("U0ALICE", moment, "wrong", moment, "done"))


def bold(blocks: Any) -> list[str]:
    """What stands bold in a line: it is read as a label."""
    return [word for item in objects(blocks) for word in re.findall(r"\*([^*\n]+)\*", str(item.get("text", "")))]


def reasons() -> list[str]:
    """Why somebody is asked, in the ways that a card can say it."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    free = [Candidate("U0ALICE", 0, None, moment), Candidate("U0BOB", 0, None, moment + timedelta(hours=1))]
    lead = [Candidate("U0CAROL", 1, None, None)]
    people = {"finance": free, "finance_lead": lead}
    first = choose_reviewer(["finance", "finance_lead"], people, frozenset())
    second = choose_reviewer(["finance", "finance_lead"], people, frozenset({"U0ALICE", "U0BOB"}))
    assert first
    assert second
    return [first.why, second.why]


@pytest.mark.parametrize("name", GUIDES)
def test_every_label_in_the_guides_is_drawn(name: str, drawn: tuple[set[str], str]) -> None:
    """A button, a title or a state that a guide prints in bold stands so in a message or a form."""
    labels, _ = drawn
    quoted = [bold for bold in BOLD.findall(prose(name)) if not bold.endswith(".")]
    assert [label for label in quoted if plain(label) not in labels] == []


@pytest.mark.parametrize("name", GUIDES)
def test_every_quote_in_the_guides_is_drawn(name: str, drawn: tuple[set[str], str]) -> None:
    """A sentence that a guide quotes is one that a card says, but for its numbers, people and times."""
    _, everything = drawn
    assert [quote for quote in QUOTE.findall(prose(name)) if plain(quote) not in everything] == []


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_command_in_the_guides_is_in_the_help(path: Path) -> None:
    """`/sayso help` knows each command that a guide tells of."""
    told = set(SLASH.findall(path.read_text(encoding="utf-8"))) - {"help"}
    assert {word for word in told if not re.search(rf"\b{word}\b", HELP)} == set()
