"""A Slack workspace in the browser: Sayso's keyless demo and its test kit."""
