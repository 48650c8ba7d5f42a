"""What a yes said, what people changed on the way, who is asked beside the assignee, and what is lacking for a quorum"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add five columns."""
    op.add_column("decisions", sa.Column("choice", sa.Text(), nullable=True))
    op.add_column("decisions", sa.Column("answer", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("edits", JsonText(), nullable=True))
    op.add_column("approvals", sa.Column("seats", JsonText(), nullable=True))
    op.add_column("approvals", sa.Column("lacking", sa.Text(), nullable=True))
