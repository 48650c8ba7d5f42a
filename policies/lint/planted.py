"""Lint of test requests: those that nobody would be asked about are never planted."""

from __future__ import annotations

from collections.abc import Iterator

from policies.learning.planting import unasked
from policies.lint.findings import Case, Finding
from policies.request import read_request
from policies.routing import History, route
from policies.strict_json import parse_object


def _never(case: Case) -> Iterator[Finding]:
    section = case.action.planted
    for at, one in enumerate(section.requests if section else []):
        request = read_request(parse_object(one.body(case.name)))
        went = route(_SOME_AGENT, request, case.policy, History())
        reason = unasked(went.name, went.level, stopped=False, before=False)
        if reason is not None:
            message = f"planted.requests[{at}] is no test: {reason} ({went.why[0]})"
            yield case.warning(f"planted.requests.{at}", message, "Plant what a person is asked about")


def _switched_off(case: Case) -> Iterator[Finding]:
    if case.action.planted is not None and not case.manifest.file.defaults.planted:
        message = "nothing is planted, because defaults do not say planted: true"
        yield case.note("planted", message, "Add it when reviewers know that there will be tests")


_SOME_AGENT = "agent"
RULES = (_never, _switched_off)
