"""What agents' callback addresses were told"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "callbacks",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("told <= wanted", name=op.f("ck_callbacks_told")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_callbacks_approval_id")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_callbacks")),
    )
    waiting = sa.text("next_at IS NOT NULL")
    op.create_index("ix_callbacks_next", "callbacks", ["next_at"], sqlite_where=waiting, postgresql_where=waiting)
