"""Secrets are found by path, by name and by shape, and shown as fingerprints only."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from bot.render.redaction import Redactor, fingerprint, without_secrets
from policies.hidden import By, Finder, leaves
from tests.unit.cards.secrets import SECRETS


@pytest.mark.parametrize("secret", SECRETS)
def test_shapes_are_found_in_the_middle_of_text(secret: str) -> None:
    """A key or token inside a sentence is replaced by its fingerprint."""
    shown = without_secrets(f"use {secret} for it")
    assert secret not in shown
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    assert shown == f"use •••••• (sha256 {digest}, {len(secret)} characters) for it"


@pytest.mark.parametrize(
    "text, hidden, kept",
    [
        ("Authorization: Bearer abcdef1234567890", "abcdef1234567890", "Bearer"),
        ("postgres://bob:hunter2hunter@db/x", "hunter2hunter", "postgres://bob:"),
        ("password=correct-horse-77&x=1", "correct-horse-77", "&x=1"),
        ('{"api_key": "abcdef123456"}', "abcdef123456", "api_key"),
    ],
)
def test_only_the_secret_part_is_hidden(text: str, hidden: str, kept: str) -> None:
    """Where a secret stands behind its name, the name stays readable."""
    shown = without_secrets(text)
    assert hidden not in shown
    assert kept in shown
    assert "••••••" in shown


def test_paths_of_the_manifest_hide_whole_branches() -> None:
    """A redacted path hides every leaf below it, inside lists too, and nothing beside it."""
    params: dict[str, Any] = {"card": {"numbers": ["abc", 12345678], "holder": "Eve"}, "amount": 1, "empty": ""}
    found = {leaf.path: leaf.secret for leaf in leaves(params, ["params.card.numbers", "params.empty"])}
    assert found == {
        ("card", "numbers", 0): True,
        ("card", "numbers", 1): True,
        ("card", "holder"): False,
        ("amount",): False,
        ("empty",): False,
    }


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("params.cards[*].number", {"41", "42"}),
        ("params.cards[1].number", {"42"}),
        ("params.cards[*]", {"41", "42", "Eve", "true"}),
        ("params.cards", {"41", "42", "Eve", "true"}),
        ("params.cards[7]", set()),
        ("params.cards.number", set()),
        ("params.nested[*][*]", {"x", "y"}),
        ("params.nested[1][0]", {"y"}),
        ("params.owner", {"Bob", "1"}),
    ],
)
def test_paths_reach_into_lists(path: str, hidden: set[str]) -> None:
    """[*] means every place of a list and [1] one of them; a path to an object hides each of its leaves."""
    params = {
        "cards": [{"number": "41", "holder": "Eve"}, {"number": "42", "main": True}],
        "nested": [["x"], ["y"]],
        "owner": {"name": "Bob", "age": 1, "note": None},
    }
    assert {leaf.text for leaf in leaves(params, [path]) if leaf.by is By.MANIFEST} == hidden


def test_reveal_wins_over_patterns_and_loses_to_redact() -> None:
    """What the manifest reveals is shown though it looks like a secret, unless the manifest also hides it."""
    params = {"api_key": SECRETS[1], "keys": [{"token": SECRETS[2]}, {"token": SECRETS[3]}]}
    assert [leaf.by for leaf in leaves(params)] == [By.PATTERN] * 3
    assert [leaf.by for leaf in leaves(params, (), ["params.api_key", "params.keys[*].token"])] == [None] * 3
    both = leaves(params, ["params.keys[0]"], ["params.api_key", "params.keys[*].token"])
    assert [leaf.by for leaf in both] == [None, By.MANIFEST, None]


def test_short_secrets_get_no_hash() -> None:
    """A hash of a PIN would give the PIN away, and so would the length of a yes or no."""
    assert fingerprint("1234") == "•••••• (4 characters)"
    assert fingerprint("12345678901") == "•••••• (11 characters)"
    assert "sha256" in fingerprint("abcdefgh")
    assert fingerprint(True) == fingerprint(False)


def test_known_secrets_are_hidden_in_other_words() -> None:
    """A secret of the parameters is hidden where the agent repeats it, numbers too."""
    redact = Redactor(Finder(leaves({"word": "swordfish", "pin": 123456}, ["params.word", "params.pin"])))
    assert "swordfish" not in redact("it is swordfish!")
    assert "123456" not in redact("or 123456?")
    assert redact("swordfishes, and 1234567") == "swordfishes, and 1234567"


def test_what_the_parameters_show_is_not_hidden_in_words() -> None:
    """A value that stands open among the parameters is as open in the reason."""
    params = {"note": "abcdef123456", "holder": "Eve Moss", "guest": "Eve Moss"}
    redact = Redactor(Finder(leaves(params, ["params.holder"])))
    assert redact("token: abcdef123456 for Eve Moss") == "token: abcdef123456 for Eve Moss"
