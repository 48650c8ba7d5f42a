"""The use cases. They know nothing of Slack or HTTP: plain functions over a World, each one unit of work."""
