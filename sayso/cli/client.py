"""The client as the commands use it: what goes wrong becomes one line and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sayso.cli import codes

if TYPE_CHECKING:
    from sayso.client import Sayso
    from sayso.models import Approval


def with_client(work: Callable[[Sayso], int]) -> int:
    """Do `work` with a client from the environment; gives its exit code."""
    from sayso.client import Sayso
    from sayso.errors import NotApproved, SaysoError, StillPending

    try:
        with Sayso() as client:
            return work(client)
    except NotApproved as error:
        tell(error.feedback)
        return codes.REFUSED
    except StillPending as error:
        tell(f"{error}; it stays open: sayso wait {error.approval.id}")
        return codes.STILL_PENDING
    except (SaysoError, ValueError, TypeError) as error:
        tell(str(error))
        return codes.FAILED


def tell(text: str) -> None:
    """A line for people, beside what a script reads."""
    print(f"sayso: {text}", file=sys.stderr, flush=True)


def show(approval: Approval, *, as_json: bool, line: str) -> None:
    """The approval for a script: one line, or JSON."""
    if as_json:
        print(json.dumps(approval.model_dump(mode="json"), ensure_ascii=False))
    else:
        print(line)


def answered(text: str) -> Callable[[Any], str]:
    """How a script answers a reviewer's question: with what it was given to say."""

    def answer(approval: Any) -> str:
        tell(f"a reviewer asks: {approval.info_request}")
        return text

    return answer


CANNOT_ANSWER = "This was asked by a script, which cannot answer. Decide on what is shown, or ask whoever runs it."
