"""Secrets are found by path, by name and by shape, and shown as fingerprints only."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from bot.redaction import Redactor, fingerprint, leaves, secret_name, without_secrets

# Built from pieces, so that no scanner takes this file for a leak.
SECRETS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "glpat-" + "a1B2" * 5,
    "xoxb-" + "1234567890-abcdefghij",
    "sk-" + "proj-" + "a1B2" * 8,
    "sk_" + "live_" + "a1B2" * 6,
    "AIza" + "a1B2-" * 7,
    "hf_" + "a1B2" * 8,
    "npm_" + "a1B2" * 9,
    "SG." + "a1B2" * 5 + "." + "c3D4" * 8,
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl",
    "4111 1111 1111 1111",
    "4000056655665556",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA " + "PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_shapes_are_found_in_the_middle_of_text(secret: str) -> None:
    """A key, token, private key or card number inside a sentence is replaced by its fingerprint."""
    shown = without_secrets(f"use {secret} for it")
    assert secret not in shown
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    assert shown == f"use •••••• (sha256 {digest}, {len(secret)} characters) for it"


@pytest.mark.parametrize(
    "text, hidden, kept",
    [
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop", "Bearer"),
        ("postgres://bob:hunter2hunter@db/x", "hunter2hunter", "postgres://bob:"),
        ("password=correct-horse&x=1", "correct-horse", "&x=1"),
        ('{"api_key": "abcdef123456"}', "abcdef123456", "api_key"),
    ],
)
def test_only_the_secret_part_is_hidden(text: str, hidden: str, kept: str) -> None:
    """Where a secret stands behind its name, the name stays readable."""
    shown = without_secrets(text)
    assert hidden not in shown
    assert kept in shown
    assert "••••••" in shown


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111112",
        "call 030 1234567",
        "key: a",
        "max_tokens",
        "sketch-book",
        "2026-03-02 14:00",
        "https://x.example/a:b",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """What only resembles a secret is left alone."""
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "DB_PASSWORD",
        "apiKey",
        "x-api-key",
        "client_secret",
        "access_token",
        "Authorization",
        "cvv",
        "cardNumber",
    ],
)
def test_names_of_secrets(name: str) -> None:
    """A parameter of such a name is a secret whatever it holds."""
    assert secret_name(name)


@pytest.mark.parametrize("name", ["tokens", "max_tokens", "keyboard", "secretary", "passenger", "pinned", "author"])
def test_names_of_no_secrets(name: str) -> None:
    """Names that only contain such a word are not."""
    assert not secret_name(name)


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


def test_short_secrets_get_no_hash() -> None:
    """A hash of a PIN would give the PIN away."""
    assert fingerprint("1234") == "•••••• (4 characters)"
    assert fingerprint("12345678901") == "•••••• (11 characters)"
    assert "sha256" in fingerprint("abcdefgh")


def test_known_secrets_are_hidden_in_other_words() -> None:
    """A secret of the parameters is hidden where the agent repeats it, numbers too."""
    redact = Redactor(leaves({"password": "swordfish", "pin": 123456}))
    assert "swordfish" not in redact("it is swordfish!")
    assert "123456" not in redact("or 123456?")
