"""Reviews after the fact: who is asked, until when, and what they said"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three columns and an index."""
    op.add_column("approvals", sa.Column("clock_review_by", UtcDateTime(), nullable=True))
    op.add_column("approvals", sa.Column("review", JsonText(), nullable=True))
    op.add_column("approvals", sa.Column("reviewer", sa.Text(), nullable=True))
    where = sa.text("reviewer IS NOT NULL")
    op.create_index(
        "ix_approvals_reviewer", "approvals", ["reviewer"], unique=False, sqlite_where=where, postgresql_where=where
    )
