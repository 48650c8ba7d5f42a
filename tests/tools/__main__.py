"""Try a file of tool definitions, one JSON object a line, and print what became of each that is not as it should be."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import postgres
from support.office import Office

from policies.drafting import tools
from policies.drafting.draft import Draft, draft
from policies.files.manifest import load_manifest
from policies.lint.check import lint
from store import schema as migrations
from store.engine import Database
from tests.tools import journey
from tests.tools.values import fitting

Json = dict[str, Any]
BATCH_BYTES = 500_000  # of one manifest


def main() -> int:
    """0 where every tool loads or is refused in a line, and every value comes back to the byte."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--values", type=int, default=2, help="how many values of each tool go the whole way (2)")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both", "none"], default="both")
    parser.add_argument("--only", default="", help="names of tools that hold this")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [row for row in rows if args.only in row["name"]]
    drafts = _drafted(rows)
    kinds = {"both": ["sqlite", "postgresql"], "none": []}.get(args.database, [args.database])
    began = time.monotonic()
    wanted = {name: fitting(_schema(made), args.values) for name, made in drafts.items()} if kinds else {}
    if kinds:
        print(f"{sum(map(len, wanted.values()))} values generated in {time.monotonic() - began:.0f} s")
        for name in [name for name, values in wanted.items() if not values]:
            print(f"  {name}: no value that fits it could be generated")
    return max([_tried(kind, drafts, wanted) for kind in kinds], default=0)


def _drafted(rows: list[Json]) -> dict[str, Draft]:
    """Each tool by itself, under a name of its own; prints those that are refused."""
    drafts: dict[str, Draft] = {}
    refused = raw = 0
    for number, row in enumerate(rows):
        made = draft([tools.read(row)], source=str(row.get("source")), server=f"t{number}")
        if made.refused:
            is_raw = "raw" in str(row.get("source"))
            raw, refused = raw + is_raw, refused + (not is_raw)
            print(f"  refused{' (raw)' if is_raw else ''}: {made.refused[0]}")
            continue
        findings = lint(load_manifest(made.text), None)
        assert not [one for one in findings if one.severity == "error"], row["name"]
        drafts[f"{number} {row['name']}"] = made
    print(f"{len(rows)} tools: {len(drafts)} load and pass the check, {refused} refused in a line, and {raw} raw ones")
    return drafts


def _schema(made: Draft) -> Json:
    (action,) = load_manifest(made.text).file.actions.values()
    return action.params_schema or {}


def _tried(kind: str, drafts: dict[str, Draft], wanted: dict[str, list[Json]]) -> int:
    """Every value on one database; 1 where one did not come back to the byte."""
    forms: Counter[str] = Counter()
    lost = 0
    began = time.monotonic()
    for batch in _batches(drafts):
        with _office(kind, journey.manifest(batch)) as office:
            for name, made in batch.items():
                for value in wanted[name]:
                    (action,) = load_manifest(made.text).file.actions
                    try:
                        way = journey.walk(office, action, value)
                    except Exception as problem:
                        way = journey.Way(False, "none", f"{type(problem).__name__}: {str(problem)[:300]}")
                        office.person(journey.REVIEWER).close(True)
                    forms[way.form] += 1
                    lost += not way.claimed
                    if not way.claimed or way.form in ("changed", "refused"):
                        print(f"  {kind}, {name}: {'' if way.claimed else 'NOT THE SAME, '}form {way.form}: {way.told}")
    total = sum(forms.values())
    print(
        f"{kind}: {total - lost} of {total} values claimed to the byte in {time.monotonic() - began:.0f} s; "
        f"the edit form gave back {forms['same']} as they were, changed {forms['changed']}, refused {forms['refused']}, "
        f"had no field for {forms['none']}"
    )
    return int(bool(lost or forms["changed"]))


def _batches(drafts: dict[str, Draft]) -> Iterator[dict[str, Draft]]:
    batch: dict[str, Draft] = {}
    for name, made in drafts.items():
        if batch and sum(len(one.text) for one in batch.values()) + len(made.text) > BATCH_BYTES:
            yield batch
            batch = {}
        batch[name] = made
    if batch:
        yield batch


@contextmanager
def _office(kind: str, text: str) -> Iterator[Office]:
    with tempfile.TemporaryDirectory() as place, _database(kind, Path(place)) as url:
        office = Office(url, Path(place))
        office.manifest.write_text(text, encoding="utf-8")
        try:
            office.open()
            yield office
        finally:
            office.close()


@contextmanager
def _database(kind: str, place: Path) -> Iterator[str]:
    if kind == "sqlite":
        url = f"sqlite:///{place / 'sayso.db'}"
        database = Database(url, pool_size=1)
        migrations.upgrade(database)
        database.close()
        yield url
        return
    postgres.begin_run()
    try:
        with postgres.running().fresh() as url:
            yield url
    finally:
        postgres.end_run()


if __name__ == "__main__":
    raise SystemExit(main())
