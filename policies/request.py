"""What an agent sends when it asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from policies import action_names
from policies.errors import InvalidInput
from policies.files import params_schema
from policies.principals import spelled

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=8000)]
Item = Annotated[str, Field(min_length=1, max_length=2000)]
Items = Annotated[list[Item], Field(max_length=50)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Evidence(_Body):
    """What can be checked about the agent's work, unlike its own word (docs/rules.md: A6)."""

    retrieval_hits: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    tool_errored: bool | None = None
    self_consistency: Share | None = None
    schema_ok: bool | None = None

    @property
    def signals(self) -> int:
        """How many signals are given, whatever they say."""
        return len(self._given)

    @property
    def score(self) -> float | None:
        """The share of the given signals that hold; None when none is given (docs/rules.md: A6)."""
        return sum(self._given) / len(self._given) if self._given else None

    @property
    def _given(self) -> list[bool]:
        return [
            holds
            for given, holds in (
                (self.retrieval_hits, (self.retrieval_hits or 0) >= 2),
                (self.tool_errored, not self.tool_errored),
                (self.self_consistency, (self.self_consistency or 0) >= 0.8),
                (self.schema_ok, bool(self.schema_ok)),
            )
            if given is not None
        ]


class ChoiceOption(_Body):
    """One of the candidates of a `choose` request."""

    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
    label: Annotated[str, Field(min_length=1, max_length=500)]
    detail: Annotated[str, Field(max_length=2000)] | None = None


class Request(_Body):
    """One request for approval. Sizes are in characters; see strict_json for the limits of the whole body."""

    action: Annotated[str, Field(min_length=1, max_length=action_names.MAX_LENGTH)]
    params: dict[str, Any] = {}
    reason: Text = ""
    kind: Literal["confirm", "choose", "input"] = "confirm"
    question: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    choices: Annotated[list[ChoiceOption], Field(min_length=2, max_length=100)] | None = None
    risks: Items = []
    alternatives: Items = []
    expected_outcome: Text | None = None
    completed_steps: Items = []
    session_id: Name | None = None
    checkpoint: Any = None
    evidence: Evidence | None = None
    confidence: Share | None = None
    confidence_basis: Text | None = None
    uncertainty_factors: Items = []
    recommended_review: bool = False
    risk_score: Share | None = None
    urgency: Literal["low", "normal", "high"] = "normal"
    on_behalf_of: Name | None = None
    delegated_from: Name | None = None
    callback_url: Annotated[str, Field(max_length=2000)] | None = None

    @field_validator("callback_url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
                raise ValueError("must be an http or https URL without credentials")
        return value

    @model_validator(mode="after")
    def _kind_has_its_parts(self) -> Request:
        if (self.kind == "choose") != (self.choices is not None):
            raise ValueError("choices: are given with kind choose, and only with it")
        ids = [choice.id for choice in self.choices or []]
        if len(ids) != len(set(ids)):
            raise ValueError("choices: ids must be unique")
        if self.kind == "input" and self.question is None:
            raise ValueError("question: is needed with kind input")
        return self

    @property
    def effective_confidence(self) -> float | None:
        """min(evidence score, self-report); None (unknown) without evidence: a self-report can only lower it (docs/rules.md: A6)."""
        return _effective(self.confidence, self.evidence.score if self.evidence else None)


def _effective(confidence: float | None, score: float | None) -> float | None:
    return score if score is None or confidence is None else min(score, confidence)


@dataclass(frozen=True, slots=True)
class Stated:
    """How sure an agent was: by its own word, and by its evidence."""

    confidence: float | None
    score: float | None

    @property
    def effective(self) -> float | None:
        """As `Request.effective_confidence`."""
        return _effective(self.confidence, self.score)


def stated(request: str) -> Stated:
    """The same of a request as it was kept, without reading the rest of it anew."""
    body = json.loads(request)
    confidence, evidence = body.get("confidence"), body.get("evidence")
    score = Evidence.model_validate(evidence).score if evidence is not None else None
    return Stated(None if confidence is None else float(confidence), score)


def principal_of(request: Request) -> str | None:
    """Whom a request is for, however it is spelled; None where it names nobody."""
    return (spelled(request.on_behalf_of) or None) if request.on_behalf_of else None


def read_request(body: dict[str, Any]) -> Request:
    """The body as a Request; raises InvalidInput naming the first bad field."""
    request: Request = read(Request, body)
    return request


def without_nulls(schema: type[BaseModel], body: dict[str, Any]) -> dict[str, Any]:
    """`body` without the known fields that are null, also in the objects it holds; free JSON (`params`) stays as it is."""
    known = schema.model_fields
    return {
        name: _nested(known[name].annotation, value) if name in known else value
        for name, value in body.items()
        if value is not None or name not in known
    }


def _nested(annotation: Any, value: Any) -> Any:
    """`value` without the nulls of the object that `annotation` says it is, or the objects that it lists."""
    schema = next((part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel)), None)
    if schema is None:
        return value
    if isinstance(value, list):
        return [without_nulls(schema, item) if isinstance(item, dict) else item for item in value]
    return without_nulls(schema, value) if isinstance(value, dict) else value


def _parts(annotation: Any) -> Iterator[Any]:
    """Every type that an annotation is made of."""
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for part in inner:
        yield from _parts(part)


def read(schema: type[BaseModel], body: dict[str, Any]) -> Any:
    """A body as `schema`, where null for an optional field is the same as leaving it out.

    Raises InvalidInput naming the first bad field.
    """
    try:
        return schema.model_validate(without_nulls(schema, body))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ")
        head, colon, tail = message.partition(": ")
        if colon and not field:
            field, message = head, tail
        if problem["type"] == "extra_forbidden":
            message = "unknown field"
        raise InvalidInput(message, field=field or "body") from None


def check_params(schema: dict[str, Any] | None, params: dict[str, Any]) -> None:
    """Raise InvalidInput naming the parameter that breaks the action's params_schema; its value is never repeated."""
    if schema is None:
        return
    try:
        error = params_schema.fault(schema, params)
    except (params_schema.TooComplex, RecursionError):
        raise InvalidInput("has too many branches to be checked against params_schema", field="params") from None
    if error is not None:
        place, message = params_schema.told(error)
        raise InvalidInput(message, field=".".join(["params", *(str(part) for part in place)])[:200])
