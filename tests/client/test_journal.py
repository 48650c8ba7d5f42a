"""The state directory: what is on disk, and what happens when it is not as it should be."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from sayso import AlreadyExecuted, Checkpoint, Conflict, JournalDamaged, MayHaveRun, NotClaimed, NotRestorable, Sayso
from sayso.testing import FakeSayso

from .conformance import ACTION, ASK
from .server import Server


def files(client: Sayso, folder: str = "open") -> list[Path]:
    return sorted((client.state_dir / folder).glob("*.json"))


def test_only_the_owner_can_read_it(client: Sayso) -> None:
    """Files are 0600 in folders of 0700: parameters and nonces are nobody else's business."""
    client.ask(ACTION, ASK)
    (file,) = files(client)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(client.state_dir.stat().st_mode) == 0o700


def test_the_nonce_is_on_disk_before_the_claim_is_sent(server: Server, client: Sayso) -> None:
    """At the moment the server hears a claim its nonce is already in the journal."""
    approval = client.ask(ACTION, ASK)
    server.book.decide(approval.id, "approved")
    on_disk: list[str] = []
    claim = server.book.claim

    def listen(row: dict[str, Any], nonce: str) -> dict[str, Any]:
        on_disk.append(json.loads(files(client)[0].read_text())["nonce"])
        return claim(row, nonce)

    server.book.claim = listen  # type: ignore[method-assign]
    client.claim(approval.id)
    assert on_disk == server.book.nonces


def test_the_key_is_on_disk_before_the_ask_is_sent(server: Server, client: Sayso) -> None:
    """At the moment the server hears an ask its key and body are already in the journal."""
    seen: list[dict[str, object]] = []
    create = server.book.create

    def listen(body: dict[str, Any], key: str | None, step: str | None) -> tuple[int, dict[str, Any]]:
        seen.append(json.loads(files(client)[0].read_text()))
        return create(body, key, step)

    server.book.create = listen  # type: ignore[method-assign]
    client.ask(ACTION, ASK)
    (key,) = server.book.keys
    assert (seen[0]["key"], seen[0]["body"]) == (key, {"action": ACTION, "params": ASK})
    assert json.loads(files(client)[0].read_text())["body"] is None


def test_two_keys_of_one_open_approval_are_one_thing_to_do(server: Server, client: Sayso) -> None:
    """The same asked twice while it is open is resumed once and run once, and both files are closed together."""
    first, again = client.ask(ACTION, ASK), client.ask(ACTION, ASK)
    assert (again.id, len(files(client))) == (first.id, 2)
    assert [record.approval.id for record in client.resume()] == [first.id]
    server.book.decide(first.id, "approved")
    with client.execute(client.wait(again, timeout=30)):
        pass
    with pytest.raises((AlreadyExecuted, Conflict)):
        client.execute(first.id).__enter__()
    assert files(client) == []
    assert list(client.resume()) == []


def test_a_step_goes_to_the_server_again_after_a_crash(server: Server, client: Sayso) -> None:
    """What the step was called is kept with the ask, so that a resumed ask means the same thing; without one nothing is kept."""
    client.ask(ACTION, ASK, step="3")
    assert json.loads(files(client)[0].read_text())["step"] == "3"
    assert [row["_step"] for row in server.book.rows.values()] == ["3"]
    client.ask(ACTION, ASK, step="größer \n")
    client.ask(ACTION, ASK)
    assert sum("step" in json.loads(path.read_text()) for path in files(client)) == 2
    assert len(server.book.rows) == 3


@pytest.mark.parametrize("content", [b"", b'{"format":1,', b"\x00" * 40, b"[]", b'{"format":2}'])
def test_a_damaged_file_is_one_clear_error(client: Sayso, content: bytes) -> None:
    """A torn or foreign file stops resume() with an error that names it; it is never skipped in silence."""
    client.ask(ACTION, ASK)
    (file,) = files(client)
    file.write_bytes(content)
    with pytest.raises(JournalDamaged, match=file.name) as caught:
        list(client.resume())
    assert caught.value.path == file


def test_torn_drafts_are_not_mistaken_for_records(client: Sayso) -> None:
    """What a process was writing when it died is not a record, and prune() clears it away."""
    client.ask(ACTION, ASK)
    (client.state_dir / "open" / ".abc.json.1.tmp").write_text('{"for')
    assert len(list(client.resume())) == 1
    assert client.prune(older_than_days=0) == 1


def test_finished_work_leaves_the_open_folder(server: Server, client: Sayso) -> None:
    """A reported result moves the record to done/, where prune() finds it when it is old."""
    approval = client.ask(ACTION, ASK)
    server.book.decide(approval.id, "approved")
    with client.execute(approval):
        pass
    assert files(client) == []
    assert len(files(client, "done")) == 1
    assert client.prune() == 0
    assert client.prune(older_than_days=0) == 1


def test_other_servers_records_are_left_alone(client: Sayso) -> None:
    """A state directory that served another server's agent does not send its ids to this one."""
    client.ask(ACTION, ASK)
    assert list(Sayso("http://127.0.0.1:9", "t", state_dir=client.state_dir).resume()) == []


def test_a_result_needs_a_claim(client: Sayso) -> None:
    """Nobody reports the end of what was never begun."""
    approval = client.ask(ACTION, ASK)
    with pytest.raises(NotClaimed):
        client.result(approval, "succeeded")


@pytest.mark.parametrize(
    "checkpoint, culprit",
    [
        ({"when": {1, 2}}, r"checkpoint\.when is a set"),
        ({"a": [1, (2, 3)]}, r"checkpoint\.a\[1\] is a tuple"),
        ({"a": {7: "x"}}, r"checkpoint\.a has the key 7"),
        (float("nan"), "checkpoint is nan"),
        ([float("inf")], r"checkpoint\[0\] is inf"),
        (b"bytes", "checkpoint is a bytes"),
        ({"a": "\ud800"}, "lone surrogate"),
    ],
)
def test_a_checkpoint_that_would_not_come_back_is_refused(client: Sayso, checkpoint: object, culprit: str) -> None:
    """What JSON cannot give back is refused before anything is sent, and the error names the place (docs/rules.md: B5)."""
    with pytest.raises(NotRestorable, match=culprit):
        client.ask(ACTION, ASK, checkpoint=checkpoint)
    assert not (client.state_dir / "open").exists()


def test_a_checkpoint_that_contains_itself_is_refused(client: Sayso) -> None:
    """A circle has no JSON."""
    circle: dict[str, object] = {}
    circle["self"] = circle
    with pytest.raises(NotRestorable, match="contains itself"):
        client.ask(ACTION, ASK, checkpoint=circle)


def test_an_incomplete_checkpoint_cannot_be_made() -> None:
    """The typed checkpoint insists on every part that a resumed workflow needs (docs/rules.md: B5)."""
    with pytest.raises(ValueError, match="completed_steps"):
        Checkpoint.model_validate({"workflow_id": "w", "step_index": 1, "pending_action": "a", "context": {}})


def test_only_one_of_many_threads_runs_it() -> None:
    """However many threads execute one approval at once, one gets in."""
    fake = FakeSayso()
    fake.approve_all()
    approval = fake.wait(fake.ask(ACTION, ASK))
    ran: list[str] = []
    refused: list[Exception] = []
    barrier = threading.Barrier(6)

    def work() -> None:
        barrier.wait()
        try:
            ran.append(fake.execute(approval).__enter__().idempotency_key)
        except MayHaveRun as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ran), len(refused)) == (1, 5)
