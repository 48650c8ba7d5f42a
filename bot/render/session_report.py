"""One session to hand to an auditor: who approved, what exactly they saw, under which policy. One page without scripts, pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bot.render.blocks import TEMPLATES
from bot.render.labels import Names, headline
from bot.render.parameters import pages
from bot.render.redaction import Redactor, redactor_of, without_secrets
from bot.render.visible_text import visible
from policies.approval import Approval, Decided
from policies.hidden import leaves_of, words_of

Json = Mapping[str, Any]
_WHOLE: Final = 1 << 30
_UNSAID: Final = {"file", "line", "lines", "known", "params_schema"}


def page(session: str, trail: Sequence[Json], found: Mapping[str, Approval], names: Names) -> str:
    """The HTML of a session's trail; `found` are the approvals that it names, `names` what people are called."""
    order = list(dict.fromkeys(str(line["approval_id"]) for line in trail if line["approval_id"] in found))
    mine = {key: [line for line in trail if line["approval_id"] == key] for key in order}
    context = {
        "session": visible(session),
        "summary": _summary(trail, [found[key] for key in order]),
        "requests": [_request(found[key], mine[key], names) for key in order],
        "steered": [_row(line, without_secrets, names) for line in trail if line["approval_id"] not in found],
    }
    return _template().render(context)


@cache
def _template() -> Template:
    """Everything that stands in a hole is escaped; nothing may say that it is safe."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("session_report.html.j2")


def _summary(trail: Sequence[Json], found: Sequence[Approval]) -> str:
    agents = sorted({one.agent for one in found})
    asked = f"{len(found)} request{'s' * (len(found) != 1)} of {', '.join(agents) or 'no agent'}"
    first, last = trail[0], trail[-1]
    return visible(
        f"{asked}, {_at(first['at'])} to {_at(last['at'])}, rows {first['seq']} to {last['seq']} of the trail."
    )


def _at(moment: Any) -> str:
    return str(moment)[:19].replace("T", " ")


def _request(approval: Approval, trail: Sequence[Json], names: Names) -> dict[str, Any]:
    redact = redactor_of(approval)
    asked_first = approval.request.params
    return {
        "sentence": visible(redact(approval.sentence)),
        "outcome": visible(headline(approval)[1]),
        "about": visible(redact(_about(approval))),
        "people": list(_people(approval, redact, names)),
        "nobody": visible(_alone(approval)),
        "shown": [_shown(line, names) for line in trail if line["event"] == "gate_presented"],
        "parameters": _parameters(approval, approval.params),
        "before": _parameters(approval, asked_first) if approval.edited else "",
        "words": [(word.label, visible(redact(word.text), lines=True)) for word in words_of(approval)][1:],
        "policy": visible(_policy(approval)),
        "settings": visible(_settings(approval), lines=True),
        "trail": [_row(line, redact, names) for line in trail],
    }


def _parameters(approval: Approval, params: dict[str, Any]) -> str:
    """As Details shows them: what is hidden there is hidden here."""
    return "\n".join(pages(leaves_of(approval, params), _WHOLE)) or "(none)"


def _about(approval: Approval) -> str:
    owner = f", for whom {approval.owner} answers" if approval.owner else ""
    above = f", on behalf of {', '.join(one.name for one in approval.principals)}" if approval.principals else ""
    return f"{approval.id} · {approval.action} · asked by the agent {approval.agent}{owner}{above}"


def _alone(approval: Approval) -> str:
    if approval.decision is None:
        return "Nobody has decided it."
    if approval.standing:
        return f"Nobody was asked: the standing approval {approval.standing} let it run."
    return "Nobody was asked: policy decided it." if approval.decision.by == "policy" else "Nobody."


def _people(approval: Approval, redact: Redactor, names: Names) -> Iterator[tuple[str, ...]]:
    """Every yes of a quorum, every edit, and the decision itself."""
    for edit in approval.edits:
        yield _person(edit.by, names), "changed the parameters", _at(edit.at), "", _said(edit.note, redact)
    last = approval.decision
    for vote in approval.votes:
        if last is None or (vote.user, vote.at) != (last.by, last.at):
            yield _person(vote.user, names), "yes", _at(vote.at), vote.role, ""
    if last is None or last.by == "policy":
        return
    took = f", {last.latency_ms / 1000:.0f} s after it was asked" if last.latency_ms is not None else ""
    role = next((vote.role for vote in approval.votes if vote.user == last.by), approval.role or "")
    yield _person(last.by, names), f"{_verb(last.kind)}{took}", _at(last.at), role, _said(last.note, redact)
    if approval.undo is not None:
        yield _person(approval.undo.by, names), "undid it", _at(approval.undo.at), "", _said(approval.undo.note, redact)


def _verb(kind: Decided) -> str:
    return kind.value.replace("_", " ")


def _said(text: Any, redact: Any) -> str:
    return visible(redact(str(text)), lines=True) if text else ""


def _person(user: str, names: Names) -> str:
    name = names(user)
    return visible(f"{name} ({user})" if name else user)


def _shown(line: Json, names: Names) -> tuple[str, ...]:
    actor = str(line["actor"])
    to = "everybody of that channel" if actor == "system" else _person(actor, names)
    return _at(line["at"]), visible(without_secrets(str(line["rationale"] or ""))), to, str(line["digest"] or "")


def _policy(approval: Approval) -> str:
    policy = approval.policy
    where = f", {policy.file}:{policy.line}" if policy.file and policy.line else ""
    level = f"Level {approval.level.value}" if approval.level else "No level"
    return f"{level}, by version {approval.policy_version}{where}. As it was frozen into the request:"


def _settings(approval: Approval) -> str:
    said = approval.policy.model_dump(mode="json", exclude=_UNSAID, exclude_none=True)
    kept = {key: value for key, value in said.items() if value not in ([], {}, "")}
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in kept.items())


def _row(line: Json, redact: Any, names: Names) -> tuple[str, ...]:
    said = " · ".join(str(part) for part in (line["decision"], line["rationale"]) if part)
    by = _person(str(line["actor"]), names)
    return str(line["seq"]), _at(line["at"]), str(line["event"]), by, _said(said, redact), str(line["hash"])
