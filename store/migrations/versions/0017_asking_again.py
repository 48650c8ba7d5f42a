"""Asking again: what a request asks for, what it repeats, and further keys of one that is open"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three columns, two indexes and a table."""
    op.add_column("approvals", sa.Column("asked_as", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("again", JsonText(), nullable=True))
    op.add_column("approvals", sa.Column("step", sa.Text(), nullable=True))
    known, refused = sa.text("asked_as IS NOT NULL"), sa.text("state IN ('rejected', 'cancelled')")
    op.create_index(
        "ix_approvals_asked_as",
        "approvals",
        ["asked_as", "agent_id"],
        unique=False,
        sqlite_where=known,
        postgresql_where=known,
    )
    op.create_index(
        "ix_approvals_refused",
        "approvals",
        ["agent_id", "updated_at"],
        unique=False,
        sqlite_where=refused,
        postgresql_where=refused,
    )
    op.create_table(
        "approval_keys",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_approval_keys_agent_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_keys_approval_id")),
        sa.PrimaryKeyConstraint("agent_id", "key", name=op.f("pk_approval_keys")),
    )
