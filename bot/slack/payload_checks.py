"""What of a signed body is read on: the fields that Slack's taps, forms, commands and events have, each of its own kind.

Bolt and the listeners read what is left without asking again, so nothing else is left: a field of another kind makes the
body no Slack request, `null` is the same as leaving a field out, and what nobody reads goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]
_Read = Callable[[Any], Any]
MOST_WORD = 500


class _Odd(ValueError):
    """A field is not of the kind that Slack sends."""


def read(body: Body) -> Body | None:
    """The body with what is read of it; None where it is no command, interaction or event of Slack's."""
    try:
        if "command" in body:
            return _needing(_COMMAND(body), "command", "user_id")
        kind = _text(body.get("type"))
        return _KINDS.get(kind, _anything)(body)
    except _Odd:
        return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Odd
    return value


def _word(value: Any) -> str:
    """An id, a name or a moment: none of Slack's is longer."""
    if len(_text(value)) > MOST_WORD:
        raise _Odd
    return str(value)


def _truth(value: Any) -> bool:
    """A yes or no, as JSON or as a form's text."""
    if not isinstance(value, bool) and value not in ("true", "false"):
        raise _Odd
    return value in (True, "true")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Odd
    return value


def _object(value: Any) -> Body:
    if not isinstance(value, dict):
        raise _Odd
    return value


def _several(entry: _Read) -> _Read:
    return lambda value: [entry(one) for one in _list(value)]


def _fields(**readers: _Read) -> Callable[[Any], Body]:
    """Reads an object's known fields, where they are there."""

    def reader(value: Any) -> Body:
        given = _object(value)
        return {name: read_one(given[name]) for name, read_one in readers.items() if given.get(name) is not None}

    return reader


def _texts(*names: str, **more: _Read) -> Callable[[Any], Body]:
    return _fields(**dict.fromkeys(names, _text), **more)


def _words(*names: str, **more: _Read) -> Callable[[Any], Body]:
    return _fields(**dict.fromkeys(names, _word), **more)


def _needing(body: Body, *names: str) -> Body:
    """The body itself, where these texts or objects are there and not empty."""
    if not all(body.get(name) for name in names):
        raise _Odd
    return body


def _named(value: Any) -> Body:
    return _needing(_NAMES(value), "id")


def _place(value: Any) -> Body:
    """A team or an organisation: an object, or its id."""
    return {"id": _word(value)} if isinstance(value, str) else _NAMES(value)


def _option(value: Any) -> Body:
    return _needing(_texts("value")(value), "value")


def _input(value: Any) -> Body:
    """What one input of a form holds: a text, a picked option or several, and plain values of any other name."""
    given = _object(value)
    plain = {name: held for name, held in given.items() if isinstance(held, str | int | float) and name != "value"}
    return plain | _HELD(given)


def _values(value: Any) -> Body:
    return {block: {name: _input(held) for name, held in _object(of).items()} for block, of in _object(value).items()}


def _block(value: Any) -> Body:
    """Of a block its kind and name, and what its elements carry."""
    return _words("type", "block_id", elements=_elements)(value)


def _pressed(value: Any) -> list[Body]:
    """Those blocks of a message in which something can be tapped."""
    return [_block(one) for one in _list(value) if isinstance(one, dict) and one.get("type") == "actions"]


def _elements(value: Any) -> list[Body]:
    """Those elements that carry something: a text that is an element of a context block carries nothing."""
    carried = [one for one in _list(value) if isinstance(one, dict) and isinstance(one.get("value"), str)]
    return [_words("type", value=_text)(one) for one in carried]


def _action(value: Any) -> Body:
    return _needing(_ACTION(value), "action_id")


_NAMES = _words("id", "team_id", "username", "name", "domain")
_HELD = _texts("value", selected_option=_texts("value"), selected_options=_several(_texts("value")))
_STATE = _fields(values=_values)
_ACTION = _words("type", "action_id", "block_id", "action_ts", value=_text, selected_option=_option)
_VIEW = _words(
    "id", "hash", "type", "callback_id", "team_id", "app_installed_team_id",
    private_metadata=_text, state=_STATE, blocks=_several(_block),
)  # fmt: skip
_COMMON: Mapping[str, _Read] = {
    "type": _word,
    "user": _named,
    "team": _place,
    "enterprise": _place,
    "is_enterprise_install": _truth,
    "channel": _NAMES,
    "container": _words("type", "message_ts", "thread_ts", "channel_id", "view_id", is_ephemeral=_truth),
    "message": _words("ts", "thread_ts", blocks=_pressed),
    "view": _VIEW,
    "state": _STATE,
    "actions": _several(_action),
    "trigger_id": _word,
    "response_url": _text,
    "callback_id": _word,
    "action_id": _word,
    "block_id": _word,
    "value": _text,
    "team_id": _word,
    "enterprise_id": _word,
}
_BODY = _fields(**_COMMON)
_COMMAND = _words(
    "command", "user_id", "user_name", "team_id", "team_domain", "enterprise_id", "channel_id", "channel_name",
    "trigger_id", text=_text, response_url=_text, is_enterprise_install=_truth,
)  # fmt: skip


def _tap(body: Body) -> Body:
    return _needing(_BODY(body), "user", "actions")


def _form(body: Body) -> Body:
    found = _needing(_BODY(body), "user", "view")
    # Bolt reads the view's type to tell forms from workflow steps.
    _needing(found["view"], "callback_id", "type", "state")
    if "values" not in found["view"]["state"]:
        raise _Odd
    return found


def _closed(body: Body) -> Body:
    found = _needing(_BODY(body), "user", "view")
    _needing(found["view"], "callback_id")
    return found


def _event(body: Body) -> Body:
    """Of an event what says who and where; of events that nobody hears the same."""
    event = {name: value for name, value in _object(body.get("event")).items() if isinstance(value, str)}
    _needing(event, "type")
    if event["type"] == "app_home_opened":
        _needing(event, "user")
    return _words("type", "team_id", "enterprise_id")(body) | {"event": event}


def _anything(body: Body) -> Body:
    """A kind that nobody hears: only that it came."""
    return _words("type", "callback_id")(body)


_KINDS: Mapping[str, Callable[[Body], Body]] = {
    "block_actions": _tap,
    "view_submission": _form,
    "view_closed": _closed,
    "event_callback": _event,
}
