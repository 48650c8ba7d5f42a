"""What a named constraint refused, as a domain error: who calls knows no constraint's name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from sqlalchemy.exc import IntegrityError


class DuplicateKey(Exception):
    """This agent has used this idempotency key before: the recorded answer is there to be read."""


class DuplicateVote(Exception):
    """This person has decided on this digest before."""


class DuplicateStanding(Exception):
    """A standing approval was given with this approval before."""


@contextlib.contextmanager
def told_as(duplicate: type[Exception], *names: str) -> Iterator[None]:
    """Raise `duplicate` where the constraint with one of `names` refuses; SQLite names its columns instead."""
    try:
        yield
    except IntegrityError as error:
        raise_duplicate(error, duplicate, names)
        raise


def raise_duplicate(error: IntegrityError, duplicate: type[Exception], names: Sequence[str]) -> None:
    """Raise `duplicate` where `error` is that of the constraint with one of `names`."""
    if any(name in str(error) for name in names):
        raise duplicate(str(error.orig)) from error
