"""Figures of how the code is laid out: `make house`."""
