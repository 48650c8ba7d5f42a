"""How often each action ran, and what went wrong, are found without reading the rest"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two indexes of what is claimed, and of what is not correct."""
    _index("ix_approvals_ran", "approvals", ["action", "created_at"], "claimed_at IS NOT NULL")
    _index("ix_labels_wrong", "labels", ["id"], "label <> 'correct'")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    there = sa.text(where)
    op.create_index(name, table, columns, unique=False, sqlite_where=there, postgresql_where=there)
