"""Sayso's client: an agent asks, a person decides in Slack, the agent acts once, exactly as granted."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sayso.aio import (
        AsyncAgentSession as AsyncAgentSession,
    )
    from sayso.aio import (
        AsyncExecution as AsyncExecution,
    )
    from sayso.aio import (
        AsyncSayso as AsyncSayso,
    )
    from sayso.asking import (
        Choice as Choice,
    )
    from sayso.asking import (
        Details as Details,
    )
    from sayso.asking import (
        Evidence as Evidence,
    )
    from sayso.client import (
        AgentSession as AgentSession,
    )
    from sayso.client import (
        Execution as Execution,
    )
    from sayso.client import (
        Sayso as Sayso,
    )
    from sayso.errors import (
        AlreadyExecuted as AlreadyExecuted,
    )
    from sayso.errors import (
        BadCallback as BadCallback,
    )
    from sayso.errors import (
        BadRequest as BadRequest,
    )
    from sayso.errors import (
        Blocked as Blocked,
    )
    from sayso.errors import (
        Cancelled as Cancelled,
    )
    from sayso.errors import (
        Conflict as Conflict,
    )
    from sayso.errors import (
        Denied as Denied,
    )
    from sayso.errors import (
        Expired as Expired,
    )
    from sayso.errors import (
        Forbidden as Forbidden,
    )
    from sayso.errors import (
        Gone as Gone,
    )
    from sayso.errors import (
        HandedBack as HandedBack,
    )
    from sayso.errors import (
        InformationRequested as InformationRequested,
    )
    from sayso.errors import (
        JournalDamaged as JournalDamaged,
    )
    from sayso.errors import (
        MayHaveRun as MayHaveRun,
    )
    from sayso.errors import (
        NotApproved as NotApproved,
    )
    from sayso.errors import (
        NotClaimed as NotClaimed,
    )
    from sayso.errors import (
        NotFound as NotFound,
    )
    from sayso.errors import (
        NotRestorable as NotRestorable,
    )
    from sayso.errors import (
        PayloadTooLarge as PayloadTooLarge,
    )
    from sayso.errors import (
        ProblemError as ProblemError,
    )
    from sayso.errors import (
        RateLimited as RateLimited,
    )
    from sayso.errors import (
        Rejected as Rejected,
    )
    from sayso.errors import (
        SaysoError as SaysoError,
    )
    from sayso.errors import (
        ServerError as ServerError,
    )
    from sayso.errors import (
        SessionCancelled as SessionCancelled,
    )
    from sayso.errors import (
        StillPending as StillPending,
    )
    from sayso.errors import (
        Stopped as Stopped,
    )
    from sayso.errors import (
        TakenOver as TakenOver,
    )
    from sayso.errors import (
        ToolRefused as ToolRefused,
    )
    from sayso.errors import (
        Unauthorized as Unauthorized,
    )
    from sayso.errors import (
        Undone as Undone,
    )
    from sayso.errors import (
        UnexpectedAnswer as UnexpectedAnswer,
    )
    from sayso.errors import (
        Unprocessable as Unprocessable,
    )
    from sayso.errors import (
        Unreachable as Unreachable,
    )
    from sayso.models import (
        Approval as Approval,
    )
    from sayso.models import (
        Checkpoint as Checkpoint,
    )
    from sayso.models import (
        Decision as Decision,
    )
    from sayso.models import (
        Grant as Grant,
    )
    from sayso.models import (
        InfoRequest as InfoRequest,
    )
    from sayso.models import (
        Pending as Pending,
    )
    from sayso.models import (
        Route as Route,
    )
    from sayso.models import (
        Session as Session,
    )
    from sayso.states import (
        State as State,
    )

    __version__: str

# Name -> home: a module is loaded when one of its names is first used, so that importing sayso costs next to nothing.
_HOMES = {
    "aio": (
        "AsyncAgentSession",
        "AsyncExecution",
        "AsyncSayso",
    ),
    "asking": (
        "Choice",
        "Details",
        "Evidence",
    ),
    "client": (
        "AgentSession",
        "Execution",
        "Sayso",
    ),
    "errors": (
        "AlreadyExecuted",
        "BadCallback",
        "BadRequest",
        "Blocked",
        "Cancelled",
        "Conflict",
        "Denied",
        "Expired",
        "Forbidden",
        "Gone",
        "HandedBack",
        "InformationRequested",
        "JournalDamaged",
        "MayHaveRun",
        "NotApproved",
        "NotClaimed",
        "NotFound",
        "NotRestorable",
        "PayloadTooLarge",
        "ProblemError",
        "RateLimited",
        "Rejected",
        "SaysoError",
        "ServerError",
        "SessionCancelled",
        "StillPending",
        "Stopped",
        "TakenOver",
        "ToolRefused",
        "Unauthorized",
        "UnexpectedAnswer",
        "Unprocessable",
        "Unreachable",
    ),
    "models": (
        "Approval",
        "Checkpoint",
        "Decision",
        "Grant",
        "InfoRequest",
        "Pending",
        "Route",
        "Session",
    ),
    "states": ("State",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AgentSession",
    "AlreadyExecuted",
    "Approval",
    "AsyncAgentSession",
    "AsyncExecution",
    "AsyncSayso",
    "BadCallback",
    "BadRequest",
    "Blocked",
    "Cancelled",
    "Checkpoint",
    "Choice",
    "Conflict",
    "Decision",
    "Denied",
    "Details",
    "Evidence",
    "Execution",
    "Expired",
    "Forbidden",
    "Gone",
    "Grant",
    "HandedBack",
    "InfoRequest",
    "InformationRequested",
    "JournalDamaged",
    "MayHaveRun",
    "NotApproved",
    "NotClaimed",
    "NotFound",
    "NotRestorable",
    "PayloadTooLarge",
    "Pending",
    "ProblemError",
    "RateLimited",
    "Rejected",
    "Route",
    "Sayso",
    "SaysoError",
    "ServerError",
    "Session",
    "SessionCancelled",
    "State",
    "StillPending",
    "Stopped",
    "TakenOver",
    "ToolRefused",
    "Unauthorized",
    "UnexpectedAnswer",
    "Unprocessable",
    "Unreachable",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("sayso")
    if name not in _HOME:
        raise AttributeError(f"module 'sayso' has no attribute {name!r}")
    value: object = getattr(import_module(f"sayso.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
