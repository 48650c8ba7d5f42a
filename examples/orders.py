"""The refund agent's own database: orders, complaints, and a ledger in which one key is paid once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

SCHEMA = """
CREATE TABLE orders (
    id          INTEGER PRIMARY KEY,
    customer    TEXT NOT NULL,
    item        TEXT NOT NULL,
    paid_cents  INTEGER NOT NULL CHECK (paid_cents > 0),
    ordered_on  TEXT NOT NULL
);
CREATE TABLE cases (
    id            INTEGER PRIMARY KEY,
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    wish          TEXT NOT NULL CHECK (wish IN ('refund', 'refund_today', 'close_account')),
    claimed_cents INTEGER NOT NULL,
    complaint     TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'new',
    attempts      INTEGER NOT NULL DEFAULT 0,
    note          TEXT NOT NULL DEFAULT ''
);
CREATE TABLE ledger (
    id              INTEGER PRIMARY KEY,
    order_id        INTEGER NOT NULL REFERENCES orders (id),
    amount_cents    INTEGER NOT NULL CHECK (amount_cents > 0),
    idempotency_key TEXT NOT NULL UNIQUE,
    approval_id     TEXT NOT NULL,
    decided_by      TEXT NOT NULL,
    written_by_pid  INTEGER NOT NULL,
    written_at      TEXT NOT NULL
);
"""
CASES = """
SELECT cases.id, order_id, wish, claimed_cents, complaint, attempts, customer, item, paid_cents, ordered_on
FROM cases JOIN orders ON orders.id = cases.order_id
"""
# order, customer, item, paid, days ago, wish, complaint. The first six are one for each way a request can go.
SAMPLES = (
    (1041, "mia@example.com", "Phone case, clear", 1200, 6, "refund", "Cracked on arrival, see the photo."),
    (1042, "jonas@example.com", "Wireless headphones", 18000, 9, "refund", "The left side is silent since day two."),
    (1043, "studio-nord@example.com", "Camera body and lens", 480000, 12, "refund", "The shutter sticks; sent back."),
    (1044, "events@example.com", "Conference system, 40 seats", 1250000, 20, "refund", "We ordered the wrong size."),
    (1045, "lena@example.com", "Desk lamp", 5900, 41, "close_account", "Please delete my account and all my data."),
    (1046, "omar@example.com", "Weekend rail pass", 9500, 1, "refund_today", "The line is closed, I cannot travel."),
    (1047, "paula@example.com", "Running shoes", 12900, 5, "refund", "Two left shoes in the box."),
    (1048, "noor@example.com", "USB cable, 2 m", 1800, 3, "refund", "It does not charge."),
    (1049, "atelier@example.com", "Sewing machine", 73000, 8, "refund", "The motor smells burnt."),
    (1050, "tom@example.com", "Concert ticket", 6400, 2, "refund_today", "The concert tonight was called off."),
    (1051, "iris@example.com", "Office chair", 34900, 15, "refund", "The gas spring gave in after a week."),
    (1052, "kai@example.com", "Board game", 3900, 4, "refund", "Half of the cards are missing."),
    (1053, "zoe@example.com", "Espresso machine", 61900, 11, "refund", "It leaks at the group head."),
    (1054, "ben@example.com", "Ferry ticket", 8800, 1, "refund_today", "The ferry does not run in this storm."),
    (1055, "rosa@example.com", "Winter coat", 21500, 7, "refund", "The zip broke on the first day."),
    (1056, "hugo@example.com", "Tablet, 11 inch", 52900, 13, "refund", "The screen flickers."),
)


class NotRefundable(Exception):
    """The order does not allow this refund; nothing was written."""


@dataclass(frozen=True, slots=True)
class Case:
    """One complaint with its order. `attempts` counts how often people were asked about it."""

    id: int
    order_id: int
    wish: str
    claimed_cents: int
    complaint: str
    attempts: int
    customer: str
    item: str
    paid_cents: int
    ordered_on: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger row: what was paid back, on whose word, and by which process."""

    id: int
    order_id: int
    amount_cents: int
    decided_by: str
    written_by_pid: int


class Orders:
    """The database at `path`, with the samples where there was none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self._create()

    def new_cases(self, limit: int) -> list[Case]:
        """Complaints that nobody was asked about, oldest first."""
        return self._cases("WHERE cases.state = 'new' ORDER BY cases.id LIMIT ?", limit)

    def case(self, case_id: int) -> Case:
        """One complaint. Raises LookupError."""
        found = self._cases("WHERE cases.id = ?", case_id)
        if not found:
            raise LookupError(f"there is no case {case_id}")
        return found[0]

    def asked(self, case: Case) -> None:
        """People or policy were asked about this complaint, once more."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE cases SET attempts = attempts + 1, state = CASE state WHEN 'new' THEN 'asked' ELSE state END "
                "WHERE id = ? AND attempts = ?",
                (case.id, case.attempts),
            )

    def close(self, case_id: int, state: str, note: str) -> None:
        """Keep how a complaint ended ('new' opens it again), and what people said about it."""
        with self._writing() as connection:
            connection.execute("UPDATE cases SET state = ?, note = ? WHERE id = ?", (state, note, case_id))

    def note(self, order_id: int) -> str:
        """What was kept with the order's latest complaint."""
        query = "SELECT note FROM cases WHERE order_id = ? ORDER BY id DESC LIMIT 1"
        with self._reading() as connection:
            found = connection.execute(query, (order_id,)).fetchone()
            return str(found["note"]) if found else ""

    def refunded(self, order_id: int) -> int:
        """Cents paid back for an order so far."""
        with self._reading() as connection:
            return _refunded(connection, order_id)

    def ledger(self) -> list[Entry]:
        """Every ledger row, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT id, order_id, amount_cents, decided_by, written_by_pid FROM ledger ORDER BY id"
            )
            return [Entry(*row) for row in rows]

    def refund(
        self,
        order_id: int,
        customer: str,
        cents: int,
        *,
        key: str,
        case_id: int,
        approval_id: str,
        decided_by: str,
    ) -> int:
        """Pay once per key and close the complaint, in one transaction; returns the ledger entry's id.

        The same key again changes nothing and returns the first entry. Raises NotRefundable.
        """
        with self._writing() as connection:
            known = connection.execute("SELECT id FROM ledger WHERE idempotency_key = ?", (key,)).fetchone()
            if known:
                return int(known["id"])
            _check(connection, order_id, customer, cents)
            entry = connection.execute(
                "INSERT INTO ledger (order_id, amount_cents, idempotency_key, approval_id, decided_by, written_by_pid,"
                " written_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (order_id, cents, key, approval_id, decided_by, os.getpid(), datetime.now(UTC).isoformat()),
            ).lastrowid
            connection.execute("UPDATE cases SET state = 'refunded' WHERE id = ?", (case_id,))
            assert entry is not None
            return entry

    def _cases(self, where: str, value: int) -> list[Case]:
        with self._reading() as connection:
            return [Case(*row) for row in connection.execute(CASES + where, (value,))]

    def _create(self) -> None:
        """Built aside and moved into place, so that a half-made file is never taken for the real one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with closing(sqlite3.connect(draft)) as connection:
            connection.executescript(SCHEMA)
            for order_id, customer, item, paid, days, wish, complaint in SAMPLES:
                ordered_on = (datetime.now(UTC) - timedelta(days=days)).date().isoformat()
                connection.execute(
                    "INSERT INTO orders VALUES (?, ?, ?, ?, ?)", (order_id, customer, item, paid, ordered_on)
                )
                connection.execute(
                    "INSERT INTO cases (order_id, wish, claimed_cents, complaint) VALUES (?, ?, ?, ?)",
                    (order_id, wish, paid, complaint),
                )
            connection.commit()
        os.replace(draft, self.path)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock from its start, so that what it read still holds at its end."""
        with self._reading() as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def dollars(cents: int) -> str:
    """Cents as people write them."""
    return f"${cents / 100:,.2f}"


def _check(connection: sqlite3.Connection, order_id: int, customer: str, cents: int) -> None:
    order = connection.execute("SELECT customer, paid_cents FROM orders WHERE id = ?", (order_id,)).fetchone()
    if order is None or order["customer"] != customer:
        raise NotRefundable(f"{customer} has no order {order_id}")
    left = order["paid_cents"] - _refunded(connection, order_id)
    if not 0 < cents <= left:
        raise NotRefundable(f"{dollars(cents)} cannot be refunded: {dollars(left)} of order {order_id} are left")


def _refunded(connection: sqlite3.Connection, order_id: int) -> int:
    query = "SELECT coalesce(sum(amount_cents), 0) FROM ledger WHERE order_id = ?"
    return int(connection.execute(query, (order_id,)).fetchone()[0])
