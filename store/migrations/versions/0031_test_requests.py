"""Test requests: marked in their row, which then can never be granted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# With its check, which SQLite adds to a table only together with a column.
_COLUMN = (
    "ALTER TABLE approvals ADD COLUMN planted TEXT "
    "CONSTRAINT ck_approvals_planted CHECK (planted IS NULL OR state IN ('pending', 'cancelled'))"
)


def upgrade() -> None:
    """Add one column and two indexes."""
    op.execute(_COLUMN)
    there = sa.text("planted IS NOT NULL")
    for name, columns in (("ix_approvals_planted", ["action", "created_at"]), ("ix_approvals_tests", ["assignee"])):
        op.create_index(name, "approvals", columns, unique=False, sqlite_where=there, postgresql_where=there)
