"""views.*: modals and home tabs."""

from __future__ import annotations

from typing import Any

from playground.errors import SlackError, invalid
from playground.model import View
from playground.webapi.args import Args
from playground.webapi.content import view_body
from playground.webapi.registry import method
from playground.workspace import Workspace

Json = dict[str, Any]


def _by_external_id(workspace: Workspace, external_id: str) -> View | None:
    return next(
        (view for view in workspace.views.values() if view.open and view.body.get("external_id") == external_id), None
    )


def refuse_taken_external_id(workspace: Workspace, body: Json, own: View | None = None) -> None:
    """`duplicate_external_id` when another open view has it."""
    external_id = body.get("external_id")
    holder = _by_external_id(workspace, external_id) if external_id else None
    if holder is not None and holder is not own:
        raise SlackError("duplicate_external_id")


@method("views.open", 4)
def open_view(workspace: Workspace, args: Args) -> Json:
    """Open a modal with a fresh trigger."""
    body = view_body(args, "modal")
    refuse_taken_external_id(workspace, body)
    trigger = workspace.tickets.redeem_trigger(args.required("trigger_id"))
    return {"view": workspace.open_modal(trigger.user, body).shown()}


@method("views.push", 4)
def push_view(workspace: Workspace, args: Args) -> Json:
    """Put a modal on top of the one the trigger came from."""
    body = view_body(args, "modal")
    refuse_taken_external_id(workspace, body)
    trigger = workspace.tickets.redeem_trigger(args.required("trigger_id"))
    if trigger.view is None or trigger.view.body["type"] != "modal":
        raise invalid("invalid_arguments", ["[ERROR] the trigger must come from a modal [json-pointer:/trigger_id]"])
    return {"view": workspace.push_modal(trigger.user, body).shown()}


@method("views.update", 4)
def update_view(workspace: Workspace, args: Args) -> Json:
    """Redraw an open view; `hash` guards against overwriting a newer one."""
    body = view_body(args, "modal", "home")
    if "view_id" in args:
        view = workspace.views.get(args.text("view_id"))
    else:
        view = _by_external_id(workspace, args.required("external_id"))
    if view is None or not view.open:
        raise SlackError("not_found")
    if view.body["type"] != body["type"]:
        raise invalid("invalid_arguments", ["[ERROR] the view's type cannot change [json-pointer:/view/type]"])
    refuse_taken_external_id(workspace, body, view)
    with workspace.lock:
        if "hash" in args and args.text("hash") != view.hash:
            raise SlackError("hash_conflict")
        workspace.replace_view(view, body)
    return {"view": view.shown()}


@method("views.publish", 4)
def publish_view(workspace: Workspace, args: Args) -> Json:
    """Show a home tab to one person."""
    body = view_body(args, "home")
    user = args.required("user_id")
    if user not in workspace.people:
        raise SlackError("user_not_found")
    with workspace.lock:
        current = workspace.homes.get(user)
        if "hash" in args and current is not None and args.text("hash") != current.hash:
            raise SlackError("hash_conflict")
        view = workspace.publish_home(user, body)
    return {"view": view.shown()}
