"""Claiming, running once, and saying how it ended: the flows after a person's decision."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from sayso import serializers
from sayso.asking import fetch
from sayso.effects import Core, Flow, Run
from sayso.errors import SaysoError, refusal
from sayso.exchange import exchange
from sayso.journal import Entry
from sayso.models import Approval, Grant

log = logging.getLogger("sayso")
DETAIL_CHARACTERS = 2000


def claim(core: Core, approval: Approval) -> Flow[Grant]:
    """The single-use grant. The nonce is on disk first, so a process born after kill -9 claims the same one (docs/rules.md: B2)."""
    entry: Entry = yield Run(
        partial(core.journal.with_nonce, core.url, approval.id, approval.action, datetime.now(UTC))
    )
    reply = yield from exchange(core, serializers.claim_request(approval.id, str(entry.nonce)))
    return serializers.read_grant(reply, approval)


def begin(core: Core, approval: Approval, again: bool) -> Flow[Grant]:
    """Claim, then mark as started: from here on a crash leaves a question, never a second run (docs/rules.md: I8).

    Raises NotApproved's kind, StillPending, AlreadyExecuted or MayHaveRun, and the claim's own ProblemErrors.
    """
    yield Run(partial(core.journal.check_startable, core.url, approval.id, again=again))
    refused = refusal(approval)
    if refused is not None:
        raise refused
    grant = yield from claim(core, approval)
    yield Run(partial(core.journal.start, core.url, approval.id, grant.idempotency_key, again=again))
    return grant


def claim_current(core: Core, approval: Approval | str) -> Flow[Grant]:
    """`claim` for an approval or its id."""
    return (yield from claim(core, (yield from _current(core, approval))))


def begin_current(core: Core, approval: Approval | str, again: bool) -> Flow[Grant]:
    """`begin` for an approval or its id."""
    return (yield from begin(core, (yield from _current(core, approval)), again))


def result(core: Core, approval_id: str, outcome: Literal["succeeded", "failed"], detail: str) -> Flow[Approval]:
    """Report how it ended; kept on disk first, so that it is never forgotten. Raises NotClaimed."""
    entry: Entry = yield Run(partial(core.journal.conclude, core.url, approval_id, outcome, detail[:DETAIL_CHARACTERS]))
    approval = yield from tell(core, entry)
    yield Run(partial(core.journal.retire, core.url, approval_id))
    return approval


def tell(core: Core, entry: Entry) -> Flow[Approval]:
    """Send the result that the journal holds."""
    approval_id = str(entry.approval_id)
    request = serializers.result_request(approval_id, str(entry.nonce), str(entry.outcome), entry.detail)
    approval = serializers.maybe_approval((yield from exchange(core, request)))
    return approval if approval is not None else (yield from fetch(core, approval_id))


def finish(core: Core, grant: Grant, error: BaseException | None) -> Flow[None]:
    """Report the end of a run, if its end is known.

    What happened outranks the report: when the server cannot be told, this warns and `resume()` tells it later.
    An interrupt (KeyboardInterrupt, cancellation, exit) may have struck anywhere: it stays `started`, unreported.
    """
    if error is not None and not isinstance(error, Exception):
        return
    outcome: Literal["succeeded", "failed"] = "succeeded" if error is None else "failed"
    lines = [grant.detail, f"{type(error).__name__}: {error}" if error is not None else ""]
    try:
        approval = yield from result(core, grant.approval.id, outcome, "\n".join(line for line in lines if line))
    except SaysoError as problem:
        log.warning("%s (%s) %s, but was not reported: %s", grant.approval.action, grant.approval.id, outcome, problem)
        return
    grant._mark_reported(approval)


def _current(core: Core, approval: Approval | str) -> Flow[Approval]:
    """Looked up where only the id is known, or where it was still pending when last seen."""
    if isinstance(approval, str):
        return (yield from fetch(core, approval))
    return (yield from fetch(core, approval.id)) if approval.pending else approval
