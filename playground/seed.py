"""The workspace everybody starts with."""

from __future__ import annotations

from dataclasses import replace

from playground.model import Channel, Person, UserGroup
from playground.workspace import BOT_ID, Workspace

PEOPLE = (
    Person("U0ALICE", "alice", "Alice Adler", "c2417c", "alice@example.com", "Finance"),
    Person("U0BOB", "bob", "Bob Brandt", "2b7de9", "bob@example.com", "Finance"),
    Person("U0CAROL", "carol", "Carol Chen", "1d8a5f", "carol@example.com", "Finance lead"),
    Person("U0DAN", "dan", "Dan Dogan", "b5651d", "dan@example.com", "Engineering lead"),
    Person("U0ADMIN", "admin", "Ada Minister", "6b4fbb", "admin@example.com", "Operations", is_admin=True),
    Person("U0GUEST", "guest", "Gus Guest", "8a8d91", "guest@example.org", "Contractor", is_restricted=True),
    Person("U0GONE", "gone", "Gona Way", "999999", "gone@example.com", "Left in spring", deleted=True),
    Person(
        "U0STRANGER",
        "stranger",
        "Stan Stranger",
        "0f766e",
        None,
        "Another company",
        team_id="T0OTHER",
        is_stranger=True,
    ),
    Person("U0SAYSO", "sayso", "Sayso", "e8912d", None, "App", is_bot=True, bot_id=BOT_ID),
)
CHANNELS = (
    Channel("C0APPROVALS", "approvals", topic="What agents would like to do"),
    Channel("C0FINANCE", "finance", topic="Money in, money out"),
    Channel("C0ENGINEERING", "engineering", topic="Deploys and migrations"),
    Channel("C0OPS", "ops", topic="Alerts for operators"),
    Channel("C0GENERAL", "general", topic="Everyone"),
)
GROUPS = (UserGroup("S0LEADS", "leads", "Leads", ["U0CAROL", "U0DAN"]),)


def fill(workspace: Workspace) -> Workspace:
    """Add the usual people, group and channels, each fresh and free to change."""
    for person in PEOPLE:
        workspace.add_person(replace(person))
    for group in GROUPS:
        workspace.add_group(replace(group, users=list(group.users)))
    members = [person.id for person in PEOPLE if not person.deleted]
    for channel in CHANNELS:
        workspace.add_channel(replace(channel, members=list(members)))
    return workspace
