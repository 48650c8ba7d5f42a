"""What agents and people wrote stands beside the trail's line, which holds its sum: it may go by its age, and nothing else"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import UtcDateTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_APPEND = """
CREATE FUNCTION sayso_append_audit(approvals text[], sessions text[], lines text[], texts text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    previous text;
    following text;
BEGIN
    PERFORM pg_advisory_xact_lock(5928272);
    SELECT seq, hash INTO STRICT place, previous FROM audit ORDER BY seq DESC LIMIT 1;
    FOR i IN 1 .. cardinality(lines) LOOP
        place := place + 1;
        following := sayso_sha256(previous || E'\\n' || place || E'\\n' || lines[i]);
        INSERT INTO audit (seq, approval_id, session_id, line, prev_hash, hash, texts)
        VALUES (place, approvals[i], sessions[i], lines[i], previous, following, texts[i]);
        previous := following;
    END LOOP;
END $$
"""
# A text may only be taken away, with everything else of its row as it was.
_GONE_ONLY = """
CREATE FUNCTION audit_loses_texts_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.texts IS NULL OR NEW.texts IS NOT NULL OR (NEW.seq, NEW.approval_id, NEW.session_id, NEW.line, NEW.prev_hash, NEW.hash)
        IS DISTINCT FROM (OLD.seq, OLD.approval_id, OLD.session_id, OLD.line, OLD.prev_hash, OLD.hash)
    THEN RAISE EXCEPTION 'the audit trail is append-only'; END IF;
    RETURN NEW;
END $$
"""
_KEPT = ("seq", "approval_id", "session_id", "line", "prev_hash", "hash")


def upgrade() -> None:
    """Add two columns and an index, and let go of texts alone."""
    op.add_column("audit", sa.Column("texts", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("removed_at", UtcDateTime(), nullable=True))
    there = sa.text("removed_at IS NULL")
    op.create_index(
        "ix_approvals_with_texts",
        "approvals",
        ["created_at"],
        unique=False,
        sqlite_where=there,
        postgresql_where=there,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_APPEND)
        op.execute(_GONE_ONLY)
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        op.execute(
            "CREATE TRIGGER audit_kept BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_loses_texts_only()"
        )
    else:
        same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _KEPT)
        op.execute("DROP TRIGGER audit_no_update")
        op.execute(
            "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
            f"WHEN NOT (OLD.texts IS NOT NULL AND NEW.texts IS NULL AND {same}) "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )
