"""Lint of what one person's yes may be: choices and answers that let something severe run, edits that reach too far."""

from __future__ import annotations

from collections.abc import Iterator

from policies import edits, paths, quorum
from policies.files.policy import Severity
from policies.kinds import Kind
from policies.lint.findings import Case, Finding
from policies.param_presence import Presence, declared


def _kinds(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if len(set(policy.kinds)) < len(policy.kinds):
        yield case.warning("kinds", "kinds names one of them twice", "Name each once")
    asked = [kind for kind in (Kind.CHOOSE, Kind.INPUT) if kind in policy.kinds]
    if asked and _grave(case) and quorum.total(policy.approvers) == 1:
        what = " or ".join({Kind.CHOOSE: "choice", Kind.INPUT: "answer"}[kind] for kind in asked)
        message = f"one person's {what} lets this run though it is severe or irreversible"
        yield case.warning("kinds", message, "Ask two people (approvers: 2), or accept kinds: [confirm] only")


def _editable(case: Case) -> Iterator[Finding]:
    for index, path in enumerate(case.policy.editable or ()):
        key, told = f"editable.{index}", declared(case.policy.params_schema, _up_to_a_list(path)).presence
        if told is Presence.IMPOSSIBLE:
            message = f"editable names {path}, which params_schema does not allow"
            yield case.error(key, message, "Correct the path: as it stands nobody can change it")
        elif told is Presence.UNDECLARED:
            message = f"editable names {path}, which params_schema does not declare"
            yield case.warning(key, message, "Correct the path, or declare the parameter")


def _up_to_a_list(path: str) -> str:
    return path.partition("[")[0]


def _amount(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if not policy.irreversible or policy.editable is None or quorum.total(policy.approvers) > 1:
        return
    for amount in edits.amount_paths(policy):
        if any(paths.overlap(path, amount) for path in policy.editable):
            message = f"editable lets one person raise the amount {amount} of something that cannot be undone"
            yield case.warning("editable", message, "Take it out: without the key one person may lower it and no more")


def _grave(case: Case) -> bool:
    return case.policy.irreversible or case.policy.severity is Severity.HIGH


RULES = (_kinds, _editable, _amount)
