"""Everything that a person can do, in the order of a card's buttons; listeners, cards and the check at the start read it here."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from bot.acts import (
    answer,
    approve,
    approve_standing,
    batch_approve,
    batch_reject,
    batch_select,
    choose,
    details,
    discard_reply,
    edit,
    end_standing,
    escalate,
    hand_back,
    label,
    reject,
    request_info,
    review_correct,
    review_incident,
    session,
    show_hidden,
    take_over,
    undo,
    written,
)
from bot.acts.act import Act, Answer, Open, Press, Show
from bot.render import cards
from bot.render.buttons import Offers
from bot.render.forms import State
from bot.render.modal_parts import View
from bot.render.modals import Where
from bot.service import authorization
from bot.service.authorization import UnseenInPart
from bot.service.context import World
from bot.service.disclosure import HiddenUnseen
from policies.approval import Approval

ACTS: Final[tuple[Act[Any], ...]] = (
    approve.ACT,
    choose.ACT,
    answer.ACT,
    hand_back.ACT,
    undo.ACT,
    reject.ACT,
    edit.ACT,
    details.ACT,
    request_info.ACT,
    take_over.ACT,
    escalate.ACT,
    show_hidden.ACT,
    approve_standing.ACT,
    end_standing.ACT,
    review_correct.ACT,
    review_incident.ACT,
    label.ACT,
    batch_approve.ACT,
    batch_reject.ACT,
    batch_select.ACT,
    discard_reply.ACT,
    *session.ACTS,
)
OFFERS: Final[Offers] = tuple(act.button for act in ACTS if act.button is not None)
_BY_VERB: Final = {act.verb: act for act in ACTS}
_BY_MODAL: Final = {act.modal: act for act in ACTS}

approval_card = partial(cards.approval_card, offers=OFFERS)
"""The card of an approval with everything that can be done about it."""


def named(action_id: str) -> Act[Any] | None:
    """The act of a control, by its action id `verb` or `verb:word`."""
    verb, _, word = action_id.partition(":")
    act = _BY_VERB.get(verb)
    return act if act is not None and (action_id == verb or (act.words and word)) else None


def form(verb: str, approval: Approval, *, channel: str = "", ts: str = "", page: int = 0) -> View:
    """The form of an act as anybody sees it who may open it."""
    draw = _BY_VERB[verb].form
    assert draw is not None
    return draw(approval, Where(channel, ts, page, OFFERS))


def tapped(world: World, act: Act[Any], press: Press) -> Answer:
    """Do what a tap on the act's control does; what nobody has seen whole is shown first."""
    try:
        return _shown(world, press, _done(world, act, press))
    except HiddenUnseen:
        assert show_hidden.ACT.shows is not None
        return Open(show_hidden.ACT.shows(world, press))


def _done(world: World, act: Act[Any], press: Press) -> Approval | Answer:
    if act.shows is not None:
        return Open(act.shows(world, press))
    assert act.form is not None or act.at_once is not None
    try:
        if act.at_once is not None:
            return act.at_once(world, press)
        approval = act.may_open(world, press.tap)
    except UnseenInPart as error:
        approval = error.approval
    assert act.form is not None
    return Open(act.form(*written.with_reply(world, press, approval)))


def _shown(world: World, press: Press, done: Approval | Answer) -> Answer:
    """What was decided or steered inside a modal is shown there; a card is drawn anew by itself."""
    if not isinstance(done, Approval):
        return done
    return Show(details.shown(world, done, press.tap.actor, press.where)) if press.in_modal else None


def sent(world: World, act: Act[Any], press: Press, state: State) -> Answer:
    """Do what a form that was sent asks for; raises FormErrors where something in it cannot be used."""
    assert act.read is not None
    assert act.run is not None
    done = act.run(world, press, act.read(state, lambda: _asked_about(world, act, press)))
    return None if isinstance(done, Approval) else done


def _asked_about(world: World, act: Act[Any], press: Press) -> Approval:
    return written.with_reply(world, press, act.asked_about(world, press.tap))[0]


def turned(world: World, modal: str, press: Press) -> View:
    """The same modal at another page."""
    act = _BY_MODAL.get(modal, details.ACT)
    if act.shows is not None:
        return act.shows(world, press)
    assert act.form is not None
    approval = authorization.read(world, press.tap.approval_id, press.tap.actor)
    return act.form(*written.with_reply(world, press, approval))
