"""What was changed outside Sayso is neither approved nor claimed, and operations hear of it (guarantee 2)."""

from __future__ import annotations

import logging

from bot.service import notices
from bot.service.context import Context, World
from policies.approval import Approval
from policies.digest import fingerprint
from policies.errors import Tampered
from policies.frozen_values import replace
from policies.lifecycle import Verb
from policies.messages import AlertFacts
from store import approvals, audit
from store.audit import Entry, entry_of
from store.unit import Unit

log = logging.getLogger("sayso.integrity")


def tell(world: World, approval_id: str, actor: str, *, verb: Verb, error: Tampered) -> None:
    """Keep in the trail that `verb` was refused and why, once for each who tried, and tell operations once of it."""

    def work(ctx: Context) -> None:
        unit = ctx.unit
        if _known(unit, approval_id, actor, str(error)):
            return
        approval = _readable(unit, approval_id)
        refused = entry_of(approval, "refused", unit.now, actor) if approval else None
        entry = refused or Entry("refused", unit.now, actor, approval_id=approval_id)
        unit.record(replace(entry, decision=verb.value, rationale=str(error)))
        _alert(ctx, approval_id, approval, str(error.facts.get("what")))
        unit.after_commit(world.signals.outbox_filled)

    log.error(
        "approval %s: %s of %s refused: %s", approval_id, verb.value, actor, error, extra={"approval_id": approval_id}
    )
    world.run(work)


def _known(unit: Unit, approval_id: str, actor: str, why: str) -> bool:
    said = {"event": "refused", "actor": actor, "rationale": why}
    return any(said.items() <= line.items() for line in _readable_lines(unit, approval_id))


def _readable_lines(unit: Unit, approval_id: str) -> list[dict[str, object]]:
    try:
        return list(audit.lines(unit, approval_id=approval_id))
    except (ValueError, TypeError):
        return []  # the trail itself was tampered with: `audit verify` names the row


def _readable(unit: Unit, approval_id: str) -> Approval | None:
    try:
        return approvals.load(unit, approval_id)
    except Tampered:
        return None


def _alert(ctx: Context, approval_id: str, approval: Approval | None, what: str) -> None:
    text = (
        f"{approval_id} is not as Sayso recorded it: {what}. It can no longer be approved or claimed. Find out who "
        "changed the database, and run python -m bot audit verify."
    )
    title = "A record was changed outside Sayso"
    notices.operations(ctx, f"tampered:{approval_id}", AlertFacts(title, text), approval)


def tell_of_the_trail(world: World, faults: list[str]) -> None:
    """Tell operations, once for each thing that is wrong, that the trail no longer passes through its kept end."""
    text = (
        f"The audit trail is not as it was when its end was last kept: {'; '.join(faults[:3])}. The kept end was not moved. Find "
        "out whether the database was restored, cut or rewritten, and run python -m bot audit verify."
    )
    title = "The audit trail was changed outside Sayso"

    def work(ctx: Context) -> None:
        notices.operations(ctx, f"trail:{fingerprint(faults)}", AlertFacts(title, text))
        ctx.unit.after_commit(world.signals.outbox_filled)

    world.run(work)
