"""App Home: my queue by deadline, what I decided, how it goes, and whether I am here."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.home import home_view
from bot.listeners.desk import Body, Desk, explain, is_outage
from bot.service import steer
from policies.errors import SaysoError
from store import approvals, directory
from store.figures import Figures, figures
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

    app.event("app_home_opened")(opened)
    app.action("away_toggle")(toggled)


async def publish(desk: Desk, user: str) -> None:
    """Show `user` their home tab as things stand."""
    view = await desk.call(desk.runtime.world.database.read, lambda unit: _drawn(unit, user))
    await desk.runtime.slack.call("views.publish", user_id=user, view=view)


def _drawn(unit: Unit, user: str) -> dict[str, Any]:
    mine = approvals.pending(unit, assignee=user, limit=100)
    absences = directory.away(unit)
    return home_view(
        user,
        mine,
        approvals.decided_by(unit, user),
        absences.get(user),
        in_words(figures(unit, days=DAYS)),
        away=user in absences,
    )


def in_words(found: Figures) -> dict[str, str]:
    """The team's figures as the home tab names them."""
    words = {"Waiting": str(found.waiting), "Past their SLA": str(found.overdue)}
    if found.oldest_seconds is not None:
        words["Oldest"] = duration(found.oldest_seconds)
    words[f"Asked in {found.days} days"] = str(found.asked)
    words[f"By policy alone in {found.days} days"] = str(found.by_route.get("auto", 0))
    for role in found.roles[:4]:
        words[f"{role.role}: median, p90"] = f"{duration(role.median_seconds)}, {duration(role.p90_seconds)}"
    return words


def duration(seconds: float) -> str:
    """A length of time as people say it: 45 s, 12 min, 3 h, 2 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
