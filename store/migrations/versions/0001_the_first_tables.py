"""The first tables"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "absences",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_absences")),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("name", name=op.f("uq_agents_name")),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        sa.UniqueConstraint("prev_hash", name="uq_audit_prev_hash"),
    )
    op.create_index("ix_audit_approval", "audit", ["approval_id"], unique=False)
    op.create_index("ix_audit_session", "audit", ["session_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("facts", JsonText(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_people")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policy_versions")),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", JsonText(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switches")),
    )
    op.create_table(
        "usergroups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("members", JsonText(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usergroups")),
    )
    op.create_table(
        "agent_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_agent_tokens_agent_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_agent_tokens")),
    )
    op.create_index("ix_agent_tokens_agent_id", "agent_tokens", ["agent_id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("checkpoint", JsonText(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=True),
        sa.Column("aggregate_key", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("why", JsonText(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("assigned_at", UtcDateTime(), nullable=True),
        sa.Column("assigned_why", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("reached_roles", JsonText(), nullable=False),
        sa.Column("asked", JsonText(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("clock_due_at", UtcDateTime(), nullable=True),
        sa.Column("clock_remind_at", UtcDateTime(), nullable=True),
        sa.Column("clock_expires_at", UtcDateTime(), nullable=True),
        sa.Column("clock_claim_by", UtcDateTime(), nullable=True),
        sa.Column("clock_paused_at", UtcDateTime(), nullable=True),
        sa.Column("wake_at", UtcDateTime(), nullable=True),
        sa.Column("info_request", JsonText(), nullable=True),
        sa.Column("exchange", JsonText(), nullable=False),
        sa.Column("decision", JsonText(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("nonce_hash", sa.Text(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("outcome_detail", sa.Text(), nullable=True),
        sa.CheckConstraint("route IN ('auto', 'ask', 'deny', 'block')", name=op.f("ck_approvals_route")),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'edited', 'chosen', 'answered', 'rejected', 'taken_over', 'handed_back', 'expired', 'cancelled', 'blocked', 'denied', 'claimed', 'succeeded', 'failed', 'outcome_unknown')",
            name=op.f("ck_approvals_state"),
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_approvals_version")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_approvals_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("agent_id", "idempotency_key", name="uq_approvals_idempotency"),
    )
    op.create_index("ix_approvals_agent_created", "approvals", ["agent_id", "created_at"], unique=False)
    op.create_index(
        "ix_approvals_aggregate",
        "approvals",
        ["agent_id", "action", "aggregate_key", "created_at"],
        unique=False,
        sqlite_where=sa.text("amount_micros IS NOT NULL"),
        postgresql_where=sa.text("amount_micros IS NOT NULL"),
    )
    op.create_index("ix_approvals_assigned", "approvals", ["assignee", "assigned_at"], unique=False)
    op.create_index("ix_approvals_decided", "approvals", ["decided_by", "decided_at"], unique=False)
    op.create_index(
        "ix_approvals_failures",
        "approvals",
        ["agent_id", "finished_at"],
        unique=False,
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_approvals_open_by_agent",
        "approvals",
        ["agent_id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_approvals_open_by_assignee",
        "approvals",
        ["assignee"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_approvals_session", "approvals", ["session_id", "created_at"], unique=False)
    op.create_index(
        "ix_approvals_wake",
        "approvals",
        ["wake_at"],
        unique=False,
        sqlite_where=sa.text("wake_at IS NOT NULL"),
        postgresql_where=sa.text("wake_at IS NOT NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'paused', 'cancelled')", name=op.f("ck_sessions_state")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_sessions_agent_id")),
        sa.PrimaryKeyConstraint("agent_id", "id", name=op.f("pk_sessions")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_decisions_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("approval_id", "digest", "by", name="uq_decisions_once_each"),
    )
    op.create_index("ix_decisions_by_at", "decisions", ["by", "at"], unique=False)
    op.create_table(
        "labels",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("label IN ('correct', 'incident', 'reverted')", name=op.f("ck_labels_label")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_labels_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint("approval_id", "label", "by", name="uq_labels_once"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread_of", sa.Text(), nullable=True),
        sa.Column("facts", JsonText(), nullable=False),
        sa.Column("face", sa.Text(), server_default="live", nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), server_default="0", nullable=False),
        sa.Column("slack_channel", sa.Text(), nullable=True),
        sa.Column("slack_ts", sa.Text(), nullable=True),
        sa.Column("unsure", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("face IN ('live', 'moved')", name=op.f("ck_outbox_face")),
        sa.CheckConstraint("kind IN ('card', 'notice')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint("shown <= wanted", name=op.f("ck_outbox_shown")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_outbox_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name="uq_outbox_dedupe"),
    )
    op.create_index("ix_outbox_approval", "outbox", ["approval_id"], unique=False)
    op.create_index(
        "ix_outbox_next",
        "outbox",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    _guard_audit()


# One call takes the chain's lock and adds rows: the lock is held for one round trip less, and each statement of the
# function sees what was committed before the lock was granted.
_APPEND = """
CREATE FUNCTION sayso_append_audit(approvals text[], sessions text[], lines text[]) RETURNS void LANGUAGE plpgsql AS $$
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
        INSERT INTO audit (seq, approval_id, session_id, line, prev_hash, hash)
        VALUES (place, approvals[i], sessions[i], lines[i], previous, following);
        previous := following;
    END LOOP;
END $$
"""


def _guard_audit() -> None:
    """Rows can only be added to the audit trail, and the first one begins the chain."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION sayso_sha256(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE "
            "AS $$ SELECT encode(sha256(convert_to(value, 'UTF8')), 'hex') $$"
        )
        op.execute(
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
        op.execute(_APPEND)
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            )
        op.execute(
            # REPLACE deletes without firing the trigger above.
            "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit "
            "WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq OR prev_hash = NEW.prev_hash) "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )
    genesis = "0" * 64
    first = hashlib.sha256(f"{genesis}\n0\n{{}}".encode()).hexdigest()
    op.execute(f"INSERT INTO audit (seq, line, prev_hash, hash) VALUES (0, '{{}}', '{genesis}', '{first}')")  # noqa: S608
