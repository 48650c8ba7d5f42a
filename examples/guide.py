"""What a visitor of the demo can try, and whether it has happened: read from requests and the audit trail, nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from stage import NAMES, named

from sayso import Approval

Row = Mapping[str, Any]
FINANCE = ["U0ALICE", "U0BOB"]
LEADS = ["U0CAROL", "U0DAN"]
FIRST = ("approve", "edit", "batch", "two", "undo", "standing")
ONE_TAP_SECONDS = 2.0
IN_A_BATCH = 4
USES = 3  # how many requests come while a standing approval is there to let them run
SOON = "The agent is about to ask. A moment."


class Step(NamedTuple):
    """One thing to try, as the page shows it."""

    id: str
    title: str
    text: str
    done: bool
    mark: str | None
    users: list[str]
    more: bool

    def shown(self) -> dict[str, Any]:
        """As the page takes it, with people's names."""
        return self._asdict() | {"text": named(self.text)}


class Seen:
    """What is known of the demo at one moment: its requests, and its audit trail."""

    def __init__(self, approvals: Iterable[Approval], trail: Sequence[Row], now: datetime) -> None:
        self.now = now
        self.approvals = sorted(approvals, key=lambda one: (one.created_at is not None, one.created_at, one.id))
        self._rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self.trail = trail
        for row in trail:
            self._rows[row["event"], row["action"] or ""].append(row)

    def open(self, action: str) -> list[Approval]:
        """Requests for an action that wait for a person, oldest first."""
        return [one for one in self.approvals if one.action == action and one.pending]

    def rows(self, event: str, action: str | None = None) -> list[Row]:
        """Rows of the trail with this event, of this action or of any."""
        if action is not None:
            return self._rows[event, action]
        return [row for row in self.trail if row["event"] == event]

    def by_people(self, event: str, action: str | None = None) -> list[Row]:
        """Those that a person caused."""
        return [row for row in self.rows(event, action) if row["actor"] in NAMES]


# --- the six, in their order, and what there is beside them ------------------------------------------------------


def _approve(seen: Seen) -> Step:
    done = seen.by_people("approved", "process_refund")
    card = _first(_refunds(seen))
    text = f"Tap Approve on the refund of {_usd(card)}. It runs once: see the ledger." if card else SOON
    return _step("approve", "Approve", done, text, card)


def _edit(seen: Seen) -> Step:
    done = seen.by_people("modified")
    card = _first(reversed(_refunds(seen)))
    text = f"Tap Edit on the refund of {_usd(card)}, and pay back less." if card else SOON
    return _step("edit", "Edit", done, text, card)


def _batch(seen: Seen) -> Step:
    waiting = seen.open("archive_complaint")
    text = f"{len(waiting)} small ones share a card: Approve all {len(waiting)}." if len(waiting) > 1 else SOON
    return _step("batch", "Batch", together(seen), text, _first(waiting))


def _two(seen: Seen) -> Step:
    votes = _votes(seen)
    done = [rows[-1] for rows in votes.values() if len({row["actor"] for row in rows}) > 1]
    card = _first(seen.open("pay_compensation"))
    said = [row["actor"] for row in votes.get(card.id, [])] if card else []
    text = f"{_usd(card)} needs two people: you, and then somebody else." if card else SOON
    if said:
        text = f"{said[0]} said yes. One more is needed, from somebody else."
    others = [user for user in FINANCE if user not in said]
    return _step("two", "Two people", done, text, card, others)


def _undo(seen: Seen) -> Step:
    card = _first(_vouchers(seen))
    text = "A voucher went out by policy alone. Tap Undo, and the agent takes it back."
    if card is None:
        text = SOON
    elif card.pending:
        text = "Everything is stopped, so the voucher waits: approve it, then Undo."
    return _step("undo", "Undo", seen.by_people("undone"), text, card)


def _standing(seen: Seen) -> Step:
    ran = {row["approval_id"] for row in seen.rows("result")}
    done = [row for row in seen.rows("standing_used") if row["approval_id"] in ran]
    given, card = seen.by_people("standing_given"), _first(seen.open("refund_shipping"))
    text = "Behind ⋯: Approve & let run… The next ones then run by themselves." if card else SOON
    mark = card.id if card else None
    if given and standing_holds(seen):
        text, mark = f"{given[-1]['actor']} let it run. The next one comes in a moment.", given[-1]["approval_id"]
    return _step("standing", "Standing", given[-1:] if done else [], text, mark)


def _ask(seen: Seen) -> Step:
    card = _first([*reversed(_refunds(seen)), *seen.open("pay_compensation")])
    text = "Behind ⋯: how much was paid? What if it goes wrong? It answers on the card." if card else SOON
    asked = seen.by_people("info_requested")
    done = asked if seen.rows("info_answered") else []
    return _step("ask", "Ask the agent", done, text, card, more=True)


def _choose(seen: Seen) -> Step:
    card = _first(seen.open("settle_complaint"))
    text = "The agent leaves the choice to you: repair or exchange." if card else _later(seen)
    return _step("choose", "Choose", seen.by_people("chosen"), text, card, more=True)


def _answer(seen: Seen) -> Step:
    card = _first(seen.open("draft_reply"))
    text = "The agent has an open question: your answer is what it drafts." if card else _later(seen)
    return _step("answer", "Answer", seen.by_people("answered"), text, card, more=True)


def _leave(seen: Seen) -> Step:
    moved = [row for row in seen.rows("escalated", "process_urgent_refund") if row["actor"] not in NAMES]
    card = _first(seen.open("process_urgent_refund"))
    text = "Touch nothing: when its 2 minutes are over, the urgent refund is somebody else's." if card else _later(seen)
    return _step("leave", "Leave it lying", moved, text, card, more=True)


def _branch(seen: Seen) -> Step:
    card = _first(seen.open("delete_branch"))
    text = "As an engineer: approve, and a branch of a real git repository is gone." if card else "No branch is left."
    return _step("branch", "A git branch", seen.by_people("approved", "delete_branch"), text, card, LEADS, more=True)


_STEPS: tuple[Callable[[Seen], Step], ...] = (
    _approve, _edit, _batch, _two, _undo, _standing, _ask, _choose, _answer, _leave, _branch,
)  # fmt: skip


def steps(seen: Seen) -> list[Step]:
    """The whole checklist as it stands."""
    return [build(seen) for build in _STEPS if build is not _branch or seen.rows("requested", "delete_branch")]


def wanted(seen: Seen) -> list[str]:
    """Which complaints have to come so that everything that is not done can be done now."""
    done = {step.id for step in steps(seen) if step.done}
    found: list[str] = []
    refunds = len({"approve", "edit", "ask"} - done) and (1 if "approve" in done or "edit" in done else 2)
    found += ["refund"] * (refunds - len(_refunds(seen)))
    if "batch" not in done and len(seen.open("archive_complaint")) < 2:
        found += ["archive"] * (IN_A_BATCH - len(seen.open("archive_complaint")))
    if "two" not in done and not seen.open("pay_compensation"):
        found.append("compensation")
    if "undo" not in done and not _vouchers(seen):
        found.append("voucher")
    if _shipping_is_due(seen, "standing" in done):
        found.append("shipping")
    if "approve" in done:  # somebody is there: what has a clock, or needs more time to read, comes only now
        more = {"choose": ("settle", "settle_complaint"), "answer": ("reply", "draft_reply")}
        more["leave"] = ("refund_today", "process_urgent_refund")
        found += [wish for step, (wish, action) in more.items() if step not in done and not seen.open(action)]
    return found


def standing_holds(seen: Seen) -> bool:
    """Whether more standing approvals were given than have ended."""
    return len(seen.rows("standing_given")) > len(seen.rows("standing_ended"))


def together(seen: Seen) -> list[Row]:
    """Requests that one person decided with one tap: their rows follow each other within a moment."""
    rows = seen.by_people("approved", "archive_complaint")
    return [
        after
        for before, after in pairwise(rows)
        if before["actor"] == after["actor"] and _between(before, after) <= ONE_TAP_SECONDS
    ]


# --- parts -------------------------------------------------------------------------------------------------------


def _step(
    name: str, title: str, done: Sequence[Row], text: str, card: Approval | str | None, users: list[str] = FINANCE,
    *, more: bool = False,
) -> Step:  # fmt: skip
    mark = card.id if isinstance(card, Approval) else card
    if done:
        by = done[-1]["actor"]
        text, mark = f"Done{f', by {by}' if by in NAMES else ''}.", done[-1]["approval_id"]
    return Step(name, title, text, bool(done), mark, users, more)


def _refunds(seen: Seen) -> list[Approval]:
    return sorted(seen.open("process_refund"), key=lambda one: float(one.params.get("amount_usd", 0)))


def _vouchers(seen: Seen) -> list[Approval]:
    """Those that can be taken back, or will be once they have run."""
    sent = [one for one in seen.approvals if one.action == "send_voucher" and one.undo is None]
    return [one for one in sent if not one.final or (one.undo_until is not None and one.undo_until > seen.now)]


def _votes(seen: Seen) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in seen.by_people("approved", "pay_compensation"):
        found[row["approval_id"]].append(row)
    return found


def _shipping_is_due(seen: Seen, done: bool) -> bool:
    if seen.open("refund_shipping"):
        return False
    return len(seen.rows("standing_used")) < USES if standing_holds(seen) else not done


def _later(seen: Seen) -> str:
    return SOON if seen.by_people("approved", "process_refund") else "Comes when you have approved the first one."


def _first(approvals: Iterable[Approval]) -> Approval | None:
    return next(iter(approvals), None)


def _usd(approval: Approval) -> str:
    return f"${approval.params['amount_usd']:,.2f}".removesuffix(".00")


def _between(before: Row, after: Row) -> float:
    return (datetime.fromisoformat(after["at"]) - datetime.fromisoformat(before["at"])).total_seconds()
