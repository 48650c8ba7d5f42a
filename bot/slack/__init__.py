"""Slack: signed requests in, cards and answers out, who is who."""
