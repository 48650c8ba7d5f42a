"""Approvals to measure with: one made by the real use case, then as many copies as a measurement needs; taps on them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

from sqlalchemy import Table, text, update

from bot.acts.registry import approval_card
from bot.render import cards
from bot.service import submit
from bot.service.authorization import Tap
from bot.service.context import Book, Directory, PersonFacts, World
from policies.approval import Approval, digest_of_approval
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from store import agents, tables
from store.audit import entry_of
from store.engine import Database
from store.unit import Unit
from tests.bench.load import post
from tests.bench.stack import MANIFEST, ROSTER, SECRET
from tests.bench.standin import TEAM

REVIEWER = "U0ALICE"


def world_on(database: Database) -> World:
    """The world of the benchmark's manifest and people on `database`."""
    people = {user: PersonFacts(user, team=TEAM) for user in ("U0ALICE", "U0BOB", "U0CAROL", "U0ADMIN")}
    book = Book(load_manifest(MANIFEST), load_roster(ROSTER))
    return World(database, book, Directory(people, home_team=TEAM))


def ask_body(customer: str = "alice@example.com") -> bytes:
    """A request for a refund that a person has to see."""
    body = {
        "action": "process_refund",
        "params": {"customer": customer, "amount_usd": 480, "order_id": "A-1009"},
        "reason": "The parcel was lost and the customer asks for the money back.",
        "risks": ["The parcel may still turn up."],
        "session_id": "conversation-17",
    }
    return json.dumps(body).encode()


def agent_token(database: Database, name: str = "bench") -> str:
    """A new agent's token."""
    return database.run(lambda unit: agents.add(unit, name))[1]


def one_pending(world: World, token: str, key: str = "template") -> Approval:
    """A pending approval, made as an agent makes one."""
    made = submit.submit(world, agents.token_hash(token), key, ask_body()).approval
    assert made.pending, made.state
    return made


_SERIES = "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < :count - 1) "


def _copying(table: Table, replaced: dict[str, str], where: str) -> str:
    names = [column.name for column in table.c if not (column.autoincrement is True and column.primary_key)]
    values = [replaced.get(name, f'"{name}"') for name in names]
    quoted = ", ".join(f'"{name}"' for name in names)
    columns = f"INSERT INTO {table.name} ({quoted}) {_SERIES}SELECT {', '.join(values)} "
    return f"{columns} FROM {table.name}, series WHERE {where}"


def copies(
    database: Database,
    template: Approval,
    prefix: str,
    count: int,
    *,
    cards: bool = True,
    changed: Mapping[str, str] | None = None,
) -> list[str]:
    """`count` more approvals like `template`, with their card's outbox row; ids are `prefix` and a number.

    `changed` are columns with the SQL expressions they take instead.
    """
    new_id = "CAST(:prefix AS TEXT) || CAST(n AS TEXT)"
    values = {"prefix": prefix, "count": count, "template": template.id}
    replaced = {"id": new_id, "idempotency_key": new_id} | dict(changed or {})
    wanted = [_copying(tables.approvals, replaced, "id = :template")]
    if cards:
        dedupe = rf"'card\:' || {new_id} || '\:1'"
        replaced = {"approval_id": new_id, "dedupe_key": dedupe}
        wanted.append(_copying(tables.outbox, replaced, "approval_id = :template"))
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for statement in wanted:
            connection.execute(text(statement), values)
    settled(database)
    return [f"{prefix}{number}" for number in range(count)]


def copied(template: Approval, name: str) -> Approval:
    """The template as the copy of that id is, with the digest of its own."""
    copy = replace(template, id=name)
    return replace(copy, digest=digest_of_approval(copy))


def witnessed(database: Database, template: Approval, ids: list[str]) -> list[str]:
    """The same copies, each with its own digest and the beginning of a trail: nothing else is ever approved."""
    rows = tables.approvals

    def record(unit: Unit) -> None:
        for copy in (copied(template, name) for name in ids):
            unit.execute(update(rows).where(rows.c.id == copy.id).values(digest=copy.digest))
            unit.record(entry_of(copy, "requested", unit.now, "agent"))

    database.run(record)
    return ids


def many(
    database: Database, template: Approval, prefix: str, count: int, *, changed: Mapping[str, str] | None = None
) -> None:
    """A great many thin approvals, none due: the indexes are built afterwards, as a bulk load does."""
    thin = (
        dict.fromkeys(("request", "params", "why", "reached_roles", "asked"), "'[]'")
        | {"policy": "NULL"}
        | dict(changed or {})
    )
    indexes = sorted(tables.approvals.indexes, key=lambda index: str(index.name))
    for index in indexes:
        index.drop(database.engine)
    copies(database, template, prefix, count, cards=False, changed=thin)
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for index in indexes:
            index.create(connection)
    settled(database)


def settled(database: Database) -> None:
    """Let the database know its tables' sizes, as its own housekeeping would after a while."""
    if not database.sqlite:
        with database.engine.connect() as connection:
            automatic = connection.execution_options(isolation_level="AUTOCOMMIT")
            automatic.exec_driver_sql("VACUUM ANALYZE")


def tap_on(approval: Approval) -> Tap:
    """The reviewer's yes."""
    world = Directory({REVIEWER: PersonFacts(REVIEWER, team=TEAM)}, home_team=TEAM)
    return Tap(approval.id, approval.digest, world.actor(load_roster(ROSTER), REVIEWER, team=TEAM))


def payload(approval: Approval) -> bytes:
    """What Slack posts when the reviewer taps Approve on the card, in full."""
    card = approval_card(approval)
    button = {"type": "button", "action_id": "approve", "value": cards.button_value(approval), "block_id": "b"}
    body: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": REVIEWER, "username": "alice", "name": "alice", "team_id": TEAM},
        "api_app_id": "A0BENCH",
        "token": "unused",
        "team": {"id": TEAM, "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C0BENCH"},
        "trigger_id": "1.2.3",
        "channel": {"id": "C0BENCH", "name": "bench"},
        "state": {"values": {}},
        "response_url": "http://127.0.0.1:9/actions/T0BENCH/1/2",
        "actions": [button | {"action_ts": "1700000001.000100"}],
        "message": {"type": "message", "ts": "1700000000.000100", "blocks": card.blocks, "text": card.text},
    }
    return f"payload={quote_plus(json.dumps(body))}".encode()


def taps(approval: Approval, ids: Iterable[str]) -> list[bytes]:
    """Signed taps on the copies of `approval`."""
    body, stamp = payload(approval), str(int(time.time()))
    was, found = approval.digest.encode(), []
    for copy in (copied(approval, name) for name in ids):
        own = body.replace(approval.id.encode(), copy.id.encode()).replace(was, copy.digest.encode())
        found.append(signed(own, stamp))
    return found


def signed(body: bytes, stamp: str) -> bytes:
    """The POST of an interaction, signed as Slack signs."""
    basis = b"v0:" + stamp.encode() + b":" + body
    return post(
        "/slack/events",
        body,
        content_type="application/x-www-form-urlencoded",
        x_slack_request_timestamp=stamp,
        x_slack_signature="v0=" + hmac.new(SECRET.encode(), basis, hashlib.sha256).hexdigest(),
    )


def creates(tokens: list[str], prefix: str, count: int) -> list[bytes]:
    """`count` requests by the agents in turn, each for another customer."""
    return [
        post(
            "/v1/approvals",
            ask_body(f"{prefix}{number}"),
            content_type="application/json",
            authorization=f"Bearer {tokens[number % len(tokens)]}",
            idempotency_key=f"{prefix}{number}",
        )
        for number in range(count)
    ]
