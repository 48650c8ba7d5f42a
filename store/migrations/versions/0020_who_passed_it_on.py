"""Who escalated an approval last, by hand"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column."""
    op.add_column("approvals", sa.Column("passed_on_by", sa.Text(), nullable=True))
