"""The keys that seal the tokens of workspaces. What makes and opens seals is loaded only where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.errors import SaysoError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SETTING = "SAYSO_TOKEN_KEYS"


class BadTokenKeys(SaysoError):
    """The keys are no keys, or none of them opens what is stored."""


def keys(text: str) -> MultiFernet:
    """The keys with commas between: the first one seals, all of them open. Raises ValueError in words."""
    from cryptography.fernet import Fernet, MultiFernet

    found = [word for word in text.replace(",", " ").split() if word]
    try:
        return MultiFernet([Fernet(word) for word in found])
    except (ValueError, TypeError):
        raise ValueError("must be keys of 32 random bytes in URL-safe base64, with commas between") from None
