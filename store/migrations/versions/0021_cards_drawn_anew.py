"""Count how often a card is drawn anew without its approval moving on"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column."""
    op.add_column("outbox", sa.Column("redraws", sa.Integer(), server_default="0", nullable=False))
