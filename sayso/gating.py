"""The `gate` decorator's logic: which parameters are shown, and how the granted ones reach the function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sayso import asking, executing
from sayso.effects import Core, Flow, Invoke, Ran
from sayso.models import Approval, Grant

GRANT = "grant"


@dataclass(frozen=True, slots=True)
class Gate:
    """What a decorated function asks for. Values that may be callables get the call's own arguments."""

    action: str
    params: Callable[..., Mapping[str, Any]] | None = None
    reason: str | Callable[..., str] = ""
    kind: str = "confirm"
    step: str | int | Callable[..., str | int] | None = None
    checkpoint: Any = None
    timeout: float | None = None
    on_info_request: asking.OnInfoRequest | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a decorated function: its arguments, and the parameters a person will see."""

    function: Callable[..., Any]
    bound: inspect.BoundArguments
    params: dict[str, Any]

    @classmethod
    def of(cls, gate: Gate, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Bind the arguments. Raises TypeError when a shown parameter could not be given back to the function."""
        signature = inspect.signature(function)
        bound = signature.bind_partial(*args, **kwargs)
        bound.apply_defaults()
        _require(signature, bound)
        bound.arguments.pop(GRANT, None)
        shown = dict(gate.params(*bound.args, **bound.kwargs)) if gate.params else _shown(bound)
        if GRANT not in signature.parameters:
            _refuse_strangers(function, signature, shown)
        return cls(function, bound, shown)

    def resolve(self, value: Any) -> Any:
        """`value`, or what it returns for this call's arguments."""
        return value(*self.bound.args, **self.bound.kwargs) if callable(value) else value

    def with_grant(self, grant: Grant) -> Callable[[], Any]:
        """The function ready to run with exactly the parameters that were granted."""
        signature = self.bound.signature
        bound = inspect.BoundArguments(signature, self.bound.arguments.copy())
        rest = _catch_all(signature)
        for name, value in grant.params.items():
            if name in signature.parameters and name not in {GRANT, rest}:
                bound.arguments[name] = value
            elif rest is not None:
                bound.arguments[rest] = {**bound.arguments.get(rest, {}), name: value}
        if GRANT in signature.parameters:
            bound.arguments[GRANT] = grant
        ordered = {name: bound.arguments[name] for name in signature.parameters if name in bound.arguments}
        bound = inspect.BoundArguments(signature, ordered)
        return partial(self.function, *bound.args, **bound.kwargs)


def gated(core: Core, gate: Gate, call: Call) -> Flow[Ran]:
    """Ask, wait, claim, run, report. Raises NotApproved's kinds; the function's own error is in the Ran."""
    details = {name: call.resolve(value) for name, value in gate.details.items()}
    reason, checkpoint = call.resolve(gate.reason), call.resolve(gate.checkpoint)
    body = asking.compose(gate.action, call.params, reason, kind=gate.kind, checkpoint=checkpoint, details=details)
    step = call.resolve(gate.step)
    approval: Approval = yield from asking.ask(core, body, asking.key_for(body, step, None), step)
    if approval.pending:
        approval = yield from asking.wait(core, approval.id, gate.timeout, gate.on_info_request)
    grant = yield from executing.begin(core, approval, again=False)
    ran: Ran = yield Invoke(call.with_grant(grant))
    yield from executing.finish(core, grant, ran.error)
    return ran


def _require(signature: inspect.Signature, bound: inspect.BoundArguments) -> None:
    optional = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    for name, parameter in signature.parameters.items():
        if name not in bound.arguments and name != GRANT and parameter.kind not in optional:
            raise TypeError(f"missing a required argument: '{name}'")


def _shown(bound: inspect.BoundArguments) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        match bound.signature.parameters[name].kind:
            case inspect.Parameter.VAR_KEYWORD:
                shown.update(value)
            case inspect.Parameter.VAR_POSITIONAL:
                shown[name] = list(value)
            case _ if name not in {"self", "cls"}:
                shown[name] = value
    return shown


def _catch_all(signature: inspect.Signature) -> str | None:
    kinds = {parameter.kind: name for name, parameter in signature.parameters.items()}
    return kinds.get(inspect.Parameter.VAR_KEYWORD)


def _refuse_strangers(function: Callable[..., Any], signature: inspect.Signature, shown: Mapping[str, Any]) -> None:
    strangers = [] if _catch_all(signature) else sorted(shown.keys() - signature.parameters.keys())
    if strangers:
        name = getattr(function, "__name__", "the function")
        raise TypeError(
            f"params= shows {strangers[0]!r}, which is not an argument of {name}, so an edit of it would be lost; "
            f"use the argument's name, or give {name} a keyword argument `grant` and read grant.params"
        )
