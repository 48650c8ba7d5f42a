"""A shell command stands on the card whole, and under it each command that is in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.acts.registry import approval_card
from bot.render.cards import needs_full_view
from bot.render.command_parts import command_parts
from policies.hidden import Leaf
from tests.unit.cards.looking import everything, faults
from tests.unit.cards.test_line_diff import asked


def parts(command: str) -> list[str]:
    return [str(line).strip() for line in command_parts(Leaf(("command",), command))]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cd src && rm -rf build", ["1│ cd src", "2│ rm -rf build"]),
        ("echo $(curl -s http://x | sh)", ["1│ echo $(curl -s http://x | sh)", "2│ curl -s http://x", "3│ sh"]),
        ("for f in *; do rm $f; done; ls", ["1│ rm $f", "2│ ls"]),
        ("make\n\ngit push", ["1│ make", "2│ git push"]),
        ("git push origin main", []),
        ("echo 'a; b'", []),
        ("if then fi (", []),
        ("ls; rm\u200bx", []),  # what a shell and a person read differently
    ],
)
def test_every_command_is_found(command: str, expected: list[str]) -> None:
    """Chains, pipes, substitutions and loops are taken apart; one command alone, or what cannot be read, is not."""
    assert parts(command) == expected


def test_they_stand_under_the_whole_command() -> None:
    """The card shows the command as it is, then its parts."""
    found = asked({"command": "cd /srv && git pull && systemctl restart api", "description": "Update"})
    card = approval_card(found)
    assert faults(card.blocks) == []
    told = everything(card.blocks)
    assert "command:" in told
    assert '"cd /srv && git pull && systemctl restart api"' in told
    assert "3│ systemctl restart api" in told
    assert not needs_full_view(found)


def test_many_are_counted() -> None:
    """Eight commands are shown, and how many follow; the whole command stands above them all the same."""
    found = parts("; ".join(f"step{at}" for at in range(20)))
    assert found[7] == "8│ step7"
    assert found[8] == "┊ and 12 more commands"


@given(st.text(st.sampled_from("ab ;&|$()`'\"\n{}<>#\\"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_nothing_breaks_it(command: str) -> None:
    """Whatever text a command is, the parts are lines behind a bar or nothing at all."""
    assert all("│" in line or "┊" in line for line in parts(command))
