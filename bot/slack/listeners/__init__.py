"""Slack's actions, submissions, commands and home: plain functions that turn a payload into a use case."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.slack.listeners import actions, commands, directory, home, replies, views
from bot.slack.listeners.desk import Desk


def register(app: AsyncApp, desk: Desk) -> None:
    """Let the app hear everything that Sayso answers.

    Bolt asks one listener after the other, and asking costs more than most of a tap's way: so taps come first.
    """
    home.register(app, desk)
    actions.register(app, desk)  # behind home's own: it also answers every button that nobody else knows
    views.register(app, desk)
    commands.register(app, desk)
    directory.register(app, desk)
    replies.register(app, desk)
