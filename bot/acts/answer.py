"""Answer: a yes with an answer to the agent's open question."""

from __future__ import annotations

from bot.acts.act import Act, Look, Press, may_say_yes
from bot.render import forms, modals
from bot.render.blocks import Button
from bot.render.buttons import Offer, Seen
from bot.render.cards import needs_full_view
from bot.render.modal_parts import Input, View, modal
from bot.render.modals import Where
from bot.service import decide
from bot.service.context import World
from policies.approval import Approval
from policies.kinds import Kind

# An answer is a yes to the action, and the control that sends it says so (at most 24 characters).
TITLE, WITH_ANSWER = "Answer & approve", "Approve with this answer"


def _button(seen: Seen) -> Button | None:
    return seen.press("answer", TITLE, "primary") if seen.asks(Kind.INPUT) else None


def _form(approval: Approval, where: Where) -> View:
    """The agent's open question and the answer to it; the full view first where the card could not show everything."""
    given = approval.votes[-1].answer if approval.votes else None
    hint = "Somebody else gave this answer. Send it unchanged to agree, or write your own." if given else None
    ending = [
        *modals.approves(approval, "an answer"),
        Input("answer", "Your answer", initial=given, multiline=True, hint=hint),
        *modals.amount_input(approval),
    ]
    if needs_full_view(approval):
        return modals.in_pages(TITLE, approval, ending, where, name=ACT.modal, submit=WITH_ANSWER)
    question = approval.request.question
    asked = [modals.quoted(approval, "The agent asks", question)] if question else []
    parts = [*modals.lead(approval), *asked, *ending]
    return modal(ACT.modal, TITLE, parts, submit=WITH_ANSWER, private=modals.about(approval, where))


def _read(state: forms.State, look: Look) -> str:
    """The answer; raises FormErrors where there is none, or an amount was not typed."""
    approval = look()
    found = forms.needed(state, "answer")
    forms.require_amount(approval, approval.params, state)
    return found


def _run(world: World, press: Press, text: str) -> Approval:
    return decide.answer(world, press.tap, text)


ACT = Act("answer", Offer(_button), _form, _read, _run, may_open=may_say_yes, once=True)
