"""files.*: the three-step upload (ask for a url, send the bytes there, complete)."""

from __future__ import annotations

from typing import Any

from playground.errors import SlackError
from playground.model import File, Message
from playground.webapi.args import Args
from playground.webapi.chat import writable
from playground.webapi.registry import method
from playground.workspace import Workspace

Json = dict[str, Any]


def shown(workspace: Workspace, file: File) -> Json:
    """The file object."""
    link = f"{workspace.base_url}/files/{file.id}/{file.name}"
    alt = {"alt_txt": file.alt_text} if file.alt_text else {}
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "size": len(file.content or b""),
        "url_private": link,
        "permalink": link,
        "user": workspace.bot_user,
        **alt,
    }


@method("files.getUploadURLExternal", 4, "files:write")
def get_upload_url(workspace: Workspace, args: Args) -> Json:
    """Where to send the bytes of a new file."""
    name, length = args.required("filename"), args.number("length", 0)
    if length < 1:
        raise SlackError("invalid_arguments")
    file = File(workspace.new_id("F"), name, length, alt_text=args.text("alt_txt"))
    with workspace.changing():
        workspace.files[file.id] = file
    return {"upload_url": f"{workspace.base_url}/upload/v1/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", 4, "files:write")
def complete_upload(workspace: Workspace, args: Args) -> Json:
    """Finish uploads and share them; `file_not_found`."""
    entries = args.json("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries:
        raise SlackError("invalid_arguments")
    files = [_finished(workspace, entry) for entry in entries]
    listing = [shown(workspace, file) for file in files]
    for where in _targets(args):
        channel = writable(workspace, where)
        workspace.add_message(
            Message(
                channel=channel.id,
                ts=workspace.next_ts(),
                user=workspace.bot_user,
                text=args.text("initial_comment"),
                bot_id=workspace.bot_id,
                app_id=workspace.app_id,
                team=workspace.team.id,
                thread_ts=args.text("thread_ts") or None,
                files=listing,
            )
        )
    return {"files": listing}


def _targets(args: Args) -> list[str]:
    named = args.text("channel_id") or args.text("channels")
    return [where for where in named.split(",") if where]


def _finished(workspace: Workspace, entry: Any) -> File:
    file = workspace.files.get(str(entry.get("id"))) if isinstance(entry, dict) else None
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    file.title, file.shared = str(entry.get("title") or file.name), True
    return file
