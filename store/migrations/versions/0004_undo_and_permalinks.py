"""What people undid, until when they may, sessions that only read, and links to messages"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and two indexes."""
    for name in ("clock_undo_until", "clock_roll_back_by", "undone_at", "reverted_at"):
        op.add_column("approvals", sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("approvals", sa.Column("undo", JsonText(), nullable=True))
    op.add_column("outbox", sa.Column("permalink", sa.Text(), nullable=True))
    _index("ix_approvals_undone", ["agent_id", "created_at"], "undone_at IS NOT NULL")
    _index("ix_approvals_taken_over", ["agent_id", "session_id"], "state = 'taken_over'")


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, "approvals", columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
