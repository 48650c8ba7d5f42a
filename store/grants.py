"""The least that a server's role needs on PostgreSQL: what it never does, it may not do. The owner of the tables migrates."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from store import tables

VERSION_TABLE = "alembic_version"
_FUNCTIONS = ("sayso_append_audit(text[], text[], text[], text[])", "sayso_sha256(text)")
# Texts go by their age: a trigger sees to it that nothing else does.
_COLUMNS = {tables.audit.name: "UPDATE (texts)"}
# Rows of these are added and never changed; of all others they are changed too.
_ADDED_ONLY = frozenset(
    table.name
    for table in (
        tables.audit,
        tables.demotions,
        tables.labels,
        tables.disclosures,
        tables.replies,
        tables.approval_keys,
        tables.delegations,
        tables.delegates,
        tables.attempts,
        tables.asks,
        tables.policy_versions,
        tables.received,
    )
)
# What is over is taken out of these.
_DELETED = frozenset(
    table.name
    for table in (
        tables.attempts,
        tables.sessions,
        tables.switches,
        tables.delegates,
        tables.asks,
        tables.absences,
        tables.replies,
        tables.received,
        # With the texts of an approval go its callback and what its messages say.
        tables.callbacks,
        tables.outbox,
    )
)
# Beyond that where the manifest's retention.approvals_days takes whole approvals.
_RETAINED = frozenset(
    table.name
    for table in (
        tables.approvals,
        tables.decisions,
        tables.disclosures,
        tables.approval_keys,
        tables.delegations,
        tables.host_calls,
        tables.looks,
    )
)
_quoted = postgresql.dialect().identifier_preparer.quote_identifier  # type: ignore[no-untyped-call]


def script(role: str, schema: str, *, deleting: bool = False) -> str:
    """The SQL that leaves `role` with exactly that, in the schema where the tables are; for their owner to run.

    With `deleting` it may take whole approvals too, when they are over their time.
    """
    return "\n".join(["BEGIN;", *_statements(_quoted(role), _quoted(schema), deleting=deleting), "COMMIT;"])


def _statements(role: str, schema: str, *, deleting: bool) -> Iterator[str]:
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role};"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
    for function in _FUNCTIONS:
        yield f"GRANT EXECUTE ON FUNCTION {schema}.{function} TO {role};"
    yield f"GRANT SELECT ON {schema}.{VERSION_TABLE} TO {role};"
    for table in tables.metadata.sorted_tables:
        yield f"GRANT {', '.join(verbs_of(table, deleting=deleting))} ON {schema}.{_quoted(table.name)} TO {role};"
        if table.name in _COLUMNS:
            yield f"GRANT {_COLUMNS[table.name]} ON {schema}.{_quoted(table.name)} TO {role};"


def verbs_of(table: Table, *, deleting: bool = False) -> list[str]:
    """What a server does to a table."""
    changed = [] if table.name in _ADDED_ONLY else ["UPDATE"]
    goes = table.name in _DELETED or (deleting and table.name in _RETAINED)
    deleted = ["DELETE"] if goes else []
    return ["SELECT", "INSERT", *changed, *deleted]
