"""Lint of people: roles nobody holds, paths that end in nobody, quorums that cannot be met, and the roster itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policies import quorum
from policies.deadlines import SlaClock
from policies.files.manifest import ADMINS, Manifest
from policies.files.roster import Roster
from policies.lint.findings import Case, Finding, Reporter
from policies.principals import Account, Register, by_person
from policies.quiet_hours import always_quiet


def _path_repeats(case: Case) -> Iterator[Finding]:
    path = case.action.escalation_path
    if path is None:
        path = case.manifest.file.defaults.escalation_path
    twice = sorted(role for role, count in Counter(path).items() if count > 1)
    if twice:
        message = f"escalation_path names {', '.join(twice)} twice, and people are asked only once"
        yield case.error("escalation_path", message, "Name each role once")
    if case.action.escalation_path and case.policy.role in case.action.escalation_path:
        message = f"escalation_path leads back to {case.policy.role}, which is asked first"
        yield case.error("escalation_path", message, "Leave the required role out of its own escalation path")


def _roles(case: Case) -> Iterator[Finding]:
    if case.roster is None:
        return
    roles = case.roster.roles
    if case.policy.role not in roles:
        own = case.action.required_role or case.manifest.file.defaults.required_role
        message = f"nobody holds the role {case.policy.role}" + (
            "" if own else ", which decides where no required_role is named"
        )
        yield case.error("required_role", message, "Add it to the roster, or name another")
    wanted = case.policy.approvers if isinstance(case.policy.approvers, dict) else {}
    for role in wanted:
        if role not in roles:
            yield case.error(
                "approvers", f"nobody holds the role {role} that approvers asks for", "Add it to the roster"
            )


def _path_ends(case: Case) -> Iterator[Finding]:
    if case.roster is None or not case.policy.escalation_path:
        return
    unknown = [role for role in case.policy.escalation_path if role not in case.roster.roles]
    if len(unknown) == len(case.policy.escalation_path):
        message = f"escalation_path ends in nobody: the roster has no {', '.join(unknown)}"
        yield case.error("escalation_path", message, "Add a role that somebody holds")
    elif unknown:
        message = f"escalation_path names {', '.join(unknown)}, which the roster lacks"
        yield case.warning("escalation_path", message, "Add it to the roster, or take it out")


def _somebody_new(case: Case) -> Iterator[Finding]:
    if case.roster is None or case.policy.role not in case.roster.roles:
        return
    first, later = _holders(case.roster, [case.policy.role]), _holders(case.roster, case.policy.escalation_path)
    if first is None or later is None:
        return
    if not later and len(first) == 1:
        message = f"only {first.copy().pop()} can decide, and there is nobody to go to when that person is late"
        yield case.warning("required_role", message, "Add people to the role, or an escalation_path")
    elif later and later <= first:
        message = f"escalation_path brings nobody who does not hold {case.policy.role} already"
        yield case.warning("escalation_path", message, "Name a role with other people")


def _quorum(case: Case) -> Iterator[Finding]:
    if case.roster is None:
        return
    needed = quorum.roles_needed(case.policy.approvers, case.policy.role)
    roles = [role for role in needed if role in case.roster.roles]
    if len(roles) < len(needed) or _holders(case.roster, roles) is None:
        return
    accounts: dict[str, set[str]] = {}
    for role in roles:
        for user in case.roster.roles[role].members:
            accounts.setdefault(user, set()).add(role)
    people = by_person(_register(case.roster), accounts)
    if not quorum.fillable(case.policy.approvers, people, roles):
        wanted = ", ".join(f"{count} of {role}" for role, count in needed.items())
        message = f"approvers wants {wanted}, more distinct people than hold these roles"
        yield case.error("approvers", message, "Ask for fewer, or add members")


def _second_accounts(case: Case) -> Iterator[Finding]:
    if case.roster is None or quorum.total(case.policy.approvers) < 2:
        return
    roles = quorum.roles_needed(case.policy.approvers, case.policy.role)
    members = {user for role in roles if role in case.roster.roles for user in case.roster.roles[role].members}
    nameless = sorted(user for user in members if case.roster.person(user).principal is None)
    if nameless:
        message = f"{', '.join(nameless)} could be a second account of somebody who says yes as well"
        suggestion = "Give each a principal under people of the roster: accounts of one principal count once"
        yield case.warning("approvers", message, suggestion)


def _register(roster: Roster) -> Register:
    """Who is who as far as the roster says."""
    return Register(Account(user, roster.person(user).principal) for user in sorted(roster.users))


def _hours(case: Case) -> Iterator[Finding]:
    if case.roster is None or case.policy.sla_clock is SlaClock.ALWAYS:
        return
    holders = _holders(case.roster, [case.policy.role, *case.policy.escalation_path])
    if holders and all(case.roster.hours(user) is None for user in holders):
        message = "sla_clock: business_hours changes nothing, because nobody who is asked has hours or days off"
        yield case.warning("sla_clock", message, "Give them hours in the roster, or remove the key")


def _holders(roster: Roster, roles: list[str]) -> set[str] | None:
    """Who holds any of the roles; None where a Slack user group decides that."""
    known = [roster.roles[role] for role in roles if role in roster.roles]
    if any(role.usergroup for role in known):
        return None
    return {user for role in known for user in role.members}


RULES = (_path_repeats, _roles, _path_ends, _somebody_new, _quorum, _second_accounts, _hours)


def in_roster(roster: Roster, manifest: Manifest, reporter: Reporter) -> Iterator[Finding]:
    """What is wrong with the roster itself."""
    if roster.operations is None:
        message = "no operations channel: nobody hears of approvals that nobody can decide"
        yield reporter.warning(("operations",), message, 'Add operations: {channel: "#ops"}')
    if not roster.file.admins:
        yield reporter.warning(("admins",), "no admins: nobody can stop or start Sayso", "Name at least one admin")
    yield from _members(roster, manifest, reporter)
    yield from _delegates(roster, reporter)
    yield from _principals(roster, reporter)
    yield from _quiet(roster, reporter)


def _members(roster: Roster, manifest: Manifest, reporter: Reporter) -> Iterator[Finding]:
    used = {ADMINS}
    for name in manifest.actions:
        policy = manifest.policy(name)
        used |= {policy.role, *policy.escalation_path, *quorum.roles_needed(policy.approvers, policy.role)}
    for name, role in roster.file.roles.items():
        twice = sorted(user for user, count in Counter(role.members).items() if count > 1)
        if twice:
            yield reporter.warning(("roles", name), f"{name} names {', '.join(twice)} twice", "Name each person once")
        if name not in used:
            yield reporter.warning(("roles", name), f"no action asks the role {name}", "Use it, or remove it")
    holders = _holders(roster, list(roster.roles))
    for user in roster.file.people if holders is not None else ():
        if user not in (holders or ()):
            yield reporter.warning(("people", user), f"{user} holds no role", "Give them a role, or remove the entry")


def _delegates(roster: Roster, reporter: Reporter) -> Iterator[Finding]:
    delegates = {user: person.delegate for user, person in roster.file.people.items() if person.delegate}
    for user, delegate in delegates.items():
        at = ("people", user, "delegate")
        if _comes_back(user, delegates):
            message = f"the delegates of {user} lead back to {user}"
            yield reporter.error(at, message, "Name somebody outside this circle")
        own = [name for name, role in roster.roles.items() if user in role.members]
        lacking = [
            name for name in own if not roster.roles[name].usergroup and delegate not in roster.roles[name].members
        ]
        if lacking:
            message = f"{delegate} stands in for {user} but does not hold {', '.join(lacking)}"
            yield reporter.warning(at, message, "Give the delegate the same roles: only members decide")


def _comes_back(user: str, delegates: dict[str, str]) -> bool:
    seen: set[str] = set()
    step: str | None = delegates.get(user)
    while step is not None and step not in seen:
        if step == user:
            return True
        seen.add(step)
        step = delegates.get(step)
    return False


def _principals(roster: Roster, reporter: Reporter) -> Iterator[Finding]:
    register = _register(roster)
    for user, person in roster.file.people.items():
        first = register.of(user).accounts[0]
        if person.principal is not None and first != user:
            message = f"{user} has the same principal as {first}, so they count as one person"
            yield reporter.warning(("people", user, "principal"), message, "Give each person their own")


def _quiet(roster: Roster, reporter: Reporter) -> Iterator[Finding]:
    for user in roster.file.people:
        hours, quiet = roster.hours(user), roster.quiet(user)
        if hours and quiet and always_quiet(hours, quiet):
            message = f"all working hours of {user} are quiet hours: only what is urgent or severe ever notifies them"
            yield reporter.warning(("people", user), message, "Shorten their quiet hours, or say quiet: never")
