"""Approvals as Block Kit: pure, from policies and templates only."""
