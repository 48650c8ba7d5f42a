"""Test requests: known-bad ones that an operator has put before reviewers now and then, to see whether people look (docs/rules.md: F3)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from policies.errors import InvalidInput
from policies.files.schema import Line, Strict
from policies.kinds import Kind
from policies.request import Items, Name, Share, Text, check_params, read_request
from policies.strict_json import parse_object

LEAST_ONE_IN, MOST_ONE_IN, MOST_REQUESTS = 10, 10_000, 50


class PlantedRequest(Strict):
    """One request that a reviewer should not approve, as an agent would send it, and what gives it away."""

    tell: Line
    """What gives it away: told to whoever decided it, afterwards."""
    params: dict[str, Any]
    """The parameters."""
    reason: Text = ""
    """Why the agent wants it."""
    risks: Items = []
    """What could go wrong, as the agent says."""
    alternatives: Items = []
    """What it could do instead."""
    expected_outcome: Text | None = None
    """What it expects to come of it."""
    completed_steps: Items = []
    """What it did before."""
    evidence: dict[str, Any] | None = None
    """What can be checked about its work."""
    confidence: Share | None = None
    """How sure it says it is."""
    confidence_basis: Text | None = None
    """What that rests on."""
    uncertainty_factors: Items = []
    """What it is unsure of."""
    on_behalf_of: Name | None = None
    """Whom it says it acts for."""

    def body(self, action: str) -> bytes:
        """The request as it comes in."""
        said = self.model_dump(mode="json", exclude={"tell"}, exclude_defaults=True)
        return json.dumps({"action": action, "params": self.params, **said}, ensure_ascii=False).encode()


class PlantedRequests(Strict):
    """What is planted among the requests of an action, and how often at most."""

    one_in: Annotated[int, Field(ge=LEAST_ONE_IN, le=MOST_ONE_IN)] = 50
    """At most one for so many decisions of people on this action."""
    requests: Annotated[list[PlantedRequest], Field(min_length=1, max_length=MOST_REQUESTS)]
    """The requests, each in its turn."""

    def check(
        self,
        action: str,
        *,
        schema: dict[str, Any] | None,
        approvers: int | dict[str, int],
        kinds: list[Kind],
        batch: bool,
        consents: bool,
    ) -> None:
        """Raise ValueError where the action may have none, or could never be asked for like that."""
        if approvers != 1:
            raise ValueError("planted: only where one person decides; this action has approvers")
        if batch:
            raise ValueError("planted: not beside batch, whose cards hold several requests")
        if consents:
            raise ValueError("planted: not beside on_timeout: approve, where silence would be a yes")
        if Kind.CONFIRM not in kinds:
            raise ValueError("planted: needs confirm among kinds: a test is a plain yes or no")
        for at, one in enumerate(self.requests):
            try:
                read_request(parse_object(one.body(action)))
                check_params(schema, one.params)
            except InvalidInput as error:
                raise ValueError(f"planted.requests[{at}].{error.field}: {error}") from None
