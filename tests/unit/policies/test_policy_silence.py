"""Silence: what it means, for every policy and level there is."""

from __future__ import annotations

from itertools import product

import pytest
from policy_builders import policy

from policies import silence
from policies.files.policy import OnTimeout, Policy, Reversibility, Severity, unknown
from policies.levels import Level

LEVELS = (None, *Level)


def declared(on_timeout: OnTimeout, severity: Severity, reversibility: Reversibility) -> Policy:
    """A policy that says so, also where no file that says so would load."""
    changed = {"on_timeout": on_timeout, "severity": severity, "reversibility": reversibility}
    return policy().model_copy(update=changed | {"soft_timeout_seconds": 300, "hard_timeout_seconds": 86_400})


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("said", [*product(OnTimeout, Severity, Reversibility)])
def test_silence_is_a_yes_in_one_case_alone(
    said: tuple[OnTimeout, Severity, Reversibility], level: Level | None
) -> None:
    """Only a soft approval of something slight and reversible whose manifest says so; anywhere else it is a no, or no word."""
    only = (OnTimeout.APPROVE, Severity.LOW, Reversibility.REVERSIBLE)
    consents = said == only and level is Level.SOFT_APPROVAL
    otherwise = OnTimeout.DENY if said[0] is OnTimeout.APPROVE else said[0]
    assert silence.consents(declared(*said), level) is consents
    assert silence.means(declared(*said), level) is (OnTimeout.APPROVE if consents else otherwise)


@pytest.mark.parametrize("level", LEVELS)
def test_silence_speaks_when_the_level_says(level: Level | None) -> None:
    """Soft approvals have the short time, all others the long one, and what holds never hears it."""
    for on_timeout in OnTimeout:
        said = declared(on_timeout, Severity.LOW, Reversibility.REVERSIBLE)
        long = 300 if level is Level.SOFT_APPROVAL else 86_400
        assert silence.speaks_after(said, level) == (None if on_timeout is OnTimeout.HOLD else long)


@pytest.mark.parametrize("level", LEVELS)
def test_silence_never_consents_to_what_nobody_knows(level: Level | None) -> None:
    """An action that the manifest does not know is denied in silence."""
    assert silence.means(unknown("wipe"), level) is OnTimeout.DENY
