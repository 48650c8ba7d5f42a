"""Lint of single actions: rules that can never speak, deadlines that cancel each other, words that are almost special."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from policies.files.manifest import REGULATED_TAGS
from policies.files.policy import OnTimeout, Severity
from policies.files.tiers import Tier
from policies.lint.findings import Case, Finding


def _tags(case: Case) -> Iterator[Finding]:
    for tag in case.policy.tags:
        close = difflib.get_close_matches(tag.casefold(), REGULATED_TAGS, n=1, cutoff=0.75)
        if close and tag not in REGULATED_TAGS:
            yield case.warning("tags", f"the tag {tag} means nothing to routing", f"Did you mean {close[0]}?")


def _agents(case: Case) -> Iterator[Finding]:
    both = sorted(set(case.policy.agents or []).intersection(case.policy.blocked_agents))
    if both:
        message = f"agents and blocked_agents both name {', '.join(both)}"
        yield case.error("blocked_agents", message, "Take each agent out of one of the two lists")
    if case.policy.agents == []:
        suggestion = "Name the agents that may, or remove the key to allow all"
        yield case.warning("agents", "no agent is allowed, so every request is denied", suggestion)


def _confidence(case: Case) -> Iterator[Finding]:
    policy, written = case.policy, case.action.thresholds.auto_approve_confidence
    if policy.escalate_confidence > policy.auto_approve_confidence:
        yield case.error(
            "thresholds.escalate_confidence",
            f"escalate_confidence ({policy.escalate_confidence:g}) is above auto_approve_confidence "
            f"({policy.auto_approve_confidence:g}), so what reaches the one is escalated by the other",
            "Lower escalate_confidence below auto_approve_confidence",
        )
    why = "approval_required is false" if not policy.approval_required else case.always_asks
    if written is not None and why:
        message = f"auto_approve_confidence never applies, because {why}"
        yield case.warning("thresholds.auto_approve_confidence", message, "Remove it")


def _trusted(case: Case) -> Iterator[Finding]:
    policy, key = case.policy, "thresholds.trust_evidence"
    if not policy.trust_evidence:
        return
    if policy.severity is Severity.LOW:
        message = "trust_evidence changes nothing: at low severity the evidence counts anyway"
        yield case.warning(key, message, "Remove it")
    elif policy.trusted_by is None:
        message = "trust_evidence lets the agent's own word loosen, and no owner answers for it, so it does nothing"
        yield case.error(key, message, "Name the owner (owner: Head of finance), or remove it")
    elif case.floor or not policy.approval_required:
        why = case.floor or "approval_required is false"
        yield case.warning(key, f"trust_evidence never applies, because {why}", "Remove it")


def _unasked(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.approval_required:
        return
    grave = policy.irreversible or policy.severity is Severity.HIGH
    if grave and policy.owner is None:
        message = "runs without a person though it is severe or irreversible"
        yield case.warning("approval_required", message, "Name the owner who answers for that")
    if case.floor and not policy.irreversible:
        message = f"approval_required: false overrules that {case.floor}"
        yield case.warning("approval_required", message, "Remove the line if a person should see these")


def _silence(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.on_timeout is OnTimeout.ESCALATE and not policy.escalation_path:
        message = "on_timeout: escalate has nowhere to go, because there is no escalation_path"
        yield case.error("on_timeout", message, "Give an escalation_path, or say deny or hold")
    if policy.on_timeout is OnTimeout.APPROVE and case.always_asks:
        message = f"on_timeout: approve never applies, because {case.always_asks}"
        yield case.warning("on_timeout", message, "Say deny, escalate or hold")
    if policy.on_timeout is OnTimeout.HOLD and case.action.approval_timeout_seconds is not None:
        message = "approval_timeout_seconds has no effect with on_timeout: hold, which waits without end"
        yield case.warning("approval_timeout_seconds", message, "Remove it, or say what the timeout leads to")


def _deadlines(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.on_timeout is OnTimeout.HOLD:
        return
    soft = policy.on_timeout is OnTimeout.APPROVE
    timeout = policy.soft_timeout_seconds if soft else policy.hard_timeout_seconds
    if policy.sla_seconds > timeout:
        message = (
            f"sla_seconds ({policy.sla_seconds}) is longer than the timeout ({timeout}): nobody else is ever asked"
        )
        yield case.warning("sla_seconds", message, "Make the SLA shorter than approval_timeout_seconds")


SOON = 3600  # seconds; a rejection that is forgotten sooner holds nobody up


def _again(case: Case) -> Iterator[Finding]:
    seconds = case.policy.resubmit_seconds
    if seconds < SOON:
        message = f"resubmit_seconds: {seconds} lets an agent ask somebody else for what was rejected after {seconds} s"
        yield case.warning("resubmit_seconds", message, f"Say {SOON} or more; the default is a day")


def _tier(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.tier is Tier.AUTOMATED and policy.approval_required:
        message = "tier: automated does not let it run without a person, and has no SLA for those who are asked"
        yield case.warning("tier", message, "Say approval_required: false, or name the tier in which people answer")
    own = case.action
    if own.tier in (None, Tier.AUTOMATED) or own.sla_seconds is None or own.approval_timeout_seconds is None:
        return
    yield case.warning(
        "tier", "tier says nothing beside sla_seconds and approval_timeout_seconds", "Remove one of them"
    )


def _afterwards(case: Case) -> Iterator[Finding]:
    policy = case.policy
    if policy.undo_window_seconds and policy.irreversible:
        message = "undo_window_seconds promises to undo what is irreversible"
        yield case.error("undo_window_seconds", message, "Remove it, or correct the reversibility")
    if policy.sample_review and not case.runs_by_policy:
        message = f"sample_review never applies, because every request asks a person: {case.always_asks}"
        yield case.warning("sample_review", message, "Remove it")
    if policy.batch and policy.irreversible:
        message = "an irreversible action may share a screen with others (batch)"
        yield case.warning("batch", message, "Remove batch, so that each is looked at by itself")


RULES = (_tags, _agents, _confidence, _trusted, _unasked, _silence, _deadlines, _again, _tier, _afterwards)
