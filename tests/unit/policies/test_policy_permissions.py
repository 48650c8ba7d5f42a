"""Who may decide, and who may not, on any path."""

from __future__ import annotations

from dataclasses import replace

import pytest
from policy_builders import policy

from policies.permissions import NOT_IDENTIFIED, Actor, genuine, may_act, may_administer, may_decide
from policies.principals import Account, Register

HOUSE = Register([Account("U0ALICE", "Alice@Example.com"), Account("U0BOB", None, "bob@example.com"), Account("U0DAN")])
ALICE = Actor("U0ALICE", names=HOUSE.of("U0ALICE").names, roles=frozenset({"finance"}))


@pytest.mark.parametrize(
    ("change", "roles", "principal", "refused"),
    [
        ({}, ["finance"], None, None),
        ({}, ["legal", "finance"], None, None),
        ({}, ["finance"], "bob@example.com", None),
        ({}, ["legal"], None, "members of legal"),
        ({}, [], None, "Only members"),
        ({"roles": frozenset()}, ["finance"], None, "members of finance"),
        ({"admin": True, "roles": frozenset()}, ["finance"], None, "members of finance"),
        ({}, ["finance"], "alice@example.com", "own behalf"),
        ({}, ["finance"], " ALICE@EXAMPLE.COM ", "own behalf"),
        ({}, ["finance"], "U0ALICE", "own behalf"),
        ({}, ["finance"], "u0alice", "own behalf"),
        ({}, ["finance"], "external:ann@example.com", None),
        ({"identified": False}, ["finance"], None, None),
        ({"identified": False}, ["finance"], "bob@example.com", "who you are"),
        ({"identified": False}, ["finance"], "external:ann@example.com", "who you are"),
        ({"user": "U0DAN", "names": HOUSE.of("U0DAN").names, "identified": False}, ["finance"], "u0dan", "own behalf"),
        ({"known": False}, ["finance"], None, "could not confirm"),
        ({"active": False}, ["finance"], None, "deactivated"),
        ({"bot": True}, ["finance"], None, "Bots"),
        ({"guest": True}, ["finance"], None, "Guests"),
        ({"stranger": True}, ["finance"], None, "another Slack workspace"),
        ({"known": False, "active": False, "bot": True}, ["finance"], None, "could not confirm"),
    ],
)
def test_who_may_decide(
    change: dict[str, object], roles: list[str], principal: str | None, refused: str | None
) -> None:
    """Only active full members of the home team in one of the roles decide, never for themselves, and for anybody
    only where it can be said who they are."""
    principals = [HOUSE.principal(principal)] if principal else []
    answer = may_decide(replace(ALICE, **change), roles=roles, principals=principals)  # type: ignore[arg-type]
    if refused is None:
        assert answer is None
    else:
        assert answer is not None
        assert refused in answer


@pytest.mark.parametrize(
    "flaw", [{"known": False}, {"active": False}, {"bot": True}, {"guest": True}, {"stranger": True}]
)
def test_a_flaw_refuses_admins_too(flaw: dict[str, bool]) -> None:
    """Whoever is not a genuine member can neither decide nor steer Sayso, admin or not."""
    actor = replace(ALICE, admin=True, **flaw)  # type: ignore[arg-type]
    assert genuine(actor) is not None
    assert may_administer(actor) == genuine(actor)


WORDS = {
    "known": "Slack could not confirm who you are just now, so nothing was done. Please try again in a moment.",
    "stranger": "You belong to another Slack workspace, so you cannot decide here.",
    "active": "Your Slack account is deactivated, so you cannot decide.",
    "bot": "Bots cannot decide.",
    "guest": "Guests cannot decide.",
}


@pytest.mark.parametrize("flaw", WORDS)
def test_people_are_told_why_in_whole_sentences(flaw: str) -> None:
    """What a refused person reads is one whole sentence that names the reason."""
    assert genuine(replace(ALICE, **{flaw: flaw not in ("known", "active")})) == WORDS[flaw]  # type: ignore[arg-type]


def test_the_refusal_names_every_role_and_the_reason() -> None:
    """The roles that could decide are all named, in order; who asked for themselves is told so, and admins are named."""
    told = may_decide(ALICE, roles={"ops", "legal"}, principals=())
    assert told == "Only members of legal or ops can decide this."
    own = may_decide(ALICE, roles=["finance"], principals=[HOUSE.principal("alice@example.com")])
    assert own == "This was asked on your own behalf, so somebody else has to decide it."
    unknown = may_decide(replace(ALICE, identified=False), roles=["finance"], principals=[HOUSE.principal("U0BOB")])
    assert unknown == NOT_IDENTIFIED
    assert may_administer(ALICE) == "Only Sayso's admins can do this."


def test_a_doubtful_membership_is_told_as_that() -> None:
    """Where Slack has not said for a while who is in a role, people of it are told to try again; another role still counts."""
    doubted = replace(ALICE, roles=frozenset(), unsure=frozenset({"finance", "legal"}))
    assert may_decide(doubted, roles={"legal", "finance"}) == (
        "Slack has not said for a while who is in finance or legal, so nobody of it can decide until it does. "
        "Please try again in a few minutes."
    )
    assert may_decide(doubted, roles={"ops"}) == "Only members of ops can decide this."
    assert may_decide(replace(doubted, roles=frozenset({"ops"})), roles={"legal", "ops"}) is None


@pytest.mark.parametrize(
    ("lists", "refused"),
    [
        ({}, None),
        ({"agents": ["boss", "other"]}, None),
        ({"agents": ["other"]}, "the agent 'boss' is not on the list of agents allowed this action (agents)"),
        ({"blocked_agents": ["other"]}, None),
        ({"blocked_agents": ["boss"]}, "the agent 'boss' is on the block list of this action (blocked_agents)"),
    ],
)
def test_which_agents_may_act(lists: dict[str, list[str]], refused: str | None) -> None:
    """Where agents are listed, only those act; who is blocked never does; and the refusal names the list."""
    assert may_act(policy(**lists), "boss") == refused


def test_only_admins_administer() -> None:
    """A genuine member steers Sayso only as an admin."""
    assert may_administer(replace(ALICE, admin=True)) is None
    assert may_administer(ALICE) is not None
