"""The audit trail: append-only, gap-free, and nothing can be taken from it unseen."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import add, add_agent, at_once, made, told
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.marks import on_postgresql, on_sqlite

from bot.__main__ import main
from policies.approval import Planted
from policies.lifecycle import State
from policies.request import Evidence
from policies.routing import Level
from store import audit, verification
from store.agents import Agent
from store.audit import Entry, Head, entry_of
from store.engine import Database, sha256_hex
from tests.chaos.tampering import found, unguarded

PUBLIC_KEYS = [
    "seq",
    "at",
    "event",
    "approval_id",
    "session_id",
    "agent",
    "action",
    "params",
    "digest",
    "actor",
    "decision",
    "rationale",
    "confidence",
    "level",
    "policy_version",
    "latency_ms",
    "prev_hash",
    "hash",
]
# What events say of an approval without moving it on, or beside the `requested` that made it.
_STAYING = """gate_presented refused labelled delegated undelegated auto_proceeded notified denied blocked
    standing_given standing_used standing_ended texts_removed approval_removed"""
STAYING = tuple(_STAYING.split())
# What a row says beside the contract's keys and is nobody's text: it stays for as long as the chain does.
_FACTS = """row kept dropped checkpoint again moved team demoted_to standing use uses spent_usd given_by until delegation
    params_sha256 params_bytes removed planted"""
FACTS = _FACTS.split()
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def record(database: Database, count: int = 1, **facts: object) -> None:
    def work(unit: object) -> None:
        for number in range(count):
            values = {"event": "requested", "actor": "agent:demo", "approval_id": f"apr_{number}", **facts}
            unit.record(Entry(at=MOMENT, **values))  # type: ignore[attr-defined, arg-type]

    database.run(work)


def faults(database: Database, known: tuple[Head, ...] = ()) -> list[str]:
    return database.read(lambda unit: verification.chain(unit, known)).told


def all_faults(database: Database) -> list[str]:
    return database.snapshot(verification.verify).told


def head(database: Database) -> Head:
    return database.read(audit.head)


def tamper(database: Database, *statements: str) -> None:
    """Change the table as somebody with the database's password could."""
    unguarded(database)
    with database.engine.connect() as connection, connection.begin():
        for statement in statements:
            connection.execute(text(statement))


def test_the_chain_has_a_beginning_and_no_gaps(database: Database) -> None:
    """Rows are numbered from 1 without gaps, each holding the hash of the one before."""
    assert faults(database) == []
    record(database, 3)
    lines = database.read(lambda unit: list(audit.lines(unit)))
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert [line["prev_hash"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    assert list(lines[0]) == PUBLIC_KEYS
    assert faults(database) == []


def test_many_writers_make_one_chain(database: Database) -> None:
    """Eight connections that append at once make one chain without gaps or forks."""
    at_once([lambda: [record(database, 2) for _ in range(5)] and None] * 8)
    found = database.read(verification.chain)
    assert (found.head.seq, found.told) == (80, [])


def test_what_is_rolled_back_leaves_no_gap(database: Database) -> None:
    """A transaction that fails takes its rows with it, and the next row has its number."""

    def work(unit: object) -> None:
        unit.record(Entry(event="requested", at=MOMENT, actor="x"))  # type: ignore[attr-defined]
        unit.flush()  # type: ignore[attr-defined]
        raise LookupError("no")

    with pytest.raises(LookupError):
        database.run(work)
    record(database)
    assert (head(database).seq, faults(database)) == (1, [])


def test_any_text_hashes_alike_on_both(database: Database) -> None:
    """Quotes, newlines and other alphabets are hashed by the database as by the verifier."""
    for words in ('it\'s "x"\nline\t\\', "‮ünï 漢字 🚀", "%s :name {0}"):
        record(database, rationale=words, params={words: words}, extra={"team": words})
    assert faults(database) == []
    assert [line["rationale"] for line in database.read(lambda unit: list(audit.lines(unit)))][1] == "‮ünï 漢字 🚀"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET line = '{}' WHERE seq = 2",
        "UPDATE audit SET line = line",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
    ],
)
def test_rows_cannot_be_changed_or_deleted(database: Database, statement: str) -> None:
    """The database itself refuses to change or delete a row."""
    record(database, 3)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(text(statement))
    assert (head(database).seq, faults(database)) == (3, [])


@on_postgresql
def test_the_table_cannot_be_emptied(database: Database) -> None:
    """TRUNCATE is refused too."""
    record(database)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(text("TRUNCATE audit"))


@on_sqlite
def test_rows_cannot_be_replaced(database: Database) -> None:
    """INSERT OR REPLACE, which deletes without firing a delete trigger of old, is refused too."""
    record(database, 3)
    replacing = "INSERT OR REPLACE INTO audit SELECT seq, approval_id, session_id, '{}', prev_hash, hash, texts FROM audit WHERE seq = 2"
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(text(replacing))
    assert faults(database) == []


def test_an_edited_row_is_found(database: Database) -> None:
    """A changed line is named."""
    record(database, 3)
    tamper(database, 'UPDATE audit SET line = \'{"event":"approved"}\' WHERE seq = 2')
    assert any("row 2 was changed" in fault for fault in faults(database))


def test_an_edited_and_rehashed_row_is_found(database: Database) -> None:
    """A changed line with a fitting hash of its own breaks the chain at the next row."""
    record(database, 3)
    lines = database.read(lambda unit: list(audit.lines(unit)))
    forged = sha256_hex(f"{lines[1]['prev_hash']}\n2\n{{}}")
    tamper(database, f"UPDATE audit SET line = '{{}}', hash = '{forged}' WHERE seq = 2")
    assert any("row 3 does not follow" in fault for fault in faults(database))


def test_a_refiled_row_is_found(database: Database) -> None:
    """A row moved to another approval's trail is named, though its line was left alone."""
    record(database, 3)
    tamper(database, "UPDATE audit SET approval_id = 'apr_other' WHERE seq = 2")
    assert any("row 2 is filed under another" in fault for fault in faults(database))


def test_a_deleted_row_is_found(database: Database) -> None:
    """A missing row is named."""
    record(database, 3)
    tamper(database, "DELETE FROM audit WHERE seq = 2")
    assert any("row 2 is missing" in fault for fault in faults(database))


def test_reordered_rows_are_found(database: Database) -> None:
    """Two rows that changed places do not verify."""
    record(database, 3)
    tamper(
        database,
        "UPDATE audit SET seq = 99 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 99",
    )
    assert faults(database) != []


def test_a_cut_tail_is_found(database: Database) -> None:
    """A tail that is gone is found with an end that was noted before; a whole chain passes through it."""
    record(database, 3)
    noted = head(database)
    record(database, 1)
    assert faults(database, (noted,)) == []
    tamper(database, "DELETE FROM audit WHERE seq >= 3")
    assert any("tail is cut" in fault for fault in faults(database, (noted,)))


def test_a_rewritten_history_is_found(database: Database) -> None:
    """A whole new chain of the same length does not pass through the end that was noted."""
    record(database, 2)
    noted = head(database)
    tamper(database, "DELETE FROM audit WHERE seq > 0")
    record(database, 2, rationale="another story")
    assert any("not the one that was signed" in fault for fault in faults(database, (noted,)))


@pytest.mark.parametrize("event", STAYING)
def test_what_is_recorded_beside_stands_for_no_move(database: Database, event: str) -> None:
    """A row that moved nothing cannot stand in for one that is gone: an approval that moved twice needs two that did."""
    approval = add(database, add_agent(database), version=2)
    database.run(lambda unit: told(unit, approval, event))
    assert all_faults(database) == [f"approval {approval.id}: 1 of its events have no row in the trail"]
    database.run(lambda unit: told(unit, approval, "approved"))
    assert all_faults(database) == []


def test_whatever_is_changed_is_found(database: Database) -> None:
    """Edits, cuts, moves, swaps and rewritten ends, alone and together, by the hundred: each that changed anything is found."""
    approval = add(database, add_agent(database), version=2)
    for event in ("requested", "approved"):
        record(database, approval_id=approval.id, event=event, session_id="s")
    record(database, 5)
    unguarded(database)
    random_ = random.Random(20261121)
    outcomes = [found(database, random_) for _ in range(400)]
    assert False not in outcomes
    assert outcomes.count(True) > 300
    assert faults(database) == []


def test_an_entry_repeats_its_approval() -> None:
    """What the trail says of an approval is what the approval says of itself; an edit's own parameters go before."""
    approval = made(
        Agent("agt_1", "demo"),
        MOMENT,
        session_id="run-1",
        policy_version="v7",
        level=Level.SOFT_APPROVAL,
    )
    sure = Evidence(retrieval_hits=3, schema_ok=True)
    approval = replace(approval, request=approval.request.model_copy(update={"evidence": sure}))
    assert approval.request.effective_confidence is not None
    entry = audit.entry_of(approval, "modified", MOMENT, "U0ALICE", params={"amount_usd": 2}, rationale="too much")
    assert entry.body() == {
        "event": "modified",
        "at": "2026-01-01T00:00:00.000000Z",
        "actor": "U0ALICE",
        "approval_id": approval.id,
        "session_id": "run-1",
        "agent": "demo",
        "action": "process_refund",
        "params": {"amount_usd": 2},
        "digest": approval.digest,
        "decision": None,
        "rationale": "too much",
        "confidence": approval.request.effective_confidence,
        "level": "soft_approval",
        "policy_version": "v7",
        "latency_ms": None,
    }
    plain = audit.entry_of(replace(approval, level=None), "refused", MOMENT, "policy")
    assert (plain.params, plain.level, plain.extra) == ({"amount_usd": 1}, None, {})
    test = replace(approval, planted=Planted("it asks twice", "agt_1"))
    assert audit.entry_of(test, "approved", MOMENT, "U0ALICE", extra={"use": 1}).extra == {"use": 1, "planted": True}


@pytest.mark.parametrize(
    ("event", "extra", "moved"),
    [
        ("approved", {}, True),
        ("labelled", {}, False),
        ("labelled", {"moved": True}, True),
        ("labelled", {"moved": 1}, False),
    ],
)
def test_an_entry_says_whether_its_approval_moved_on(event: str, extra: dict[str, object], moved: bool) -> None:
    """What is recorded beside an approval moved nothing, except where it says in so many words that it did."""
    assert Entry(event, MOMENT, "U0ALICE", approval_id="apr_1", extra=extra).moves is moved


def test_texts_stand_beside_the_line_and_facts_in_it() -> None:
    """What agents and people wrote may go one day: the line has its sum, and everything else itself."""
    texts = {"params": {"amount_usd": 2}, "rationale": "too much", "before": {"amount_usd": 1}}
    facts = dict.fromkeys(FACTS, "a fact")
    written = Entry(
        event="modified",
        at=MOMENT,
        actor="U0ALICE",
        approval_id="apr_1",
        params=texts["params"],
        rationale="too much",
        decision="edit",
        extra={**facts, "before": texts["before"]},
    ).written()
    line, beside = (json.loads(part or "null") for part in written)
    assert beside == texts
    assert line["sums"] == {
        "params": sha256_hex('{"amount_usd":2}'),
        "rationale": sha256_hex('"too much"'),
        "before": sha256_hex('{"amount_usd":1}'),
    }
    assert {name: line[name] for name in [*FACTS, "params", "rationale", "decision", "actor"]} == {
        **facts,
        "params": None,
        "rationale": None,
        "decision": "edit",
        "actor": "U0ALICE",
    }
    assert "before" not in line


def test_a_label_that_moved_its_approval_says_so_and_stands_for_a_move(database: Database) -> None:
    """What is recorded beside witnesses a move where it says that it made one."""
    approval = add(database, add_agent(database), version=2, state=State.SUCCEEDED)
    assert "1 of its events" in all_faults(database)[0]
    labelled = entry_of(approval, "labelled", MOMENT, "U0ALICE", extra={"moved": True})
    database.run(lambda unit: unit.record(labelled))
    assert all_faults(database) == []


def test_a_fitting_row_that_is_no_event_is_found(database: Database) -> None:
    """A last row with a fitting hash that holds no event is named, and ends nothing."""
    record(database, 3)
    last = database.read(lambda unit: list(audit.lines(unit)))[-1]
    forged = sha256_hex(f"{last['prev_hash']}\n3\n[]")
    tamper(database, f"UPDATE audit SET line = '[]', hash = '{forged}' WHERE seq = 3")
    assert faults(database) == ["row 3 is no event"]


def test_an_empty_table_is_found(database: Database) -> None:
    """A table without its first row is no chain."""
    tamper(database, "DELETE FROM audit")
    assert head(database) == Head(-1, "")
    assert faults(database) == ["the chain has no beginning"]


def test_the_trail_can_be_read_by_approval_and_session(database: Database) -> None:
    """The trail of one approval or one session holds its rows only."""
    record(database, 2)
    record(database, 1, approval_id="apr_x", session_id="s")
    read = database.read
    assert [line["seq"] for line in read(lambda unit: list(audit.lines(unit)))] == [1, 2, 3]
    assert [line["seq"] for line in read(lambda unit: list(audit.lines(unit, approval_id="apr_1")))] == [2]
    assert [line["approval_id"] for line in read(lambda unit: list(audit.lines(unit, session_id="s")))] == ["apr_x"]
    assert [line["seq"] for line in read(lambda unit: list(audit.lines(unit, after=1, through=2)))] == [2]


def test_rows_are_known_by_their_hashes(database: Database) -> None:
    """Each row's hash can be asked for by its place, and the first one's tells this chain from another."""
    assert database.read(audit.first_hash) is None
    record(database, 3)
    told = [line["hash"] for line in database.read(lambda unit: list(audit.lines(unit)))]
    found = database.read(lambda unit: [audit.hash_at(unit, seq) for seq in (1, 2, 3, 4)])
    assert found == [*told, None]
    assert database.read(audit.first_hash) == told[0]


def test_a_text_that_went_is_named(database: Database) -> None:
    """Where the texts beside a line were removed by their age, the line says which."""
    record(database, 1, params={"amount_usd": 1}, rationale="lost parcel", decision="approve")
    tamper(database, "UPDATE audit SET texts = NULL WHERE seq = 1")
    (line,) = database.read(lambda unit: list(audit.lines(unit)))
    assert (line["params"], line["rationale"], line["removed"]) == (None, None, ["params", "rationale"])
    assert line["decision"] == "approve"


def test_what_happened_is_a_line_of_the_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Each row is told once it is durable, with the approval and the trace that it belongs to; else with its session."""
    with caplog.at_level("INFO", logger="sayso.trail"):
        record(database, 1, approval_id="apr_x", session_id="s", trace="00-1-2-01")
        record(database, 1, approval_id=None, session_id="s", event="stopped")
        record(database, 1, approval_id=None, event="started")
    told = [(one.name, one.getMessage(), one.approval_id, one.trace) for one in caplog.records]  # type: ignore[attr-defined]
    assert told == [
        ("sayso.trail", "apr_x requested by agent:demo", "apr_x", "00-1-2-01"),
        ("sayso.trail", "s stopped by agent:demo", None, None),
        ("sayso.trail", "- started by agent:demo", None, None),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        None,
        "UPDATE audit SET line = '{}' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET seq = 9 WHERE seq = 1",
    ],
)
def test_the_command_says_so(
    database: Database, database_url: str, statement: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`audit verify` ends with 0 for an intact trail and with 1 for any other."""
    record(database, 3, approval_id=None)
    if statement is not None:
        tamper(database, statement)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_DATABASE_URL", database_url)
    assert main(["audit", "verify"]) == (0 if statement is None else 1)


def test_the_chain_is_followed_from_the_row_that_was_kept(database: Database) -> None:
    """From a kept end on, rows that follow it are no fault; another row there, a gap and a cut tail are."""

    def since(mark: Head) -> list[str]:
        return database.read(lambda unit: verification.since(unit, mark))

    record(database, 3)
    kept = database.read(audit.head)
    assert since(kept) == []
    record(database, 2)
    assert since(kept) == []
    assert "not the one that was kept" in since(Head(kept.seq, "0" * 64))[0]
    assert "was there and is gone" in since(Head(kept.seq + 9, kept.hash))[0]
    unguarded(database)
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text(f"DELETE FROM audit WHERE seq = {kept.seq + 1}"))
    assert since(kept) == [f"row {kept.seq + 1} is missing"]
