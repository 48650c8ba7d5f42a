"""The agents' HTTP: routes, what they answer, callbacks to agents, hooks of hosts."""
