"""What turned out later, whoever says so: a label, what follows from it, and who hears of it (docs/rules.md: F2)."""

from __future__ import annotations

from typing import Any

from bot.service import authorization, demotion, notices, standing_ends
from bot.service.authorization import Tap
from bot.service.context import Context, World
from policies.approval import Approval, Decided
from policies.errors import InvalidInput, NeverRan, NotAllowed
from policies.lifecycle import RAN, Verb
from policies.permissions import Actor, may_administer
from policies.principals import own
from store import labels
from store.audit import entry_of

WORDS = ("correct", "incident", "reverted")
_YES = frozenset({Decided.APPROVED, Decided.EDITED, Decided.CHOSEN, Decided.ANSWERED})


def require_possible(approval: Approval, word: str) -> None:
    """Raise NeverRan where `correct` is said of what did not run, or has not come to its end."""
    if word == "correct" and approval.state not in RAN:
        raise NeverRan(state=approval.state.value)


def followed(ctx: Context, approval: Approval, word: str, *, by: str, detail: str | None) -> dict[str, Any]:
    """All that follows from a new label; what the audit adds to its row. Whoever said yes hears once of an incident."""
    if approval.planted is not None:
        return {}  # a test never ran, and says nothing of anybody's work
    if word != "incident":
        return demotion.after_label(ctx, approval, word)
    standing_ends.after_incident(ctx, approval)
    for user in said_yes(approval):
        if user != by:
            notices.later_incident(ctx, approval, user, by=by, detail=detail)
    return demotion.after_label(ctx, approval, word)


def said_yes(approval: Approval) -> list[str]:
    """The people on whose yes it ran: everybody of a quorum, each once."""
    decision = approval.decision
    last = [decision.by] if decision and decision.kind in _YES and decision.by != "policy" else []
    return list(dict.fromkeys([*(vote.user for vote in approval.votes), *last])) if last else []


def may_label(actor: Actor, approval: Approval) -> str | None:
    """None where this person may say how it turned out: who may decide it, and admins; nobody of what is done for them."""
    refusal = authorization.refusal_of(approval, actor)
    if refusal is None or may_administer(actor) is not None:
        return refusal
    mine = own(actor.names, approval.principals) or (approval.principals and not actor.identified)
    return refusal if mine else None


def load_to_label(world: World, tap: Tap) -> Approval:
    """The approval for somebody who wants to say how it turned out; raises NotFound, NotAllowed and NeverRan."""
    approval = authorization.read(world, tap.approval_id, tap.actor)
    _require_may(world, tap, approval)
    require_possible(approval, "correct")
    return approval


def label_by_person(world: World, tap: Tap, word: str) -> Approval:
    """A person says how it turned out; the note says why, which an incident needs. The same again is no error.

    Raises InvalidInput, NotFound, NotAllowed and NeverRan.
    """
    authorization.check_note(tap)
    if word not in WORDS:
        raise InvalidInput(f"must be one of {', '.join(WORDS)}", field="label")
    if word == "incident" and not (tap.note and tap.note.strip()):
        raise InvalidInput("say what went wrong", field="note")
    _require_may(world, tap, authorization.read(world, tap.approval_id, tap.actor))
    return world.run(lambda ctx: _labelled(ctx, tap, word))


def _require_may(world: World, tap: Tap, approval: Approval) -> None:
    refusal = may_label(tap.actor, approval)
    if refusal is not None:
        authorization.record_refusal(world, tap, Verb.LABEL, refusal)
        raise NotAllowed(refusal)


def _labelled(ctx: Context, tap: Tap, word: str) -> Approval:
    approval = authorization.loaded(ctx.unit, tap.approval_id)
    refusal = may_label(tap.actor, approval)
    if refusal is not None:
        raise NotAllowed(refusal)
    require_possible(approval, word)
    by, why = tap.actor.user, tap.note
    if labels.keep(ctx.unit, approval, word, by=by, detail=why):
        extra = {"team": tap.actor.team, **followed(ctx, approval, word, by=by, detail=why)}
        ctx.unit.record(entry_of(approval, "labelled", ctx.now, by, decision=word, rationale=why, extra=extra))
        ctx.unit.after_commit(ctx.world.signals.outbox_filled)
    return approval
