"""The commands: `python -m bot …`, which is `sayso-server …`."""
