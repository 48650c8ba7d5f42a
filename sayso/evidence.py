"""Signals that an agent can send instead of its word: what was measured about its work, as the fields of an ask.

    sayso.ask(action, params, **signals(samples=answers, tools=tools, sources=found, assessment=text))

Everything here is pure: it asks no model and no server. What was not measured is left out, and counts as unknown.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

MAX_CHARACTERS = 20_000
ASSESS = (
    'End with one JSON object on a line of its own: {"confidence": 0.0 to 1.0, "basis": "what it rests on", '
    '"uncertainties": ["what you are not sure of"]}. Below 0.5 means that you would rather not do it.'
)
"""What to put into a prompt so that `assessed` can read the answer."""


def agreement(samples: Iterable[Any], same: Callable[[Any], Hashable] | None = None) -> float:
    """The share of the samples that say what most of them say, 0..1: ask the model several times for the same decision.

    Two samples are the same where `same` makes the same of them; by default texts without regard to case and blanks,
    and anything else as JSON without regard to the order of keys. Raises ValueError for fewer than two samples.
    """
    said = [(same or _plain)(sample) for sample in samples]
    if len(said) < 2:
        raise ValueError("one sample agrees with nothing: take at least two")
    return Counter(said).most_common(1)[0][1] / len(said)


def fits(value: Any, schema: Any) -> bool:
    """Whether a value is what was asked for: `schema` is a type or model that pydantic reads, or a JSON Schema as a mapping.

    Nothing is made to fit: the text "12" is no number. Raises ValueError for a schema that is none.
    """
    return _fits_json_schema(value, schema) if isinstance(schema, Mapping) else _fits_type(value, schema)


class Tools:
    """Keeps whether tools failed. Wrap them with `watch`, or put calls into `with tools.call():`."""

    def __init__(self) -> None:
        self.calls = 0
        self.failed: list[str] = []

    @property
    def errored(self) -> bool | None:
        """Whether any call failed; None where nothing was called, which says nothing."""
        return bool(self.failed) if self.calls else None

    @contextmanager
    def call(self, name: str = "tool") -> Iterator[None]:
        """One call. What it raises counts, and goes on."""
        self.calls += 1
        try:
            yield
        except BaseException as error:
            self.note(name, error)
            raise

    def note(self, name: str, error: object) -> None:
        """A failure that came as a value and not as an exception: an `isError`, an exit code."""
        self.calls = max(self.calls, 1)
        self.failed.append(f"{name}: {error}")

    def watch(self, tool: Callable[P, R]) -> Callable[P, R]:
        """A plain tool whose failures are kept."""

        @wraps(tool)
        def watched(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.call(getattr(tool, "__name__", "tool")):
                return tool(*args, **kwargs)

        return watched


def hits(sources: Iterable[Any], *, least: float | None = None, score: str = "score", name: str = "id") -> int:
    """How many different sources were found, those scored below `least` left out.

    A source is a mapping or an object with `name` and `score`, or just its name. One source found twice is one.
    """
    found: set[str] = set()
    for source in sources:
        value = _part(source, score)
        if least is not None and not (isinstance(value, int | float) and value >= least):
            continue
        own = _part(source, name)
        found.add(str(_plain(source if own is None else own)))
    return len(found)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an agent said of itself; `confidence` is None where it said nothing that can be read."""

    confidence: float | None = None
    basis: str | None = None
    uncertainties: tuple[str, ...] = field(default_factory=tuple)


def assessed(text: str) -> Assessment:
    """The self-assessment in a model's answer: JSON as `ASSESS` asks for, or lines such as "Confidence: 80%".

    Said twice, the lower one counts. What is no share of one (950%, "high", NaN) is no confidence.
    """
    text = text[-MAX_CHARACTERS:]  # it stands at the end
    said = [found for found in map(_assessment, _objects(text)) if found is not None]
    figures = [one.confidence for one in said if one.confidence is not None]
    figures += [figure for figure in map(_share, _WRITTEN.findall(text)) if figure is not None]
    last = said[-1] if said else Assessment()
    return Assessment(min(figures, default=None), last.basis, last.uncertainties)


def signals(
    *,
    samples: Iterable[Any] | None = None,
    value: Any = None,
    schema: Any = None,
    tools: Tools | None = None,
    sources: Iterable[Any] | None = None,
    assessment: Assessment | str | None = None,
) -> dict[str, Any]:
    """The fields of an ask: `evidence` with what was measured, and what the agent says of itself. Nothing measured, no fields.

    `value` is what `schema` has to fit.
    """
    own = assessed(assessment) if isinstance(assessment, str) else assessment or Assessment()
    measured = {
        "self_consistency": None if samples is None else agreement(samples),
        "schema_ok": None if schema is None else fits(value, schema),
        "tool_errored": tools.errored if tools is not None else None,
        "retrieval_hits": None if sources is None else hits(sources),
    }
    given = {name: figure for name, figure in measured.items() if figure is not None}
    fields = {
        "evidence": given or None,
        "confidence": own.confidence,
        "confidence_basis": own.basis,
        "uncertainty_factors": list(own.uncertainties) or None,
    }
    return {name: figure for name, figure in fields.items() if figure is not None}


def _plain(sample: Any) -> Hashable:
    if isinstance(sample, str):
        return " ".join(sample.casefold().split())
    return json.dumps(sample, sort_keys=True, ensure_ascii=False, default=repr)


def _part(source: Any, name: str) -> Any:
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


def _fits_type(value: Any, schema: Any) -> bool:
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(schema)
    except PydanticUserError as error:
        raise ValueError(f"the schema is no type that pydantic reads: {error.message}") from None
    try:
        adapter.validate_json(json.dumps(value, allow_nan=False), strict=True)
    except (ValidationError, ValueError, TypeError):
        return False
    return True


def _fits_json_schema(value: Any, schema: Mapping[str, Any]) -> bool:
    try:
        import jsonschema
    except ImportError:
        raise ValueError("a JSON Schema needs the package jsonschema; or give a pydantic model") from None
    schema = dict(schema)
    kind = jsonschema.validators.validator_for(schema)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"the schema is none: {error.message}") from None
    return bool(kind(schema).is_valid(value))


_WRITTEN = re.compile(
    r"^\W*(?:my\s+)?(?:overall\s+)?confidence(?:\s+(?:level|score))?[\s:=*_\"'~]*(?:is|of)?[\s:=*_\"'~]*"
    r"(-?[0-9]+(?:\.[0-9]+)?(?:\s*%|\s*/\s*[0-9]+)?)",
    re.I | re.M,
)


def _share(said: Any) -> float | None:
    """A share of one: a number from 0 to 1, a percentage, or so many of so many."""
    if isinstance(said, bool):
        return None
    if isinstance(said, str):
        match = re.fullmatch(r"\s*(-?[0-9]+(?:\.[0-9]+)?)\s*(%|/\s*([0-9]+))?\s*", said, re.A)
        if match is None:
            return None
        said = float(match[1]) / (100 if match[2] == "%" else float(match[3] or 1) or math.nan)
    return float(said) if isinstance(said, int | float) and 0 <= said <= 1 else None


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """Every JSON object that stands in a text, outermost first."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(found, dict):
                yield found
        at = text.find("{", end)


def _assessment(found: Mapping[str, Any]) -> Assessment | None:
    if "confidence" not in found:
        return None
    basis, doubts = found.get("basis"), found.get("uncertainties")
    listed: Sequence[Any] = doubts if isinstance(doubts, list) else []
    return Assessment(
        confidence=_share(found["confidence"]),
        basis=basis.strip()[:8000] or None if isinstance(basis, str) else None,
        uncertainties=tuple(one.strip()[:2000] for one in listed if isinstance(one, str) and one.strip())[:50],
    )
