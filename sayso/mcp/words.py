"""What the model is told where its call did not run, or was changed. Each says what may be done next."""

from __future__ import annotations

from sayso.errors import (
    AlreadyExecuted,
    Conflict,
    Expired,
    Gone,
    InformationRequested,
    JournalDamaged,
    MayHaveRun,
    NotApproved,
    ProblemError,
    RateLimited,
    SaysoError,
    StillPending,
    Stopped,
    ToolRefused,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
)

MAY_HAVE_RUN = (
    "This very call was allowed once already, and nobody has reported what became of it: it may have run, and its outcome is unknown. "
    "It is not run again. Look at what it changed before you go on; a person is told too."
)
LOST = (
    "The tool was started, and its server ended or hung up before it answered: the call may have run, and its outcome is unknown. "
    "Do not make it again before you have looked at what it changed."
)
NO_CALL = "Sayso cannot let this call run: it names no tool, or its arguments are not an object. It was not run."
WAITING = "Waiting for a person to decide in Slack"
ENDED = "The tool's server has ended. This call was not run."
ASKED_BACK = "The question was passed on to the model. Nobody else can answer here: decide on what is shown, or ask whoever runs the agent."


def refused(error: Exception) -> str:
    """Why the call did not run, in words for the model."""
    match error:
        case ToolRefused():
            return error.feedback
        case Expired():
            return f"{error.feedback} Nobody said no: nobody decided in time. Make the same call again to ask again."
        case NotApproved():
            return error.feedback
        case StillPending():
            return _waiting(error)
        case InformationRequested():
            return (
                f"A reviewer asks before deciding about this call: {error.question} It is not refused. "
                "Tell whoever you work for, and make the same call again to go on waiting."
            )
        case MayHaveRun() | AlreadyExecuted():
            return MAY_HAVE_RUN
        case Conflict() if error.state in (None, "claimed", "outcome_unknown"):
            return MAY_HAVE_RUN
        case Stopped():
            return "People have stopped all agents for now. This call was not run; make it again later."
        case Gone():
            return (
                "The approval of this call was not used in time. It was not run; make the same call again to ask again."
            )
        case _:
            return _broken(error)


def _waiting(error: StillPending) -> str:
    until = f" until {error.approval.expires_at:%Y-%m-%d %H:%M} UTC" if error.approval.expires_at else ""
    return (
        f"Nobody has decided yet about this call; it is not refused, and the request stays open{until}. "
        "Make the same call again to go on waiting, or do something else first."
    )


def _broken(error: Exception) -> str:
    match error:
        case Unauthorized():
            why = "it does not know the gate's token, so nothing may run. Whoever runs the gate has to set SAYSO_TOKEN"
        case Unreachable():
            why = "it does not answer"
        case UnexpectedAnswer():
            why = "its answer cannot be read"
        case RateLimited():
            why = f"this agent asks too often; try again in {error.retry_after or 60:.0f} s"
        case JournalDamaged():
            why = "the gate's own notes cannot be read, and whoever runs it has to look"
        case ProblemError():
            why = f"{error.field}: {error.detail or error.title}" if error.field else error.detail or error.title
        case SaysoError():
            why = str(error)
        case _:
            why = f"something broke in the gate ({type(error).__name__})"
    return f"Sayso cannot let this call run: {why}. It was not run."


def changed(feedback: str | None, note: str | None) -> str:
    """What is told beside the result where a person changed the call, or had something to say."""
    told = feedback or (f"Note: {note}" if note else "A person changed the arguments.")
    return f"[Sayso] {told} What ran is what was granted."
