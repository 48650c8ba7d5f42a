"""Standing approvals: one yes for many, and what each let run"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, a column and two indexes."""
    op.create_table(
        "standings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("terms", JsonText(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_standings_agent_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_standings_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standings")),
        sa.UniqueConstraint("approval_id", name="uq_standings_approval"),
    )
    still = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_standings_open", "standings", ["agent_id", "action"], sqlite_where=still, postgresql_where=still
    )
    op.add_column("approvals", sa.Column("standing", sa.Text(), nullable=True))
    used = sa.text("standing IS NOT NULL")
    op.create_index(
        "ix_approvals_standing", "approvals", ["standing", "created_at"], sqlite_where=used, postgresql_where=used
    )
