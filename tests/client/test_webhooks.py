"""The receiving side of callbacks: what is not Sayso's, not fresh or not whole is refused."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

import sayso
from bot.service import callback_signing
from sayso import webhooks

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(KEY[::-1]).decode()
BODY = b'{"id":"apr_1","version":3}'
NOW = 1_800_000_000


def _headers(**changes: str | None) -> dict[str, str]:
    made: dict[str, Any] = callback_signing.headers([KEY], "apr_1:3", NOW, BODY)
    return {name: value for name, value in (made | changes).items() if value is not None}


def test_what_the_server_signs_is_verified() -> None:
    """The server's own headers verify, in any case, and give the approval, its version and the message's id."""
    wanted = webhooks.Notice("apr_1", 3, "apr_1:3")
    assert webhooks.verify(SECRET, _headers(), BODY, now=NOW) == wanted
    shouted = {name.title(): value for name, value in _headers().items()}
    assert webhooks.verify(SECRET, shouted, BODY, now=NOW + 299) == wanted


def test_a_published_example_verifies() -> None:
    """The signature is the one of the Standard Webhooks specification, to the byte."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    made = callback_signing.headers(callback_signing.keys(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made["webhook-signature"] == signature


def test_two_secrets_while_one_replaces_the_other() -> None:
    """With two secrets set the server signs with both, so that agents may change theirs when they like."""
    both = callback_signing.headers(callback_signing.keys(f"{SECRET} {OTHER}"), "apr_1:3", NOW, BODY)
    for secret in (SECRET, OTHER):
        assert webhooks.verify(secret, both, BODY, now=NOW).id == "apr_1"


@pytest.mark.parametrize(
    "secret, headers, body, now",
    [
        (OTHER, _headers(), BODY, NOW),
        (SECRET, _headers(), BODY.replace(b"3", b"4"), NOW),
        (SECRET, _headers(**{"webhook-id": "apr_2:3"}), BODY, NOW),
        (SECRET, _headers(**{"webhook-timestamp": str(NOW + 1)}), BODY, NOW),
        (SECRET, _headers(**{"webhook-timestamp": "soon"}), BODY, NOW),
        (SECRET, _headers(**{"webhook-timestamp": "9" * 40}), BODY, NOW),
        (SECRET, _headers(**{"webhook-signature": "v1,"}), BODY, NOW),
        (SECRET, _headers(**{"webhook-signature": "v1,ünï"}), BODY, NOW),
        (SECRET, _headers(**{"webhook-signature": None}), BODY, NOW),
        (SECRET, _headers(**{"webhook-id": None}), BODY, NOW),
        (SECRET, {}, BODY, NOW),
        (SECRET, _headers(), BODY, NOW + 301),
        (SECRET, _headers(), BODY, NOW - 301),
        (SECRET, callback_signing.headers([KEY], "m", NOW, b"[]"), b"[]", NOW),
        (SECRET, callback_signing.headers([KEY], "m", NOW, b"x"), b"x", NOW),
    ],
)
def test_anything_else_is_refused(secret: str, headers: dict[str, str], body: bytes, now: int) -> None:
    """Another secret, body, id or time, no signature, or one that was replayed too late."""
    with pytest.raises(sayso.BadCallback):
        webhooks.verify(secret, headers, body, now=now)


def test_time_is_this_machines() -> None:
    """Without `now` the receiver's own clock decides."""
    fresh = callback_signing.headers([KEY], "apr_1:3", int(time.time()), BODY)
    assert webhooks.verify(SECRET, fresh, BODY).version == 3
    with pytest.raises(sayso.BadCallback):
        webhooks.verify(SECRET, _headers(**{"webhook-timestamp": "1"}), BODY)


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_!!"])
def test_a_secret_that_is_none_is_an_error(secret: str) -> None:
    """A mistyped secret is the caller's mistake, not a forged callback."""
    with pytest.raises(ValueError):
        webhooks.verify(secret, _headers(), BODY, now=NOW)
