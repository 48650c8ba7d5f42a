"""What a reviewer wrote in a card's thread in place of a text that no form holds: read, and shown before it counts (docs/rules.md: C1)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.acts.act import Press, may_say_yes
from bot.render import forms
from bot.render.editing import editable
from bot.render.line_diff import TextChange
from bot.render.message import Message
from bot.render.modals import Where
from bot.render.replies import change_message
from bot.render.typed_text import as_json
from bot.service import replies
from bot.service.authorization import Tap
from bot.service.context import World
from policies import edits
from policies.approval import Approval
from policies.errors import InvalidInput
from policies.permissions import Actor

_FIRST: Final = re.compile(r"\s*edit\s+(?P<name>.*?)(?:\s+(?P<of>apr_[0-9a-z]+))?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Order:
    """A reply: the parameter that it names, the approval where it names one, and the new text."""

    name: str
    of: str | None
    text: str


def order_of(message: str) -> Order | None:
    """What a message asks for by its first line; None where it asks for nothing: people talk in threads."""
    first, _, rest = message.partition("\n")
    found = _FIRST.fullmatch(first)
    return Order(found["name"].strip("`*_ "), found["of"], _unfenced(rest)) if found and found["name"] else None


def _unfenced(text: str) -> str:
    """Without the fences of a block of code around it."""
    inner = text.strip()
    fenced = len(inner) >= 6 and inner.startswith("```") and inner.endswith("```")
    return inner[3:-3].removeprefix("\n").removesuffix("\n") if fenced else text


def meant(found: Sequence[Approval], order: Order) -> Approval | None:
    """The approval of a thread whose parameter is named; None where none has one of that name that no form holds.

    Raises InvalidInput where several have.
    """
    open_ = [one for one in found if one.request.kind == "confirm" and order.of in (None, one.id)]
    fitting = [one for one in open_ if order.name in _names(one)]
    if len(fitting) > 1:
        ids = ", ".join(f"edit {order.name} {one.id}" for one in fitting)
        raise InvalidInput(f"several requests in this thread have {order.name}: write one of {ids}", field=order.name)
    return fitting[0] if fitting else None


def _names(approval: Approval) -> list[str]:
    return [field.name for field in editable(approval) if field.by_reply]


def shown_change(world: World, actor: Actor, seen: Approval, order: Order, *, source: str) -> Message | None:
    """The change that a reply would make, for its writer, with Confirm and Discard; None where it was shown before.

    Raises what Edit raises for somebody who may not, and InvalidInput for a text that cannot be the value.
    """
    tap = Tap(seen.id, seen.digest, actor)
    approval = may_say_yes(world, tap)
    if not order.text.strip():
        raise InvalidInput(
            f"write the whole new text of {order.name} under the first line, in the same message", field=order.name
        )
    try:
        value = forms.read_reply(approval, order.name, order.text)
    except ValueError as error:
        raise InvalidInput(f"{order.name}: {error}", field=order.name) from None
    if not edits.differ(approval.params, {**approval.params, order.name: value}):
        raise InvalidInput(f"{order.name}: nothing was changed", field=order.name)
    key = replies.kept(world, tap, order.name, value, seen=approval, source=source)
    if key is None:
        return None
    return change_message(approval, _change(order.name, approval.params[order.name], value), key)


def with_reply(world: World, press: Press, approval: Approval) -> tuple[Approval, Where]:
    """The approval as a form sees it which was opened by Confirm, and where it stands; both as they are otherwise."""
    if not press.where.reply:
        return approval, press.where
    name, proposed = replies.proposed(world, press.tap, press.where.reply, approval)
    change = _change(name, approval.params.get(name), proposed.params[name])
    return proposed, replace(press.where, change=change)


def _change(name: str, before: Any, after: Any) -> TextChange:
    return TextChange(name, _text(before), _text(after))


def _text(value: Any) -> str:
    """As it is compared: the order of an object's names is no change."""
    return value if isinstance(value, str) else as_json(json.loads(json.dumps(value, sort_keys=True)), indent=1)
