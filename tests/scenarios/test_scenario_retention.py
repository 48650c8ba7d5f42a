"""What is over its time goes: parameters and texts first, whole approvals later. The trail stays whole, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from support.files import ACTIONS, REFUND, write_manifest
from support.marks import on_sqlite
from support.office import Office
from support.servers import command

from policies.errors import BadFile
from policies.files.manifest import load_manifest
from store import learning, retention, tables
from store.audit import text_sum

DAY = 86_400
SECRETS = (
    "s3cret-customer",
    "s3cret-reason",
    "s3cret-note",
    "s3cret-step",
    "s3cret-checkpoint",
    "s3cret-detail",
    "s3cret-label",
)


def keep(office: Office, **retention: int) -> None:
    """The manifest with this section."""
    path = write_manifest(office.folder, ACTIONS)
    path.write_text(path.read_text() + "retention: " + json.dumps(retention) + "\n")
    if office._servers:
        office.until(lambda: office.server.world.book.manifest.file.retention is not None, "the file is in force")


def everything(office: Office) -> str:
    """Every value of every row."""
    rows = [
        office.database.read(lambda unit, table=table: [tuple(row) for row in unit.execute(select(table)).all()])
        for table in tables.metadata.sorted_tables
        if table.name != "policy_versions"
    ]
    return repr(rows)


def lived(office: Office) -> dict[str, Any]:
    """A refund with something secret wherever anybody can write, decided, done and labelled."""
    agent, alice = office.agent, office.person("U0ALICE")
    asked = agent.ask(
        "process_refund",
        {"customer": "s3cret-customer", "amount_usd": 480},
        reason="s3cret-reason",
        completed_steps=["s3cret-step"],
        checkpoint={"at": "s3cret-checkpoint"},
        confidence=0.9,
        evidence={"retrieval_hits": 3, "tool_errored": False, "schema_ok": True},
        session_id="run-1",
    )
    alice.submit(
        office.form("U0ALICE", office.card(asked), "edit").fill("param:amount_usd", "470").fill("note", "s3cret-note")
    )
    agent.claim(asked)
    agent.result(asked, detail="s3cret-detail")
    told = {"label": "correct", "detail": "s3cret-label"}
    assert agent.raw("POST", f"/approvals/{asked['id']}/label", json=told).status_code == 200
    return asked


def test_parameters_and_texts_go_and_the_trail_holds(office: Office) -> None:
    """After params_days nothing that agents or people wrote is left; who did what and when is, and `audit verify` passes."""
    keep(office, params_days=30)
    asked = lived(office)
    rejected = office.agent.refund(customer="s3cret-customer", amount_usd=490)
    office.person("U0BOB").submit(office.form("U0BOB", office.card(rejected), "reject").fill("reason", "s3cret-reason"))
    before = office.trail(asked)
    records = office.database.read(learning.records)
    assert all(secret in everything(office) for secret in SECRETS)
    office.advance(29 * DAY)
    assert all(secret in everything(office) for secret in SECRETS)
    office.until(lambda: not office.database.read(_waiting), "no message is on its way")
    office.advance(2 * DAY)
    office.until(
        lambda: "texts_removed" in office.events(rejected) and "texts_removed" in office.events(asked), "both went"
    )
    left = everything(office)
    assert [secret for secret in SECRETS if secret in left] == []
    office.intact()
    assert command(office.env, "audit", "verify").returncode == 0
    after = office.trail(asked)
    for was, now in zip(before, after, strict=False):
        kept = ("seq", "at", "event", "actor", "digest", "decision", "hash", "prev_hash", "latency_ms")
        assert {name: was[name] for name in kept} == {name: now[name] for name in kept}
        assert now["params"] is now["rationale"] is None
        for name in now.get("removed", []):
            assert now["sums"][name] == text_sum(was[name]), "whoever still has it can prove what it was"
    (note,) = [line for line in after if line["event"] == "texts_removed"]
    assert note["actor"] == "system"
    assert note["removed"]["after_days"] == 30
    seen = office.agent.see(asked)
    assert (seen["params"], seen["state"], seen["digest"]) == ({}, "succeeded", before[-1]["digest"])
    assert seen["decision"]["by"] == "U0ALICE"
    now = office.database.read(learning.records)
    assert {name: one.correct for name, one in now.items()} == {name: one.correct for name, one in records.items()}


def _waiting(unit: Any) -> int:
    return int(unit.execute(text("SELECT count(*) FROM outbox WHERE next_at IS NOT NULL")).scalar_one())


def test_what_is_open_asleep_or_undoable_stays(office: Office) -> None:
    """However old: a request that waits, one that is granted, one that runs, one in people's hands, one that can be undone."""
    keep(office, params_days=1)
    agent, alice = office.agent, office.person("U0ALICE")
    waiting = agent.ask("hold_thing", {"thing": "s3cret-waiting"})
    taken = agent.ask("change_thing", {"thing": "s3cret-taken"})
    alice.submit(office.form("U0ALICE", office.card(taken), "take_over"))
    done = agent.ask("change_thing", {"thing": "s3cret-done"})
    alice.click(office.card(done), "approve")
    agent.claim(done)
    agent.result(done)
    office.until(lambda: not office.database.read(_waiting), "no message is on its way")
    office.advance(40 * DAY)
    office.until(lambda: "texts_removed" in office.events(done), "what is over went")
    left = everything(office)
    assert "s3cret-done" not in left
    assert "s3cret-waiting" in left
    assert "s3cret-taken" in left
    assert agent.see(waiting)["params"] == {"thing": "s3cret-waiting"}
    alice.click(office.card(waiting), "approve")
    assert agent.claim(waiting)["params"] == {"thing": "s3cret-waiting"}
    office.intact()


def test_whole_approvals_go_and_the_trail_tells_of_them(office: Office) -> None:
    """After approvals_days only the trail is left, and what labels rest on; the trail holds, and a forged gap is still found."""
    keep(office, params_days=1, approvals_days=90)
    labelled, plain = lived(office), office.agent.ask("change_thing", {"thing": "x"})
    office.agent.cancel(plain)
    other = office.agent.ask("change_thing", {"thing": "y"})
    office.agent.cancel(other)
    office.until(lambda: not office.database.read(_waiting), "no message is on its way")
    office.advance(3 * DAY)
    office.until(lambda: "texts_removed" in office.events(other), "texts went")
    office.advance(88 * DAY)
    office.until(lambda: "approval_removed" in office.events(other), "approvals went")
    office.agent.see(plain, status=404)
    assert office.agent.see(labelled)["state"] == "succeeded"
    assert "requested" in office.events(plain)
    office.intact()
    office.database.run(lambda unit: unit.execute(text(f"DELETE FROM labels WHERE approval_id = '{labelled['id']}'")))
    assert any(labelled["id"] in fault for fault in office.faults())


@pytest.mark.parametrize(
    "damage, said",
    [
        ("UPDATE audit SET texts = NULL WHERE seq = {requested}", "had beside it is gone"),
        ("UPDATE audit SET texts = '{{}}' WHERE seq = {requested}", "has other texts beside it"),
        ("UPDATE approvals SET removed_at = updated_at, params = '{{}}'", "not what row"),
    ],
)
def test_texts_do_not_go_by_hand(office: Office, damage: str, said: str) -> None:
    """Whoever takes or changes a text without the trail's own row for it is found."""
    asked = office.agent.refund()
    (seq,) = [line["seq"] for line in office.trail(asked) if line["event"] == "requested"]
    with office.database.engine.connect() as connection, connection.begin():
        if not office.database.sqlite:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text(damage.format(requested=seq)))
    assert any(said in fault for fault in office.faults())


def test_texts_can_be_taken_and_nothing_else_changed(office: Office) -> None:
    """The database itself refuses another text, another line with it, and a text where there was none."""
    office.agent.refund()
    for change in ("texts = '{}'", "texts = NULL, line = '{}'", "texts = NULL, approval_id = 'x'", "texts = texts"):
        with pytest.raises(Exception, match="append-only"), office.database.engine.begin() as connection:
            connection.execute(text(f"UPDATE audit SET {change} WHERE seq > 0"))


@on_sqlite
def test_nothing_of_it_is_left_in_the_file(office: Office) -> None:
    """The bytes of the file and of its log hold nothing of what was removed."""
    keep(office, params_days=1)
    lived(office)
    office.until(lambda: not office.database.read(_waiting), "no message is on its way")
    office.advance(40 * DAY)
    office.until(lambda: "texts_removed" in office.events(), "texts went")
    place = Path(str(office.database.url.database))

    def left() -> list[str]:
        office.server.database.leave_no_trace()
        files = [file for file in place.parent.glob(f"{place.name}*") if "audit-head" not in file.name]
        bytes_ = b"".join(file.read_bytes() for file in files)
        return [secret for secret in SECRETS if secret.encode() in bytes_]

    office.until(lambda: not left(), f"{left()} are gone from the file")


def test_it_goes_a_little_at_a_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sweep removes more than its share; the next ones go on until all is gone, and nothing twice."""
    monkeypatch.setattr("bot.service.retention.BATCH", 2)
    monkeypatch.setattr("bot.service.retention.MOST", 4)
    agent = office.agent
    asked = [agent.ask("change_thing", {"thing": f"t{number}"}) for number in range(9)]
    for one in asked:
        agent.cancel(one)
    office.until(lambda: not office.database.read(_waiting), "no message is on its way")
    keep(office, params_days=1)
    office.server.database.shift_seconds = 3 * DAY
    counts = [office.server.sweep().removed for _ in range(5)]
    assert max(counts) <= 4
    office.until(lambda: office.events().count("texts_removed") == 9, "all of them")
    office.intact()


def test_nothing_beside_an_approval_is_forgotten_here() -> None:
    """Every table that refers to approvals is one whose rows go with them, or one that keeps them."""
    referring = {
        table.name
        for table in tables.metadata.sorted_tables
        if any(key.column.table is tables.approvals for key in table.foreign_keys)
    }
    assert referring == {table.name for table in (*retention._BESIDE, *retention._HOLDING)}


@pytest.mark.parametrize(
    "section, said",
    [
        ({"params_days": 0}, "retention.params_days"),
        ({"approvals_days": 400}, "retention.params_days"),
        ({"params_days": 400, "approvals_days": 100}, "approvals_days: must not be less than params_days"),
        ({"params_days": 10, "approvals_days": 30}, "retention.approvals_days"),
        ({"params_days": 10, "days": 3}, "retention.days"),
        ({"params_days": 3}, "retention.params_days: actions.pay.aggregate sums over a longer time"),
    ],
)
def test_a_section_that_cannot_be_meant_is_refused(section: dict[str, int], said: str, tmp_path: Path) -> None:
    """Unknown keys, days that contradict each other, or sums that would lose what they are made of."""
    pay = REFUND | {"aggregate": {"window_seconds": 5 * DAY, "deny_above_usd": 1000}}
    path = write_manifest(tmp_path, {"pay": pay})
    path.write_text(path.read_text() + "retention: " + json.dumps(section) + "\n")
    with pytest.raises(BadFile, match=said):
        load_manifest(path.read_text())
