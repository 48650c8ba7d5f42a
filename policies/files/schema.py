"""What both policy files share: parts that accept nothing unexpected, and their problems told in one line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from policies import action_names
from policies.errors import BadFile
from policies.files.strict_yaml import Document, Path, dotted


class Strict(BaseModel):
    """A part of a policy file: unknown keys and loose types are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _whole(value: object) -> object:
    """1.0 and true equal 1 in Python, but nobody means them."""
    if type(value) is not int:
        raise ValueError("must be 1")
    return value


T = TypeVar("T", bound=BaseModel)
Version = Annotated[Literal[1], BeforeValidator(_whole)]
WORD = r"^[A-Za-z0-9_.:/-]+$"
CHANNEL = r"^(?:#[^\s#<>]{1,79}|[CGD][A-Z0-9]{2,20})$"
USER = r"^[UW][A-Z0-9]{2,20}$"
GROUP = r"^S[A-Z0-9]{2,20}$"
Word = Annotated[str, Field(min_length=1, max_length=80, pattern=WORD)]
Line = Annotated[str, Field(min_length=1, max_length=300)]
Share = Annotated[float, Field(ge=0, le=1)]


def one_of(enum: type[StrEnum]) -> BeforeValidator:
    """Beside a field's type: a file's text becomes the member that it names; anything else is told what there is."""
    return BeforeValidator(partial(_member, enum))


def _member(enum: type[StrEnum], value: object) -> object:
    if value is None:
        return None
    try:
        return enum(str(value))
    except ValueError:
        raise ValueError(f"must be one of {', '.join(enum)}") from None


# A regex is no message: what a text should look like, in words.
_SHOULD_BE = {
    action_names.NAME_OR_PATTERN: "the name of an action, of letters, digits and _ . : / - and the like; * for any of them",
    WORD: "one word of letters, digits and _ . : / -",
    CHANNEL: "a channel such as #approvals or its id such as C0123456789",
    USER: "a Slack user id such as U0123456789",
    GROUP: "a Slack user group id such as S0123456789",
}
_SAYS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda facts: "is missing",
    "int_type": lambda facts: "must be a whole number",
    "int_from_float": lambda facts: "must be a whole number",
    "float_type": lambda facts: "must be a number",
    "bool_type": lambda facts: "must be true or false",
    "string_type": lambda facts: "must be text (put quotes around a number)",
    "list_type": lambda facts: "must be a list",
    "dict_type": lambda facts: "must be a mapping",
    "model_type": lambda facts: "must be a mapping",
    "greater_than_equal": lambda facts: f"must be at least {facts['ge']:g}",
    "less_than_equal": lambda facts: f"must be at most {facts['le']:.12g}",
    "too_short": lambda facts: "must not be empty",
    "string_too_short": lambda facts: "must not be empty",
    "too_long": lambda facts: f"must have at most {facts['max_length']} entries",
    "string_too_long": lambda facts: f"must have at most {facts['max_length']} characters",
    "literal_error": lambda facts: f"must be {facts['expected']}",
    "enum": lambda facts: f"must be {facts['expected']}",
    "string_pattern_mismatch": lambda facts: f"must be {_SHOULD_BE.get(facts['pattern'], facts['pattern'])}",
    "is_instance_of": lambda facts: "must not be empty",
    "value_error": lambda facts: str(facts["error"]),
}


def validated(schema: type[T], document: Document, path: str) -> T:
    """The document as `schema`; raises BadFile for the first problem, with its line."""
    try:
        return schema.model_validate(document.value)
    except ValidationError as error:
        raise first_problem(error, document, path) from None


def first_problem(error: ValidationError, document: Document, path: str) -> BadFile:
    """The first problem of a failed validation as one line that names file, line and key."""
    problems = sorted(error.errors(include_url=False), key=_least_telling)
    found = [(_place(problem, document), problem) for problem in problems]
    at, problem = found[0]
    if len(problem["loc"]) > len(at) and problem["loc"][-1] != "[key]":
        # A key that may hold one of two kinds fails twice: the failure that goes deeper is about what was meant.
        at, problem = max((entry for entry in found if entry[0][: len(at)] == at), key=lambda entry: len(entry[0]))
    message, field = _message(problem), dotted(at)
    if problem["type"] == "value_error":  # a rule over several keys names the key itself
        field, at, message = _named(message, at, document)
    return BadFile(message, path=path, line=document.line(at) or 1, field=field or None)


def _least_telling(problem: Any) -> bool:
    """What is missing is told last: a wrong key says more than the right one that it was meant to be."""
    wrong_key: bool = problem["type"] == "extra_forbidden" or problem["loc"][-1:] == ("[key]",)
    return not wrong_key


def _named(message: str, at: Path, document: Document) -> tuple[str, Path, str]:
    key, colon, rest = message.partition(": ")
    field = f"{dotted(at)}.{key}" if at else key
    inside = [known for known in document.lines if len(known) > len(at) and f"{field}.".startswith(f"{dotted(known)}.")]
    return (field, max(inside, key=len), rest) if colon and inside else (dotted(at), at, message)


def _place(problem: Any, document: Document) -> Path:
    """The part of a problem's location that stands in the file: pydantic adds the names of union branches in between."""
    at: Path = ()
    for part in problem["loc"]:
        if (*at, part) in document.lines:
            at = (*at, part)
    return (*at, problem["loc"][-1]) if problem["type"] == "missing" else at


def _message(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(problem["loc"][-1])[:80], sorted(set(_keys())), n=1)
        if close and close[0] == problem["loc"][-1]:
            return "unknown key here"
        return f"unknown key (did you mean {close[0]}?)" if close else "unknown key"
    say = _SAYS.get(problem["type"])
    return say(problem.get("ctx", {})) if say else str(problem["msg"])


def _keys() -> Iterator[str]:
    for part in Strict.__subclasses__():
        yield from part.model_fields
