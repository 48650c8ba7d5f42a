"""What to try here, and what came of it: a checklist and a ledger beside the channels. A program puts them here."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from playground.model import Json

Line = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
MOST = 40


class Part(BaseModel):
    """A part of the guide; an unknown field is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Step(Part):
    """One thing to try. `mark` is in the metadata of the message to go to; `users` may do it there, the first by preference."""

    id: Name
    title: Name
    text: Line
    done: bool
    mark: Name | None = None
    users: list[Name] = Field(default_factory=list, max_length=MOST)
    more: bool = False


class Row(Part):
    """One line of the ledger."""

    id: Name
    text: Line
    note: Line


class Ledger(Part):
    """What really happened outside of Slack, newest first."""

    title: Name
    rows: list[Row] = Field(max_length=MOST)


class Guide(Part):
    """Everything that stands beside the channels."""

    title: Name
    steps: list[Step] = Field(min_length=1, max_length=MOST)
    ledger: Ledger | None = None


def read(body: object) -> Json:
    """A guide as it is kept. Raises ValueError, which names the field."""
    try:
        return Guide.model_validate(body).model_dump()
    except ValidationError as refusal:
        first = refusal.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "guide"
        raise ValueError(f"{field}: {first['msg']}") from None
