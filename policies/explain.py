"""How one request would route, and why: every reason with the line of the manifest that it rests on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from policies import quorum, silence
from policies.deadlines import SlaClock, urgent
from policies.errors import InvalidInput
from policies.files.manifest import Manifest
from policies.files.policy import Policy
from policies.files.tightening import Ratchet
from policies.kinds import check_kind
from policies.request import Request, check_params
from policies.routing import History, Level, Route, RouteName, route
from policies.sentences import sentence, usd
from policies.standing import never, unsayable

IN_WORDS = {
    Level.FULL_AUTO: "runs by itself",
    Level.NOTIFY_ONLY: "runs by itself, and people are told",
    Level.SOFT_APPROVAL: "a person may object; silence consents",
    Level.HARD_APPROVAL: "waits for a person's yes",
    Level.HUMAN_TAKEOVER: "a person takes over",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that spoke; `line` is where the manifest says so, None where it is a rule of Sayso itself."""

    text: str
    line: int | None
    decides: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A route with its reasons, the deciding one first, and who would be asked until when (seconds).

    `problem` says why the request would be refused as malformed (422) before any rule spoke.
    """

    action: str
    sentence: str
    route: str
    level: str | None
    reasons: tuple[Reason, ...]
    problem: str | None = None
    role: str | None = None
    escalation_path: tuple[str, ...] = ()
    approvers: int = 0
    sla_seconds: float | None = None
    timeout_seconds: int | None = None
    on_timeout: str | None = None
    tier: str | None = None
    sla_clock: str | None = None
    policy_version: str = ""
    entry: str | None = None  # the manifest's pattern that stands for the action, where it is not named itself
    ratchet: str | None = None  # how levels are lost and earned, where the action has any
    planted: str | None = None  # how reviewers of the action are tested, where they are
    standing: str | None = None  # whether a reviewer may let the like of it run, where the manifest has such bounds

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON values."""
        return asdict(self)


def explain(manifest: Manifest, request: Request, *, agent: str, history: History | None = None) -> Explanation:
    """How `request` by `agent` would route under `manifest`; nothing is stored."""
    policy = manifest.policy(request.action)
    went = route(agent, request, policy, history or History())
    reasons = tuple(
        Reason(text, line, index == 0) for index, (text, line) in enumerate(zip(went.why, went.lines, strict=True))
    )
    level = went.level.value if went.level else None
    if not policy.known:
        return Explanation(request.action, "", went.name.value, level, reasons, policy_version=manifest.version)
    return Explanation(
        action=request.action,
        sentence=sentence(policy.describe, policy.title, request.params),
        route=went.name.value,
        level=level,
        reasons=reasons,
        problem=_problem(policy, request),
        policy_version=manifest.version,
        ratchet=policy.ratchet.value if policy.autonomy or policy.ratchet is Ratchet.SEQUENTIAL else None,
        entry=policy.action if policy.action != request.action else None,
        planted=_planted(manifest, policy.action),
        **(_asked(policy, went, request) if went.name is RouteName.ASK else {}),
    )


def _planted(manifest: Manifest, action: str) -> str | None:
    section = manifest.planted.get(action)
    if section is None:
        return None
    count = len(section.requests)
    kinds = f"{count} test request{'s' * (count != 1)}"
    return f"{kinds}, at most one for {section.one_in} decisions and one a week for each reviewer"


def _problem(policy: Policy, request: Request) -> str | None:
    try:
        check_kind(policy.kinds, request.kind)
        check_params(policy.params_schema, request.params)
    except InvalidInput as error:
        return f"{error.field}: {error}"
    return None


def _asked(policy: Policy, went: Route, request: Request) -> dict[str, Any]:
    return {
        "role": went.role,
        "escalation_path": tuple(role for role in policy.escalation_path if role != went.role),
        "approvers": quorum.total(policy.approvers),
        "sla_seconds": urgent(policy.sla_seconds, request.urgency),
        "timeout_seconds": silence.speaks_after(policy, went.level),
        "on_timeout": silence.means(policy, went.level).value,
        "tier": policy.tier.value if policy.tier else None,
        "sla_clock": policy.sla_clock.value,
        "standing": _standing(policy, request),
    }


def _standing(policy: Policy, request: Request) -> str | None:
    bounds = policy.standing
    if bounds is None:
        return None
    problem = never(policy, request) or unsayable(policy, request)
    if problem is not None:
        return f"none can be given with this request: {problem}"
    money = f", {usd(bounds.max_total_usd)} in all" if bounds.max_total_usd is not None else ""
    same = f", with the same {', '.join(bounds.same)}" if bounds.same else ""
    return f"a reviewer may let up to {bounds.max_uses} like it run within {bounds.max_seconds} s{money}{same}"


def in_words(explanation: Explanation, *, path: str) -> str:
    """The explanation as text for people, each reason with file and line."""
    level = Level(explanation.level) if explanation.level else None
    what = {"deny": "refused at once", "block": "blocked: not in the manifest"}.get(explanation.route, "")
    lines = [f"{explanation.action}: {explanation.route}, {level.value + ': ' + IN_WORDS[level] if level else what}"]
    if explanation.entry:
        lines.append(f"  by the pattern {explanation.entry}")
    if explanation.sentence:
        lines.append(f"  {explanation.sentence}")
    if explanation.problem:
        lines.append(f"  would be refused as malformed: {explanation.problem}")
    lines.append("Reasons, the deciding one first:")
    for number, reason in enumerate(explanation.reasons, 1):
        where = f"{path}:{reason.line}" if reason.line else "a rule of Sayso"
        lines.append(f"  {number}. {reason.text} [{where}]")
    if explanation.ratchet:
        lines.append(f"Levels are lost and earned by the preset {explanation.ratchet}")
    if explanation.planted:
        lines.append(f"Reviewers are tested: {explanation.planted}")
    if explanation.role:
        lines.extend(_who(explanation))
    return "\n".join(lines)


def _who(explanation: Explanation) -> list[str]:
    roles = " → ".join([str(explanation.role), *explanation.escalation_path])
    until = f"after {explanation.timeout_seconds} s" if explanation.timeout_seconds else "however long it takes"
    people = "person" if explanation.approvers == 1 else "people"
    counted = " of their working hours" if explanation.sla_clock == SlaClock.BUSINESS_HOURS else ""
    tier = f" (tier {explanation.tier})" if explanation.tier else ""
    told = [
        f"Asked: {explanation.approvers} {people} of {roles}, each with {explanation.sla_seconds:g} s{counted}{tier}",
        f"Silence: {explanation.on_timeout}, {until}",
    ]
    return [*told, f"Standing approval: {explanation.standing}"] if explanation.standing else told
