"""What can go wrong, in words a person can act on: an error's docstring is its message."""

from __future__ import annotations

from typing import Any


class SaysoError(Exception):
    """Something in Sayso went wrong."""

    def __init__(self, message: str | None = None, *, field: str | None = None, **facts: Any) -> None:
        template = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.field = field
        self.facts = facts
        super().__init__(template.format(**facts) if message is None and facts else template)


class InvalidInput(SaysoError):
    """The input is not valid."""


class TooLarge(InvalidInput):
    """The input is larger than allowed."""


class MalformedJson(InvalidInput):
    """The body is not one well-formed JSON object."""


class BadFile(SaysoError):
    """A policy file cannot be used."""

    def __init__(self, problem: str, *, path: str = "", line: int | None = None, field: str | None = None) -> None:
        where = ":".join(str(part) for part in (path, line) if part)
        named = f"{field}: " if field else ""
        super().__init__(_one_line(f"{where}: {named}{problem}" if where else f"{named}{problem}"), field=field)
        self.problem, self.path, self.line = problem, path, line


def _one_line(text: str) -> str:
    """Printable and short, whatever the file held: a terminal or a log shows it as one line."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:1000])
    return shown if len(shown) <= 500 else shown[:499] + "…"


class NotFound(SaysoError):
    """There is no such approval."""


class NotReady(SaysoError):
    """Slack has not confirmed who is on the roster. Try again in a moment."""


class Unauthorised(SaysoError):
    """The agent token is missing, unknown, expired or revoked."""


class KeyReused(SaysoError):
    """This Idempotency-Key was used before with another body."""


class LimitReached(SaysoError):
    """The agent asks faster, or has more open, than the manifest allows."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NobodyCanDecide(SaysoError):
    """Nobody could ever decide this: role {role} has no eligible member, nor has its escalation path."""


class Refused(SaysoError):
    """You may not do this."""


class Revoked(Refused):
    """The agent {name} was revoked, so nothing that it asked for may be done."""


class NotAllowed(Refused):
    """You may not decide this approval."""


class Settled(SaysoError):
    """This approval is no longer open: it is {state}."""


class Stale(SaysoError):
    """The request changed after this card was posted. The card now shows its current state."""


class AlreadyVoted(SaysoError):
    """You have already given your approval; another person is needed."""


class TooLate(SaysoError):
    """The deadline has passed: this approval is {state}."""


class NotHeld(SaysoError):
    """Only an approved request that is neither finished nor lapsed can be passed on; this one is {state}."""


class Tampered(SaysoError):
    """This request was changed outside Sayso ({what}), so nobody can approve or claim it. Operations were told."""


class UndoneMeanwhile(SaysoError):
    """A person undid this ({state}): it can no longer be claimed. If it ran, roll it back and report it as reverted."""


class WrongNonce(SaysoError):
    """This approval was claimed with another nonce."""


class NotClaimable(SaysoError):
    """Only an approved request can be claimed; this one is {state}."""


class StandingEnded(NotClaimable):
    """The standing approval that let this run has ended: {why}. Ask again."""


class StandingOver(SaysoError):
    """This standing approval has ended already: {why}."""


class Stopped(SaysoError):
    """Execution is stopped: {reason}. Nothing can be claimed until a person starts it again."""


class NeverRan(SaysoError):
    """This did not run to its end (it is {state}), so it cannot be called correct."""


class OutcomeConflict(SaysoError):
    """Another outcome was already reported for this claim."""
