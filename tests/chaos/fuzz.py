"""Hostile input at every entrance: no case may end in a server error, an unexpected exception or a changed verdict.

Four fifths of the cases go to the real ASGI app on SQLite, in this process: valid requests with pieces exchanged,
removed, repeated or turned into something else, raw bytes, and signed and unsigned Slack payloads. The others go to
the strict JSON reader, the canonical form, the manifest loader, the card renderer and the verifier of the trail.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from sqlalchemy import select
from support.files import ACTIONS, write_manifest, write_roster
from support.servers import settings_of

from bot.acts.registry import approval_card
from bot.app import build
from playground.kit import Playground
from playground.signing import signature
from policies.approval import Approval
from policies.digest import canonical, digest_of
from policies.errors import SaysoError
from policies.files.manifest import load_manifest
from policies.strict_json import parse_object
from store import agents, approvals
from store.engine import Database
from store.tables import approvals as rows
from tests.chaos import tampering
from tests.chaos.places import Report, command_line, database_url

Json = dict[str, Any]
NASTY = (
    "", " ", "\x00", "a" * 70_000, "‮evil", "\ud800", "<!channel>", "*_~`&<>|", "{{ 7*7 }}", "{% raw %}", "'; DROP TABLE audit;--",
    "../../etc/passwd", "🙂" * 300, "1e400", "NaN", "null", "true", "%00", "\r\nX: y", "﷽", "İ", "ﬀ",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 0.1, -0.0, 1e308, 5e-324, 1.5)
KEYS = (
    "action", "params", "reason", "kind", "question", "choices", "risks", "alternatives", "expected_outcome", "completed_steps",
    "session_id", "checkpoint", "evidence", "confidence", "confidence_basis", "uncertainty_factors", "recommended_review",
    "risk_score", "urgency", "on_behalf_of", "delegated_from", "callback_url", "nonce", "outcome", "detail", "text", "label",
)  # fmt: skip


ANSWER_SECONDS = 20.0


class Random:
    """Where mutations come from."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)

    def value(self, depth: int = 3) -> Any:
        """Any JSON value, harmless or not."""
        kind = self.r.randrange(9 if depth else 6)
        match kind:
            case 0:
                return self.r.choice(NASTY)
            case 1:
                return self.r.choice(NUMBERS)
            case 2:
                return self.r.choice((None, True, False))
            case 3 | 4:
                return "".join(
                    chr(self.r.choice((self.r.randrange(32, 127), self.r.randrange(0x2FF)))) for _ in range(6)
                )
            case 5:
                return self.r.randint(-1000, 1000)
            case 6:
                return [self.value(depth - 1) for _ in range(self.r.randrange(4))]
            case 7:
                return self.nested(self.r.choice((5, 31, 33, 200)))
        return {str(self.value(0))[:40]: self.value(depth - 1) for _ in range(self.r.randrange(4))}

    def nested(self, depth: int) -> Any:
        """Something deep."""
        value: Any = 1
        for _ in range(depth):
            value = [value] if self.r.random() < 0.5 else {"a": value}
        return value

    def changed(self, body: Json) -> Json:
        """The body with one to three pieces made different."""
        found = json.loads(json.dumps(body))
        for _ in range(self.r.randint(1, 3)):
            self._change(found)
        return found  # type: ignore[no-any-return]

    def _change(self, found: Json) -> None:
        holder: Any = found
        while True:
            inner = [value for value in _values(holder) if isinstance(value, dict | list) and value]
            if not inner or self.r.random() < 0.5:
                break
            holder = self.r.choice(inner)
        place = self.r.choice([*_places(holder), None])
        if place is None:
            if isinstance(holder, dict):
                holder[self.r.choice((*KEYS, str(self.value(0))[:40]))] = self.value()
            else:
                holder.append(self.value())
        elif self.r.random() < 0.2:
            del holder[place]
        else:
            holder[place] = self.value()

    def raw(self, body: Json) -> bytes:
        """The body's bytes, perhaps damaged."""
        text = json.dumps(body, ensure_ascii=self.r.random() < 0.5).encode("utf-8", "surrogatepass")
        match self.r.randrange(12):
            case 0:
                return self.r.randbytes(self.r.randrange(60))
            case 1:
                return text[: self.r.randrange(len(text) + 1)]
            case 2:
                at = self.r.randrange(len(text) + 1)
                return text[:at] + self.r.randbytes(2) + text[at:]
            case 3:
                return text.replace(b"{", b'{"action":"a","action":"b",', 1)
            case 4:
                return text.replace(b"1", self.r.choice((b"NaN", b"Infinity", b"1" * 5000, b"1e999")), 1)
        return text


def _values(holder: Any) -> list[Any]:
    return list(holder.values()) if isinstance(holder, dict) else list(holder)


def _places(holder: Any) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


ASKS: tuple[Json, ...] = (
    {"action": "process_refund", "params": {"customer": "ann@example.com", "amount_usd": 480}, "reason": "lost", "risks": ["r"]},
    {"action": "change_thing", "params": {"thing": "door", "n": 1, "deep": {"a": [1, 2, {"b": None}]}}, "confidence": 0.7},
    {"action": "remind", "params": {"thing": "x"}, "evidence": {"retrieval_hits": 3, "self_consistency": 0.9}, "urgency": "high"},
    {
        "action": "change_thing",
        "params": {},
        "kind": "choose",
        "question": "Which?",
        "choices": [{"id": "a", "label": "A"}, {"id": "b", "label": "B", "detail": "d"}],
        "session_id": "s",
        "checkpoint": {"workflow_id": "w", "step_index": 1},
    },
    {"action": "pay_twice", "params": {"thing": 1.0}, "on_behalf_of": "alice@example.com", "delegated_from": "nobody"},
    {"action": "suggest", "params": {"thing": "x"}, "uncertainty_factors": ["a", "b", "c"], "recommended_review": True},
)  # fmt: skip
VERBS: dict[str, Json] = {
    "claim": {"nonce": "nonce-one"},
    "result": {"nonce": "nonce-one", "outcome": "succeeded", "detail": "done"},
    "answer": {"text": "because"},
    "cancel": {},
    "label": {"label": "correct", "detail": "so"},
}


class App:
    """The real app, called without a network."""

    def __init__(self, folder: Path, url: str, slack: Playground) -> None:
        self.secret = slack.signing_secret
        many = {"creates_per_minute": 1_000_000, "pending": 1_000_000}
        env = slack.env | {
            "SAYSO_DATABASE_URL": url,
            "SAYSO_MANIFEST": str(write_manifest(folder, limits=many)),
            "SAYSO_ROSTER": str(write_roster(folder)),
            "SAYSO_SWEEP_SECONDS": "300",
        }
        self.database = Database(url, pool_size=4)
        self.token = self.database.run(lambda unit: agents.add(unit, "fuzz"))[1]
        self.app = build(settings_of(env), database=self.database, post_interval=3600.0)

    async def call(self, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]], body: bytes) -> int:
        """One request; its status."""
        statuses: list[int] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path, safe="/%", errors="replace").encode(),
            "root_path": "",
            "query_string": query.encode("latin-1", "replace"),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(sent, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self.app(scope, receive, send)
        return statuses[0]


class Requests:
    """Cases for the app."""

    def __init__(self, app: App, random_: Random, known: list[str]) -> None:
        self.app, self.random, self.known = app, random_, known

    def next(self) -> tuple[str, str, str, list[tuple[bytes, bytes]], bytes]:
        """One request: method, path, query, headers, body."""
        r = self.random.r
        kind = r.random()
        if kind < 0.45:
            body = self.random.raw(self.random.changed(r.choice(ASKS)))
            return "POST", r.choice(("/v1/approvals", "/v1/approvals", "/v1/route")), "", self._headers(), body
        if kind < 0.7:
            verb = r.choice(list(VERBS))
            body = self.random.raw(self.random.changed(VERBS[verb]) if r.random() < 0.8 else VERBS[verb])
            return "POST", f"/v1/approvals/{self._id()}/{verb}", "", self._headers(), body
        if kind < 0.8:
            query = "&".join(
                f"{name}={self._text()}" for name in ("state", "session_id", "cursor", "wait")[: r.randrange(4)]
            )
            path = r.choice(("/v1/approvals", f"/v1/approvals/{self._id()}", f"/v1/approvals/{self._id()}/checkpoint"))
            return "GET", path, query.replace("wait=", "x=") if path.count("/") == 3 else query, self._headers(), b""
        if kind < 0.87:
            body = self.random.raw(self.random.changed({"title": "t"}))
            return r.choice(("GET", "PUT")), f"/v1/sessions/{self._text()}", "", self._headers(), body
        return self._slack()

    def _id(self) -> str:
        return self.random.r.choice(self.known) if self.random.r.random() < 0.7 else self._text()

    def _text(self) -> str:
        return quote(str(self.random.value(0))[:200], safe="", errors="replace") or "x"

    def _headers(self) -> list[tuple[bytes, bytes]]:
        r = self.random.r
        token = self.app.token if r.random() < 0.95 else str(self.random.value(0))[:100]
        key = r.randbytes(6).hex() if r.random() < 0.9 else str(self.random.value(0))[:300]
        return [
            (b"authorization", f"Bearer {token}".encode("utf-8", "replace")),
            (b"idempotency-key", key.encode("utf-8", "replace")),
            (b"content-type", b"application/json"),
        ]

    def _slack(self) -> tuple[str, str, str, list[tuple[bytes, bytes]], bytes]:
        r = self.random.r
        payload: Json = {
            "type": r.choice(("block_actions", "view_submission", "shortcut", "message_action", "nothing")),
            "user": {"id": r.choice(("U0ALICE", "U0DAN", "U0GUEST")), "team_id": "T0PLAY"},
            "team": {"id": "T0PLAY"},
            "trigger_id": "1.2.3",
            "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0FINANCE"},
            "view": {
                "type": "modal",
                "callback_id": r.choice(("reject_modal", "edit_modal", "answer_modal", "choose_modal", "take_over_modal")),
                "private_metadata": f"{r.choice(self.known)}|{'0' * 64}",
                "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": "no"}}}},
            },
            "actions": [
                {
                    "type": "button",
                    "action_id": r.choice(("approve", "reject", "edit", "choose:a", "details", "batch_approve", "x")),
                    "block_id": "b",
                    "action_ts": "1.1",
                    "value": f"{r.choice(self.known)}|{'0' * 64}",
                }
            ],
            "message": {"ts": "1.1", "blocks": []},
        }  # fmt: skip
        if r.random() < 0.2:
            words = quote(str(self.random.value(0))[:100], errors="replace")
            text = (
                f"command=%2Fsayso&text={r.choice(('queue', 'mine', 'show', 'away', 'audit', 'tune', 'stop'))}+{words}"
            )
            body = f"{text}&user_id=U0ALICE&team_id=T0PLAY&channel_id=C0FINANCE&trigger_id=1".encode()
        else:
            body = b"payload=" + quote(self.random.raw(self.random.changed(payload))).encode()
        stamp = str(int(time.time()) - (0 if r.random() < 0.95 else 9999))
        sign = signature(self.app.secret, stamp, body) if r.random() < 0.9 else "v0=" + "0" * r.randrange(65)
        headers = [
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"x-slack-request-timestamp", stamp.encode() if r.random() < 0.97 else b"\xb2\xb2"),
            (b"x-slack-signature", sign.encode()),
        ]
        return "POST", "/slack/events", "", headers, body


# --- the pure entrances ----------------------------------------------------------------------------------------------


def strict_json(random_: Random, _template: Approval) -> None:
    """What is read is one object, the same as the standard library reads; what is not is refused in our own words."""
    raw = random_.raw(random_.changed(random_.r.choice(ASKS)))
    try:
        value = parse_object(raw)
    except SaysoError:
        return
    assert isinstance(value, dict)
    assert json.loads(canonical(value)) == value == json.loads(raw)


def digests(random_: Random, template: Approval) -> None:
    """A changed parameter is another digest; the same again is the same."""
    params = random_.changed({"a": {"b": [1, "x", None]}, "n": 1.5})
    facts: Json = {
        "approval_id": "a",
        "agent": "g",
        "action": "x",
        "policy_version": "v",
        "expires_at": template.created_at,
    }
    once = digest_of(params=params, **facts)
    assert once == digest_of(params=json.loads(json.dumps(params)), **facts)
    other = random_.changed(params)
    assert (digest_of(params=other, **facts) == once) == (canonical(other) == canonical(params))


def manifest(random_: Random, _template: Approval) -> None:
    """A manifest is taken or refused with words; never anything else."""
    document = {"version": 1, "actions": {"a": random_.changed(random_.r.choice(list(ACTIONS.values())))}}
    text = yaml.safe_dump(document, allow_unicode=random_.r.random() < 0.5)
    if random_.r.random() < 0.3:
        at = random_.r.randrange(len(text) + 1)
        text = (
            text[:at]
            + random_.r.choice(("&a ", "*a", "!!python/object:x ", "\t", "yes", "? ", "- ", "\x00", "<<: "))
            + text[at:]
        )
    try:
        load_manifest(text)
    except SaysoError:
        return


def renderer(random_: Random, template: Approval) -> None:
    """Any parameters make a card within Slack's limits, in which no text of the agent mentions or links."""
    params = random_.changed(random_.r.choice(ASKS)["params"] or {"x": 1})
    card = approval_card(replace(template, params=params, sentence=str(random_.value(0))[:500]))
    assert len(card.blocks) <= 50
    marked = [text for text in _marked(card.blocks) if "<!channel>" in text]
    assert not marked, marked


def _marked(value: Any) -> list[str]:
    """Every text in which Slack would read mentions and links."""
    if isinstance(value, dict) and value.get("type") == "mrkdwn":
        return [str(value["text"])]
    inner = _values(value) if isinstance(value, dict | list) else []
    return [text for item in inner for text in _marked(item)]


PURE: tuple[Callable[[Random, Approval], None], ...] = (strict_json, digests, manifest, renderer)


async def _through_app(app: App, random_: Random, cases: int, report: Report, counts: Counter[str]) -> Approval:
    async with app.app.router.lifespan_context(app.app):
        headers = [(b"authorization", f"Bearer {app.token}".encode()), (b"idempotency-key", b"template")]
        assert await app.call("POST", "/v1/approvals", "", headers, json.dumps(ASKS[0]).encode()) == 201
        for number, body in enumerate(ASKS):
            await app.call(
                "POST",
                "/v1/approvals",
                "",
                [headers[0], (b"idempotency-key", b"k%d" % number)],
                json.dumps(body).encode(),
            )
        ids = app.database.read(lambda unit: unit.execute(select(rows.c.id)).scalars().all())
        found = [app.database.read(partial(approvals.load, approval_id=name)) for name in ids]
        requests = Requests(app, random_, list(ids))
        for _ in range(cases):
            case = requests.next()
            try:
                status = await asyncio.wait_for(app.call(*case), ANSWER_SECONDS)
            except Exception as error:
                report.violations.append(f"{error!r} for {str(case)[:600]}")
                continue
            counts[f"{status // 100}xx"] += 1
            report.require(status < 500, f"{status} for {str(case)[:600]}")
        return next(approval for approval in found if approval and approval.pending)


def run(url: str, folder: Path, *, n: int, seed: int = 1) -> Report:
    """`n` cases."""
    report, counts, random_ = Report("fuzz"), Counter[str](), Random(seed)
    with Playground.start(bot_url="http://127.0.0.1:1") as slack:
        app = App(folder, url, slack)
        template = asyncio.run(_through_app(app, random_, n * 4 // 5, report, counts))
    trail = tampering.trail(folder)

    def verifier(random_: Random, _template: Approval) -> None:
        """Whatever is done to a trail is found, and nothing in it stops the verifier."""
        assert tampering.found(trail, random_.r) is not False

    pure = (*PURE, verifier)
    for number in range(n // 5):
        target = pure[number % len(pure)]
        state = random_.r.getstate()
        try:
            target(random_, template)
        except Exception as error:
            report.violations.append(f"{target.__name__}: {error!r} (case {number}, state {hash(state)})"[:500])
        counts[target.__name__] += 1
    report.figures |= {"cases": sum(counts.values())} | dict(sorted(counts.items()))
    return report


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    logging.disable(logging.CRITICAL)  # a refusal a line would be a hundred thousand lines
    with database_url("sqlite", folder) as url:
        return run(url, folder, n=arguments.n, seed=arguments.seed)


if __name__ == "__main__":
    command_line(_work, n=200_000, databases=False)
