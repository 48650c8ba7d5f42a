"""Points of the launch checklist that the two policy files answer, with who is there now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from bot.doctor.examine import Seen
from bot.doctor.findings import Finding, confirm, ok, wrong
from bot.doctor.slack_findings import holders
from policies import quorum
from policies.files.manifest import REGULATED_TAGS, Manifest
from policies.files.policy import OnTimeout, Policy, Severity
from policies.files.roster import Roster
from policies.lint.check import lint

MOST_NAMED = 5


def named(names: Collection[str]) -> str:
    """The first few names, and how many more."""
    listed = sorted(names)
    more = len(listed) - MOST_NAMED
    return ", ".join(listed[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _files(seen: Seen) -> tuple[Manifest, Roster]:
    assert seen.manifest is not None
    assert seen.roster is not None
    return seen.manifest, seen.roster


def _policies(seen: Seen) -> list[Policy]:
    manifest, _ = _files(seen)
    return [manifest.policy(name) for name in manifest.actions]


def _alone(policy: Policy) -> bool:
    """Whether some request of this action runs without a person."""
    return (
        not policy.approval_required
        or policy.conditions.auto_approve_below_usd is not None
        or policy.autonomy is not None
    )


def _grave(policy: Policy) -> bool:
    return policy.severity is Severity.HIGH or policy.irreversible


def _coverage(seen: Seen) -> Iterator[Finding]:
    """Whether the manifest has what agents ask for, and says enough of it."""
    unknown = seen.stored.unknown_actions
    if unknown:
        asked = named([f"{action} ({times}×)" for action, times in unknown.items()])
        yield wrong(
            "actions covered",
            f"agents asked for {asked}, which the manifest does not know",
            "Add each, or tell its agent not to ask",
        )
    else:
        yield ok("actions covered", "no agent asked for an action that the manifest does not know, in thirty days")
    loose = [policy.action for policy in _policies(seen) if policy.params_schema is None]
    grave = [policy.action for policy in _policies(seen) if policy.params_schema is None and _grave(policy)]
    if grave:
        yield wrong(
            "parameters",
            f"{named(grave)} take any parameters, and are severe or irreversible",
            "Give each a params_schema",
        )
    elif loose:
        yield confirm("parameters", f"{named(loose)} take any parameters", "Give each a params_schema, or accept it")
    else:
        yield ok("parameters", "every action has a params_schema")
    unowned = [policy.action for policy in _policies(seen) if _alone(policy) and not policy.owner]
    if unowned:
        yield wrong(
            "owners",
            f"{named(unowned)} run without a person at times, and nobody answers for it",
            "Name an owner for each",
        )
    else:
        yield ok("owners", "somebody answers for whatever runs without a person")
    manifest, roster = _files(seen)
    warnings = [finding for finding in lint(manifest, roster) if finding.severity == "warning"]
    if warnings:
        check = f"python -m bot policy check {seen.settings.manifest} --roster {seen.settings.roster}"
        yield confirm(
            "policy check", f"{len(warnings)} warnings, first of all: {warnings[0].message}", f"Read them: {check}"
        )
    else:
        yield ok("policy check", "finds nothing to say")


def _silence(seen: Seen) -> Iterator[Finding]:
    """What happens when nobody answers, and what nobody is asked for."""
    consents = [policy.action for policy in _policies(seen) if policy.on_timeout is OnTimeout.APPROVE]
    if consents:
        yield confirm(
            "silence", f"lets {named(consents)} run after a while", "Say yes to that for each, or on_timeout: deny"
        )
    else:
        yield ok("silence", "approves nothing")
    holds = [policy.action for policy in _policies(seen) if policy.on_timeout is OnTimeout.HOLD]
    if holds:
        yield confirm(
            "waiting for ever",
            f"{named(holds)} never expire",
            "Make sure that somebody looks at what waits (/sayso queue)",
        )
    else:
        yield ok("waiting for ever", "every request ends at some time")
    alone = [policy for policy in _policies(seen) if _alone(policy)]
    if alone:
        yield confirm(
            "without a person",
            f"{named([one.action for one in alone])} run so, by rule or below an amount",
            "Say yes to that for each",
        )
    else:
        yield ok("without a person", "nothing runs so")
    unsampled = [policy.action for policy in alone if policy.sample_review == 0]
    if unsampled:
        yield wrong(
            "samples",
            f"nobody ever looks at what {named(unsampled)} did alone",
            "sample_review: 0.05 shows one in twenty",
        )
    elif alone:
        yield ok("samples", "a share of what runs alone is looked at afterwards")
    unsummed = [
        policy.action for policy in alone if policy.conditions.auto_approve_below_usd and policy.aggregate is None
    ]
    if unsummed:
        yield wrong(
            "sums",
            f"any number of small amounts of {named(unsummed)} run alone",
            "Add aggregate: {window_seconds: 3600, ask_above_usd: …}",
        )
    else:
        yield ok("sums", "small amounts that run alone are added up")


def _roles(seen: Seen) -> Iterator[Finding]:
    """Whether somebody else is there when somebody is not."""
    _, roster = _files(seen)
    used = {
        role
        for policy in _policies(seen)
        for role in (*quorum.roles_needed(policy.approvers, policy.role), *policy.escalation_path)
    }
    able = {role: holders(seen.workspace, roster, role) for role in sorted(used)}
    thin = [role for role, users in able.items() if users is not None and len(users) < 2]
    if any(users is None for users in able.values()):
        yield confirm("two for each role", "Slack did not say who is there", "Try again, or count them by hand")
    elif thin:
        yield wrong(
            "two for each role",
            f"{named(thin)} depend on one person",
            "Add a second, who may decide when the first is ill",
        )
    else:
        yield ok("two for each role", f"each of {len(able)} roles has two or more who are active")
    away = set(seen.stored.away)
    deserted = [role for role, users in able.items() if users and users <= away]
    if deserted:
        yield wrong(
            "away", f"everybody of {named(deserted)} is away", "Wait, add somebody, or ask one of them for /sayso back"
        )
    else:
        yield ok("away", f"{len(away)} are away, and each role has somebody left" if away else "nobody is away")
    yield _quorums(seen, able)
    yield _escalation(seen)


def _quorums(seen: Seen, able: dict[str, set[str] | None]) -> Finding:
    held = {
        user: frozenset(role for role, users in able.items() if user in (users or ()))
        for users in able.values()
        for user in users or ()
    }
    several = [policy for policy in _policies(seen) if quorum.total(policy.approvers) > 1]
    missing = [
        one.action for one in several if not quorum.fillable(one.approvers, held, [one.role, *one.escalation_path])
    ]
    if missing:
        return wrong("quorums", f"{named(missing)} need more people than there are", "Ask for fewer, or add members")
    if several:
        return ok("quorums", f"{named([one.action for one in several])} can be filled")
    return ok("quorums", "no action asks for more than one person")


def _escalation(seen: Seen) -> Finding:
    ends = [
        policy.action
        for policy in _policies(seen)
        if not policy.escalation_path and policy.on_timeout is not OnTimeout.APPROVE
    ]
    grave = [policy.action for policy in _policies(seen) if policy.action in ends and _grave(policy)]
    if grave:
        said = f"{named(grave)} are severe or irreversible, and nobody is asked after the first role"
        return confirm("escalation", said, "Give each an escalation_path, or be content that it is denied")
    return ok("escalation", "what is severe goes on to another role when nobody answers")


def _people(seen: Seen) -> Iterator[Finding]:
    """What is known of the people who decide."""
    _, roster = _files(seen)
    if roster.operations is None:
        yield wrong(
            "operations",
            "no channel is named: nobody hears of what gets stuck",
            'operations: {channel: "#ops"} in the roster',
        )
    else:
        yield confirm(
            "operations",
            f"alarms come to {roster.operations}",
            "Make sure that somebody reads it, and is called at night if need be",
        )
    admins = len(roster.file.admins)
    if admins < 2:
        yield wrong("admins", f"{admins or 'nobody'} can stop everything", "Name two or more under admins")
    else:
        yield ok("admins", f"{admins} can stop everything")
    yield from _calendars(seen, roster)


def _calendars(seen: Seen, roster: Roster) -> Iterator[Finding]:
    deciders = {user for role in roster.roles for user in holders(seen.workspace, roster, role) or ()}
    clockless = [user for user in deciders if roster.hours(user) is None]
    if clockless:
        yield confirm(
            "working hours",
            f"{named(clockless)} count as there at any hour",
            "Give each hours and a timezone, or accept it",
        )
    else:
        yield ok("working hours", "everybody who decides has them")
    free = [user for user in deciders if not roster.days_off(user)]
    if free:
        yield confirm(
            "holidays", f"{named(free)} have none", "defaults: {holidays: [DE-BE]}, days_off of their own, or accept it"
        )
    else:
        yield ok("holidays", "everybody who decides has theirs")
    loud = [user for user in deciders if roster.quiet(user) is None]
    if loud:
        yield confirm(
            "quiet hours", f"{named(loud)} are mentioned at night too", 'defaults: {quiet: "22:00-07:00"}, or accept it'
        )
    else:
        yield ok("quiet hours", "nobody is mentioned at night for what can wait")


def _bounds(seen: Seen) -> Iterator[Finding]:
    """How far one yes reaches, and what cards show."""
    standing = [policy for policy in _policies(seen) if policy.standing is not None]
    if standing:
        limits = [
            f"{one.action} ({one.standing.max_uses} uses, {one.standing.max_seconds} s)"
            for one in standing
            if one.standing
        ]
        yield confirm("standing approvals", f"may be given for {named(limits)}", "Say yes to these bounds")
    else:
        yield ok("standing approvals", "cannot be given")
    bare = [
        policy.action
        for policy in _policies(seen)
        if set(policy.tags) & REGULATED_TAGS - {"financial"} and not policy.redact
    ]
    if bare:
        yield wrong(
            "hidden values",
            f"{named(bare)} are tagged pii or regulated, and hide nothing",
            "redact: [params.…] for each value",
        )
    else:
        yield confirm(
            "hidden values",
            "patterns hide what looks like a token or key",
            "Name under redact what cards must not show besides",
        )
    unlimited = [policy.action for policy in _policies(seen) if policy.amount is not None and not policy.denies_amounts]
    if unlimited:
        yield wrong(
            "largest amount",
            f"no amount of {named(unlimited)} is too large to approve",
            "conditions: {deny_above_usd: …}",
        )
    else:
        yield ok("largest amount", "every action with an amount refuses the absurd")


POINTS: Sequence[Callable[[Seen], Iterator[Finding]]] = (_coverage, _silence, _roles, _people, _bounds)
