"""How an agent may ask: for a yes, for one of several candidates, or for an answer. Each of the three is a yes to the action."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from policies.errors import InvalidInput


class Kind(StrEnum):
    """What a request wants of the person who decides it."""

    CONFIRM = "confirm"
    CHOOSE = "choose"
    INPUT = "input"


def check_kind(accepted: Collection[Kind], kind: str) -> None:
    """Raise InvalidInput naming `kind` where the action's manifest does not list it."""
    if kind not in accepted:
        listed = ", ".join(accepted)
        raise InvalidInput(f"{kind} is not accepted for this action: its manifest lists {listed} (kinds)", field="kind")
