"""An app as its manifest describes it: what it may do, what it hears of, and what is switched on."""

from __future__ import annotations

from typing import Any

from playground.workspace import Workspace


def install(workspace: Workspace, manifest: dict[str, Any]) -> None:
    """Install the app into the workspace from a Slack app manifest: exactly what it lists, and no more."""
    features, settings = manifest.get("features", {}), manifest.get("settings", {})
    events = settings.get("event_subscriptions", {}).get("bot_events", [])
    commands = features.get("slash_commands", [])
    with workspace.changing({"kind": "directory"}):
        workspace.credentials.scopes = set(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", []))
        workspace.bot_events = set(events)
        workspace.commands = {
            entry["command"]: {"description": entry.get("description", ""), "hint": entry.get("usage_hint", "")}
            for entry in commands
        }
        workspace.switches.interactivity = bool(settings.get("interactivity", {}).get("is_enabled"))
        workspace.switches.socket_mode = bool(settings.get("socket_mode_enabled"))
