"""Slack's Web API, as far as an approvals app uses it."""

from playground.webapi.endpoint import WebApi

__all__ = ["WebApi"]
