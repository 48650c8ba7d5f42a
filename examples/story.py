"""One story without a browser: every claim it makes has been looked up in the databases, in Slack or in git."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import yaml
from board import Trail
from guide import Seen, steps
from orders import Entry, Orders
from repository import MERGED, UNMERGED, Throwaway, git_is_here
from stage import EXAMPLES, Agent, Run, Stage, Trouble, answers, named, port_near

from playground.kit import Card, Playground
from sayso import Approval, Sayso, State

PATIENCE_SECONDS = 20.0
SLA_SECONDS = 2
PHONE_CASE, HEADPHONES, CAMERA, SYSTEM, ACCOUNT, RAIL_PASS, SHOES = range(1041, 1048)
SETTLED = (1061, 1062, 1063, 1064)
KITCHEN, BOARD_GAME, CHAIRS, TABLE, SUNSHADE = range(1071, 1076)
TABLET, FERRY = 1081, 1082
T = TypeVar("T")


class Teller:
    """Prints the story, and stops it at the first claim that does not hold."""

    def __init__(self) -> None:
        self.claims = 0
        self._chapter = 0

    def heading(self, text: str) -> None:
        """Begin a chapter."""
        self._chapter += 1
        print(f"\n{self._chapter}. {text}", flush=True)

    def tell(self, text: str, mark: str = " ") -> None:
        """One line, with people's names."""
        print(f"   {mark} {named(text)}", flush=True)

    def quote(self, text: str, lines: int) -> None:
        """The beginning of what somebody sees."""
        for line in text.splitlines()[:lines]:
            self.tell(f"  | {line}")

    def check(self, holds: object, claim: str) -> None:
        """State what was looked up. Raises Trouble where it does not hold."""
        if not holds:
            raise Trouble(f"does not hold: {named(claim)}")
        self.claims += 1
        self.tell(claim, "✓")

    def until(self, found: Callable[[], T | None], what: str) -> T:
        """Wait until there is something to be found. Raises Trouble after a while."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (result := found()) is None:
            if time.monotonic() > end:
                raise Trouble(f"waited {PATIENCE_SECONDS:.0f} s in vain: {what}")
            time.sleep(0.02)
        return result


class Story:
    """The chapters, in order."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._teller = Teller()
        self._orders = Orders(stage.directory / "orders.db")

    def play(self) -> None:
        """Tell it all. Raises Trouble at the first claim that does not hold."""
        began = time.monotonic()
        port = port_near(0)
        with Playground.start(bot_url=f"http://127.0.0.1:{port}") as slack:
            self._slack = slack
            try:
                self._chapters(port)
            except AssertionError as error:
                raise Trouble(self._written_down(str(error))) from None
            finally:
                self._stage.stop()
        seconds = time.monotonic() - began
        print(f"\nAll {self._teller.claims} claims hold, after {seconds:.0f} s. Files: {self._stage.directory}")

    def _chapters(self, port: int) -> None:
        self._open(port)
        self._ask()
        self._approve_twice()
        self._ask_the_agent()
        self._reject()
        self._overdue()
        self._edit()
        self._batch()
        self._two_people()
        self._undo()
        self._standing()
        self._choose_and_answer()
        if git_is_here():
            self._branches()
        else:
            self._teller.heading("Branches: skipped, because git is not installed.")
        self._trail()

    # --- the chapters --------------------------------------------------------------------------------------------

    def _open(self, port: int) -> None:
        self._teller.heading("A pretended Slack, the server on SQLite, and an orders database.")
        manifest = _hurried(self._stage.directory / "actions.yml")
        self._stage.configure(self._slack.env, port, manifest, EXAMPLES / "reviewers.yml")
        self._refunds = self._stage.agent("refunds", "refund_agent.py", ["--orders", str(self._orders.path)])
        self._stage.start_server()
        ready = answers(f"{self._stage.bot_url}/readyz")
        self._teller.check(ready, f"the server at {self._stage.bot_url} is ready: database and Slack are reachable")
        self._client = Sayso(
            self._stage.bot_url, self._stage.token("refunds"), state_dir=self._stage.directory / "reader"
        )

    def _ask(self) -> None:
        self._teller.heading("The refund agent reads five complaints, asks, and exits.")
        self._asker = self._run(self._refunds, "work", "--limit", "5")
        check = self._teller.check
        small, large, account = (self._about(order) for order in (PHONE_CASE, SYSTEM, ACCOUNT))
        check(_by_policy(small) and self._rows(PHONE_CASE), "$12.00 flowed by policy: one ledger row, nobody was asked")
        check(large.state is State.DENIED and not self._rows(SYSTEM), f"$12,500.00 was denied: {large.why[0]}")
        check(account.state is State.BLOCKED, "close_account is not in the manifest, so it was blocked")
        for order in (HEADPHONES, CAMERA):
            check(self._about(order).pending and not self._rows(order), f"order {order} waits for a person, unpaid")
        saved = self._client.checkpoint_of(self._about(HEADPHONES))
        check(self._asker.status == 0, f"process {self._asker.pid} has ended; nothing of the agent is running")
        check(saved["step_index"] == 3, f"what it had done is in its checkpoint: {', '.join(saved['completed_steps'])}")

    def _approve_twice(self) -> None:
        self._teller.heading("Alice taps Approve, Slack delivers the tap twice, and a new process pays once.")
        approval = self._about(HEADPHONES)
        card = self._card("#finance", approval)
        self._teller.quote(card.text(), 8)
        waiting = self._start(self._refunds, "resume", "--wait", "30")
        self._slack.faults.clicks("double")
        tapped = time.monotonic()
        response = self._slack.person("U0ALICE").click(card, "approve")
        self._teller.check(
            response.status == 200 and response.duplicates, "Slack sent the tap twice, both were answered"
        )
        row = self._paid(HEADPHONES)
        self._teller.tell(f"from the tap to the ledger row: {time.monotonic() - tapped:.2f} s")
        self._ended(waiting)
        self._teller.check(
            row.written_by_pid == waiting.pid, f"process {waiting.pid} wrote it; {self._asker.pid} had asked"
        )
        self._run(self._refunds, "resume")
        self._teller.check(
            len(self._rows(HEADPHONES)) == 1, "one more process found nothing to do: 1 row for order 1042"
        )
        self._slack.person("U0BOB").click_stale(card, "approve")
        told = self._slack.person("U0BOB").expect_ephemeral(contains="lready").text()
        self._teller.check(told, f"Bob taps an old copy of the card, and only he reads: {told}")

    def _ask_the_agent(self) -> None:
        self._teller.heading("Bob asks before he decides, and the agent answers what he asked.")
        card = self._card("#finance", self._about(CAMERA))
        question = "What if it goes wrong, and how much was paid?"
        self._fill("U0BOB", card, "request_info", question=question)
        self._run(self._refunds, "resume", "--wait", "10")
        told = self._slack.expect_update(card, contains="does not come back", timeout=PATIENCE_SECONDS).text()
        self._teller.check("$4,800.00 were paid" in told, f"asked: {question} The card has the risk and the amount")
        self._teller.check("Order 1043 is of" not in told, "and nothing that he did not ask")

    def _reject(self) -> None:
        self._teller.heading("Bob rejects the camera with a reason, and the agent takes it to heart.")
        reason = "Send it to the workshop first, it is under warranty."
        card = self._card("#finance", self._about(CAMERA))
        self._fill("U0BOB", card, "reject", reason=reason)
        self._teller.tell(f"Bob writes: {reason}")
        self._run(self._refunds, "resume", "--wait", "10")
        self._teller.check(reason in self._orders.note(CAMERA), "the agent keeps the reason with its complaint")
        self._teller.check(not self._rows(CAMERA), "order 1043: no ledger row")

    def _overdue(self) -> None:
        self._teller.heading(f"Alice leaves the urgent one lying; after {SLA_SECONDS} s it is somebody else's.")
        self._orders.call("refund_today")
        self._run(self._refunds, "work", "--limit", "1")
        approval = self._about(RAIL_PASS)
        self._teller.check(approval.assignee == "U0ALICE", "Alice was asked; nobody else is on call")
        later = self._teller.until(lambda: self._moved(approval), "the overdue card moves on")
        fallback = str(later.assignee)
        self._teller.check(fallback in ("U0CAROL", "U0DAN"), f"nobody decided in time: it moved to {fallback}, a lead")
        card = self._teller.until(lambda: self._fresh_card(approval), "the fallback reviewer gets a card")
        self._teller.quote(card.text(), 6)
        self._slack.person(fallback).click_stale(card, "approve")
        self._run(self._refunds, "resume", "--wait", "10")
        row = self._paid(RAIL_PASS)
        self._teller.check(row.decided_by == fallback, f"1 ledger row for order {RAIL_PASS}, on the word of {fallback}")

    def _edit(self) -> None:
        self._teller.heading("Alice changes an amount, and the changed one is paid.")
        self._orders.call("refund")
        self._run(self._refunds, "work")
        card = self._card("#finance", self._about(SHOES))
        self._fill("U0ALICE", card, "edit", **{"param:amount_usd": "64.50"}, note="Half: one shoe was fine")
        self._run(self._refunds, "resume", "--wait", "10")
        self._teller.check(self._paid(SHOES).amount_cents == 6450, "$64.50 went out where $129.00 were asked for")

    def _batch(self) -> None:
        self._teller.heading("Four small ones share a card, and one tap decides them.")
        card = self._slack.expect_card(
            "#approvals", contains="4 requests", has="batch_approve", timeout=PATIENCE_SECONDS
        )
        self._teller.quote(card.text(), 3)
        self._slack.person("U0ALICE").click(card, "batch_approve")
        self._run(self._refunds, "resume", "--wait", "10")
        for order in SETTLED:
            self._paid(order)

    def _two_people(self) -> None:
        self._teller.heading("What is large needs two people.")
        approval = self._about(KITCHEN)
        alice, bob = self._slack.person("U0ALICE"), self._slack.person("U0BOB")
        card = self._card("#finance", approval)
        alice.click(card, "approve")
        card = self._slack.expect_update(card, contains="1 of 2", timeout=PATIENCE_SECONDS)
        alice.click_stale(card, "approve")
        self._run(self._refunds, "resume")
        pending = self._client.get(approval).pending and not self._rows(KITCHEN)
        self._teller.check(pending, "Alice said yes, twice: that is one person, and nothing is paid")
        bob.click(card, "approve")
        self._run(self._refunds, "resume", "--wait", "10")
        self._paid(KITCHEN)

    def _undo(self) -> None:
        self._teller.heading("A voucher went out by policy alone; Bob takes it back.")
        self._teller.check(self._paid(BOARD_GAME).decided_by == "policy", "nobody was asked")
        card = self._slack.expect_card(
            "#approvals", approval_id=self._about(BOARD_GAME).id, has="undo", timeout=PATIENCE_SECONDS
        )
        self._fill("U0BOB", card, "undo", note="They had one already")
        self._run(self._refunds, "resume", "--wait", "10")
        self._teller.check(self._rows(BOARD_GAME)[0].taken_back, "the agent has taken the ledger row back")
        self._slack.expect_update(card, contains="Rolled back", timeout=PATIENCE_SECONDS)

    def _standing(self) -> None:
        self._teller.heading("Alice approves one and lets the like of it run.")
        card = self._card("#approvals", self._about(CHAIRS))
        self._fill("U0ALICE", card, "approve_standing")
        for _ in (TABLE, SUNSHADE):
            self._orders.call("shipping")
        self._run(self._refunds, "work")
        for order in (CHAIRS, TABLE, SUNSHADE):
            self._paid(order)
        by = {order: self._rows(order)[0].decided_by for order in (CHAIRS, TABLE, SUNSHADE)}
        self._teller.check(
            by == {CHAIRS: "U0ALICE", TABLE: "policy", SUNSHADE: "policy"}, "the first by Alice, two by it"
        )
        self._slack.expect_card("#approvals", contains="2 of 20", timeout=PATIENCE_SECONDS)
        self._teller.check(True, "one message counts them: 2 of 20")

    def _choose_and_answer(self) -> None:
        self._teller.heading("The agent leaves a choice and an answer to people.")
        for wish in ("settle", "reply"):
            self._orders.call(wish)
        self._run(self._refunds, "work")
        self._slack.person("U0BOB").click(self._card("#approvals", self._about(TABLET)), "choose:exchange")
        self._fill(
            "U0ALICE", self._card("#approvals", self._about(FERRY)), "answer", answer="Not today; take the train."
        )
        self._run(self._refunds, "resume", "--wait", "10")
        self._run(self._refunds, "resume")
        self._paid(TABLET)
        self._paid(FERRY)
        self._teller.check(self._rows(TABLET)[0].what == "settled: exchange", "Bob chose the exchange")
        self._teller.check(self._rows(FERRY)[0].what.endswith("take the train."), "what Alice wrote is the draft")

    def _branches(self) -> None:
        self._teller.heading("The branch agent tidies a git repository: only the commit that was approved goes.")
        shop = Throwaway.create(self._stage.directory / "shop")
        agent = self._stage.agent("branches", "branch_agent.py", ["--repository", str(shop.path)])
        self._run(agent, "work")
        (gone, *_), (moved, file, _), (left, *_) = MERGED
        self._tap_branch("U0CAROL", gone)
        self._tap_branch("U0DAN", moved)
        shop.commit(moved, file, "One more thing")
        self._teller.tell(f"meanwhile somebody commits to {moved}")
        self._run(agent, "resume", "--wait", "10")
        branches = shop.branches()
        self._teller.tell(f"$ git branch: {', '.join(branches)}")
        self._teller.check(gone not in branches, f"{gone} is gone: Carol approved it as it was")
        self._teller.check(moved in branches, f"{moved} stays: it is no longer what Dan approved")
        self._teller.check(left in branches, f"{left} stays: nobody has decided yet")
        self._teller.check(UNMERGED[0] in branches, f"{UNMERGED[0]} stays: it was never merged, so nobody was asked")

    def _trail(self) -> None:
        self._teller.heading("What happened is on record.")
        verified = self._stage.bot("audit", "verify")
        self._teller.check(verified.startswith("intact"), f"python -m bot audit verify: {verified.split(', head')[0]}")
        rows = self._orders.ledger()
        ran = sorted(row.order_id for row in rows)
        expected = [PHONE_CASE, HEADPHONES, RAIL_PASS, SHOES, *SETTLED, KITCHEN, BOARD_GAME, CHAIRS, TABLE, SUNSHADE]
        self._teller.check(
            ran == [*expected, TABLET, FERRY], f"the ledger has {len(rows)} rows, one for each of {len(ran)} orders"
        )
        trail = Trail(self._stage.directory / "sayso.db")
        found = steps(Seen(self._client.list(), trail.rows(), datetime.now(UTC)))
        trail.close()
        missing = [step.title for step in found if not step.done]
        self._teller.check(
            not missing, f"the checklist of the page is ticked from it: {', '.join(s.title for s in found)}"
        )

    # --- doing ---------------------------------------------------------------------------------------------------

    def _start(self, agent: Agent, verb: str, *more: str) -> Run:
        run = self._stage.running(
            agent.start(lambda pid, line: self._teller.tell(f"{agent.script}[{pid}] {line}"), verb, *more)
        )
        self._teller.tell(f"python examples/{agent.script} {' '.join([verb, *more])}   (process {run.pid})", "$")
        return run

    def _run(self, agent: Agent, verb: str, *more: str) -> Run:
        return self._ended(self._start(agent, verb, *more))

    def _ended(self, run: Run) -> Run:
        status = run.wait(PATIENCE_SECONDS)
        if status:
            raise Trouble(f"the agent's process {run.pid} ended with exit status {status}: {run.lines[-1:]}")
        return run

    def _tap_branch(self, user: str, branch: str) -> None:
        card = self._slack.expect_card("#engineering", contains=branch, timeout=PATIENCE_SECONDS)
        response = self._slack.person(user).click(card, "approve")
        self._teller.check(response.status == 200, f"{user} approves: {card.text().splitlines()[0]}")

    # --- looking up ----------------------------------------------------------------------------------------------

    def _fill(self, user: str, card: Card, action: str, **values: str) -> None:
        person = self._slack.person(user)
        form = person.click(card, action).modal
        for name, value in values.items():
            form.fill(name, value)
        if not (sent := person.submit(form)).ok:
            raise Trouble(f"{user} cannot {action}: {sent.errors}")

    def _about(self, order: int) -> Approval:
        found = next((one for one in self._client.list() if one.params.get("order_id") == order), None)
        if found is None:
            raise Trouble(f"nobody asked about order {order}")
        return found

    def _moved(self, approval: Approval) -> Approval | None:
        now = self._client.get(approval)
        return now if now.assignee != "U0ALICE" else None

    def _fresh_card(self, approval: Approval) -> Card | None:
        """A card that can be decided and no longer says that it is Alice's turn."""
        cards = self._slack.cards("#finance", approval.id)
        return next((card for card in cards if card.has("approve") and "@alice" not in card.text()), None)

    def _card(self, channel: str, approval: Approval) -> Card:
        return self._slack.expect_card(channel, approval_id=approval.id, timeout=PATIENCE_SECONDS)

    def _rows(self, order: int) -> list[Entry]:
        return [entry for entry in self._orders.ledger() if entry.order_id == order]

    def _paid(self, order: int) -> Entry:
        row = self._teller.until(lambda: next(iter(self._rows(order)), None), f"order {order} is paid back")
        self._teller.check(len(self._rows(order)) == 1, f"order {order}: exactly one ledger row")
        return row

    def _written_down(self, problem: str) -> str:
        first, _, transcript = problem.partition("\n")
        path = self._stage.directory / "transcript.txt"
        path.write_text(transcript, encoding="utf-8")
        return f"{first} (what Slack saw: {path})"


def _hurried(path: Path) -> Path:
    """The demo's manifest with an SLA that a story can wait for."""
    manifest = yaml.safe_load((EXAMPLES / "actions.yml").read_text(encoding="utf-8"))
    manifest["actions"]["process_urgent_refund"]["sla_seconds"] = SLA_SECONDS
    path.write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
    return path


def _by_policy(approval: Approval) -> bool:
    return approval.state is State.SUCCEEDED and approval.decision is not None and approval.decision.by == "policy"
