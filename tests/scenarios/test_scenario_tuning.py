"""What the record suggests, told to admins in Slack and at the command line, and applied by nobody."""

from __future__ import annotations

import json
import subprocess
from itertools import takewhile

from sqlalchemy import select
from support.marks import on_sqlite
from support.office import Office
from support.servers import command

from store.tables import looks


def decided(office: Office, count: int) -> list[str]:
    """Some requests that Bob approved as soon as he saw them, carried out and labelled correct."""
    made = []
    for number in range(count):
        asked = office.agent.ask("suggest", {"thing": f"door {number}"})
        office.person("U0BOB").click(office.card(asked, timeout=20), "approve")
        office.agent.claim(asked)
        office.agent.result(asked)
        made.append(asked["id"])
        office.critic.label(asked, "correct")
    return made


def said(office: Office, words: str, user: str = "U0ADMIN") -> str:
    """What the command answers."""
    reply = office.person(user).command("/sayso", words).reply
    assert reply is not None
    return reply.text()


def patched(office: Office, told: str) -> None:
    """The manifest after `patch` took the diff as it stands in the answer."""
    lines = told[told.index("--- ") :].splitlines()
    diff = "\n".join(takewhile(lambda line: line[:1] in tuple("-+@ "), lines)) + "\n"
    command = ["patch", "-p0", str(office.manifest)]
    subprocess.run(command, input=diff, text=True, check=True, capture_output=True)


@on_sqlite
def test_what_somebody_opens_is_when_they_began_to_look(office: Office) -> None:
    """Details and forms count from when they were opened, once it is known who opened them."""
    asked = office.agent.refund(480)
    bob = office.person("U0BOB")
    bob.click(office.card(asked, timeout=20), "details")
    office.until(lambda: opened(office) == [(asked["id"], "U0BOB")], "it is kept who has it open")
    bob.click(office.card(asked), "approve")
    assert opened(office) == [(asked["id"], "U0BOB")]


def opened(office: Office) -> list[tuple[str, str]]:
    """Who opened what."""
    query = select(looks.c.approval_id, looks.c.by)
    return [tuple(row) for row in office.database.read(lambda unit: unit.execute(query).all())]


def test_tune_tells_what_the_record_says_and_changes_nothing(office: Office) -> None:
    """An admin reads figures with their bounds, and that stamped yeses are no evidence; nobody else reads anything; the manifest stays."""
    made = decided(office, 6)
    before = office.manifest.read_text()
    told = said(office, "tune")
    for piece in (
        "1. suggest: no evidence",
        "6 of 6 decisions look like rubber stamps",
        "reviewers said yes: nothing counted, 6 stamped, left out",
        "turned out right: 6 of 6, 100.0% (60.7% to 100.0%)",
        "incidents, 90 days: 0 of 6, 0.0% (0.0% to 39.3%)",
        "RUBBER-STAMPING? a reviewer: 6 decided, never a rejection",
        "Nothing changes until the manifest does",
    ):
        assert piece in told, piece
    assert len(told) < 3000
    assert "6 decided" not in said(office, "tune", "U0BOB")
    assert "admins" in said(office, "tune", "U0BOB")
    assert "give a page number" in said(office, "tune nonsense")
    for one in made[:2]:
        office.critic.label(one, "incident")
    told = said(office, "tune")
    assert "1. suggest: auto→ask" in told
    patched(office, told)
    assert '- when: "true"' in office.manifest.read_text()
    office.manifest.write_text(before)
    assert office.manifest.read_text() == before
    printed = command(office.env, "policy", "tune")
    assert printed.returncode == 0, printed.stderr
    assert "1. suggest: auto→ask\n2 incidents in 6 runs of 90 days, 33.3% (6.3% to 72.9%)" in printed.stdout
    found = json.loads(command(office.env, "policy", "tune", "--json").stdout)
    entry = next(one for one in found["actions"] if one["action"] == "suggest")
    assert (entry["approval_rate"], entry["reviewers"][0]["rubber_stamping"]) == (1.0, True)
    assert (entry["turned_out"]["hits"], entry["turned_out"]["n"], entry["suggestion"]["kind"]) == (4, 6, "auto→ask")
    assert "U0BOB" not in json.dumps(found), "it is about actions: people see their own figures first"


@on_sqlite
def test_corrections_are_examples_for_the_agent(office: Office) -> None:
    """Edits and rejections are exported with what was asked, what it became, and the reason (docs/rules.md: F8); approvals are not."""
    edited, rejected, approved = (office.agent.refund(100 + number) for number in range(3))
    form = office.form("U0BOB", office.card(edited), "edit").fill("param:amount_usd", "90").fill("note", "Less")
    assert office.person("U0BOB").submit(form).ok
    form = office.form("U0BOB", office.card(rejected), "reject").fill("reason", "Paid already")
    assert office.person("U0BOB").submit(form).ok
    office.person("U0BOB").click(office.card(approved), "approve")
    lines = [json.loads(line) for line in command(office.env, "audit", "export", "--corrections").stdout.splitlines()]
    assert [(one["kind"], one["approval_id"], one["reason"]) for one in lines] == [
        ("edit", edited["id"], "Less"),
        ("rejection", rejected["id"], "Paid already"),
    ]
    assert (lines[0]["asked"]["amount_usd"], lines[0]["corrected"]["amount_usd"]) == (100, 90)
    assert lines[1]["corrected"] is None


@on_sqlite
def test_long_answers_are_cut_with_a_count(office: Office) -> None:
    """A list that Slack would cut ends in a count of what is left, and a long report goes on at its next page."""
    for number in range(40):
        office.agent.ask("change_thing", {"thing": f"door {number} " + "x" * 60})
    told = said(office, "queue")
    shown = told.count(" severity · ")
    assert 0 < shown < 40
    assert f"and {40 - shown} more" in told
    assert len(told) < 3000
