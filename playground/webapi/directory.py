"""Who and what is there: auth, team, bots, users, user groups."""

from __future__ import annotations

from typing import Any

from playground.errors import SlackError
from playground.model import Person
from playground.webapi.args import Args
from playground.webapi.registry import allowed, method
from playground.workspace import Workspace

Json = dict[str, Any]


@method("api.test", 4, token="none")
def api_test(_: Workspace, args: Args) -> Json:
    """Echo the arguments; an `error` argument is answered as that error."""
    if args.text("error"):
        raise SlackError(args.text("error"), args=args.raw)
    return {"args": args.raw}


@method("auth.test", 4)
def auth_test(workspace: Workspace, _: Args) -> Json:
    """Who the token belongs to."""
    body: Json = {
        "url": f"{workspace.base_url}/",
        "team": workspace.team.name,
        "user": workspace.people[workspace.bot_user].name,
        "team_id": workspace.team.id,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": workspace.team.organisation,
    }
    if workspace.team.enterprise_id:
        body["enterprise_id"] = workspace.team.enterprise_id
    return body


@method("team.info", 3, "team:read")
def team_info(workspace: Workspace, _: Args) -> Json:
    """The workspace."""
    team = workspace.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "url": f"{workspace.base_url}/"}}


@method("bots.info", 3, "users:read")
def bots_info(workspace: Workspace, args: Args) -> Json:
    """A bot by its B… id; `bot_not_found`."""
    wanted = args.text("bot")
    for person in workspace.people.values():
        if person.bot_id and person.bot_id == wanted:
            bot = {"id": wanted, "deleted": person.deleted, "name": person.real_name, "user_id": person.id}
            return {"bot": {**bot, "app_id": workspace.app_id, "updated": 0}}
    raise SlackError("bot_not_found")


@method("users.info", 4, "users:read")
def users_info(workspace: Workspace, args: Args) -> Json:
    """One person; `user_not_found`."""
    return {"user": _shown(workspace, workspace.person(args.text("user")))}


def _shown(workspace: Workspace, person: Person) -> Json:
    """A person as the app may see them: without users:read.email there is no address."""
    shown = person.info()
    if workspace.team.enterprise_id and person.team_id == workspace.team.id:
        home = {"enterprise_id": workspace.team.enterprise_id, "id": person.id, "teams": [person.team_id]}
        shown["enterprise_user"] = home
    if not allowed(workspace.credentials.scopes, ("users:read.email",)):
        shown["profile"].pop("email", None)
    return shown


@method("users.list", 2, "users:read")
def users_list(workspace: Workspace, args: Args) -> Json:
    """Everybody, deactivated people included."""
    people, cursor = args.page(list(workspace.people.values()), 200)
    return {
        "members": [_shown(workspace, person) for person in people],
        "cache_ts": int(workspace.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


@method("users.lookupByEmail", 3, "users:read.email")
def users_lookup(workspace: Workspace, args: Args) -> Json:
    """An active person by email; `users_not_found`."""
    wanted = args.required("email").lower()
    for person in workspace.people.values():
        if person.email and person.email.lower() == wanted and not person.deleted:
            return {"user": person.info()}
    raise SlackError("users_not_found")


@method("usergroups.list", 2, "usergroups:read")
def usergroups_list(workspace: Workspace, args: Args) -> Json:
    """The user groups; disabled ones and members on request."""
    shown = [group for group in workspace.groups.values() if not group.disabled or args.flag("include_disabled")]
    return {"usergroups": [group.info(workspace.team.id, users=args.flag("include_users")) for group in shown]}


@method("usergroups.users.list", 2, "usergroups:read")
def usergroups_users(workspace: Workspace, args: Args) -> Json:
    """The members of one user group; `no_such_subteam`."""
    group = workspace.groups.get(args.required("usergroup"))
    if group is None or (group.disabled and not args.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}
