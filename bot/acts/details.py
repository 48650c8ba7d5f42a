"""Details: everything about a request, for everybody of the home team; who may decide can do it there."""

from __future__ import annotations

from dataclasses import replace

from bot.acts import label, session, show_hidden
from bot.acts.act import Act, Press
from bot.acts.deciding import deciding
from bot.render import modals
from bot.render.blocks import VIEW_BLOCKS, Button
from bot.render.buttons import Offer, Seen
from bot.render.full_view import cost, full_view, sheets
from bot.render.modal_parts import AnyPart, View, line, modal, press
from bot.render.modals import Where
from bot.render.standing import HOUR, span
from bot.render.visible_text import Mrkdwn, fill
from bot.service import authorization, labelling, standing, steer
from bot.service.context import World
from policies.approval import Approval
from policies.lifecycle import RAN
from policies.permissions import Actor
from policies.standing_offer import bounds_of, withheld


def _button(seen: Seen) -> Button | None:
    return seen.press("details", "Details") if seen.pending else None


def _form(approval: Approval, where: Where) -> View:
    """As somebody sees it who may decide nothing."""
    return drawn(approval, where)


def drawn(
    approval: Approval,
    where: Where,
    *,
    run: tuple[str, str | None] | None = None,
    may_decide: bool = False,
    may_label: bool = False,
    yeses: int | None = None,
) -> View:
    """One page at a time; with `may_decide`, its card's buttons stand on top of the first.

    `run` is the state of the agent's run and who set it: for those who may pause, resume or cancel it (docs/rules.md: C3).
    `yeses` is how often this person said yes to the like, where a standing approval is offered to them for it.
    """
    acts = [*_let_run(approval, yeses), *_acts(approval, where)] if may_decide else []
    pages = sheets(full_view(approval), blocks=VIEW_BLOCKS - 6 - len(acts), spare=sum(map(cost, acts)))
    page = max(0, min(where.page, len(pages) - 1))
    parts = list(pages[page])
    if page == 0:
        # What is on later pages, or hidden, comes before a yes all the same: the tap itself asks for it.
        parts[1:1] = acts
        parts += session.steering(approval, *run) if run else []
        parts += label.asking(approval) if may_label else []
    parts += modals.turning(page, len(pages))
    return modal(ACT.modal, "Details", parts, private=modals.about(approval, replace(where, page=page)))


def _acts(approval: Approval, where: Where) -> list[AnyPart]:
    """What can be done about it; what is hidden can be read even when it is decided."""
    hidden = show_hidden.button(approval)
    return deciding(approval, where, ACT.verb) or ([press("decide-1", [hidden])] if hidden else [])


def _let_run(approval: Approval, yeses: int | None) -> list[AnyPart]:
    """What somebody is offered who has said yes to the like every time."""
    if yeses is None or withheld(approval) is not None:
        return []
    long = span(min(bounds_of(approval).max_seconds, HOUR))
    said = fill("🔁 You approved {yeses} of {yeses} of these. Let them run for {long}?", yeses=yeses, long=Mrkdwn(long))
    return [line(said)]


def shown(world: World, approval: Approval, actor: Actor, where: Where) -> View:
    """The details as this person may act on them."""
    may_steer = steer.may_steer(actor, approval)
    found = steer.session_of(world, approval) if may_steer else None
    run = (found.state, found.by) if found else None
    may_decide = authorization.refusal_of(approval, actor) is None
    offered = may_decide and withheld(approval) is None
    yeses = world.read(lambda ctx: standing.yeses_to_the_like(ctx, approval, actor)) if offered else None
    may_label = approval.state in RAN and labelling.may_label(actor, approval) is None
    return drawn(approval, where, run=run, may_decide=may_decide, may_label=may_label, yeses=yeses)


def _shows(world: World, press: Press) -> View:
    actor = press.tap.actor
    return shown(world, authorization.read(world, press.tap.approval_id, actor), actor, press.where)


ACT: Act[None] = Act("details", Offer(_button, behind=True), _form, shows=_shows)
