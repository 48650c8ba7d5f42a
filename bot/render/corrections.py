"""What people corrected, as examples for the agent: edits, rejections and take-overs, with what is hidden left out (docs/rules.md: F8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.render.redaction import params_shown, redactor_of
from policies.approval import Approval

KINDS: Final = {"modified": "edit", "rejected": "rejection", "taken_over": "takeover", "handed_back": "handback"}


def correction(line: Mapping[str, Any], approval: Approval) -> dict[str, Any]:
    """What a row of the trail teaches, whose event is one of KINDS. Secrets are fingerprints, as on the card."""
    redact = redactor_of(approval)
    reason = line["rationale"]
    edited = line["event"] == "modified"
    steps = approval.decision.human_steps if approval.decision and line["event"] == "handed_back" else None
    return {
        "at": line["at"],
        "kind": KINDS[line["event"]],
        "approval_id": line["approval_id"],
        "agent": line["agent"],
        "action": line["action"],
        "asked": params_shown(approval, line.get("before", line["params"])),
        "corrected": params_shown(approval, line["params"]) if edited else None,
        "steps": [redact(step) for step in steps] if steps else None,
        "reason": redact(reason) if reason else None,
        "by": line["actor"],
    }
