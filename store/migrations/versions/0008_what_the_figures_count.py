"""When an SLA was missed first, and indexes for the figures of the last days"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column and three indexes; what was missed before is not known."""
    op.add_column("approvals", sa.Column("breached_at", UtcDateTime(), nullable=True))
    op.create_index("ix_approvals_created", "approvals", ["created_at", "route"], unique=False)
    where = sa.text("breached_at IS NOT NULL")
    op.create_index(
        "ix_approvals_breached",
        "approvals",
        ["breached_at"],
        unique=False,
        sqlite_where=where,
        postgresql_where=where,
    )
    op.create_index("ix_decisions_at", "decisions", ["at"], unique=False)
