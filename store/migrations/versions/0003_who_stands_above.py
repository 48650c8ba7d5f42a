"""Who stands above a delegated request, so that what it spends counts for them too"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table; it knows the chains of requests made from now on."""
    op.create_table(
        "delegations",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_delegations_agent_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_delegations_approval_id")),
        sa.PrimaryKeyConstraint("approval_id", "agent_id", name=op.f("pk_delegations")),
    )
    op.create_index("ix_delegations_agent", "delegations", ["agent_id", "at"], unique=False)
