"""In whose trace an agent asked, so that what happens later is told in the same one"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column."""
    op.add_column("approvals", sa.Column("trace", sa.Text(), nullable=True))
