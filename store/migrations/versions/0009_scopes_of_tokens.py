"""What an agent's token may be used for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column; NULL is everything, so that earlier tokens go on."""
    op.add_column("agent_tokens", sa.Column("scopes", sa.Text(), nullable=True))
