"""Indexes for what a card remembers: requests for the same target, and how people decided of late"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two indexes."""
    of_target = sa.text("aggregate_key IS NOT NULL")
    op.create_index(
        "ix_approvals_target",
        "approvals",
        ["action", "aggregate_key", "created_at"],
        unique=False,
        sqlite_where=of_target,
        postgresql_where=of_target,
    )
    by_people = sa.text("decided_by IS NOT NULL AND decided_by <> 'policy'")
    op.create_index(
        "ix_approvals_by_people",
        "approvals",
        ["action", "decided_at"],
        unique=False,
        sqlite_where=by_people,
        postgresql_where=by_people,
    )
