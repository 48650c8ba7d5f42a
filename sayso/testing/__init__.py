"""A Sayso without a server, for the tests of code that asks: same types, same errors, same single-use rules."""

from sayso.testing.desk import Asked, Desk, WouldWaitForever
from sayso.testing.fakes import AsyncFakeSayso, FakeSayso
from sayso.testing.script import Rule, Verdicts

__all__ = ["Asked", "AsyncFakeSayso", "Desk", "FakeSayso", "Rule", "Verdicts", "WouldWaitForever"]
