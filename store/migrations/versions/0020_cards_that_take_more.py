"""Find the message that a card may join"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index."""
    op.create_index(
        "ix_outbox_alike",
        "outbox",
        ["alike", "channel", "id"],
        sqlite_where=sa.text("alike IS NOT NULL"),
        postgresql_where=sa.text("alike IS NOT NULL"),
    )
