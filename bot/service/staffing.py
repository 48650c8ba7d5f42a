"""Finding the person who is asked: qualified, available, least loaded (docs/rules.md: E1-E3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from bot.service import ballots
from bot.service.ballots import Standing
from bot.service.context import Context, World
from policies import deadlines, quiet_hours
from policies.approval import Approval, Seat
from policies.assignment import Candidate, Choice, choose_reviewer, least_loaded, lighter_by_two, unasked
from policies.deadlines import SlaClock
from policies.errors import NobodyCanDecide, NotReady
from policies.files.policy import Policy
from policies.frozen_values import replace
from policies.hours import Hours
from policies.principals import Principal, by_person
from policies.quorum import fillable, roles_needed
from store import notification_budget, workload

# Somebody who is away without an end, or full, may be there at any time: looked for again after the approval's own
# age, so that an old one is not looked at every few minutes.
SOONEST_LOOK, LATEST_LOOK = timedelta(minutes=5), timedelta(days=1)


def require_somebody(world: World, policy: Policy, principals: Sequence[Principal], roles: Sequence[str]) -> None:
    """Raise NobodyCanDecide, naming the role, where nobody could ever decide this (docs/rules.md: E2).

    Raises NotReady where that is only because Slack was not heard lately of a user group.
    """
    seats = roles_needed(policy.approvers, roles[0])
    any_of = list(dict.fromkeys([*roles, *seats]))
    accounts: dict[str, set[str]] = {}
    for role in any_of:
        for user in world.directory.could_decide(world.book.roster, role, principals):
            accounts.setdefault(user, set()).add(role)
    people = by_person(world.directory.register(world.book.roster), accounts)
    if not fillable(policy.approvers, people, any_of):
        if any(world.directory.unheard(world.book.roster, role) for role in any_of):
            raise NotReady()
        lacking = next((role for role in seats if not any(role in held for held in people.values())), roles[0])
        raise NobodyCanDecide(role=lacking, field="action")


def _only_who_said_no(approval: Approval, by_role: dict[str, list[str]]) -> dict[str, list[str]]:
    """Of the role in which somebody said no to the same: only them, however long they take, and no fresh peer.

    Once one of them said yes, others may add what a quorum lacks. Where they hold the role no longer, and no other role
    has anybody, a peer is better than nobody: the card says who said no.
    """
    known = approval.again
    if known is None or known.role not in by_role or any(vote.user in known.reviewers for vote in approval.votes):
        return {}
    left = [user for user in by_role[known.role] if user in known.reviewers]
    others = any(users for role, users in by_role.items() if role != known.role)
    return {known.role: left} if left or others else {}


def roles_ahead(policy: Policy, role: str | None) -> list[str]:
    """The present role and those that follow it on the escalation path."""
    path = [policy.role, *policy.escalation_path]
    if role is not None and role not in path and role in roles_needed(policy.approvers, policy.role):
        return [role, *policy.escalation_path]  # of a quorum by role, each overdue seat stays within its role first
    return path[path.index(role) :] if role in path else path


def roles_first(policy: Policy, role: str | None) -> list[str]:
    """The roles of which somebody is asked first: where each role of a quorum is needed, one that is."""
    seats = roles_needed(policy.approvers, policy.role)
    if role != policy.role or role in seats:
        return roles_ahead(policy, role)
    return roles_ahead(policy, next(iter(seats)))


def sla_hours(world: World, policy: Policy, user: str | None) -> Hours | None:
    """The hours in which the SLA of `user` runs; None where it always does."""
    if policy.sla_clock is SlaClock.ALWAYS or user is None:
        return None
    return world.book.roster.hours(user)


def fresh_sla(ctx: Context, approval: Approval) -> deadlines.Clock:
    """The clock from the moment on at which the assignee hears of it."""
    policy = approval.policy
    seconds = deadlines.urgent(policy.sla_seconds, approval.request.urgency)
    return deadlines.assigned(approval.clock, ctx.now, seconds, sla_hours(ctx.world, policy, approval.assignee))


def handed(ctx: Context, approval: Approval) -> Approval:
    """The approval on its assignee's desk: what does not press waits without a mention until they may be notified."""
    return hushed(ctx.world, approval, notified(ctx, approval))


def notified(ctx: Context, approval: Approval) -> datetime | None:
    """Until when the assignee must not be notified of this; None where they are now, which counts in their hour."""
    return _told(ctx, approval, approval.assignee) if approval.assignee else None


def seated(ctx: Context, approval: Approval, choice: Choice) -> Seat:
    """A seat beside the assignee's for whoever was chosen; named and not mentioned where they must not be notified."""
    until = _told(ctx, approval, choice.user)
    return Seat(choice.role, choice.user, None if until is None else name_of(ctx.world, choice.user))


def _told(ctx: Context, approval: Approval, user: str) -> datetime | None:
    roster = ctx.roster
    until = None if quiet_hours.notifies_at_any_hour(approval) else roster.quiet_until(user, ctx.now)
    budget = roster.budget(user)
    if until is not None or budget is None:
        return until
    full_until = notification_budget.full_until(ctx.unit, user, budget)
    if full_until is not None and not quiet_hours.notifies_at_any_hour(approval):
        return full_until
    if approval.planted is None:
        notification_budget.add(ctx.unit, user)
    return None


def quiet_until(ctx: Context, approval: Approval) -> datetime | None:
    """When the quiet hours end in which the assignee is now; None where they are in none, or it notifies at any hour."""
    if approval.assignee is None or quiet_hours.notifies_at_any_hour(approval):
        return None
    return ctx.roster.quiet_until(approval.assignee, ctx.now)


def off_until(ctx: Context, approval: Approval) -> datetime | None:
    """When the assignee's working hours begin, where they are over now and no SLA runs that would say more."""
    hours = ctx.roster.hours(approval.assignee) if approval.assignee else None
    if approval.clock.due_at is not None or hours is None or hours.covers(ctx.now):
        return None
    return hours.opening(ctx.now)


def hushed(world: World, approval: Approval, until: datetime | None) -> Approval:
    """The approval whose assignee must not be notified before `until`; unchanged where that is None."""
    user = approval.assignee
    if until is None or user is None:
        return approval
    return replace(approval, clock=deadlines.hushed(approval.clock, until), named=name_of(world, user))


def name_of(world: World, user: str) -> str:
    """What people call somebody, where a message must not mention them."""
    facts = world.directory.people.get(user)
    return facts.name if facts and facts.name else user


class Staff:
    """Who is there and how busy, as of one transaction. It counts what is handed out meanwhile, so that a whole
    batch is dealt out fairly and everybody's load is read once."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._loads: dict[str, workload.Load] = {}
        self._qualified: dict[tuple[str, tuple[Principal, ...]], list[str]] = {}
        self._gone: dict[str, tuple[str, datetime | None] | None] = {}
        self._given: dict[str, notification_budget.Given] = {}

    def first(self, approval: Approval, roles: Sequence[str]) -> tuple[Choice | None, bool]:
        """Who is asked first, and whether they are available: where nobody is, the least loaded is named all the same."""
        candidates = self._candidates(approval, roles)
        choice = choose_reviewer(roles, candidates)
        if choice is not None:
            return choice, True
        staffed = next((role for role in roles if candidates[role]), None)
        return (least_loaded(staffed, candidates[staffed]) if staffed else None), False

    def this_one(self, approval: Approval, roles: Sequence[str], user: str) -> Choice | None:
        """`user` in the first of `roles` that they hold, where they are there; else None."""
        for index, role in enumerate(roles):
            found = [person for person in self._candidates(approval, [role])[role] if person.user == user]
            choice = choose_reviewer([role], {role: found})
            if choice is not None:
                return replace(choice, passed_roles=tuple(roles[: index + 1]))
        return None

    def next(self, approval: Approval, roles: Sequence[str]) -> Choice | None:
        """Who is asked next: nobody twice, each other available person of the role, then the next role (docs/rules.md: E3)."""
        candidates = self._candidates(approval, roles)
        was = approval.assignee
        away = self._away(was) if was else None
        heir = self._delegate(was, candidates.get(roles[0], ())) if was and away else None
        choice = choose_reviewer(roles, candidates, self._already(approval), heir=heir)
        if choice is None or away is None:
            return choice
        return replace(choice, why=f"{choice.why}; the previous reviewer is {away[0]}")

    def adding(
        self, approval: Approval, roles: Sequence[str], standing: Standing, holders: Collection[str]
    ) -> tuple[Choice | None, bool]:
        """Who of these roles can add what a quorum lacks, and whether they are there: first whom nobody has asked yet.

        `holders` are asked at present, for another seat.
        """
        taken = {ballots.person_of(self._ctx.world, user) for user in holders}
        candidates = {
            role: [one for one in people if self._could_add(standing, one.user, taken)]
            for role, people in self._candidates(approval, roles).items()
        }
        for already in (self._already(approval), set[str]()):
            choice = choose_reviewer(roles, candidates, already)
            if choice is not None:
                return choice, True
        staffed = next((role for role in roles if candidates[role]), None)
        return (least_loaded(staffed, candidates[staffed]) if staffed else None), False

    def _could_add(self, standing: Standing, user: str, taken: Collection[str]) -> bool:
        person = ballots.person_of(self._ctx.world, user)
        return person not in taken and standing.adds(person)

    def instead_of(self, approval: Approval, seat: Seat) -> Choice | None:
        """Who is asked next for an overdue seat beside the assignee's: nobody twice, and within its role."""
        return choose_reviewer([seat.role], self._candidates(approval, [seat.role]), self._already(approval))

    def afterwards(self, approval: Approval, already: Collection[str]) -> Choice | None:
        """Who looks at it after the fact: the least loaded of its role, reviews counted too; nobody twice (docs/rules.md: A14)."""
        role = approval.policy.role
        people = self._candidates(approval, [role])[role]
        self._ctx.unit.write()
        waiting = workload.open_reviews(self._ctx.unit, {person.user for person in people})
        people = [replace(person, open=person.open + waiting.get(person.user, 0)) for person in people]
        return choose_reviewer([role], {role: people}, already) or (None if already else least_loaded(role, people))

    def not_before(self, user: str) -> datetime:
        """When somebody may be notified of what can wait: now, or when their quiet hours end."""
        return self._ctx.roster.quiet_until(user, self._ctx.now) or self._ctx.now

    def soonest(self, approval: Approval, roles: Sequence[str]) -> datetime | None:
        """When somebody who was not asked yet may be there; None where everybody was asked."""
        left = unasked(roles, self._candidates(approval, roles), self._already(approval))
        now = self._ctx.now
        look = now + min(max(now - approval.created_at, SOONEST_LOOK), LATEST_LOOK)
        return min((person.back_at or look for person in left), default=None)

    def instead(self, approval: Approval) -> Choice | None:
        """Who should have this card where its assignee left the role or is away; None where they are there."""
        if self.holds(approval) and not self.is_away(approval.assignee):
            return None
        return self.next(approval, roles_ahead(approval.policy, approval.role))

    def lighter(self, approval: Approval) -> Choice | None:
        """Who of the role has at least two cards fewer than the assignee."""
        role, was = approval.role, approval.assignee
        if role is None or was is None:
            return None
        candidates = self._candidates(approval, [role])[role]
        self._read([was])
        return lighter_by_two(self._loads[was].open, role, candidates, self._already(approval))

    def holds(self, approval: Approval) -> bool:
        """Whether the assignee still holds the role they were asked in."""
        if approval.role is None or approval.assignee is None:
            return False
        return approval.assignee in self._could_decide(approval.role, approval.principals)

    def is_there(self, approval: Approval) -> bool:
        """Whether the assignee can take it now, in the role they were asked in."""
        role = approval.role
        people = self._candidates(approval, [role])[role] if role else []
        return any(one.user == approval.assignee and one.absent is None and one.turn_of is None for one in people)

    def is_away(self, user: str | None) -> bool:
        """Whether somebody said that they are away."""
        return user is not None and self._away(user) is not None

    def moved(self, was: str | None, to: str | None) -> None:
        """Count a card that changed hands in this transaction; None for a card that begins or ends."""
        if was in self._loads:
            self._loads[was] = replace(self._loads[was], open=max(0, self._loads[was].open - 1))
        if to in self._given:
            self._given[to] = self._given[to].one_more(self._ctx.now)
        if to in self._loads:
            self._loads[to] = replace(self._loads[to], open=self._loads[to].open + 1, last_assigned_at=self._ctx.now)

    def _already(self, approval: Approval) -> set[str]:
        """Who was asked or has voted, by whichever account."""
        users = {*approval.asked, *(vote.user for vote in approval.votes), *(seat.user for seat in approval.seats)}
        return self._ctx.directory.accounts_of(self._ctx.roster, users)

    def _candidates(self, approval: Approval, roles: Sequence[str]) -> dict[str, list[Candidate]]:
        by_role = {role: self._could_decide(role, approval.principals) for role in roles}
        by_role |= _only_who_said_no(approval, by_role)
        self._read({user for users in by_role.values() for user in users})
        any_hour = quiet_hours.notifies_at_any_hour(approval)
        return {role: self._of_role(users, any_hour) for role, users in by_role.items()}

    def _could_decide(self, role: str, principals: tuple[Principal, ...]) -> list[str]:
        key = (role, principals)
        if key not in self._qualified:
            self._qualified[key] = self._ctx.directory.could_decide(self._ctx.roster, role, principals)
        return self._qualified[key]

    def _read(self, users: Iterable[str]) -> None:
        missing = set(users).difference(self._loads)
        if missing:
            self._ctx.unit.write()  # what was put off changes who is how busy
            self._loads |= workload.loads(self._ctx.unit, missing)
            limited = {user for user in missing if self._ctx.roster.budget(user) is not None}
            self._given |= notification_budget.notified_last_hour(self._ctx.unit, limited)

    def _of_role(self, users: Sequence[str], any_hour: bool) -> list[Candidate]:
        people = [self._candidate(user, any_hour) for user in users]
        return [*people, *(turn for turn in (self._turn_of(user, people) for user in users) if turn)]

    def _candidate(self, user: str, any_hour: bool) -> Candidate:
        load = self._loads[user]
        gone = self._missing(user)
        most = self._ctx.roster.person(user).max_open
        if gone is None and most is not None and load.open - load.tests >= most:
            gone = (f"at capacity with {load.open} open", None)
        rests = None if gone else self._rests(user)
        absent, back_at = gone or (None if any_hour else rests) or (None, None)
        return Candidate(user, load.open, absent, load.last_assigned_at, back_at, rests=rests is not None)

    def _rests(self, user: str) -> tuple[str, datetime | None] | None:
        """Why somebody who is there gets only what notifies at any hour, and until when."""
        quiet_until = self._ctx.roster.quiet_until(user, self._ctx.now)
        return ("in quiet hours", quiet_until) if quiet_until else self._spent(user)

    def _spent(self, user: str) -> tuple[str, datetime | None] | None:
        """Why somebody had all the cards of this hour, and until when."""
        given, most = self._given.get(user), self._ctx.roster.budget(user)
        if given is None or most is None or given.count < most:
            return None
        return f"had {given.count} cards within the hour", given.first_at and given.first_at + notification_budget.HOUR

    def _turn_of(self, user: str, people: Sequence[Candidate]) -> Candidate | None:
        """The turn of somebody who is away, taken by their delegate; only members of the role can be that."""
        away = self._away(user)
        heir = self._delegate(user, people) if away else None
        if away is None or heir is None:
            return None
        found = next(person for person in people if person.user == heir)
        facts = self._ctx.directory.people.get(user)
        whom = f"{facts.name if facts and facts.name else user}, who is {away[0]}"
        last = self._loads[user].last_assigned_at
        return replace(found, last_assigned_at=last, stands_in_for=whom, turn_of=user)

    def _delegate(self, user: str, people: Sequence[Candidate]) -> str | None:
        """Who stands in for `user`: the first of their delegates, and the delegates' delegates, who is there."""
        available = {person.user for person in people if person.absent is None}
        seen: set[str] = set()
        heir: str | None = user
        while heir is not None and heir not in seen:
            seen.add(heir)
            self._read([heir])
            heir = self._loads[heir].delegate or self._ctx.roster.person(heir).delegate
            if heir in available and heir != user:
                return heir
        return None

    def _missing(self, user: str) -> tuple[str, datetime | None] | None:
        """Why somebody is not there now, and until when: away, on a day off, or outside their hours."""
        if user not in self._gone:
            self._gone[user] = self._away(user) or self._off(user)
        return self._gone[user]

    def _away(self, user: str) -> tuple[str, datetime | None] | None:
        self._read([user])
        load = self._loads[user]
        if not load.away:
            return None
        if load.away_until is None:
            return "away", None
        hours = self._ctx.roster.hours(user)
        back_at = hours.opening(load.away_until) if hours else load.away_until
        return f"away until {load.away_until:%a %d %b %H:%M} UTC", back_at

    def _off(self, user: str) -> tuple[str, datetime | None] | None:
        hours = self._ctx.roster.hours(user)
        if hours is None or hours.covers(self._ctx.now):
            return None
        day_off = hours.day_off(self._ctx.now)
        return f"off today ({day_off})" if day_off else "outside working hours", hours.opening(self._ctx.now)
