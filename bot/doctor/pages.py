"""Where something is clicked: the pages of the Slack app's settings and of a workspace, as Slack names them."""

from __future__ import annotations

APP = "api.slack.com/apps → Sayso"
SCOPES = f"{APP} → OAuth & Permissions → Bot Token Scopes"
INSTALL = f"{APP} → Install App → Reinstall to Workspace"
TOKEN = f"{APP} → OAuth & Permissions → Bot User OAuth Token"
SECRET = f"{APP} → Basic Information → App Credentials → Signing Secret"
APP_TOKEN = f"{APP} → Basic Information → App-Level Tokens"
SOCKETS = f"{APP} → Socket Mode"
INTERACTIVITY = f"{APP} → Interactivity & Shortcuts"
EVENTS = f"{APP} → Event Subscriptions"
COMMANDS = f"{APP} → Slash Commands"
GROUPS = "Slack → People & user groups → User groups"
CHANNEL = "Slack → the channel's name → Settings"
PATH = "/slack/events"
