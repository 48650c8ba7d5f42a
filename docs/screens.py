"""Makes the pictures in docs/images: `make screens`. The real server, the playground as Slack, headless Chromium.

`make screens ONLY=card-,home` makes those whose names begin so.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from playwright.sync_api import Error  # noqa: E402
from sqlalchemy import insert, select  # noqa: E402
from support.browser import chromium, touched  # noqa: E402
from support.office import Office  # noqa: E402

from store import schema  # noqa: E402
from store.engine import Database  # noqa: E402
from store.tables import approvals, decisions, labels  # noqa: E402
from store.unit import Unit  # noqa: E402

Act = Callable[[Any], None]
DESKTOP, PHONE = {"width": 1100, "height": 1500}, {"width": 390, "height": 1800}
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent; }"
# Beside the shipped actions: one that two roles release, one that runs and is told of.
MORE = """
  release_payment:
    title: Release a payment
    describe: "Pay {{ params.amount_usd | usd }} to {{ params.supplier }}"
    severity: high
    reversible: false
    required_role: finance
    approvers: {finance: 1, finance_lead: 1}
    amount: params.amount_usd
    confirm_amount_above_usd: 50000
    channel: "#finance"
  rotate_key:
    title: Rotate a key
    describe: "Rotate the key of {{ params.service }}"
    severity: high
    reversible: true
    approval_required: false
    undo_window_seconds: 3600
    required_role: engineering
    channel: "#engineering"
  write_letter:
    title: Write a letter
    describe: "Write to {{ params.to }}: {{ params.subject }}"
    severity: medium
    reversible: false
    required_role: finance
    channel: "#finance"
    params_schema:
      type: object
      required: [to, subject, body]
      properties:
        to: {type: array, title: Recipients, items: {type: string, format: email}, minItems: 1}
        subject: {type: string, title: Subject, maxLength: 80}
        body: {type: string, title: Text, description: What the customer reads}
        send_on: {type: string, format: date, title: Day of sending}
        fee: {type: number, title: Fee, minimum: 0, multipleOf: 0.01, description: In euros}
        region: {title: Office, oneOf: [{const: eu, title: Dublin}, {const: us, title: Austin}, {type: "null"}]}
  retire_branch:
    title: Delete a stale git branch
    describe: "Delete a stale branch of {{ params.repository }}"
    severity: medium
    reversibility: partially_reversible
    kinds: [confirm, choose, input]
    required_role: engineering
    channel: "#engineering"
  archive_ticket:
    title: Archive tickets
    describe: "Archive ticket {{ params.ticket }}"
    severity: low
    reversible: true
    approval_required: true
    batch: true
    required_role: finance
    channel: "#finance"
  refund_shipping:
    title: Refund shipping
    describe: "Refund {{ params.amount_usd | usd }} of shipping to {{ params.customer }}"
    severity: medium
    reversible: true
    required_role: finance
    amount: params.amount_usd
    standing: {max_seconds: 7200, max_uses: 20, max_total_usd: 200, same: [params.customer], scope: session}
    channel: "#finance"
  ship_order:
    title: Ship an order
    describe: "Ship order {{ params.order }}"
    severity: medium
    reversible: true
    approval_required: true
    required_role: finance
    channel: "#finance"
    params_schema:
      type: object
      required: [order, items]
      properties:
        order: {type: string, title: Order}
        items: {type: array, title: Items, items: {type: object, required: [sku, count]}}
  call_customer:
    title: Call a customer back
    describe: "Call {{ params.customer }} back"
    severity: low
    reversible: true
    approval_required: false
    sample_review: 1.0
    required_role: finance
    channel: "#finance"
"""
EARLY = "  U0DAN: {digest: true}\n"  # who gets the morning's list
REFUND = "process_refund"
TRIES = 5
MARK = {"kind": "choose", "question": "Which of the two is the stale one?"}
CHOICES = [
    {"id": "returns", "label": "fix/returns", "detail": "merged in March"},
    {"id": "returns-2", "label": "fix/returns-2", "detail": "no commit since May"},
]


def _size(end: str) -> Any:
    return PHONE if end else DESKTOP


def _pictured(part: Any, path: Path) -> None:
    """A picture of a part of the page, tried again where it is drawn anew meanwhile."""
    for _ in range(TRIES):
        part.wait_for()
        with suppress(Error):
            part.screenshot(path=path)
            return
    raise AssertionError(f"{path.name} does not stand still")


class Studio:
    """An office with two screens in front of it."""

    def __init__(self, office: Office, browser: Any) -> None:
        self.office, self.only = office, sys.argv[1] if len(sys.argv) > 1 else ""
        sizes = (("", DESKTOP), ("-phone", PHONE))
        self.screens = [(end, browser.new_page(viewport=size, device_scale_factor=1)) for end, size in sizes]

    def card(self, name: str, card: Any, user: str = "U0ALICE") -> None:
        """One message as it is now."""

        def shoot(page: Any, path: Path) -> None:
            message = page.locator(f'[data-testid="message"][data-ts="{card.ts}"]').first
            message.wait_for()
            page.wait_for_timeout(400)  # what has just changed is drawn anew
            _pictured(message, path)

        self._shoot(name, card.permalink, user, shoot)

    def modal(self, name: str, card: Any, action: str, user: str = "U0ALICE", act: Act | None = None) -> None:
        """What a button of the card opens, once `act` has done something in it."""

        def shoot(page: Any, path: Path) -> None:
            touched(page.locator(f'[data-testid="message"][data-ts="{card.ts}"]').first, action)
            page.get_by_test_id("modal").wait_for()
            if act is not None:
                act(page)
            page.wait_for_timeout(300)
            _pictured(page.get_by_test_id("modal"), path)
            self.office.slack.person(user).close(everything=True)

        tall = action in ("approve", "details")
        for end, page in self.screens:
            page.set_viewport_size(_size(end) if tall else _size(end) | {"height": 820})
        self._shoot(name, card.permalink, user, shoot)
        for end, page in self.screens:
            page.set_viewport_size(_size(end))

    def answer(self, name: str, words: str, user: str = "U0ADMIN") -> None:
        """What `/sayso` answers."""

        def shoot(page: Any, path: Path) -> None:
            page.get_by_test_id("composer").fill(f"/sayso {words}")
            page.keyboard.press("Enter")
            page.wait_for_timeout(800)
            told = page.locator('[data-ephemeral="true"]').last
            _pictured(told, path)

        self._shoot(name, f"{self.office.slack.url}/archives/C0GENERAL/p0", user, shoot)

    def home(self, name: str, user: str = "U0ALICE") -> None:
        """The home tab."""

        def shoot(page: Any, path: Path) -> None:
            if page.get_by_test_id("open-sidebar").is_visible():
                page.get_by_test_id("open-sidebar").click()
            page.get_by_test_id("app-home").click()
            page.get_by_test_id("home").get_by_text("Waiting for you").wait_for()
            page.wait_for_timeout(300)
            _pictured(page.get_by_test_id("home"), path)

        self._shoot(name, f"{self.office.slack.url}/archives/C0GENERAL/p0", user, shoot)

    def _shoot(self, name: str, link: str, user: str, shoot: Callable[[Any, Path], None]) -> None:
        if not name.startswith(tuple(self.only.split(","))):
            return
        for end, page in self.screens:
            # Minutes left are counted by the reader's clock: it goes with that of the office.
            page.clock.set_system_time(time.time() + self.office.database.shift_seconds)
            page.goto(f"{link}?as={user}")
            page.add_style_tag(content=STILL)
            page.get_by_test_id("composer").wait_for()
            shoot(page, IMAGES / f"{name}{end}.png")

    def thread(self, name: str, card: Any, user: str = "U0ALICE") -> None:
        """The thread in which a message stands."""

        def shoot(page: Any, path: Path) -> None:
            page.locator(f'[data-testid="message"][data-ts="{card.ts}"]').first.wait_for()
            page.wait_for_timeout(400)
            shown = page.locator("#side [data-testid=message]")
            first, last = shown.first.bounding_box(), shown.last.bounding_box()
            height = last["y"] + last["height"] - first["y"]
            page.screenshot(path=path, clip={**first, "height": height})

        self._shoot(name, card.permalink, user, shoot)

    def said(self, *words: str) -> Any:
        """The message that says these words."""
        slack = self.office.slack

        def found() -> Any:
            everything = [one for room in ("#finance", "#engineering", "#ops") for one in slack.messages(room)]
            return next((one for one in everything if all(part in one.text() for part in words)), None)

        return slack.expect(found, 30, " and ".join(words))

    # --- what happens on them ------------------------------------------------------------------------------------

    def posted(self, made: Any, **wanted: Any) -> Any:
        """The card of an approval."""
        return self.office.slack.expect_card(approval_id=made["id"], timeout=30, **wanted)

    def shown(self, card: Any, contains: str) -> Any:
        """The card once it says so."""
        slack = self.office.slack
        return slack.expect(lambda: contains in slack.refresh(card).text() and slack.refresh(card), 30, contains)

    def press(self, user: str, card: Any, action: str) -> None:
        """A tap."""
        self.office.slack.person(user).click(card, action)

    def fill(self, user: str, card: Any, action: str, **values: str) -> None:
        """A form, filled in and sent."""
        person = self.office.slack.person(user)
        form = person.click(card, action).modal
        for name, value in values.items():
            form.fill(name.replace("__", ":"), value)
        assert person.submit(form).ok


@contextmanager
def opened() -> Iterator[Office]:
    """The office in which the scenes play."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/sayso.db"
        schema.upgrade(Database(url))
        office = Office(url, Path(folder))
        office.manifest = Path(folder) / "actions.yml"
        office.manifest.write_text((ROOT / "policies/actions.yml").read_text() + MORE)
        office.roster = Path(folder) / "reviewers.yml"
        people = (ROOT / "policies/reviewers.yml").read_text().replace("people:\n", f"people:\n{EARLY}")
        office.roster.write_text(people)
        office.open()
        try:
            yield office
        finally:
            office.close()


def main() -> None:
    """Play the scenes."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    if "demo".startswith(tuple(only.split(","))):
        with chromium() as browser:
            demo(browser)
    if only == "demo":
        return
    with opened() as office, chromium() as browser:
        studio = Studio(office, browser)
        for scene in SCENES:
            scene(studio)


def refund(studio: Studio, amount: float, customer: str, *, session_id: str = "", **more: Any) -> Any:
    """A refund as an agent would ask for it; in a session of its own, since those of one session share a thread."""
    return studio.office.agent.ask(
        REFUND,
        {"customer": customer, "amount_usd": amount, "order_id": "#W4435622"},
        reason="The parcel arrived crushed; the customer sent a photo and wants the money back.",
        evidence={"retrieval_hits": 3, "tool_errored": False, "self_consistency": 0.9},
        confidence=0.82,
        risks=["The same customer was refunded twice this year."],
        expected_outcome="The money is on the card within three days.",
        completed_steps=["Read the order", "Compared the photo with the packing list"],
        session_id=session_id or f"support-{amount:g}",
        **more,
    )


def pending(studio: Studio) -> None:
    """An ordinary card, and the forms it opens."""
    studio.office.agent.beat("support-118", "Support, case 118")
    card = studio.posted(refund(studio, 4800, "max@example.com", session_id="support-118"))
    studio.card("card-pending", card)
    for action in ("reject", "edit", "details", "request_info", "take_over", "escalate"):
        studio.modal(f"modal-{action}", card, action)


def forms(studio: Studio) -> None:
    """Forms that are not on an ordinary card."""
    large = studio.office.agent.ask("release_payment", {"supplier": "Mill & Sons", "amount_usd": 84000})
    studio.modal("modal-approve", studio.posted(large), "approve")
    letter = {
        "to": ["anna@example.com", "jörg@example.com"],
        "subject": "Grüße aus Köln",
        "body": "Dear Anna,\n\nthe parcel has arrived.\n",
        "send_on": "2027-01-04",
        "fee": 19.99,
        "region": "eu",
    }
    studio.modal("modal-edit-letter", studio.posted(studio.office.agent.ask("write_letter", letter)), "edit")
    taken = studio.posted(refund(studio, 620, "tom@example.com"))
    studio.fill("U0ALICE", taken, "take_over", note="I know this customer")
    taken = studio.shown(taken, "Taken over")
    studio.card("card-taken-over", taken)
    studio.modal("modal-hand_back", taken, "hand_back")
    studio.fill(
        "U0ALICE", taken, "hand_back", steps="Called the customer\nPaid by cheque", state="Paid; the order is closed"
    )
    studio.card("card-handed-back", studio.shown(taken, "Handed back"))
    lost = studio.posted(refund(studio, 610, "eva@example.com"))

    def too_late(page: Any) -> None:
        studio.fill("U0BOB", studio.office.slack.refresh(lost), "reject", reason="Paid in May already")
        page.get_by_test_id("modal-submit").click()
        page.get_by_text("Already rejected").wait_for()

    if "modal-too-late".startswith(tuple(studio.only.split(","))):
        studio.screens, both = studio.screens[:1], studio.screens
        studio.modal("modal-too-late", lost, "take_over", act=too_late)
        studio.screens = both


def decided(studio: Studio) -> None:
    """Cards that are dead, each with its outcome."""
    agent = studio.office.agent
    made = refund(studio, 480, "ann@example.com")
    card = studio.posted(made)
    studio.press("U0BOB", card, "approve")
    studio.card("card-approved", studio.shown(card, "Approved"))
    agent.claim(made)
    agent.result(made, detail="Ledger row 1042 written")
    studio.card("card-done", studio.shown(card, "Done"))
    card = studio.posted(refund(studio, 470, "ben@example.com"))
    studio.fill("U0BOB", card, "edit", param__amount_usd="235", note="Half: the charger was fine")
    studio.card("card-edited", studio.shown(card, "Approved with changes"))
    card = studio.posted(refund(studio, 460, "cat@example.com"))
    studio.fill("U0ALICE", card, "reject", reason="The photo shows another parcel")
    studio.card("card-rejected", studio.shown(card, "Rejected"))
    made = refund(studio, 450, "dot@example.com")
    card = studio.posted(made)
    agent.cancel(made)
    studio.card("card-cancelled", studio.shown(card, "Cancelled"))


def asked_otherwise(studio: Studio) -> None:
    """Cards that ask for something else than a yes, or of more than one person."""
    agent = studio.office.agent
    branch = {"repository": "shop"}
    made = agent.ask(
        "retire_branch", branch, choices=CHOICES, reason="Both look abandoned, and only one should go.", **MARK
    )
    studio.card("card-choose", studio.posted(made))
    made = agent.ask("retire_branch", branch, kind="input", question="What shall I tell its author?")
    card = studio.posted(made)
    studio.card("card-input", card)
    studio.modal("modal-answer", card, "answer", "U0DAN")
    card = studio.posted(refund(studio, 440, "fay@example.com"))
    studio.fill("U0ALICE", card, "request_info", question="Which parcel was it, the first or the second?")
    studio.card("card-info-awaited", studio.shown(card, "Waiting for the agent"))
    made = agent.ask(
        "release_payment", {"supplier": "Mill & Sons", "amount_usd": 9400}, reason="The invoice is due on Friday."
    )
    card = studio.posted(made)
    studio.press("U0BOB", card, "approve")
    studio.card("card-quorum", studio.shown(card, "1 of 2 approvals"))
    made = refund(studio, 430, "gus@example.com")
    card = studio.posted(made)
    studio.fill("U0ALICE", card, "escalate", reason="Too unusual for me")
    studio.card("card-moved", studio.shown(card, "Moved to"))
    studio.card("card-passed-on", _next_card(studio, made, card), "U0DAN")


def together(studio: Studio) -> None:
    """Look-alike requests on one card, some of them rejected."""
    agent = studio.office.agent
    asked = [
        agent.ask("archive_ticket", {"ticket": f"#{1180 + number}", "closed_days": 90 + number}) for number in range(4)
    ]
    card = studio.posted(asked[0], has="batch_approve")
    studio.card("card-batch", card)
    studio.modal("modal-batch_reject", card, "batch_reject")
    studio.office.slack.person("U0ALICE").check(card, "batch_select", [made["id"] for made in asked[:1]])
    studio.fill("U0ALICE", card, "batch_reject", reason="The customer wrote again today")
    studio.press("U0ALICE", studio.shown(card, "wrote again"), "batch_approve")
    studio.card("card-batch-decided", studio.shown(card, "All of these are decided"))


def afterwards(studio: Studio) -> None:
    """What is looked at, or taken back, after it ran."""
    slack, agent = studio.office.slack, studio.office.agent
    card = slack.expect_card(channel="#engineering", contains="without asking", timeout=30)
    studio.modal("modal-undo", card, "undo", "U0DAN")
    studio.fill("U0DAN", card, "undo", note="The old key is still in use")
    studio.card("card-undone", studio.shown(card, "Undone by"))
    made = agent.ask("call_customer", {"customer": "max@example.com"})
    agent.claim(made)
    agent.result(made, detail="Called, left a message")
    card = studio.posted(made, has="review_correct")
    studio.card("card-review", card)
    studio.modal("modal-review_incident", card, "review_incident")


def notices(studio: Studio) -> None:
    """Messages that nobody has to decide."""
    slack, agent = studio.office.slack, studio.office.agent
    agent.ask("rotate_key", {"service": "billing"}, reason="It is ninety days old.")
    studio.card("card-notify", slack.expect_card(channel="#engineering", contains="without asking", timeout=30))
    agent.ask("close_account", {"customer": "max@example.com"}, reason="The customer asked for it.")
    studio.card("notice-blocked", slack.expect_card(channel="#ops", contains="Unknown action", timeout=30), "U0ADMIN")
    studio.card("notice-taken-over", slack.expect_card(channel="#ops", contains="Taken over", timeout=30), "U0ADMIN")


def standing(studio: Studio) -> None:
    """One yes for many: the form, the message that counts, and how it looks when it is over."""
    slack, agent = studio.office.slack, studio.office.agent

    def ask(amount: float, number: int) -> Any:
        params = {"customer": "zoe@example.com", "amount_usd": amount, "order": f"#W44356{number}"}
        reason = "The parcel came two weeks late."
        return agent.ask("refund_shipping", params, session_id="support-118", reason=reason)

    card = studio.posted(ask(6.5, 10), has="approve_standing")
    studio.modal("modal-approve_standing", card, "approve_standing")
    studio.fill("U0ALICE", card, "approve_standing")
    for number, amount in enumerate((4, 12.5, 6.5)):
        made = ask(amount, 11 + number)
        agent.claim(made)
        if number < 2:
            agent.result(made)
    told = slack.expect_card(channel="#finance", contains="3 of 20", timeout=30)
    studio.card("standing-count", told)
    studio.home("home-standing", "U0BOB")
    studio.answer("answer-standing", "standing", "U0BOB")
    studio.press("U0BOB", told, "end_standing")
    studio.card("standing-ended", studio.shown(told, "ended"))


def lists(studio: Studio) -> None:
    """The home tab, and what the command answers."""
    studio.home("home")
    for words in ("help", "queue", "reviewers", "stats"):
        studio.answer(f"answer-{words}", words)
    studio.answer("answer-mine", "mine", "U0ALICE")


def remembered(studio: Studio) -> None:
    """What a card knows of requests like it: who said no, how many for this customer, who approved how many."""
    for number in range(3):
        card = studio.posted(refund(studio, 40 + number, "lia@example.com", session_id=f"support-12{number}"))
        studio.press("U0BOB", card, "approve")
    studio.card("card-remembered", studio.posted(refund(studio, 44, "lia@example.com", session_id="support-123")))
    card = studio.posted(refund(studio, 411, "moe@example.com", session_id="support-124"))
    studio.fill("U0ALICE", card, "reject", reason="The photo shows another parcel")
    studio.office.advance(120)
    again = studio.posted(refund(studio, 411, "moe@example.com", session_id="support-125"))
    studio.card("card-rejected-before", again)
    admin = studio.office.slack.person("U0ADMIN")
    admin.command("/sayso", "stop")
    studio.card("card-stopped", studio.shown(again, "stopped"))
    told = studio.office.slack.expect_card(channel="#ops", contains="stopped", timeout=30)
    studio.card("notice-stopped", told, "U0ADMIN")
    admin.command("/sayso", "start")
    over = studio.office.slack.expect_card(channel="#ops", contains="Started again", timeout=30)
    studio.card("notice-started", over, "U0ADMIN")


def morning(studio: Studio) -> None:
    """The list with which somebody's day begins."""
    office = studio.office
    now = office.database.read(lambda unit: unit.now)
    office.advance((now.replace(hour=8, minute=58) + timedelta(days=1) - now).total_seconds())
    for name in ("returns", "returns-2", "old-theme", "spike"):
        params = {"repository": "shop"}
        office.agent.ask("retire_branch", params, kind="input", question=f"Who still works on fix/{name}?")
    office.advance(240)
    studio.card("notice-morning", office.slack.expect_card("U0DAN", contains="Good morning", timeout=30), "U0DAN")


def learned(studio: Studio) -> None:
    """What the record suggests, where there is one. Last, since it fills the database."""
    fortnight(studio)
    studio.answer("answer-tune", "tune")


BRANCH = {"repository": "shop", "branch": "old-cart"}


def fortnight(studio: Studio) -> None:
    """A fortnight that suggests something: branches that may always go, a key that was not, and refunds that one person stamps."""
    office = studio.office
    keys, branches = office.agent.ask("rotate_key", {"service": "crm"}), office.agent.ask("delete_branch", BRANCH)
    office.database.run(lambda unit: _record(unit, keys["id"], "key", 40, verb=None, seconds=0))
    office.database.run(lambda unit: _record(unit, branches["id"], "branch", 180, verb="approve", seconds=240))
    refunds = refund(studio, 70, "ann@example.com")
    office.database.run(lambda unit: _record(unit, refunds["id"], "ref", 90, verb="approve", seconds=3))


def _record(unit: Unit, template: str, prefix: str, count: int, *, verb: str | None, seconds: int) -> None:
    """So many like the template, carried out, each `seconds` after the one before; the seventh of what ran alone went wrong."""
    row = dict(unit.execute(select(approvals).where(approvals.c.id == template)).one()._mapping)
    now = unit.now - timedelta(hours=1)
    for number in range(count):
        at = now - timedelta(seconds=seconds or 60) * (count - number)
        name = f"apr_{prefix}{number}"
        moments = dict.fromkeys(("created_at", "updated_at", "claimed_at", "finished_at"), at)
        unit.execute(
            insert(approvals),
            row | moments | {"id": name, "idempotency_key": name, "state": "succeeded", "wake_at": None},
        )
        if verb:
            done = {
                "approval_id": name,
                "digest": "d",
                "verb": verb,
                "by": "U0BOB" if seconds < 5 else "U0ALICE",
                "role": "finance",
            }
            unit.execute(insert(decisions), done | {"at": at, "latency_ms": 600_000})
        elif number == 7:
            said = {"approval_id": name, "label": "incident", "by": "U0CAROL", "at": at}
            unit.execute(insert(labels), said)


def in_a_thread(studio: Studio) -> None:
    """A session that asks for more than two things: its third card stands in the thread of its first."""
    studio.office.agent.beat("support-140", "Support, case 140")
    cards = [
        studio.posted(refund(studio, amount, customer, session_id="support-140"))
        for amount, customer in ((320, "kim@example.com"), (330, "lou@example.com"), (340, "max.b@example.com"))
    ]
    studio.thread("thread-session", cards[2])
    admin = studio.office.slack.person("U0ADMIN")
    admin.command("/sayso", "pause support-140")
    studio.card("card-paused", studio.shown(cards[0], "paused"))
    admin.command("/sayso", "resume support-140")


CONTRACT = [{"sku": f"A-{number}", "count": number, "note": "handle with care"} for number in range(120)]


def by_reply(studio: Studio) -> None:
    """A list that no form holds, changed by a reply in the card's thread: shown by line first, and counted once confirmed."""
    office = studio.office
    made = office.agent.ask("ship_order", {"order": "#W4435622", "items": CONTRACT}, reason="The customer wants less.")
    card = studio.posted(made)
    changed = json.dumps([{**CONTRACT[0], "count": 7}, *CONTRACT[1:]], indent=1)
    person = office.slack.person("U0BOB")
    person.post("#finance", f"edit items\n{changed}", thread_ts=card.ts)

    def told() -> Any:
        found = office.slack.messages("#finance", ephemeral=True)
        return next((one for one in found if one.ephemeral_to == "U0BOB" and "Your change to" in one.text()), None)

    change = office.slack.expect(told, 30, "the change is shown")
    studio.card("card-reply-diff", change, "U0BOB")
    names = [item.get("action_id", "") for block in change.blocks for item in block.get("elements", [])]
    studio.modal("modal-confirm-reply", change, next(name for name in names if name.startswith("edit:")), "U0BOB")


def burst(studio: Studio) -> None:
    """Requests that Slack takes too slowly: a card for several, of one severity."""
    office = studio.office
    office.server.stop()
    office.open(post_interval=600)
    asked = [refund(studio, 900 + number, f"shop{number}@example.com") for number in range(16)]
    office.server.stop()
    office.slack.limits.enabled, office.slack.limits.message_rate = True, 10.0
    office.open(post_interval=0.11)
    for made in asked:
        studio.posted(made)
    shared = [card for card in office.slack.cards("#finance") if card.metadata["event_payload"].get("approval_ids")]
    studio.card("card-digest", next(card for card in reversed(shared) if "Decide" in card.fallback))
    office.slack.limits.enabled = False
    office.server.stop()
    office.open()


def told_of(studio: Studio) -> None:
    """What is said beside a card as time passes: reminders, and what nobody knows."""
    office = studio.office
    agent, slack = office.agent, office.slack
    studio.posted(refund(studio, 425, "uma@example.com"))
    lost, undone = refund(studio, 435, "vic@example.com"), agent.ask("rotate_key", {"service": "mail"})
    studio.press("U0BOB", studio.posted(lost), "approve")
    agent.claim(lost)
    agent.claim(undone)
    agent.result(undone)
    note = slack.expect_card(channel="#engineering", contains=["without asking", "mail"], has="undo", timeout=30)
    studio.fill("U0DAN", note, "undo", note="The old key is still in use")
    office.advance(700)
    studio.card("notice-reminder", studio.said("still waits for you", "Refund $425"))
    office.advance(7200)
    studio.card("notice-outcome-unknown", studio.said("never reported a result", "Refund $435"), "U0ADMIN")
    studio.card("notice-not-rolled-back", studio.said("ot rolled back", "Rotate the key of mail"), "U0ADMIN")


def overdue(studio: Studio) -> None:
    """What became of a request that nobody decided. Late, since time passes for all of them."""
    made = refund(studio, 420, "ivy@example.com")
    card = studio.posted(made)
    studio.office.advance(3700)
    studio.card("card-expired", studio.shown(card, "Expired"))


SLA = 901  # seconds until an ordinary request goes to the next reviewer


def passed_on(studio: Studio) -> None:
    """Where a request goes by itself while nobody decides it: a colleague, the next role, and then there is nobody left.

    First, since time passes for all of them; what is left over is withdrawn.
    """
    office, slack = studio.office, studio.office.slack
    slack.directory.leave("S0LEADS", "U0DAN")
    slow = made = refund(studio, 445, "ned@example.com")
    card = studio.posted(made, has="approve")
    for name, mentions in (("card-reassigned", ("U0ALICE", "U0BOB")), ("card-escalated", ("U0CAROL",))):
        office.advance(SLA)
        card = _next_card(studio, made, card)
        studio.card(name, card, next(user for user in mentions if f"<@{user}>" in card.mentions()))
    office.advance(SLA)
    alarm = slack.expect_card(channel="#ops", contains=["Nobody is left to ask", "Refund $445"], timeout=30)
    studio.card("notice-nobody-left", alarm, "U0ADMIN")
    made = office.agent.ask("release_payment", {"supplier": "Hill Paper", "amount_usd": 9600})
    card = studio.posted(made)
    slack.directory.leave("S0LEADS", "U0CAROL")
    studio.card("card-too-few", studio.shown(card, "Cannot be approved"))
    studio.card("notice-too-few", slack.expect_card(channel="#ops", contains="Too few", timeout=30), "U0ADMIN")
    slack.directory.enter("S0LEADS", "U0CAROL", "U0DAN")
    for waiting in (slow, made):
        office.agent.cancel(waiting)


def _next_card(studio: Studio, made: Any, before: Any) -> Any:
    """The card that an approval has now, once it is another than that before."""
    slack = studio.office.slack

    def found() -> Any:
        cards = slack.cards(approval_id=made["id"])
        return next((card for card in cards if card.ts > before.ts and card.has("approve")), None)

    return slack.expect(found, 30, "the next card")


def demo(browser: Any) -> None:
    """The demo as a visitor finds it, once they have approved the first card; on a phone also with its guide open."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "examples/demo.py"), "--directory", f"{folder}/demo", "--port", "0"]
        played = subprocess.Popen([*command, "--bot-port", "0"], stdout=subprocess.PIPE, text=True)
        try:
            url = next(line.strip() for line in played.stdout or () if line.strip().startswith("http://"))
            # What the agents say goes on; nobody reads it, and a full pipe would hold them.
            threading.Thread(target=lambda: [None for _ in played.stdout or ()], daemon=True).start()
            _demo_pages(browser, url)
        finally:
            played.send_signal(signal.SIGINT)
            played.wait()


def _demo_pages(browser: Any, url: str) -> None:
    for end, size in (("", {"width": 1280, "height": 860}), ("-phone", {"width": 390, "height": 690})):
        page = browser.new_context(viewport=size).new_page()
        page.goto(url)
        page.add_style_tag(content=STILL)
        first = page.get_by_test_id("message").filter(has_text="Refund $180")
        if not end:
            touched(first, "approve")
            page.get_by_test_id("confirm-ok").click()
            page.get_by_test_id("ledger-row").filter(has_text="order 1042").wait_for()
            page.get_by_test_id("guide-edit").click()
        page.get_by_test_id("message").filter(has_text="Refund $4,800").get_by_test_id("action-approve").wait_for()
        page.wait_for_timeout(6000)  # what comes after the first yes has come
        page.mouse.move(0, 0)
        page.screenshot(path=IMAGES / f"demo{end}.png")
        if end:
            page.get_by_test_id("guide-line").click()
            page.screenshot(path=IMAGES / f"demo-guide{end}.png")


SCENES = (
    passed_on,
    pending,
    forms,
    decided,
    asked_otherwise,
    together,
    notices,
    afterwards,
    standing,
    lists,
    remembered,
    in_a_thread,
    by_reply,
    burst,
    told_of,
    overdue,
    morning,
    learned,
)

if __name__ == "__main__":
    main()
