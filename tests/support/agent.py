"""An agent as thin as can be: HTTP and a token, nothing else between the test and the wire."""

from __future__ import annotations

import secrets
import ssl
from typing import Any

import httpx2

Json = dict[str, Any]
NONCE = "nonce-of-this-test"
TLS = ssl.create_default_context()  # costs more than most tests; nobody here speaks it


class Agent:
    """Calls `/v1` with its token. Methods that name a status assert it; `raw` asserts nothing."""

    def __init__(self, url: str, token: str, name: str = "demo") -> None:
        self.name, self.token = name, token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=90, verify=TLS)

    def raw(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """One request, whatever comes of it."""
        return self.http.request(method, f"/v1{path}", **options)

    def ask(
        self,
        action: str,
        params: Json | None = None,
        *,
        status: int = 201,
        key: str = "",
        again: bool = False,
        **body: Any,
    ) -> Json:
        """Create an approval: a step of its own, unless it is asked `again` without saying so."""
        sent = {"action": action, "params": params or {}, **body}
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        if not again:
            headers["Sayso-Step"] = key or secrets.token_hex(8)
        return self._json(self.raw("POST", "/approvals", json=sent, headers=headers), status)

    def refund(self, amount_usd: float = 480, customer: str = "ann@example.com", **body: Any) -> Json:
        """Ask for a refund, which at this size needs a person."""
        return self.ask("process_refund", {"customer": customer, "amount_usd": amount_usd}, **body)

    def see(self, approval: Json | str, wait: float | None = None, status: int = 200) -> Json:
        """The approval as it is now, or as soon as it moves on."""
        query = {"wait": str(wait)} if wait is not None else {}
        return self._json(self.raw("GET", f"/approvals/{_id(approval)}", params=query), status)

    def claim(self, approval: Json | str, nonce: str = NONCE, status: int = 200) -> Json:
        """Claim the grant."""
        return self._act(approval, "claim", status, nonce=nonce)

    def result(
        self, approval: Json | str, outcome: str = "succeeded", nonce: str = NONCE, status: int = 200, **more: Any
    ) -> Json:
        """Report what happened."""
        return self._act(approval, "result", status, nonce=nonce, outcome=outcome, **more)

    def answer(self, approval: Json | str, text: str, status: int = 200) -> Json:
        """Answer a reviewer's question."""
        return self._act(approval, "answer", status, text=text)

    def cancel(self, approval: Json | str, status: int = 200) -> Json:
        """Withdraw it."""
        return self._act(approval, "cancel", status)

    def delegate(self, approval: Json | str, agent: str, status: int = 200) -> Json:
        """Let another agent act under it."""
        return self._act(approval, "delegate", status, agent=agent)

    def label(self, approval: Json | str, word: str, status: int = 200) -> Json:
        """Say what turned out to be true."""
        return self._act(approval, "label", status, label=word)

    def session(self, name: str, status: int = 200) -> Json:
        """The session as people set it."""
        return self._json(self.raw("GET", f"/sessions/{name}"), status)

    def beat(self, name: str, title: str | None = None, status: int = 200) -> Json:
        """Register the session, or beat."""
        return self._json(self.raw("PUT", f"/sessions/{name}", json={"title": title} if title else {}), status)

    def listing(self, **query: str) -> Json:
        """One page of the own list."""
        return self._json(self.raw("GET", "/approvals", params=query), 200)

    def _act(self, approval: Json | str, verb: str, status: int, **body: Any) -> Json:
        return self._json(self.raw("POST", f"/approvals/{_id(approval)}/{verb}", json=body), status)

    @staticmethod
    def _json(answer: httpx2.Response, status: int) -> Json:
        assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:500]}"
        body: Json = answer.json()
        return body

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()


def _id(approval: Json | str) -> str:
    return approval if isinstance(approval, str) else str(approval["id"])
