"""docs/client.md, executed."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from .server import TOKEN, Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "client.md"


@pytest.fixture
def busy_reviewer(server: Server) -> Iterator[None]:
    """Approves whatever is pending."""
    done = threading.Event()

    def review() -> None:
        while not done.wait(0.02):
            for row in list(server.book.rows.values()):
                if row["state"] == "pending":
                    server.book.decide(row["id"], "approved")

    thread = threading.Thread(target=review)
    thread.start()
    yield
    done.set()
    thread.join()


@pytest.fixture
def names(server: Server, busy_reviewer: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Everything the document defines, after every block of it has run in order."""
    monkeypatch.setenv("SAYSO_URL", server.url)
    monkeypatch.setenv("SAYSO_TOKEN", TOKEN)
    monkeypatch.setenv("SAYSO_STATE_DIR", str(tmp_path))
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S):
        exec(compile(block, str(DOCUMENT), "exec"), names)
    return names


def test_every_example_runs(names: dict[str, Any], server: Server) -> None:
    """The document's code runs from top to bottom, and pays what it says it pays."""
    assert [amount for _, amount, _ in names["paid"]] == [120, 120, 120]
    assert not [row for row in server.book.rows.values() if row["state"] == "claimed"]


def test_the_tool_loops_answer_every_call(names: dict[str, Any], server: Server) -> None:
    """Each loop answers each call under its id, with the outcome or with the reason why not."""
    params = {"customer": "alice@example.com", "amount_usd": 70}
    function = SimpleNamespace(name="process_refund", arguments=json.dumps(params))
    unknown = SimpleNamespace(name="launch", arguments="{}")
    calls = [SimpleNamespace(id="c1", function=function), SimpleNamespace(id="c2", function=unknown)]
    first, second = names["openai_tool_messages"](SimpleNamespace(tool_calls=calls), "run-9")
    assert (first["tool_call_id"], first["content"]) == ("c1", "receipt for alice@example.com")
    assert (second["tool_call_id"], "blocked" in second["content"]) == ("c2", True)
    use = SimpleNamespace(type="tool_use", id="u1", name="process_refund", input=params)
    turn = names["anthropic_tool_results"](SimpleNamespace(content=[SimpleNamespace(type="text"), use]), "run-9")
    assert [result["tool_use_id"] for result in turn["content"]] == ["u1"]
    result = names["mcp_tool_result"]("process_refund", params, "run-9", "r1")
    assert result["content"][0]["text"] == "receipt for alice@example.com"
