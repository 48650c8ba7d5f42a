"""Indexes of what was never reported, of amounts that nobody could read, and of sessions that people stopped"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three indexes."""
    _index("ix_approvals_silent", "approvals", ["agent_id", "finished_at"], "state = 'outcome_unknown'")
    _index(
        "ix_approvals_unread",
        "approvals",
        ["agent_id", "action", "created_at"],
        "aggregate_key IS NOT NULL AND amount_micros IS NULL",
    )
    _index("ix_sessions_stopped", "sessions", ["agent_id", "at"], "state <> 'running'")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    only = sa.text(where)
    op.create_index(name, table, columns, unique=False, sqlite_where=only, postgresql_where=only)
