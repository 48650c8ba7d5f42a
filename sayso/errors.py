"""Everything that can go wrong, as types: what the server answered, what a person decided, what the disk holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from sayso.models import Approval, Session


class SaysoError(Exception):
    """The base of every error this package raises on its own account."""


class Unreachable(SaysoError):
    """The server gave no answer within the time allowed; what was asked may still have been applied."""


class UnexpectedAnswer(SaysoError):
    """The server's answer is not what the contract promises (a proxy's page, perhaps)."""


class NotRestorable(SaysoError, ValueError):
    """A value would not come back from JSON as it went in, so it is refused before it is saved (docs/rules.md: B5)."""


class JournalDamaged(SaysoError):
    """A file of the state directory cannot be read; `path` names it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is damaged ({why}); look up its approval on the server, then move the file away")
        self.path = path


class BadCallback(SaysoError):
    """A callback is not Sayso's, not fresh or not whole: do nothing because of it."""


class NotClaimed(SaysoError):
    """A result was to be reported for an approval that this state directory never claimed."""


class MayHaveRun(SaysoError):
    """The action was started by a process that never said how it ended: look before it runs again (docs/rules.md: I8)."""


class AlreadyExecuted(SaysoError):
    """The action behind this approval has run; one approval is good for one execution (docs/rules.md: B2)."""


class StillPending(SaysoError, TimeoutError):
    """Nobody has decided within the caller's timeout; the approval stays open and can be waited for again."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(f"{approval.action} ({approval.id}) is still pending")
        self.approval = approval


class InformationRequested(SaysoError):
    """A reviewer wants to know more before deciding; reply with `answer(approval, text)` and wait again (docs/rules.md: C1)."""

    def __init__(self, approval: Approval) -> None:
        self.approval = approval
        self.question = str(approval.info_request)
        super().__init__(f"{approval.action} ({approval.id}): a reviewer asks: {self.question}")


class SessionCancelled(SaysoError):
    """A person has cancelled this agent session (docs/rules.md: C3)."""

    def __init__(self, session: Session) -> None:
        super().__init__(f"session {session.id} was cancelled" + (f" by {session.by}" if session.by else ""))
        self.session = session


class ToolRefused(SaysoError):
    """A rule of the manifest refuses this tool call; `feedback` says why, ready for the agent's context."""

    def __init__(self, feedback: str) -> None:
        super().__init__(feedback)
        self.feedback = feedback


class NotApproved(SaysoError):
    """The action may not be executed; `feedback` is one paragraph for the agent's context (docs/rules.md: B6)."""

    verdict: ClassVar[str] = "was not approved"

    def __init__(self, approval: Approval) -> None:
        note = approval.decision.note if approval.decision else None
        self.approval = approval
        self.feedback = approval.feedback or f"{approval.action} {self.verdict}" + (f": {note}" if note else ".")
        super().__init__(self.feedback)


class Rejected(NotApproved):
    """A person said no."""

    verdict = "was rejected"


class Denied(NotApproved):
    """Policy refused it at once: over a limit, or not for this agent."""

    verdict = "was denied by policy"


class Blocked(NotApproved):
    """The manifest does not know this action."""

    verdict = "is not a known action and was blocked"


class Expired(NotApproved):
    """Nobody decided in time, or the approval was not used in time."""

    verdict = "expired"


class Cancelled(NotApproved):
    """It was withdrawn."""


class Undone(Cancelled):
    """A person undid it before it ran here: do not run it (any more)."""

    verdict = "was cancelled"


class TakenOver(NotApproved):
    """A person does it by hand; the agent only reads from here on (docs/rules.md: C4)."""

    verdict = "was taken over by a person"


class HandedBack(TakenOver):
    """A person did it by hand and is done; `approval.decision.human_steps` says what was done."""

    verdict = "was done by a person and handed back"


class ProblemError(SaysoError):
    """The server refused; the fields are those of its problem document (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.type = str(problem.get("type") or "about:blank")
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.detail = str(problem.get("detail") or "")
        self.field = _text(problem.get("field"))
        self.errors = problem.get("errors")
        self.state = _text(problem.get("state"))
        self.problem = dict(problem)
        self.retry_after = retry_after
        super().__init__(f"{status} {self.title}" + (f": {self.detail}" if self.detail else ""))


class BadRequest(ProblemError):
    """400: the request is malformed; `field` names the culprit where there is one."""


class Unauthorized(ProblemError):
    """401: the agent token is missing, wrong or revoked."""


class Forbidden(ProblemError):
    """403: this agent may not do that."""


class NotFound(ProblemError):
    """404: no such thing, or it belongs to another agent."""


class Conflict(ProblemError):
    """409: the approval's `state` does not allow it, or another nonce holds the grant."""


class Gone(ProblemError):
    """410: too late, the approval has expired."""


class PayloadTooLarge(ProblemError):
    """413: the body is larger than the server accepts."""


class Unprocessable(ProblemError):
    """422: well-formed but wrong; also the same idempotency key with another body."""


class Stopped(ProblemError):
    """423: people have pressed stop; nothing can be claimed until they start again."""


class RateLimited(ProblemError):
    """429: asked too often; `retry_after` is the server's wish in seconds."""


class ServerError(ProblemError):
    """5xx: the server failed, and kept failing for as long as the retries lasted."""


_BY_STATUS: dict[int, type[ProblemError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: PayloadTooLarge,
    422: Unprocessable,
    423: Stopped,
    429: RateLimited,
}
_BY_STATE: dict[str, type[NotApproved]] = {
    "rejected": Rejected,
    "denied": Denied,
    "blocked": Blocked,
    "expired": Expired,
    "cancelled": Cancelled,
    "taken_over": TakenOver,
    "handed_back": HandedBack,
}


def problem_error(status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> ProblemError:
    """The typed error for an HTTP status and its problem document."""
    kind = ServerError if status >= 500 else _BY_STATUS.get(status, ProblemError)
    return kind(status, problem, retry_after)


def refusal(approval: Approval) -> SaysoError | None:
    """Why this approval cannot be executed, or None where it can (or where only the server knows)."""
    if approval.pending:
        return StillPending(approval)
    if approval.undo is not None and approval.state in {"cancelled", "claimed"}:
        return Undone(approval)
    if approval.state == "outcome_unknown":
        return MayHaveRun(f"{approval.action} ({approval.id}) was claimed and never reported; a person must look")
    if approval.state in {"succeeded", "failed"}:
        return AlreadyExecuted(f"{approval.action} ({approval.id}) has already {approval.state.value}")
    kind = _BY_STATE.get(approval.state)
    return kind(approval) if kind else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
