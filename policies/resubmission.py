"""What follows from having asked before: what the reasons say, who is asked, and when it is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from policies.earlier import Again, Earlier, What
from policies.levels import Level, RouteName
from policies.routing import Route

NOES_THAT_DENY = 2
SHOWN, REASONS = 5, 2  # earlier requests that are kept with a later one, and told to its agent
# What the agent withdrew pings its reviewer again no sooner; and so many withdrawals or refusals within an hour are enough.
SOONEST_PING, PINGS, HOUR = timedelta(minutes=5), 3, timedelta(hours=1)


def again(found: Iterable[Earlier]) -> Again | None:
    """What is kept of everything found; None where nothing was."""
    ordered = sorted(found, key=lambda one: (not one.no, bool(one.differs), -one.at.timestamp(), one.id))
    if not ordered:
        return None
    noes = [one for one in ordered if one.no and one.by]
    role = noes[0].role if noes else None
    reviewers = dict.fromkeys(one.by for one in noes if one.by and one.role == role)
    return Again(tuple(ordered[:SHOWN]), role, tuple(reviewers))


def with_one_more(before: Again | None, one: Earlier) -> Again:
    """What an open request knows after one more like it came to its end; what was known of that one is replaced.

    Who is asked does not change: it is on somebody's desk.
    """
    kept = before or Again()
    others = [known for known in kept.earlier if known.id != one.id]
    told = again([one, *others])
    assert told is not None
    return Again(told.earlier, kept.role, kept.reviewers)


def tightened(route: Route, known: Again | None, now: datetime, seconds: int) -> Route:
    """The route of a request that was asked before: never looser, and denied after two noes to the same within `seconds`.

    What a person said no to is not let run by policy alone, unless it asks for less than what they refused.
    """
    if known is None or route.name in (RouteName.DENY, RouteName.BLOCK):
        return route
    same = [one for one in known.noes if not one.differs]
    if len(same) >= NOES_THAT_DENY:
        until = sorted(one.at for one in same)[-NOES_THAT_DENY] + timedelta(seconds=seconds)
        words = (
            f"the same request was refused {len(same)} times within {_span(seconds)} ({_told(same[0])}): it is denied until"
            f" {_stamp(until)}; ask for something else, or let a person ask"
        )
        return _decided(route, RouteName.DENY, None, words)
    told = [reason(one) for one in known.earlier[:REASONS]]
    if route.name is RouteName.AUTO and not all(one.more for one in known.noes):
        route = _decided(route, RouteName.ASK, Level.HARD_APPROVAL, f"a person said no to this before: {told[0]}")
        told = told[1:]
    for words in told:
        route = route.also(words)
    return route


def shut_out(route: Route, known: Again) -> Route:
    """Denied: it is now for whoever said no to it, and a peer is not asked in their stead."""
    who = " and ".join(known.reviewers)
    words = f"{who} said no to it, and it is now made for them: nobody else of {known.role} is asked in their stead"
    return _decided(route, RouteName.DENY, None, words)


def _decided(route: Route, name: RouteName, level: Level | None, words: str) -> Route:
    told = route.because(words)
    return Route(name, level, told.why, told.role, told.escalated, told.keys, told.lines, told.file)


def reason(one: Earlier) -> str:
    """One earlier request in a sentence, as reasons and the trail tell it."""
    which = f"a similar request (it differs in {', '.join(one.differs[:3])})" if one.differs else "the same request"
    if one.what is What.OPEN:
        where = f" in session {one.session_id}" if one.session_id else ""
        return f"{which} is open{where}: {one.id}"
    return f"{which} was {_WORDS[one.what]} {_told(one)}"


_WORDS = {
    What.REJECTED: "rejected",
    What.UNDONE: "undone",
    What.CANCELLED: "cancelled",
    What.EXPIRED: "left to expire",
    What.BY_HAND: "done by hand",
}


def _told(one: Earlier) -> str:
    by = f" by {one.by}" if one.by and one.what not in (What.CANCELLED, What.EXPIRED) else ""
    note = f": {one.note[:200]}" if one.note and one.no and not one.agent else ""
    return f"at {_stamp(one.at)}{by}{note}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(seconds: int) -> str:
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds} s"


def silent_until(known: Again | None, withdrawn: Sequence[datetime], user: str, now: datetime) -> datetime | None:
    """Until when `user` is not pinged of this request; None where they are now.

    `withdrawn` is when the agent cancelled what it had asked them within the last hour. Not soon after it cancelled this
    very thing, and not where three such things, or refusals of this one, lie within the hour.
    """
    noes = [one.at for one in known.noes if one.by == user] if known else []
    spent = sorted(moment for moment in (*withdrawn, *noes) if moment > now - HOUR)
    until = spent[-PINGS] + HOUR if len(spent) >= PINGS else None
    last = known.withdrawn if known else None
    if last is not None and last.by == user and last.at > now - SOONEST_PING:
        until = max(until or now, last.at + SOONEST_PING)
    return until
