"""The client's promises, kept by the real server with people tapping in the playground."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from client.conformance import Conformance, Rig
from support.office import Office

from sayso import Sayso


class Tapping:
    """A reviewer who taps real cards and fills real forms."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def _card(self, approval_id: str) -> Any:
        return self.office.slack.expect_card(approval_id=approval_id)

    def _form(self, approval_id: str, verb: str, note: str | None = None, **values: str) -> None:
        form = self.office.form("U0ALICE", self._card(approval_id), verb)
        for name, value in values.items():
            form.fill(name, value)
        if note is not None:
            form.fill("note", note)
        assert self.office.person("U0ALICE").submit(form).ok

    def approve(self, approval_id: str, note: str | None = None) -> None:
        assert self.office.person("U0ALICE").click(self._card(approval_id), "approve").ok

    def edit(self, approval_id: str, params: dict[str, Any], note: str | None = None) -> None:
        changed = {f"param:{name}": str(value) for name, value in params.items()}
        self._form(approval_id, "edit", note, **changed)

    def reject(self, approval_id: str, note: str) -> None:
        self._form(approval_id, "reject", reason=note)

    def choose(self, approval_id: str, choice: str) -> None:
        assert self.office.person("U0ALICE").click(self._card(approval_id), "choose", choice).ok

    def answer(self, approval_id: str, text: str) -> None:
        self._form(approval_id, "answer", answer=text)

    def request_info(self, approval_id: str, question: str) -> None:
        self._form(approval_id, "request_info", question=question)

    def take_over(self, approval_id: str) -> None:
        self._form(approval_id, "take_over")

    def stop(self) -> None:
        self.office.person("U0ADMIN").command("/sayso", "stop")

    def start(self) -> None:
        self.office.person("U0ADMIN").command("/sayso", "start")

    def set_session(self, session_id: str, state: str) -> None:
        word = {"paused": "pause", "running": "resume", "cancelled": "cancel"}[state]
        self.office.person("U0ADMIN").command("/sayso", f"{word} {session_id}")


class TestRealServer(Conformance):
    """`Sayso` against the real app, on both databases."""

    @pytest.fixture
    def rig(self, office: Office, tmp_path: Path) -> Iterator[Rig]:
        made: list[Sayso] = []
        office.agent_called("helper")

        def client(folder: str = "mine") -> Sayso:
            token = office.agent.http.headers["authorization"].removeprefix("Bearer ")
            made.append(Sayso(str(office.agent.http.base_url), token, state_dir=tmp_path / folder))
            return made[-1]

        yield Rig(client(), Tapping(office), client, lambda: client("other"))
        for one in made:
            one.close()
