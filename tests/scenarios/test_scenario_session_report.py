"""A session to hand to an auditor, and corrections as examples: what is told, and that what is hidden stays hidden."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from support.agent import Json
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_sqlite
from support.office import Office
from support.servers import command

EVIL = '</pre><script>alert("x")</script><img src=x onerror=alert(1)>{{ 7 * 7 }}'
SECRET = "hunter2-and-more"


class Read(HTMLParser):
    """Which elements and attributes there are, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.text += data


def report(office: Office, session: str = "s1") -> tuple[Read, str]:
    """The page, read, and as it is."""
    done = command(office.env, "audit", "report", session, "--html")
    assert done.returncode == 0, done.stderr
    found = Read()
    found.feed(done.stdout)
    return found, done.stdout


def story(office: Office) -> list[Json]:
    """One approved after an edit, one rejected, and one of another session."""
    write_manifest(office.folder, ACTIONS | {"change_thing": PLAIN | {"redact": ["params.pin"]}})
    office.open()
    params = {"thing": EVIL, "pin": SECRET}
    first = office.agent.ask("change_thing", params, session_id="s1", reason=f"{EVIL} with {SECRET}")
    bob = office.person("U0BOB")
    form = (
        office.form("U0BOB", office.card(first, timeout=20), "edit")
        .fill("param:thing", "front door")
        .fill("note", EVIL)
    )
    assert bob.submit(form).ok
    office.agent.claim(first)
    office.agent.result(first, detail="opened")
    second = office.agent.ask("change_thing", {"thing": "cellar", "pin": SECRET}, session_id="s1")
    form = office.form("U0ALICE", office.card(second, timeout=20), "reject").fill("reason", f"No, {SECRET}")
    assert office.person("U0ALICE").submit(form).ok
    other = office.agent.ask("change_thing", {"thing": "elsewhere", "pin": "x"}, session_id="s2")
    return [first, second, other]


def test_a_page_tells_who_saw_what_under_which_policy(closed_office: Office) -> None:
    """People, the digest and words that they saw, the frozen policy and every row; nothing hidden, no script, no address."""
    office = closed_office
    first, second, other = story(office)
    page, text = report(office)
    assert not page.tags & {"script", "img", "iframe", "link", "a", "form", "object"}
    assert not any(name.startswith("on") for name in page.attributes)
    assert page.attributes.isdisjoint({"src", "href"})
    assert SECRET not in text
    for piece in (
        "bob (U0BOB)",
        "alice (U0ALICE)",
        "changed the parameters",
        "rejected",
        'thing: "front door"',
        "As the agent asked",
        EVIL,
        'role: "finance"',
        office.agent.see(first)["policy_version"],
        first["digest"],
    ):
        assert piece in page.text, piece
    assert other["id"] not in page.text
    rows = [line for line in office.trail() if line["approval_id"] in (first["id"], second["id"])]
    assert all(row["hash"] in page.text and row["event"] in page.text for row in rows)
    assert command(office.env, "audit", "report", "nobody", "--html").returncode != 0


@on_sqlite
def test_corrections_hide_what_cards_hide_and_hold_take_overs(closed_office: Office) -> None:
    """An edit, a rejection, a take-over and its hand-back are examples; a redacted value is a fingerprint in each of them."""
    office = closed_office
    story(office)
    taken = office.agent.ask("change_thing", {"thing": "attic", "pin": SECRET}, session_id="s1")
    card = office.card(taken, timeout=20)
    assert office.person("U0BOB").submit(office.form("U0BOB", card, "take_over").fill("note", "Mine")).ok
    package = office.slack.expect_card(approval_id=taken["id"], has="hand_back", timeout=20)
    form = office.form("U0BOB", package, "hand_back").fill("steps", f"Typed {SECRET}\nClosed it")
    assert office.person("U0BOB").submit(form).ok
    told = command(office.env, "audit", "export", "--corrections").stdout
    assert SECRET not in told
    lines: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines()]
    assert [line["kind"] for line in lines] == ["edit", "rejection", "takeover", "handback"]
    edit, rejection, takeover, handback = lines
    assert (edit["corrected"]["thing"], edit["asked"]["thing"]) == ("front door", EVIL)
    assert edit["asked"]["pin"] == edit["corrected"]["pin"] == rejection["asked"]["pin"]
    assert "sha256" in edit["asked"]["pin"]
    assert rejection["reason"].startswith("No, ")
    assert (takeover["reason"], takeover["by"], takeover["asked"]["thing"]) == ("Mine", "U0BOB", "attic")
    assert handback["steps"][1] == "Closed it"
