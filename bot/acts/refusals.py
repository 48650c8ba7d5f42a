"""What went wrong, in words for the person who acted."""

from __future__ import annotations

from bot.render.labels import reviewed_sentence, settled_sentence
from bot.render.visible_text import escape, visible
from bot.service.authorization import Lost, Outdated, UnseenInPart
from bot.service.disclosure import HiddenUnseen
from bot.service.review import AlreadyReviewed
from bot.service.undo import NotUndoable
from policies.approval import Approval
from policies.errors import SaysoError


def explain(error: SaysoError) -> str:
    """What went wrong, for the person who acted, as mrkdwn that mentions and links nothing of the agent's."""
    if isinstance(error, AlreadyReviewed):
        return str(reviewed_sentence(error.approval))
    if isinstance(error, NotUndoable) and error.approval.undo is None:
        return f"{error} {settled_sentence(error.approval)}"
    if isinstance(error, Lost):
        return str(settled_sentence(error.approval))
    if isinstance(error, Outdated):
        return f"{error} It changed after your card was posted, so nothing was decided."
    return str(escape(visible(str(error))))


def state_of(error: SaysoError) -> Approval | None:
    """The approval as it is now, where the error carries it."""
    return error.approval if isinstance(error, Lost | Outdated | UnseenInPart | HiddenUnseen) else None
