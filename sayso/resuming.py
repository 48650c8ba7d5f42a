"""What an earlier process left unfinished."""

from __future__ import annotations

import logging
from functools import partial

from sayso.asking import checkpoint_of, fetch, retire_if_final, submit
from sayso.effects import Core, Flow, Run
from sayso.errors import Conflict, Gone, NotFound
from sayso.executing import tell
from sayso.journal import Entry
from sayso.models import Approval, Pending, execution_key

log = logging.getLogger("sayso")


def unfinished(core: Core) -> Flow[tuple[Entry, ...]]:
    """The journal's open entries for this server, oldest first."""
    entries: tuple[Entry, ...] = yield Run(partial(core.journal.unfinished, core.url))
    return entries


def revive(core: Core, entry: Entry) -> Flow[Pending | None]:
    """An entry with its approval and checkpoint fetched; None when only its result was left to report."""
    if entry.outcome is not None:
        yield from _tell_late(core, entry)
        return None
    approval = yield from _approval(core, entry)
    checkpoint = (yield from checkpoint_of(core, approval.id)) if entry.has_checkpoint else None
    return Pending(
        approval=approval,
        checkpoint=checkpoint,
        session_id=entry.session_id,
        asked_at=entry.asked_at,
        claimed=entry.nonce is not None,
        started=entry.started,
        idempotency_key=entry.execution_key or execution_key(approval),
    )


def settle(core: Core, record: Pending) -> Flow[None]:
    """The caller has seen this record: what can never change again need not be shown twice."""
    yield from retire_if_final(core, record.approval)


def _approval(core: Core, entry: Entry) -> Flow[Approval]:
    if entry.approval_id is not None:
        return (yield from fetch(core, entry.approval_id))
    return (yield from submit(core, entry, entry.body or {}))


def _tell_late(core: Core, entry: Entry) -> Flow[None]:
    try:
        yield from tell(core, entry)
    except (Conflict, Gone, NotFound) as problem:
        log.warning("%s (%s) %s, but came too late: %s", entry.action, entry.approval_id, entry.outcome, problem)
    yield Run(partial(core.journal.retire, core.url, str(entry.approval_id)))
