"""What the tests stand on: real databases, real servers, a pretended Slack, an agent, and the two policy files."""
