"""The demo's checklist: what it says is so, what it needs comes, and a visitor plays all of it in the browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from board import Trail, ledger
from guide import FIRST, IN_A_BATCH, Seen, Step, steps, wanted
from orders import Orders
from playwright.sync_api import expect
from support.browser import touched
from test_demo_played import Demo, alive, server_pids

from sayso import Approval, State

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
RAW_ID = re.compile(r"\b[UWSCDB]0[A-Z]{3,}\b")
PATIENCE_MS = 60_000


def request(name: str, action: str, state: State = State.PENDING, amount: float = 180, **more: Any) -> Approval:
    params = {"order_id": 1, "customer": "a@example.com", "amount_usd": amount}
    return Approval(id=name, action=action, params=params, state=state, created_at=NOW, **more)


def row(event: str, action: str, actor: str = "U0ALICE", name: str = "apr_1", seconds: float = 0) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    return {"event": event, "action": action, "actor": actor, "approval_id": name, "at": at}


def step(name: str, approvals: list[Approval], trail: list[dict[str, Any]]) -> Step:
    return next(one for one in steps(Seen(approvals, trail, NOW)) if one.id == name)


STARTED = [
    request("apr_1", "process_refund"),
    request("apr_2", "process_refund", amount=4800),
    *(request(f"apr_a{at}", "archive_complaint") for at in range(4)),
    request("apr_c", "pay_compensation", amount=2400),
    request("apr_v", "send_voucher", State.SUCCEEDED, undo_until=NOW + timedelta(hours=1)),
    request("apr_s", "refund_shipping"),
]


def test_nothing_is_ticked_that_no_person_did() -> None:
    """What policy and agents did ticks nothing, however much of it there is."""
    events = ("approved", "modified", "undone", "standing_given", "chosen", "answered", "info_requested")
    actions = ("process_refund", "archive_complaint", "pay_compensation", "send_voucher", "refund_shipping")
    trail = [row(event, action, by) for event in events for action in actions for by in ("policy", "agent:refunds")]
    assert not [one.id for one in steps(Seen(STARTED, trail, NOW)) if one.done]


@pytest.mark.parametrize(
    ("name", "trail", "done"),
    [
        ("approve", [row("approved", "process_refund")], True),
        ("approve", [row("rejected", "process_refund")], False),
        ("edit", [row("modified", "process_refund", "U0BOB")], True),
        ("batch", [row("approved", "archive_complaint", name="apr_a1")], False),
        ("batch", [row("approved", "archive_complaint", seconds=at / 50) for at in range(4)], True),
        ("batch", [row("approved", "archive_complaint", seconds=at * 9) for at in range(4)], False),
        ("batch", [row("approved", "archive_complaint", by) for by in ("U0ALICE", "U0BOB")], False),
        ("two", [row("approved", "pay_compensation", name="apr_c")] * 2, False),
        ("two", [row("approved", "pay_compensation", by, "apr_c") for by in ("U0ALICE", "U0BOB")], True),
        ("undo", [row("undone", "send_voucher", "U0BOB")], True),
        ("standing", [row("standing_given", "refund_shipping")], False),
        ("standing", [row("standing_given", "refund_shipping"), row("standing_used", "", "policy", "apr_n")], False),
        (
            "standing",
            [
                row("standing_given", "refund_shipping"),
                row("standing_used", "refund_shipping", "policy", "apr_n"),
                row("result", "refund_shipping", "agent:refunds", "apr_n"),
            ],
            True,
        ),
        ("ask", [row("info_requested", "process_refund")], False),
        ("ask", [row("info_requested", "process_refund"), row("info_answered", "process_refund", "agent:r")], True),
        ("choose", [row("chosen", "settle_complaint")], True),
        ("answer", [row("answered", "draft_reply")], True),
        ("leave", [row("escalated", "process_urgent_refund")], False),
        ("leave", [row("escalated", "process_urgent_refund", "system")], True),
    ],
)
def test_a_tick_is_what_the_trail_witnesses(name: str, trail: list[dict[str, Any]], done: bool) -> None:
    """Each item is ticked by exactly what it names, and by nothing that only looks like it."""
    assert step(name, STARTED, trail).done is done


def test_each_item_leads_to_its_card_and_its_person() -> None:
    """The mark is the request that can be decided now, and after the first yes the other person is meant."""
    found = {one.id: one for one in steps(Seen(STARTED, [], NOW))}
    assert {name: found[name].mark for name in FIRST} == {
        "approve": "apr_1", "edit": "apr_2", "batch": "apr_a0", "two": "apr_c", "undo": "apr_v", "standing": "apr_s",
    }  # fmt: skip
    assert "$180" in found["approve"].text
    assert "$4,800" in found["edit"].text
    voted = step("two", STARTED, [row("approved", "pay_compensation", "U0ALICE", "apr_c")])
    assert (voted.users, voted.shown()["text"]) == (
        ["U0BOB"],
        "Alice said yes. One more is needed, from somebody else.",
    )


def test_what_was_used_up_otherwise_is_asked_again() -> None:
    """With all cards there nothing more comes; a card that was rejected, expired or undone too late comes again."""
    assert wanted(Seen(STARTED, [], NOW)) == []
    again = wanted(Seen([], [], NOW))
    assert sorted(again) == sorted(
        ["refund", "refund", *["archive"] * IN_A_BATCH, "compensation", "voucher", "shipping"]
    )
    late = [request("apr_v", "send_voucher", State.SUCCEEDED, undo_until=NOW - timedelta(seconds=1))]
    assert "voucher" in wanted(Seen(late, [], NOW))
    assert "voucher" not in wanted(Seen([request("apr_v", "send_voucher", State.APPROVED)], [], NOW))


def test_what_has_a_clock_comes_only_when_somebody_is_there() -> None:
    """The urgent refund waits until a person has approved something: its two minutes race nobody."""
    assert "refund_today" not in wanted(Seen(STARTED, [], NOW))
    assert "refund_today" in wanted(Seen(STARTED, [row("approved", "process_refund")], NOW))


def test_a_standing_approval_gets_something_to_let_run() -> None:
    """While one holds, requests like it come, a few; when it has ended and did its part, none."""
    given, used = row("standing_given", "refund_shipping"), row("standing_used", "refund_shipping", "policy", "apr_n")
    ran = row("result", "refund_shipping", "agent:refunds", "apr_n")
    rest = [one for one in STARTED if one.action != "refund_shipping"]
    assert "shipping" in wanted(Seen(rest, [given], NOW))
    assert "shipping" not in wanted(Seen(rest, [given, *[used] * 3, ran], NOW))
    assert "shipping" not in wanted(Seen(rest, [given, used, ran, row("standing_ended", "refund_shipping")], NOW))


def test_complaints_never_run_out(tmp_path: Path) -> None:
    """One that is called comes from the drawer, and when that is empty like an earlier one, with an order of its own."""
    orders = Orders(tmp_path / "orders.db")
    for _ in range(9):
        orders.call("shipping")
    found = [case for case in orders.new_cases(99) if case.wish == "shipping"]
    assert len(found) == len({case.order_id for case in found}) == 10
    assert {case.customer for case in found} == {"zoe@example.com"}


# --- in the browser ----------------------------------------------------------------------------------------------


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    played = Demo(tmp_path / "live", "--port", "0", "--bot-port", "0")
    played.url = played.expect(r"(http://127\.0\.0\.1:\d+)\n")  # type: ignore[attr-defined]
    yield played
    played.process.terminate()
    played.ended()
    assert not RAW_ID.findall(played.said)
    assert not [pid for pid in server_pids(tmp_path / "live").values() if alive(pid)]


class Visitor:
    """Somebody in front of the page, who only knows what stands on it."""

    def __init__(self, browser: Any, demo: Demo, **viewport: int) -> None:
        self.page = browser.new_context(viewport=viewport).new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.goto(demo.url)  # type: ignore[attr-defined]

    def item(self, name: str) -> Any:
        return self.page.get_by_test_id(f"guide-{name}")

    def go(self, name: str, words: str) -> Any:
        """Click the item; the card with these words that it leads to, on the screen."""
        self.item(name).click()
        card = self.page.get_by_test_id("message").filter(has_text=words).last
        expect(card).to_be_in_viewport(ratio=0.95, timeout=PATIENCE_MS)
        return card

    def yes(self) -> None:
        self.page.get_by_test_id("confirm-ok").click()

    def send(self, fill: Callable[[Any], None] = lambda form: None) -> None:
        form = self.page.get_by_test_id("modal")
        form.wait_for()
        fill(form)
        self.page.get_by_test_id("modal-submit").click()
        form.wait_for(state="detached")

    def ticked(self, name: str) -> None:
        self.page.locator(f'[data-testid="guide-{name}"][data-done="true"]').wait_for(state="attached")

    def ran(self, words: str) -> None:
        self.page.get_by_test_id("ledger-row").filter(has_text=words).first.wait_for()

    def you_are(self) -> str:
        return str(self.page.get_by_test_id("person-switcher").inner_text()).splitlines()[-1]

    def left(self) -> None:
        assert self.problems == []
        assert not RAW_ID.findall(self.page.locator("body").inner_text())
        self.page.context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_a_visitor_plays_all_six_by_hand(browser: Any, demo: Demo) -> None:
    """The page opens at the first card; each item leads to its card, ticks itself when it happened, and the ledger shows it once."""
    one = Visitor(browser, demo, width=1280, height=800)
    one.item("approve").wait_for()
    card = one.page.get_by_test_id("message").filter(has_text="Refund $180").last
    card.get_by_test_id("action-approve").wait_for()
    assert card.get_by_test_id("action-approve").evaluate("node => node.getBoundingClientRect().bottom < innerHeight")
    assert one.page.get_by_test_id("guide-count").inner_text() == "0 of 6"
    touched(card, "approve")
    one.yes()
    one.ticked("approve")
    one.ran("$180.00 refunded · order 1042")
    touched(one.go("edit", "Refund $4,800"), "edit")
    one.send(lambda form: form.get_by_label("amount_usd").fill("2400"))
    one.ticked("edit")
    one.ran("$2,400.00 refunded")
    touched(one.go("batch", "4 requests"), "batch_approve")
    one.ticked("batch")
    one.ran("archived · order 1064")
    touched(one.go("two", "$2,400 of compensation"), "approve")
    one.yes()
    one.item("two").get_by_text("Go there as Bob Brandt").wait_for()
    assert one.item("two").get_attribute("data-done") == "false"
    touched(one.go("two", "1 of 2 approvals"), "approve")
    assert one.you_are() == "Bob Brandt"
    one.yes()
    one.ticked("two")
    one.ran("paid in compensation")
    touched(one.go("undo", "Send a voucher"), "undo")
    one.send()
    one.ticked("undo")
    one.ran("taken back")
    touched(one.go("standing", "of shipping to zoe"), "approve_standing")
    one.send()
    one.ticked("standing")
    one.ran("order 1074")
    assert one.page.get_by_test_id("guide-count").inner_text() == "6 of 6"
    one.go("choose", "Settle the complaint").get_by_test_id("action-choose:exchange").click()
    one.ticked("choose")
    touched(one.go("answer", "Draft a reply"), "answer")
    one.send(lambda form: form.locator("textarea").first.fill("Not today; take the train."))
    one.ticked("answer")
    one.ran("take the train.")
    touched(one.go("ask", "Refund $129"), "request_info")
    one.send(lambda form: form.locator("textarea").first.fill("What if it goes wrong?"))
    one.ticked("ask")
    one.page.get_by_test_id("message").filter(has_text="Money that is paid out does not come back").first.wait_for()
    notes = one.page.get_by_test_id("ledger-row").all_inner_texts()
    assert all("ran once" in note or "taken back" in note for note in notes), notes
    one.left()


FREE = "node => { const at = node.getBoundingClientRect(); const x = at.x + at.width / 2, y = at.y + at.height / 2;" \
    " return node.contains(document.elementFromPoint(x, y)); }"  # fmt: skip


def free(button: Any, patience: float = 10.0) -> None:
    """Fail where something covers a button when the page has come to rest: it scrolls to its end as cards come."""
    end = time.monotonic() + patience
    while not button.evaluate(FREE):
        assert time.monotonic() < end, f"{button.inner_text()} is covered"
        button.page.wait_for_timeout(100)


def height(part: Any) -> float:
    """How tall it is on the page; asked again where it was just drawn anew."""
    while (box := part.bounding_box()) is None:
        part.page.wait_for_timeout(50)
    return float(box["height"])


@pytest.mark.browser
@pytest.mark.slow
def test_on_a_phone_the_guide_is_one_line_beside_the_cards(browser: Any, demo: Demo) -> None:
    """At 390 px the guide covers no button, opens on a touch, and leads through the first two items."""
    one = Visitor(browser, demo, width=390, height=690)
    line = one.page.get_by_test_id("guide-line")
    line.get_by_text("Tap Approve on the refund of $180").wait_for()
    assert height(line) <= 48
    card = one.page.get_by_test_id("message").filter(has_text="Refund $180").last
    approve = card.get_by_test_id("action-approve")
    approve.wait_for()
    for button in card.get_by_role("button").all():
        if button.is_visible():
            free(button)
    assert one.item("approve").is_hidden()
    approve.click()
    one.yes()
    one.ticked("approve")
    line.get_by_text("1 of 6").wait_for()
    line.click()
    one.item("edit").wait_for()
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.ran("$180.00 refunded")
    card = one.go("edit", "Refund $4,800")
    assert one.item("edit").is_hidden()
    free(card.get_by_test_id("action-edit"))
    touched(card, "edit")
    one.send(lambda form: form.get_by_label("amount_usd").fill("2400"))
    one.ticked("edit")
    line.get_by_text("2 of 6").wait_for()
    one.left()


@pytest.mark.browser
@pytest.mark.slow
def test_a_card_that_was_rejected_comes_again(browser: Any, demo: Demo, tmp_path: Path) -> None:
    """Whoever rejects what the guide needs finds another one a moment later, and the item still open."""
    one = Visitor(browser, demo, width=1280, height=800)
    first = one.go("two", "$2,400 of compensation")
    touched(first, "reject")
    one.send(lambda form: form.locator("textarea").first.fill("Offer a voucher instead"))
    one.page.get_by_test_id("message").filter(has_text="Rejected").last.wait_for()
    again = (
        one.page.get_by_test_id("message")
        .filter(has_text="of compensation")
        .filter(has=one.page.get_by_test_id("action-approve"))
    )
    again.first.wait_for()
    assert one.item("two").get_attribute("data-done") == "false"
    trail = Trail(tmp_path / "live" / "sayso.db")
    asked = [
        line["approval_id"]
        for line in trail.rows()
        if (line["event"], line["action"]) == ("requested", "pay_compensation")
    ]
    trail.close()
    assert len(asked) == 2
    one.left()


def test_the_ledger_says_how_often_it_ran(tmp_path: Path) -> None:
    """A row that stands there twice for one approval would say so."""
    orders = Orders(tmp_path / "orders.db")
    assert ledger(orders.ledger()) == {"title": "The agents' ledger (0)", "rows": []}
