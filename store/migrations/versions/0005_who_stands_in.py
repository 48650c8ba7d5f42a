"""Who stands in for somebody who is away"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column."""
    op.add_column("absences", sa.Column("delegate", sa.Text(), nullable=True))
