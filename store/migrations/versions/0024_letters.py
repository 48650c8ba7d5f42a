"""Who was written to while Slack did not show what waits"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "mails",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("told", JsonText(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_mails")),
    )
