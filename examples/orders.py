"""The refund agent's own database: orders, complaints, and a ledger in which one key stands once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

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
    wish          TEXT NOT NULL,
    claimed_cents INTEGER NOT NULL,
    complaint     TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'new',
    attempts      INTEGER NOT NULL DEFAULT 0,
    note          TEXT NOT NULL DEFAULT ''
);
CREATE TABLE ledger (
    id              INTEGER PRIMARY KEY,
    order_id        INTEGER NOT NULL REFERENCES orders (id),
    what            TEXT NOT NULL,
    amount_cents    INTEGER NOT NULL CHECK (amount_cents >= 0),
    idempotency_key TEXT NOT NULL UNIQUE,
    approval_id     TEXT NOT NULL,
    decided_by      TEXT NOT NULL,
    written_by_pid  INTEGER NOT NULL,
    written_at      TEXT NOT NULL,
    taken_back_at   TEXT
);
"""
CASES = """
SELECT cases.id, order_id, wish, claimed_cents, complaint, attempts, customer, item, paid_cents, ordered_on
FROM cases JOIN orders ON orders.id = cases.order_id
"""
LATER = "later"  # in the drawer: a complaint that comes when it is called for


class Sample(NamedTuple):
    """An order with its complaint."""

    order_id: int
    customer: str
    item: str
    paid: int
    claimed: int
    days_ago: int
    wish: str
    complaint: str
    state: str = "new"


SAMPLES = (
    Sample(1041, "mia@example.com", "Phone case, clear", 1200, 1200, 6, "refund", "Cracked on arrival, see the photo."),
    Sample(
        1042,
        "jonas@example.com",
        "Wireless headphones",
        18000,
        18000,
        9,
        "refund",
        "The left side is silent since day two.",
    ),
    Sample(
        1043,
        "studio-nord@example.com",
        "Camera body and lens",
        480000,
        480000,
        12,
        "refund",
        "The shutter sticks; sent back.",
    ),
    Sample(
        1044, "events@example.com", "Conference system", 1250000, 1250000, 20, "refund", "We ordered the wrong size."
    ),
    Sample(
        1045, "lena@example.com", "Desk lamp", 5900, 0, 41, "close_account", "Please delete my account and my data."
    ),
    Sample(
        1046,
        "omar@example.com",
        "Weekend rail pass",
        9500,
        9500,
        1,
        "refund_today",
        "The line is closed, I cannot travel.",
        LATER,
    ),
    Sample(1047, "paula@example.com", "Running shoes", 12900, 12900, 5, "refund", "Two left shoes in the box.", LATER),
    Sample(1049, "atelier@example.com", "Sewing machine", 73000, 73000, 8, "refund", "The motor smells burnt.", LATER),
    Sample(
        1050, "tom@example.com", "Concert ticket", 6400, 6400, 2, "refund_today", "The concert was called off.", LATER
    ),
    Sample(
        1051,
        "iris@example.com",
        "Office chair",
        34900,
        34900,
        15,
        "refund",
        "The gas spring gave in after a week.",
        LATER,
    ),
    Sample(
        1053, "gina@example.com", "Espresso machine", 61900, 61900, 11, "refund", "It leaks at the group head.", LATER
    ),
    Sample(
        1055, "rosa@example.com", "Winter coat", 21500, 21500, 7, "refund", "The zip broke on the first day.", LATER
    ),
    Sample(1061, "ada.n@example.com", "Notebook stand", 4900, 0, 90, "archive", "Thank you, it was solved."),
    Sample(1062, "finn@example.com", "Bicycle light", 2900, 0, 94, "archive", "Works again with a new battery."),
    Sample(1063, "cleo@example.com", "Tea kettle", 3900, 0, 97, "archive", "Never mind, I found the receipt."),
    Sample(1064, "ravi@example.com", "Rain jacket", 8900, 0, 99, "archive", "The neighbour had the parcel."),
    Sample(
        1071, "nora@example.com", "Kitchen, 14 parts", 620000, 240000, 30, "compensation", "Three weeks without a sink."
    ),
    Sample(1072, "kai@example.com", "Board game", 3900, 2000, 4, "voucher", "Half of the cards are missing."),
    Sample(1073, "zoe@example.com", "Garden chairs", 24900, 650, 21, "shipping", "The parcel came two weeks late."),
    Sample(1074, "zoe@example.com", "Garden table", 38900, 1250, 20, "shipping", "This one was late as well.", LATER),
    Sample(1075, "zoe@example.com", "Sunshade", 8900, 400, 19, "shipping", "And this one, too.", LATER),
    Sample(1081, "hugo@example.com", "Tablet, 11 inch", 52900, 0, 13, "settle", "The screen flickers.", LATER),
    Sample(1082, "ben@example.com", "Ferry ticket", 8800, 0, 1, "reply", "Does the ferry run in this storm?", LATER),
)


class NotAllowed(Exception):
    """The order does not allow this; nothing was written."""


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
    """One ledger row: what was done, on whose word, and by which process."""

    id: int
    order_id: int
    amount_cents: int
    decided_by: str
    written_by_pid: int
    what: str
    customer: str
    approval_id: str
    written_at: str
    taken_back: bool

    @property
    def told(self) -> str:
        """What was done, in words."""
        return f"{dollars(self.amount_cents)} {self.what}" if self.amount_cents else self.what


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to stand in the ledger. The same `key` again is the same deed."""

    order_id: int
    what: str
    cents: int
    key: str
    case_id: int
    approval_id: str
    decided_by: str


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

    def call(self, wish: str) -> None:
        """Let a further complaint of this sort come: from the drawer, or where that is empty like an earlier one."""
        with self._writing() as connection:
            waiting = connection.execute(
                "SELECT id FROM cases WHERE wish = ? AND state = ? ORDER BY id LIMIT 1", (wish, LATER)
            ).fetchone()
            if waiting:
                connection.execute("UPDATE cases SET state = 'new' WHERE id = ?", (waiting["id"],))
                return
            alike = [sample for sample in SAMPLES if sample.wish == wish]
            (came,) = connection.execute("SELECT count(*) FROM cases WHERE wish = ?", (wish,)).fetchone()
            (last,) = connection.execute("SELECT max(id) FROM orders").fetchone()
            _add(connection, alike[came % len(alike)]._replace(order_id=last + 1, state="new"))

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
                "SELECT ledger.id, order_id, amount_cents, decided_by, written_by_pid, what, customer, approval_id,"
                " written_at, taken_back_at IS NOT NULL FROM ledger JOIN orders ON orders.id = order_id ORDER BY ledger.id"
            )
            return [Entry(*row[:-1], bool(row[-1])) for row in rows]

    def record(self, deed: Deed, customer: str, *, within: bool = False) -> int:
        """Write the deed once per key and close its complaint, in one transaction; returns the ledger entry's id.

        The same key again changes nothing and returns the first entry. `within`: no more than what is left of the
        order's price. Raises NotAllowed.
        """
        with self._writing() as connection:
            known = connection.execute("SELECT id FROM ledger WHERE idempotency_key = ?", (deed.key,)).fetchone()
            if known:
                return int(known["id"])
            _check(connection, deed, customer, within)
            entry = connection.execute(
                "INSERT INTO ledger (order_id, what, amount_cents, idempotency_key, approval_id, decided_by,"
                " written_by_pid, written_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    deed.order_id,
                    deed.what,
                    deed.cents,
                    deed.key,
                    deed.approval_id,
                    deed.decided_by,
                    os.getpid(),
                    _now(),
                ),
            ).lastrowid
            connection.execute("UPDATE cases SET state = 'done' WHERE id = ?", (deed.case_id,))
            assert entry is not None
            return entry

    def take_back(self, approval_id: str) -> bool:
        """Mark what an approval let happen as taken back; False where there is nothing (any more) to take back."""
        with self._writing() as connection:
            return bool(
                connection.execute(
                    "UPDATE ledger SET taken_back_at = ? WHERE approval_id = ? AND taken_back_at IS NULL",
                    (_now(), approval_id),
                ).rowcount
            )

    def _cases(self, where: str, value: int) -> list[Case]:
        with self._reading() as connection:
            return [Case(*row) for row in connection.execute(CASES + where, (value,))]

    def _create(self) -> None:
        """Built aside and moved into place, so that a half-made file is never taken for the real one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with closing(sqlite3.connect(draft)) as connection:
            connection.executescript(SCHEMA)
            for sample in SAMPLES:
                _add(connection, sample)
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


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _add(connection: sqlite3.Connection, one: Sample) -> None:
    ordered_on = (datetime.now(UTC) - timedelta(days=one.days_ago)).date().isoformat()
    connection.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?)", (one.order_id, one.customer, one.item, one.paid, ordered_on)
    )
    connection.execute(
        "INSERT INTO cases (order_id, wish, claimed_cents, complaint, state) VALUES (?, ?, ?, ?, ?)",
        (one.order_id, one.wish, one.claimed, one.complaint, one.state),
    )


def _check(connection: sqlite3.Connection, deed: Deed, customer: str, within: bool) -> None:
    order = connection.execute("SELECT customer, paid_cents FROM orders WHERE id = ?", (deed.order_id,)).fetchone()
    if order is None or order["customer"] != customer:
        raise NotAllowed(f"{customer} has no order {deed.order_id}")
    left = order["paid_cents"] - _refunded(connection, deed.order_id)
    if within and not 0 < deed.cents <= left:
        raise NotAllowed(f"{dollars(deed.cents)} cannot be refunded: {dollars(left)} of order {deed.order_id} are left")


def _refunded(connection: sqlite3.Connection, order_id: int) -> int:
    query = "SELECT coalesce(sum(amount_cents), 0) FROM ledger WHERE order_id = ? AND taken_back_at IS NULL"
    return int(connection.execute(query, (order_id,)).fetchone()[0])
