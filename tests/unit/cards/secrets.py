"""Credentials of many issuers, none of them real; built from pieces, so that no scanner takes this file for a leak."""

from __future__ import annotations

import base64

SECRETS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "glpat-" + "a1B2" * 5,
    "xoxb-" + "1234567890-abcdefghij",
    "sk-" + "proj-" + "a1B2" * 8,
    "sk-" + "ant-api03-" + "a1B2_c" * 8,
    "sk_" + "live_" + "a1B2" * 6,
    "AIza" + "a1B2-" * 7,
    "hf_" + "a1B2" * 8,
    "npm_" + "a1B2" * 9,
    "SG." + "a1B2" * 5 + "." + "c3D4" * 8,
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl",
]


def der_key(size: int = 600) -> str:
    """A private key in PEM form: the frame of a real one around bytes that are none."""
    inner = b"\x02\x01\x00" + bytes((index * 151 + 7) % 256 for index in range(size))
    raw = b"\x30\x82" + len(inner).to_bytes(2) + inner
    encoded = base64.b64encode(raw).decode()
    lines = [encoded[at : at + 64] for at in range(0, len(encoded), 64)]
    return "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END RSA " + "PRIVATE KEY-----"
