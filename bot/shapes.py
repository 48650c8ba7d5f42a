"""Whether a signed body is shaped as Slack shapes it: what follows reads its fields without asking again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

Body = dict[str, Any]


def slacks(body: Body) -> bool:
    """Whether this is a command, an interaction or an event that can be read; kinds nobody hears pass."""
    if "command" in body:
        return _texts(body, "command", "user_id")
    if not isinstance(body.get("type"), str) or not _readable(body):
        return False
    check = _CHECKS.get(body["type"])
    return check is None or check(body)


def _texts(value: object, *names: str) -> TypeGuard[Body]:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) and value[name] for name in names)


def _maybe(value: object, kind: type) -> bool:
    return value is None or isinstance(value, kind)


def _readable(body: Body) -> bool:
    """Bolt looks into these of every body, also where nobody listens."""
    places = ("user", "team", "channel", "container", "enterprise", "message", "view", "event")
    return all(_maybe(body.get(name), dict) for name in places)


def _by_a_person(body: Body) -> bool:
    return _texts(body.get("user"), "id")


def _actions(body: Body) -> bool:
    actions = body.get("actions")
    return _by_a_person(body) and isinstance(actions, list) and bool(actions) and all(map(_action, actions))


def _action(action: object) -> bool:
    if not isinstance(action, dict) or not _texts(action, "action_id"):
        return False
    option = action.get("selected_option")
    return _maybe(action.get("value"), str) and (option is None or _texts(option, "value"))


def _view(body: Body) -> bool:
    view = body.get("view")
    return _by_a_person(body) and _texts(view, "callback_id")


def _submission(body: Body) -> bool:
    if not _view(body):
        return False
    view = body["view"]
    if not _texts(view, "type"):
        return False  # Bolt reads it to tell forms from workflow steps
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    inputs = isinstance(values, dict) and all(isinstance(value, dict) for value in values.values())
    return inputs and _maybe(view.get("private_metadata"), str) and _maybe(view.get("blocks"), list)


def _event(body: Body) -> bool:
    event = body.get("event")
    return _texts(event, "type") and (event["type"] != "app_home_opened" or _texts(event, "user"))


_CHECKS: dict[str, Callable[[Body], bool]] = {
    "block_actions": _actions,
    "view_submission": _submission,
    "view_closed": _view,
    "event_callback": _event,
}
