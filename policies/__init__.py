"""Decides: pure rules with time as an argument and no I/O."""
