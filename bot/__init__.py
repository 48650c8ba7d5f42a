"""Acts: the server, Slack and the command line; the only room that meets the network."""
