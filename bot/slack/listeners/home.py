"""App Home: my queue by deadline, what I decided, how it goes, and whether I am here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.acts.refusals import explain
from bot.render.home import MINE, Presence, home_view
from bot.service import standing, standing_ends, steer
from bot.service.context import Context
from bot.service.stats import on_home
from bot.slack import links
from bot.slack.listeners.desk import Body, Desk, is_outage
from policies.approval import Approval
from policies.errors import SaysoError
from policies.permissions import Actor, genuine
from store import approvals, directory
from store.stats import stats
from store.unit import Unit

DAYS = 14


def register(app: AsyncApp, desk: Desk) -> None:
    """Hear that somebody looks at the home tab, or says that they are away or back."""

    async def opened(ack: AsyncAck, event: dict[str, Any]) -> None:
        if event.get("tab", "home") == "home":
            desk.runtime.background(publish(desk, str(event["user"])))
        await ack()

    async def toggled(ack: AsyncAck, body: Body, action: dict[str, Any]) -> None:
        actor = await desk.actor(body)
        world = desk.runtime.world
        try:
            if action.get("value") == "back":
                await desk.call(steer.back, world, actor)
            else:
                await desk.call(steer.away, world, actor, None)
        except SaysoError as error:
            if is_outage(error):
                raise
            desk.tell(body, explain(error))
        desk.runtime.background(publish(desk, actor.user))
        await ack()

    async def ended(ack: AsyncAck, body: Body, action: dict[str, Any]) -> None:
        actor = await desk.actor(body)
        try:
            await desk.call(standing_ends.end_standing, desk.runtime.world, actor, str(action.get("value") or ""))
        except SaysoError as error:
            if is_outage(error):
                raise
            desk.tell(body, explain(error))
        desk.runtime.background(publish(desk, actor.user))
        await ack()

    app.event("app_home_opened")(opened)
    app.action("end_standing", matchers=[_on_home])(ended)
    app.action("away_toggle")(toggled)


async def _on_home(body: Body) -> bool:
    return (body.get("view") or {}).get("type") == "home"


async def publish(desk: Desk, user: str) -> None:
    """Show `user` their home tab as things stand."""
    world = desk.runtime.world
    actor = await desk.people.actor(user, None, None)
    mine, decided = await desk.call(world.database.read, lambda unit: _lists(unit, user))
    found = await links.to_cards(desk.runtime, [*mine[:MINE], *decided])
    view = await desk.call(world.read, lambda ctx: _drawn(ctx, actor, mine, decided, found))
    await desk.runtime.slack.call("views.publish", user_id=user, view=view)


def _lists(unit: Unit, user: str) -> tuple[list[Approval], list[Approval]]:
    return approvals.pending(unit, assignee=user, limit=100), approvals.decided_by(unit, user)


def _drawn(
    ctx: Context, actor: Actor, mine: list[Approval], decided: list[Approval], found: dict[str, str]
) -> dict[str, Any]:
    unit, roster, user = ctx.unit, ctx.roster, actor.user
    absences = directory.away(unit)
    presence = Presence(
        refusal=genuine(replace(actor, known=True)),  # where Slack is silent the list is still true
        asked=bool(actor.roles or actor.unsure),
        away=user in absences,
        until=absences.get(user),
        quiet_until=roster.quiet_until(user, unit.now),
        day_off=roster.day_off(user, unit.now),
    )
    held = [one for one in standing.live_standings(ctx, actor) if one.may_end]
    figures = on_home(stats(unit, days=DAYS))
    return home_view(user, mine, decided, presence, figures, links=found, standing=held, names=ctx.directory.name)
