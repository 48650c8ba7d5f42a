"""Who was not notified yet and how often they were reminded, cards an hour, and the morning's list"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three columns and two tables."""
    op.add_column("approvals", sa.Column("clock_hush_until", UtcDateTime(), nullable=True))
    op.add_column("approvals", sa.Column("clock_reminders", sa.Integer(), nullable=True))
    op.add_column("approvals", sa.Column("named", sa.Text(), nullable=True))
    op.create_table(
        "asks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asks")),
    )
    op.create_index("ix_asks_user_at", "asks", ["user_id", "at"], unique=False)
    op.create_table(
        "mornings",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_mornings")),
    )
